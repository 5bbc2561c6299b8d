"""The journal of an apply: one JSON line before each call and one after it, on disk at once."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from iamkit.app_mode import refuse_if_only_shown
from iamkit.errors import StorageError
from iamkit.plan.changes import Change
from iamkit.storage.folders import ROOM, check_room, private_folder
from iamkit.storage.private_files import write_all
from iamkit.storage.reading import read_text
from iamkit.text import parse_json

LARGEST = 100_000_000
"""Bytes of a journal that is read; 5,000 changes take some 5 million."""
LINES = 2_000
"""Bytes of a change's two lines, beside the values of its arguments."""


class Journal:
    """Writes the lines of one apply to a file of its own; no secret is ever in a ``Change``.

    Attributes:
        path: ``<folder>/journal/<UTC time>-<process>.jsonl``, for its owner alone.

    Raises:
        StorageError: it cannot be written; nothing was changed.
    """

    def __init__(self, folder: Path, changes: Sequence[Change] = ()) -> None:
        refuse_if_only_shown("written")
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}-{os.getpid()}.jsonl"
        self.path = folder / "journal" / name
        private_folder(self.path.parent)
        texts = sum(len(json.dumps(change.arguments)) for change in changes)
        check_room(self.path.parent, ROOM + 2 * texts + LINES * len(changes))
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_NOFOLLOW
        try:
            self._file = os.open(self.path, flags, 0o600)
        except OSError as error:
            raise StorageError(self.path, error.strerror or "it cannot be written") from None

    def before(self, number: int, change: Change, caller: str) -> None:
        """Write that a call is about to be made, and what is there before it."""
        facts = ("service", "operation", "arguments", "verb", "kind", "name", "origin")
        call = {name: getattr(change, name) for name in facts}
        self._write(number, "before", {"caller": caller, **call, "previous": change.before})

    def after(self, number: int, outcome: str) -> None:
        """Write what became of the call."""
        self._write(number, "after", {"outcome": outcome})

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def _write(self, number: int, event: str, facts: dict[str, Any]) -> None:
        entry = {"time": datetime.now(UTC).isoformat(), "change": number, "event": event} | facts
        write_all(self._file, json.dumps(entry).encode() + b"\n")


@dataclass(frozen=True, kw_only=True)
class LastApply:
    """What an account's newest journal tells.

    Attributes:
        at: when its first call was made, in UTC.
        done, failed: how many calls.
        cut_off: the call that began and of which no end is known, in words; or empty.
        path: the journal.
    """

    at: datetime
    done: int
    failed: int
    cut_off: str
    path: Path

    def __str__(self) -> str:
        """The same in a sentence or two."""
        said = f"The last apply in this account: {self.at:%Y-%m-%d %H:%M:%S} UTC, {self.done} done"
        said += f", {self.failed} failed" if self.failed else ""
        end = f" It was cut off in {self.cut_off}." if self.cut_off else ""
        return f"{said}.{end} Journal: {self.path}"


def last_apply(folder: Path) -> LastApply | None:
    """What the newest journal in an account's folder tells; None if there is none.

    A line that a crash left half written is passed over.

    Raises:
        InputError: it cannot be read.
    """
    for path in sorted((folder / "journal").glob("*.jsonl"), reverse=True):
        lines = read_text(path, LARGEST, "The journal").splitlines()
        entries = [entry for line in lines if (entry := _entry(line))]
        if not entries:
            continue
        ends = {e["change"]: e["outcome"] for e in entries if e["event"] == "after"}
        open_ = [e for e in entries if e["event"] == "before" and e["change"] not in ends]
        return LastApply(
            at=datetime.fromisoformat(entries[0]["time"]),
            done=sum(outcome == "done" for outcome in ends.values()),
            failed=sum(outcome != "done" for outcome in ends.values()),
            cut_off=_words(open_[-1]) if open_ else "",
            path=path,
        )
    return None


def _entry(line: str) -> dict[str, Any] | None:
    """A line's facts; None if it is not whole, or none of ours."""
    try:
        entry: dict[str, Any] = parse_json(line)
        datetime.fromisoformat(entry["time"])
        facts = {"before": "arguments", "after": "outcome"}[entry["event"]]
    except (ValueError, KeyError, TypeError):
        return None
    return entry if {"change", facts} <= entry.keys() else None


def _words(entry: dict[str, Any]) -> str:
    about = ", ".join(v for v in entry["arguments"].values() if isinstance(v, str))
    return f"{entry['operation'].replace('_', ' ')} ({about})"
