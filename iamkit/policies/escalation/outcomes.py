"""What the paths lead to in one account: the users, roles, groups and policies they are about.

An outcome is a function of a path and a caller that gives the ways in which the account lets the
path be walked, before it is asked whether the caller may make the calls. Adding one is adding a
function here.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from iamkit.account.state import JSON, AccountState, Role, User
from iamkit.policies.escalation.callers import (
    EVERYTHING,
    AccountPolicies,
    Caller,
    Context,
)
from iamkit.policies.escalation.catalogue import Call, EscalationPath
from iamkit.policies.evaluation.paths import Path, text_of
from iamkit.policies.grammar.three_valued import Truth, all_of, opposite

NEW = "a-new-one"
"""What is made on the way is called so."""
_ASSUME = "sts:AssumeRole"
_MOST_KEYS = 2
"""https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""
_POSITIVE = ("StringEquals", "StringEqualsIgnoreCase", "StringLike")


Then = Callable[[], Caller] | str | None
"""Who one is after a path."""


@dataclass(frozen=True)
class Option:
    """One way in which the account lets a path be walked.

    Attributes:
        target: what it is about, such as ``ada``.
        on: the ARN that each word of the path's calls stands for.
        then: who one is afterwards: what makes a caller with other policies, ``"user ada"`` for
            somebody of the account, or None for an administrator.
        needs: what must hold beside the calls.
        role: the role that is assumed or passed.
        boundary: the permissions boundary of the user or role that the calls are about.
        context: what else is known of the calls.
    """

    target: str
    on: Mapping[str, str]
    then: Then = None
    needs: Truth = True
    role: Role | None = None
    boundary: str | None = None
    context: Context = field(default=())


@dataclass(frozen=True)
class Aims:
    """Who is worth being: those who are administrators or can become so, from the nearest.

    Attributes:
        users: by the last parts of their ARNs.
        roles: likewise.
    """

    users: Mapping[str, User]
    roles: Mapping[str, Role]


Outcome = Callable[[EscalationPath, Caller, Aims], Iterator[Option]]
OUTCOMES: dict[str, Outcome] = {}
"""By the words of the table: ``gives``."""


def outcome(gives: str) -> Callable[[Outcome], Outcome]:
    """Register what a word of the table means."""

    def register(function: Outcome) -> Outcome:
        OUTCOMES[gives] = function
        return function

    return register


# ------------------------------------------------------------------------------- one's own rights


@outcome("self with everything")
def _everything(_: EscalationPath, caller: Caller, __: Aims) -> Iterator[Option]:
    yield _on_self(caller, caller.who.name, _with_everything(caller))


@outcome("self with an administrator's policy")
def _attached(path: EscalationPath, caller: Caller, _: Aims) -> Iterator[Option]:
    for arn in _attachable(path, caller):
        context = (("iam:PolicyARN", arn),)
        yield _on_self(caller, _last(arn), _with_everything(caller), context=context)


@outcome("own group with everything")
def _group_everything(_: EscalationPath, caller: Caller, __: Aims) -> Iterator[Option]:
    yield from _own_groups(caller)


@outcome("own group with an administrator's policy")
def _group_attached(path: EscalationPath, caller: Caller, _: Aims) -> Iterator[Option]:
    for arn in _attachable(path, caller):
        yield from _own_groups(caller, (("iam:PolicyARN", arn),))


def _own_groups(caller: Caller, context: Context = ()) -> Iterator[Option]:
    for name in sorted(getattr(caller.who, "groups", ())):
        on = {"group": _group_arn(caller.account, name)}
        yield Option(name, on, _with_everything(caller), context=context)


@outcome("self in another group")
def _joined(_: EscalationPath, caller: Caller, __: Aims) -> Iterator[Option]:
    assert isinstance(caller.who, User)  # noqa: S101 - the path is for users
    for name in sorted(caller.account.state.groups):
        if name not in caller.who.groups:
            groups = caller.who.groups | {name}
            then = caller.changed(who=replace(caller.who, groups=groups))
            if then.possible & ~caller.possible:
                on = {"group": _group_arn(caller.account, name)}
                yield Option(name, on, partial(_same, then))


