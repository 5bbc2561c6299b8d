"""The way back of an apply: a plan like any other, made against the account as it is now."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from iamkit.account.state import AccountState, User
from iamkit.errors import InputError
from iamkit.plan.access_given import say_access_given
from iamkit.plan.change import Change
from iamkit.plan.changes import Plan, holders_of, make_plan, own_policies
from iamkit.plan.desired import Desired
from iamkit.plan.merging import merge
from iamkit.plan.preview import account_after
from iamkit.text import few

State = Literal["ready", "gives access", "changed since", "nothing left", "no way back"]
ASKS: tuple[State, ...] = ("gives access", "changed since")
"""What is taken back only if somebody names it."""
Chosen = Collection[int] | Literal["all", "ready"]
QUARANTINE = "AWSCompromisedKeyQuarantine"
CLOCKS = timedelta(minutes=10)
"""How far AWS's clock and that of who applied may lie apart."""


@dataclass(frozen=True, kw_only=True)
class Made:
    """A change that was made, as its journal tells.

    Attributes:
        number: of the change in its journal, from 1.
        change: with what AWS drew for it among its arguments, such as the ``AccessKeyId``.
        at: when, in UTC.
        certain: whether its end is known; one that was cut off may not have been made.
    """

    number: int
    change: Change
    at: datetime
    certain: bool = True


@dataclass(frozen=True, kw_only=True)
class UndoStep:
    """What becomes of one change that was made.

    Attributes:
        state: whether it is taken back, or asks first, or why it is not.
        taken: whether it is taken back by this undo.
        said: what there is to know; empty for one that is simply ready.
        changes: its own way back.
    """

    number: int
    change: Change
    state: State
    taken: bool
    said: str
    changes: tuple[Change, ...] = ()

    @property
    def what(self) -> str:
        """The change that was made, in words: ``put group policy dev-policy, group dev``."""
        change = self.change
        names = ("PolicyName", "PolicyArn", "GroupName", "AccessKeyId", "SerialNumber")
        told = [v for n in names if (v := change.arguments.get(n, "")) != change.name]
        about = " ".join(str(one) for one in told if one)
        return f"{change.operation.replace('_', ' ')} {about}".strip() + f", {change.target}"


@dataclass(frozen=True, kw_only=True)
class Undo:
    """What can be taken back of an apply, the last change first.

    Attributes:
        steps: one a change.
        plan: the way back of those that are taken.
    """

    steps: tuple[UndoStep, ...]
    plan: Plan

    def __str__(self) -> str:
        """A line for each change that was made: its number, whether it is taken back, and why."""
        lines = []
        for step in self.steps:
            mark = "[x]" if step.taken else "[ ]"
            lines.append(f"{mark} {step.number:>3}  {step.what}: {step.state}")
            lines += [f"         {step.said}"] if step.said else []
        return "\n".join(lines)

    @property
    def left(self) -> tuple[UndoStep, ...]:
        """Those that stay as they are although something could be said of them."""
        return tuple(s for s in self.steps if not s.taken and s.state != "nothing left")


def way_back_of(made: Iterable[Made]) -> Desired:
    """The desired state that takes back all of it, as far as there is one."""
    inverses = (one.change.inverse for one in reversed(list(made)))
    return merge(inverse for inverse in inverses if inverse)


def plan_undo(current: AccountState, made: Sequence[Made], chosen: Chosen = "ready") -> Undo:
    """Plan the way back of an apply, against the account as it is now.

    Args:
        current: with all policies, and all that ``way_back_of`` needs.
        made: the changes of its journal, in their order.
        chosen: the numbers of those to take back, or ``all`` that have a way back, or ``ready``:
            those that give nobody access and are as the apply left them.

    Raises:
        InputError: a number that is none of them, or one that has no way back.
    """
    known = {one.number for one in made}
    named = set() if isinstance(chosen, str) else set(chosen)
    if unknown := sorted(named - known):
        raise InputError(f"The journal has no change {few(map(str, unknown))}.")
    state, wanted, steps = current, list[Desired](), list[UndoStep]()
    found = [_with_key(current, each) for each in made]
    ours = {str(one.change.arguments.get("AccessKeyId", "")) for one in found}
    for one in reversed(found):
        step = _judge(state, one, ours)
        taken = step.number in named or chosen in ("all", step.state)
        if step.number in named and step.state == "no way back":
            raise InputError(f"Change {step.number} cannot be taken back: {step.said}.")
        if taken and (inverse := one.change.inverse) and step.changes:
            wanted.append(inverse)
            state = account_after(state, step.changes)
            steps.append(replace(step, taken=True))
        else:
            steps.append(step)
    asks = any(step.taken and step.state in ASKS for step in steps)
    desired = replace(merge(wanted), needs_consent=asks)
    return Undo(steps=tuple(steps), plan=make_plan(current, desired))


def _with_key(current: AccountState, made: Made) -> Made:
    """The making of a key that was cut off, with the key that it made, if there is but one."""
    change = made.change
    if change.operation != "create_access_key" or "AccessKeyId" in change.arguments:
        return made
    found = [
        key.id
        for key in current.access_keys.get(change.name, ())
        if (key.stored or key.orphan) and key.created and abs(key.created - made.at) < CLOCKS
    ]
    if len(found) != 1:
        return made
    arguments = {**change.arguments, "AccessKeyId": found[0]}
    return replace(made, change=replace(change, arguments=arguments))


