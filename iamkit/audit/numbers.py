"""The numbers of an audit that matter: one list, for tiles, first pages, Markdown and history."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from iamkit.account.gaps import failed_sources
from iamkit.audit import CHECKS, Audit
from iamkit.audit.schema import REPORT, SEVERITIES
from iamkit.text import printable

PLAIN, FINE, BAD, UNSURE = "plain", "fine", "bad", "unsure"
"""Tones of numbers; none is fine while some of it is unknown."""
HEADLINE = ("urgent", "no_mfa", "administrators", "keys_to_rotate")
"""The four numbers of a first page."""
_OF_CHECKS = {
    "no_mfa": ("people without MFA", ("console-mfa",)),
    "keys_to_rotate": ("keys to rotate", ("key-rotation",)),
    "unused": ("unused credentials", ("unused-password", "unused-key")),
    "root": ("findings of the root", tuple(name for name in CHECKS if name.startswith("root-"))),
}

_OF_ALL = {"urgent": "urgent findings", "unknown": "checks that cannot be told"}
"""Numbers for which every check must have been made."""


@dataclass(frozen=True, kw_only=True)
class Number:
    """A number, who stands behind it, and which rows of which table it counts.

    Attributes:
        id: the same in every audit, so that two can be compared.
        label: what is counted.
        value: how many are known.
        unknown: how many more it may be.
        whole: whether all that it counts was read; else there may be others still.
        counted: whether it is counted already.
        tone: ``plain``, ``fine``, ``bad`` or ``unsure``.
        who: the names behind it, each once; empty where they are everybody.
        table: ``users`` or ``findings``; empty if it counts no rows.
        where: of the table's columns, which values its rows have, in words.
    """

    id: str
    label: str
    value: int
    unknown: int = 0
    whole: bool = True
    counted: bool = True
    tone: str = PLAIN
    who: tuple[str, ...] = ()
    table: str = ""
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """Such as ``3 + 1 unknown``."""
        if not self.counted:
            return "…"
        more = f" + {self.unknown:,} unknown" if self.unknown else ""
        return f"{self.value:,}{more}" + ("" if self.whole else "+")


def count_first(audit: Audit) -> list[Number]:
    """What can be counted at once; of what needs every finding, that it is being counted."""
    admins = audit.user_columns[["user", "effective_admin"]]
    return [
        *(_at_once(audit, name) for name in _OF_CHECKS),
        _administrators(admins, whole="users" not in audit.gaps.kinds),
        _users(audit),
        *(
            Number(id=name, label=f"{label}, being counted", value=0, counted=False)
            for name, label in _OF_ALL.items()
        ),
    ]


def count_numbers(audit: Audit) -> list[Number]:
    """The numbers of an audit, in the order in which they are shown."""
    whole = "users" not in audit.gaps.kinds
    return [
        _urgent(audit.findings),
        *(_of_severity(audit.findings, word) for word in SEVERITIES),
        _of_checks(audit.findings, "no_mfa"),
        _administrators(audit.users, whole=whole),
        *(_of_checks(audit.findings, name) for name in ("keys_to_rotate", "unused", "root")),
        _users(audit),
        _untold(audit.findings),
    ]


def _users(audit: Audit) -> Number:
    whole = "users" not in audit.gaps.kinds
    return Number(
        id="users",
        label="users",
        # Who is in the report alone is known to be there.
        value=len(audit.state.users) + len(audit.gaps.users),
        whole=whole,
        tone=PLAIN if whole else UNSURE,
        table="users",
    )


def by_id(audit: Audit) -> dict[str, Number]:
    """The same, by ``Number.id``."""
    return {number.id: number for number in count_numbers(audit)}


def describe_report(audit: Audit) -> str:
    """When AWS made the credential report, on which much hangs; or that there is none."""
    source = audit.state.source(REPORT)
    if source.status != "read":
        return f"The credential report: {source.status}."
    if source.at is None:
        return "The date of the credential report is unknown."
    age = (audit.now - source.at).total_seconds() / 3600
    return f"The credential report is of {source.at:%Y-%m-%d}, {age:.1f} hours old."


def failures(audit: Audit) -> list[str]:
    """A line for each operation that could not be read, wholly or in part."""
    return [
        ("read in part: " if source.lacking else "could not be read: ")
        + name
        + (f", for {len(source.missing)} users" if source.missing else "")
        + (f" ({printable(source.note)})" if source.note else "")
        for name, source in failed_sources(audit.state).items()
    ]


def _tone(value: int, unknown: int) -> str:
    return BAD if value else UNSURE if unknown else FINE


def _counted(findings: pd.DataFrame, found: "pd.Series[bool]") -> tuple[int, int, tuple[str, ...]]:
    """Of some findings, how many fail, how many cannot be told, and whom the first concern."""
    some = findings[found]
    failing = some[some["status"] == "fail"]
    unknown = int((some["status"] == "unknown").sum())
    return len(failing), unknown, tuple(dict.fromkeys(failing["principal"]))


def _of_checks(findings: pd.DataFrame, name: str) -> Number:
    return _sum_up(name, *_counted(findings, findings["check"].isin(_OF_CHECKS[name][1])))


def _at_once(audit: Audit, name: str) -> Number:
    """The same without the findings themselves."""
    checks = [CHECKS[check] for check in _OF_CHECKS[name][1] if check in CHECKS]
    checks.sort(key=lambda check: (SEVERITIES.index(check.severity), check.id))
    tallies = [audit.tally(check) for check in checks]
    failing = [who for one in tallies for who in one.failing]
    unknown = sum(one.unknown for one in tallies)
    return _sum_up(name, len(failing), unknown, tuple(dict.fromkeys(failing)))


def _sum_up(name: str, value: int, unknown: int, who: tuple[str, ...]) -> Number:
    label, checks = _OF_CHECKS[name]
    return Number(
        id=name,
        label=label,
        value=value,
        unknown=unknown,
        tone=_tone(value, unknown),
        who=who,
        table="findings",
        where={"check": checks, "status": ("fail", "unknown")},
    )


def _urgent(findings: pd.DataFrame) -> Number:
    worst = SEVERITIES[:2]
    value, unknown, who = _counted(findings, findings["severity"].isin(worst))
    return Number(
        id="urgent",
        label=_OF_ALL["urgent"],
        value=value,
        unknown=unknown,
        tone=_tone(value, unknown),
        who=who,
        table="findings",
        where={"severity": worst, "status": ("fail", "unknown")},
    )


def _of_severity(findings: pd.DataFrame, severity: str) -> Number:
    value, unknown, who = _counted(findings, findings["severity"] == severity)
    return Number(
        id=severity,
        label=f"{severity} findings",
        value=value,
        unknown=unknown,
        tone=_tone(value, unknown),
        who=who,
        table="findings",
        where={"severity": (severity,), "status": ("fail", "unknown")},
    )


def _administrators(users: pd.DataFrame, *, whole: bool) -> Number:
    admins = users["effective_admin"]
    unknown = int(admins.isna().sum())
    return Number(
        id="administrators",
        label="administrators",
        value=int(admins.sum()),
        unknown=unknown,
        whole=whole,
        tone=PLAIN if whole and not unknown else UNSURE,
        who=tuple(users.loc[admins.fillna(False), "user"]),
        table="users",
        where={"effective_admin": ("yes", "unknown")},
    )


def _untold(findings: pd.DataFrame) -> Number:
    unknown = int((findings["status"] == "unknown").sum())
    return Number(
        id="unknown",
        label=_OF_ALL["unknown"],
        value=unknown,
        tone=UNSURE if unknown else FINE,
        table="findings",
        where={"status": ("unknown",)},
    )
