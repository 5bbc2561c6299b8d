"""Links to the kit's notebooks: in ``iamkit lab`` a click opens one and runs it."""

import json
import os
from typing import Any

from IPython.display import display

from iamkit.notebook.markup import escape, mime_bundle
from iamkit.parameters.models import NOTEBOOKS
from iamkit.parameters.notebook import NotebookParameters

LAB = "IAMKIT_LAB"
"""The variable by which ``iamkit lab`` tells its kernels that its JupyterLab has the command."""
RUN_ALL = "Run ▸ Run All Cells"
RUN_COMMAND = "notebook:run-all-cells"
START = "00_start_here"
"""It only looks, so it looks again each time that it is opened."""
COMMAND = "iamkit:open-notebook"
"""It is in ``launch/labextensions``."""


def notebook_link(name: str) -> str:
    """A link to a notebook of the same folder, as HTML.

    JupyterLab opens the files that links lead to, without running them; not with ``download``.
    """
    shown = escape(name)
    if not os.environ.get(LAB):
        return f'<a href="{shown}.ipynb">{shown}</a>'
    arguments = escape(json.dumps({"name": f"{name}.ipynb", "again": name == START}))
    command = f'data-commandlinker-command="{COMMAND}" data-commandlinker-args="{arguments}"'
    return f'<a href="{shown}.ipynb" download {command}>{shown}</a>'


def run_all() -> str:
    """The menu's words for running the notebook, as HTML: in ``iamkit lab`` a button that does."""
    if not os.environ.get(LAB):
        return f"<i>{RUN_ALL}</i>"
    return f'<button type="button" data-commandlinker-command="{RUN_COMMAND}">{RUN_ALL}</button>'


def show_next(parameters: NotebookParameters) -> None:
    """Show where to go on."""
    display(bundle_of_next(parameters), raw=True)


def bundle_of_next(parameters: NotebookParameters) -> dict[str, Any]:
    """Where to go on, and the way back to all steps: links, as a notebook's output."""
    names = list(NOTEBOOKS)
    here = next((n for n, model in NOTEBOOKS.items() if model is type(parameters)), names[-1])
    following = [*names, names[0]][names.index(here) + 1]
    purpose = NOTEBOOKS[following].purpose
    steps = f" All steps: {notebook_link(START)}." if following != START else ""
    markup = f"<p><b>Next: {notebook_link(following)}</b>. {escape(purpose)}.{steps}</p>"
    return mime_bundle(markup, f"Next: {following}.")