@outcome("self with its policy rewritten")
def _rewritten(_: EscalationPath, caller: Caller, __: Aims) -> Iterator[Option]:
    for path in _customer_policies(caller):
        then = _with_everything(caller, without=[str(path)])
        yield Option(_last(caller.policy_arn(path)), {"policy": caller.policy_arn(path)}, then)


@outcome("self with an older version of its policy")
def _older(_: EscalationPath, caller: Caller, __: Aims) -> Iterator[Option]:
    for path in _customer_policies(caller):
        yield from _older_versions(caller, path, {"policy": caller.policy_arn(path)})


def _older_versions(
    caller: Caller, path: Path, on: Mapping[str, str], **more: Any
) -> Iterator[Option]:
    """The same caller with each older version of one of its policies."""
    arn = caller.policy_arn(path)
    for version, document in older_versions(caller.account, arn):
        target = f"{_last(arn)} ({version})" if version else _last(arn)
        if document is None:
            lacking = f"the older versions of policy {_last(arn)}, which were not read"
            yield Option(target, on, None, needs=frozenset({lacking}), **more)
            continue
        then = partial(
            caller.changed,
            added=(*caller.changes.added, (f"version {version}", document)),
            without=caller.changes.without | {str(path)},
        )
        yield Option(target, on, then, **more)


# ------------------------------------------------------------------------------ what limits one


@outcome("self without its boundary")
def _unbounded(path: EscalationPath, caller: Caller, _: Aims) -> Iterator[Option]:
    if caller.who.permissions_boundary and caller.changes.boundary is None:
        then = partial(caller.changed, boundary=EVERYTHING)
        replaced = any("Put" in call.action for call in path.calls)
        new = caller.account.administrators_policy if replaced else caller.who.permissions_boundary
        yield replace(_on_self(caller, caller.who.name, then), boundary=new)


@outcome("self with its boundary rewritten")
def _boundary_rewritten(_: EscalationPath, caller: Caller, __: Aims) -> Iterator[Option]:
    arn = caller.who.permissions_boundary
    if arn and _is_customers(arn) and caller.changes.boundary is None:
        then = partial(caller.changed, boundary=EVERYTHING)
        yield Option(_last(arn), {"policy": arn}, then)


@outcome("self with an older version of its boundary")
def _boundary_older(_: EscalationPath, caller: Caller, __: Aims) -> Iterator[Option]:
    arn = caller.who.permissions_boundary
    if not arn or not _is_customers(arn) or caller.changes.boundary is not None:
        return
    for version, document in older_versions(caller.account, arn):
        if document is None:
            lacking = frozenset({f"the older versions of policy {_last(arn)}, which were not read"})
            then = partial(caller.changed, boundary=EVERYTHING)
            yield Option(_last(arn), {"policy": arn}, then, needs=lacking)
        else:
            then = partial(caller.changed, boundary=document)
            yield Option(f"{_last(arn)} ({version})", {"policy": arn}, then)


@outcome("self without an attached deny")
def _undenied(_: EscalationPath, caller: Caller, __: Aims) -> Iterator[Option]:
    for path in _denying(caller, "attached", of_group=False):
        then = partial(caller.changed, without=caller.changes.without | {str(path)})
        yield _on_self(
            caller,
            _last(caller.policy_arn(path)),
            then,
            context=(("iam:PolicyARN", caller.policy_arn(path)),),
        )


@outcome("self without an inline deny")
def _uninlined(_: EscalationPath, caller: Caller, __: Aims) -> Iterator[Option]:
    for path in _denying(caller, "inline", of_group=False):
        then = partial(caller.changed, without=caller.changes.without | {str(path)})
        yield _on_self(caller, path.policy, then)


@outcome("self without an attached deny of a group")
def _group_undenied(_: EscalationPath, caller: Caller, __: Aims) -> Iterator[Option]:
    for path in _denying(caller, "attached", of_group=True):
        yield _of_group(caller, path, {str(path)}, (("iam:PolicyARN", caller.policy_arn(path)),))


