"""Open JupyterLab on the start page, quietly: no news, no question, the tabs of the last time."""

import hashlib
import json
import os
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from jupyter_core.paths import jupyter_runtime_dir

from iamkit.errors import IamkitError, InputError
from iamkit.notebook.input_notebook import (
    declared_parameters,
    fill_parameters,
    is_same_but_for_values,
)
from iamkit.notebook.links import LAB
from iamkit.notebook.versions import PACKAGE, say_other
from iamkit.parameters.files import CURRENT
from iamkit.parameters.practice import packaged
from iamkit.parameters.yaml_file import read_parameters
from iamkit.storage.folders import make_folder
from iamkit.storage.home import home_folder
from iamkit.storage.private_files import write_named
from iamkit.storage.reading import read_text
from iamkit.text import parse_json
from iamkit.workspace import init_folder

START = "00_start_here.ipynb"
ERRORS = "iamkit.notebook.cell_errors"
"""The extension of IPython that its kernels load."""
EXTENSIONS = Path(__file__).parent / "labextensions"
"""What is added to JupyterLab: the command by which a step opens its notebook and runs it."""
NOT_OURS = (
    "The start page has cells that are not the kit's own, so it was not run: look at it, and Run "
    "All fills it."
)
LONGEST = 50
"""Characters of the folder of the kernels' sockets: with their names, 103 are allowed."""
LARGEST = 1_000_000
"""Bytes of a settings file."""
SETTINGS: Mapping[str, Mapping[str, object]] = {
    "@jupyterlab/apputils-extension:notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
    },
    # A workbench saves too; on a busy machine two saves at once are taken for somebody else's.
    "@jupyterlab/docmanager-extension:plugin": {
        "autosaveInterval": 10,
        "lastModifiedCheckMargin": 30_000,
    },
    "@jupyterlab/filebrowser-extension:browser": {
        "sortNotebooksFirst": True,
        "showLastModifiedColumn": False,  # in its place, the whole name
    },
    # Cells out of sight stay in the page: forms do not jump, and the browser's search finds them.
    "@jupyterlab/notebook-extension:tracker": {
        "windowingMode": "none",
        "autoStartDefaultKernel": True,
    },
}
"""By plugin, how the kit wants JupyterLab; what a person has set otherwise stays."""


def open_lab(
    folder: Path | None, file: Path | None, options: Sequence[str], say: Callable[[str], None]
) -> None:
    """Replace this process by JupyterLab.

    Args:
        folder: where to work, see ``prepare_folder``.
        file: a parameters file whose values are written into the notebooks' parameters cells.
        options: more options for JupyterLab.
        say: called with a line for the terminal.

    Raises:
        InputError, StorageError: the parameters file is wrong, or the folder cannot be made.
    """
    folder = prepare_folder(folder, file)
    prepare_environment(folder, file)
    prepare_kernels()
    notebooks = offer_notebooks(folder, say)
    prepare_start_page(notebooks, say)
    place = notebooks.relative_to(folder).as_posix()
    ours = [
        f"--ServerApp.root_dir={folder}",
        f"--ContentsManager.preferred_dir={place}",
        f"--LabApp.default_url=/lab/tree/{place}/{START}",
        "--KernelManager.transport=ipc",
        f"--LabApp.extra_labextensions_path={EXTENSIONS}",
    ]
    os.execv(sys.executable, [sys.executable, "-m", "jupyterlab", *ours, *options])


def prepare_folder(folder: Path | None, file: Path | None) -> Path:
    """The folder to work in, with notebooks and with the file's values in their parameters.

    Args:
        folder: as it was asked for; None takes the current folder if it has notebooks, is not
            iamkit's own checkout and no file is given, else one of iamkit's own, made on first use.
        file: a parameters file, or None to leave the notebooks' parameters as they are.

    Raises:
        InputError: the parameters file is wrong, or the folder cannot be made.
    """
    if folder is None:
        here = Path.cwd()
        works = (here / "notebooks").is_dir() and not is_checkout(here) and not file
        folder = here if works else home_folder() / "lab"
    folder = folder.absolute()
    if not (folder / "notebooks").is_dir():
        init_folder(folder)
    if not (folder / "notebooks" / START).exists():  # which git does not keep
        write_named(folder / "notebooks" / START, (packaged("notebooks") / START).read_bytes())
    if file:
        given = read_parameters(file)
        for notebook in sorted((folder / "notebooks").rglob("*.ipynb")):
            fill_parameters(notebook, given.for_cell(notebook.stem))
    return folder


