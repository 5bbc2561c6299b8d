// One part of a policy: a service, what may be done in it, to which of its things, and when.

const MOST_THINGS = 200; // names in a list; the others are found by a search

/** A part; `view` holds the data and what is open, `index` counts from 0. */
function drawPart(view, part, told, index) {
  const { titles } = view;
  const own = told.services ?? [];
  const services = own.length ? own.map(({ service }) => service) : part.services;
  const name =
    services.map((service) => titles.get(service) ?? service).join(", ") || "Nothing yet";
  const does = (own.find(({ why }) => why) ? "" : count(sum(own, "actions"), "action")) || "";
  const wrong = told.wrong ?? {};
  const set = (changes, said = "") => view.setPart(index, changes, said);
  const id = `${view.id}-part-${index}`;
  return h(
    "section",
    { class: "part", "data-key": `part-${index}`, "aria-labelledby": `${id}-name` },
    h(
      "header",
      { "data-key": "header" },
      h("h4", { id: `${id}-name`, tabindex: "-1" }, name, " ", h("small", {}, services.join(", "))),
      h("span", { class: "does" }, does),
      services.length > 1 &&
        button("One part for each service", () => view.ask({ do: "split", part: index }), {
          "data-key": "split",
        }),
      button("Remove", () => view.removePart(index, name), {
        "aria-label": `Remove ${name}`,
        "data-key": "remove",
      }),
    ),
    own.filter(({ why }) => why).map(({ said }) => h("p", { class: "empty" }, said)),
    Object.values(wrong).map((said) => h("p", { class: "wrong", role: "alert" }, `✘ ${said}`)),
    h(
      "div",
      { class: "row", "data-key": "may" },
      h("span", { class: "label" }, "May"),
      h(
        "div",
        { class: "choices", role: "group", "aria-label": `What may be done in ${name}` },
        view.verbs.map(([verb, hint]) => drawVerb(part, told, services, verb, hint, set)),
      ),
    ),
    h(
      "div",
      { class: "row", "data-key": "to" },
      h("span", { class: "label" }, "To"),
      drawThings(view, part, told, name, set),
    ),
    told.leftOut && drawLeftOut(part, told, set),
    drawMore(view, part, services, index, name, set),
  );
}

function drawVerb(part, told, services, verb, hint, set) {
  const on = part.do.includes(verb);
  const available = told.verbs?.[verb] ?? 0;
  const order = ["see", "read", "change", "delete", "tag", "manage access"];
  const isIdle = !on && told.verbs && !available; // before it is told, it may be any
  const flip = () => {
    if (isIdle) return;
    const chosen = on ? part.do.filter((other) => other !== verb) : [...part.do, verb];
    chosen.sort((a, b) => order.indexOf(a) - order.indexOf(b));
    set({ do: chosen, services: part.services.length ? part.services : services });
  };
  return h(
    "button",
    {
      type: "button",
      role: "switch",
      class: "verb",
      "data-key": verb,
      "aria-checked": String(on),
      "aria-disabled": isIdle ? "true" : undefined,
      title: isIdle ? `There is nothing to ${verb}.` : `${hint}: ${count(available, "action")}`,
      onclick: flip,
    },
    h("b", {}, verb),
    h("small", {}, isIdle ? "nothing" : available ? `${hint} · ${available}` : hint),
  );
}

