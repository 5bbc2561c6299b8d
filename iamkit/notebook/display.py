"""How things look in a notebook: every text from an account is escaped before it becomes HTML.

Each view is also plain text, for terminals and for readers without a browser.
"""

from functools import singledispatch
from typing import Any

from IPython.display import display

from iamkit.aws.apply import Outcome
from iamkit.aws.credential_lookup import OldCredentialFile
from iamkit.aws.session import Session
from iamkit.notebook.markup import escape, table
from iamkit.notebook.plan_view import outcome_html, outcome_text, plan_html, plan_text
from iamkit.notebook.result import ACCOUNT_MIME, WORDS
from iamkit.plan.changes import Plan

ROWS = 200
"""Rows of a DataFrame that are shown."""
BANNER = "padding:10px 14px;border-radius:6px;color:#fff;font-size:14px;line-height:1.6"


def show(*things: Any) -> None:
    """Show sessions, plans, outcomes, tables and sentences, one below the other."""
    for thing in things:
        display(bundle_of(thing), raw=True)


def bundle_of(thing: Any) -> dict[str, Any]:
    """A thing as a notebook's output: HTML and text, and of a session also its account's values."""
    bundle: dict[str, Any] = {"text/html": render(thing), "text/plain": as_text(thing)}
    if isinstance(thing, Session):
        facts = (thing.identity.account_id, thing.alias or "", WORDS[thing.environment])
        bundle[ACCOUNT_MIME] = dict(zip(("account_id", "alias", "word"), facts, strict=True))
    return bundle


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
    colour, icon, meaning = (
        ("#1a7f37", "●", "nothing here is real")
        if session.environment == "sandbox"
        else ("#b91c1c", "▲", "a real AWS account")
    )
    word = f"{WORDS[session.environment]}, {meaning}"
    identity = session.identity
    alias = f" ({escape(session.alias)})" if session.alias else ""
    warnings = "".join(f"<p>⚠ {escape(warning)}</p>" for warning in session.warnings)
    return (
        f'<div role="note" style="background:{colour};{BANNER}"><b>{icon} {word}</b> · '
        f"account <b>{escape(identity.account_id)}</b>{alias}<br>"
        f"{escape(identity.arn)} · by {escape(session.source)} · "
        f"{escape(session.clients.life)}</div>{warnings}"
    )


@as_text.register
def _(session: Session) -> str:
    word = WORDS[session.environment]
    warnings = "".join(f"\nWarning: {warning}" for warning in session.warnings)
    identity = session.identity
    life = session.clients.life
    return f"{word} · account {identity.account_id} · {identity.arn} · {life}{warnings}"


@render.register
def _(plan: Plan) -> str:
    return plan_html(plan)


@as_text.register
def _(plan: Plan) -> str:
    return plan_text(plan)


@render.register
def _(outcome: Outcome) -> str:
    return outcome_html(outcome)


@as_text.register
def _(outcome: Outcome) -> str:
    return outcome_text(outcome)


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
