"""One apply at a time: a lock that ends with the process that holds it."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from iamkit.errors import LockedError
from iamkit.handover.files import private_folder


@contextmanager
def exclusive_lock(path: Path) -> Iterator[None]:
    """Hold the lock file; who holds it and since when stands in it.

    Raises:
        LockedError: another process holds it.
    """
    private_folder(path.parent)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 200, 0).decode(errors="replace").strip() or "a process"
            raise LockedError(
                f"Another run is changing this account: {holder}. Wait for it, or end it. "
                "Nothing was changed."
            ) from None
        os.ftruncate(descriptor, 0)
        since = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC"
        os.pwrite(descriptor, f"process {os.getpid()} holds the lock since {since}".encode(), 0)
        yield
    finally:
        os.close(descriptor)
