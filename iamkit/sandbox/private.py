"""Files and folders that belong to one person, and locks between that person's processes."""

import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from iamkit.errors import SandboxError


def private_folder(folder: Path) -> Path:
    """Make a folder of mode 0700, or check that it is one of ours.

    Raises:
        SandboxError: it is a link, belongs to someone else, or others may look into it.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise SandboxError(f"{folder} is not a folder of yours. Nothing was changed.")
    if found.st_mode & 0o077:
        raise SandboxError(
            f"Others may look into {folder}. Close it with `chmod 700`. Nothing was changed."
        )
    return folder


def read_private(path: Path) -> str | None:
    """The text of a file of ours of mode 0600, or None if there is no such file.

    Raises:
        SandboxError: it is a link, belongs to someone else, or others may read it.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SandboxError(f"{path} cannot be read ({error.strerror}); remove it.") from None
    with os.fdopen(handle, encoding="utf-8") as file:
        found = os.fstat(handle)
        if found.st_uid != os.getuid() or found.st_mode & 0o077:
            raise SandboxError(f"{path} is not private to you, so it is not trusted; remove it.")
        return file.read()


def write_private(path: Path, text: str) -> None:
    """Write a file of mode 0600 in one step: a reader sees the old text or the new one."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with os.fdopen(os.open(temporary, flags, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    temporary.rename(path)


def open_log(path: Path) -> int:
    """The descriptor of a log of mode 0600, to append to.

    Raises:
        SandboxError: it cannot be written.
    """
    try:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise SandboxError(f"{path} cannot be written ({error.strerror}); remove it.") from None


def take_lock(path: Path, seconds: float) -> int:
    """Lock a file until the descriptor that this answers is closed, or its process ends.

    Args:
        path: the lock file.
        seconds: how long to wait for it.

    Raises:
        TimeoutError: another process kept it for that long.
    """
    import fcntl  # noqa: PLC0415 - there is none on Windows, where an import must not fail

    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() >= deadline:
                os.close(handle)
                raise TimeoutError(str(path)) from None
            time.sleep(0.02)
        else:
            return handle


@contextmanager
def locked(path: Path, seconds: float) -> Iterator[None]:
    """Hold a lock file for a block; see `take_lock`."""
    handle = take_lock(path, seconds)
    try:
        yield
    finally:
        os.close(handle)


def is_locked(path: Path) -> bool:
    """Whether another process holds a lock file."""
    try:
        os.close(take_lock(path, 0))
    except TimeoutError:
        return True
    return False
