// Search: a service by any word of its name or of its things.
const FOUND = 12; // services that a search shows

/** A field in which a service is found by any word of its name or of its things. */
class ServiceSearch {
  #words = "";
  #at = 0;
  #isOpen = false;

  constructor(view) {
    this.view = view;
  }

  get input() {
    return this.view.root.querySelector("[role=combobox]");
  }

  draw() {
    const found = this.#isOpen ? findServices(this.view.services, this.#words) : [];
    const shown = found.slice(0, FOUND);
    this.#at = Math.max(0, Math.min(this.#at, shown.length - 1));
    const id = `${this.view.id}-services`;
    const isOpen = this.#isOpen && this.#words.trim() !== "";
    return h(
      "div",
      { class: "search" },
      h("label", { for: `${id}-input` }, "Add a service"),
      h("input", {
        type: "text",
        id: `${id}-input`,
        role: "combobox",
        autocomplete: "off",
        spellcheck: "false",
        placeholder: "bucket, instance, lambda, queue…",
        "aria-expanded": String(isOpen && shown.length > 0),
        "aria-controls": id,
        "aria-autocomplete": "list",
        "aria-activedescendant": isOpen && shown.length ? `${id}-${this.#at}` : undefined,
        value: this.#words,
        oninput: (event) => this.#type(event.target.value),
        onkeydown: (event) => this.#press(event, shown),
        onblur: () => this.#close(),
      }),
      h(
        "ul",
        { id, role: "listbox", "aria-label": "Services found", hidden: !isOpen || !shown.length },
        shown.map(({ service, title, why }, index) =>
          h(
            "li",
            {
              id: `${id}-${index}`,
              role: "option",
              "data-key": service,
              "aria-selected": String(index === this.#at),
              onmousedown: (event) => event.preventDefault(), // the field keeps the focus
              onclick: () => this.#take(service),
            },
            h("b", {}, title),
            h("small", {}, ` ${service}${why ? ` · ${why}` : ""}`),
          ),
        ),
      ),
      h("span", { class: "hidden", role: "status" }, isOpen ? count(found.length, "service") : ""),
      isOpen &&
        !shown.length &&
        h("p", { class: "none soft" }, "AWS has no service and no thing of that name."),
    );
  }

  #type(words) {
    this.#words = words;
    this.#at = 0;
    this.#isOpen = true;
    this.view.draw();
  }

  #close() {
    setTimeout(() => {
      if (document.activeElement === this.input) return; // a click in the list ended
      this.#isOpen = false;
      this.view.draw();
    }, 150);
  }

  #take(service) {
    this.#words = "";
    this.#isOpen = false;
    this.input.value = "";
    this.view.addPart(service);
  }

  #press(event, shown) {
    const steps = { ArrowDown: 1, ArrowUp: -1 };
    if (event.key in steps) {
      event.preventDefault();
      this.#at = (this.#at + steps[event.key] + shown.length) % Math.max(shown.length, 1);
      this.#isOpen = true;
      this.view.draw();
    } else if (event.key === "Enter" && shown[this.#at]) {
      event.preventDefault();
      this.#take(shown[this.#at].service);
    } else if (event.key === "Escape") {
      this.#isOpen = false;
      this.view.draw();
    }
  }
}

/** The services that all words lead to: by their prefix, their name, or the name of a thing. */
function findServices(services, words) {
  const sought = words.toLowerCase().split(/\s+/).filter(Boolean);
  if (!sought.length) return [];
  const found = [];
  services.forEach(([service, title, kinds], order) => {
    let rank = 0;
    const why = new Set();
    for (const word of sought) {
      const one = rankOf(word, service, title, kinds, why);
      if (!one) return;
      rank += one;
    }
    found.push({ service, title, rank, order, why: [...why].slice(0, 3).join(", ") });
  });
  return found.sort((a, b) => b.rank - a.rank || a.order - b.order);
}

/** How well a word names a service; 0 if it does not. */
function rankOf(word, service, title, kinds, why) {
  const words = title.toLowerCase().split(/[^a-z0-9]+/);
  const things = kinds.map((kind) => inWords(kind));
  const same = (text) => text === word || text === word.replace(/s$/, "");
  const hits = things.filter((thing) =>
    thing.split(" ").some((part) => part.startsWith(word.replace(/s$/, ""))),
  );
  if (service === word) return 4;
  const thing = things.find(same);
  if (thing) why.add(thing);
  if (thing || words.includes(word)) return 3;
  if (service.startsWith(word) || words.some((part) => part.startsWith(word))) return 2;
  if (hits.length) {
    for (const hit of hits) why.add(hit);
    return 1;
  }
  return title.toLowerCase().includes(word) ? 1 : 0;
}
