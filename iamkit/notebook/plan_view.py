"""How a plan and its outcome look: grouped by what is touched, losses apart, texts as a diff."""

import difflib
import json
import shlex
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from iamkit.aws.apply import Outcome
from iamkit.credentials import Receipt
from iamkit.notebook.markup import Markup, badge, copyable, escape, folded, table
from iamkit.plan.changes import Change, Plan, Verb
from iamkit.policies.grammar.document import print_policy, to_json

LOOKS: dict[Verb, tuple[str, str]] = {
    "create": ("+", "#1a7f37"),
    "update": ("~", "#8a5a00"),
    "replace": ("±", "#b91c1c"),
    "delete": ("-", "#b91c1c"),
}
"""The sign and the colour of each verb."""
MANY = 12
"""From how many groups of changes on each is folded."""
ADDED = "background:#dafbe1;color:#0b3d17"
REMOVED = "background:#ffe0de;color:#6b0f0a"
LINE = "display:block;white-space:pre-wrap;overflow-wrap:anywhere;padding:0 6px"


def plan_html(plan: Plan) -> str:
    """A plan as HTML: what is lost first and apart, then the rest by what it touches."""
    notes = "".join(f"<p>ⓘ {escape(note)}</p>" for note in plan.notes)
    blockers = "".join(f"<p>⚠ {escape(reason)}</p>" for reason in plan.blockers)
    heading = f"<p><b>Plan: {escape(plan.summary)}.</b></p>"
    if not plan.changes:
        return heading + notes + blockers
    lost = {change.target for change in plan.destructive}
    apart = [change for change in plan.changes if change.target in lost]
    rest = [change for change in plan.changes if change.target not in lost]
    warning = (
        f'<div style="border-left:4px solid #b91c1c;padding-left:12px;margin:8px 0">'
        f"<p><b>⚠ What is lost by this: {len(plan.destructive)} of the changes destroy something."
        f"</b></p>{_groups(apart)}</div>"
        if apart
        else ""
    )
    commands = folded("The same as aws iam commands", copyable("\n".join(plan.commands)))
    return heading + warning + _groups(rest) + notes + blockers + commands


def plan_text(plan: Plan) -> str:
    """A plan as plain text."""
    lines = [f"Plan: {plan.summary}.", *plan.commands, *plan.notes, *plan.blockers]
    return "\n".join(lines)


def outcome_html(outcome: Outcome) -> str:
    """What became of a plan: what was done, what was not and why, where the credentials are."""
    rows = [("✔ done", change.target, describe(change)) for change in outcome.done]
    rows += [("✘ failed", c.target, f"{describe(c)}\n{reason}") for c, reason in outcome.failed]
    rows += [("… not tried", change.target, describe(change)) for change in outcome.left]
    heading = f"<p><b>{escape(outcome_in_short(outcome))}</b></p>"
    calls = table(rows, ("result", "what", "how")) + _journal(outcome.journal)
    incomplete = bool(outcome.failed or outcome.left)
    told = folded("Each change, and the journal of its calls", calls, is_open=incomplete)
    return heading + _kept(outcome.receipts) + _rebuilds(outcome.rebuilds) + told


def _rebuilds(paths: Sequence[Path]) -> str:
    """Where the files are that make deleted users again."""
    if not paths:
        return ""
    told = copyable("\n".join(f"iamkit undo {shlex.quote(str(path))}" for path in paths))
    return f"<p>What makes them again, should that be needed:</p>{told}"


def _kept(receipts: Sequence[Receipt]) -> str:
    """Where new credentials are: by short names, and the whole paths to copy."""
    if not receipts:
        return ""
    rows = [
        (r.user, r.what, r.where.name if isinstance(r.where, Path) else r.where) for r in receipts
    ]
    paths = folded("The whole paths, to copy", copyable("\n".join(str(r.where) for r in receipts)))
    kept = table(rows, ("user", "what", "file"))
    return f"<p>The new credentials are kept here:</p>{kept}{paths}"


