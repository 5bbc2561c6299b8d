"""Private files of credentials: staged under a name that the next run finds after a crash."""

from pathlib import Path

from iamkit.errors import HandoverError, StorageError
from iamkit.storage import folders
from iamkit.storage.private_files import link_into_place, replace_by_way_of, write_new


def private_folder(folder: Path, room: int = 0) -> None:
    """Make a folder for its owner alone, or check that it is one and that ``room`` bytes fit in.

    Raises:
        HandoverError: it is a link, is another's, is open to others, cannot be made, or is full.
    """
    try:
        folders.private_folder(folder)
        if room:
            folders.check_room(folder, room)
    except StorageError as error:
        raise HandoverError(
            f"Credentials cannot be kept in {error.path}: {error.reason}. Nothing was changed in "
            "AWS."
        ) from None


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
    replace_by_way_of(staging_of(path), path, data)


def staging_of(path: Path) -> Path:
    """Where a file is written before it gets its name."""
    return path.with_name(f".{path.name}.new")
