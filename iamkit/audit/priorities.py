"""What comes first of an audit's findings: one line for each check that fails."""

from dataclasses import dataclass

import pandas as pd

from iamkit.account.state import ROOT_USER
from iamkit.audit.checks import CHECKS
from iamkit.audit.schema import SEVERITIES


@dataclass(frozen=True, kw_only=True)
class Urgent:
    """A check that fails, with the first of whom it concerns.

    Attributes:
        who: the principal, in words.
        more: how many others it concerns.
        expected: what should be, and is not.
        action: what to do, in a few words.
    """

    severity: str
    who: str
    more: int
    expected: str
    action: str


def most_urgent(findings: pd.DataFrame, most: int = 3) -> list[Urgent]:
    """The worst of the findings that fail and are not waived, the worst first.

    Args:
        findings: the columns of ``schema.FINDINGS``, the worst first as an audit has them.
        most: how many checks, each of which may concern many.
    """
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
        expected=check.title,
        action=check.action,
    )
