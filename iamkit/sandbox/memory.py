"""The sandbox's memory: a journal of the deeds that were acknowledged.

A deed is written and synced before its reply goes out, and done again when the sandbox starts. So
what was acknowledged survives ``kill -9``, with the same ids, keys and secrets. The file is for
its owner alone, because passwords are in it as they are in AWS.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from iamkit.errors import SandboxError

if TYPE_CHECKING:
    from iamkit.sandbox.deeds import Deed

NAME = "account.jsonl"
_FORMAT = 1


def versions() -> dict[str, Any]:
    """What wrote a journal, and alone can be trusted to read it."""
    return {"format": _FORMAT, "iamkit": version("iamkit"), "moto": version("moto")}


def check_versions(path: Path) -> None:
    """Check that a journal, if there is one, was written by these very versions.

    Raises:
        SandboxError: it was not, or it is damaged.
    """
    if not path.exists():
        return
    with path.open("rb") as file:
        stamp = _read_header(path, file.readline()).get("versions")
    if stamp != versions():
        raise SandboxError(
            f"The practice account in {path.parent} was made with {_said(stamp)}; this is "
            f"{_said(versions())}. `iamkit sandbox reset` starts a new account."
        )


class Memory:
    """An open journal.

    Attributes:
        header: what it says first: ``versions``, and what `create` was given.
    """

    def __init__(self, path: Path, header: dict[str, Any]) -> None:
        self.header = header
        self._path = path
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW)

    @classmethod
    def create(cls, path: Path, **header: Any) -> Self:
        """A new journal of mode 0600, with nothing in it but its header."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        header = {"versions": versions(), **header}
        temporary = path.with_suffix(".new")
        temporary.unlink(missing_ok=True)
        handle = os.open(temporary, flags, 0o600)
        _write(handle, header)
        os.close(handle)
        temporary.rename(path)
        folder = os.open(path.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)
        return cls(path, header)

    @classmethod
    def open(cls, path: Path) -> Self:
        """The journal of an account, without a last line that was cut off by a crash.

        Raises:
            SandboxError: it is of other versions, or damaged.
        """
        check_versions(path)
        data = path.read_bytes()
        whole = data.rfind(b"\n") + 1
        if whole < len(data):  # never acknowledged
            os.truncate(path, whole)
        return cls(path, _read_header(path, data[: data.find(b"\n")]))

    def deeds(self) -> Iterator[dict[str, Any]]:
        """The deeds as plain data, the oldest first.

        Raises:
            SandboxError: a line is damaged.
        """
        with self._path.open("rb") as file:
            next(file)
            for number, line in enumerate(file, 2):
                try:
                    yield json.loads(line)
                except ValueError:
                    raise _damaged(self._path, f"line {number}") from None

    def keep(self, deed: "Deed") -> None:
        """Write a deed so that it survives a crash of the machine.

        Raises:
            OSError: it was not written.
        """
        _write(self._file, asdict(deed))


def _write(handle: int, data: dict[str, Any]) -> None:
    line = json.dumps(data).encode() + b"\n"
    if os.write(handle, line) != len(line):
        raise OSError("the disk is full")
    os.fsync(handle)


def _read_header(path: Path, line: bytes) -> dict[str, Any]:
    try:
        header = json.loads(line)
    except ValueError:
        raise _damaged(path, "line 1") from None
    if not isinstance(header, dict):
        raise _damaged(path, "line 1")
    return header


def _damaged(path: Path, where: str) -> SandboxError:
    return SandboxError(
        f"{path} is damaged ({where}). `iamkit sandbox reset` starts a new account."
    )


def _said(stamp: Any) -> str:
    if not isinstance(stamp, dict):
        return "something unknown"
    return f"iamkit {stamp.get('iamkit')} and moto {stamp.get('moto')}"