@outcome("self without an inline deny of a group")
def _group_uninlined(_: EscalationPath, caller: Caller, __: Aims) -> Iterator[Option]:
    for path in _denying(caller, "inline", of_group=True):
        yield _of_group(caller, path, {str(path)})


@outcome("self without a group that denies")
def _left(_: EscalationPath, caller: Caller, __: Aims) -> Iterator[Option]:
    denying = {p.group: p for p in caller.paths() if p.group and caller.denies(p)}
    for name, path in denying.items():
        yield _of_group(caller, path, {str(p) for p in caller.paths() if p.group == name})


def _of_group(caller: Caller, path: Path, gone: Iterable[str], context: Context = ()) -> Option:
    then = partial(caller.changed, without=caller.changes.without | frozenset(gone))
    on = {"group": _group_arn(caller.account, path.group)}
    return Option(path.group, on, then, context=context)


@outcome("self with MFA")
def _with_mfa(_: EscalationPath, caller: Caller, __: Aims) -> Iterator[Option]:
    key = "aws:multifactorauth"
    asked = next(caller.asks(key), None) or caller.account.asked_by_trust(key)
    if asked and not caller.changes.mfa:
        device = caller.account.arn("mfa", caller.who.name)
        option = _on_self(caller, caller.who.name, partial(caller.changed, mfa=True))
        yield replace(option, on={**option.on, "device": device})


@outcome("self with the tags that its policies ask for")
def _tagged(_: EscalationPath, caller: Caller, __: Aims) -> Iterator[Option]:
    assert isinstance(caller.who, User)  # noqa: S101 - the path is for users
    key = "aws:principaltag/"
    wanted = {
        name.removeprefix(key): values[0]
        for operator, name, values in (*caller.asks(key), *caller.account.asked_by_trust(key))
        if operator in _POSITIVE and values and not set(values[0]) & set("*?$")
    }
    have = {name.lower(): value for name, value in caller.who.tags.items()}
    missing = {name: value for name, value in wanted.items() if have.get(name) != value}
    if missing:
        who = replace(caller.who, tags={**have, **missing})
        then = partial(caller.changed, who=who)
        context: Context = tuple((f"aws:RequestTag/{k}", v) for k, v in sorted(missing.items()))
        context += (("aws:TagKeys", tuple(sorted(missing))),)
        target = ", ".join(f"{name}={value}" for name, value in sorted(missing.items()))
        yield _on_self(caller, target, then, context=context)


# ------------------------------------------------------------------------------------ other users


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
    for arn in _attachable(path, caller):
        yield from _any_user(path, caller, (("iam:PolicyARN", arn),))


@outcome("user with everything and room for a key")
def _put_user(path: EscalationPath, caller: Caller, _: Aims) -> Iterator[Option]:
    yield from _any_user(path, caller)


def _any_user(path: EscalationPath, caller: Caller, context: Context = ()) -> Iterator[Option]:
    for user in _users(path, caller, caller.account.users):
        then = _with_everything(caller.account.caller(user))
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
    for arn in _attachable(path, caller):
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
            on = {"group": _group_arn(account, name), "new user": new}
            yield Option(name, on, partial(_same, then))


# ------------------------------------------------------------------------------------------ roles


@outcome("role")
def _role(path: EscalationPath, caller: Caller, aims: Aims) -> Iterator[Option]:
    for role in _roles(path, caller, aims.roles):
        yield _on_role(caller, role, f"role {role.name}")


@outcome("role with everything")
def _role_everything(path: EscalationPath, caller: Caller, _: Aims) -> Iterator[Option]:
    yield from _any_role(path, caller)


@outcome("role with an administrator's policy")
def _role_attached(path: EscalationPath, caller: Caller, _: Aims) -> Iterator[Option]:
    for arn in _attachable(path, caller):
        yield from _any_role(path, caller, (("iam:PolicyARN", arn),))


def _any_role(path: EscalationPath, caller: Caller, context: Context = ()) -> Iterator[Option]:
    for role in _roles(path, caller, caller.account.roles):
        if not is_reserved(role):
            then = _with_everything(caller.account.caller(role))
            yield _on_role(caller, role, then, context=context)


