// The studio: the choices are Python's, and so is what they come to; here they are drawn, and what
// somebody does to them is reported.

const MOST_HOLDERS = 200; // in a list to choose from; of more one types the name

export default {
  render({ model, el }) {
    const view = new View(model, el);
    return () => view.close();
  },
};

class View {
  typed = new Map(); // what stands in search fields
  found = new Map(); // single actions, by the field in which they were sought
  #open = new Set();
  #closing = new AbortController();
  #asked = new Set();
  #pending;

  constructor(model, el) {
    this.model = model;
    this.id = `studio-${crypto.getRandomValues(new Uint32Array(1))[0]}`;
    this.services = model.get("services");
    this.titles = new Map(this.services.map(([service, title]) => [service, title]));
    this.verbs = model.get("verbs");
    this.search = new ServiceSearch(this);
    el.classList.add("iamkit-studio-room");
    this.root = el.appendChild(
      h("div", { class: "iamkit-studio", role: "group", "aria-label": "Policy studio" }),
    );
    this.changed = () => this.draw();
    this.told = (message) => this.#take(message);
    model.on("change", this.changed);
    model.on("msg:custom", this.told);
    this.root.addEventListener("keydown", (event) => this.#press(event));
    this.#measure();
    this.draw();
  }

  close() {
    this.model.off("change", this.changed);
    this.model.off("msg:custom", this.told);
    this.#closing.abort();
    this.sizes.disconnect();
  }

  draw() {
    const { parts, name, holder } = this.model.get("choices");
    const told = this.model.get("told");
    const next = h(
      "div",
      {},
      h(
        "div",
        { class: "parts" },
        this.#drawTop(),
        parts.map((part, index) => drawPart(this, part, told.parts?.[index] ?? {}, index)),
        this.#drawHolder(name, holder, told.fields ?? {}),
      ),
      drawOutcome(this, told),
    );
    morphChildren(this.root, next);
  }

  /** Put other choices in the place of those that there are. */
  commit(changes, said = "") {
    this.model.set({ choices: { ...this.model.get("choices"), ...changes }, said, can_undo: true });
    this.model.save_changes();
  }

  setPart(index, changes, said) {
    const { parts } = this.model.get("choices");
    this.commit({ parts: parts.with(index, { ...parts[index], ...changes }) }, said);
  }

  addPart(service) {
    const { parts } = this.model.get("choices");
    const part = {
      do: [],
      services: [service],
      actions: [],
      resources: [],
      with_mfa: false,
      from_addresses: [],
      until: "",
      tagged: {},
    };
    this.commit(
      { parts: [...parts, part] },
      `${this.titles.get(service)} is added: switch on what may be done.`,
    );
    this.root.querySelector(`[data-key="part-${parts.length}"] h4`)?.focus();
  }

  removePart(index, name) {
    const { parts } = this.model.get("choices");
    this.commit(
      { parts: parts.filter((_, i) => i !== index) },
      `${name} is taken out. Undo brings it back.`,
    );
    this.search.input?.focus();
  }

  ask(message) {
    this.model.send(message);
  }

  /** The names of things that there are; they are asked for when they are first needed. */
  thingsOf(kind) {
    const things = this.model.get("things");
    const known = Object.hasOwn(things, kind);
    if (!this.#asked.has(kind)) {
      this.#asked.add(kind);
      if (!known) this.ask({ do: "things", kind });
    }
    return known ? things[kind] : undefined;
  }

  seekActions(part, services, key, words) {
    this.typed.set(key, words);
    clearTimeout(this.#pending);
    this.#pending = setTimeout(() => this.ask({ do: "actions", part, services, words }), 150);
  }

  type(key, text) {
    this.typed.set(key, text);
    this.draw();
  }

  isOpen(key) {
    return this.#open.has(key);
  }

  open(key) {
    this.#open.add(key);
    this.draw();
  }

  flip(key) {
    if (!this.#open.delete(key)) this.#open.add(key);
    this.draw();
  }

  #take({ part, words, actions }) {
    const key = `actions ${part}`;
    if (this.typed.get(key) !== words) return;
    if (words.trim()) this.found.set(key, actions);
    else this.found.delete(key);
    this.draw();
  }

  #drawTop() {
    const undo = () => this.ask({ do: "undo" });
    const notes = this.model.get("notes");
    return h(
      "div",
      { class: "top", "data-key": "top" },
      this.search.draw(),
      button("Undo", undo, {
        "aria-disabled": this.model.get("can_undo") ? null : "true",
        title: "Ctrl+Z",
      }),
      this.#drawOpening(),
      h(
        "div",
        { class: "said", role: "status" },
        this.model.get("said"),
        notes.length > 0 &&
          h(
            "ul",
            {},
            notes.map((text) => h("li", {}, text)),
          ),
      ),
    );
  }

  #drawOpening() {
    const open = (event) => {
      const source = event.target.closest("details").querySelector("input").value.trim();
      if (source) this.ask({ do: "open", source });
    };
    return h(
      "details",
      { class: "opening", "data-key": "opening" },
      h("summary", {}, "Open a policy…"),
      h(
        "div",
        {},
        h(
          "label",
          {},
          "A policy of the account, or a file ",
          h("input", {
            type: "text",
            list: `${this.id}-policies`,
            autocomplete: "off",
            onkeydown: (event) => event.key === "Enter" && open(event),
          }),
        ),
        this.#drawNames("policies"),
        button("Open it as parts", open),
      ),
    );
  }

