"""The sandbox's memory: a journal of the entries that were acknowledged.

An entry is written and synced before its reply goes out, and done again when the sandbox starts. So
what was acknowledged survives ``kill -9``, with the same ids, keys and secrets. The file is for
its owner alone, because passwords are in it as they are in AWS.

Each line ends with a hash over itself and the hash of the line before, so that a byte that has
changed, or a line that is gone, is noticed. Journals of format 1 have no such hashes; what is
added to them is chained to all that was there.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Self

from iamkit.errors import SandboxError
from iamkit.sandbox.private import open_private
from iamkit.storage.private_files import sync_folder
from iamkit.text import parse_json

NAME = "account.jsonl"
NO_ROOM = 5
"""The exit code of a server that could not write down what it had done."""
_FORMAT = 2
_READABLE = (1, 2)
_CHAIN = b', "chain": "'
_LINK = len(_CHAIN) + 64 + len(b'"}')
_LONGEST_HEADER = 64 * 1024
_LONGEST_LINE = 128 * 1024 * 1024
"""In bytes; a call of the largest body that the server takes fits into it."""


def versions() -> dict[str, Any]:
    """What writes a journal."""
    return {"format": _FORMAT, "iamkit": _version("iamkit"), "moto": _version("moto")}


@cache
def _version(name: str) -> str:
    """Reading a package's metadata takes longer than a journal's first line."""
    return version(name)


def check_versions(path: Path) -> None:
    """Check that a journal, if there is one, can be read by these versions.

    Another iamkit can read it, because all answers are compared; another moto cannot.

    Raises:
        SandboxError: it was written by others, or it is damaged, or no file of ours.
    """
    if not os.path.lexists(path):
        return
    stamp = read_header(path).get("versions")
    if not isinstance(stamp, dict):
        raise damaged(path, 1)
    if not _is_readable(stamp):
        raise SandboxError(
            f"The practice account in {path.parent} was made with {_said(stamp)}; this is "
            f"{_said(versions())}. `iamkit sandbox reset` starts a new account."
        )


def _is_readable(stamp: dict[str, Any]) -> bool:
    return stamp.get("format") in _READABLE and stamp.get("moto") == versions()["moto"]


def read_header(path: Path) -> dict[str, Any]:
    """What a journal says first: ``versions``, ``instance`` and ``port``.

    Raises:
        SandboxError: it is damaged, or no file of ours.
    """
    with open_private(path) as file:
        found = _parse(file.readline(_LONGEST_HEADER))
    if found is None:
        raise damaged(path, 1)
    return found


def damaged(path: Path, line: int) -> SandboxError:
    """The error that a line of a journal is not as it was written."""
    return SandboxError(
        f"{path} is damaged in line {line}. Nothing was changed. `iamkit sandbox restore` goes "
        "back to what is whole; `iamkit sandbox reset` starts a new account."
    )


@dataclass(frozen=True)
class Survey:
    """What a journal is worth, from its first line to the last one that is whole.

    Attributes:
        header: its first line; empty if that is damaged.
        lines: how many are whole, the header among them.
        size: how many bytes those are.
        chain: the hash that the next line continues.
        is_damaged: whether the line after them is damaged; if not, the journal is whole.
        lost: how many changes come after the whole lines.
        is_open: whether the last whole line lacks its end of line.
    """

    header: dict[str, Any] = field(repr=False)
    lines: int
    size: int
    chain: str
    is_damaged: bool
    lost: int
    is_open: bool = False


def survey(path: Path) -> Survey:
    """Hold every line of a journal against its hash.

    Raises:
        SandboxError: it is no file of ours, or cannot be read.
    """
    header: dict[str, Any] = {}
    lines = size = 0
    chain, chained = "", False
    with open_private(path) as file:
        while line := file.readline(_LONGEST_LINE):
            text = line.removesuffix(b"\n")
            link = _link(chain, text)
            is_old = not chained and link is None and _is_format_1(header, text)
            if link is None and (not is_old or text == line):
                after = line + file.read(1)
                file.seek(size)
                return Survey(
                    header, lines, size, chain, _is_damaged(chain, text, after), _changes(file)
                )
            header = header or _parse(text) or {}
            chain, chained = link or _hash(chain, text), link is not None
            lines, size = lines + 1, size + len(line)
            if text == line:
                return Survey(header, lines, size, chain, is_damaged=False, lost=0, is_open=True)
    return Survey(header, lines, size, chain, is_damaged=lines == 0, lost=0)


class Journal:
    """An open journal.

    Attributes:
        header: what it says first: ``versions``, and what `create` was given.
        count: how many entries were in it when it was opened.
    """

    def __init__(self, path: Path, found: Survey) -> None:
        self.header = found.header
        self.count = found.lines - 1
        self._path = path
        self._chain = found.chain
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW)

    @classmethod
    def create(cls, path: Path, **header: Any) -> Self:
        """A new journal of mode 0600, with nothing in it but its header."""
        header = {"versions": versions(), **header}
        line, _ = _chained("", header)
        replace_journal(path, [line])
        return cls(path, survey(path))

    @classmethod
    def open(cls, path: Path) -> Self:
        """The journal of an account, without a last line that was cut off by a crash.

        Raises:
            SandboxError: it is of other versions, or damaged.
        """
        check_versions(path)
        found = survey(path)
        if found.is_damaged:
            raise damaged(path, found.lines + 1)
        if found.size < path.stat().st_size:  # never acknowledged
            os.truncate(path, found.size)
        memory = cls(path, found)
        if found.is_open:
            _write(memory._file, b"\n")
        return memory

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)

    def keep(self, entry: Mapping[str, Any]) -> None:
        """Write an entry so that it survives a crash of the machine.

        Raises:
            OSError: it was not written.
        """
        self.note(entry)
        os.fsync(self._file)

    def note(self, entry: Mapping[str, Any]) -> None:
        """Write an entry that nobody is told of, so that it survives a crash of this process.

        Raises:
            OSError: it was not written.
        """
        line, chain = _chained(self._chain, dict(entry))
        _write(self._file, line)
        self._chain = chain


def read_entries(path: Path, count: int) -> Iterator[dict[str, Any]]:
    """The first entries of a journal as plain data, the oldest first; a survey found them whole."""
    with open_private(path) as file:
        file.readline()
        for line in islice(file, count):
            data = parse_json(line)
            data.pop("chain", None)
            yield data


def replace_journal(path: Path, parts: "Iterator[bytes] | list[bytes]") -> None:
    """Put a journal in place, whole or not at all, of mode 0600.

    Raises:
        OSError: it cannot be written; what was there is there.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    temporary = path.with_suffix(".new")
    temporary.unlink(missing_ok=True)
    handle = os.open(temporary, flags, 0o600)
    try:
        for part in parts:
            _write(handle, part)
        os.fsync(handle)
        temporary.rename(path)
    except OSError:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    finally:
        os.close(handle)
    sync_folder(path.parent)