def outcome_text(outcome: Outcome) -> str:
    """What became of a plan, as plain text."""
    lines = [outcome_in_short(outcome)]
    lines += [f"The {r.what} of {r.user} is in {r.where}" for r in outcome.receipts]
    lines += [f"What makes them again: iamkit undo {path}" for path in outcome.rebuilds]
    return "\n".join(lines)


def outcome_in_short(outcome: Outcome) -> str:
    """The counts: ``5 done, 1 failed, 2 left``."""
    return f"{len(outcome.done)} done, {len(outcome.failed)} failed, {len(outcome.left)} left."


def describe(change: Change) -> str:
    """A change in words: the call, its short arguments, and why."""
    told = {"UserName", "GroupName"} if "UserName" in change.arguments else {"GroupName"}
    if change.operation in ("add_user_to_group", "remove_user_from_group"):
        told = {"UserName"}
    told |= {"PolicyDocument", "principalArn"}
    arguments = ", ".join(
        f"{name}: {_value(value)}" for name, value in change.arguments.items() if name not in told
    )
    said = change.operation.replace("_", " ") + (f" ({arguments})" if arguments else "")
    return f"{said}\n{change.reason}" if change.reason else said


def difference(before: Any, after: Any) -> str:
    """Two values as a diff of their lines, each with its sign."""
    old, new = _lines(before), _lines(after)
    lines = []
    for line in difflib.ndiff(old, new):
        if line.startswith("?"):
            continue
        style = {"+": ADDED, "-": REMOVED}.get(line[0], "opacity:.8")
        lines.append(f'<span style="{LINE};{style}">{escape(line)}</span>')
    return (
        f'<code style="display:block;max-width:70em;margin:4px 0" tabindex="0" role="group" '
        f'aria-label="before and after">{"".join(lines)}</code>'
    )


def _groups(changes: Sequence[Change]) -> str:
    """The changes by what they touch, in the plan's order."""
    groups = [(target, list(group)) for target, group in groupby(changes, lambda c: c.target)]
    if len(groups) <= MANY:
        return "".join(
            f'<p style="margin:10px 0 2px"><b>{escape(target)}</b></p>{_rows(group)}'
            for target, group in groups
        )
    return "".join(
        folded(f"{target}: {', '.join(c.operation.replace('_', ' ') for c in group)}", _rows(group))
        for target, group in groups
    )


def _rows(changes: Iterable[Change]) -> str:
    rows = [
        (
            Markup(badge(f"{sign} {change.verb}", colour)),
            Markup(f"{escape(describe(change))}{_detail(change)}"),
        )
        for change in changes
        for sign, colour in [LOOKS[change.verb]]
    ]
    return table(rows, ("verb", "how"))


def _detail(change: Change) -> str:
    """A policy's text, or what was before and what comes."""
    if change.part == "inline policy" and change.verb in ("create", "delete"):
        document = change.arguments.get("PolicyDocument", change.before)
        title = "The policy" if change.verb == "create" else "The policy that goes"
        return folded(title, copyable(print_policy(document)), is_open=True)
    if change.verb not in ("update", "replace") or change.before is None:
        return ""
    return difference(change.before, _after(change))


def _after(change: Change) -> Any:
    """What stands in the place of ``before``."""
    if change.part == "tags":
        return {tag["Key"]: tag["Value"] for tag in change.arguments["Tags"]}
    if change.part == "password policy":
        return dict(change.arguments)
    return list(change.arguments.values())[-1]


def _lines(value: Any) -> list[str]:
    if isinstance(value, str):
        return value.splitlines()
    text = print_policy(value) if "Statement" in value else json.dumps(value, indent=2)
    return text.splitlines()


def _value(value: Any) -> str:
    return value if isinstance(value, str) else to_json(value)


def _journal(path: Path | None) -> str:
    """The journal's lines, folded; they hold no secret."""
    if path is None:
        return ""
    where = f"<p>Journal, for the records: {_path(path)}</p>"
    try:
        return where + folded("Each call with its time", copyable(path.read_text().strip()))
    except OSError:
        return where


def _path(path: object) -> str:
    """A path, which may be long and breaks anywhere."""
    return f'<code style="overflow-wrap:anywhere;white-space:normal">{escape(path)}</code>'
