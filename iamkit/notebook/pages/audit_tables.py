"""The audit's tiles and tables as plain data, which ``audit_view.js`` draws and paper has as HTML.

A column is a list of different values and, for each row, the place of its value in that list: so a
reason that stands in a thousand rows travels once.
"""

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from iamkit.audit import CHECKS, Audit
from iamkit.audit.columns import STAMP, label_of
from iamkit.audit.numbers import Number, count_numbers
from iamkit.audit.schema import FINDINGS, SEVERITIES, USERS, Schema, tell_cells
from iamkit.notebook.markup import Markup, escape, severity_badge, table

USER_COLUMNS = (
    "user worst_severity next_action groups team mfa_active password_enabled effective_admin "
    "active_keys last_activity"
).split()
"""What is shown of the users at first; others can be chosen, and a row that opens has all."""
USER_FACETS = "worst_severity mfa_active effective_admin groups team".split()
FINDING_COLUMNS = "severity principal title resource action status".split()
FINDING_FACETS = "severity status check".split()
FINDING_DETAILS = ("data source age_hours remedy rationale reading cis waiver check").split()
"""What a finding's row says when it is opened."""
TILES = "urgent no_mfa administrators keys_to_rotate unused root users unknown".split()
SENTENCES = set("next_action admin_path title action".split())
"""Columns that want room."""
LISTS = {"groups"}
"""Columns whose cells hold several values, with commas between."""


def to_view(audit: Audit, numbers: Iterable[Number] | None = None) -> dict[str, Any]:
    """Everything that the view shows, as JSON has it."""
    return {
        "tiles": to_tiles(count_numbers(audit) if numbers is None else numbers),
        "tables": [findings_table(audit), users_table(audit)],
    }


def to_tiles(numbers: Iterable[Number]) -> list[dict[str, Any]]:
    """The tiles, of those numbers that are known: each with the rows that a click shows."""
    known = {number.id: number for number in numbers}
    return [_tile(known[name]) for name in TILES if name in known]


def _tile(number: Number) -> dict[str, Any]:
    where = {name: list(values) for name, values in number.where.items()}
    return {
        "id": number.id,
        "label": number.label,
        "text": number.text,
        "tone": number.tone,
        "table": number.table,
        "where": where,
    }


def users_table(audit: Audit) -> dict[str, Any]:
    """The users, the worst first."""
    users = worst_first(audit.users)
    names = [*USER_COLUMNS, *(name for name in USERS if name not in USER_COLUMNS)]
    return {
        "id": "users",
        "title": "Users",
        "noun": "users",
        "key": "user",
        "columns": _columns(users, USERS, names, USER_COLUMNS, USER_FACETS),
        "details": [name for name in names if name not in ("unknown", "not_read")],
    }


def findings_table(audit: Audit) -> dict[str, Any]:
    """The findings, the worst first, each with all that its row says when it is opened."""
    checks = [CHECKS[name] for name in audit.findings["check"]]
    added = {
        "action": [check.action for check in checks],
        "rationale": [check.rationale for check in checks],
    }
    found = audit.findings.assign(**{n: pd.Series(v, dtype="str") for n, v in added.items()})
    names = [*FINDING_COLUMNS, *FINDING_DETAILS]
    return {
        "id": "findings",
        "title": "Findings",
        "noun": "findings",
        "key": "principal",
        "columns": _columns(found, FINDINGS, names, FINDING_COLUMNS, FINDING_FACETS),
        "details": [name for name in FINDING_DETAILS if name != "check"],
    }


def _columns(
    frame: pd.DataFrame,
    schema: Schema[Any],
    names: Sequence[str],
    shown: Sequence[str],
    facets: Sequence[str],
) -> list[dict[str, Any]]:
    told = tell_cells(frame, schema)
    return [
        {
            "name": name,
            "label": ADDED_LABELS.get(name) or label_of(name),
            "help": schema[name].meaning if name in schema else "",
            "kind": _kind(name, frame[name]),
            "shown": name in shown,
            "facet": name in facets,
            **_encoded(_words(frame[name], told[name])),
        }
        for name in names
    ]


ADDED_LABELS = {"action": "What to do", "rationale": "Why", "source": "From", "reading": "Reading"}


def _kind(name: str, values: Any) -> str:
    """How the view shows and sorts a column."""
    if "severity" in name:
        return "severity"
    if name in LISTS:
        return "list"
    if name in SENTENCES:
        return "sentence"
    if name == "remedy":
        return "code"
    if values.dtype == STAMP:
        return "time"
    return "number" if pd.api.types.is_numeric_dtype(values) else "text"


def _words(values: Any, texts: list[str]) -> list[str]:
    if values.dtype == "boolean":
        said = {"true": "yes", "false": "no"}
        return [said.get(text, text) for text in texts]
    return texts


def _encoded(texts: list[str]) -> dict[str, Any]:
    codes, values = pd.factorize(np.asarray(texts, dtype=object))
    return {"values": list(values), "codes": codes.tolist()}


def as_script(data: Any) -> str:
    """Plain data as JSON that no text in it can end a script with, nor begin a comment."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def paper_table(spec: dict[str, Any]) -> str:
    """The columns that are shown at first as a plain table: for paper, and without scripts."""
    columns = [column for column in spec["columns"] if column["shown"]]
    texts = [[_on_paper(column, value) for value in column["values"]] for column in columns]
    places = zip(*(column["codes"] for column in columns), strict=True)
    rows = [[texts[n][code] for n, code in enumerate(row)] for row in places]
    return table(rows, [column["label"] for column in columns])


def _on_paper(column: dict[str, Any], value: str) -> str:
    if column["kind"] == "severity" and value in SEVERITIES:
        return Markup(severity_badge(value))
    return _breakable(value[:10] if column["kind"] == "time" else value)


def _breakable(text: str) -> str:
    """A text whose long words, such as ARNs, may break after their signs: on paper none is cut."""
    if max(map(len, text.split()), default=0) <= LONG:
        return text
    pieces = _PIECE.findall(text)
    return Markup("<wbr>".join(escape(piece) for piece in pieces))


LONG = 22
"""Characters of a word that fits a column; a key's id has 20."""
_PIECE = re.compile(r"[^/:@._,=+-]{1,22}[/:@._,=+-]*|[/:@._,=+-]+", re.DOTALL)


def worst_first(users: pd.DataFrame) -> pd.DataFrame:
    """The users with the worst findings first."""
    rank = users["worst_severity"].cat.codes.replace(-1, len(SEVERITIES))
    ranked = users.assign(rank=rank)
    order = ranked.sort_values(["rank", "findings", "user"], ascending=[True, False, True])
    return order.drop(columns="rank")
