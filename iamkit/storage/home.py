"""Where iamkit keeps its state: the journal, the stored credentials, the sandbox."""

import os
import stat
import tempfile
from pathlib import Path

from platformdirs import user_cache_path, user_data_path

from iamkit.errors import StorageError
from iamkit.storage.folders import check_owner, check_room, make_folder

HOME = "IAMKIT_HOME"
"""The environment variable that names the state folder."""
JOB_FOLDERS = ("RUNNER_TEMP", "GITHUB_WORKSPACE", "CI_PROJECT_DIR")
"""Variables by which GitHub's and GitLab's runners name folders that end with the job."""


def home_folder() -> Path:
    """The state folder: ``IAMKIT_HOME`` if set, else the platform's folder for user data.

    It is made on first use, for its owner alone (mode 0700).

    Raises:
        StorageError: it is no folder, belongs to another user, or cannot be made.
    """
    configured = os.environ.get(HOME)
    try:
        folder = (_expanded(configured) if configured else user_data_path("iamkit")).absolute()
        make_folder(folder, 0o700)
        check_owner(folder)
    except StorageError as error:
        said = f"{HOME} names it" if configured else f"set {HOME} to another folder"
        raise StorageError(error.path, f"{error.reason}; {said}") from None
    return folder


def home_problem() -> str:
    """What is wrong with the state folder, and how to mend it; empty if nothing is.

    Raises:
        StorageError: there is none that could be used; see ``home_folder``.
    """
    folder = home_folder()
    if stat.S_IMODE(folder.stat().st_mode) & 0o077:
        return f"{folder} is open to others; run chmod 700 on it"
    try:
        check_room(folder)
    except StorageError as error:
        return f"nothing can be written to {folder}: {error.reason}"
    return ""


def cache_folder() -> Path:
    """Where iamkit keeps what it can make again: ``IAMKIT_HOME`` if set, else the platform's cache.

    It need not exist.
    """
    configured = os.environ.get(HOME)
    return _expanded(configured) if configured else user_cache_path("iamkit")


def ends_with_the_job() -> bool:
    """Whether the state folder is thrown away when this process's CI job ends.

    ``CI`` says that it is a job; GitHub, GitLab and most others set it. Only who set
    ``IAMKIT_HOME`` to a folder outside the job's own ones, and outside the folder for temporary
    files, has said that it is kept.
    https://docs.github.com/en/actions/reference/workflows-and-actions/variables
    https://docs.gitlab.com/ci/variables/predefined_variables/
    """
    if os.environ.get("CI", "").lower() in ("", "0", "false"):
        return False
    configured = os.environ.get(HOME)
    if not configured:
        return True
    passing = [os.environ[name] for name in JOB_FOLDERS if os.environ.get(name)]
    home = _expanded(configured).resolve()
    return any(home.is_relative_to(Path(p).resolve()) for p in [*passing, tempfile.gettempdir()])


def _expanded(configured: str) -> Path:
    try:
        return Path(configured).expanduser()
    except RuntimeError:  # ~nobody
        raise StorageError(Path(configured), "there is no such user") from None
