"""The log of AWS calls: who called what, and what came of it. No argument is kept."""

from collections import deque
from dataclasses import asdict, dataclass
from threading import Lock
from typing import Any

KEPT = 100_000


@dataclass(frozen=True)
class Call:
    """One call; see `Sandbox.calls` for the fields."""

    service: str
    action: str
    caller: str
    status: int
    outcome: str
    fault: str
    seconds: float


class CallLog:
    """The calls so far, oldest first; every thread writes to it."""

    def __init__(self) -> None:
        self._calls: deque[Call] = deque(maxlen=KEPT)
        self._lock = Lock()

    def add(self, call: Call) -> None:
        """Remember a call."""
        with self._lock:
            self._calls.append(call)

    def as_data(self) -> list[dict[str, Any]]:
        """All calls as plain data."""
        with self._lock:
            return [asdict(call) for call in self._calls]
