"""A lock file between the processes of one person: it ends with the process that holds it."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from iamkit.errors import LockedError, StorageError
from iamkit.storage.folders import private_folder


@contextmanager
def exclusive_lock(path: Path) -> Iterator[None]:
    """Hold the lock file; who holds it and since when stands in it.

    Raises:
        LockedError: another process holds it.
        StorageError: the lock file cannot be written.
    """
    private_folder(path.parent)
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StorageError(path, error.strerror or "it cannot be written") from None
    try:
        _take(descriptor, path)
        yield
    finally:
        os.close(descriptor)


def _take(descriptor: int, path: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(descriptor, 200, 0).decode(errors="replace").strip() or "a process"
        raise LockedError(
            f"Another run is changing this account: {holder}. Wait for it, or end it. "
            "Nothing was changed."
        ) from None
    since = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC"
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"process {os.getpid()} holds the lock since {since}".encode(), 0)
    except OSError as error:
        raise StorageError(path, error.strerror or "it cannot be written") from None
