"""What has changed since an earlier audit, for people: who came and went, and which findings."""

from collections.abc import Sequence

import pandas as pd

from iamkit.audit import Audit
from iamkit.audit.comparison import UNTOLD, Comparison
from iamkit.audit.history import Kept
from iamkit.audit.numbers import Number, count_numbers
from iamkit.audit.schema import SEVERITIES
from iamkit.notebook.markup import Markup, escape, severity_badge, table

MOST = 200
"""Rows of a table of changes; the files have all."""
SHOWN_WEEKS = 8
"""Points of the line of the last weeks."""
LINES = {
    **{word: f"{word} findings" for word in SEVERITIES},
    "no_mfa": "people without MFA",
    "keys_to_rotate": "keys to rotate",
}
"""What the line of the last weeks shows, by ``Number.id``."""


def count_changes(found: Comparison) -> str:
    """All in a sentence; what cannot be told too."""
    changed = found.findings[found.findings["change"] != "still"]
    words = [
        *(f"{n} users {word}" for word, n in found.users["change"].value_counts().items()),
        *(
            f"{n} users' permissions {word}"
            for word, n in found.permissions.groupby("change")["user"].nunique().items()
        ),
        *(f"{n} findings {word}" for word, n in changed["change"].value_counts().items()),
    ]
    return ", ".join(words) or "nothing has changed"


def describe_changes(before: Audit, found: Comparison) -> tuple[str, str]:
    """What has changed, as HTML and as text."""
    read = before.state.read_at
    since = f"{read:%Y-%m-%d}" if read else "then"
    heading = f"Since {since}: {count_changes(found)}."
    changed = found.findings[~found.findings["change"].isin(["still", UNTOLD])]
    parts = [
        _part("Users", found.users, ("user", "change")),
        _part("Permissions", found.permissions, _PERMISSIONS),
        _part("Findings", changed, ("severity", "principal", "check", "change")),
    ]
    return f"<p><b>{escape(heading)}</b></p>{''.join(parts)}", heading


_PERMISSIONS = ("user", "service", "access_level", "before", "after", "change")
_HEADINGS = {"access_level": "access", "principal": "who", "before": "actions then", "after": "now"}


def _part(title: str, frame: pd.DataFrame, columns: Sequence[str]) -> str:
    if frame.empty:
        return ""
    shown = frame[list(columns)].head(MOST).astype("object")
    texts = shown.where(shown.notna(), "unknown")
    rows = [[_cell(n, v) for n, v in zip(columns, row, strict=True)] for row in texts.to_numpy()]
    left = len(frame) - MOST
    more = f"<p>… and {left:,} more.</p>" if left > 0 else ""
    headings = [_HEADINGS.get(name, name) for name in columns]
    return f"<h4>{escape(title)}</h4>{table(rows, headings)}{more}"


def _cell(column: str, value: object) -> object:
    return Markup(severity_badge(str(value))) if column == "severity" else value


def describe_history(audit: Audit, kept: Sequence[Kept]) -> str:
    """The line of the last weeks as HTML; empty before there is a second audit.

    Of each week it has the last audit, by the thresholds and waivers of then; and the one of now.
    """
    now = {number.id: number for number in count_numbers(audit)}
    by_week = {one.at.isocalendar()[:2]: one for one in kept if one.numbers}
    weeks = list(by_week.values())[-SHOWN_WEEKS:]
    if not weeks:
        return ""
    head = "".join(f'<th scope="col" class="number">{one.day[5:]}</th>' for one in weeks)
    rows = "".join(
        f'<tr><th scope="row">{escape(label)}</th><td>{_line(_values(weeks, now[name]))}</td>'
        + "".join(f'<td class="number">{_told(one, name)}</td>' for one in weeks)
        + f'<td class="number"><b>{escape(now[name].text)}</b></td></tr>'
        for name, label in LINES.items()
    )
    return (
        f"<table><thead><tr><th scope='col'>The last weeks</th><th></th>{head}"
        f"<th scope='col' class='number'>now</th></tr></thead><tbody>{rows}</tbody></table>"
    )


def _values(weeks: Sequence[Kept], now: Number) -> list[int | None]:
    return [*(one.numbers.get(now.id) for one in weeks), now.value]


def _told(kept: Kept, name: str) -> str:
    value, more = kept.numbers.get(name), kept.unknown.get(name, 0)
    if value is None:
        return "unknown"
    return f"{value:,}{'+' if more else ''}"


def _line(values: Sequence[int | None]) -> str:
    """A small line of values, for the eye; the numbers stand beside it."""
    known = [(place, value) for place, value in enumerate(values) if value is not None]
    top, width = max((value for _, value in known), default=0) or 1, max(len(values) - 1, 1)
    points = " ".join(f"{2 + 76 * at / width:.1f},{18 - 16 * v / top:.1f}" for at, v in known)
    return (
        '<svg width="80" height="20" viewBox="0 0 80 20" aria-hidden="true">'
        f'<polyline points="{points}" stroke-width="2"/></svg>'
    )