def is_checkout(folder: Path) -> bool:
    """Whether it is a checkout of iamkit itself, whose notebooks stay without outputs."""
    try:
        text = read_text(folder / "pyproject.toml", LARGEST)
        project = tomllib.loads(text)["project"]["name"]
    except (InputError, ValueError, KeyError, TypeError):
        return False
    return bool(project == "iamkit")


def prepare_environment(folder: Path, file: Path | None) -> None:
    """Set this process's variables for a Jupyter server on the folder, which inherits them."""
    if file:
        os.environ[CURRENT] = str(file.absolute())
    os.environ[LAB] = "yes"
    jupyter = home_folder() / "jupyterlab"
    _settle(jupyter)
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:8]
    workspaces = jupyter / "workspaces" / f"{folder.name}-{digest}"
    os.environ["JUPYTERLAB_SETTINGS_DIR"] = str(jupyter)
    os.environ["JUPYTERLAB_WORKSPACES_DIR"] = str(workspaces)
    if len(os.fsencode(jupyter_runtime_dir())) > LONGEST:
        os.environ["JUPYTER_RUNTIME_DIR"] = tempfile.mkdtemp(prefix="iamkit-lab-")


def prepare_kernels() -> None:
    """Let this process's kernels be of this Python, and say kindly what ended a cell."""
    from ipykernel.kernelspec import get_kernel_dict  # noqa: PLC0415 - the app needs none of it

    data = home_folder() / "jupyterlab" / "data"
    spec = data / "kernels" / "python3"
    make_folder(spec)
    argument = f"--IPKernelApp.extra_extensions={ERRORS}"
    write_named(spec / "kernel.json", json.dumps(get_kernel_dict(extra_arguments=[argument])))
    before = os.environ.get("JUPYTER_PATH", "")
    os.environ["JUPYTER_PATH"] = os.pathsep.join(filter(None, [str(data), before]))


def offer_notebooks(folder: Path, say: Callable[[str], None]) -> Path:
    """The folder of the notebooks to open: of those that suit this version of the kit.

    Where the folder's own are of another version, the new ones are put beside them, with the
    parameters of those; nothing that is there is overwritten.
    """
    own, here = folder / "notebooks", version(PACKAGE)
    ours = {path.name: path for path in packaged("notebooks").glob("*.ipynb")}
    if is_checkout(folder) or not any(say_other(path) for path in own.glob("*.ipynb")):
        return own
    beside = own / here
    make_folder(beside)
    for name, path in ours.items():
        if not (beside / name).exists():
            write_named(beside / name, path.read_bytes())
            if (own / name).exists():
                fill_parameters(beside / name, declared_parameters(own / name))
    say(f"The notebooks are of another version of iamkit: those of {here} are in {beside}.")
    return beside


def prepare_start_page(notebooks: Path, say: Callable[[str], None]) -> None:
    """Fill the start page with what the account is like now; whatever happens, say it and go on.

    In iamkit's own checkout nothing is filled, and a page with other cells than the kit's is not
    run: a folder can come from anybody, and nobody has looked at it yet.
    """
    if is_checkout(notebooks.parent):
        say("This is iamkit's own checkout, so its start page is not filled: Run All fills it.")
        return
    try:
        if not is_same_but_for_values(notebooks / START, packaged("notebooks") / START):
            say(NOT_OURS)
            return
    except InputError as error:
        say(f"The start page is not filled: {error}")
        return
    from iamkit.notebook.runs.prefill import PATIENCE, fill_page  # noqa: PLC0415 - it takes a second

    say(f"Reading the account for the start page, for {PATIENCE} s at most …")
    begun = time.perf_counter()
    try:
        problem = fill_page(notebooks / START)
    except (IamkitError, OSError) as error:
        problem = str(error)
    took = f"{time.perf_counter() - begun:.1f} s"
    say(f"The start page says why it is not complete: {problem}" if problem else f"Read in {took}.")


def _settle(folder: Path) -> None:
    """JupyterLab's user settings, kept apart from the user's own; what is set in them stays."""
    for plugin, wanted in SETTINGS.items():
        extension, _, name = plugin.partition(":")
        path = folder / extension / f"{name}.jupyterlab-settings"
        make_folder(path.parent)
        try:
            present = parse_json(read_text(path, LARGEST)) if path.exists() else {}
            merged = json.dumps({**wanted, **present})
        except (ValueError, TypeError):  # with comments, it is a person's
            continue
        write_named(path, merged)
