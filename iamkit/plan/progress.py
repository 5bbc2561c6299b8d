"""The steps of setting up an account: how far each is, and which comes next. Pure functions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from iamkit.account.gaps import failed_sources
from iamkit.account.state import AccountState, CallerIdentity
from iamkit.errors import InputError
from iamkit.parameters.leavers import LeaversParameters
from iamkit.parameters.models import (
    NOTEBOOKS,
    AdminGroupParameters,
    AuditUsersParameters,
    CredentialsParameters,
    StartParameters,
    notebook_of,
)
from iamkit.parameters.notebook import NotebookParameters
from iamkit.parameters.rotate_keys import RotateKeysParameters
from iamkit.plan.changes import Plan, make_plan
from iamkit.plan.desired import Desired
from iamkit.plan.upkeep import say_keys, say_leavers
from iamkit.plan.wanted import wants_of_account
from iamkit.text import few

FIRST = notebook_of(CredentialsParameters)
AUDIT = notebook_of(AuditUsersParameters)
PLANNED = tuple(name for name, model in NOTEBOOKS.items() if wants_of_account(model))
"""The steps that want something of the account."""
Upkeep = RotateKeysParameters | LeaversParameters
UPKEEP = tuple(name for name, model in NOTEBOOKS.items() if issubclass(model, Upkeep))
"""The steps that come again, as keys grow old and people leave."""

AT_ANY_TIME = "whenever there is a question"
"""What is said of a step that sets nothing up and looks for nothing."""
WORST = ("critical", "high")
"""The severities of what should not wait until next week."""

State = Literal["done", "to do", "cannot tell", "as you like"]


@dataclass(frozen=True, kw_only=True)
class Step:
    """One notebook, and how far its step is.

    Attributes:
        notebook: its name, such as ``03_dev_group``.
        state: in a word or two.
        said: what is there, what is missing, or why it cannot be told.
    """

    notebook: str
    state: State
    said: str

    @property
    def purpose(self) -> str:
        """What the notebook is for."""
        return NOTEBOOKS[self.notebook].purpose


def list_steps(
    caller: CallerIdentity,
    current: AccountState | str,
    wanted: Mapping[str, Desired | str],
    *,
    upkeep: Mapping[str, NotebookParameters | str],
    found: Mapping[str, int],
) -> tuple[Step, ...]:
    """How far every step is.

    Args:
        caller: who asks.
        current: the account with all that the plans depend on, or why it could not be read.
        wanted: by notebook, for those of ``PLANNED``, what its parameters want, or what is wrong
            with them.
        upkeep: by notebook, for those of ``UPKEEP``, its parameters, or what is wrong with them.
        found: how many findings the audit has, by severity; those that it could not tell as
            ``unknown``.
    """
    planned = [judge_plan(name, current, wanted[name]) for name in PLANNED]
    begun = any(step.state == "done" for step in planned)  # who has nothing yet begins at 01
    first: State = "done" if begun else "to do"
    told = {step.notebook: step for step in (*planned, judge_audit(current, found))}
    told |= {name: judge_upkeep(name, current, upkeep[name]) for name in UPKEEP}
    told[FIRST] = Step(notebook=FIRST, state=first, said=describe_caller(caller))
    return tuple(
        told.get(name) or Step(notebook=name, state="as you like", said=AT_ANY_TIME)
        for name, model in NOTEBOOKS.items()
        if model is not StartParameters  # which shows the steps
    )


def next_step(steps: Sequence[Step]) -> Step | None:
    """Where to go on: the first step that is not done, or None if all are."""
    return next((step for step in steps if step.state in ("to do", "cannot tell")), None)


def judge_plan(notebook: str, current: AccountState | str, wanted: Desired | str) -> Step:
    """How far a step is that wants something of the account: done if its plan is empty."""
    if isinstance(wanted, str) or isinstance(current, str):
        said = wanted if isinstance(wanted, str) else str(current)
        return Step(notebook=notebook, state="cannot tell", said=said)
    if wanted == Desired():
        return Step(notebook=notebook, state="as you like", said="its parameters want nothing")
    try:
        plan = make_plan(current, wanted)
    except InputError as error:
        return Step(notebook=notebook, state="cannot tell", said=in_brief(error))
    if plan.unread or (plan.doubts and not plan.changes):
        return Step(notebook=notebook, state="cannot tell", said=plan.doubts[0])
    if not plan.changes:
        return Step(notebook=notebook, state="done", said="as its parameters want it")
    return Step(notebook=notebook, state="to do", said=_missing(plan))


def judge_audit(current: AccountState | str, found: Mapping[str, int]) -> Step:
    """How far the audit is: done if nothing bad was found, and everything could be read."""
    if isinstance(current, str):
        return Step(notebook=AUDIT, state="cannot tell", said=current)
    failing = {word: number for word, number in found.items() if word != "unknown"}
    counted = ", ".join(f"{number:,} {word}" for word, number in failing.items() if number)
    parts = [counted or "nothing found"]
    unknown = found.get("unknown")
    if unknown:
        parts.append(f"{unknown:,} could not be told from here")
    if failed_sources(current):
        parts.append("not everything could be read")
    state: State = "cannot tell" if unknown or failed_sources(current) else "done"
    if any(failing.get(word) for word in WORST):
        state = "to do"
    return Step(notebook=AUDIT, state=state, said="; ".join(parts))


def judge_upkeep(
    notebook: str, current: AccountState | str, given: NotebookParameters | str
) -> Step:
    """How far a step is that comes again: to do if somebody's key is due, or somebody leaves."""
    if isinstance(current, str) or not isinstance(given, Upkeep):
        said = given if isinstance(given, str) else str(current)
        return Step(notebook=notebook, state="cannot tell", said=said)
    if isinstance(given, RotateKeysParameters):
        is_due, said = say_keys(current, given)
    else:
        is_due, said = say_leavers(current, given)
    words: dict[bool | None, State] = {True: "to do", None: "cannot tell", False: "as you like"}
    return Step(notebook=notebook, state=words[is_due], said=said)


def describe_caller(caller: CallerIdentity) -> str:
    """Who calls, in words: ``user alice``, or that it is the root."""
    if caller.is_root:
        return f"you are the account's root, which is for {notebook_of(AdminGroupParameters)} alone"
    kind, _, name = caller.arn.rpartition(":")[2].partition("/")
    return f"you are {kind.replace('-', ' ')} {name}"


def in_brief(error: Exception) -> str:
    """The first line of an error, without the assurance that nothing was changed."""
    return str(error).partition("\n")[0].removesuffix(" Nothing was changed.")


def _missing(plan: Plan) -> str:
    targets = list(dict.fromkeys(change.target for change in plan.changes))
    return ". ".join([f"{plan.summary}: {few(targets)}", *plan.blockers])
