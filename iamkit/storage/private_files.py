"""Put a file in place: whole or absent under its name, and on disk when a function returns."""

import os
import threading
from pathlib import Path

from iamkit.errors import InputError

PRIVATE = 0o600
"""The mode of a file for its owner alone."""
NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def write_whole(path: Path, content: str | bytes, mode: int = PRIVATE) -> None:
    """Have a file appear whole under its name, in place of an older one.

    Two processes that write the same file disturb each other in nothing: the later one stays.

    Args:
        path: the file; a link there is replaced, not followed.
        content: its bytes, or its text in UTF-8.
        mode: its permissions, before the process's umask.

    Raises:
        OSError: it could not be written; an older one is as it was.
    """
    own = f"{os.getpid()}-{threading.get_ident()}"
    data = content.encode() if isinstance(content, str) else content
    replace_by_way_of(path.with_name(f".{path.name[:200]}.{own}"), path, data, mode)


def write_named(path: Path, content: str | bytes, mode: int = 0o666, end: str = "") -> None:
    """As `write_whole`, where a person named the file.

    Args:
        path: as there.
        content: as there.
        mode: as there; by default others may read it.
        end: how the error ends, such as with what to do.

    Raises:
        InputError: it could not be written; an older one is as it was.
    """
    try:
        write_whole(path, content, mode)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}.{end}") from None


def replace_by_way_of(staged: Path, path: Path, data: bytes, mode: int = PRIVATE) -> None:
    """As `write_whole`, staged under a name that the caller knows how to find after a crash.

    Raises:
        OSError: it could not be written; an older one is as it was, and nothing is staged.
    """
    staged.unlink(missing_ok=True)
    write_new(staged, data, mode)
    try:
        staged.replace(path)
    except OSError:
        staged.unlink()
        raise
    sync_folder(path.parent)


def write_new(path: Path, data: bytes, mode: int = PRIVATE) -> None:
    """Write a new file and have it on disk; a failed one is removed.

    Raises:
        OSError: it is there already, is a link, or cannot be written whole.
    """
    descriptor = os.open(path, NEW, mode)
    try:
        try:
            write_all(descriptor, data)
        finally:
            os.close(descriptor)
    except OSError:
        path.unlink()
        raise


def write_all(descriptor: int, data: bytes) -> None:
    """Write to an open file and have it on disk; a call may take a part of what it is given.

    Raises:
        OSError: it was not written, or a part of it.
    """
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
    os.fsync(descriptor)


def link_into_place(staged: Path, path: Path) -> None:
    """Give a staged file its name, which must be free, and have that on disk.

    Raises:
        OSError: the name is taken, or cannot be given.
    """
    os.link(staged, path)
    staged.unlink()
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
