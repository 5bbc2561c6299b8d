"""How things look in a notebook: every text from an account is escaped before it becomes HTML.

Each view is also plain text, for terminals and for readers without a browser.
"""

from functools import singledispatch
from typing import Any

from IPython.display import display

from iamkit.aws.apply import Outcome
from iamkit.aws.credential_lookup import OldCredentialFile
from iamkit.aws.session import Session
from iamkit.notebook.markup import escape, mime_bundle, scrolled, table
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


def show_html(markup: str, text: str) -> None:
    """Show markup, every text in it escaped already, and the same for readers without a browser."""
    display(mime_bundle(markup, text), raw=True)


@singledispatch
def bundle_of(thing: Any) -> dict[str, Any]:
    """A thing as a notebook's output, by MIME type: HTML and plain text.

    A DataFrame is a table, with the title of its ``attrs``, a plain value a paragraph; a session
    also tells its account's values.
    """
    # Told without importing pandas, which most notebooks do not need.
    markup = _frame(thing) if hasattr(thing, "to_html") else f"<p>{escape(thing)}</p>"
    return mime_bundle(markup, str(thing))


@bundle_of.register
def _(session: Session) -> dict[str, Any]:
    colour, icon, meaning = (
        ("#1a7f37", "●", "nothing here is real")
        if session.environment == "sandbox"
        else ("#b91c1c", "▲", "a real AWS account")
    )
    word, identity, life = WORDS[session.environment], session.identity, session.clients.life
    alias = f" ({escape(session.alias)})" if session.alias else ""
    warnings = "".join(f"<p>⚠ {escape(warning)}</p>" for warning in session.warnings)
    markup = (
        f'<div role="note" style="background:{colour};{BANNER}"><b>{icon} {word}, {meaning}</b> · '
        f"account <b>{escape(identity.account_id)}</b>{alias}<br>"
        f"{escape(identity.arn)} · by {escape(session.source)} · {escape(life)}</div>{warnings}"
    )
    warned = "".join(f"\nWarning: {warning}" for warning in session.warnings)
    text = f"{word} · account {identity.account_id} · {identity.arn} · {life}{warned}"
    account = {"account_id": identity.account_id, "alias": session.alias or "", "word": word}
    return mime_bundle(markup, text) | {ACCOUNT_MIME: account}


@bundle_of.register
def _(plan: Plan) -> dict[str, Any]:
    return mime_bundle(plan_html(plan), plan_text(plan))


@bundle_of.register
def _(outcome: Outcome) -> dict[str, Any]:
    return mime_bundle(outcome_html(outcome), outcome_text(outcome))


@bundle_of.register
def _(old: OldCredentialFile) -> dict[str, Any]:
    warning = (
        "<p>⚠ Others on this machine can read it. Run <code>chmod 600</code> on it.</p>"
        if old.open_to_others
        else ""
    )
    markup = (
        f"<p>{escape(old.path)} holds the access key <code>{escape(old.key_id)}</code> and a "
        f"secret key, which is not shown.</p>{warning}"
    )
    return mime_bundle(markup, str(old))


def _frame(frame: Any) -> str:
    shown = frame.head(ROWS)
    texts = shown.astype("object").where(shown.notna(), "").astype("str")
    left = len(frame) - len(shown)
    more = f"<p>… and {left:,} rows more.</p>" if left > 0 else ""
    title = frame.attrs.get("title", "")
    heading = f"<p><b>{escape(title)}</b></p>" if title else ""
    rows = table(texts.to_numpy().tolist(), list(frame.columns))
    return heading + scrolled(rows, title or "Table") + more
