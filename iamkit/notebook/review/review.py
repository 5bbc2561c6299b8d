"""Review a plan, and apply it: by a click in a browser, by ``dry_run: false`` in a headless run.

Running all cells in a browser never changes an account.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from iamkit.account.gaps import DETAILS
from iamkit.account.state import AccountState
from iamkit.account.ways_in import DEVICES
from iamkit.app_mode import applying_is_off
from iamkit.aws.apply import Outcome, apply_plan, await_applied, plan_again
from iamkit.aws.read import read_account, read_permissions
from iamkit.aws.session import Session
from iamkit.errors import AwsError, GuardError, IamkitError, NotVerified
from iamkit.notebook.display import bundle_of
from iamkit.notebook.kernels import end_with_parent
from iamkit.notebook.links import bundle_of_next
from iamkit.notebook.markup import escape
from iamkit.parameters.notebook import NotebookParameters
from iamkit.plan.changes import Change, Plan, make_plan
from iamkit.plan.consequences import say_meaning
from iamkit.plan.desired import Desired
from iamkit.plan.first_minutes import RULES, begins_anew


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

    @property
    def value(self) -> NotebookParameters | None:
        """Its values; an InputError says which is wrong."""

    def desired(self) -> Desired:
        """What its values come to, now."""

    def on_change(self, observer: Callable[[], None]) -> None:
        """Call the observer after each change of a value."""

    def compare(self, plan: Plan | None) -> None:
        """Take note of what the values come to, and of the account for which that was planned."""

    def make_widget(self) -> Any:
        """Its fields, for a page."""

    def show_values(self) -> None:
        """Show what it holds, for readers without a browser."""


AfterApply = Callable[[Session, Any], Any]
"""What follows an apply: it takes the session and the form's value, and gives what is shown."""


class Review:
    """A plan under review, and what became of it.

    Attributes:
        plan: as it is shown.
        form: where another plan would come from, or None.
        outcome: what the last apply did, or None as long as nothing was applied.
        conclusion: how it ended, or None before.
    """

    def __init__(
        self,
        plan: Plan,
        session: Session,
        *,
        allow_destructive: bool = False,
        form: WantedForm | None = None,
        after: Sequence[AfterApply] = (),
    ) -> None:
        self.plan = plan
        self.session = session
        self.allow_destructive = allow_destructive
        # Who computes more than the form says would lose that in a plan from the form.
        self.form = form if form and form.desired() == plan.desired else None
        self.outcome: Outcome | None = None
        self.conclusion: Conclusion | None = None
        self._filled = form
        self._after = after
        self._parameters: NotebookParameters | None = None
        self._stale = False
        self._asked = plan.unread
        self._whole: AccountState | None = None
        self._sign_in: AccountState | None = None

    def apply(
        self,
        on_progress: Callable[[Change, str], None] = lambda *_: None,
        stopped: threading.Event | None = None,
        typed: str | None = None,
        accept_lockout: str = "",
    ) -> Outcome:
        """Apply the plan, and keep and return the outcome; the arguments are ``apply_plan``'s.

        Raises:
            IamkitError: nothing was changed, and why.
        """
        if reason := applying_is_off():
            raise GuardError(f"{reason} Nothing was changed.")
        end_with_parent()
        self.outcome, self._stale = None, True
        self._parameters = self._filled.value if self._filled else None
        self.outcome = apply_plan(
            self.plan,
            self.session,
            allow_destructive=self.allow_destructive,
            on_progress=on_progress,
            stopped=stopped,
            typed=typed,
            accept_lockout=accept_lockout or getattr(self._parameters, "accept_lockout", ""),
        )
        return self.outcome

    def read_again(self) -> None:
        """Plan from the form as it is now and from the account as it is now.

        Raises:
            IamkitError: a field is wrong, or the account cannot be read.
        """
        if judge := getattr(self.form, "judge_again", None):
            judge(self.session)
        desired = self.form.desired() if self.form else self.plan.desired
        self.plan = make_plan(read_account(self.session, desired), desired)
        self._asked, self._whole, self._sign_in = self.plan.unread, None, None
        self._stale = False

    def follow_form(self) -> None:
        """Plan from the form as it is now; only what its values depend on anew is read.

        Raises:
            IamkitError: a field is wrong, or the account cannot be read.
        """
        if not self.form:
            return
        desired = self.form.desired()
        plan = make_plan(self.plan.current, desired)
        if self._stale or not set(plan.unread) <= set(self._asked):
            self.read_again()
        else:
            self.plan = plan

    def say_meaning(self) -> list[str]:
        """What the plan means for people, in sentences; why not, if it cannot be told."""
        current = self.plan.current
        if not self.plan.changes:
            return []
        try:
            if not current.was_read(DETAILS) or current.source(DETAILS).lacking:
                self._whole = self._whole or read_permissions(self.session)
                current = self._whole
            if users := begins_anew(self.plan.changes):
                current = self._with_sign_in(current, users)
            return say_meaning(current, self.plan)
        except AwsError as error:
            return [f"What it means for people cannot be told: {error}"]

    def _with_sign_in(self, current: AccountState, users: Sequence[str]) -> AccountState:
        """The account with what the first sign-in of these users hangs on; read once.

        What cannot be read stays unknown, and hinders no plan.
        """
        there = [name for name in users if name in current.users]
        found = self._sign_in
        if found is None or not set(there) <= (found.source(DEVICES).asked or set()):
            of_users = {DEVICES: there}
            found = read_account(self.session, operations=(RULES,), of_users=of_users, strict=False)
            self._sign_in = found
        return replace(
            current,
            password_policy=found.password_policy,
            mfa_devices={**current.mfa_devices, **found.mfa_devices},
            sources={**current.sources, **found.sources},
        )

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

    @property
    def has_after(self) -> bool:
        """Whether something follows an apply."""
        return bool(self._after)

    def conclude_unchanged(self) -> None:
        """Conclude that there is nothing to apply, so that what follows an apply can be told.

        Raises:
            InputError: a field of the form is wrong.
        """
        self._parameters = self._filled.value if self._filled else None
        said = " ".join(self.plan.doubts) or "Nothing to do: the account is as wanted."
        self.conclusion = Conclusion(ok=not self.plan.doubts, said=said)

    def tell_end(self) -> list[dict[str, Any]]:
        """How the last apply ended, what follows from it, and where to go on; as outputs."""
        if not self.conclusion:
            return []
        shown = [bundle_of(self.conclusion.text)]
        if self.conclusion.ok and self._parameters:
            shown += [self._tell(step) for step in self._after]
            shown += [bundle_of_next(self._parameters)]
        return shown

    def _tell(self, step: AfterApply) -> dict[str, Any]:
        """What a step after the apply gives; it never hides that the changes are made."""
        try:
            return bundle_of(step(self.session, self._parameters))
        except IamkitError as error:
            return bundle_of(f"✘ {error}")


def sentences(said: list[str]) -> str:
    """Sentences as an HTML list, escaped."""
    return f"<ul>{''.join(f'<li>{escape(one)}</li>' for one in said)}</ul>" if said else ""
