// The tiles and tables of an audit. It works with a kernel behind it, as a widget, and without one,
// in a page: then there is nothing to accept, to compare or to export. Texts become text, never
// markup, but for what Python escaped itself (``shown`` of an answer).

const PAGE = 25; // rows in the page; all others are out of the document
const PATIENCE = 15_000; // milliseconds until an answer that does not come is told
const SILENT = "No answer yet. Python may be busy, or may have ended: then ";
const again = () => (document.body.dataset.voila ? "reload this page." : "press Run ▸ Run All Cells.");
const SEVERITIES = ["critical", "high", "medium", "low"];
const collator = new Intl.Collator("en", { numeric: true });

/** An element with attributes, handlers (``onclick``) and children, which are texts or elements. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

let made = 0;
const newId = () => `iamkit-audit-${++made}`;

/** A table: searched, filtered, sorted, in pages; a row opens; its first column stays. */
class Table {
  text = "";
  page = 0;
  sort = null; // [column, direction]
  where = {}; // by column, the values that are wanted
  open = new Set();
  #timer;

  constructor(spec, actions) {
    this.actions = actions;
    this.shown = new Set();
    this.el = make("section", { class: "table", "data-table": spec.id });
    this.take(spec);
  }

  /** Take new rows; what was typed and chosen stays. */
  take(spec) {
    const first = !this.spec;
    this.spec = spec;
    this.columns = new Map(spec.columns.map((column) => [column.name, column]));
    this.size = spec.columns[0].codes.length;
    if (first) this.shown = new Set(spec.columns.filter((c) => c.shown).map((c) => c.name));
    this.open.clear();
    this.#build();
    this.draw();
  }

  cell(row, name) {
    const column = this.columns.get(name);
    return column.values[column.codes[row]];
  }

  /** Show the rows that have these values, of columns by name; all rows without any. */
  filter(where) {
    this.where = { ...where };
    this.page = 0;
    this.#build();
    this.draw();
  }

  get rows() {
    const tests = Object.entries(this.where)
      .filter(([name, values]) => values.length && this.columns.has(name))
      .map(([name, values]) => {
        const column = this.columns.get(name);
        const good = column.values.map((value) =>
          (column.kind === "list" ? value.split(", ") : [value]).some((v) => values.includes(v)),
        );
        return (row) => good[column.codes[row]];
      });
    const words = this.text.toLowerCase().split(/\s+/).filter(Boolean);
    for (const word of words) {
      const columns = this.spec.columns.map(({ values, codes }) => [
        values.map((value) => value.toLowerCase().includes(word)),
        codes,
      ]);
      tests.push((row) => columns.some(([has, codes]) => has[codes[row]]));
    }
    const rows = [];
    for (let row = 0; row < this.size; row++) if (tests.every((test) => test(row))) rows.push(row);
    return this.sort ? this.#sorted(rows) : rows;
  }

