"""Whether changes give anybody access that they do not have now."""

from collections.abc import Sequence
from dataclasses import replace

from iamkit.account.state import AccountState, Group, Role, User
from iamkit.plan.change import Change
from iamkit.plan.preview import account_after
from iamkit.policies.actions.catalogue import load_catalogue
from iamkit.policies.evaluation.holdings import Holdings
from iamkit.policies.grammar.document import to_json


def say_access_given(state: AccountState, changes: Sequence[Change]) -> str:
    """What anybody could do by these changes that they cannot now; empty if surely nothing.

    A group is judged by a member too, since tomorrow's are as welcome as today's. Of what is given
    nothing counts as there already that goes less far than on everything, since the resources and
    conditions of two policies are not compared.
    """
    plain = (said for change in changes if (said := _plainly(state, change)))
    if said := next(plain, ""):
        return said
    if not any(change.kind in ("user", "group", "role") for change in changes):
        return ""
    before, names = _with_members(state, changes)
    after, known = account_after(before, changes), load_catalogue()
    had_by, has_by = Holdings(before, known), Holdings(after, known)
    gives = any(c.verb != "delete" or c.part == "permissions boundary" for c in changes)
    for name in names:
        old, now = _holder(before, name), _holder(after, name)
        if now is None:
            continue
        held, holds = had_by.of(old or now), has_by.of(now)
        if lacking := (*held.lacking, *holds.lacking):
            return f"whether {name} could do more cannot be told: {lacking[0]}"
        had, has = held.reach_as_read, holds.reach_as_read
        more = has.known & ~(had.everything if gives else had.known)
        if old is None or more or has.everything & ~had.everything:
            return f"{name} could do more than now"
    return ""


def _plainly(state: AccountState, change: Change) -> str:
    """What can be said without an evaluation."""
    if change.arguments.get("Status") == "Active":
        return f"access key {change.arguments['AccessKeyId']} would work again"
    if change.part == "inline policy" and change.verb == "delete" and _denies(change.before):
        return f"a policy that denies would go from {change.target}"
    if change.part == "tags" and _decides_by_tags(state):
        return f"a policy of this account decides by tags, and those of {change.name} change"
    return ""


def _denies(document: object) -> bool:
    return "Deny" in to_json(document)


def _decides_by_tags(state: AccountState) -> bool:
    """Whether any policy asks for tags."""
    holders = [*state.users.values(), *state.groups.values(), *state.roles.values()]
    own = [document for one in holders for document in one.inline_policies.values()]
    managed = [p.document for p in state.policies.values() if not p.is_aws_managed]
    return any("tag/" in to_json(document).lower() for document in (*own, *managed))


def _holder(state: AccountState, name: str) -> User | Role | None:
    return state.users.get(name) or state.roles.get(name.removeprefix("role "))


def _with_members(state: AccountState, changes: Sequence[Change]) -> tuple[AccountState, list[str]]:
    """The account with a member for each group that changes, and everyone whom it concerns."""
    groups = {change.name for change in changes if change.kind == "group"}
    names = {change.name for change in changes if change.kind == "user"}
    names |= {user.name for user in state.users.values() if user.groups & groups}
    names |= {f"role {change.name}" for change in changes if change.kind == "role"}
    gone = {change.name for change in changes if change.operation == "delete_group"}
    members = {f"a member of {g}": User(name="", groups=frozenset({g})) for g in groups - gone}
    there = {g: state.groups.get(g, Group(name=g)) for g in groups}
    whole = replace(state, users={**state.users, **members}, groups={**state.groups, **there})
    return whole, sorted(names | members.keys())
