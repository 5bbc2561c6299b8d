"""Lock files between the processes of one person: a lock ends with the process that holds it."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from iamkit.errors import LockedError, StorageError
from iamkit.storage.folders import private_folder


def take_lock(path: Path, seconds: float) -> int:
    """Lock a file until the descriptor that this answers is closed, or its process ends.

    Args:
        path: the lock file; made if it is not there.
        seconds: how long to wait for it.

    Raises:
        TimeoutError: another process kept it for that long.
        StorageError: the lock file cannot be written.
    """
    import fcntl  # noqa: PLC0415 - there is none on Windows, where an import must not fail

    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
    try:
        descriptor = os.open(path, flags, 0o600)
    except OSError as error:
        raise StorageError(path, error.strerror or "it cannot be written") from None
    deadline = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                os.close(descriptor)
                raise TimeoutError(str(path)) from None
            time.sleep(0.02)
        else:
            return descriptor


@contextmanager
def exclusive_lock(path: Path) -> Iterator[None]:
    """Hold the lock file of an account; who holds it and since when stands in it.

    Raises:
        LockedError: another process holds it.
        StorageError: the lock file cannot be written.
    """
    private_folder(path.parent)
    try:
        descriptor = take_lock(path, 0)
    except TimeoutError:
        holder = path.read_text(errors="replace").strip() or "a process"
        raise LockedError(
            f"Another run is changing this account: {holder}. Wait for it, or end it. "
            "Nothing was changed."
        ) from None
    try:
        _sign(descriptor, path)
        yield
    finally:
        os.close(descriptor)


def _sign(descriptor: int, path: Path) -> None:
    since = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC"
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"process {os.getpid()} holds the lock since {since}".encode(), 0)
    except OSError as error:
        raise StorageError(path, error.strerror or "it cannot be written") from None
