"""What paths change of one's own rights, and of what limits them."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial

from iamkit.account.state import User
from iamkit.policies.escalation.account_policies import EVERYTHING, Context, Held
from iamkit.policies.escalation.callers import Caller
from iamkit.policies.escalation.catalogue import EscalationPath
from iamkit.policies.escalation.options import (
    Aims,
    Option,
    Then,
    attachable,
    customer_policies,
    group_arn,
    is_customers,
    last_part,
    older_versions,
    on_self,
    outcome,
    same,
    versions_unread,
    with_everything,
)

_POSITIVE = ("StringEquals", "StringEqualsIgnoreCase", "StringLike")


@outcome("self with everything")
def _everything(_: EscalationPath, caller: Caller, __: Aims) -> Iterator[Option]:
    yield on_self(caller, caller.who.name, with_everything(caller))


@outcome("self with an administrator's policy")
def _attached(path: EscalationPath, caller: Caller, _: Aims) -> Iterator[Option]:
    for arn in attachable(path, caller):
        context = (("iam:PolicyARN", arn),)
        yield on_self(caller, last_part(arn), with_everything(caller), context=context)


@outcome("own group with everything")
def _group_everything(_: EscalationPath, caller: Caller, __: Aims) -> Iterator[Option]:
    yield from _own_groups(caller)


@outcome("own group with an administrator's policy")
def _group_attached(path: EscalationPath, caller: Caller, _: Aims) -> Iterator[Option]:
    for arn in attachable(path, caller):
        yield from _own_groups(caller, (("iam:PolicyARN", arn),))


def _own_groups(caller: Caller, context: Context = ()) -> Iterator[Option]:
    for name in sorted(getattr(caller.who, "groups", ())):
        on = {"group": group_arn(caller.account, name)}
        yield Option(name, on, with_everything(caller), context=context)


@outcome("self in another group")
def _joined(_: EscalationPath, caller: Caller, __: Aims) -> Iterator[Option]:
    assert isinstance(caller.who, User)  # noqa: S101 - the path is for users
    for name in sorted(caller.account.state.groups):
        if name not in caller.who.groups:
            groups = caller.who.groups | {name}
            then = caller.changed(who=replace(caller.who, groups=groups))
            if then.possible & ~caller.possible:
                on = {"group": group_arn(caller.account, name)}
                yield Option(name, on, partial(same, then))


@outcome("self with its policy rewritten")
def _rewritten(_: EscalationPath, caller: Caller, __: Aims) -> Iterator[Option]:
    for held in customer_policies(caller):
        arn, then = caller.policy_arn(held), with_everything(caller, without=[str(held.path)])
        yield Option(last_part(arn), {"policy": arn}, then)


@outcome("self with an older version of its policy")
def _older(_: EscalationPath, caller: Caller, __: Aims) -> Iterator[Option]:
    for held in customer_policies(caller):
        yield from older_versions(caller, held, {"policy": caller.policy_arn(held)})


@outcome("self without its boundary")
def _unbounded(path: EscalationPath, caller: Caller, _: Aims) -> Iterator[Option]:
    if caller.who.permissions_boundary and caller.changes.boundary is None:
        then = partial(caller.changed, boundary=EVERYTHING)
        replaced = any("Put" in call.action for call in path.calls)
        new = caller.account.administrators_policy if replaced else caller.who.permissions_boundary
        yield replace(on_self(caller, caller.who.name, then), boundary=new)


@outcome("self with its boundary rewritten")
def _boundary_rewritten(_: EscalationPath, caller: Caller, __: Aims) -> Iterator[Option]:
    arn = caller.who.permissions_boundary
    if arn and is_customers(arn) and caller.changes.boundary is None:
        then = partial(caller.changed, boundary=EVERYTHING)
        yield Option(last_part(arn), {"policy": arn}, then)


@outcome("self with an older version of its boundary")
def _boundary_older(_: EscalationPath, caller: Caller, __: Aims) -> Iterator[Option]:
    arn = caller.who.permissions_boundary
    if not arn or not is_customers(arn) or caller.changes.boundary is not None:
        return
    for version, document in caller.account.older_versions(arn):
        if document is None:
            then = partial(caller.changed, boundary=EVERYTHING)
            needs = versions_unread(last_part(arn))
            yield Option(last_part(arn), {"policy": arn}, then, needs=needs)
        else:
            then = partial(caller.changed, boundary=document)
            yield Option(f"{last_part(arn)} ({version})", {"policy": arn}, then)


@outcome("self without an attached deny")
def _undenied(_: EscalationPath, caller: Caller, __: Aims) -> Iterator[Option]:
    for held in _denying(caller, "attached", of_group=False):
        then, arn = _without(caller, held), caller.policy_arn(held)
        yield on_self(caller, last_part(arn), then, context=(("iam:PolicyARN", arn),))


@outcome("self without an inline deny")
def _uninlined(_: EscalationPath, caller: Caller, __: Aims) -> Iterator[Option]:
    for held in _denying(caller, "inline", of_group=False):
        yield on_self(caller, held.path.policy, _without(caller, held))


@outcome("self without an attached deny of a group")
def _group_undenied(_: EscalationPath, caller: Caller, __: Aims) -> Iterator[Option]:
    for held in _denying(caller, "attached", of_group=True):
        context: Context = (("iam:PolicyARN", caller.policy_arn(held)),)
        yield _of_group(caller, held.path.group, [held], context)


@outcome("self without an inline deny of a group")
def _group_uninlined(_: EscalationPath, caller: Caller, __: Aims) -> Iterator[Option]:
    for held in _denying(caller, "inline", of_group=True):
        yield _of_group(caller, held.path.group, [held])


@outcome("self without a group that denies")
def _left(_: EscalationPath, caller: Caller, __: Aims) -> Iterator[Option]:
    for name in dict.fromkeys(h.path.group for h in caller.policies if h.path.group and h.denies):
        yield _of_group(caller, name, [h for h in caller.policies if h.path.group == name])


def _denying(caller: Caller, kind: str, *, of_group: bool) -> Iterator[Held]:
    for held in caller.policies:
        if held.denies and held.path.kind == kind and bool(held.path.group) == of_group:
            yield held


def _without(caller: Caller, *gone: Held) -> Then:
    without = caller.changes.without | {str(held.path) for held in gone}
    return partial(caller.changed, without=without)


def _of_group(caller: Caller, group: str, gone: Iterable[Held], context: Context = ()) -> Option:
    on = {"group": group_arn(caller.account, group)}
    return Option(group, on, _without(caller, *gone), context=context)


@outcome("self with MFA")
def _with_mfa(_: EscalationPath, caller: Caller, __: Aims) -> Iterator[Option]:
    key = "aws:multifactorauth"
    asked = next(caller.asks(key), None) or caller.account.asked_by_trust(key)
    if asked and not caller.changes.mfa:
        device = caller.account.arn("mfa", caller.who.name)
        option = on_self(caller, caller.who.name, partial(caller.changed, mfa=True))
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
        yield on_self(caller, target, then, context=context)
