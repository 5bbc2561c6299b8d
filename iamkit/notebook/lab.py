"""Open JupyterLab on the notebooks, quietly: one token, no news, no question."""

import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from jupyter_core.paths import jupyter_runtime_dir

from iamkit.home import home_folder
from iamkit.parameters_file import read_parameters
from iamkit.workfolder import fill_parameters, init_folder

LONGEST = 50
"""Characters of the folder of the kernels' sockets: with their names, 103 are allowed."""
SETTINGS = {
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false"},
    # Cells out of sight stay in the page: forms do not jump, and the browser's search finds them.
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"},
}


def open_lab(folder: Path | None, file: Path | None, options: Sequence[str] = ()) -> None:
    """Replace this process by JupyterLab.

    Args:
        folder: where to work; None takes the current folder if it has notebooks and no file is
            given, else one of iamkit's own, made on first use.
        file: a parameters file whose values are written into the notebooks' parameters cells.
        options: more options for JupyterLab.

    Raises:
        InputError: the parameters file is wrong, or the folder cannot be made.
    """
    here = Path.cwd()
    if folder is None:
        folder = here if (here / "notebooks").is_dir() and not file else home_folder() / "lab"
    if not (folder / "notebooks").is_dir():
        init_folder(folder)
    if file:
        values = read_parameters(file).values
        for notebook in sorted((folder / "notebooks").glob("*.ipynb")):
            fill_parameters(notebook, values)
    os.environ["JUPYTERLAB_SETTINGS_DIR"] = str(_settings())
    if len(os.fsencode(jupyter_runtime_dir())) > LONGEST:
        os.environ["JUPYTER_RUNTIME_DIR"] = tempfile.mkdtemp(prefix="iamkit-lab-")
    ours = [
        f"--ServerApp.root_dir={folder.absolute()}",
        "--LabApp.default_url=/lab/tree/notebooks/01_credentials.ipynb",
        "--KernelManager.transport=ipc",
    ]
    os.execv(sys.executable, [sys.executable, "-m", "jupyterlab", *ours, *options])


def _settings() -> Path:
    """JupyterLab's user settings, kept apart from the user's own."""
    folder = home_folder() / "jupyterlab"
    for plugin, setting in SETTINGS.items():
        extension, _, name = plugin.partition(":")
        path = folder / extension / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.write_text(json.dumps(setting))
    return folder
