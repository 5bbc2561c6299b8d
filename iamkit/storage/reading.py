"""Read a file that a person named: a regular one, of bounded size, in a known encoding."""

import codecs
import os
import stat
from pathlib import Path

from iamkit.errors import InputError

UNCHANGED = "Nothing was changed."
MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16's, with which it begins
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""Byte order marks, by which a file says its encoding: https://www.unicode.org/faq/utf_bom.html"""
KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISLNK, "a link"),
)


def read_text(path: Path, limit: int, named: str = "") -> str:
    """The text of a regular file: UTF-8, or what its byte order mark says.

    PowerShell's ``>`` and spreadsheets write UTF-16 with a mark. The mark is not in the text, and
    line ends stay as they are.

    Args:
        path: the file.
        limit: how many bytes it may have at most.
        named: the parameter or option that names it, for the error, such as ``users_csv``.

    Raises:
        InputError: it is not there, no regular file, larger, unreadable, or not text; nothing
            was waited for, whatever it is.
    """
    return decode(read_bytes(path, limit, named), _called(path, named))


def read_bytes(path: Path, limit: int, named: str = "", end: str = UNCHANGED) -> bytes:
    """The bytes of a regular file, as `read_text`; ``end`` says what was changed in an error."""
    called = _called(path, named)
    try:
        # Without O_NONBLOCK the opening of a pipe waits for somebody who writes to it.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            facts = os.fstat(descriptor)
            if kind := kind_of(facts.st_mode):
                raise InputError(f"{called}: it is {kind}, not a file. {end}")
            data = b"" if facts.st_size > limit else _read_all(descriptor, limit + 1)
        finally:
            os.close(descriptor)
    except (OSError, ValueError) as error:  # ValueError: a name with a NUL
        raise InputError(f"{called}: {reason_of(error)}. {end}") from None
    if max(facts.st_size, len(data)) > limit:
        raise InputError(f"{called}: larger than {_size(limit)}. {end}")
    return data


def _read_all(descriptor: int, most: int) -> bytes:
    with os.fdopen(descriptor, "rb", closefd=False) as file:
        return file.read(most)


def decode(data: bytes, called: str) -> str:
    """The text of a file's bytes in UTF-8, or in the encoding that their byte order mark says.

    Raises:
        InputError: they are not text.
    """
    encoding = next((name for mark, name in MARKS if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise InputError(f"{called}: not text in UTF-8; save it as UTF-8. {UNCHANGED}")
    return text


def reason_of(error: OSError | ValueError) -> str:
    """Why the system refused a path, in its words."""
    return getattr(error, "strerror", None) or "no file has such a name"


def kind_of(mode: int) -> str:
    """What a file is in words, by its mode; empty for a regular one."""
    return next((words for is_kind, words in KINDS if is_kind(mode)), "")


def _called(path: Path, named: str) -> str:
    return f"{named} {path}" if named else str(path)


def _size(limit: int) -> str:
    return f"{limit // 1_000_000} MB" if limit >= 1_000_000 else f"{limit:,} bytes"
