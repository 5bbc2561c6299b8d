"""Executed notebooks as HTML files for readers: no network, no code in the way, fit for paper.

nbconvert's own pages load scripts from the network and carry 280 KB of styles. These take its
cells, our few styles, and a policy that keeps the browser from loading anything, and from running
what is not one of the page's own scripts. The templates are beside this file.
"""

import base64
import hashlib
import re
import threading
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from iamkit.notebook.reports.executed import Sheet, html_of, parameters_of, text_pieces, to_sheet
from iamkit.notebook.result import NotebookResult, headline_of

TEMPLATES = Path(__file__).parent / "templates"
LONG = 4
"""Sections from which on a page has a table of contents."""
TONES = {"done": "good", "nothing to do": "good", "planned": "wait", "partly applied": "bad"}

_SCRIPT = re.compile(r"<script\b[^>]*>(.*?)</script", re.DOTALL | re.IGNORECASE)
_TABLE_HEAD = re.compile(r"<thead\b.*?</thead>", re.DOTALL)
_TO_NOTEBOOK = re.compile(r"\[([^\]]*)\]\((\w+)\.ipynb\)")
_HREF_TO_NOTEBOOK = re.compile(r'\bhref="(\w+)\.ipynb"( download data-commandlinker[^>]*)?')
_SCRIPTS_HERE = "'scripts-of-this-page'"
_ONE_AT_A_TIME = threading.Lock()


def to_html(
    notebook: Any, name: str, result: NotebookResult | None = None, others: Collection[str] = ()
) -> str:
    """The HTML page of an executed notebook.

    Args:
        notebook: as nbformat reads it.
        name: its file's name without the ending.
        result: what became of it, for the head of the page.
        others: the names of all notebooks of the run, whose pages and index will be beside it.
    """
    sheet = to_sheet(notebook, name, result)
    sections = _sections(notebook["cells"], others)
    facts = (("When", sheet.stamp.day), ("Account", sheet.stamp.account))
    page = {
        "title": sheet.title,
        "short": sheet.short,
        "stamp": str(sheet.stamp),
        "facts": [fact for fact in facts if fact[1]],
        "result": result,
        "changes": sheet.changes and f"{sheet.changes} changes applied",
        "parameters": list(parameters_of(notebook["cells"])),
        "about": _cut_about(sections[0]),
        "sections": sections,
        "contents": sum(bool(section["title"]) for section in sections) >= LONG,
        "index": len(others) > 1,
        "style": _style(),
        "scripts": _SCRIPTS_HERE,
    }
    with _ONE_AT_A_TIME:
        text, _ = _exporter().from_notebook_node(notebook, {"page": page})
    return _allow_own_scripts(str(text))


def to_index(sheets: Sequence[Sheet]) -> str:
    """The page of a run that links to those of its notebooks: what one sends to a manager."""
    stamp = next((sheet.stamp for sheet in sheets if sheet.stamp.alias), sheets[0].stamp)
    stamp = replace(stamp, at=sheets[0].stamp.at)
    headline = headline_of([sheet.result for sheet in sheets if sheet.result])
    page = {
        "title": headline,
        "short": headline,
        "stamp": str(stamp),
        "style": _style(),
        "scripts": "'none'",
    }
    with _ONE_AT_A_TIME:
        template = _exporter().environment.get_template("index.html.j2")
        return str(template.render(page=page, sheets=sheets))


def _sections(cells: Sequence[Any], others: Collection[str]) -> list[dict[str, Any]]:
    """The cells below each heading, without what is only for who runs them.

    The first section has no title: it is what stands before the first heading.
    """
    sections: list[dict[str, Any]] = [{"title": "", "anchor": "", "cells": []}]
    told = False
    for level, title, cell in text_pieces(cells):
        if level == 1 and not told:
            told = True
        elif level:
            anchor = f"section-{len(sections)}"
            sections.append({"title": title, "anchor": anchor, "cells": []})
        sections[-1]["cells"].append(_for_readers(cell, others))
    return sections


def _for_readers(cell: Any, others: Collection[str]) -> Any:
    """A text with links that lead somewhere; code with the outputs that can be seen."""
    if cell["cell_type"] == "markdown":
        return _linked(cell, others)
    if cell["cell_type"] == "code":
        return type(cell)(cell, outputs=list(_shown(cell.get("outputs", ()), others)))
    return cell


