"""Review a plan, and apply it: by a click in a browser, by ``dry_run: false`` in a headless run.

Running all cells in a browser never changes an account. Whether somebody is there to click is
told by the request that runs the cell: a browser lets a cell ask for input, papermill does not.
"""

from collections.abc import Callable
from typing import Any

import ipywidgets as widgets
from IPython.display import display

from iamkit.aws.apply import Outcome, apply_plan, await_applied
from iamkit.aws.read import read_account
from iamkit.aws.session import Session
from iamkit.errors import IamkitError, NotVerified
from iamkit.notebook.display import render, show
from iamkit.notebook.kernels import end_with_parent
from iamkit.notebook.presence import someone_is_there
from iamkit.notebook.result import RESULT_MIME
from iamkit.plan import Change, Plan, make_plan


class Review:
    """A plan under review, and what became of it.

    Attributes:
        plan: as it is shown.
        outcome: what the apply did, or None as long as nothing was applied.
    """

    def __init__(self, plan: Plan, session: Session, *, allow_destructive: bool) -> None:
        self.plan = plan
        self.session = session
        self.allow_destructive = allow_destructive
        self.outcome: Outcome | None = None
        self._observers: list[Callable[[], None]] = []

    def apply(self, on_progress: Callable[[Change, str], None] = lambda *_: None) -> Outcome:
        """Apply the plan, and keep and return the outcome.

        Raises:
            IamkitError: nothing or only a part was applied; the message says which.
        """
        end_with_parent()
        self.outcome = apply_plan(
            self.plan,
            self.session,
            allow_destructive=self.allow_destructive,
            on_progress=on_progress,
        )
        tell_runner(self.plan, self.outcome)
        return self.outcome

    def on_applied(self, observer: Callable[[], None]) -> None:
        """Call the observer after an apply by a click."""
        self._observers.append(observer)

    def show_button(self) -> None:
        """Show the Apply button; on a live account a destructive plan wants the alias typed."""
        button = widgets.Button(description=f"Apply: {self.plan.summary}", button_style="warning")
        button.layout.width = "auto"
        progress = widgets.IntProgress(max=len(self.plan.changes), description="Applying")
        progress.layout.visibility = "hidden"
        result = widgets.HTML()
        confirmation = self._confirmation(button)

        def clicked(_: object) -> None:
            button.disabled = True
            progress.layout.visibility = "visible"
            result.value = self._apply_by_click(lambda *_: _advance(progress))
            for observer in self._observers:
                observer()

        button.on_click(clicked)
        box = widgets.VBox([*confirmation, button, progress, result])
        box.layout.align_items = "flex-start"
        display(box)

    def _apply_by_click(self, on_progress: Callable[[Change, str], None]) -> str:
        """Apply; an exception inside a click would reach nobody, so it is shown."""
        self.allow_destructive = True  # the button names what it destroys
        try:
            outcome = self.apply(on_progress)
            shown = render(outcome)
            outcome.raise_if_incomplete()
        except IamkitError as error:
            return render(f"✘ {error}") + (render(self.outcome) if self.outcome else "")
        return shown

    def _confirmation(self, button: Any) -> list[Any]:
        if self.session.environment == "sandbox" or not self.plan.destructive:
            return []
        word = self.session.alias or self.session.identity.account_id
        field = widgets.Text(description=f"Type {word} to allow this", layout={"width": "30em"})
        field.style.description_width = "initial"
        button.disabled = True
        field.observe(lambda change: setattr(button, "disabled", change["new"] != word), "value")
        return [field]


def review_plan(
    plan: Plan, session: Session, dry_run: bool, allow_destructive: bool = False
) -> Review:
    """Let a person apply the plan by a click, or apply it in a headless run.

    Args:
        plan: from ``make_plan``.
        session: an open session with the same account.
        dry_run: in a headless run, whether nothing is to be applied.
        allow_destructive: in a headless run, whether destructive changes are meant.

    Returns:
        The review, for ``verify``.

    Raises:
        IamkitError: in a headless run, what went wrong and what was changed.
    """
    reviewed = Review(plan, session, allow_destructive=allow_destructive)
    if not plan.changes:
        tell_runner(plan, None)
        show("Nothing to do: the account is as wanted.")
    elif someone_is_there():
        reviewed.show_button()
    elif dry_run:
        tell_runner(plan, None)
        show(f"Planned and not applied: {plan.summary}. To apply it: dry_run: false.")
    else:
        outcome = reviewed.apply()
        show(outcome)
        outcome.raise_if_incomplete()
    return reviewed


def verify(reviewed: Review) -> None:
    """Read the account again: after an apply, a new plan must be empty.

    Raises:
        NotVerified: something is still different; it is named.
    """
    if reviewed.outcome is not None:
        show(_verified(reviewed))
        return
    if not reviewed.plan.changes:
        show("✔ The account is as wanted.")
        return
    handle = display(
        {"text/html": render("Nothing was applied yet."), "text/plain": "Nothing was applied yet."},
        raw=True,
        display_id=True,
    )

    def refresh() -> None:
        try:
            said = _verified(reviewed) if reviewed.outcome else "Nothing was applied yet."
        except IamkitError as error:
            said = f"✘ {error}"
        handle.update({"text/html": render(said), "text/plain": said}, raw=True)

    reviewed.on_applied(refresh)


def _verified(reviewed: Review) -> str:
    complete = reviewed.outcome is not None and not reviewed.outcome.failed
    look = await_applied if complete else _plan_again
    left = look(reviewed.plan, reviewed.session)
    if left.changes:
        raise NotVerified(f"Read again, the account still differs: {left.summary}.")
    return "✔ Verified: read again, the account is as wanted."


def _plan_again(plan: Plan, session: Session) -> Plan:
    return make_plan(read_account(session, plan.desired), plan.desired)


def tell_runner(plan: Plan, outcome: Outcome | None) -> None:
    """Leave the counts in the notebook's output, where ``iamkit run`` reads them."""
    counts = {
        "planned": len(plan.changes),
        "applied": len(outcome.done) if outcome else 0,
        "left": len(outcome.failed) + len(outcome.left) if outcome else 0,
    }
    display({RESULT_MIME: counts, "text/plain": ""}, raw=True)


def _advance(progress: Any) -> None:
    progress.value += 1