  #sorted(rows) {
    const [name, direction] = this.sort;
    const column = this.columns.get(name);
    const order = column.values.map((_, place) => place);
    const rank = (text) =>
      column.kind === "severity" ? SEVERITIES.indexOf(text) + 1 || SEVERITIES.length + 1 : 0;
    order.sort((a, b) => {
      const [one, other] = [column.values[a], column.values[b]];
      return rank(one) - rank(other) || collator.compare(one, other);
    });
    const place = new Map(order.map((code, n) => [code, n]));
    const key = (row) => place.get(column.codes[row]);
    return rows.sort((a, b) => direction * (key(a) - key(b)) || a - b);
  }

  #build() {
    const spec = this.spec;
    this.search = make("input", {
      type: "search",
      placeholder: `Search ${spec.noun}`,
      "aria-label": `Search ${spec.noun}`,
      oninput: () => {
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => {
          this.text = this.search.value;
          this.page = 0;
          this.draw();
        }, 80);
      },
    });
    this.search.value = this.text;
    const facets = spec.columns.filter((column) => column.facet).map((c) => this.#facet(c));
    this.count = make("span", { class: "count", role: "status" });
    this.clear = make("button", { type: "button", onclick: () => this.#reset() }, "Show all");
    this.body = make("tbody");
    this.head = make("tr");
    this.foot = make("div", { class: "bar pages" });
    const table = make("table", {}, make("thead", {}, this.head), this.body);
    this.el.replaceChildren(
      make("h3", {}, spec.title),
      make("div", { class: "bar" }, this.search, ...facets, this.#chooser(), this.clear, this.count),
      make(
        "div",
        { class: "scroll", tabindex: "0", role: "region", "aria-label": spec.title },
        table,
      ),
      this.foot,
    );
  }

  #facet(column) {
    const parts = column.kind === "list" ? column.values.flatMap((v) => v.split(", ")) : column.values;
    const values = [...new Set(parts)].filter(Boolean).sort(collator.compare);
    if (column.kind === "severity")
      values.sort((a, b) => SEVERITIES.indexOf(a) - SEVERITIES.indexOf(b));
    const wanted = this.where[column.name] ?? [];
    const several = wanted.length > 1;
    const select = make(
      "select",
      {
        "data-column": column.name,
        onchange: () => {
          if (select.value === "*") return;
          this.where = { ...this.where, [column.name]: select.value ? [select.value] : [] };
          this.page = 0;
          this.draw();
        },
      },
      make("option", { value: "" }, "all"),
      ...(several ? [make("option", { value: "*" }, wanted.join(" or "))] : []),
      ...values.map((value) => make("option", { value }, value)),
    );
    select.value = several ? "*" : (wanted[0] ?? "");
    if (select.selectedIndex < 0) select.value = "";
    return make("label", {}, `${column.label} `, select);
  }

  #chooser() {
    const boxes = this.spec.columns.slice(1).map((column) => {
      const box = make("input", {
        type: "checkbox",
        onchange: () => {
          if (box.checked) this.shown.add(column.name);
          else this.shown.delete(column.name);
          this.draw();
        },
      });
      box.checked = this.shown.has(column.name);
      return make("label", { title: column.help }, box, ` ${column.label}`);
    });
    return make(
      "details",
      { class: "columns" },
      make("summary", {}, "Columns"),
      make("div", {}, ...boxes),
    );
  }

  #reset() {
    this.text = "";
    this.filter({});
    this.actions.cleared();
    this.search.focus();
  }

  draw() {
    const visible = this.spec.columns.filter((column) => this.shown.has(column.name));
    this.head.replaceChildren(
      make("th", { scope: "col", class: "opener" }, make("span", { class: "hidden" }, "Details")),
      ...visible.map((column) => this.#heading(column)),
    );
    const rows = this.rows;
    const pages = Math.max(1, Math.ceil(rows.length / PAGE));
    this.page = Math.min(this.page, pages - 1);
    const part = rows.slice(this.page * PAGE, (this.page + 1) * PAGE);
    this.body.replaceChildren(...part.flatMap((row) => this.#row(row, visible)));
    const all = rows.length === this.size;
    const [some, every] = [rows.length, this.size].map((n) => n.toLocaleString("en"));
    this.count.textContent = `${all ? every : `${some} of ${every}`} ${this.spec.noun}`;
    this.clear.hidden = all && !this.text;
    this.#turn(pages);
  }

  #turn(pages) {
    const turn = (label, to, off) =>
      make(
        "button",
        { type: "button", disabled: off, onclick: () => ((this.page = to), this.draw()) },
        label,
      );
    this.foot.hidden = pages === 1;
    this.foot.replaceChildren(
      turn("Earlier", this.page - 1, this.page === 0),
      make("span", {}, `Page ${this.page + 1} of ${pages}`),
      turn("Further", this.page + 1, this.page >= pages - 1),
    );
  }

  #heading(column) {
    const [name, direction] = this.sort ?? [];
    const sorted = name === column.name;
    const sign = sorted ? (direction > 0 ? " ▲" : " ▼") : "";
    const button = make(
      "button",
      {
        type: "button",
        title: column.help,
        onclick: () => {
          this.sort = [column.name, sorted ? -direction : 1];
          this.page = 0;
          this.draw();
          this.head.querySelector(`[data-column="${column.name}"] button`).focus();
        },
      },
      `${column.label}${sign}`,
    );
    const order = sorted ? (direction > 0 ? "ascending" : "descending") : undefined;
    return make("th", { scope: "col", "data-column": column.name, "aria-sort": order }, button);
  }

  #row(row, visible) {
    const isOpen = this.open.has(row);
    const name = this.cell(row, this.spec.key);
    const opener = make(
      "button",
      {
        type: "button",
        "aria-expanded": String(isOpen),
        "aria-label": `Details of ${name}`,
        onclick: () => {
          if (isOpen) this.open.delete(row);
          else this.open.add(row);
          this.draw();
          this.body.querySelector(`[data-row="${row}"] .opener button`)?.focus();
        },
      },
      isOpen ? "▾" : "▸",
    );
    const cells = visible.map((column) => {
      const value = this.cell(row, column.name);
      const first = column.name === this.spec.key;
      const link = first && this.actions.open && this.actions.isUser(value);
      const inner = link
        ? make("button", { type: "button", class: "link", onclick: () => this.actions.open(value) }, value)
        : shownValue(column, value);
      return make(first ? "th" : "td", first ? { scope: "row" } : { class: column.kind }, inner);
    });
    const line = make("tr", { "data-row": row }, make("td", { class: "opener" }, opener), ...cells);
    if (!isOpen) return [line];
    const details = make("td", { colspan: visible.length + 1 }, ...this.#details(row));
    return [line, make("tr", { class: "details" }, details)];
  }

  #details(row) {
    const pairs = this.spec.details
      .map((name) => [this.columns.get(name), this.cell(row, name)])
      .filter(([, value]) => value !== "");
    const list = make(
      "dl",
      {},
      ...pairs.flatMap(([column, value]) => [
        make("dt", { title: column.help }, column.label),
        make("dd", {}, column.kind === "code" ? make("pre", { tabindex: "0" }, value) : value),
      ]),
    );
    const extra = this.actions.details?.(this, row);
    return extra ? [list, extra] : [list];
  }
}

