"""What somebody reads who reads one page: the numbers, last time's beside them, who is behind them.

One value, for the report, for Markdown and for whoever writes another.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from iamkit.audit import Audit
from iamkit.audit.comparison import UNTOLD, Comparison, compare
from iamkit.audit.numbers import HEADLINE, Number, by_id, describe_report, failures
from iamkit.audit.priorities import Urgent, most_urgent

MOST_CHECKS = 8


@dataclass(frozen=True, kw_only=True)
class FirstPage:
    """The first page of an audit.

    Attributes:
        account_id: 12 digits.
        alias: the account's alias, or empty.
        day: when it was read, to the day; empty if nobody knows.
        numbers: the four of ``HEADLINE``, each with last time's, None without one.
        others: further numbers, in words.
        since: the day of the earlier audit; empty without one.
        changes: what has changed since; None without an earlier audit.
        urgent: the checks that fail worst, the worst first, at most ``MOST_CHECKS``.
        more: how many other checks fail.
        untold: how many checks could not be told.
        report: how old the credential report is.
        problems: what could not be read, a line each.
    """

    account_id: str
    alias: str
    day: str
    numbers: Sequence[tuple[Number, Number | None]]
    since: str
    changes: Comparison | None
    urgent: Sequence[Urgent]
    more: int
    untold: int
    report: str
    problems: Sequence[str]

    @property
    def headline(self) -> str:
        """The page in a sentence: ``3 urgent findings, 2 fewer than on 2026-11-20``."""
        number, before = self.numbers[0]
        told = f"{number.text} {number.label}"
        if before is None:
            return told
        difference = number.value - before.value
        if number.unknown or before.unknown or not difference:
            return f"{told}; {before.text} on {self.since}"
        word = "more" if difference > 0 else "fewer"
        return f"{told}, {abs(difference):,} {word} than on {self.since}"

    def users_who(self, change: str) -> list[str]:
        """The users who ``came``, ``went``, were ``replaced``, or of whom it cannot be told."""
        if self.changes is None:
            return []
        users = self.changes.users
        return list(users.loc[users["change"] == change, "user"])

    def findings_that(self, change: str) -> pd.DataFrame:
        """The findings that are ``new``, ``gone``, ``waived``, or of which it cannot be told."""
        if self.changes is None:
            return pd.DataFrame({"principal": []})
        found = self.changes.findings
        return found[found["change"] == change]

    @property
    def cannot_be_told(self) -> int:
        """How many changes of users, their permissions and findings one audit does not tell."""
        if self.changes is None:
            return 0
        tables = (self.changes.users, self.changes.findings)
        untold = sum(int((frame["change"] == UNTOLD).sum()) for frame in tables)
        return untold + len(self.users_whose_permissions(UNTOLD))

    def users_whose_permissions(self, change: str) -> list[str]:
        """The users whose permissions ``grew``, ``shrank``, or of which it cannot be told."""
        if self.changes is None:
            return []
        found = self.changes.permissions
        return sorted(set(found.loc[found["change"] == change, "user"]))


def make_first_page(audit: Audit, before: Audit | None = None) -> FirstPage:
    """The first page of an audit, with what has changed since an earlier one of the account.

    Raises:
        InputError: the earlier one is of another account.
    """
    now, then = by_id(audit), by_id(before) if before else {}
    urgent = most_urgent(audit.findings, MOST_CHECKS)
    failing = audit.findings[audit.findings["status"] == "fail"]
    read = audit.state.read_at
    return FirstPage(
        account_id=audit.state.account_id,
        alias=audit.state.alias or "",
        day=f"{read:%Y-%m-%d}" if read else "",
        numbers=[(now[name], then.get(name)) for name in HEADLINE],
        since=_since(read, before.state.read_at) if before else "",
        changes=compare(before, audit) if before else None,
        urgent=urgent,
        more=failing["check"].nunique() - len(urgent),
        untold=now["unknown"].value,
        report=describe_report(audit),
        problems=failures(audit),
    )


def _since(read: datetime | None, earlier: datetime | None) -> str:
    """The day of the earlier audit, and its time if both are of one day."""
    if earlier is None:
        return "an unknown day"
    same_day = read is not None and read.date() == earlier.date()
    return f"{earlier:%Y-%m-%d %H:%M}" if same_day else f"{earlier:%Y-%m-%d}"
