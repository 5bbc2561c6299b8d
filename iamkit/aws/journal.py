"""The journal of an apply: one JSON line before each call and one after it, on disk at once."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from iamkit.plan import Change


class Journal:
    """Writes the lines of one apply to a file of its own; no secret is ever in a ``Change``.

    Attributes:
        path: ``<folder>/journal/<UTC time>-<process>.jsonl``, for its owner alone.
    """

    def __init__(self, folder: Path) -> None:
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}-{os.getpid()}.jsonl"
        self.path = folder / "journal" / name
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_NOFOLLOW
        self._file = os.open(self.path, flags, 0o600)

    def before(self, number: int, change: Change, caller: str) -> None:
        """Write that a call is about to be made."""
        call = {"operation": change.operation, "arguments": change.arguments}
        self._write(number, "before", {"caller": caller, "verb": change.verb} | call)

    def after(self, number: int, outcome: str) -> None:
        """Write what became of the call."""
        self._write(number, "after", {"outcome": outcome})

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def _write(self, number: int, event: str, facts: dict[str, Any]) -> None:
        entry = {"time": datetime.now(UTC).isoformat(), "change": number, "event": event} | facts
        os.write(self._file, json.dumps(entry).encode() + b"\n")
        os.fsync(self._file)
