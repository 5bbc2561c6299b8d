"""Private files that are whole or not there, and are on disk when a function returns."""

import os
import stat
from pathlib import Path

from iamkit.errors import HandoverError

NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
ROOM = b"\0" * 16_384


def private_folder(folder: Path) -> None:
    """Make a folder for its owner alone, or check that it is one.

    Raises:
        HandoverError: it is a link, is another's, is open to others, or cannot be made.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        facts = folder.lstat()
    except OSError as error:
        raise unusable(folder, error.strerror or "it cannot be made") from None
    if not stat.S_ISDIR(facts.st_mode):
        raise unusable(folder, "it is a link and not a folder")
    if facts.st_uid != os.geteuid():
        raise unusable(folder, "it belongs to another user")
    if stat.S_IMODE(facts.st_mode) & 0o077:
        raise unusable(folder, f"others can look into it; run: chmod 700 '{folder}'")


def check_room(folder: Path) -> None:
    """Check that a file can be written here, by writing one.

    Raises:
        HandoverError: the disk is full, or the folder is read-only.
    """
    probe = folder / f".room-{os.getpid()}"
    try:
        probe.unlink(missing_ok=True)
        write_new(probe, ROOM)
        probe.unlink()
    except OSError as error:
        raise unusable(folder, error.strerror or "it cannot be written") from None


def write_new(path: Path, data: bytes) -> None:
    """Write a new file of mode 0600 and have it on disk; a failed one is removed.

    Raises:
        OSError: it is there already, is a link, or cannot be written whole.
    """
    descriptor = os.open(path, NEW, 0o600)
    try:
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(descriptor, view) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError:
        path.unlink()
        raise


def store_whole(path: Path, data: bytes) -> None:
    """Have a new file appear whole under its name, never overwriting one.

    A process killed on the way leaves the whole content in ``staging_of(path)``, or a part of it.

    Raises:
        OSError: it could not be stored.
    """
    staged = staging_of(path)
    write_new(staged, data)
    link_into_place(staged, path)


def replace_whole(path: Path, data: bytes) -> None:
    """Have a file appear whole under its name, in place of an older one.

    Raises:
        OSError: it could not be stored; the older one is as it was.
    """
    staged = staging_of(path)
    staged.unlink(missing_ok=True)
    write_new(staged, data)
    staged.replace(path)
    sync_folder(path.parent)


def link_into_place(staged: Path, path: Path) -> None:
    """Give a staged file its name, which must be free, and have that on disk."""
    os.link(staged, path)
    staged.unlink()
    sync_folder(path.parent)


def staging_of(path: Path) -> Path:
    """Where a file is written before it gets its name."""
    return path.with_name(f".{path.name}.new")


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def unusable(folder: Path, reason: str) -> HandoverError:
    """The error for a folder in which no credential can be kept."""
    return HandoverError(
        f"Credentials cannot be kept in {folder}: {reason}. Nothing was changed in AWS."
    )
