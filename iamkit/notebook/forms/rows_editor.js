// A table that a person edits. The rows are held here, so that typing never waits for a busy
// kernel. Python reads what is pasted or dropped, and says of all rows what is wrong with them.
// Texts become text, never markup.

const PAGE = 50; // rows in the page; all others are out of the document
const LEVELS = 50; // of undo

export default () => {
  let edits;
  return {
    initialize({ model }) {
      edits = new Edits(model);
    },
    render({ model, el }) {
      const view = new View(model, edits, el);
      return () => view.close();
    },
  };
};

/** The rows and what has been done to them; one for all views of a table. */
class Edits extends EventTarget {
  said = ""; // what was done last, or what is wrong with what was pasted
  #past = [];

  constructor(model) {
    super();
    this.model = model;
    model.on("change", () => this.#changed());
    model.on("msg:custom", ({ rows, said }) => (rows ? this.take(rows) : this.say(said)));
  }

  get rows() {
    return this.model.get("rows");
  }

  get canUndo() {
    return this.#past.length > 0;
  }

  say(text) {
    this.said = text;
    this.#changed();
  }

  set(index, column, text) {
    const rows = this.rows.with(index, { ...this.rows[index], [column]: text });
    this.#commit({ rows }, "");
  }

  add() {
    this.#commit({ rows: [...this.rows, {}] }, "");
  }

  remove(index, name) {
    // Until Python has checked anew, what it said of the rows below moves up with them.
    const problems = this.model
      .get("problems")
      .filter(({ row }) => row !== index)
      .map((problem) => ({ ...problem, row: problem.row - (problem.row > index) }));
    const others = (_, i) => i !== index;
    const notes = this.model.get("notes").filter(others);
    const said = `${name} is out of this list. ${this.model.get("removal")}`;
    this.#commit({ rows: this.rows.filter(others), problems, notes }, said);
  }

  /** Put rows in: cells that are given replace those of a row of the same name, in any case. */
  take(taken) {
    this.dispatchEvent(new Event("save")); // what somebody is typing
    const key = this.model.get("columns")[0].name;
    const rows = this.rows.filter((row) => Object.values(row).some(Boolean));
    const nameOf = (row) => (row[key] ?? "").toLowerCase(); // IAM tells no names apart by case
    const places = new Map(rows.map((row, index) => [nameOf(row), index]));
    const counts = { added: 0, replaced: 0, unchanged: 0 };
    for (const row of taken) {
      const place = places.get(nameOf(row));
      places.delete(nameOf(row)); // given twice, both are shown, and Python says so
      if (place === undefined) {
        rows.push(row);
        counts.added += 1;
        continue;
      }
      const old = rows[place];
      const taken = { ...row, [key]: old[key] };
      const isOther = Object.keys(taken).some((column) => taken[column] !== (old[column] ?? ""));
      counts[isOther ? "replaced" : "unchanged"] += 1;
      rows[place] = { ...old, ...taken };
    }
    const { added, replaced, unchanged } = counts;
    const rest = unchanged ? `, ${unchanged} unchanged` : "";
    const said = `${added} added, ${replaced} replaced${rest}.`;
    if (added + replaced) this.#commit({ rows }, said);
    else this.say(said);
  }

  undo() {
    const { state, said } = this.#past.pop();
    this.said = said ? `Taken back: ${said}` : "The last change is taken back.";
    this.#send(state);
  }

  #commit(next, said) {
    const state = Object.fromEntries(Object.keys(next).map((key) => [key, this.model.get(key)]));
    this.#past = [...this.#past.slice(1 - LEVELS), { state, said }];
    this.said = said;
    this.#send(next);
  }

  #send(state) {
    this.model.set(state);
    this.model.save_changes();
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}

/** One display of the table. */
class View {
  #closing = new AbortController();
  #lines = [];
  #page = 0;
  #shown = []; // indexes of the rows that the search finds; an edit hides none of them
  #length = -1;
  #isPressed = false; // a mouse button

