// Enrols a virtual MFA device. The seed comes in a message's buffers and stands in the page alone:
// in no trait of the widget, so in no notebook; and it goes when the device is enabled or deleted.

const SAFE =
  "The QR code is a secret: whoever has it makes your codes. It is shown once and kept nowhere.";

function make(tag, text = "", attributes = {}) {
  const element = document.createElement(tag);
  element.textContent = text;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

/** Paint a PNG; its own bytes and the picture of it are gone after ``forget``. */
async function paint(canvas, bytes) {
  const image = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
  canvas.width = image.width;
  canvas.height = image.height;
  canvas.getContext("2d").drawImage(image, 0, 0);
  image.close();
}

function render({ model, el }) {
  const view = String(Math.random());
  const root = el.appendChild(make("div", "", { class: "iamkit-enrolment" }));
  root.addEventListener("keydown", (event) => {
    // JupyterLab would act on keys typed here: a digit makes its cell a heading. Saving is fine.
    const isSaving = (event.ctrlKey || event.metaKey) && event.key === "s";
    if (!isSaving) event.stopPropagation();
  });
  let forget = () => {};

  const ask = (what, more = {}) => {
    for (const button of root.querySelectorAll("button")) button.disabled = true;
    model.send({ do: what, view, ...more });
  };
  const button = (text, act, kind = "") => {
    const made = make("button", text, { type: "button", class: kind });
    made.addEventListener("click", act);
    return made;
  };
  const say = (text, wrong) => {
    const line = root.querySelector("[role=status]");
    line.textContent = text;
    line.classList.toggle("wrong", Boolean(wrong));
  };
  const field = (text) => {
    const label = make("label", text);
    const input = make("input", "", { inputmode: "numeric", autocomplete: "off", maxlength: "7" });
    label.append(input);
    return [label, input];
  };
  const codes = () => {
    const [one, first] = field("A code");
    const [two, second] = field("The next one");
    const row = make("form", "", { class: "row" });
    const enable = make("button", "Enable the device", { type: "submit" });
    row.append(one, two, enable);
    second.addEventListener("keydown", (event) => event.key === "Enter" && row.requestSubmit(enable));
    row.addEventListener("submit", (event) => {
      event.preventDefault();
      ask("enable", { first: first.value, second: second.value });
    });
    return row;
  };
  const show = (...parts) => {
    forget();
    forget = () => {};
    root.replaceChildren(...parts, make("p", "", { role: "status" }));
  };

  const idle = ({ user, devices, untold }) => {
    const has = devices.length
      ? `${user} has ${devices.length === 1 ? "a device" : `${devices.length} devices`}: ${devices.join(", ")}. ` +
        "Another one is good to have if a phone is lost."
      : `${user} has no second factor yet.`;
    const parts = [make("p", has), make("p", SAFE)];
    if (untold) parts.push(make("p", `Whether an enrolment was broken off cannot be told: ${untold}`));
    show(...parts, button("Enrol a virtual MFA device", () => ask("begin")));
  };
  const begun = ({ serial }) => {
    const said =
      `${serial} was made and is not enabled: an enrolment was broken off. Its QR code cannot be shown ` +
      "again. If your app has it, type two codes; else delete it, and begin anew.";
    show(make("p", said), codes(), button("Delete it", () => ask("end"), "end"));
  };
  const scan = (message, [seed, picture]) => {
    const steps = make("ol");
    const canvas = make("canvas", "", { role: "img", "aria-label": "QR code for an authenticator app" });
    const typed = make("details");
    const key = make("code", new TextDecoder().decode(seed));
    typed.append(make("summary", "It cannot scan? Type this key into the app"), key);
    const first = make("li", "Scan this with the authenticator app on your phone. ");
    first.append(canvas, typed);
    const second = make("li", "Type a code of the app, wait until it shows the next one, and type that.");
    second.append(codes());
    steps.append(first, second);
    show(make("p", SAFE), steps, button("Give up, and delete it", () => ask("end"), "end"));
    paint(canvas, picture);
    forget = () => {
      canvas.width = canvas.height = 0;
      key.textContent = "";
      for (const part of [seed, picture]) new Uint8Array(part.buffer).fill(0);
    };
    root.querySelector("input").focus({ preventScroll: true });
  };

  const answer = (message, buffers) => {
    if (message.view && message.view !== view) return; // another view asked
    if (message.state === "scan") scan(message, buffers);
    else if (message.state === "begun") begun(message);
    else if (message.state === "idle") idle(message);
    if (message.said !== undefined) say(message.said, message.wrong);
    for (const one of root.querySelectorAll("button")) one.disabled = false;
  };
  root.append(make("p", "Looking for your devices…", { role: "status" }));
  model.on("msg:custom", answer);
  ask("look");
  return () => {
    forget();
    model.off("msg:custom", answer);
  };
}

export default { render };
