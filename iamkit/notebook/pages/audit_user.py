"""One user of an audit in full: findings, permissions by path, and all that is known."""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from iamkit.audit import Audit, schema
from iamkit.audit.schema import in_words
from iamkit.errors import InputError
from iamkit.notebook.display import show, show_html
from iamkit.notebook.markup import escape, folded, severity_badge, table
from iamkit.notebook.pages.audit_tables import worst_first


def show_user(audit: Audit, name: str = "") -> None:
    """One user in full.

    Args:
        audit: the audit.
        name: the user; the one with the worst findings without it.

    Raises:
        InputError: there is no such user, or that cannot be told.
    """
    if len(audit.users) == 0:
        told = "No user is known." if "users" in audit.gaps.kinds else "The account has no users."
        show(told)
        return
    name = name or str(worst_first(audit.users).iloc[0]["user"])
    if name not in set(audit.users["user"]):
        raise InputError(f"{audit.gaps.say_missing(name, 'users')}.")
    show_html(*describe_user(audit, name))


def describe_user(audit: Audit, name: str) -> tuple[str, str]:
    """Everything that is known of a user, as HTML and as text."""
    row = in_words(audit.users[audit.users["user"] == name], schema.USERS).iloc[0]
    cells = [
        (column, value, schema.USERS[str(column)].meaning, schema.USERS[str(column)].source)
        for column, value in row.items()
        if value != ""
    ]
    found = audit.findings[audit.findings["principal"] == name]
    unknown = int((found["status"] == "unknown").sum())
    told = in_words(found, schema.FINDINGS).to_dict("records")
    permissions = _permission_rows(audit, name)
    parts = [
        f"<h3>{escape(name)}</h3>",
        f"<p><b>{len(found) - unknown} findings, {unknown} unknown</b></p>"
        if len(found)
        else "<p>✔ No findings.</p>",
        *(_finding(finding) for finding in told),
        "<p><b>What it may do, and by which path</b></p>",
        table(permissions, ("path", "service", "access", "actions", "resources", "conditions"))
        if permissions
        else "<p>Nothing.</p>",
        folded(
            "All that is known, with its source",
            table(cells, ("column", "value", "meaning", "source")),
        ),
    ]
    text = "\n".join(f"{column}: {value}" for column, value, _, _ in cells)
    return "".join(parts), text


def _finding(told: Mapping[Any, str]) -> str:
    """A finding in full: what is expected, what decided it, how to mend it."""
    about = f"{told['data']}. From {told['source']}, {told['age_hours']} hours old."
    waived = f"<br>Waived: {escape(told['waiver'])}" if told["waiver"] else ""
    unknown = " <b>unknown</b>" if told["status"] == "unknown" else ""
    commands = f"<pre style='margin:4px 0'>{escape(told['remedy'])}</pre>" if told["remedy"] else ""
    return (
        f'<div style="margin:10px 0;line-height:1.5">{severity_badge(told["severity"])}{unknown} '
        f"<b>{escape(told['title'])}</b> {escape(told['resource'])}<br>{escape(about)}"
        f"{waived}{commands}</div>"
    )


def _permission_rows(audit: Audit, name: str) -> list[tuple[str, ...]]:
    """A user's permissions, one line for each path and service; all services in one line."""
    cells = audit.permissions([name])
    rows: list[tuple[str, ...]] = []
    for path, of_path in cells.groupby("path", sort=False, observed=True):
        if of_path["service"].isna().all():
            rows.append((str(path), "unknown", "unknown", "unknown", "unknown", "unknown"))
            continue
        services = of_path["service"].nunique()
        for service, cell in _by_service(of_path, many=services > 30):
            levels = ", ".join(dict.fromkeys(cell["access_level"].astype("str")))
            rows.append(
                (
                    str(path),
                    service,
                    levels,
                    f"{cell['actions'].sum():,} of {cell['of'].sum():,}",
                    "all" if (cell["resources"] == "all").any() else "some",
                    "yes" if cell["conditional"].all() else "",
                )
            )
    return rows


def _by_service(cells: pd.DataFrame, *, many: bool) -> Iterable[tuple[str, pd.DataFrame]]:
    if many:
        return [(f"{cells['service'].nunique()} services", cells)]
    return [(str(name), of) for name, of in cells.groupby("service", sort=True, observed=True)]
