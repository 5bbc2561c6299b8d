// An extension of JupyterLab with one command: open a notebook that stands beside the one in front,
// and run it, unless its kernel has run something already or it is to run again. So a step that is
// clicked arrives filled, and what somebody typed into it stays.
//
// It needs nothing that JupyterLab shares, so it is written as its loader wants it, without a build:
// https://jupyterlab.readthedocs.io/en/stable/extension/extension_dev.html#prebuilt-extensions

async function hasRun(kernel) {
  const question = { code: "", silent: true, user_expressions: { cells: "len(In)" } };
  const reply = await kernel.requestExecute(question).done;
  return reply.content.user_expressions?.cells?.data?.["text/plain"] !== "1";
}

// Its words come from a link, which any notebook can hold: the kit's own steps are all it opens.
const STEP = /^\d\d_[a-z0-9_]+\.ipynb$/;

async function openBeside(app, name, again) {
  if (!STEP.test(name)) throw new Error("This link leads to no step of the kit.");
  const here = app.shell.currentWidget?.context?.path ?? "";
  const path = here.slice(0, here.lastIndexOf("/") + 1) + name;
  const panel = await app.commands.execute("docmanager:open", { path });
  await panel.context.ready;
  await panel.sessionContext.ready;
  const kernel = panel.sessionContext.session?.kernel;
  if (!kernel || ((await hasRun(kernel)) && !again) || app.shell.currentWidget !== panel) return;
  await app.commands.execute("notebook:run-all-cells");
  const tags = panel.content.widgets.at(-1).model.getMetadata("tags") ?? [];
  if (tags.includes("workbench")) return;  // it brings itself into view
  panel.content.activeCellIndex = 0;
  await panel.content.scrollToItem(0);
}

const plugin = {
  id: "iamkit:open-notebook",
  description: "Opens a notebook and runs it.",
  autoStart: true,
  activate: app => {
    app.commands.addCommand("iamkit:open-notebook", {
      label: args => `Open ${args.name} and run it`,
      execute: args => openBeside(app, String(args.name), Boolean(args.again)),
    });
  },
};

(window._JUPYTERLAB ??= {}).iamkit = {
  init: () => {},
  get: async () => () => ({ __esModule: true, default: plugin }),
};
