"""What paths over other users, and over users that are made on the way, lead to."""

from collections.abc import Iterator, Mapping
from functools import partial

from iamkit.account.state import AccountState, Role, User
from iamkit.policies.escalation.account_policies import AccountPolicies, Context
from iamkit.policies.escalation.callers import Caller, caller_of
from iamkit.policies.escalation.catalogue import EscalationPath
from iamkit.policies.escalation.options import (
    NEW,
    Aims,
    Option,
    Outcome,
    Then,
    attachable,
    group_arn,
    named,
    outcome,
    same,
    with_everything,
)
from iamkit.policies.grammar.three_valued import Truth, all_of, opposite

_MOST_KEYS = 2
"""https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""


@outcome("user with room for a key")
def _key(path: EscalationPath, caller: Caller, aims: Aims) -> Iterator[Option]:
    for user in _users(path, caller, aims.users):
        yield _on_user(caller, user, f"user {user.name}", needs=_room(caller.account, user))


@outcome("user with two keys")
def _keys(path: EscalationPath, caller: Caller, aims: Aims) -> Iterator[Option]:
    for user in _users(path, caller, aims.users):
        full = opposite(_room(caller.account, user))
        yield _on_user(caller, user, f"user {user.name}", needs=full)


@outcome("user with an administrator's policy and room for a key")
def _attached_user(path: EscalationPath, caller: Caller, _: Aims) -> Iterator[Option]:
    for arn in attachable(path, caller):
        yield from _any_user(path, caller, (("iam:PolicyARN", arn),))


@outcome("user with everything and room for a key")
def _put_user(path: EscalationPath, caller: Caller, _: Aims) -> Iterator[Option]:
    yield from _any_user(path, caller)


def _any_user(path: EscalationPath, caller: Caller, context: Context = ()) -> Iterator[Option]:
    for user in _users(path, caller, caller.account.users):
        then = with_everything(caller_of(caller.account, user))
        needs = _room(caller.account, user)
        yield _on_user(caller, user, then, needs=needs, context=context)


def _password(*, has: bool, mfa: bool) -> Outcome:
    """Users who have, or have not, a password and an MFA device."""

    def options(path: EscalationPath, caller: Caller, aims: Aims) -> Iterator[Option]:
        for user in _users(path, caller, aims.users):
            password = _has_password(caller.account, user)
            device = _has_device(caller.account, user)
            needs = (
                password if has else opposite(password),
                device if mfa else opposite(device),
            )
            found = all_of(needs)
            if found is not False:
                yield _on_user(caller, user, f"user {user.name}", needs=found)

    return options


outcome("user without a password or MFA")(_password(has=False, mfa=False))
outcome("user with a password and no MFA")(_password(has=True, mfa=False))
outcome("user without a password but with MFA")(_password(has=False, mfa=True))
outcome("user with a password and MFA")(_password(has=True, mfa=True))


@outcome("new administrator")
def _new(path: EscalationPath, caller: Caller, _: Aims) -> Iterator[Option]:
    for arn in attachable(path, caller):
        on = {f"new {kind}": caller.account.arn(kind, NEW) for kind in ("user", "role")}
        role = Role(name=NEW, arn=on["new role"])
        yield Option(NEW, on, role=role, context=(("iam:PolicyARN", arn),))


@outcome("new member of an administrators' group")
def _new_member(_: EscalationPath, caller: Caller, __: Aims) -> Iterator[Option]:
    account = caller.account
    new = account.arn("user", NEW)
    for name in sorted(account.state.groups):
        then = Caller(account, User(name=NEW, arn=new, groups=frozenset({name})))
        if then.is_administrator is not False:
            on = {"group": group_arn(account, name), "new user": new}
            yield Option(name, on, partial(same, then))


def _users(path: EscalationPath, caller: Caller, among: Mapping[str, User]) -> Iterator[User]:
    """The other users whom the statements about the path's calls may name."""
    yield from named(path, caller, among, "user")


def _on_user(
    caller: Caller,
    user: User,
    then: Then,
    *,
    needs: Truth = True,
    context: Context = (),
) -> Option:
    on = {"user": caller.account.arn_of(user)}
    tags = tuple(
        (f"{prefix}:ResourceTag/{key}", value)
        for prefix in ("aws", "iam")
        for key, value in sorted(user.tags.items())
    )
    boundary = user.permissions_boundary
    return Option(user.name, on, then, needs, boundary=boundary, context=(*context, *tags))


def _room(account: AccountPolicies, user: User) -> Truth:
    """Whether a user may have another access key."""
    state, name = account.state, user.name
    row = state.reported(user)
    if name in state.access_keys or _was_asked(state, name, "ListAccessKeys"):
        return len(state.access_keys.get(name, ())) < _MOST_KEYS
    if row is not None:
        return sum(key is not None for key in row.keys) < _MOST_KEYS
    return frozenset({f"the access keys of user {name}, which were not read"})


def _has_password(account: AccountPolicies, user: User) -> Truth:
    state, name = account.state, user.name
    row = state.reported(user)
    if name in state.login_profiles or _was_asked(state, name, "GetLoginProfile"):
        return state.login_profiles.get(name) is not None
    if row is not None and row.password_enabled is not None:
        return row.password_enabled
    return frozenset({f"whether user {name} has a password, which was not read"})


def _has_device(account: AccountPolicies, user: User) -> Truth:
    state, name = account.state, user.name
    row = state.reported(user)
    if name in state.mfa_devices or _was_asked(
        state, name, "ListVirtualMFADevices", "ListMFADevices"
    ):
        return bool(state.mfa_devices.get(name))
    if row is not None and row.mfa_active is not None:
        return row.mfa_active
    return frozenset({f"the MFA devices of user {name}, which were not read"})


def _was_asked(state: AccountState, user: str, *operations: str) -> bool:
    """Whether some operations were read for a user, so that what they do not name is not there."""
    return all(state.was_read(operation, user) for operation in operations)
