"""The ways in which an account lets a path be walked, before it is asked who may make the calls.

An outcome is a function of a path and a caller that gives such ways. Adding one is adding a
function to ``outcomes_of_oneself``, ``outcomes_of_users`` or ``outcomes_of_roles``.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from iamkit.account.state import Role, User
from iamkit.policies.escalation.account_policies import AccountPolicies, Context, Held
from iamkit.policies.escalation.callers import Caller, administrators_policies
from iamkit.policies.escalation.catalogue import EscalationPath
from iamkit.policies.grammar.three_valued import Truth

NEW = "a-new-one"
"""What is made on the way is called so."""
ASSUME = "sts:AssumeRole"
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


def on_self(caller: Caller, target: str, then: Then, context: Context = ()) -> Option:
    """A change of one's own."""
    boundary = caller.who.permissions_boundary
    return Option(target, {"self": caller.arn}, then, boundary=boundary, context=context)


def attachable(path: EscalationPath, caller: Caller) -> Sequence[str]:
    """The administrators' policies to try; one stands for all unless a condition names policies."""
    account = caller.account
    attach = [call.action for call in path.calls if "Attach" in call.action]
    if any(caller.is_asked(action, "iam:policyarn") for action in attach):
        return administrators_policies(account)
    return [account.administrators_policy]


def named(
    path: EscalationPath, caller: Caller, among: Mapping[str, Any], word: str
) -> Iterator[Any]:
    """The others whom the statements about the path's calls may name."""
    found = among
    for call in path.calls:
        if call.on == word and call.action != ASSUME:
            found = caller.named(call.action, found)
    yield from (one for tail, one in found.items() if tail != caller.tail)


def with_everything(caller: Caller, without: Sequence[str] = ()) -> Then:
    """Who one is with a policy that allows everything: an administrator, unless one is limited."""
    return None if caller.is_unlimited else partial(caller.with_everything, without=without)


def customer_policies(caller: Caller) -> Iterator[Held]:
    """The attached policies of one, its groups' too, that belong to the account."""
    return (
        held
        for held in caller.policies
        if held.path.kind == "attached" and is_customers(caller.policy_arn(held))
    )


def older_versions(
    caller: Caller, held: Held, on: Mapping[str, str], **more: Any
) -> Iterator[Option]:
    """The same caller with each older version of one of its policies."""
    name = last_part(caller.policy_arn(held))
    for version, document in caller.account.older_versions(caller.policy_arn(held)):
        if document is None:
            yield Option(name, on, None, needs=versions_unread(name), **more)
            continue
        then = partial(
            caller.changed,
            added=(*caller.changes.added, (f"version {version}", document)),
            without=caller.changes.without | {str(held.path)},
        )
        yield Option(f"{name} ({version})", on, then, **more)


def versions_unread(policy: str) -> Truth:
    """What a path over older versions depends on where they lack."""
    return frozenset({f"the older versions of policy {policy}, which were not read"})


def is_customers(arn: str) -> bool:
    """Whether a managed policy is the account's own."""
    return arn.split(":")[4:5] != ["aws"]


def last_part(arn: str) -> str:
    """A policy's name."""
    return arn.rpartition("/")[2]


def group_arn(account: AccountPolicies, name: str) -> str:
    """A group's ARN, as it was read or as it must be."""
    group = account.state.groups.get(name)
    return account.arn_of(group) if group else account.arn("group", name)


def same(caller: Caller) -> Caller:
    """For ``partial``: a caller that is made already."""
    return caller
