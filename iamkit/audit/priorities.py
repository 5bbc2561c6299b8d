"""What comes first of an audit's findings: for each check that fails, and for each user."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

import pandas as pd

from iamkit.account.state import ROOT_USER
from iamkit.audit.checks import CHECKS, Check
from iamkit.audit.columns import DERIVED, SEVERITIES, Column, Schema, number, text


@dataclass
class Standing:
    """What checks say of a user: those that fail, the worst first, and how many cannot tell."""

    failing: list[Check] = field(default_factory=list)
    unknown: int = 0

    @property
    def next_action(self) -> str:
        """What to do about the worst."""
        if self.failing:
            return self.failing[0].action
        return f"{self.unknown} checks cannot be told" if self.unknown else ""


STANDING: Schema[Standing] = {
    "findings": number(
        "how many findings count against the user", lambda s: len(s.failing), DERIVED
    ),
    "findings_unknown": number("how many could not be told", lambda s: s.unknown, DERIVED),
    "worst_severity": Column(
        "severity", "of these", lambda s: s.failing[0].severity if s.failing else None, DERIVED
    ),
    "next_action": text("what to do about the worst", lambda s: s.next_action, DERIVED),
}
"""What findings add to the row of a user."""


def standings(findings: pd.DataFrame, users: Iterable[str]) -> list[Standing]:
    """How each of some users stands: waived findings do not count, nor those of groups."""
    found: defaultdict[str, Standing] = defaultdict(Standing)
    columns = (findings[name] for name in ("check", "status", "principal"))
    for name, status, principal in zip(*columns, strict=True):
        check = CHECKS[name]
        if check.table not in ("users", "access_keys"):
            continue
        if status == "fail":
            found[principal].failing.append(check)
        elif status == "unknown":
            found[principal].unknown += 1
    return [found[user] for user in users]


@dataclass(frozen=True, kw_only=True)
class Urgent:
    """A check that fails, with the first of whom it concerns.

    Attributes:
        who: the principal, in words.
        more: how many others it concerns.
        names: all principals, in order.
        expected: what should be, and is not.
        action: what to do, in a few words.
    """

    severity: str
    who: str
    more: int
    names: tuple[str, ...]
    expected: str
    action: str


def most_urgent(findings: pd.DataFrame, most: int = 3) -> list[Urgent]:
    """The worst of the findings that fail and are not waived, the worst first."""
    failing = findings[findings["status"] == "fail"]
    checks = list(dict.fromkeys(failing["check"]))[:most]
    return [_first(failing[failing["check"] == check]) for check in checks]


def count_findings(findings: pd.DataFrame) -> dict[str, int]:
    """How many findings fail, by severity, the worst first; and how many are ``unknown``."""
    failing = findings[findings["status"] == "fail"]["severity"].value_counts()
    counts = {word: int(failing.get(word, 0)) for word in SEVERITIES}
    return counts | {"unknown": int((findings["status"] == "unknown").sum())}


def _first(found: pd.DataFrame) -> Urgent:
    first = found.iloc[0]
    check = CHECKS[first["check"]]
    who = "the account" if check.table == "account" else str(first["principal"])
    if first["principal"] == ROOT_USER:
        who = "the account's root"
    return Urgent(
        severity=str(first["severity"]),
        who=who,
        more=found["principal"].nunique() - 1,
        names=tuple(dict.fromkeys(found["principal"])),
        expected=check.title,
        action=check.action,
    )
