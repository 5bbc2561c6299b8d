"""The call log: what was called by whom and what came of it, and nothing that was said."""

from collections import deque
from dataclasses import asdict, dataclass
from threading import Lock
from typing import Any

KEPT = 100_000


@dataclass(frozen=True)
class LoggedCall:
    """One AWS call; `Sandbox.calls` describes the fields."""

    service: str
    action: str
    caller: str
    status: int
    outcome: str
    fault: str
    seconds: float


class CallLog:
    """The last 100,000 calls, in memory."""

    def __init__(self) -> None:
        self._calls: deque[LoggedCall] = deque(maxlen=KEPT)
        self._lock = Lock()

    def add(self, call: LoggedCall) -> None:
        """Keep a call, when its reply is ready."""
        with self._lock:
            self._calls.append(call)

    def clear(self) -> None:
        """Forget all calls."""
        with self._lock:
            self._calls.clear()

    def as_dicts(self) -> list[dict[str, Any]]:
        """The calls, oldest first."""
        with self._lock:
            calls = list(self._calls)
        return [asdict(call) for call in calls]