@outcome("role with its policy rewritten")
def _role_rewritten(path: EscalationPath, caller: Caller, _: Aims) -> Iterator[Option]:
    for role in _roles(path, caller, caller.account.roles):
        whom = caller.account.caller(role)
        for held in _customer_policies(whom):
            then = _with_everything(whom, without=[str(held)])
            option = _on_role(caller, role, then)
            yield replace(option, on={**option.on, "policy": whom.policy_arn(held)})


@outcome("role with an older version of its policy")
def _role_older(path: EscalationPath, caller: Caller, _: Aims) -> Iterator[Option]:
    for role in _roles(path, caller, caller.account.roles):
        whom = caller.account.caller(role)
        for held in _customer_policies(whom):
            on = {"policy": whom.policy_arn(held), "role": caller.account.arn_of(role)}
            for option in _older_versions(whom, held, on, role=role):
                yield replace(option, target=role.name)


@outcome("role without its boundary")
def _role_unbounded(path: EscalationPath, caller: Caller, _: Aims) -> Iterator[Option]:
    for role in _roles(path, caller, caller.account.roles):
        if role.permissions_boundary:
            then = partial(caller.account.caller(role).changed, boundary=EVERYTHING)
            yield _on_role(caller, role, then)


@outcome("role that trusts a SAML provider")
def _saml(path: EscalationPath, caller: Caller, aims: Aims) -> Iterator[Option]:
    for role in _roles(path, caller, aims.roles):
        for provider, trusts in _federated(caller.account, role):
            if provider == "*" or ":saml-provider/" in provider:
                on = {"provider": provider}
                yield Option(role.name, on, f"role {role.name}", needs=trusts, role=role)


@outcome("role of a service")
def _service_role(path: EscalationPath, caller: Caller, aims: Aims) -> Iterator[Option]:
    for role in _roles(path, caller, aims.roles):
        trusts = caller.account.trusts_service(role, path.service)
        if trusts is not False:
            yield _passed(path, caller, role, trusts)


@outcome("role of an identity pool")
def _pool_role(path: EscalationPath, caller: Caller, aims: Aims) -> Iterator[Option]:
    for role in _roles(path, caller, aims.roles):
        for provider, trusts in _federated(caller.account, role):
            if provider in ("*", path.service):
                yield _passed(path, caller, role, trusts)


def _passed(path: EscalationPath, caller: Caller, role: Role, trusts: Truth) -> Option:
    needs = trusts
    if path.needs:
        needs = all_of((trusts, frozenset({f"whether {path.needs} the role {role.name}"})))
    context = (("iam:PassedToService", path.service),)
    return _on_role(caller, role, f"role {role.name}", needs=needs, context=context)


# --------------------------------------------------------------------------------- what they share


def _attachable(path: EscalationPath, caller: Caller) -> Sequence[str]:
    """The administrators' policies to try; one stands for all unless a condition names policies."""
    attach = [call.action for call in path.calls if "Attach" in call.action]
    if any(caller.is_asked(action, "iam:policyarn") for action in attach):
        return caller.account.administrators_policies
    return [caller.account.administrators_policy]


def older_versions(account: AccountPolicies, arn: str) -> Iterator[tuple[str, JSON | None]]:
    """The versions of a policy but the default one; one without a text if they were not read."""
    policy = account.state.policies.get(arn)
    if arn in account.versions and policy:
        for version, document in sorted(account.versions[arn].items()):
            if version != policy.default_version:
                yield version, text_of(document)
    elif policy is None or policy.versions > 1:
        yield "", None


def is_reserved(role: Role) -> bool:
    """Whether AWS keeps a role for itself, so that nobody of the account can change it.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create-service-linked-role.html
    """
    return role.path.startswith(("/aws-service-role/", "/aws-reserved/"))


def _users(path: EscalationPath, caller: Caller, among: Mapping[str, User]) -> Iterator[User]:
    """The other users whom the statements about the path's calls may name."""
    yield from _named(path, caller, among, "user")