/** The types of things, and of those that are chosen the names. */
function drawThings(view, part, told, name, set) {
  const chosen = new Map();
  for (const text of part.resources) {
    const [kind, ...rest] = text.trim().split(" ");
    if (!chosen.has(kind)) chosen.set(kind, []);
    if (rest.length) chosen.get(kind).push(rest.join(" "));
  }
  const offered = told.kinds ?? [];
  const kinds = [
    ...offered,
    ...[...chosen.keys()]
      .filter((kind) => !offered.some(([it]) => it === kind))
      .map((kind) => [kind, 0]),
  ];
  const setKind = (kind, names) => {
    chosen.set(kind, names);
    if (!names) chosen.delete(kind);
    const texts = [...chosen].flatMap(([it, its]) =>
      its.length ? its.map((n) => `${it} ${n}`) : it,
    );
    set({ resources: texts });
  };
  const several = new Set(kinds.map(([kind]) => kind.split(":")[0])).size > 1;
  const everything = h(
    "button",
    {
      type: "button",
      role: "switch",
      class: "kind",
      "data-key": "everything",
      "aria-checked": String(!chosen.size),
      onclick: () => chosen.size && set({ resources: [] }),
    },
    "everything in it",
  );
  const switches = kinds.map(([kind, actions]) =>
    h(
      "button",
      {
        type: "button",
        role: "switch",
        class: "kind",
        "data-key": kind,
        "aria-checked": String(chosen.has(kind)),
        title: `${kind}: ${count(actions, "action")} of what is chosen`,
        onclick: () => setKind(kind, chosen.has(kind) ? null : []),
      },
      `${inWords(kind)}${several ? ` (${kind.split(":")[0]})` : ""} `,
      h("small", {}, String(actions)),
    ),
  );
  const shown = view.isOpen(`kinds ${name}`)
    ? switches
    : switches.filter((_, i) => i < 6 || chosen.has(kinds[i][0]));
  const rest = switches.length - shown.length;
  return h(
    "div",
    { class: "things" },
    h(
      "div",
      { class: "choices", role: "group", "aria-label": `To which things in ${name}` },
      everything,
      shown,
      rest > 0 &&
        button(`${rest} more…`, () => view.open(`kinds ${name}`), {
          class: "link",
          "data-key": "more",
        }),
    ),
    [...chosen].map(([kind, names]) =>
      drawNames(view, kind, names, name, (its) => setKind(kind, its)),
    ),
  );
}

/** The names of things of one type: those of the account to tick, others to add. */
function drawNames(view, kind, names, part, set) {
  const list = view.thingsOf(kind);
  const word = inWords(kind);
  const key = `${part} ${kind}`;
  const sought = (view.typed.get(key) ?? "").toLowerCase();
  const found = (list?.names ?? []).filter((name) => name.toLowerCase().includes(sought));
  const more = found.length - MOST_THINGS;
  const flip = (name) =>
    set(names.includes(name) ? names.filter((it) => it !== name) : [...names, name]);
  const isLong = (list?.names.length ?? 0) > 8;
  return h(
    "fieldset",
    { class: "names", "data-key": `names ${kind}` },
    h("legend", {}, kind === "s3:object" ? "Objects in which buckets" : `Which ${word}`),
    drawChips(names, `every ${word}`, (name) => set(names.filter((it) => it !== name))),
    isLong &&
      h("input", {
        type: "search",
        "data-key": "search",
        placeholder: "search",
        "aria-label": `Search ${word}`,
        value: view.typed.get(key) ?? "",
        oninput: (event) => view.type(key, event.target.value),
      }),
    found.length > 0 &&
      h(
        "div",
        {
          class: "list",
          "data-key": "list",
          role: "group",
          "aria-label": `${word} in the account`,
          tabindex: isLong ? "0" : undefined,
        },
        found.slice(0, MOST_THINGS).map((name) =>
          h(
            "label",
            { "data-key": name },
            h("input", {
              type: "checkbox",
              checked: names.includes(name),
              onchange: () => flip(name),
            }),
            h("span", {}, name),
          ),
        ),
        more > 0 && h("span", { "data-key": " more" }, `and ${more} more: search`),
      ),
    list &&
      !list.names.length &&
      h("p", { class: "soft" }, list.note || "There are none in the account yet."),
    list && isLong && !found.length && h("p", { class: "soft" }, "None is found."),
    drawAdding(
      `Another ${word}, by name`,
      kind === "s3:object" ? "reports/2027/*" : "name, or with a *",
      (text) => names.includes(text) || set([...names, text]),
    ),
  );
}

function drawLeftOut(part, { leftOut, widening }, set) {
  const add = () => set({ resources: [...part.resources, widening] });
  return h(
    "div",
    { class: "empty", "data-key": "left" },
    `${leftOut} `,
    widening && button(`Add every ${inWords(widening)}`, add, { class: "link" }),
  );
}

