"""Pieces of HTML: every text from an account is escaped before it becomes markup.

Colours always come as a pair of text and background, so that they can be read in JupyterLab's
light and dark themes alike; words or signs stand beside them.
"""

import html
from collections.abc import Iterable, Sequence

from iamkit.text import printable

CELL = "text-align:left;vertical-align:top;padding:3px 14px 3px 0;white-space:pre-wrap"
NOWRAP = CELL.replace("pre-wrap", "nowrap")
SHORT = 40
"""Characters of a cell that stays on one line."""
SEVERITY_COLOURS = {
    "critical": "#8b0000",
    "high": "#b2182b",
    "medium": "#8a4600",
    "low": "#4d5966",
}
"""White on each has a contrast of 5 and more."""
LINES = "\n\t"
BLOCK = "white-space:pre-wrap;overflow-wrap:anywhere;user-select:all"
"""For what is to be copied: one click selects all of it."""


def escape(value: object) -> str:
    """Any value as text that HTML shows and does not run, and in which nothing is invisible."""
    return html.escape(printable(str(value), keep=LINES), quote=True)


def mime_bundle(markup: str, text: str) -> dict[str, str]:
    """A notebook's output by MIME type: HTML, and the same as plain text."""
    return {"text/html": markup, "text/plain": printable(text, keep=LINES)}


class Markup(str):
    """Text that is HTML already, and is not escaped."""

    __slots__ = ()


def table(rows: Iterable[Sequence[object]], header: Sequence[str]) -> str:
    """Rows as an HTML table; every cell is escaped that is not ``Markup``."""
    head = "".join(f'<th scope="col" style="{CELL}">{escape(name)}</th>' for name in header)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(cell: object) -> str:
    """A short cell stays on one line; a long one wraps."""
    if isinstance(cell, Markup):
        return f'<td style="{CELL}">{cell}</td>'
    return f'<td style="{CELL if len(str(cell)) > SHORT else NOWRAP}">{escape(cell)}</td>'


def scrolled(markup: str, name: str) -> str:
    """Markup that may be wider than the page, and is then scrolled by keys too."""
    told = f'tabindex="0" role="group" aria-label="{escape(name)}"'
    return f'<div {told} style="overflow-x:auto">{markup}</div>'


def badge(text: str, background: str) -> str:
    """A word in white on a colour of its own."""
    return (
        f'<span style="background:{background};color:#fff;border-radius:4px;'
        f'padding:1px 7px;font-weight:600;white-space:nowrap">{escape(text)}</span>'
    )


def severity_badge(word: str) -> str:
    """A finding's severity on its colour."""
    return badge(word, SEVERITY_COLOURS[word])


def folded(summary: str, markup: str, *, is_open: bool = False) -> str:
    """Markup that opens by a click or a key on its summary, which is escaped."""
    opened = " open" if is_open else ""
    return f"<details{opened}><summary>{escape(summary)}</summary>{markup}</details>"


def copyable(text: str) -> str:
    """A block of text that one click selects."""
    return f'<pre style="{BLOCK}">{escape(text)}</pre>'