def _cut_about(section: dict[str, Any]) -> str:
    """Take what follows the first paragraph out of a notebook's introduction, and give it."""
    for place, cell in enumerate(section["cells"]):
        if cell["cell_type"] == "markdown":
            first, _, about = cell["source"].strip().partition("\n\n")
            section["cells"][place] = type(cell)(cell, source=first)
            return str(about)
    return ""


def _linked(cell: Any, others: Collection[str]) -> Any:
    """A text whose links to notebooks lead to their pages; without a page they are plain text."""

    def link(found: re.Match[str]) -> str:
        return f"[{found[1]}]({found[2]}.html)" if found[2] in others else found[1]

    return type(cell)(cell, source=_TO_NOTEBOOK.sub(link, cell["source"]))


def _shown(outputs: Sequence[Any], others: Collection[str]) -> Iterator[Any]:
    """The outputs that a reader can see, their tables fit for paper and for screen readers."""

    def link(found: re.Match[str]) -> str:
        return f'href="{found[1]}.html"' if found[1] in others else ""

    for output in outputs:
        data = output.get("data")
        if data is None:
            yield output
        elif "text/html" in data:
            markup = _HREF_TO_NOTEBOOK.sub(link, _mended(html_of(output)))
            yield type(output)(output, data=type(data)(data, **{"text/html": markup}))
        elif any(str(value).strip() for kind, value in data.items() if not kind.endswith("+json")):
            yield output


def _mended(markup: str) -> str:
    """An output's tables, each column's head with its scope."""
    return _TABLE_HEAD.sub(_with_scope, markup)


def _with_scope(head: re.Match[str]) -> str:
    scoped = re.sub(r"<th(?=[\s>])(?![^>]*\bscope=)", '<th scope="col"', head[0])
    return re.sub(r">(\w+_\w+)</th>", lambda name: name[0].replace("_", "_<wbr>"), scoped)


def _allow_own_scripts(page: str) -> str:
    """A page whose policy runs the scripts that it was made with, by their hashes, and no other.

    Handlers in attributes have no hash.
    """
    hashes = {
        base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        for script in _SCRIPT.findall(page)
    }
    allowed = " ".join(sorted(f"'sha256-{text}'" for text in hashes))
    return page.replace(_SCRIPTS_HERE, allowed or "'none'", 1)


def _css_text(text: str) -> str:
    """A text as CSS has it: all but plain characters as their numbers."""
    return '"' + "".join(c if c.isalnum() or c == " " else f"\\{ord(c):x} " for c in text) + '"'


def _tone(result: NotebookResult) -> str:
    return "bad" if result.failed else TONES.get(result.outcome, "")


@cache
def _style() -> str:
    """The style sheet, with the colours of code for light and for dark."""
    # nbconvert loads it anyway.
    from pygments.formatters import HtmlFormatter  # type: ignore[import-untyped]  # noqa: PLC0415

    light, dark = (
        HtmlFormatter(style=name, nobackground=True).get_style_defs(".highlight")
        for name in ("xcode", "monokai")
    )
    sheet = (TEMPLATES / "report.css").read_text(encoding="utf-8")
    return f"{sheet}{light}\n@media screen and (prefers-color-scheme: dark) {{\n{dark}\n}}"


@cache
def _exporter() -> Any:
    # Imported late: with its template compiled it costs a third of a second.
    from jinja2 import FileSystemLoader  # noqa: PLC0415
    from nbconvert import HTMLExporter  # noqa: PLC0415

    return HTMLExporter(  # type: ignore[no-untyped-call]
        raw_template=(TEMPLATES / "report.html.j2").read_text(encoding="utf-8"),
        extra_loaders=[FileSystemLoader(TEMPLATES)],
        extra_template_basedirs=[str(TEMPLATES)],  # not the folder that one happens to be in
        filters={"css_text": _css_text, "tone": _tone},
        # Each of nbconvert's dozen, in use or not, has the notebook validated once more.
        default_preprocessors=["nbconvert.preprocessors.HighlightMagicsPreprocessor"],
    )