/** Conditions and single actions: folded as long as there are none. */
function drawMore(view, part, services, index, name, set) {
  const tags = Object.entries(part.tagged).map(([key, value]) => `${key}=${value}`);
  const conditions = [
    part.with_mfa && "with MFA",
    part.from_addresses.length && `from ${part.from_addresses.join(", ")}`,
    part.until && `until ${part.until}`,
    tags.length && `tagged ${tags.join(", ")}`,
  ].filter(Boolean);
  const without = (tag) =>
    Object.fromEntries(
      Object.entries(part.tagged).filter(([key, value]) => `${key}=${value}` !== tag),
    );
  const split = (text) => [text.split("=")[0].trim(), text.split("=").slice(1).join("=").trim()];
  return [
    h(
      "details",
      {
        class: "when",
        "data-key": "when",
        open: view.isOpen(`when ${index}`) || conditions.length > 0,
      },
      h(
        "summary",
        {},
        h("span", { class: "label" }, "Only"),
        conditions.join(", ") || "always, from anywhere",
      ),
      h(
        "div",
        { class: "fields" },
        h(
          "label",
          { class: "tick" },
          h("input", {
            type: "checkbox",
            checked: part.with_mfa,
            onchange: () => set({ with_mfa: !part.with_mfa }),
          }),
          "only with MFA",
        ),
        h(
          "label",
          {},
          "last day ",
          h("input", {
            type: "date",
            value: part.until,
            onchange: (event) => set({ until: event.target.value }),
          }),
        ),
        h(
          "div",
          { class: "several" },
          drawChips(part.from_addresses, "", (it) =>
            set({ from_addresses: part.from_addresses.filter((a) => a !== it) }),
          ),
          drawAdding("only from", "203.0.113.0/24", (text) =>
            set({ from_addresses: [...part.from_addresses, text] }),
          ),
        ),
        h(
          "div",
          { class: "several" },
          drawChips(tags, "", (tag) => set({ tagged: without(tag) })),
          drawAdding("only tagged", "team=web", (text) =>
            set({ tagged: { ...part.tagged, [split(text)[0]]: split(text)[1] } }),
          ),
        ),
      ),
    ),
    drawActions(view, part, services, index, name, set),
  ];
}

/** Single actions, beside the verbs. */
function drawActions(view, part, services, index, name, set) {
  const key = `actions ${index}`;
  const found = view.found.get(key)?.filter(([action]) => !part.actions.includes(action)) ?? [];
  const add = (action) => set({ actions: [...part.actions, action] });
  return h(
    "details",
    { class: "singles", "data-key": "singles", open: part.actions.length > 0 },
    h(
      "summary",
      {},
      h("span", { class: "label" }, "And"),
      part.actions.length ? count(part.actions.length, "single action") : "no single actions",
    ),
    h(
      "div",
      { class: "fields" },
      drawChips(part.actions, "", (it) =>
        set({ actions: part.actions.filter((other) => other !== it) }),
      ),
      h("input", {
        type: "search",
        "data-key": "search",
        placeholder: "such as terminate instance",
        "aria-label": `Find an action of ${name}`,
        value: view.typed.get(key) ?? "",
        oninput: (event) => view.seekActions(index, services, key, event.target.value),
      }),
      found.length > 0 &&
        h(
          "div",
          {
            class: "list",
            "data-key": "list",
            role: "group",
            "aria-label": "Actions found",
            tabindex: "0",
          },
          found.map(([action, level]) =>
            button(action, () => add(action), { class: "link", "data-key": action, title: level }),
          ),
        ),
      view.found.has(key) &&
        !found.length &&
        h("p", { class: "soft" }, "No other action is found."),
    ),
  );
}

/** What is chosen, each with a button that takes it out. */
function drawChips(texts, empty, remove) {
  if (!texts.length) return empty && h("span", { class: "chip soft", "data-key": " all" }, empty);
  return h(
    "ul",
    { class: "chips", "data-key": "chips" },
    texts.map((text) =>
      h(
        "li",
        { class: "chip", "data-key": text },
        text,
        " ",
        button("✕", () => remove(text), { "aria-label": `Take ${text} out` }),
      ),
    ),
  );
}

/** A text that is added when it is typed to its end. */
function drawAdding(label, hint, add) {
  const take = (event) => {
    const text = event.target.value.trim();
    event.target.value = "";
    if (text) add(text);
  };
  return h(
    "label",
    { class: "adding", "data-key": "adding" },
    `${label} `,
    h("input", {
      type: "text",
      placeholder: hint,
      autocomplete: "off",
      spellcheck: "false",
      onchange: take,
    }),
  );
}

function sum(items, name) {
  return items.reduce((total, item) => total + item[name], 0);
}