def _roles(path: EscalationPath, caller: Caller, among: Mapping[str, Role]) -> Iterator[Role]:
    """The other roles whom the statements about the path's calls may name."""
    found = _named(path, caller, among, "role")
    if any(call == Call("sts:AssumeRole", "role") for call in path.calls):
        return (role for role in found if caller.account.may_trust(role, caller))
    return found


def _named(
    path: EscalationPath, caller: Caller, among: Mapping[str, Any], word: str
) -> Iterator[Any]:
    found = among
    for call in path.calls:
        if call.on == word and call.action != _ASSUME:
            found = caller.named(call.action, found)
    yield from (one for tail, one in found.items() if tail != caller.tail)


def _on_self(caller: Caller, target: str, then: Then, context: Context = ()) -> Option:
    boundary = caller.who.permissions_boundary
    return Option(target, {"self": caller.arn}, then, boundary=boundary, context=context)


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


def _on_role(
    caller: Caller,
    role: Role,
    then: Then,
    *,
    needs: Truth = True,
    context: Context = (),
) -> Option:
    arn = caller.account.arn_of(role)
    on = {"role": arn, "role that is opened": arn}
    boundary = role.permissions_boundary
    return Option(role.name, on, then, needs, role, boundary, context)


def _same(caller: Caller) -> Caller:
    return caller


def _with_everything(caller: Caller, without: Sequence[str] = ()) -> Then:
    """Who one is with a policy that allows everything: an administrator, unless one is limited."""
    return None if caller.is_unlimited else partial(caller.with_everything, without=without)


def _last(arn: str) -> str:
    """A policy's name."""
    return arn.rpartition("/")[2]


def _group_arn(account: AccountPolicies, name: str) -> str:
    group = account.state.groups.get(name)
    return account.arn_of(group) if group else account.arn("group", name)


def _customer_policies(caller: Caller) -> Iterator[Path]:
    """The attached policies of one, its groups' too, that belong to the account."""
    return (
        p for p in caller.paths() if p.kind == "attached" and _is_customers(caller.policy_arn(p))
    )


def _is_customers(arn: str) -> bool:
    return arn.split(":")[4:5] != ["aws"]


def _denying(caller: Caller, kind: str, *, of_group: bool) -> Iterator[Path]:
    for path in caller.paths():
        if path.kind == kind and bool(path.group) == of_group and caller.denies(path):
            yield path


def _federated(account: AccountPolicies, role: Role) -> Iterator[tuple[str, Truth]]:
    """The identity providers that a role trusts; whichever there are if that was not read."""
    for statement in account.trust(role):
        if statement.unread:
            yield "*", frozenset({statement.unread})
            return
        if statement.allows:
            yield from ((name, True) for kind, name in statement.principals if kind == "Federated")


def _room(account: AccountPolicies, user: User) -> Truth:
    """Whether a user may have another access key."""
    state, name = account.state, user.name
    row = state.reported(user)
    if name in state.access_keys or _was_asked(state, name, "ListAccessKeys"):
        return len(state.access_keys.get(name, ())) < _MOST_KEYS
    if row is not None:
        return sum(key is not None for key in row.keys) < _MOST_KEYS
    return frozenset({f"how many access keys {name} has"})


def _has_password(account: AccountPolicies, user: User) -> Truth:
    state, name = account.state, user.name
    row = state.reported(user)
    if name in state.login_profiles or _was_asked(state, name, "GetLoginProfile"):
        return state.login_profiles.get(name) is not None
    if row is not None and row.password_enabled is not None:
        return row.password_enabled
    return frozenset({f"whether {name} has a password"})


def _has_device(account: AccountPolicies, user: User) -> Truth:
    state, name = account.state, user.name
    row = state.reported(user)
    if name in state.mfa_devices or _was_asked(
        state, name, "ListVirtualMFADevices", "ListMFADevices"
    ):
        return bool(state.mfa_devices.get(name))
    if row is not None and row.mfa_active is not None:
        return row.mfa_active
    return frozenset({f"whether {name} has an MFA device"})


def _was_asked(state: AccountState, user: str, *operations: str) -> bool:
    """Whether some operations were read for a user, so that what they do not name is not there."""
    return all(state.was_read(operation, user) for operation in operations)