def _judge(state: AccountState, made: Made, ours: Collection[str]) -> UndoStep:
    """What can be said of one change, with those after it taken back."""
    changes, obstacle = _way_back(state, made.change)
    word, said = _verdict(state, made, changes, ours)
    if obstacle:
        word, said = "no way back", obstacle
    return UndoStep(
        number=made.number,
        change=made.change,
        state=word,
        taken=False,
        said=said,
        changes=changes if word in ("ready", *ASKS) else (),
    )


def _way_back(state: AccountState, change: Change) -> tuple[tuple[Change, ...], str]:
    """The changes that take it back, or what is in their way."""
    inverse = change.inverse
    if inverse is None:
        return (), change.limit
    if gone := _gone(state, change):
        return (), gone
    try:
        plan = make_plan(state, inverse)
    except InputError as error:
        return (), str(error).removesuffix(" Nothing was changed.")
    return plan.changes, "; ".join(plan.blockers)


def _verdict(
    state: AccountState, made: Made, changes: tuple[Change, ...], ours: Collection[str]
) -> tuple[State, str]:
    if not changes:
        return "nothing left", "nothing of it is left to take back"
    if not made.certain and not _in_force(state, made.change):
        return "nothing left", "its call was cut off, and it was not made"
    gives = say_access_given(state, changes)
    if since := [*_since(state, made, ours)]:
        return "changed since", "; ".join([*since, *([gives] if gives else [])])
    if gives:
        return "gives access", "; ".join(filter(None, [gives, made.change.limit]))
    return "ready", made.change.limit


def _gone(state: AccountState, change: Change) -> str:
    """What the way back would need and is not there any more; empty for nothing."""
    given, name = change.arguments, change.name
    holders = {"user": state.users, "group": state.groups, "role": state.roles}
    if change.part == "existence" or change.kind not in holders:
        return ""
    if name not in holders[change.kind]:
        return f"{change.kind} {name} is not there any more"
    key = given.get("AccessKeyId")
    if key and state.was_read("ListAccessKeys", name):
        if key not in {one.id for one in state.access_keys.get(name, ())}:
            return f"access key {key} is not there any more"
        if change.operation == "update_access_key" and _is_quarantined(state, name):
            return f"AWS found a key of {name} leaked, and keeps it in quarantine"
    elif change.operation == "create_access_key":
        return "the call was cut off; if a key was made, the next run with this user finds it"
    return ""


def _is_quarantined(state: AccountState, user: str) -> bool:
    """Whether AWS attached its policy for keys that were found in public.

    https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSCompromisedKeyQuarantineV3.html
    """
    attached = state.users[user].attached_policies
    return any(arn.rpartition("/")[2].startswith(QUARANTINE) for arn in attached)


def _in_force(state: AccountState, change: Change) -> bool:
    """Whether the account is as the change left it: made once more, it alters nothing."""
    return account_after(state, [change]) == state


def _since(state: AccountState, made: Made, ours: Collection[str]) -> Iterator[str]:
    """What is otherwise than the change left it."""
    change, name = made.change, made.change.name
    if not made.certain:
        yield "its call was cut off, so somebody else may have made it"
    if not _in_force(state, change):
        yield f"the {change.part} of {change.target} is not as it was left"
    if change.operation == "create_policy":
        having = holders_of(state, own_policies(state)[name].arn)
        yield from [f"{change.target} is in use: {few(having)}"] if having else []
    if change.operation not in ("create_user", "create_group"):
        return
    there = state.users.get(name) if change.kind == "user" else state.groups.get(name)
    if there is None:
        yield f"{change.target} is not there by that spelling"
        return
    if there.created and there.created > made.at + CLOCKS:
        yield f"{change.target} was made anew on {there.created:%Y-%m-%d}"
    owned = [*there.inline_policies, *there.attached_policies]
    if isinstance(there, User):
        owned += [
            *there.groups,
            *([there.permissions_boundary] if there.permissions_boundary else []),
        ]
        owned += _credentials(state, name, ours)
        tags = {tag["Key"]: tag["Value"] for tag in change.arguments.get("Tags", ())}
        owned += [f"tag {key}" for key, value in there.tags.items() if tags.get(key) != value]
    else:
        owned += [user.name for user in state.users.values() if name in user.groups]
    if owned:
        yield f"{change.target} has what this apply did not leave: {few(sorted(owned))}"


def _credentials(state: AccountState, user: str, ours: Collection[str]) -> Iterator[str]:
    """What a user can prove who they are with, beside the keys of the apply that are off."""
    yield from (
        f"access key {key.id}"
        for key in state.access_keys.get(user, ())
        if key.status == "Active" or key.id not in ours
    )
    yield from (f"MFA device {device.serial}" for device in state.mfa_devices.get(user, ()))
    if state.login_profiles.get(user):
        yield "a console password"
    for some in (state.ssh_public_keys, state.signing_certificates, state.service_credentials):
        yield from (one.id for one in some.get(user, ()))
