"""An audit's first page as Markdown: for a job's summary, a merge request, a chat.

Every text from the account is escaped, so that it is shown and not rendered: CommonMark lets any
ASCII punctuation be escaped by a backslash. https://spec.commonmark.org/0.31.2/#backslash-escapes
"""

import re
from collections.abc import Iterable, Sequence

from iamkit.audit.first_page import FirstPage
from iamkit.text import few, printable

_PUNCTUATION = re.compile(r"[!-/;-@\[-`{-~]|:(?=/)")
_HARMLESS = ",;()'%/.-+="
_BEGINS = re.compile(r"(?:(?<=^)|(?<=^\d)|(?<=www))[-+.)=]", re.IGNORECASE)
"""What begins a list, a rule or an address, where it stands there."""
_REFERENCES = {"<": "&lt;", ">": "&gt;", "&": "&amp;", "|": "&#124;"}
"""What HTML or a table would take for its own, even behind a backslash."""
_JOINER = "\N{WORD JOINER}"
"""Put behind what begins a mention, a reference or an address: these are looked for in what was
rendered, where no backslash is left."""


def escape_markdown(text: object) -> str:
    """Any text as Markdown that shows it: no markup, no link, no mention, no line of its own."""
    shown = " ".join(printable(str(text), keep="\n").split())
    return _BEGINS.sub(r"\\\g<0>", _PUNCTUATION.sub(_escaped, shown))


def _escaped(found: re.Match[str]) -> str:
    sign = found[0]
    if sign in _HARMLESS:
        return sign
    if sign in _REFERENCES:
        return _REFERENCES[sign]
    return f"\\{sign}{_JOINER}" if sign in "@#:" else f"\\{sign}"


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table of GitHub's and GitLab's Markdown; every cell is escaped."""
    lines = [header, ["---"] * len(header)]
    told = [f"| {' | '.join(line)} |" for line in lines]
    told += [f"| {' | '.join(escape_markdown(cell) for cell in row)} |" for row in rows]
    return "\n".join(told) + "\n"


def to_markdown(page: FirstPage) -> str:
    """The first page: numbers, what has changed, the worst, what could not be read."""
    alias = f" ({escape_markdown(page.alias)})" if page.alias else ""
    parts = [
        f"## Audit of account {escape_markdown(page.account_id)}{alias}, {page.day or 'undated'}\n",
        f"**{escape_markdown(page.headline)}.**\n",
        _numbers(page),
        *_changes(page),
        *_urgent(page),
        f"{escape_markdown(page.report)}\n",
        *(f"> ⚠ {escape_markdown(line)}\n" for line in page.problems),
    ]
    return "\n".join(parts)


def _numbers(page: FirstPage) -> str:
    head = ["", "now", f"on {page.since}" if page.since else "before", "who"]
    rows = [
        (n.label, n.text, before.text if before else "", few(n.who, 6))
        for n, before in page.numbers
    ]
    return markdown_table(head, rows)


def _changes(page: FirstPage) -> Iterable[str]:
    if page.changes is None:
        return
    yield f"### What has changed since {escape_markdown(page.since)}\n"
    told = [
        *(
            f"* {word}: {escape_markdown(few(names, 20))}"
            for word, change in (("New", "came"), ("Gone", "went"), ("Replaced", "replaced"))
            if (names := page.users_who(change))
        ),
        f"* Findings: {len(page.findings_that('new'))} new, {len(page.findings_that('gone'))} gone",
    ]
    names = page.users_whose_permissions("grew")
    told += [f"* May do more than before: {escape_markdown(few(names, 20))}"] if names else []
    if page.cannot_be_told:
        told.append(f"* {page.cannot_be_told} more that cannot be told: one audit lacks it")
    yield "\n".join(told) + "\n"


def _urgent(page: FirstPage) -> Iterable[str]:
    if page.urgent:
        yield "### The worst, of each check\n"
        yield markdown_table(
            ("", "expected", "who", "what to do"),
            [(one.severity, one.expected, few(one.names, 4), one.action) for one in page.urgent],
        )
    if page.more > 0:
        yield f"{page.more} checks more fail.\n"
    if page.untold:
        yield f"**{page.untold:,} checks could not be told**, and may be as bad.\n"
    elif not page.urgent and not page.problems:
        yield "Nothing was found.\n"