  #drawHolder(name, holder, wrong) {
    const holders = this.model.get("holders");
    const said = [wrong.policy_name, wrong.policy_holder].filter(Boolean);
    return h(
      "section",
      { class: "part who", "data-key": "who", "aria-label": "Who gets it" },
      h("h4", {}, "Who gets it"),
      h(
        "div",
        { class: "fields" },
        h("label", {}, "Holder ", this.#drawChoice(holder, holders)),
        h(
          "label",
          {},
          "Name ",
          h("input", {
            type: "text",
            value: name,
            "aria-label": "Name",
            autocomplete: "off",
            spellcheck: "false",
            onchange: (event) => this.commit({ name: event.target.value.trim() }),
          }),
        ),
      ),
      said.map((text) => h("p", { class: "wrong", role: "alert" }, `✘ ${text}`)),
    );
  }

  #drawChoice(holder, holders) {
    const properties = {
      "aria-label": "Holder",
      onchange: (event) => this.commit({ holder: event.target.value.trim() }),
    };
    if (holders.length > MOST_HOLDERS) {
      const list = `${this.id}-holders`;
      return [
        h("input", {
          type: "text",
          value: holder,
          list,
          autocomplete: "off",
          placeholder: "group dev",
          ...properties,
        }),
        this.#drawNames("holders"),
      ];
    }
    const isKnown = !holder || holders.includes(holder);
    const options = [
      ["", "nobody yet"],
      ...(isKnown ? [] : [[holder, `${holder} (not there yet)`]]),
      ...holders.map((it) => [it, it]),
    ];
    return h(
      "select",
      properties,
      options.map(([value, text]) => h("option", { value, selected: value === holder }, text)),
    );
  }

  /** Names to choose from while one types; they are drawn once. */
  #drawNames(trait) {
    const names = this.model.get(trait);
    const key = `${trait} ${names.length}`;
    const isDrawn = this.root.querySelector(`datalist[data-key="${key}"]`);
    const options = isDrawn ? [] : names.map((value) => h("option", { value }));
    return h("datalist", { id: `${this.id}-${trait}`, "data-key": key }, options);
  }

  #press(event) {
    const isText = event.target.matches("input:not([type=checkbox])");
    const command = event.ctrlKey || event.metaKey;
    if (command && event.key === "z" && !event.shiftKey && !isText) {
      event.preventDefault();
      this.ask({ do: "undo" });
    }
    // JupyterLab would act on keys pressed here: d d deletes the notebook's cell. Saving is fine.
    if (!(command && event.key === "s")) event.stopPropagation();
  }

  /** How much room what stays in view has: below the bar of the workbench, in what scrolls. */
  #measure() {
    this.sizes = new ResizeObserver(() => this.#fit());
    requestAnimationFrame(() => {
      this.bar = this.root.closest(".iamkit-workbench")?.querySelector(".iamkit-bar");
      this.scroller = scrollerOf(this.root);
      for (const element of [this.bar, this.scroller]) if (element) this.sizes.observe(element);
      this.#fit();
    });
  }

  #fit() {
    const bar = this.bar?.offsetHeight ?? 0;
    const room = Math.min(this.scroller?.clientHeight ?? innerHeight, innerHeight) - bar;
    this.root.style.setProperty("--bar", `${bar}px`);
    this.root.style.setProperty("--room", `${Math.max(room, 200)}px`);
  }
}

function scrollerOf(element) {
  for (let one = element.parentElement; one; one = one.parentElement)
    if (/auto|scroll/.test(getComputedStyle(one).overflowY) && one.scrollHeight > one.clientHeight)
      return one;
  return document.documentElement;
}