/** What stands in a cell: a badge, a day, or the text. */
function shownValue(column, value) {
  if (column.kind === "severity" && value)
    return make("span", { class: `badge ${value}` }, value);
  return column.kind === "time" && /^\d{4}-/.test(value) ? value.slice(0, 10) : breakable(value);
}

/** A text whose long words, such as ARNs, may break behind their signs. */
function breakable(text) {
  const all = document.createDocumentFragment();
  for (const piece of text.split(/(?<=[/:@._=+-])/)) all.append(piece, document.createElement("wbr"));
  return all;
}

/** Tiles, tables and what one can do with them; ``send`` asks Python, and is null without it. */
class View {
  constructor(el, send) {
    this.send = send;
    this.tables = new Map();
    this.el = el;
    this.status = make("div", { class: "status", role: "status" });
    this.tiles = make("div", { class: "tiles", role: "group", "aria-label": "The numbers" });
    this.actionsBar = make("div", { class: "bar actions", hidden: true });
    this.said = make("p", { class: "said", role: "status" });
    this.panel = make("section", { class: "panel", hidden: true, tabindex: "-1" });
    this.history = make("div", { class: "history" });
    this.place = make("div");
    el.classList.add("iamkit-audit");
    // JupyterLab has a meaning of its own for Enter in an output.
    el.addEventListener("keydown", (event) => {
      const form = event.key === "Enter" && event.target.matches("input") && event.target.form;
      if (!form) return;
      event.preventDefault();
      event.stopPropagation();
      form.requestSubmit();
    });
    el.append(
      this.status, this.tiles, this.history, this.actionsBar, this.said, this.panel, this.place,
    );
  }

  progress({ text, done, total } = {}) {
    const bar = total ? make("progress", { max: total, value: done, "aria-label": text }) : null;
    this.status.replaceChildren(...(text ? [bar, ` ${text}`].filter(Boolean) : []));
  }

  take(data) {
    if (data.tiles) this.#drawTiles(data.tiles);
    if (data.history !== undefined) this.history.innerHTML = data.history; // escaped by Python
    for (const spec of data.tables ?? []) {
      if (this.tables.has(spec.id)) {
        this.tables.get(spec.id).take(spec);
        continue;
      }
      const table = new Table(spec, this.#actions());
      this.tables.set(spec.id, table);
      this.place.append(table.el);
    }
    if (data.tables) {
      const names = data.tables.find((t) => t.id === "users")?.columns[0].values ?? [];
      this.users = new Set(names);
      for (const table of this.tables.values()) table.draw();
    }
    if (data.actions && this.send) this.#drawActions(data.actions);
  }

  #actions() {
    return {
      cleared: () => this.#press(null),
      isUser: (name) => this.users?.has(name),
      open: this.send && ((name) => this.#ask({ do: "user", name })),
      details: (table, row) => (this.send && table.spec.id === "findings" ? this.#accept(table, row) : null),
    };
  }

  #drawTiles(tiles) {
    this.tiles.replaceChildren(
      ...tiles.map((tile) =>
        make(
          "button",
          {
            type: "button",
            class: `tile ${tile.tone}`,
            "data-tile": tile.id,
            "aria-pressed": String(this.pressed === tile.id),
            onclick: () => this.#choose(tile),
          },
          make("span", { class: "value" }, tile.text),
          make("span", { class: "label" }, tile.label),
        ),
      ),
    );
  }

  /** Show the rows that a tile counts; once more, all of them. */
  #choose(tile) {
    const table = this.tables.get(tile.table);
    if (!table) return;
    const again = this.pressed === tile.id;
    for (const other of this.tables.values()) if (other === table || !again) other.filter({});
    if (!again) table.filter(tile.where);
    this.#press(again ? null : tile.id);
    if (!again) table.el.scrollIntoView({ block: "nearest" });
  }

