
const seen = new WeakSet(); // models whose view was brought before one's eyes once

export default {
  render({ model, el }) {
    const root = make("div");
    el.append(root);
    const view = new View(root, (message) => model.send(message));
    const handlers = {
      "change:view": () => view.take(model.get("view")),
      "change:progress": () => view.progress(model.get("progress")),
      "msg:custom": (message) => view.answer(message),
    };
    for (const [name, handler] of Object.entries(handlers)) model.on(name, handler);
    view.take(model.get("view"));
    view.progress(model.get("progress"));
    const inLab = !document.body.dataset.voila; // an app begins at its head, with the account
    if (inLab && !seen.has(model)) requestAnimationFrame(() => root.scrollIntoView({ block: "start" }));
    seen.add(model);
    return () => {
      for (const [name, handler] of Object.entries(handlers)) model.off(name, handler);
    };
  },
};
