"""What of an apply is taken back, change by change: a form whose values are ticks."""

from collections.abc import Callable
from typing import Any

import ipywidgets as widgets

from iamkit.aws.journal import RecordedApply
from iamkit.aws.session import Session
from iamkit.aws.undo import read_for_undo
from iamkit.notebook.display import show
from iamkit.notebook.markup import escape
from iamkit.plan.changes import Plan
from iamkit.plan.desired import Desired
from iamkit.plan.undo import READY, UndoJudge
from iamkit.plan.undo_steps import UndoStep

SHOWN = 100
"""Changes that have a tick at once; others are found by the filter."""


class UndoForm:
    """A tick for each change that was made; those that give nobody access are ticked.

    Attributes:
        chosen: the numbers of the changes that are ticked.
        filter: words that a change must hold to be shown.
        ticks: of the changes that are shown, by their number in the journal.
        idle: what is said while nothing is ticked.
    """

    value = None
    idle = "Nothing is ticked that is still there to take back."

    def __init__(self, session: Session, recorded: RecordedApply) -> None:
        self._recorded = recorded
        self._observers: list[Callable[[], None]] = []
        self._judge = UndoJudge(read_for_undo(session, recorded), recorded.made)
        self._undo = self._judge.plan(READY)
        self.chosen = {step.number for step in self._undo.steps if step.taken}
        self.filter = widgets.Text(placeholder="a user, a group, a state", description="Filter")
        self.filter.observe(lambda _: self._draw(), "value")
        self.filter.layout.display = "" if len(self._undo.steps) > SHOWN else "none"
        self._rows, self._more = widgets.VBox(), widgets.HTML()
        self._draw()

    @property
    def plan(self) -> Plan:
        """The way back of what is ticked, by the reading with which the form began."""
        return self._undo.plan

    def desired(self) -> Desired:
        """The way back of what is ticked."""
        return self._undo.desired

    def judge_again(self, session: Session) -> None:
        """Judge each change by the account as it is now; what asks since is ticked no more."""
        self._judge = UndoJudge(read_for_undo(session, self._recorded), self._recorded.made)
        steps = self._judge.plan(READY).steps
        self.chosen &= {step.number for step in steps if step.state == "ready"}
        self._undo = self._judge.plan(self.chosen)
        self._draw()

    def on_change(self, observer: Callable[[], None]) -> None:
        """Call the observer after each tick."""
        self._observers.append(observer)

    def compare(self, plan: Plan | None) -> None:
        """The ticks say what they come to by themselves."""

    def show_values(self) -> None:
        """Show what is taken back, for readers without a browser."""
        show(str(self._undo))

    def make_widget(self) -> Any:
        """The ticks, the last change first."""
        heading = widgets.HTML(
            f"<p><b>Take back what was applied on {self._recorded.at:%Y-%m-%d at %H:%M} UTC.</b> "
            "What gives access back, or was changed since, is not ticked.</p>"
        )
        return widgets.VBox([heading, self.filter, self._rows, self._more])

    def _draw(self) -> None:
        """Make the ticks of those that fit the filter."""
        words = self.filter.value.lower().split()
        fitting = [
            step
            for step in self._undo.steps
            if all(word in f"{step.what} {step.state}".lower() for word in words)
        ]
        self.ticks = {step.number: self._tick(step) for step in fitting[:SHOWN]}
        self._said = {number: widgets.HTML() for number in self.ticks}
        self._rows.children = [widgets.VBox([self.ticks[n], self._said[n]]) for n in self.ticks]
        self._tell()
        more = len(fitting) - len(self.ticks)
        self._more.value = f"<p>and {more:,} more: filter them</p>" if more else ""

    def _tick(self, step: UndoStep) -> Any:
        tick = widgets.Checkbox(step.taken, description=step.what, indent=False)
        tick.layout.width = "auto"
        tick.observe(lambda change: self._choose(step.number, ticked=change["new"]), "value")
        return tick

    def _choose(self, number: int, *, ticked: bool) -> None:
        self.chosen = self.chosen | {number} if ticked else self.chosen - {number}
        self._undo = self._judge.plan(self.chosen)
        self._tell()
        for observer in self._observers:
            observer()

    def _tell(self) -> None:
        for step in self._undo.steps:
            if step.number not in self.ticks:
                continue
            self.ticks[step.number].disabled = not step.open
            said = f": {escape(step.said)}" if step.said else ""
            word = "" if step.state == "ready" and not said else escape(step.state) + said
            self._said[step.number].value = f'<span style="margin-left:24px">{word}</span>'
