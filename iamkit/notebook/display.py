"""How things look in a notebook: every text from an account is escaped before it becomes HTML.

Each view is also plain text, for terminals and for readers without a browser.
"""

import html
from collections.abc import Iterable, Sequence
from functools import singledispatch
from typing import Any

from IPython.display import display

from iamkit.aws.apply import Outcome
from iamkit.aws.credentials import OldCredentialFile
from iamkit.aws.session import Session
from iamkit.plan import Change, Plan
from iamkit.policies.document import to_json

COLOURS = {
    "create": "#1a7f37",
    "update": "#9a6700",
    "replace": "#cf222e",
    "delete": "#cf222e",
}
ROWS = 200
"""Rows of a DataFrame that are shown."""
BANNER = "padding:10px 14px;border-radius:6px;color:#fff;font-size:14px;line-height:1.6"
CELL = "text-align:left;vertical-align:top;padding:3px 14px 3px 0;white-space:pre-wrap"
SHORT = CELL.replace("pre-wrap", "nowrap")


def show(*things: Any) -> None:
    """Show sessions, plans, outcomes, tables and sentences, one below the other."""
    for thing in things:
        markup, text = render(thing), as_text(thing)
        display({"text/html": markup, "text/plain": text}, raw=True)


def escape(value: object) -> str:
    """Any value as text that HTML shows and does not run."""
    return html.escape(str(value), quote=True)


def table(rows: Iterable[Sequence[object]], header: Sequence[str]) -> str:
    """Rows as an HTML table, every cell escaped."""
    head = "".join(f'<th scope="col" style="{CELL}">{escape(name)}</th>' for name in header)
    body = "".join(
        "<tr>"
        + "".join(f'<td style="{_style(cell)}">{escape(cell)}</td>' for cell in row)
        + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _style(cell: object) -> str:
    """Short cells stay on one line; long ones wrap."""
    return SHORT if len(str(cell)) <= 40 else CELL


@singledispatch
def render(thing: Any) -> str:
    """A thing as HTML: a DataFrame as a table, a plain value as an escaped paragraph."""
    if hasattr(thing, "to_html"):  # told without importing pandas, which most notebooks do not need
        return _frame(thing)
    return f"<p>{escape(thing)}</p>"


@singledispatch
def as_text(thing: Any) -> str:
    """A thing as plain text."""
    return str(thing)


@render.register
def _(session: Session) -> str:
    colour, icon, word = (
        ("#1a7f37", "●", "SANDBOX, nothing here is real")
        if session.environment == "sandbox"
        else ("#b91c1c", "▲", "LIVE, a real AWS account")
    )
    identity = session.identity
    alias = f" ({escape(session.alias)})" if session.alias else ""
    warnings = "".join(f"<p>⚠ {escape(warning)}</p>" for warning in session.warnings)
    return (
        f'<div role="note" style="background:{colour};{BANNER}"><b>{icon} {word}</b> · '
        f"account <b>{escape(identity.account_id)}</b>{alias}<br>"
        f"{escape(identity.arn)} · by {escape(session.source)}</div>{warnings}"
    )


@as_text.register
def _(session: Session) -> str:
    word = "SANDBOX" if session.environment == "sandbox" else "LIVE"
    warnings = "".join(f"\nWarning: {warning}" for warning in session.warnings)
    identity = session.identity
    return f"{word} · account {identity.account_id} · {identity.arn}{warnings}"


@render.register
def _(plan: Plan) -> str:
    notes = "".join(f"<p>ⓘ {escape(note)}</p>" for note in plan.notes)
    blockers = "".join(f"<p>✋ {escape(reason)}</p>" for reason in plan.blockers)
    heading = f"<p><b>Plan: {escape(plan.summary)}.</b></p>"
    if not plan.changes:
        return heading + notes + blockers
    commands = escape("\n".join(plan.commands))
    return (
        f"{heading}{change_table(plan.changes)}{notes}{blockers}"
        f"<details><summary>The same as aws iam commands</summary>"
        f'<pre style="white-space:pre-wrap">{commands}</pre></details>'
    )


@as_text.register
def _(plan: Plan) -> str:
    lines = [f"Plan: {plan.summary}.", *plan.commands, *plan.notes, *plan.blockers]
    return "\n".join(lines)


@render.register
def _(outcome: Outcome) -> str:
    rows = [("✔ done", change.verb, change.target, describe(change)) for change in outcome.done]
    rows += [("✘ failed", c.verb, c.target, reason) for c, reason in outcome.failed]
    rows += [("… left", c.verb, c.target, describe(c)) for c in outcome.left]
    receipts = "".join(
        f"<p>The {escape(r.what)} of <b>{escape(r.user)}</b> is in "
        f"<code>{escape(r.where)}</code></p>"
        for r in outcome.receipts
    )
    journal = f"<p>Journal: <code>{escape(outcome.journal)}</code></p>" if outcome.journal else ""
    return table(rows, ("result", "verb", "what", "how")) + receipts + journal


@as_text.register
def _(outcome: Outcome) -> str:
    lines = [f"{len(outcome.done)} done, {len(outcome.failed)} failed, {len(outcome.left)} left."]
    lines += [f"The {r.what} of {r.user} is in {r.where}" for r in outcome.receipts]
    return "\n".join(lines)


@render.register
def _(old: OldCredentialFile) -> str:
    warning = (
        "<p>⚠ Others on this machine can read it. Run <code>chmod 600</code> on it.</p>"
        if old.open_to_others
        else ""
    )
    return (
        f"<p>{escape(old.path)} holds the access key <code>{escape(old.key_id)}</code> and a "
        f"secret key, which is not shown.</p>{warning}"
    )


def _frame(frame: Any) -> str:
    shown = frame.head(ROWS)
    texts = shown.astype("object").where(shown.notna(), "").astype("str")
    left = len(frame) - len(shown)
    more = f"<p>… and {left:,} rows more.</p>" if left > 0 else ""
    return table(texts.to_numpy().tolist(), list(frame.columns)) + more


def change_table(changes: Iterable[Change]) -> str:
    """The changes as an HTML table: the verb in colour and in words, what, and how."""
    rows = "".join(
        f'<tr><td style="{CELL};color:{COLOURS[change.verb]}"><b>{change.verb}</b></td>'
        f'<td style="{_style(change.target)}">{escape(change.target)}</td>'
        f'<td style="{CELL}">{escape(describe(change))}</td></tr>'
        for change in changes
    )
    head = "".join(f'<th scope="col" style="{CELL}">{name}</th>' for name in ("", "what", "how"))
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def describe(change: Change) -> str:
    """A change in words: the call, its arguments and, where it overwrites, what was before."""
    told = {"UserName", "GroupName"} if "UserName" in change.arguments else {"GroupName"}
    if change.operation in ("add_user_to_group", "remove_user_from_group"):
        told = {"UserName"}
    arguments = ", ".join(
        f"{name}: {_value(value)}" for name, value in change.arguments.items() if name not in told
    )
    parts = [change.operation.replace("_", " ") + (f" ({arguments})" if arguments else "")]
    if change.before is not None:
        parts.append(f"before: {_value(change.before)}")
    if change.reason:
        parts.append(change.reason)
    return "\n".join(parts)


def _value(value: Any) -> str:
    return value if isinstance(value, str) else to_json(value)
