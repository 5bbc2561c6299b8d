"""The audit's view: a widget with a kernel behind it, and the same in a page that has none."""

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from iamkit.errors import IamkitError
from iamkit.notebook.markup import escape
from iamkit.notebook.pages.audit_tables import as_script, paper_table

HERE = Path(__file__).parent
Answer = dict[str, Any]


def _script(name: str) -> str:
    view = (HERE / "audit_view.js").read_text(encoding="utf-8")
    return view + (HERE / name).read_text(encoding="utf-8")


class AuditView(anywidget.AnyWidget):
    """Tiles and tables, and what a person may do with them; each button calls one function.

    Attributes:
        view: what ``audit_tables.to_view`` made, with ``history`` and ``actions`` beside it.
        progress: a ``text``, and how much of how much is ``done``; empty when all is.
        actions: by the word that a message has in ``do``, what answers it, given the message.
    """

    _esm = _script("audit_widget.js")
    _css = HERE / "audit_view.css"

    view = traitlets.Dict().tag(sync=True)
    progress = traitlets.Dict().tag(sync=True)

    def __init__(self) -> None:
        super().__init__()
        self.actions: Mapping[str, Callable[[Mapping[str, str]], Answer]] = {}
        self.on_msg(lambda _, content, __: self.send(self.answer(content)))

    def answer(self, message: Mapping[str, str]) -> Answer:
        """What is said to a message: ``said``, ``wrong``, ``shown`` and ``title``, or ``file``."""
        act = self.actions.get(message.get("do", ""))
        if act is None:
            return {"said": "The account is still being read: try again when it is.", "wrong": True}
        try:
            return act(message)
        except IamkitError as error:
            return {"said": str(error), "wrong": True}


def page_of(view: Mapping[str, Any]) -> str:
    """The view as HTML that works without a kernel, and as plain tables on paper.

    Where no script runs, as in a notebook that nobody trusts, the plain tables stay.
    """
    paper = "".join(
        f"<h3>{escape(spec['title'])}</h3>{paper_table(spec)}" for spec in view["tables"]
    )
    return (
        f"{_style()}<div class='static'>{paper}</div>"
        f"<script type='application/json' class='iamkit-view'>{as_script(view)}</script>"
        f"<script>{_page_script()}</script>"
    )


@cache
def _style() -> str:
    return f"<style>{(HERE / 'audit_view.css').read_text(encoding='utf-8')}</style>"


@cache
def _page_script() -> str:
    return f"(() => {{\n{_script('audit_page.js')}\n}})();"
