"""How far an apply is: a bar, and the steps around the one under way."""

from collections.abc import Mapping, Sequence

from iamkit.notebook.markup import escape
from iamkit.notebook.plan_view import describe
from iamkit.plan.change import Change

SHOWN = 12
"""Steps that are listed while they run; of more, those around the one under way."""
MARKS = {"done": "✔", "failed": "✘", "under way": "▶", "waiting": "·"}


def progress_html(changes: Sequence[Change], states: Mapping[int, str], number: int) -> str:
    """How far it is, as HTML.

    Args:
        changes: all that are made, in their order.
        states: by number from 0, one of ``MARKS``; what is not named waits.
        number: of the change that was heard of last.
    """
    done = sum(state != "under way" for state in states.values())
    first = max(0, min(number - SHOWN // 2, len(changes) - SHOWN))
    lines = "".join(
        f"<li>{_step(one, states.get(n, 'waiting'))}</li>"
        for n, one in enumerate(changes[first : first + SHOWN], first)
    )
    return (
        f'<p><progress max="{len(changes)}" value="{done}" aria-label="changes made">'
        f"</progress> {done} of {len(changes)}</p>"
        f'<ul style="list-style:none;padding-left:0">{lines}</ul>'
    )


def _step(change: Change, state: str) -> str:
    what = describe(change).partition("\n")[0]
    return f"{MARKS[state]} {escape(state)} · <b>{escape(change.target)}</b> · {escape(what)}"
