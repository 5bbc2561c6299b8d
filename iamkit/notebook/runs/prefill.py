"""The start page, filled before it is opened: run headless, searched for secrets, and trusted."""

import tempfile
from collections.abc import Mapping
from contextlib import chdir, suppress
from pathlib import Path
from typing import Any

import nbformat
from jupyter_core.paths import jupyter_data_dir
from nbformat.sign import NotebookNotary

from iamkit.aws.session import known_secrets, signed_in_ahead
from iamkit.notebook.input_notebook import declared_parameters
from iamkit.notebook.runs.run import run_notebooks
from iamkit.notebook.runs.secret_scan import OWN_TAGS
from iamkit.parameters.models import NOTEBOOKS
from iamkit.parameters.notebook import NotebookParameters
from iamkit.storage.private_files import write_whole

PATIENCE = 20
"""Seconds that a cell may take: nobody waits for a page for longer."""


def fill_page(page: Path, patience: int = PATIENCE) -> str | None:
    """Run a notebook in its place, and keep in it what it shows, so that JupyterLab shows that.

    Where it fails, it shows why, and nothing of an earlier run.

    Args:
        page: the notebook; its own parameters are used.
        patience: how many seconds a cell may take.

    Returns:
        The error, if there is one.

    Raises:
        InputError: it is no notebook that can be run; nothing was written.
        OSError: it cannot be written.
        KeyboardInterrupt: somebody did not want to wait.
    """
    parameters = declared_parameters(page)
    with (
        tempfile.TemporaryDirectory(prefix="iamkit-page-") as folder,
        chdir(page.parent),
        signed_in_ahead(_checked(page, parameters), ask=False),
    ):
        (result,) = run_notebooks(
            [page],
            {},
            Path(folder),
            lambda: known_secrets(parameters),
            patience=patience,
        )
        kept = result.output if result.output.exists() else page
        notebook = nbformat.read(kept, as_version=4)  # type: ignore[no-untyped-call]
    if result.exit_code > 128:
        raise KeyboardInterrupt
    if kept == page:
        _clear(notebook)
    _remove_traces(notebook)
    if result.error and not _shows_error(notebook):
        _show_error(notebook, result.error)
    write_whole(page, nbformat.writes(notebook) + "\n")  # type: ignore[no-untyped-call]
    _trust(page)
    return result.error


def _checked(page: Path, parameters: Mapping[str, Any]) -> list[NotebookParameters]:
    """The parameters as the page's model takes them; none if it does not, which the page says."""
    with suppress(KeyError, ValueError):
        model = NOTEBOOKS[page.stem]
        return [model.model_validate(dict(parameters))]
    return []


def _clear(notebook: Any) -> None:
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None


def _remove_traces(notebook: Any) -> None:
    """Remove, in place, what papermill adds: the file is one to work with, not a record."""
    notebook.cells = [c for c in notebook.cells if not OWN_TAGS & set(c.metadata.get("tags", []))]
    for part in (notebook, *notebook.cells):
        part.metadata.pop("papermill", None)
        part.metadata.pop("execution", None)
        if part.metadata.get("tags") == []:
            del part.metadata["tags"]


def _shows_error(notebook: Any) -> bool:
    outputs = (output for cell in notebook.cells for output in cell.get("outputs", ()))
    return any(output.output_type == "error" for output in outputs)


def _show_error(notebook: Any, error: str) -> None:
    """Let the first code cell show an error that no cell raised."""
    cell = next(cell for cell in notebook.cells if cell.cell_type == "code")
    cell.outputs.append(
        nbformat.v4.new_output("stream", name="stderr", text=f"{error}\n")  # type: ignore[no-untyped-call]
    )


def _trust(page: Path) -> None:
    """Sign it, as JupyterLab does for what it ran itself; unsigned it is shown without colours."""
    notebook = nbformat.read(page, as_version=4)  # type: ignore[no-untyped-call]
    folder = Path(jupyter_data_dir())
    with suppress(OSError):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with NotebookNotary(data_dir=str(folder)) as notary:  # type: ignore[no-untyped-call]
            notary.sign(notebook)
