"""A policy as a person reads it: in sentences, with what to mind, its size, and its text."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from iamkit.account.state import JSON, AccountState
from iamkit.app_mode import applying_is_off
from iamkit.notebook.display import show, show_html
from iamkit.notebook.markup import copyable, escape, folded, table
from iamkit.parameters.models import PolicyChoice
from iamkit.plan.access_changes import impact_of
from iamkit.plan.consequences import say_paths_of
from iamkit.plan.desired import Desired
from iamkit.policies.actions.catalogue import load_catalogue
from iamkit.policies.actions.expansion import shrink
from iamkit.policies.actions.parts import tell_part
from iamkit.policies.comparison.table import compare_policies
from iamkit.policies.grammar.document import print_policy
from iamkit.policies.grammar.quotas import Gauge, measure
from iamkit.policies.lint.linting import Remark, lint_policy
from iamkit.policies.lookup import find_policy
from iamkit.policies.wording.explanation import explain
from iamkit.storage.private_files import write_named
from iamkit.text import few

COLOURS = {"error": "#b91c1c", "warning": "#9a6700", "hint": "#57606a"}
MARKS = {"error": "✘", "warning": "⚠", "hint": "ⓘ"}


def show_policy(document: JSON, title: str = "") -> None:
    """Show what a policy allows in sentences, what to mind, its size, and its text."""
    if not document:
        show("No policy is chosen yet: choose what may be done, or say it in policy_choices.")
        return
    heading = f"<h4>{escape(title)}</h4>" if title else ""
    markup = heading + policy_html(document)
    show_html(markup, policy_text(document, title))


def show_choices(parts: Sequence[PolicyChoice]) -> None:
    """Show what is chosen for a policy, part by part."""
    rows = _rows(parts)
    show_html(choices_html(parts), "\n".join(f"{row[0]}. {row[1]} ({row[2]})" for row in rows))


def choices_html(parts: Sequence[PolicyChoice]) -> str:
    """What is chosen for a policy, part by part, as HTML."""
    return table(_rows(parts), ("part", "what is chosen", "what it comes to"))


def _rows(parts: Sequence[PolicyChoice]) -> list[tuple[str, str, str]]:
    return [(str(n), in_short(part), _comes_to(part)) for n, part in enumerate(parts, 1)]


def _comes_to(part: PolicyChoice) -> str:
    """What each service of a part contributes, so that none is left out in silence."""
    told = tell_part(part, load_catalogue())
    said = "; ".join(map(str, told.contributions))
    return f"{said}. {told.left_out}" if told.left_out else said


def in_short(part: PolicyChoice) -> str:
    """A choice on one line, as it stands in the parameters."""
    given = part.model_dump(exclude_defaults=True).items()
    return "; ".join(f"{name.replace('_', ' ')}: {_plain(value)}" for name, value in given)


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}={text}" for key, text in value.items())
    return ", ".join(value) if isinstance(value, list) else str(value).lower()


def show_source(state: AccountState, source: str, beside: JSON) -> None:
    """Show a policy that exists, drawn together, and what it allows beyond another.

    Args:
        state: the account in which it is, unless it is in a file.
        source: as ``find_policy`` takes it; empty for none.
        beside: the policy to compare it with, or an empty one.

    Raises:
        InputError: there is no such policy.
    """
    if not source:
        show("No policy was named in policy_source.")
        return
    document = shrink(find_policy(state, source))
    show_policy(document, source)
    if beside:
        show(f"What {source} allows beyond the policy above:", compare_policies(beside, document))


def save_policy(document: JSON, file: str) -> None:
    """Save a policy to a file, as people read it; nothing if no file is named, or it is empty.

    Raises:
        InputError: the file cannot be written.
    """
    if not file or not document:
        return
    if reason := applying_is_off():
        show(f"The policy is not saved to {file}. {reason}")
        return
    path = Path(file).expanduser()
    write_named(path, print_policy(document) + "\n")
    show(f"The policy is saved: {path}")


def show_impact(state: AccountState, desired: Desired) -> None:
    """Show what the desired policies would change, user by user."""
    for wanted in desired.as_spelled_in(state).holders:
        changes = impact_of(state, wanted)
        said = told_impact(changes, wanted.target)
        rows = changes.to_numpy().tolist()
        markup = f"<p>{escape(said)}</p>" + (
            table(rows, [str(name) for name in changes.columns]) if rows else ""
        )
        paths = list(say_paths_of(state, wanted.inline_policies, wanted))
        show_html(markup + paths_html(paths), "\n".join([said, *paths]))


def paths_html(said: Iterable[str]) -> str:
    """Who could become administrator, as warnings."""
    lines = (_line("error", f"{MARKS['warning']} {one}") for one in said)
    return "".join(lines)


def told_impact(changes: pd.DataFrame, holder: str) -> str:
    """What a policy would change for its holder, in a sentence or two."""
    if changes.empty:
        return f"Nobody is in {holder} yet: nobody can do more than before."
    unknown = changes[changes["unknown"] != ""]
    if not unknown.empty:
        told = told_impact(changes.assign(unknown=""), holder)
        return f"{told} For {len(unknown)} user(s) it cannot be told in full: not all was read."
    concerned = changes[(changes["new"] > 0) | (changes["wider"] > 0) | (changes["less"] > 0)]
    if concerned.empty:
        return f"For the {len(changes)} user(s) of {holder} nothing changes: they can all of it."
    parts = [
        f"{text} {concerned[column].max():,} actions"
        for column, text in (("new", "add"), ("wider", "widen"), ("less", "take or narrow"))
        if concerned[column].max()
    ]
    return (
        f"Through {holder} it would {', '.join(parts)} at the most for {few(concerned['user'], 5)}."
    )


def policy_html(document: JSON) -> str:
    """A policy as HTML, every text of it escaped."""
    sentences = "".join(f"<li>{escape(e.text)}</li>" for e in explain(document))
    remarks = "".join(_remark(remark) for remark in lint_policy(document))
    gauges = "".join(_gauge(gauge) for gauge in measure(document))
    return (
        f"<ul>{sentences}</ul>{remarks or '<p>✔ Nothing to mind.</p>'}"
        f'<div style="max-width:44em">{gauges}</div>'
        f"{folded('The policy', copyable(print_policy(document)), is_open=True)}"
    )


def policy_text(document: JSON, title: str = "") -> str:
    """A policy as plain text."""
    lines: list[Any] = [title] if title else []
    lines += [f"* {e.text}" for e in explain(document)]
    lines += [f"{MARKS[r.severity]} {r.message}" for r in lint_policy(document)]
    return "\n".join([*lines, *map(str, measure(document)), print_policy(document)])


def _remark(remark: Remark) -> str:
    where = f" <small>({escape(remark.path)})</small>" if remark.path else ""
    return _line(
        remark.severity,
        f"{MARKS[remark.severity]} {remark.severity}: {remark.message}",
        where,
    )


def _line(severity: str, text: str, more: str = "") -> str:
    return f'<p style="color:{COLOURS[severity]};margin:2px 0">{escape(text)}{more}</p>'


def _gauge(gauge: Gauge) -> str:
    share = min(100, round(100 * gauge.size / gauge.limit))
    verdict = {True: "", False: ": too large", None: ": cannot be told"}[gauge.fits]
    colour = "#1a7f37" if gauge.fits else "#b91c1c"
    told = f"{gauge.size:,} of {gauge.limit:,} characters"
    return (
        f'<div style="display:grid;grid-template-columns:14em 1fr 14em;gap:8px;font-size:12px">'
        f"<span>{escape(gauge.quota)}</span>"
        f'<span role="img" aria-label="{told}" style="background:#d0d7de;border-radius:4px">'
        f'<span style="display:block;height:100%;width:{share}%;background:{colour};'
        f'border-radius:4px"></span></span><span>{told}{verdict}</span>'
        "</div>"
    )
