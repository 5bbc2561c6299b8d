"""Pieces of HTML: every text from an account is escaped before it becomes markup.

Colours always come as a pair of text and background, so that they can be read in JupyterLab's
light and dark themes alike; words or signs stand beside them.
"""

import html
from collections.abc import Iterable, Sequence

CELL = "text-align:left;vertical-align:top;padding:3px 14px 3px 0;white-space:pre-wrap"
SHORT = CELL.replace("pre-wrap", "nowrap")
SEVERITY_COLOURS = {
    "critical": "#8b0000",
    "high": "#b2182b",
    "medium": "#8a4600",
    "low": "#4d5966",
}
"""White on each has a contrast of 5 and more."""
BLOCK = "white-space:pre-wrap;overflow-wrap:anywhere;user-select:all"
"""For what is to be copied: one click selects all of it."""


def escape(value: object) -> str:
    """Any value as text that HTML shows and does not run."""
    return html.escape(str(value), quote=True)


def table(rows: Iterable[Sequence[object]], header: Sequence[str]) -> str:
    """Rows as an HTML table, every cell escaped."""
    head = "".join(f'<th scope="col" style="{CELL}">{escape(name)}</th>' for name in header)
    body = "".join(
        "<tr>"
        + "".join(f'<td style="{cell_style(cell)}">{escape(cell)}</td>' for cell in row)
        + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def cell_style(cell: object) -> str:
    """Short cells stay on one line; long ones wrap."""
    return SHORT if len(str(cell)) <= 40 else CELL


def badge(text: str, background: str, colour: str = "#fff") -> str:
    """A word on a colour of its own."""
    return (
        f'<span style="background:{background};color:{colour};border-radius:4px;'
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
