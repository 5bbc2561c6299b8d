// Drawing: a tree is made anew of the data, and what stands in the page is changed to be like it,
// so that nobody loses the focus, a half-typed text or a click. Texts become text, never markup.

const HANDLERS = ["onclick", "onchange", "oninput", "onkeydown", "onblur", "onmousedown"];

function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (HANDLERS.includes(name) || ["value", "checked"].includes(name)) element[name] = value;
    else if (name === "text") element.textContent = value;
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== undefined && value !== null)
      element.setAttribute(name, value);
  }
  element.append(...children.flat(9).filter((child) => child || child === 0));
  return element;
}

function button(text, onclick, properties = {}) {
  return h("button", { type: "button", onclick, ...properties }, text);
}

function hidden(text) {
  return h("span", { class: "hidden" }, text);
}

/** Change an element so that it is like another one, which is not in the page. */
function morph(from, to) {
  if (from.nodeType !== to.nodeType || from.nodeName !== to.nodeName) {
    from.replaceWith(to);
    return to;
  }
  if (from.nodeType === Node.TEXT_NODE) {
    if (from.data !== to.data) from.data = to.data;
    return from;
  }
  if (from.nodeName === "DATALIST") return from; // it is the same each time, and may be long
  const kept = from.nodeName === "DETAILS" ? ["open"] : []; // who opened it decides
  for (const { name } of [...from.attributes])
    if (!to.hasAttribute(name) && !kept.includes(name)) from.removeAttribute(name);
  for (const { name, value } of to.attributes)
    if (from.getAttribute(name) !== value && !kept.includes(name)) from.setAttribute(name, value);
  for (const name of HANDLERS) if (from[name] !== to[name]) from[name] = to[name];
  morphChildren(from, to);
  if (from.nodeName === "INPUT" || from.nodeName === "SELECT") takeValue(from, to);
  return from;
}

function morphChildren(from, to) {
  const wanted = new Set([...to.childNodes].map(keyOf));
  const named = new Map([...from.childNodes].map((child) => [keyOf(child), child]));
  const isWanted = (node) => keyOf(node) && wanted.has(keyOf(node));
  let place = from.firstChild;
  const drop = () => {
    const gone = place;
    place = place.nextSibling;
    passFocus(gone);
    gone.remove();
  };
  for (const child of [...to.childNodes]) {
    const key = keyOf(child);
    const old = key ? named.get(key) : place;
    if (!old || (!key && keyOf(old))) {
      from.insertBefore(child, place);
      continue;
    }
    // What is moved loses the focus, so rather what stands before it goes.
    while (place !== old && place && !isWanted(place)) drop();
    if (old !== place) from.insertBefore(old, place);
    place = morph(old, child).nextSibling;
  }
  while (place) drop();
}

/** Whoever stands on what goes stands on its neighbour then. */
function passFocus(gone) {
  if (!gone.contains(document.activeElement)) return;
  const near = [
    gone.nextElementSibling,
    gone.previousElementSibling,
    gone.closest("fieldset, section"),
  ];
  const focusable = "button, input:not([type=hidden]), select, summary";
  for (const place of near) {
    const all = place ? [place, ...place.querySelectorAll("*")] : [];
    const found = all.find((it) => it.matches(focusable) && !gone.contains(it));
    if (found) {
      found.focus();
      return;
    }
  }
}

function keyOf(node) {
  return node.dataset?.key;
}

/** What somebody is typing stays. */
function takeValue(from, to) {
  if (from.type === "checkbox" || from.type === "radio") {
    if (from.checked !== to.checked) from.checked = to.checked;
  } else if (from !== document.activeElement && from.value !== to.value) from.value = to.value;
}

function amount(number) {
  return number.toLocaleString("en");
}

function count(number, noun) {
  return `${amount(number)} ${noun}${number === 1 ? "" : "s"}`;
}

/** A type of thing in words: s3:access-point is an access point. */
function inWords(kind) {
  return kind
    .slice(kind.indexOf(":") + 1)
    .replace(/([a-z])([A-Z])/g, "$1 $2")
    .replaceAll(/[-_]/g, " ")
    .toLowerCase();
}
