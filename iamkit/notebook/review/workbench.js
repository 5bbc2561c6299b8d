// Keeps a workbench in sight and honest: how old its reading is, whether its kernel still answers.
const INTERVAL = 2000; // milliseconds between two questions to the kernel
const SILENCE = 6000; // after so many without an answer something is wrong

function say_age(at) {
  const seconds = Math.max(0, Math.round((Date.now() - Date.parse(at)) / 1000));
  const [count, unit] =
    seconds < 60 ? [seconds, "s"] : seconds < 3600 ? [Math.floor(seconds / 60), "min"] : [Math.floor(seconds / 3600), "h"];
  return `From the account as it was read ${count} ${unit} ago (${at.slice(11, 19)} UTC).`;
}

/** What is wrong with the connection, and what to press; empty if nothing is. */
function find_trouble(kernel, silent, inLab, busy) {
  const restart = inLab
    ? "Press Run ▸ Restart Kernel and Run All Cells"
    : "Reload this page";
  const left = busy ? "; the plan then holds what is left, and no more." : ".";
  if (kernel?.connectionStatus && kernel.connectionStatus !== "connected") {
    return (
      "JupyterLab's server does not answer. If it was stopped, start it again in the terminal with " +
      `iamkit lab, and open this notebook from there${left}`
    );
  }
  if (kernel?.status === "busy") return "";
  return silent ? `The kernel was restarted or has ended, so nothing here answers. ${restart}${left}` : "";
}

/** Press a notebook's button that saves, which would take the focus from who types. */
function save_notebook(panel) {
  const button = panel?.querySelector('[data-command="docmanager:save"]');
  const focused = document.activeElement;
  const give_back = () => focused?.focus({ preventScroll: true });
  button?.click();
  give_back();
  setTimeout(() => document.activeElement === button && give_back(), 20);
}

function render({ model, el }) {
  el.classList.add("iamkit-presence");
  const line = el.appendChild(document.createElement("p"));
  const panel = () => el.closest(".jp-NotebookPanel");
  let answered = Date.now();
  let trouble = "";

  const show = () => {
    const bench = el.closest(".iamkit-workbench");
    line.textContent = trouble || (model.get("read_at") && say_age(model.get("read_at")));
    line.classList.toggle("iamkit-trouble", Boolean(trouble));
    if (trouble) line.setAttribute("role", "alert");
    else line.removeAttribute("role");
    for (const part of bench?.children ?? []) {
      // What cannot answer cannot be pressed either; a result can still be copied.
      if (!part.contains(el) && !part.classList.contains("iamkit-result")) part.inert = Boolean(trouble);
    }
  };
  const look = () => {
    if (!el.isConnected) return;
    const kernel = model.widget_manager?.kernel;
    const gone = Boolean(el.closest(".jupyter-widgets-disconnected"));
    const silent = gone || Date.now() - answered > SILENCE;
    trouble = find_trouble(kernel, silent, Boolean(panel()), model.get("busy"));
    show();
    try {
      if (!gone) model.send({ ask: "there?" });
    } catch {
      // It is said above after some silence.
    }
  };
  const answer = () => {
    answered = Date.now();
  };

  let moved = false;
  const move = () => {
    moved = true;
  };
  const come_into_view = () => {
    if (!model.get("fresh")) return;
    moved = false;
    // JupyterLab scrolls as well, when the last cell has ended.
    for (const wait of [0, 200, 600, 1200]) {
      setTimeout(() => {
        if (!moved) el.closest(".jp-OutputArea")?.scrollIntoView({ block: "start" });
      }, wait);
    }
    setTimeout(() => {
      model.set("fresh", false);
      model.save_changes();
    }, 1300);
  };
  // Calls were made, so a reload must find what they came to.
  const save = () => setTimeout(() => save_notebook(panel()), 1500);

  const came = () => {
    come_into_view();
    if (model.get("fresh")) save();
  };
  model.on("msg:custom", answer);
  model.on("change:read_at", show);
  model.on("change:fresh", came);
  model.on("change:busy", save);
  for (const kind of ["wheel", "keydown", "pointerdown"]) window.addEventListener(kind, move);
  const timer = setInterval(look, INTERVAL);
  requestAnimationFrame(show);
  came();
  return () => {
    clearInterval(timer);
    model.off("msg:custom", answer);
    model.off("change:read_at", show);
    model.off("change:fresh", came);
    model.off("change:busy", save);
    for (const kind of ["wheel", "keydown", "pointerdown"]) window.removeEventListener(kind, move);
  };
}

export default { render };
