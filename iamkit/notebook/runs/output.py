"""The folder of executed notebooks: looked at before anything runs, written to after.

What lies there already is overwritten only if an earlier run wrote it; an input notebook never is.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from iamkit.errors import InputError, StorageError
from iamkit.storage.folders import check_room, make_folder
from iamkit.storage.home import home_folder
from iamkit.storage.private_files import write_whole
from iamkit.storage.reading import kind_of, read_text
from iamkit.text import parse_json

INDEX = "index.html"
"""The page of a run that links to those of its notebooks."""
ROOM = 3_000_000
"""Bytes of an executed notebook and its page; those of an audit, with its tables, have 2.2 million.
"""
LARGEST = 500_000_000
_PAGE = re.compile(r'<div (class="running" aria-hidden="true"|aria-hidden="true" class="running")>')
"""What is in every page of ours, and in hardly another; nbconvert sorts attributes."""


class NotKept(Exception):  # noqa: N818 - it says what became of the files
    """Executed notebooks could not be kept where they should be; the text says where they are."""


def check_output(folder: Path, notebooks: Sequence[Path]) -> None:
    """Make the output folder, and check that what will be written for some notebooks can be.

    Raises:
        InputError: it is no folder, is read-only or full, or something there would be overwritten
            that no earlier run wrote.
    """
    try:
        make_folder(folder, 0o700)
        _refuse_inputs(folder, notebooks)
        for name in [INDEX, *(f"{path.stem}.html" for path in notebooks)]:
            _refuse_foreign(folder / name, _PAGE.search)
        for path in notebooks:
            _refuse_foreign(folder / f"{path.stem}.ipynb", _is_executed)
        check_room(folder, ROOM * len(notebooks))
    except StorageError as error:
        reason = error.reason if error.path == folder else f"{error.path}: {error.reason}"
        raise InputError(f"The output folder {folder}: {reason}. Nothing was run.") from None


def _refuse_inputs(folder: Path, notebooks: Sequence[Path]) -> None:
    there = folder.resolve()
    for path in notebooks:
        if there in (path.absolute().parent.resolve(), path.resolve().parent):
            raise StorageError(
                folder, f"{path.name}, which is to be run, would be overwritten; choose another"
            )


def _refuse_foreign(path: Path, is_ours: Callable[[str], object]) -> None:
    """Raise StorageError if something is there that no earlier run wrote."""
    if not path.is_symlink() and not path.exists():
        return
    what = kind_of(path.lstat().st_mode)
    with suppress(InputError):  # what cannot be read is not ours
        if not what and is_ours(read_text(path, LARGEST)):
            return
    what = what or "no output of iamkit's"
    raise StorageError(
        path.parent, f"{path.name} in it is {what}, and would be overwritten; choose another"
    )


def _is_executed(text: str) -> bool:
    """Whether it is a notebook that papermill ran; an input notebook bears no such mark."""
    try:
        return "papermill" in parse_json(text)["metadata"]
    except (ValueError, KeyError, TypeError):
        return False


def keep_files(folder: Path, texts: Mapping[str, str]) -> None:
    """Write files to the output folder; if that fails, to a folder beside iamkit's own state.

    Args:
        folder: the output folder.
        texts: the files by name, free of secrets.

    Raises:
        NotKept: it did fail; why, and where they are now.
    """
    try:
        _write(folder, texts)
    except OSError as error:
        raise NotKept(
            f"The report could not be kept in {folder} ({error.strerror}); {_rescue(texts)}."
        ) from None


def _write(folder: Path, texts: Mapping[str, str]) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, text in texts.items():
        write_whole(folder / name, text)


def _rescue(texts: Mapping[str, str]) -> str:
    """Keep files beside iamkit's own state, and say where."""
    try:
        folder = home_folder() / "runs" / f"{datetime.now(UTC):%Y-%m-%dT%H%M%SZ}"
        _write(folder, texts)
    except (OSError, StorageError):
        return "nor could it be kept elsewhere"
    return f"it is in {folder}"
