"""Review a plan, and apply it: by a click in a browser, by ``dry_run: false`` in a headless run.

Running all cells in a browser never changes an account.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from iamkit.account.gaps import DETAILS
from iamkit.aws.apply import Outcome, apply_plan, await_applied, plan_again
from iamkit.aws.journal import last_apply
from iamkit.aws.read import read_account, read_permissions
from iamkit.aws.session import Session
from iamkit.errors import AwsError, GuardError, NotVerified
from iamkit.notebook.interactive import applying_is_off
from iamkit.notebook.kernels import end_with_parent
from iamkit.notebook.markup import escape
from iamkit.plan.changes import Change, Plan, make_plan
from iamkit.plan.consequences import say_meaning
from iamkit.plan.desired import Desired


@dataclass(frozen=True)
class Conclusion:
    """How an apply ended: whether the account is as wanted, and in words."""

    ok: bool
    said: str

    @property
    def text(self) -> str:
        """A line of a page."""
        return f"{'✔' if self.ok else '✘'} {self.said}"


class WantedForm(Protocol):
    """A form whose values come to something that is wanted of the account."""

    def desired(self) -> Desired:
        """What its values come to, now."""

    def on_change(self, observer: Callable[[], None]) -> None:
        """Call the observer after each change of a value."""

    def refresh(self) -> None:
        """Compare with the account as it is now."""


class Review:
    """A plan under review, and what became of it.

    Attributes:
        plan: as it is shown.
        form: where another plan would come from, or None.
        outcome: what the apply did, or None as long as nothing was applied.
        conclusion: how the apply ended, or None before.
    """

    def __init__(
        self,
        plan: Plan,
        session: Session,
        *,
        allow_destructive: bool = False,
        form: WantedForm | None = None,
    ) -> None:
        self.plan = plan
        self.session = session
        self.allow_destructive = allow_destructive
        # Who computes more than the form says would lose that in a plan from the form.
        self.form = form if form and form.desired() == plan.desired else None
        self.outcome: Outcome | None = None
        self.conclusion: Conclusion | None = None
        self._observers: list[Callable[[], None]] = []

    def apply(
        self,
        on_progress: Callable[[Change, str], None] = lambda *_: None,
        stopped: threading.Event | None = None,
        typed: str | None = None,
    ) -> Outcome:
        """Apply the plan, and keep and return the outcome.

        Args:
            on_progress: as ``apply_plan`` calls it.
            stopped: set it to stop between two changes.
            typed: as ``apply_plan`` takes it.

        Raises:
            IamkitError: nothing was changed, and why.
        """
        if reason := applying_is_off():
            raise GuardError(f"{reason} Nothing was changed.")
        end_with_parent()
        self.outcome = apply_plan(
            self.plan,
            self.session,
            allow_destructive=self.allow_destructive,
            on_progress=on_progress,
            stopped=stopped,
            typed=typed,
        )
        return self.outcome

    def plan_again(self) -> Plan:
        """Plan from the form as it is now and from the account as it is now.

        Raises:
            IamkitError: a field is wrong, or the account cannot be read.
        """
        desired = self.form.desired() if self.form else self.plan.desired
        self.plan = make_plan(read_account(self.session, desired), desired)
        self.outcome = self.conclusion = None
        return self.plan

    def check_applied(self) -> Conclusion:
        """Read the account again: it is as wanted.

        Raises:
            NotVerified: something is still different; it is named.
            AwsError: the account cannot be read.
        """
        complete = self.outcome is not None and not self.outcome.failed
        look = await_applied if complete else plan_again
        left = look(self.plan, self.session)
        if left.changes:
            raise NotVerified(f"Read again, the account still differs: {left.summary}.")
        said = " ".join(["Verified: read again, the account is as wanted.", *left.doubts])
        return Conclusion(ok=True, said=said)

    def on_applied(self, observer: Callable[[], None]) -> None:
        """Call the observer after an apply by a click, when its conclusion is there."""
        self._observers.append(observer)

    def tell_observers(self) -> None:
        """Say that an apply by a click has ended."""
        if self.form:
            self.form.refresh()
        for observer in self._observers:
            observer()


def meaning_of(plan: Plan, session: Session) -> list[str]:
    """What a plan means for people, in sentences; why not, if it cannot be told."""
    try:
        whole = plan.current.was_read(DETAILS) and not plan.current.source(DETAILS).lacking
        current = plan.current if whole else read_permissions(session)
        return say_meaning(current, plan) if plan.changes else []
    except AwsError as error:
        return [f"What it means for people cannot be told: {error}"]


def sentences(said: list[str]) -> str:
    """Sentences as an HTML list, escaped."""
    return f"<ul>{''.join(f'<li>{escape(one)}</li>' for one in said)}</ul>" if said else ""


def last_apply_in_short(session: Session) -> str:
    """What the last apply in this account did, as its journal tells; empty if there was none."""
    last = last_apply(session.folder)
    return str(last) if last else ""
