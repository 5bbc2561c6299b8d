"""What of an apply is taken back, change by change: a form whose values are ticks."""

from collections.abc import Callable
from typing import Any

import ipywidgets as widgets

from iamkit.aws.journal import RecordedApply
from iamkit.aws.read import PLANNED, read_account
from iamkit.aws.session import Session
from iamkit.errors import InputError
from iamkit.notebook.display import show
from iamkit.notebook.markup import escape
from iamkit.plan.changes import Plan
from iamkit.plan.desired import Desired
from iamkit.plan.undo import ASKS, Undo, UndoStep, plan_undo, way_back_of


class UndoForm:
    """A tick for each change that was made; those that give nobody access are ticked.

    Attributes:
        ticks: by the number of a change in its journal.
        idle: what is said while nothing is ticked.
    """

    value = None
    idle = "Nothing is ticked that is still there to take back."

    def __init__(self, session: Session, recorded: RecordedApply) -> None:
        wanted = way_back_of(recorded.made)
        self._current = read_account(session, wanted, operations=PLANNED)
        self._recorded = recorded
        self._observers: list[Callable[[], None]] = []
        self._undo = plan_undo(self._current, recorded.made)
        self.ticks = {step.number: self._tick(step) for step in self._undo.steps}
        self._said = {number: widgets.HTML() for number in self.ticks}
        self._tell()

    @property
    def plan(self) -> Plan:
        """The way back of what is ticked, by the reading with which the form began."""
        return self._undo.plan

    def desired(self) -> Desired:
        """The way back of what is ticked.

        Raises:
            InputError: something that is ticked has no way back any more.
        """
        return self._undo.plan.desired

    def judge_again(self, session: Session) -> None:
        """Judge each change by the account as it is now; what asks since is ticked no more."""
        wanted = way_back_of(self._recorded.made)
        self._current = read_account(session, wanted, operations=PLANNED)
        ready = {
            step.number
            for step in plan_undo(self._current, self._recorded.made).steps
            if step.state == "ready"
        }
        kept = [number for number, tick in self.ticks.items() if tick.value and number in ready]
        self._undo = plan_undo(self._current, self._recorded.made, kept)
        observers, self._observers = self._observers, []
        for number, tick in self.ticks.items():
            tick.value = number in kept
        self._observers = observers
        self._tell()

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
        rows = [widgets.VBox([self.ticks[n], self._said[n]]) for n in self.ticks]
        heading = widgets.HTML(
            f"<p><b>Take back what was applied on {self._recorded.at:%Y-%m-%d at %H:%M} UTC.</b> "
            "What gives access back, or was changed since, is not ticked.</p>"
        )
        return widgets.VBox([heading, *rows])

    def _tick(self, step: UndoStep) -> Any:
        tick = widgets.Checkbox(step.taken, description=step.what, indent=False)
        tick.layout.width = "auto"
        tick.observe(lambda _: self._changed(), "value")
        return tick

    def _changed(self) -> None:
        chosen = [number for number, tick in self.ticks.items() if tick.value]
        try:
            self._undo = plan_undo(self._current, self._recorded.made, chosen)
        except InputError:  # what it needs was unticked
            self._undo = self._without_lost(chosen)
        self._tell()
        for observer in self._observers:
            observer()

    def _without_lost(self, chosen: list[int]) -> Undo:
        """The undo of those that still have a way back."""
        open_: list[int] = []
        for number in sorted(chosen, reverse=True):
            try:
                plan_undo(self._current, self._recorded.made, [*open_, number])
            except InputError:
                continue
            open_.append(number)
        return plan_undo(self._current, self._recorded.made, open_)

    def _tell(self) -> None:
        for step in self._undo.steps:
            self.ticks[step.number].disabled = step.state not in ("ready", *ASKS)
            said = f": {escape(step.said)}" if step.said else ""
            word = "" if step.state == "ready" and not said else escape(step.state) + said
            self._said[step.number].value = f'<span style="margin-left:24px">{word}</span>'
