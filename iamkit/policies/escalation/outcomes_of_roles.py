"""What paths over roles lead to: those one assumes, changes, or passes to a service."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial

from iamkit.account.state import Role
from iamkit.policies.escalation.account_policies import EVERYTHING, AccountPolicies, Context
from iamkit.policies.escalation.callers import Caller, caller_of
from iamkit.policies.escalation.catalogue import Call, EscalationPath
from iamkit.policies.escalation.options import (
    Aims,
    Option,
    Then,
    attachable,
    customer_policies,
    named,
    older_versions,
    outcome,
    with_everything,
)
from iamkit.policies.grammar.three_valued import Truth, all_of


@outcome("role")
def _role(path: EscalationPath, caller: Caller, aims: Aims) -> Iterator[Option]:
    for role in _roles(path, caller, aims.roles):
        yield _on_role(caller, role, f"role {role.name}")


@outcome("role with everything")
def _role_everything(path: EscalationPath, caller: Caller, _: Aims) -> Iterator[Option]:
    yield from _any_role(path, caller)


@outcome("role with an administrator's policy")
def _role_attached(path: EscalationPath, caller: Caller, _: Aims) -> Iterator[Option]:
    for arn in attachable(path, caller):
        yield from _any_role(path, caller, (("iam:PolicyARN", arn),))


def _any_role(path: EscalationPath, caller: Caller, context: Context = ()) -> Iterator[Option]:
    for role in _roles(path, caller, caller.account.roles):
        if not is_reserved(role):
            then = with_everything(caller_of(caller.account, role))
            yield _on_role(caller, role, then, context=context)


@outcome("role with its policy rewritten")
def _role_rewritten(path: EscalationPath, caller: Caller, _: Aims) -> Iterator[Option]:
    for role in _roles(path, caller, caller.account.roles):
        whom = caller_of(caller.account, role)
        for held in customer_policies(whom):
            then = with_everything(whom, without=[str(held.path)])
            option = _on_role(caller, role, then)
            yield replace(option, on={**option.on, "policy": whom.policy_arn(held)})


@outcome("role with an older version of its policy")
def _role_older(path: EscalationPath, caller: Caller, _: Aims) -> Iterator[Option]:
    for role in _roles(path, caller, caller.account.roles):
        whom = caller_of(caller.account, role)
        for held in customer_policies(whom):
            on = {"policy": whom.policy_arn(held), "role": caller.account.arn_of(role)}
            for option in older_versions(whom, held, on, role=role):
                yield replace(option, target=role.name)


@outcome("role without its boundary")
def _role_unbounded(path: EscalationPath, caller: Caller, _: Aims) -> Iterator[Option]:
    for role in _roles(path, caller, caller.account.roles):
        if role.permissions_boundary:
            then = partial(caller_of(caller.account, role).changed, boundary=EVERYTHING)
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


def is_reserved(role: Role) -> bool:
    """Whether AWS keeps a role for itself, so that nobody of the account can change it.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create-service-linked-role.html
    """
    return role.path.startswith(("/aws-service-role/", "/aws-reserved/"))


def _roles(path: EscalationPath, caller: Caller, among: Mapping[str, Role]) -> Iterator[Role]:
    """The other roles whom the statements about the path's calls may name."""
    found = named(path, caller, among, "role")
    if any(call == Call("sts:AssumeRole", "role") for call in path.calls):
        return (role for role in found if caller.account.may_trust(role, caller.arn))
    return found


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


def _federated(account: AccountPolicies, role: Role) -> Iterator[tuple[str, Truth]]:
    """The identity providers that a role trusts; whichever there are if that was not read."""
    for statement in account.trust(role):
        if statement.unread:
            yield "*", frozenset({statement.unread})
            return
        if statement.allows:
            yield from ((name, True) for kind, name in statement.principals if kind == "Federated")