  constructor(model, edits, el) {
    this.model = model;
    this.edits = edits;
    this.columns = model.get("columns");
    this.id = `rows-${crypto.getRandomValues(new Uint32Array(1))[0]}`;
    this.#build(el);
    const { signal } = this.#closing;
    edits.addEventListener("change", () => this.show(), { signal });
    edits.addEventListener("save", () => this.#save(), { signal });
    this.show();
  }

  close() {
    this.#closing.abort();
  }

  /** Bring what is displayed up to date with the rows. */
  show() {
    if (this.#isPressed) return; // what is being clicked stays where it is
    const { rows, said, canUndo } = this.edits;
    if (rows.length !== this.#length) this.#find();
    this.#page = Math.max(0, Math.min(this.#page, Math.ceil(this.#shown.length / PAGE) - 1));
    const start = this.#page * PAGE;
    const visible = this.#shown.slice(start, start + PAGE);
    const problems = Map.groupBy(this.model.get("problems"), ({ row }) => row);
    const notes = this.model.get("notes");
    while (this.#lines.length > visible.length) this.#lines.pop().element.remove();
    while (this.#lines.length < visible.length) {
      const line = new Line(this, this.#lines.length);
      this.#lines.push(line);
      this.body.append(line.element);
    }
    visible.forEach((index, i) => {
      this.#lines[i].show(index, rows[index], problems.get(index) ?? [], notes[index] ?? "");
    });
    this.table.classList.toggle("with-notes", notes.some(Boolean));
    setText(this.status, said);
    this.undo.disabled = !canUndo;
    this.#showCounts(visible.length, problems.size);
  }

  #save() {
    for (const line of this.#lines) for (const cell of line.cells.values()) cell.save();
  }

  #showCounts(visible, wrong) {
    const found = this.#shown.length;
    const all = this.edits.rows.length;
    const start = this.#page * PAGE;
    const of = found === all ? count(all) : `${count(found)} found, of ${count(all)}`;
    const empty = all ? "No row is found." : "No rows yet: add one, or drop a CSV file.";
    setText(this.range, visible ? `Rows ${start + 1} to ${start + visible} of ${of}` : empty);
    this.previous.disabled = start === 0;
    this.next.disabled = start + PAGE >= found;
    this.previous.hidden = this.next.hidden = found <= PAGE;
    const need = wrong === 1 ? "row needs" : "rows need";
    setText(this.wrong, wrong && `⚠ ${count(wrong)} ${need} mending.`);
    this.onlyWrong.hidden = !wrong && !this.isOnlyWrong;
    this.onlyWrong.setAttribute("aria-pressed", this.isOnlyWrong);
  }

  get isOnlyWrong() {
    return this.onlyWrong.getAttribute("aria-pressed") === "true";
  }

  /** Search anew. */
  #find() {
    const { rows } = this.edits;
    const sought = this.search.value.trim().toLowerCase();
    const wrong = new Set(this.model.get("problems").map(({ row }) => row));
    const isSought = (row) => Object.values(row).join("\n").toLowerCase().includes(sought);
    this.#length = rows.length;
    this.#shown = [...rows.keys()].filter(
      (index) => (!sought || isSought(rows[index])) && (!this.isOnlyWrong || wrong.has(index)),
    );
  }

  #findFromStart() {
    this.#page = 0;
    this.#find();
    this.show();
  }

  #turn(pages) {
    this.#page += pages;
    this.show();
    this.scroller.scrollTop = 0;
    const button = pages > 0 ? this.next : this.previous;
    if (button.disabled) (pages > 0 ? this.previous : this.next).focus();
  }

  /** Add a row, and go to its first cell. */
  add(column = this.columns[0].name) {
    this.search.value = "";
    this.onlyWrong.setAttribute("aria-pressed", false);
    this.edits.add();
    this.#focus(this.#shown.length - 1, column);
  }

  /** Go to the same cell in the row below a line; below the last row is a new one. */
  goBelow(line, column) {
    const place = this.#page * PAGE + line + 1;
    if (place < this.#shown.length) this.#focus(place, column);
    else this.add(column);
  }

  remove(index, name) {
    const line = this.#lines.findIndex((it) => it.index === index);
    this.edits.remove(index, name);
    const next = this.#lines[Math.min(line, this.#lines.length - 1)];
    (next?.removal ?? this.adding).focus();
  }

  /** Offer a column's choices to an input; in a list, after the items that it has. */
  offer(input, column) {
    const { kind, choices } = this.model.get("columns").find(({ name }) => name === column);
    const start = kind === "list" ? input.value.slice(0, input.value.lastIndexOf(";") + 1) : "";
    const taken = start.split(";").map((item) => item.trim());
    const offered = choices.filter((choice) => !taken.includes(choice));
    const options = offered.map((choice) => h("option", { value: start + choice }));
    this.choices.replaceChildren(...options);
  }

  #focus(place, column) {
    this.#page = Math.floor(place / PAGE);
    this.show();
    this.#lines[place % PAGE].cells.get(column).input.focus();
  }

