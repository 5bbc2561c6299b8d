"""Planned faults: what goes wrong between a caller and AWS, on purpose.

Kinds: ``throttle``, ``drop_before`` (the connection is closed, nothing is done), ``drop_after``
(AWS acted, and the connection is closed with no reply), ``error_before``, ``error_after`` (a 5xx;
after: AWS acted), ``truncate`` (AWS acted, half of the reply arrives), ``garbage`` (an HTML 502,
nothing is done), ``expired_token``, ``clock_skew`` (the server's clock is ``seconds`` ahead),
``access_denied``, ``slow`` (by ``seconds``, then as usual), ``hang_before``, ``hang_after`` (the
call is held until the plan changes; after: AWS acted).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from threading import Condition
from typing import Any, Self

KINDS = frozenset(
    {
        "throttle",
        "drop_before",
        "drop_after",
        "error_before",
        "error_after",
        "truncate",
        "garbage",
        "expired_token",
        "clock_skew",
        "access_denied",
        "slow",
        "hang_before",
        "hang_after",
    }
)
_FIELDS: dict[str, type | tuple[type, ...]] = {
    "action": str,
    "kind": str,
    "service": str,
    "times": (int, type(None)),
    "skip": int,
    "seconds": (int, float),
    "status": int,
}


@dataclass
class Fault:
    """One planned fault, and how often it has yet to happen.

    Attributes:
        action: the AWS action, or ``*``.
        kind: one of `KINDS`.
        service: such as ``iam``; any, when empty.
        times: how often, or None for always.
        skip: how many calls pass first.
        seconds: of slowness or clock skew.
        status: of the errors: 500 or 503.
    """

    action: str
    kind: str
    service: str = ""
    times: int | None = 1
    skip: int = 0
    seconds: float = 3600
    status: int = 500

    @classmethod
    def parse(cls, data: Mapping[str, Any]) -> Self:
        """A fault from plain data.

        Raises:
            ValueError: a field is unknown, missing or of the wrong type.
        """
        for name, value in data.items():
            if name not in _FIELDS:
                raise ValueError(f"a fault has no field {name!r}; its fields: {', '.join(_FIELDS)}")
            if not isinstance(value, _FIELDS[name]) or isinstance(value, bool):
                raise ValueError(f"{name} of a fault cannot be {value!r}")  # noqa: TRY004
        if not {"action", "kind"} <= data.keys():
            raise ValueError("a fault needs an action and a kind")
        if data["kind"] not in KINDS:
            raise ValueError(f"no fault is {data['kind']!r}; kinds: {', '.join(sorted(KINDS))}")
        return cls(**data)

    def matches(self, service: str, action: str) -> bool:
        """Whether it concerns calls of an action."""
        return self.action in ("*", action) and self.service in ("", service)


class FaultPlan:
    """The faults that are planned; every thread asks it."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._changed = Condition()

    def replace(self, faults: Iterable[Mapping[str, Any]]) -> None:
        """Plan these faults in place of all others, and let go of the calls that are held.

        Raises:
            ValueError: one is not understood; the plan is as it was.
        """
        parsed = [Fault.parse(fault) for fault in faults]
        with self._changed:
            self._faults = parsed
            self._changed.notify_all()

    def pick(self, service: str, action: str) -> Fault | None:
        """The fault that happens to this call, the first in the plan whose turn it is."""
        with self._changed:
            for fault in self._faults:
                if fault.times == 0 or not fault.matches(service, action):
                    continue
                if fault.skip:
                    fault.skip -= 1
                    continue
                if fault.times is not None:
                    fault.times -= 1
                return fault
        return None

    def hold(self) -> None:
        """Wait until the plan changes."""
        with self._changed:
            self._changed.wait()
