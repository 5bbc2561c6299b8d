"""The numbers of an audit that matter, what fails worst, and what could not be told."""

from collections.abc import Iterable, Sequence

import pandas as pd
from IPython.display import display

from iamkit.audit import CHECKS, Audit
from iamkit.audit.exports import (
    count_users,
    failures,
    to_text,
)
from iamkit.audit.schema import REPORT, SEVERITIES
from iamkit.notebook.markup import escape, severity_badge

PLAIN, FINE, BAD, UNKNOWN_COLOUR = "#1b1b1b", "#1a7f37", "#b2182b", "#8a4600"
"""Colours of numbers; no number is fine while some of it is unknown."""
CARD = (
    "border:1px solid #d0d7de;border-radius:8px;padding:8px 14px;min-width:8em;"
    "display:inline-block;margin:0 8px 8px 0;vertical-align:top"
)


def show_summary(audit: Audit, worst: int = 10) -> None:
    """The numbers that matter, the worst findings, and what could not be read."""
    failing = audit.findings[audit.findings["status"] == "fail"]
    cards = "".join(_card(*card) for card in _numbers(audit, failing))
    gaps = "".join(f"<p>⚠ {escape(line)}</p>" for line in failures(audit))
    counts = ", ".join(f"{(failing['severity'] == word).sum()} {word}" for word in SEVERITIES)
    unknown = audit.findings[audit.findings["status"] == "unknown"]
    counts += f", {len(unknown):,} unknown" if len(unknown) else ""
    markup = (
        f"<div>{cards}</div>{gaps}<p><b>Findings: {counts}.</b> The worst first, of each check:</p>"
        f"{_by_check(failing, worst, certain=unknown.empty)}{_unknown_by_check(unknown)}"
    )
    display({"text/html": markup, "text/plain": to_text(audit)}, raw=True)


def _numbers(audit: Audit, failing: pd.DataFrame) -> list[tuple[str, str, str]]:
    users = audit.users
    counts = failing["check"].value_counts()
    untold = audit.findings[audit.findings["status"] == "unknown"]["check"].value_counts()

    def bad(*checks: str) -> tuple[str, str]:
        number = int(sum(counts.get(check, 0) for check in checks))
        unknown = int(sum(untold.get(check, 0) for check in checks))
        colour = BAD if number else UNKNOWN_COLOUR if unknown else FINE
        return _and_unknown(number, unknown), colour

    admins = users["effective_admin"]
    perhaps = int(admins.isna().sum())
    whole = "users" not in audit.gaps.kinds
    return [
        ("users", count_users(audit), PLAIN if whole else UNKNOWN_COLOUR),
        ("without MFA at the console", *bad("console-mfa")),
        (
            "administrators" if whole else "administrators, of those that were read",
            _and_unknown(int(admins.sum()), perhaps),
            UNKNOWN_COLOUR if perhaps or not whole else PLAIN,
        ),
        ("keys to rotate", *bad("key-rotation")),
        ("unused credentials", *bad("unused-password", "unused-key")),
        ("the root's findings", *bad(*(name for name in CHECKS if name.startswith("root-")))),
        _report_card(audit),
    ]


def _and_unknown(number: int, unknown: int) -> str:
    return f"{number:,}" + (f" + {unknown:,} unknown" if unknown else "")


def _report_card(audit: Audit) -> tuple[str, str, str]:
    """When AWS made the credential report, or that there is none."""
    source = audit.state.source(REPORT)
    if source.status != "read":
        return "credential report", source.status, UNKNOWN_COLOUR
    if source.at is None:
        return "date of the credential report", "unknown", UNKNOWN_COLOUR
    age = (audit.now - source.at).total_seconds() / 3600
    return f"credential report, {age:.1f} h old", f"{source.at:%Y-%m-%d}", PLAIN


def _card(label: str, value: str, colour: str) -> str:
    return (
        f'<div style="{CARD}"><div style="font-size:1.6em;color:{colour}"><b>{escape(value)}</b>'
        f'</div><div style="color:#4d5966">{escape(label)}</div></div>'
    )


def _by_check(failing: pd.DataFrame, most: int, *, certain: bool) -> str:
    """The checks that fail, the worst first, each with the first of whom it concerns."""
    if failing.empty:
        return "<p>✔ None.</p>" if certain else "<p>None that is known.</p>"
    rows = []
    for _, found in failing.groupby("check", sort=False, observed=True):
        first = found.iloc[0]
        who = list(dict.fromkeys(found["principal"]))
        more = f" and {len(who) - 4} more" if len(who) > 4 else ""
        rows.append(
            (
                severity_badge(str(first["severity"])),
                escape(first["title"]),
                f"{len(found):,}",
                escape(", ".join(who[:4]) + more),
                escape(first["cis"].split(", ")[-1]),
            )
        )
    left = f"<p>… and {len(rows) - most} checks more, below.</p>" if len(rows) > most else ""
    return _table(rows[:most], ("", "expected", "fails", "who", "CIS")) + left


def _unknown_by_check(unknown: pd.DataFrame) -> str:
    """The checks that could not be told, the worst first, and what they would need."""
    if unknown.empty:
        return ""
    rows = [
        (
            severity_badge(str(found["severity"].iloc[0])),
            escape(found["title"].iloc[0]),
            f'<b style="color:{UNKNOWN_COLOUR}">{len(found):,} unknown</b>',
            escape(found["source"].iloc[0]),
        )
        for _, found in unknown.groupby("check", sort=False, observed=True)
    ]
    heading = "<p><b>What could not be told</b>, and may be as bad:</p>"
    return heading + _table(rows, ("", "expected", "for", "hangs on"))


def _table(rows: Iterable[Sequence[str]], header: Sequence[str]) -> str:
    """A table of cells that are HTML already."""
    style = "text-align:left;vertical-align:top;padding:4px 14px 4px 0"
    head = "".join(f'<th scope="col" style="{style}">{escape(name)}</th>' for name in header)
    body = "".join(
        "<tr>" + "".join(f'<td style="{style}">{cell}</td>' for cell in row) + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
