"""The journal of an apply: one JSON line before each call and one after it, on disk at once."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from iamkit.app_mode import refuse_if_only_shown
from iamkit.errors import InputError, StorageError
from iamkit.plan.change import Change
from iamkit.plan.operations import OPERATIONS
from iamkit.plan.undo_steps import Made
from iamkit.storage.folders import ROOM, check_room, private_folder
from iamkit.storage.private_files import write_all
from iamkit.storage.reading import read_text
from iamkit.text import parse_json

LARGEST = 100_000_000
"""Bytes of a journal that is read; 5,000 changes take some 5 million."""
LOOKED_BACK = timedelta(days=30)
"""How long an apply that was cut off is remembered for what it left."""
LINES = 2_000
"""Bytes of a change's two lines, beside the values of its arguments."""
FACTS = ("service", "operation", "arguments", "verb", "kind", "name", "origin")
"""What is written of a change before its call, beside what was there."""


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
        call = {name: getattr(change, name) for name in FACTS}
        self._write(number, "before", {"caller": caller, **call, "previous": change.before})

    def after(self, number: int, outcome: str, key_id: str = "", *, doubtful: bool = False) -> None:
        """Write what became of the call, the key that it made, and whether it may have acted."""
        facts: dict[str, Any] = {"outcome": outcome}
        facts |= {"key": key_id} if key_id else {}
        facts |= {"doubtful": True} if doubtful else {}
        self._write(number, "after", facts)

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def _write(self, number: int, event: str, facts: dict[str, Any]) -> None:
        entry = {"time": datetime.now(UTC).isoformat(), "change": number, "event": event} | facts
        write_all(self._file, json.dumps(entry).encode() + b"\n")


@dataclass(frozen=True, kw_only=True)
class RecordedApply:
    """What the journal of one apply tells.

    Attributes:
        path: the journal.
        account_id: the account whose caller it names; empty if that cannot be told.
        at: when its first call was made, in UTC.
        made: the changes that were made, or may have been, in their order.
        failed: how many calls were refused.
    """

    path: Path
    account_id: str
    at: datetime
    made: tuple[Made, ...]
    failed: int

    def __str__(self) -> str:
        """The same in a sentence or two."""
        done = sum(one.certain for one in self.made)
        said = f"Applied on {self.at:%Y-%m-%d at %H:%M:%S} UTC: {done} done"
        said += f", {self.failed} failed" if self.failed else ""
        open_ = [one.change for one in self.made if not one.certain]
        end = f" It was cut off in {_words(open_[-1])}." if open_ else ""
        return f"{said}.{end} Journal: {self.path}"


def journals(folder: Path) -> list[Path]:
    """The journals in an account's folder, the newest first."""
    return sorted((folder / "journal").glob("*.jsonl"), reverse=True)


def last_apply(folder: Path) -> RecordedApply | None:
    """What the newest journal in an account's folder tells; None if there is none.

    Raises:
        InputError: it cannot be read.
    """
    return next((found for path in journals(folder) if (found := read_apply(path))), None)


def read_apply(path: Path) -> RecordedApply | None:
    """What a journal tells; None if it holds no call. A line that a crash cut off is passed over.

    Raises:
        InputError: it cannot be read, or holds a call that no plan of this version makes.
    """
    lines = read_text(path, LARGEST, "The journal").splitlines()
    entries = [entry for line in lines if (entry := _entry(line))]
    begun = [entry for entry in entries if entry["event"] == "before"]
    if not begun:
        return None
    ends = {entry["change"]: entry for entry in entries if entry["event"] == "after"}
    refused = {
        number
        for number, end in ends.items()
        if end["outcome"] != "done" and not end.get("doubtful")
    }
    arn = str(begun[0].get("caller", "")).split(":")
    return RecordedApply(
        path=path,
        account_id=arn[4] if len(arn) > 4 else "",
        at=datetime.fromisoformat(begun[0]["time"]),
        made=tuple(
            _made(path, entry, ends.get(entry["change"]))
            for entry in begun
            if entry["change"] not in refused
        ),
        failed=len(refused),
    )


def find_left_devices(folder: Path) -> Mapping[str, tuple[str, ...]]:
    """Virtual MFA devices of which a journal tells that they were taken, and not that they went.

    Only the journals of the last days are looked at: an apply that was cut off is gone on with.

    Returns:
        By user name, serial numbers; whether one is still there, AWS alone can tell.

    Raises:
        InputError: a journal cannot be read.
    """
    since = f"{datetime.now(UTC) - LOOKED_BACK:%Y%m%dT%H%M%S}"
    taken, gone = dict[str, dict[str, None]](), set[str]()
    for path in reversed(journals(folder)):
        text = read_text(path, LARGEST, "The journal") if path.name >= since else ""
        if "mfa_device" not in text:
            continue
        entries = [entry for line in text.splitlines() if (entry := _entry(line))]
        done = {e["change"] for e in entries if e["event"] == "after" and e["outcome"] == "done"}
        for entry in entries:
            if entry["event"] != "before" or "SerialNumber" not in entry["arguments"]:
                continue
            serial = str(entry["arguments"]["SerialNumber"])
            if entry["operation"] == "deactivate_mfa_device":
                taken.setdefault(str(entry["name"]), {})[serial] = None
                gone.discard(serial)
            elif entry["change"] in done:
                gone.add(serial)
    left = {user: tuple(s for s in serials if s not in gone) for user, serials in taken.items()}
    return {user: serials for user, serials in left.items() if serials}


def _made(path: Path, entry: dict[str, Any], end: dict[str, Any] | None) -> Made:
    try:
        if entry["operation"] not in OPERATIONS:
            raise InputError(f"{path} holds a call that this version does not know.")
        arguments = dict(entry["arguments"])
        if end and end.get("key"):
            arguments["AccessKeyId"] = end["key"]
        facts = {name: entry[name] for name in FACTS} | {"arguments": arguments}
        change = Change(**facts, before=entry.get("previous"))
        named = arguments.get(f"{change.kind.title()}Name", change.name)
        moment = datetime.fromisoformat((end or entry)["time"]).astimezone(UTC)
        change.inverse  # noqa: B018 - it fails if what its way back needs lacks
        whole = named == change.name
    except (TypeError, ValueError, KeyError, AttributeError):
        whole = False
    if not whole:
        raise InputError(f"{path} is no journal as iamkit writes it.")
    certain = end is not None and not end.get("doubtful")
    return Made(number=entry["change"], change=change, at=moment, certain=certain)


def _entry(line: str) -> dict[str, Any] | None:
    """A line's facts; None if it is not whole, or none of ours."""
    try:
        entry: dict[str, Any] = parse_json(line)
        datetime.fromisoformat(entry["time"])
        wanted = {"before": FACTS, "after": ("outcome",)}[entry["event"]]
    except (ValueError, KeyError, TypeError):
        return None
    whole = {"change", *wanted} <= entry.keys() and isinstance(entry["change"], int)
    return entry if whole else None


def _words(change: Change) -> str:
    about = ", ".join(v for v in change.arguments.values() if isinstance(v, str))
    return f"{change.operation.replace('_', ' ')} ({about})"