  #paste(event) {
    const text = event.clipboardData.getData("text/plain");
    if (event.target === this.search || !/[\t\n]/.test(text.trimEnd())) return;
    event.preventDefault();
    const column = event.target.closest("[data-column]")?.dataset.column;
    this.edits.model.send({ text, column: column ?? this.columns[0].name });
  }

  async #read(files) {
    for (const file of files) {
      this.edits.say(`Reading ${file.name}…`);
      try {
        const bytes = await file.slice(0, this.model.get("max_bytes") + 1).arrayBuffer();
        this.model.send({ file: file.name }, undefined, [bytes]);
      } catch (error) {
        this.edits.say(`${file.name} cannot be read: ${error.message}`);
      }
    }
  }

  #build(el) {
    const noun = this.model.get("noun");
    const label = this.model.get("label");
    this.search = h("input", { type: "search", oninput: () => this.#findFromStart() });
    this.adding = button(`Add a ${noun}`, () => this.add());
    this.undo = button("Undo", () => {
      this.edits.undo();
      if (this.undo.disabled) this.adding.focus();
    });
    this.file = h("input", { type: "file", accept: ".csv,text/csv" });
    this.file.onchange = () => {
      this.#read([...this.file.files]);
      this.file.value = ""; // the same file can be chosen again
    };
    this.status = h("span", { role: "status" });
    this.wrong = h("span", { role: "status" });
    this.onlyWrong = button("Show only these", () => {
      this.onlyWrong.setAttribute("aria-pressed", !this.isOnlyWrong);
      this.#findFromStart();
    });
    this.onlyWrong.setAttribute("aria-pressed", false);
    this.body = h("tbody");
    this.table = h("table", { ariaLabel: label }, h("thead", {}, this.#heading()), this.body);
    this.scroller = h("div", { className: "scroller" }, this.table);
    this.choices = h("datalist", { id: `${this.id}-choices` });
    this.range = h("span", { role: "status" });
    this.previous = button("Previous", () => this.#turn(-1));
    this.next = button("Next", () => this.#turn(1));
    const root = h(
      "div",
      { className: "rows-editor", role: "group", ariaLabel: label },
      h(
        "div",
        { className: "bar" },
        h("label", {}, `Find a ${noun} `, this.search),
        this.adding,
        h("label", { className: "file" }, "Choose a CSV file", this.file),
        this.undo,
      ),
      h("p", {}, "Paste rows from a spreadsheet into a cell, or drop a CSV file here."),
      h("div", { className: "bar news" }, this.status, this.wrong, this.onlyWrong),
      this.scroller,
      h("div", { className: "bar" }, this.range, this.previous, this.next),
      this.#help(),
      this.choices,
    );
    this.#listen(root);
    el.replaceChildren(root);
  }

  #heading() {
    const headings = this.columns.map((column) => {
      const [label, ...terms] = named(column);
      const small = terms.map((term) => h("small", {}, term));
      return h("th", { scope: "col", title: column.help }, label, ...small);
    });
    const number = h("th", { scope: "col" }, hidden("Row"));
    const notes = h("th", { scope: "col", className: "note" }, this.model.get("notes_label"));
    return h("tr", {}, number, ...headings, notes, h("th", { scope: "col" }, hidden("Remove")));
  }

  #help() {
    const lines = this.columns.flatMap((column) => [
      h("dt", {}, named(column).join(" · ")),
      h("dd", {}, column.help),
    ]);
    const keys = "Enter goes to the cell below, and adds a row at the end.";
    const removal = `✕ takes a row out of this list. ${this.model.get("removal")}`;
    const paragraphs = [keys, removal].map((text) => h("p", {}, text));
    return h("details", {}, h("summary", {}, "Help"), h("dl", {}, ...lines), ...paragraphs);
  }

  #listen(root) {
    const hover = (isOver) => root.classList.toggle("over", isOver);
    root.onkeydown = (event) => {
      // JupyterLab would act on keys typed here: d d deletes the notebook's cell. Saving is fine.
      const isSaving = (event.ctrlKey || event.metaKey) && event.key === "s";
      if (!isSaving) event.stopPropagation();
    };
    root.onpointerdown = () => {
      this.#isPressed = true;
    };
    const released = () => {
      this.#isPressed = false;
      setTimeout(() => this.show()); // after the click
    };
    const { signal } = this.#closing;
    addEventListener("pointerup", released, { signal });
    addEventListener("pointercancel", released, { signal });
    root.onpaste = (event) => this.#paste(event);
    root.ondragover = (event) => {
      event.preventDefault();
      hover(true);
    };
    root.ondragleave = (event) => hover(root.contains(event.relatedTarget));
    root.ondrop = (event) => {
      event.preventDefault();
      hover(false);
      this.#read([...event.dataTransfer.files]);
    };
  }
}

/** A row of the page, which displays now this row of the table and now that. */
class Line {
  constructor(view, line) {
    this.number = h("th", { scope: "row" });
    this.cells = new Map(
      view.columns.map((column) => [column.name, new Cell(view, this, line, column)]),
    );
    this.note = h("td", { className: "note" });
    this.removal = button("✕", () => view.remove(this.index, this.name));
    this.removal.title = `Remove from this list. ${view.model.get("removal")}`;
    const cells = [...this.cells.values()].map(({ element }) => element);
    this.element = h("tr", {}, this.number, ...cells, this.note, h("td", {}, this.removal));
  }

  show(index, row, problems, note) {
    const [first] = this.cells.keys();
    this.index = index;
    this.name = row[first] || `row ${index + 1}`;
    setText(this.number, index + 1);
    setText(this.note, note);
    this.removal.ariaLabel = `Remove ${this.name} from this list`;
    for (const [column, cell] of this.cells) {
      const own = problems.filter((problem) => (problem.column || first) === column);
      cell.show(row[column] ?? "", this.name, own.map(({ message }) => message).join("; "));
    }
  }
}

/** A field, and what is wrong with it. */
class Cell {
  #shown = "";

  constructor(view, line, position, column) {
    this.view = view;
    this.line = line;
    this.position = position;
    this.column = column;
    this.isTruth = column.kind === "yes_no";
    this.input = h("input", { type: this.isTruth ? "checkbox" : "text", autocomplete: "off" });
    this.input.spellcheck = false;
    this.input.onchange = () => this.save();
    this.input.onkeydown = (event) => this.#pressed(event);
    if (!this.isTruth) {
      this.input.setAttribute("list", view.choices.id);
      this.input.onfocus = this.input.oninput = () => view.offer(this.input, column.name);
    }
    const id = `${view.id}-${position}-${column.name}`;
    this.error = h("div", { id, className: "error" });
    this.element = h("td", { className: column.kind }, this.input, this.error);
    this.element.dataset.column = column.name;
  }

  /** Put what was typed into the rows. */
  save() {
    const text = this.#text();
    if (text === this.#shown) return;
    this.#shown = text;
    this.view.edits.set(this.line.index, this.column.name, text);
  }

  show(text, name, message) {
    if (this.isTruth) {
      this.input.checked = text === "yes";
      this.input.indeterminate = text !== "yes" && text !== "";
      this.#shown = text;
    } else if (this.input !== document.activeElement || this.#text() === this.#shown) {
      this.input.value = text;
      this.#shown = this.input.value; // without line breaks
      this.input.title = text;
    }
    this.input.ariaLabel = `${this.column.term} of ${name}`;
    setText(this.error, message && `⚠ ${message}`);
    setAttribute(this.input, "aria-invalid", message && "true");
    setAttribute(this.input, "aria-describedby", message && this.error.id);
  }

  #text() {
    if (!this.isTruth) return this.input.value;
    if (this.input.indeterminate) return this.#shown; // neither yes nor no
    return this.input.checked ? "yes" : "";
  }

  #pressed(event) {
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    this.save();
    this.view.goBelow(this.position, this.column.name);
  }
}

function h(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

function button(text, onclick) {
  return h("button", { type: "button", onclick }, text);
}

function hidden(text) {
  return h("span", { className: "hidden" }, text);
}

/** Set a text if it is another one: a live region speaks again whenever it is set. */
function setText(element, text) {
  if (element.textContent !== String(text || "")) element.textContent = text || "";
}

function setAttribute(element, name, value) {
  if (value) element.setAttribute(name, value);
  else element.removeAttribute(name);
}

/** A column's name in plain words, and beside them what AWS calls it. */
function named({ label, term }) {
  return label.toLowerCase() === term.toLowerCase() ? [label] : [label, term];
}

function count(number) {
  return number.toLocaleString("en");
}
