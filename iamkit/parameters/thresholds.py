"""From when on an audit minds, and what somebody has accepted: plain values, for the audit.

In ``models`` they are checked where a person says them in a file or a form.
"""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """From when on an audit minds; the defaults are the CIS AWS Foundations Benchmark's."""

    unused_days: int = 45
    rotation_days: int = 90
    root_days: int = 90
    setup_days: int = 1
    password_length: int = 14
    password_reuse: int = 24


@dataclass(frozen=True, kw_only=True)
class Waiver:
    """A finding that somebody has accepted, for a reason and until a day."""

    check: str
    principal: str
    reason: str
    until: str

    @property
    def last_day(self) -> date:
        """The last day, in UTC, on which it counts."""
        return date.fromisoformat(self.until)
