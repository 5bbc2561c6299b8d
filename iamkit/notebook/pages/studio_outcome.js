// What the choices come to: in words, what to mind, how large it is, what it does to people.

const SENTENCES = 6; // in view; the others fold
const MARKS = { error: "✘", warning: "⚠", hint: "·" };

/** The outcome beside the parts; below them, in a narrow page, a bar that opens. */
function drawOutcome(view, told) {
  const open = view.isOpen("outcome");
  const { meaning, minds, dangers, paths, policy } = told;
  const idle = !meaning && (told.wrong || "Nothing is chosen yet: search a service above.");
  const words = idle ? [idle] : inShort(told);
  return h(
    "aside",
    {
      class: `outcome${open ? " open" : ""}${idle ? " idle" : ""}`,
      "aria-label": "What it comes to",
    },
    h(
      "div",
      { class: "strip" },
      h(
        "p",
        { role: "status" },
        words.map((text) => h("span", { class: `fact ${gradeOf(text)}` }, text)),
      ),
      !idle &&
        button(open ? "Less" : "More", () => view.flip("outcome"), {
          "aria-expanded": String(open),
          class: "more",
        }),
    ),
    !idle &&
      h(
        "div",
        { class: "body", tabindex: "0", role: "group", "aria-label": "The policy in words" },
        h("h4", {}, "What it means"),
        drawSentences(meaning),
        h("h4", {}, "What to mind"),
        drawMinds(minds, dangers, paths),
        h("h4", {}, "Its size"),
        drawGauge(told.size),
        h("h4", {}, "What it does to people"),
        drawPeople(told),
        h(
          "details",
          { class: "text", "data-key": "text" },
          h("summary", {}, "The policy as text, other quotas"),
          h("pre", { tabindex: "0" }, policy),
          told.sizes.map(drawGauge),
        ),
      ),
  );
}

/** The outcome on a line or three. */
function inShort({ size, minds, dangers, paths, meaning, effect }) {
  const grave = minds.filter(([severity]) => severity !== "hint").length + paths.length;
  const may = dangers.length && `may ${dangers.map(([what]) => what).join(", ")}`;
  const mind = [grave && `${grave} to mind`, may].filter(Boolean).join(" · ");
  const room = size.limit ? `${amount(size.size)} of ${amount(size.limit)} characters` : "";
  const fits = { fits: room, "too large": `✘ ${room}: too large`, unsure: `⚠ ${room}` };
  return [
    `${count(meaning.length, "statement")}: ${meaning[0]}`,
    mind ? `⚠ ${mind}` : "✔ nothing to mind",
    fits[size.verdict] ?? "⚠ its size cannot be told",
    effect,
  ];
}

function gradeOf(text) {
  return text.startsWith("✘") ? "bad" : text.startsWith("⚠") ? "unsure" : "";
}

function drawSentences(sentences) {
  const items = (texts) =>
    h(
      "ul",
      {},
      texts.map((text) => h("li", {}, text)),
    );
  const rest = sentences.slice(SENTENCES);
  return [
    items(sentences.slice(0, SENTENCES)),
    rest.length > 0 && h("details", {}, h("summary", {}, `and ${rest.length} more`), items(rest)),
  ];
}

function drawMinds(minds, dangers, paths) {
  const lines = [
    ...paths.map((text) => ["error", text]),
    ...minds,
    ...dangers.map(([what, actions]) => [
      "warning",
      `It lets people ${what} (${count(actions, "action")}).`,
    ]),
  ];
  if (!lines.length) return h("p", { class: "good" }, "✔ Nothing.");
  const grade = { error: "bad", warning: "unsure", hint: "soft" };
  return h(
    "ul",
    { class: "minds" },
    lines.map(([severity, text]) =>
      h("li", { class: grade[severity] }, `${MARKS[severity]} ${text}`),
    ),
  );
}

function drawGauge(gauge) {
  const { quota, size, limit, verdict } = gauge;
  if (!limit)
    return h(
      "p",
      { class: "unsure" },
      `⚠ ${quota}: it cannot be told, for want of the others' text.`,
    );
  const told = `${amount(size)} of ${amount(limit)} characters`;
  const end = {
    fits: "",
    "too large": `: ${amount(size - limit)} too many`,
    unsure: ": whether that fits cannot be told",
  }[verdict];
  const share = Math.min(100, Math.round((100 * size) / limit));
  return h(
    "div",
    { class: `gauge ${verdict === "fits" ? "" : "bad"}` },
    h("span", {}, quota),
    h("span", { class: "track", "aria-hidden": "true" }, h("span", { style: `width: ${share}%` })),
    h("span", {}, `${verdict === "fits" ? "" : "✘ "}${told}${end}`),
  );
}

function drawPeople(told) {
  const heads = ["who", "new", "wider", "less"];
  const unknown = told.rows.some((row) => row[4]);
  const cells = (row) => [
    row[0],
    ...row.slice(1, 4).map((n) => (n ? `${n}` : "–")),
    ...(unknown ? [row[4]] : []),
  ];
  return [
    h("p", {}, told.effect),
    (told.rows.length > 1 || unknown) &&
      h(
        "table",
        {},
        h(
          "thead",
          {},
          h(
            "tr",
            {},
            [...heads, ...(unknown ? ["not known"] : [])].map((head) =>
              h("th", { scope: "col" }, head),
            ),
          ),
        ),
        h(
          "tbody",
          {},
          told.rows.map((row) =>
            h(
              "tr",
              {},
              cells(row).map((cell) => h("td", {}, cell)),
            ),
          ),
        ),
      ),
  ];
}