def cut_journal(path: Path, size: int) -> Path:
    """Keep the first bytes of a journal, and the journal as it was under another name.

    Returns:
        The other name, beside it.

    Raises:
        OSError: it cannot be written; the journal is as it was.
    """
    number = 1
    while os.path.lexists(kept := path.with_name(f"account.damaged-{number}.jsonl")):
        number += 1
    kept.hardlink_to(path)
    with open_private(path) as file:
        replace_journal(path, _parts(file, size))
    return kept


def end_of(path: Path, lines: int) -> tuple[int, int]:
    """Where a journal's first lines end, in bytes, and how many changes come after them."""
    with open_private(path) as file:
        size = sum(len(file.readline()) for _ in range(lines))
        return size, _changes(file)


def _parts(file: BinaryIO, size: int) -> Iterator[bytes]:
    while size > 0 and (part := file.read(min(size, 1 << 20))):
        size -= len(part)
        yield part


def _changes(lines: BinaryIO) -> int:
    """How many of the lines that come are changes that were acknowledged."""
    silent = (b'"digest": "refused"', b'"command": "use_key"')
    count = 0
    while line := lines.readline(_LONGEST_LINE):
        count += line.endswith(b"\n") and not any(mark in line for mark in silent)
    return count


def _chained(chain: str, data: dict[str, Any]) -> tuple[bytes, str]:
    """A line and its hash."""
    text = json.dumps(data).encode()
    link = _hash(chain, text[:-1])
    return text[:-1] + _CHAIN + link.encode() + b'"}\n', link


def _hash(chain: str, text: bytes) -> str:
    return hashlib.sha256(chain.encode() + text).hexdigest()


def _link(chain: str, text: bytes) -> str | None:
    """The hash at the end of a line, if it is the right one."""
    link = _hash(chain, text[:-_LINK])
    return link if text[-_LINK:] == _CHAIN + link.encode() + b'"}' else None


def _is_format_1(header: dict[str, Any], text: bytes) -> bool:
    """Whether a line without a hash may be one of format 1."""
    found = _parse(text)
    stamp = (header or found or {}).get("versions")
    is_one = isinstance(stamp, dict) and stamp.get("format") == 1
    return is_one and found is not None and "chain" not in found


def _is_damaged(chain: str, text: bytes, line: bytes) -> bool:
    """Whether a line that is not right was once; if not, a crash cut it off."""
    return line.endswith(b"\n") or text != line.removesuffix(b"\n") or bool(_link(chain, text[:-1]))


def _parse(line: bytes) -> dict[str, Any] | None:
    try:
        found = parse_json(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _write(handle: int, line: bytes) -> None:
    if os.write(handle, line) != len(line):
        raise OSError(28, "No space left on device")


def _said(stamp: dict[str, Any]) -> str:
    return f"iamkit {stamp.get('iamkit')} and moto {stamp.get('moto')}"
