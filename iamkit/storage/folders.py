"""Folders: those for their owner alone, and whether there is room for what must be written."""

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from iamkit.errors import InputError, StorageError
from iamkit.storage.private_files import write_new
from iamkit.storage.reading import kind_of

ROOM = 16_384
"""Bytes: room for a credential and all that is written beside it."""


def private_folder(folder: Path) -> None:
    """Make a folder for its owner alone, or check that it is one.

    Raises:
        StorageError: it is a link, is another's, is open to others, or cannot be made.
    """
    make_folder(folder, 0o700)
    facts = folder.lstat()
    if not stat.S_ISDIR(facts.st_mode):
        raise StorageError(folder, "it is a link and not a folder")
    check_owner(folder)
    if stat.S_IMODE(facts.st_mode) & 0o077:
        raise StorageError(folder, f"others can look into it; run: chmod 700 '{folder}'")


def check_owner(folder: Path) -> None:
    """Check that a folder is ours; who owns it could change what is in it.

    Raises:
        StorageError: it belongs to another user.
    """
    if folder.stat().st_uid != os.geteuid():
        raise StorageError(folder, "it belongs to another user")


def make_folder(folder: Path, mode: int = 0o777) -> None:
    """Make a folder, unless it is there.

    Raises:
        StorageError: a file is in its place, a link to it leads nowhere, or it cannot be made.
    """
    try:
        folder.mkdir(mode=mode, parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(folder, _why_not(folder) or str(error.strerror)) from None
    except ValueError:  # a name with a NUL
        raise StorageError(folder, "no folder has such a name") from None


def check_room(folder: Path, size: int = ROOM) -> None:
    """Check that so many bytes can be written here, by writing them.

    Only that tells what quotas, network disks and mounts allow.

    Raises:
        StorageError: the disk is full, or the folder is read-only.
    """
    probe = folder / f".room-{os.getpid()}"
    try:
        probe.unlink(missing_ok=True)
        write_new(probe, b"\0" * size)
        probe.unlink()
    except OSError as error:
        raise StorageError(folder, error.strerror or "it cannot be written") from None


def check_file(path: Path) -> None:
    """Check that a file can be written, before it is known what will stand in it.

    Raises:
        StorageError: its folder is not there, is read-only or full, or something else than a file
            has its name.
    """
    try:
        kind = kind_of(path.stat().st_mode) if path.exists() else ""
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no file has such a name"
        raise StorageError(path, reason) from None
    if kind:
        raise StorageError(path, f"it is {kind}, not a file")
    if not path.parent.is_dir():
        raise StorageError(path, f"{path.parent} is no folder")
    check_room(path.parent)


def check_files(written: Iterable[Path | None], read: Iterable[Path | None]) -> None:
    """Check, before anything is read, that files can be written, and are none of those read.

    Args:
        written: the files to write; None stands for none.
        read: the files to read, likewise.

    Raises:
        InputError: one is also to be read, or written as another.
        StorageError: one cannot be written.
    """
    taken = [path.resolve() for path in read if path]
    for path in filter(None, written):
        if path.resolve() in taken:
            raise InputError(f"{path} is also to be read or written. Name another file.")
        taken.append(path.resolve())
        check_file(path)


def _why_not(folder: Path) -> str:
    """What stands in the way of a folder, if it is something else; empty if it is not."""
    for path in (folder, *folder.parents):
        if path.is_symlink() and not path.exists():
            return "it is a link that leads nowhere" if path == folder else f"{path} leads nowhere"
        if path.exists():
            there = "it" if path == folder else str(path)
            return "" if path.is_dir() else f"{there} is not a folder"
    return ""
