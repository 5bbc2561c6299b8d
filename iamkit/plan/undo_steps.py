"""One change that was made, and what can be said of taking it back, by the account as it is now."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from iamkit.account.state import AccountState, User
from iamkit.errors import InputError
from iamkit.plan.access_given import say_access_given
from iamkit.plan.change import Change
from iamkit.plan.changes import make_plan
from iamkit.plan.desired import Part
from iamkit.plan.own_policies import holders_of, policies_by_name
from iamkit.plan.preview import account_after
from iamkit.text import few

State = Literal[
    "ready", "gives access", "changed since", "cannot be told", "nothing left", "no way back"
]
ASKS: tuple[State, ...] = ("gives access", "changed since", "cannot be told")
"""What is taken back only if somebody names it."""
LAST_USE = "GetAccessKeyLastUsed"
"""The operation that tells of a key whether somebody works with it."""
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
        gives: what access it would give back; empty if surely none.
        said: what there is to know; empty for one that is simply ready.
        changes: its own way back.
    """

    number: int
    change: Change
    state: State
    taken: bool
    said: str
    changes: tuple[Change, ...] = ()
    gives: str = ""

    @property
    def open(self) -> bool:
        """Whether there is a way back."""
        return self.state in ("ready", *ASKS)

    @property
    def what(self) -> str:
        """The change that was made, in words: ``put group policy dev-policy, group dev``."""
        change = self.change
        names = ("PolicyName", "PolicyArn", "GroupName", "AccessKeyId", "SerialNumber")
        told = [v for n in names if (v := change.arguments.get(n, "")) != change.name]
        about = " ".join(str(one) for one in told if one)
        return f"{change.operation.replace('_', ' ')} {about}".strip() + f", {change.target}"


def judge_step(
    state: AccountState, made: Made, ours: Collection[str], deciding: Collection[Part]
) -> UndoStep:
    """What can be said of taking back one change, with those after it taken back.

    Args:
        state: as much of the account as concerns the change.
        made: the change.
        ours: the ids of the access keys that the same apply made.
        deciding: the parts of a user by which policies of the account decide.
    """
    changes, obstacle = _way_back(state, made.change)
    gives = "" if obstacle else say_access_given(state, changes, deciding)
    word: State = "no way back"
    said = [obstacle]
    if not obstacle:
        word, said = _verdict(state, made, changes, ours)
        if word in ("ready", *ASKS):
            said = [*said, gives, made.change.limit]
            word = "gives access" if gives and word == "ready" else word
    step = UndoStep(
        number=made.number,
        change=made.change,
        state=word,
        taken=False,
        said="; ".join(one for one in said if one),
        gives=gives,
    )
    return replace(step, changes=changes) if step.open else step


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
) -> tuple[State, list[str]]:
    """What is the matter with it, access aside."""
    if not changes:
        return "nothing left", ["nothing of it is left to take back"]
    if since := [*_since(state, made, ours)]:
        return "changed since", since
    if untold := _untold(state, made.change):
        return "cannot be told", [untold]
    return "ready", []


def _untold(state: AccountState, change: Change) -> str:
    """What may have happened since and was not read; empty if all that matters was."""
    if change.operation != "create_access_key" or state.was_read(LAST_USE, change.name):
        return ""
    reason = state.source(LAST_USE).note
    key = change.arguments.get("AccessKeyId", "")
    return f"whether access key {key} was used since cannot be told{': ' if reason else ''}{reason}"


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
    if used := _used(state, made):
        yield used
    if change.operation == "create_policy":
        having = holders_of(state, policies_by_name(state)[name].arn)
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


def _used(state: AccountState, made: Made) -> str:
    """Whether somebody works with a key that was made; the apply itself may have tried it."""
    key = str(made.change.arguments.get("AccessKeyId", ""))
    use = state.key_uses.get(made.change.name, {}).get(key)
    last = use and use.at
    if made.change.operation != "create_access_key" or not last or last <= made.at + CLOCKS:
        return ""
    return f"access key {key} was used on {last:%Y-%m-%d at %H:%M} UTC"


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