  #press(id) {
    this.pressed = id;
    for (const tile of this.tiles.children)
      tile.setAttribute("aria-pressed", String(tile.dataset.tile === id));
  }

  #drawActions({ kept, rule, exports }) {
    const name = make("input", { list: newId(), "aria-label": "A user's name", placeholder: "A user's name" });
    const names = make("datalist", { id: name.getAttribute("list") });
    for (const user of [...(this.users ?? [])].slice(0, 2000)) names.append(make("option", { value: user }));
    const find = (event) => {
      event.preventDefault();
      if (name.value.trim()) this.#ask({ do: "user", name: name.value.trim() });
    };
    const one = make("form", { onsubmit: find }, name, names, make("button", {}, "Show this user"));
    const states = choice("Compare with…", kept.map(({ id, label }) => [id, label]), (id) =>
      this.#ask({ do: "compare", kept: id }),
    );
    const files = choice("Export…", exports, (id) => this.#ask({ do: "export", what: id }));
    if (!kept.length) states.disabled = true;
    this.actionsBar.hidden = false;
    this.actionsBar.replaceChildren(one, states, files, make("span", { class: "soft" }, rule));
  }

  #accept(table, row) {
    if (table.cell(row, "status") === "waived") return null;
    if (table.cell(row, "data").startsWith("there may be more")) return null;
    const [check, principal] = ["check", "principal"].map((column) => table.cell(row, column));
    const day = new Date(Date.now() + 90 * 86400e3).toISOString().slice(0, 10);
    const reason = make("input", { required: true, minlength: "3", placeholder: "why this may be so" });
    const until = make("input", { type: "date", required: true, value: day });
    const form = make(
      "form",
      {
        class: "accept",
        hidden: true,
        onsubmit: (event) => {
          event.preventDefault();
          this.#ask({ do: "accept", check, principal, reason: reason.value, until: until.value });
        },
      },
      make("label", {}, "Reason ", reason),
      make("label", {}, "Until and with ", until),
      make("button", {}, "Write it down"),
    );
    const button = make(
      "button",
      {
        type: "button",
        onclick: () => {
          form.hidden = !form.hidden;
          if (!form.hidden) reason.focus();
        },
      },
      "Accept…",
    );
    return make("div", { class: "bar" }, button, form);
  }

  #ask(message) {
    this.said.textContent = "…";
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => {
      this.answer({ said: SILENT + again(), wrong: true });
    }, PATIENCE);
    this.send(message);
  }

  /** What Python answered: a sentence, something to show, a file to save. */
  answer({ said = "", wrong = false, shown, title, file }) {
    clearTimeout(this.waiting);
    this.said.textContent = said;
    this.said.classList.toggle("wrong", wrong);
    if (shown !== undefined) {
      const close = make("button", { type: "button", onclick: () => (this.panel.hidden = true) }, "Close");
      const inner = make("div");
      inner.innerHTML = shown; // escaped by Python
      this.panel.setAttribute("aria-label", title);
      this.panel.replaceChildren(make("div", { class: "bar" }, close), inner);
      this.panel.hidden = false;
      this.panel.scrollIntoView({ block: "nearest" });
      this.panel.focus({ preventScroll: true });
    }
    if (file) save(file);
  }
}

/** A list to choose an action from, which then shows its label again. */
function choice(label, options, act) {
  const select = make(
    "select",
    {
      "aria-label": label,
      onchange: () => {
        if (select.value) act(select.value);
        select.value = "";
      },
    },
    make("option", { value: "" }, label),
    ...options.map(([value, text]) => make("option", { value }, text)),
  );
  return select;
}

/** Have the browser save a file; its content comes in base64. */
function save({ name, kind, content }) {
  const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
  const url = URL.createObjectURL(new Blob([bytes], { type: kind }));
  const link = make("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
