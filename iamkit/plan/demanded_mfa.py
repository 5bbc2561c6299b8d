"""Whom it stops if a group's policy demands MFA: who has no device, and who works with a key."""

from collections.abc import Iterator

from iamkit.account.state import AccountState, User
from iamkit.plan.desired import Desired, DesiredGroup
from iamkit.plan.first_minutes import has_key, has_mfa, has_password
from iamkit.policies import same_policy
from iamkit.text import ALL, listed


def demanded_of(current: AccountState, wanted: Desired) -> list[User]:
    """The members of whom MFA would be demanded, and is not by the same policy now."""
    new = {group.name for group in wanted.groups if group.demands_mfa and _is_new(current, group)}
    return [user for user in current.users.values() if user.groups & new]


def say_stopped(current: AccountState, wanted: Desired) -> Iterator[str]:
    """Why a demand for MFA cannot be made yet: everyone whom it would stop, and what to do."""
    for group in wanted.groups:
        stopped = dict(_whom_it_stops(current, group)) if group.demands_mfa else {}
        if stopped:
            told = listed((f"{name} ({why})" for name, why in stopped.items()), most=ALL)
            yield (
                f"MFA would be demanded of {told}. Offer it until they have it; or, if that is "
                f"meant, name them (demanded_despite: [{', '.join(stopped)}])."
            )


def _whom_it_stops(current: AccountState, wanted: DesiredGroup) -> Iterator[tuple[str, str]]:
    """The members whom it stops and whom nobody has named, each with why.

    An access key shows no MFA; a person gets a session by a code for it, and a program cannot.
    """
    named = {name.lower() for name in wanted.demanded_despite}
    for user in sorted(demanded_of(current, Desired(groups=(wanted,))), key=lambda one: one.name):
        why = _why_stopped(current, user)
        if why and user.name.lower() not in named:
            yield user.name, why


def _why_stopped(current: AccountState, user: User) -> str:
    if has_key(current, user) and has_password(current, user) is False:
        return "a program: an access key and no password, so that it cannot show MFA"
    parts = [
        "no MFA device" if has_mfa(current, user) is False else "",
        "works with an access key" if has_key(current, user) else "",
    ]
    return ", ".join(part for part in parts if part)


def _is_new(current: AccountState, wanted: DesiredGroup) -> bool:
    there = current.groups.get(wanted.name)
    return there is not None and not all(
        name in there.inline_policies and same_policy(there.inline_policies[name], document)
        for name, document in wanted.inline_policies.items()
    )
