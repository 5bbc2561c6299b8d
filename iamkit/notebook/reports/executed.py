"""What an executed notebook tells its readers: when and where it ran, its texts, its parameters."""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

import yaml

from iamkit.notebook.input_notebook import assignments
from iamkit.notebook.result import ACCOUNT_MIME, WORDS, NotebookResult

ADDED = "papermill-error-cell-tag"
"""The tag of cells in which papermill repeats an error that the head of the page tells."""
_HEADING = re.compile(r"(#{1,2}) +(.+?)[ #]*$")


@dataclass(frozen=True, kw_only=True)
class Stamp:
    """When a notebook ran, and in which account: what every page of a report says.

    Attributes:
        at: when it began.
        account_id: 12 digits, or empty if it named none.
        alias: the account's alias, if it is known.
        word: ``SANDBOX``, ``LIVE``, ``SAVED`` for a state that was read before, or empty.
        read: when a saved state was read.
    """

    at: datetime | None = None
    account_id: str = ""
    alias: str = ""
    word: str = ""
    read: str = ""

    @property
    def when(self) -> str:
        """The date and time: ``2026-11-25 14:05 UTC``."""
        return f"{self.at:%Y-%m-%d %H:%M} UTC" if self.at else ""

    @property
    def day(self) -> str:
        """The date, in UTC."""
        return f"{self.at:%Y-%m-%d}" if self.at else ""

    @property
    def account(self) -> str:
        """The account: ``000000000000 (maestrodev), SANDBOX``."""
        alias = f" ({self.alias})" if self.alias else ""
        parts = (f"{self.account_id}{alias}", self.word, self.read and f"read on {self.read}")
        return ", ".join(part for part in parts if part)

    def __str__(self) -> str:
        parts = (self.when, self.account and f"account {self.account}")
        return " · ".join(part for part in parts if part)


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """One notebook of a run, as its page's head and the run's index tell it.

    Attributes:
        title: its first heading, or its name.
        stamp: when it ran, and in which account.
        result: what became of it; None while that is not known.
    """

    title: str
    stamp: Stamp
    result: NotebookResult | None = None

    @property
    def short(self) -> str:
        """The title up to its first comma or colon: ``06 · Everyone in the account``."""
        return re.split(r"[:,] ", self.title, maxsplit=1)[0]

    @property
    def changes(self) -> str:
        """How many of the planned changes were made."""
        if self.result is None or not self.result.planned:
            return ""
        return f"{self.result.applied} of {self.result.planned}"

    @property
    def link(self) -> str:
        """Where its page is, beside the index; empty if none was kept."""
        if self.result is None or not self.result.html.exists():
            return ""
        return f"./{quote(self.result.html.name)}"


def to_sheet(notebook: Mapping[str, Any], name: str, result: NotebookResult | None) -> Sheet:
    """What the head of a page says of an executed notebook; its name if it has no heading."""
    titles = (title for level, title, _ in text_pieces(notebook["cells"]) if level == 1)
    return Sheet(title=next(titles, name), stamp=_stamp_of(notebook), result=result)


def text_pieces(cells: Sequence[Any]) -> Iterator[tuple[int, str, Any]]:
    """Each cell with the level and text of the heading before it; text is cut at its headings.

    Level 0 is a cell without one.
    """
    for cell in cells:
        if ADDED in cell["metadata"].get("tags", []):
            continue
        if cell["cell_type"] != "markdown":
            yield 0, "", cell
            continue
        level, title, lines, fenced = 0, "", list[str](), False
        for line in cell["source"].splitlines():
            fenced ^= line.lstrip().startswith(("```", "~~~"))
            heading = None if fenced else _HEADING.match(line)
            if heading is None:
                lines.append(line)
                continue
            if level or "".join(lines).strip():
                yield level, title, type(cell)(cell, source="\n".join(lines))
            level, title, lines = len(heading[1]), re.sub(r"[`*]", "", heading[2]), []
        yield level, title, type(cell)(cell, source="\n".join(lines))


def parameters_of(cells: Sequence[Any]) -> Iterator[tuple[str, str, str]]:
    """Each parameter with the value that it had, as text, and what it means."""
    rows: dict[str, tuple[Any, str]] = {}
    for name, value, meaning in _assigned(cells):
        rows[name] = value, meaning or rows.get(name, (None, ""))[1]
    for name, (value, meaning) in rows.items():
        yield name, _to_text(value), meaning


def _assigned(cells: Sequence[Any]) -> Iterator[tuple[str, Any, str]]:
    """Each assignment of the parameters' cells, in order: name, value, comment behind it."""
    for cell in cells:
        if not {"parameters", "injected-parameters"} & set(cell["metadata"].get("tags", [])):
            continue
        lines = cell["source"].split("\n")
        with suppress(SyntaxError):
            for name, value in assignments(cell["source"]):
                rest = lines[(value.end_lineno or 1) - 1].encode()[value.end_col_offset or 0 :]
                meaning = rest.decode(errors="ignore").partition("#")[2].strip("# \t")
                yield name, _value(value), meaning


def _value(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError):
        return ast.unparse(node)


def _to_text(value: Any) -> str:
    """A value as a parameters file has it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict | list):
        with suppress(yaml.YAMLError):
            text = yaml.safe_dump(value, sort_keys=False, allow_unicode=True).strip()
            return str(text) if value else "none"
    return str(value)


def _stamp_of(notebook: Mapping[str, Any]) -> Stamp:
    """From the values beside the session's banner, else from the parameters, which were checked."""
    started = notebook["metadata"].get("papermill", {}).get("start_time")
    at = datetime.fromisoformat(started) if started else None
    for cell in notebook["cells"]:
        if "session" not in cell["metadata"].get("tags", []):
            continue
        for output in cell.get("outputs", ()):
            if told := output.get("data", {}).get(ACCOUNT_MIME):
                return Stamp(at=at, **{name: str(value) for name, value in told.items()})
    given = {name: value for name, value, _ in _assigned(notebook["cells"])}
    word = WORDS.get(str(given.get("environment")), "")
    return Stamp(at=at, account_id=str(given.get("account_id", "")), word=word)


def html_of(output: Any) -> str:
    """An output's HTML, in one piece; empty if it has none."""
    markup = output.get("data", {}).get("text/html", "")
    return markup if isinstance(markup, str) else "".join(markup)
