"""Files and folders that belong to one person, and locks between that person's processes."""

import os
import re
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from iamkit.errors import SandboxError
from iamkit.storage.private_files import write_whole

_INSTANCE = re.compile(r"[0-9a-f]{32}")
_LONGEST = 1024 * 1024
"""Of a text that is read whole, in bytes."""


def private_folder(folder: Path) -> Path:
    """Make a folder of mode 0700, or check that it is one of ours that can be written to.

    Raises:
        SandboxError: it is a link, belongs to someone else, or others may look into it; or it
            cannot be made or written to.
    """
    with _explained(folder, "cannot be made"):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise SandboxError(f"{folder} is not a folder of yours. Nothing was changed.")
    if found.st_mode & 0o077:
        raise SandboxError(
            f"Others may look into {folder}. Close it with `chmod 700`. Nothing was changed."
        )
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise SandboxError(f"{folder} cannot be written to. Nothing was changed.")
    return folder


def open_private(path: Path) -> BinaryIO:
    """A file of ours of mode 0600, to read from.

    Raises:
        SandboxError: it is no file, belongs to someone else, others may read it, or it is gone.
    """
    with _explained(path, "cannot be read"):
        file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb")
    found = os.fstat(file.fileno())
    if not stat.S_ISREG(found.st_mode):
        file.close()
        raise SandboxError(f"{path} is not a file. Move it away. Nothing was changed.")
    if found.st_uid != os.getuid() or found.st_mode & 0o077:
        file.close()
        raise SandboxError(
            f"{path} is not private to you, so it is not trusted. If it is yours, close it with "
            "`chmod 600`; if not, remove it. Nothing was changed."
        )
    return file


def read_private(path: Path) -> str | None:
    """The text of a file of ours of mode 0600, or None if there is no such file.

    Raises:
        SandboxError: it is a link, belongs to someone else, others may read it, or it is too
            large or no text.
    """
    if not os.path.lexists(path):
        return None
    with open_private(path) as file:
        data = file.read(_LONGEST + 1)
    text = data.decode("utf-8", "replace")
    if len(data) > _LONGEST or "\ufffd" in text:
        raise SandboxError(f"{path} is not a text of the sandbox's; remove it.")
    return text


def write_private(path: Path, text: str) -> None:
    """Write a file of mode 0600 in one step: a reader sees the old text or the new one.

    Raises:
        SandboxError: it cannot be written.
    """
    with _explained(path, "cannot be written"):
        write_whole(path, text)


def open_log(path: Path) -> int:
    """The descriptor of a log of mode 0600, to append to.

    Raises:
        SandboxError: it is no file, or cannot be written.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK
    with _explained(path, "cannot be written"):
        handle = os.open(path, flags, 0o600)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise SandboxError(f"{path} is not a file. Move it away. Nothing was changed.")
    return handle


def remove_instances(state: Path, but: str = "") -> None:
    """Remove the folders of lives of the sandbox that are over, in its state folder."""
    for folder in state.iterdir():
        ours = _INSTANCE.fullmatch(folder.name) and folder.name != but
        if ours and folder.is_dir() and not folder.is_symlink():
            shutil.rmtree(folder)


def take_lock(path: Path, seconds: float) -> int:
    """Lock a file until the descriptor that this answers is closed, or its process ends.

    Args:
        path: the lock file.
        seconds: how long to wait for it.

    Raises:
        TimeoutError: another process kept it for that long.
        SandboxError: the lock file cannot be made.
    """
    import fcntl  # noqa: PLC0415 - there is none on Windows, where an import must not fail

    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
    with _explained(path, "cannot be written"):
        handle = os.open(path, flags, 0o600)
    deadline = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                os.close(handle)
                raise TimeoutError(str(path)) from None
            time.sleep(0.02)
        else:
            return handle


def is_locked(path: Path) -> bool:
    """Whether another process holds a lock file.

    Raises:
        SandboxError: the lock file cannot be made.
    """
    try:
        os.close(take_lock(path, 0))
    except TimeoutError:
        return True
    return False


@contextmanager
def _explained(path: Path, what: str) -> Iterator[None]:
    """Say an error of the system in a sentence."""
    try:
        yield
    except OSError as error:
        raise SandboxError(f"{path} {what}: {error.strerror}. Nothing was changed.") from None
