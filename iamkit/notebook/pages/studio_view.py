"""The policy studio in a browser: parts to choose, and beside them what they come to."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from iamkit.errors import IamkitError

HERE = Path(__file__).parent
SCRIPTS = tuple(f"studio_{part}.js" for part in ("dom", "part", "outcome", "search", "view"))
"""One module in the browser: each uses those before it."""
LEVELS = 50
"""Of undo."""
Choices = dict[str, Any]


class StudioView(anywidget.AnyWidget):
    """Draws choices and what they come to, and reports edits; it decides nothing.

    Attributes:
        services: each with its prefix, its name and the types of its things.
        verbs: each with what it means.
        holders: who can get the policy, as ``group dev``.
        policies: the policies that can be opened, by their names.
        choices: ``parts`` as ``policy_choices`` has them, ``name`` and ``holder``.
        told: what the choices come to, as ``studio_outcome.tell`` shows it.
        things: by type of thing, the ``names`` that there are, and a ``note`` if there are none.
        said: what was done last.
        notes: what of a policy that was opened is in no part.
        can_undo: whether something can be taken back.
        answers: by the word that a message has in ``do``, what answers it, given the message.
    """

    _esm = "\n".join(
        (HERE / name).read_text(encoding="utf-8")
        for name in (
            "studio_dom.js",
            "studio_part.js",
            "studio_outcome.js",
            "studio_search.js",
            "studio_view.js",
        )
    )
    _css = HERE / "studio_view.css"

    services = traitlets.List(traitlets.Any()).tag(sync=True)
    verbs = traitlets.List(traitlets.Any()).tag(sync=True)
    holders = traitlets.List(traitlets.Unicode()).tag(sync=True)
    policies = traitlets.List(traitlets.Unicode()).tag(sync=True)
    choices = traitlets.Dict().tag(sync=True)
    told = traitlets.Dict().tag(sync=True)
    things = traitlets.Dict().tag(sync=True)
    said = traitlets.Unicode("").tag(sync=True)
    notes = traitlets.List(traitlets.Unicode()).tag(sync=True)
    can_undo = traitlets.Bool(default_value=False).tag(sync=True)

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self.answers: Mapping[str, Callable[[Mapping[str, Any]], None]] = {}
        self._past: list[Choices] = []
        self._goes_back = False
        self.observe(self._remember, "choices")
        self.on_msg(lambda _, content, __: self.answer(content))

    def answer(self, message: Mapping[str, Any]) -> None:
        """Do what the browser asks for; what is wrong with it is said."""
        if message.get("do") == "undo":
            self.undo()
        elif act := self.answers.get(message.get("do", "")):
            try:
                act(message)
            except IamkitError as error:
                self.said = f"✘ {error}"

    def undo(self) -> None:
        """Take the last edit back."""
        if not self._past:
            return
        with self.hold_sync():  # choices and what they come to arrive together
            self._goes_back = True
            self.choices = self._past.pop()
            self._goes_back = False
            self.can_undo, self.notes = bool(self._past), []
            self.said = "The last change is taken back."

    def _remember(self, change: Mapping[str, Any]) -> None:
        if not self._goes_back:
            self._past = [*self._past, change["old"]][-LEVELS:]
            self.can_undo = True
