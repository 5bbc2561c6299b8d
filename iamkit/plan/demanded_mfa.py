"""Whom it would stop that MFA is demanded: who has no device, and whatever works with a plain key.

A plain access key never shows MFA. A person gets a session by a code (``sts:GetSessionToken``); a
program cannot, and stops.
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_mfa_configure-api-require.html
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from iamkit.account.state import AccountState, User
from iamkit.account.ways_in import has_key, has_mfa, has_password
from iamkit.plan.first_minutes import rehearse_first_minutes, say_first_minutes
from iamkit.policies.actions.catalogue import Catalogue, load_catalogue, union
from iamkit.policies.actions.expansion import shortest_patterns
from iamkit.policies.evaluation.shown_mfa import RequestsOfUsers, Shown
from iamkit.policies.self_management import OWN_CREDENTIALS
from iamkit.policies.wording.actions import say_mask
from iamkit.text import listed

_WITHOUT: tuple[Shown, ...] = ("without MFA", "plain key")


@dataclass(frozen=True)
class Concerned:
    """Somebody who is there already, and of whom MFA is demanded anew.

    Attributes:
        user: the name.
        reasons: why it would stop them, in words: no device, a plain key, or what was not read.
        is_program: whether there is a key and no password, so that nobody can show MFA.
        loses: what a plain key may do now and could not any more, in words; empty if nothing.
        is_caller: whether it is who applies.
    """

    user: str
    reasons: tuple[str, ...]
    is_program: bool = False
    loses: str = ""
    is_caller: bool = False


@dataclass(frozen=True)
class Demand:
    """What it means that MFA is demanded anew.

    Attributes:
        concerned: whom it would stop, by their names in order.
        sentences: about them, and about how far everyone of whom it is demanded gets afterwards.
        blockers: why it must not be yet; none if each is named.
    """

    concerned: tuple[Concerned, ...] = ()
    sentences: tuple[str, ...] = ()
    blockers: tuple[str, ...] = ()


def judge_demand(
    before: AccountState,
    after: AccountState,
    despite: Collection[str] = (),
    caller: str = "",
    catalogue: Catalogue | None = None,
) -> Demand:
    """Whom a plan would stop that demands MFA of people of whom nobody demands it yet.

    Whether it does is seen by the policies themselves: something is denied to who shows no MFA that
    is not denied to who does, and it is not so now.

    Args:
        before: the account, with everyone's policies and, of the members, MFA devices, access keys
            and passwords; what was not read of them blocks.
        after: the account as it would be; ``account_after`` gives it.
        despite: the users of whom it is demanded although it stops them, named one by one.
        caller: the user who applies; empty for the root and a role's session.
        catalogue: of AWS's actions; by default the installed one.
    """
    known = catalogue or load_catalogue()
    now, then = RequestsOfUsers(before, known), RequestsOfUsers(after, known)
    both = sorted(before.users.keys() & after.users.keys())
    asked = [
        name
        for name in both
        if _demands(then, after.users[name]) & ~_demands(now, before.users[name])
    ]
    concerned = tuple(
        one for name in asked if (one := _concerned(name, now, then, caller, known)).reasons
    )
    named = {name.lower() for name in despite}
    blocking = [one for one in concerned if one.user.lower() not in named]
    signing_in = [n for n in asked if has_password(after, after.users[n]) is not False]
    return Demand(
        concerned=concerned,
        sentences=(
            *_say_programs(concerned),
            *_say_keys(concerned),
            *say_first_minutes(rehearse_first_minutes(after, signing_in, known)),
        ),
        blockers=tuple(_say_blocker(one) for one in blocking),
    )


def _demands(requests: RequestsOfUsers, user: User) -> int:
    """What is denied to who shows no MFA, and not to who does; as bits of the catalogue."""
    denied = union(requests.holding(user, way).restrictions.denied for way in _WITHOUT)
    return denied & ~requests.holding(user, "with MFA").restrictions.denied


def _concerned(
    name: str, now: RequestsOfUsers, then: RequestsOfUsers, caller: str, catalogue: Catalogue
) -> Concerned:
    account, user = now.account, now.account.users[name]
    password, key = has_password(account, user), has_key(account, user)
    could = now.holding(user, "plain key").reach.possible & ~catalogue.union(OWN_CREDENTIALS)
    can = then.holding(then.account.users[name], "plain key").reach.possible
    lost = 0 if key is False else could & ~can
    return Concerned(
        user=name,
        reasons=() if (password, key) == (False, False) else tuple(_reasons(account, user)),
        is_program=password is False and key is not False,
        loses=say_mask(lost, shortest_patterns(lost, catalogue), catalogue) if lost else "",
        is_caller=name == caller,
    )


def _reasons(account: AccountState, user: User) -> Iterator[str]:
    """Why it would stop somebody that MFA is demanded."""
    devices, key = has_mfa(account, user), has_key(account, user)
    if devices is False and has_password(account, user) is not False:
        yield "has no MFA device"
    elif devices is None:
        yield "may have no MFA device, which was not read"
    if key:
        keys = account.access_keys.get(user.name, ())
        ids = [one.id for one in keys if one.status == "Active" and one.id]
        yield f"works with {f'access key {listed(ids)}' if ids else 'an access key'}"
    elif key is None:
        yield "may work with an access key, which was not read"


def _say_programs(concerned: Collection[Concerned]) -> Iterator[str]:
    """The programs that stop; those that lose the same are one sentence."""
    by_loss: dict[str, list[str]] = {}
    for one in concerned:
        if one.is_program and one.loses:
            by_loss.setdefault(one.loses, []).append(one.user)
    for loss, names in by_loss.items():
        yield (
            f"{listed(names)} can show no MFA, with a key and no password, and will no longer be "
            f"able to {loss}; take a program out of the group before."
        )


def _say_keys(concerned: Collection[Concerned]) -> Iterator[str]:
    names = [one.user for one in concerned if one.loses and not one.is_program]
    if names:
        yield (
            f"The access keys of {listed(names)} will open nothing without an MFA code "
            f"(aws sts get-session-token)."
        )


def _say_blocker(one: Concerned) -> str:
    who = f"{one.user} (you)" if one.is_caller else one.user
    return (
        f"MFA cannot be demanded yet: {who} {listed(list(one.reasons))}. Offer it first, or name "
        f"{one.user} in demanded_despite."
    )
