"""Planned faults: what goes wrong between a caller and AWS, on purpose.

Kinds: ``throttle``, ``drop_before`` (the connection is closed, nothing is done), ``drop_after``
(AWS acted, and the connection is closed with no reply), ``error_before``, ``error_after`` (a 5xx;
after: AWS acted), ``truncate`` (AWS acted, half of the reply arrives), ``garbage`` (an HTML 502,
nothing is done), ``expired_token``, ``clock_skew`` (the server's clock is ``seconds`` ahead),
``access_denied``, ``slow`` (by ``seconds``, then as usual), ``hang_before``, ``hang_after`` (the
call is held until the plan changes; after: AWS acted), ``unknown_yet`` (looks do not see what is
younger than ``seconds``, and a new key is not known).

A fault happens always, or ``times`` often, or at a ``rate``. A ``throttle`` may have a token bucket
instead: so many calls ``per_second``, and ``burst`` at once.
"""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from random import Random
from threading import Condition
from typing import Any, Self

KINDS = frozenset(
    """throttle drop_before drop_after error_before error_after truncate garbage expired_token
    clock_skew access_denied slow hang_before hang_after unknown_yet""".split()
)
SECONDS = {"slow": 1, "clock_skew": 3600, "unknown_yet": 2}
"""Unless a fault says otherwise."""
_FIELDS: dict[str, type | tuple[type, ...]] = {
    "action": str,
    "kind": str,
    "service": str,
    "times": (int, type(None)),
    "skip": int,
    "seconds": (int, float),
    "status": int,
    "rate": (int, float),
    "per_second": (int, float),
    "burst": int,
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
        rate: of the calls that it happens to, 0 to 1.
        per_second: how many calls pass a throttle in a second; none, when it is 0.
        burst: how many may pass at once.
    """

    action: str
    kind: str
    service: str = ""
    times: int | None = None
    skip: int = 0
    seconds: float = 0
    status: int = 500
    rate: float = 1
    per_second: float = 0
    burst: int = 1
    _bucket: tuple[float, float] = field(default=(0, 0), repr=False)
    """How many tokens there were, and when."""

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
        return cls(**{"seconds": SECONDS.get(data["kind"], 0), **data})

    def matches(self, service: str, action: str) -> bool:
        """Whether it concerns calls of an action."""
        return self.action in ("*", action) and self.service in ("", service)

    def spares(self, chance: float, now: float) -> bool:
        """Whether a call passes this time: by chance, or because its bucket has a token left."""
        if not self.per_second:
            return chance >= self.rate
        tokens, then = self._bucket
        tokens = min(self.burst, tokens + (now - then) * self.per_second)
        self._bucket = (tokens - 1, now) if tokens >= 1 else (tokens, now)
        return tokens >= 1


class FaultPlan:
    """The faults that are planned; every thread asks it."""

    def __init__(self) -> None:
        self._random = Random()  # noqa: S311 - weather is no secret
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
                if fault.kind == "unknown_yet" or fault.times == 0:
                    continue
                if not fault.matches(service, action):
                    continue
                if fault.spares(self._random.random(), time.monotonic()):
                    continue
                if fault.skip:
                    fault.skip -= 1
                    continue
                if fault.times is not None:
                    fault.times -= 1
                return fault
        return None

    def seconds_unknown(self) -> float:
        """For how long looks do not see what is new."""
        with self._changed:
            return max((f.seconds for f in self._faults if f.kind == "unknown_yet"), default=0)

    def hold(self) -> None:
        """Wait until the plan changes."""
        with self._changed:
            self._changed.wait()


WEATHER: dict[str, list[dict[str, Any]]] = {
    "calm": [],
    "typical": [
        {"action": "*", "service": "iam", "kind": "throttle", "per_second": 40, "burst": 80},
        {"action": "*", "service": "iam", "kind": "unknown_yet", "seconds": 2},
        {"action": "*", "service": "iam", "kind": "error_before", "status": 503, "rate": 0.01},
        {"action": "*", "service": "iam", "kind": "drop_after", "rate": 0.005},
        {"action": "*", "kind": "slow", "seconds": 0.3, "rate": 0.03},
    ],
    "storm": [
        {"action": "*", "service": "iam", "kind": "throttle", "per_second": 15, "burst": 20},
        {"action": "*", "service": "iam", "kind": "unknown_yet", "seconds": 4},
        {"action": "*", "service": "iam", "kind": "error_before", "status": 500, "rate": 0.03},
        {"action": "*", "service": "iam", "kind": "error_after", "status": 503, "rate": 0.03},
        {"action": "*", "service": "iam", "kind": "drop_before", "rate": 0.02},
        {"action": "*", "service": "iam", "kind": "drop_after", "rate": 0.03},
        {"action": "*", "service": "iam", "kind": "truncate", "rate": 0.01},
        {"action": "*", "service": "iam", "kind": "garbage", "rate": 0.02},
        {"action": "*", "kind": "slow", "seconds": 0.5, "rate": 0.05},
    ],
}
"""What can be expected of AWS: on a good day, on most days, and on a bad one."""
