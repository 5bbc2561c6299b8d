"""The account's own managed policies: which there are, who has them, and how they go."""

from collections.abc import Iterable, Iterator

from iamkit.account.state import AccountState, Group, ManagedPolicy, Role, User
from iamkit.plan.change import Change
from iamkit.plan.desired import Desired
from iamkit.plan.holders import delete_policy
from iamkit.plan.preview import account_after
from iamkit.text import few


def policies_by_name(account: AccountState) -> dict[str, ManagedPolicy]:
    """The account's own managed policies by name, of which there is one each."""
    return {p.name: p for p in account.policies.values() if not p.is_aws_managed}


def holders_of(account: AccountState, arn: str) -> list[str]:
    """Who has a managed policy, or is bounded by it, in words."""
    kinds: dict[str, Iterable[User | Group | Role]] = {
        "user": account.users.values(),
        "group": account.groups.values(),
        "role": account.roles.values(),
    }
    return [
        f"{kind} {one.name}"
        for kind, holders in kinds.items()
        for one in holders
        if arn in one.attached_policies or arn == getattr(one, "permissions_boundary", None)
    ]


def plan_absent_policies(after: AccountState, wanted: Desired) -> Iterator[Change]:
    """The account's own managed policies that should be gone, and that nobody has by then."""
    own = policies_by_name(after)
    for name in wanted.absent_policies:
        if name in own and not holders_of(after, own[name].arn):
            yield from delete_policy(own[name], wanted.origins.get("absent_policies", ""))


def say_in_use(current: AccountState, desired: Desired, changes: Iterable[Change]) -> Iterator[str]:
    """Policies that should be gone, and that somebody still has after the changes."""
    own = policies_by_name(current) if desired.absent_policies else {}
    after = account_after(current, changes) if own else current
    for name in desired.absent_policies:
        if name in own and (having := holders_of(after, own[name].arn)):
            yield f"Policy {name} is in use ({few(having)}), so it cannot be deleted."
