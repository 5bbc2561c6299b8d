"""Whether changes give anybody access that they do not have now."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from iamkit.account.state import AccountState, Group, Role, User
from iamkit.plan.change import Change
from iamkit.plan.desired import Part
from iamkit.plan.preview import account_after
from iamkit.policies.actions.catalogue import load_catalogue
from iamkit.policies.evaluation.holdings import Holdings
from iamkit.policies.grammar.document import to_json

GIVING: frozenset[Part] = frozenset(
    ("existence", "membership", "inline policy", "attached policy", "permissions boundary")
)
"""The parts that decide themselves what somebody may do."""


def say_access_given(
    state: AccountState, changes: Sequence[Change], deciding: Collection[Part] = ()
) -> str:
    """What anybody could do by these changes that they cannot now; empty if surely nothing.

    A group is judged by a member who has nothing else: whom its policies give more, they give it
    too, and tomorrow's members are as welcome as today's. Of what is given nothing counts as there
    already that goes less far than on everything, since the resources and conditions of two
    policies are not compared.

    Args:
        state: as much of the account as concerns the changes.
        changes: what would be made.
        deciding: the parts of a user by which policies of the account decide; see
            ``deciding_facts``.
    """
    plain = (said for change in changes if (said := _plainly(change, deciding)))
    if said := next(plain, ""):
        return said
    if not any(c.kind in ("user", "group", "role") and c.part in GIVING for c in changes):
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


def _plainly(change: Change, deciding: Collection[Part]) -> str:
    """What can be said without an evaluation."""
    if change.arguments.get("Status") == "Active":
        return f"access key {change.arguments['AccessKeyId']} would work again"
    if change.part == "inline policy" and change.verb == "delete" and _denies(change.before):
        return f"a policy that denies would go from {change.target}"
    if change.part in deciding:
        return (
            f"a policy of this account decides by {change.part}, and {change.name}'s would change"
        )
    return ""


def _denies(document: object) -> bool:
    return "Deny" in to_json(document)


def deciding_facts(state: AccountState, changes: Iterable[Change]) -> frozenset[Part]:
    """Of tags and path, by which any policy of an account decides, or any that was changed."""
    holders = [*state.users.values(), *state.groups.values(), *state.roles.values()]
    own = [document for one in holders for document in one.inline_policies.values()]
    trusts = [role.trust_policy for role in state.roles.values()]
    managed = [p.document for p in state.policies.values() if not p.is_aws_managed]
    changed = [document for c in changes for document in (c.arguments, c.before)]
    texts = [to_json(document).lower() for document in (*own, *trusts, *managed, *changed)]
    return frozenset(
        part for part, words in DECIDING.items() if any(w in text for text in texts for w in words)
    )


DECIDING: Mapping[Part, tuple[str, ...]] = {
    "tags": ("tag/",),
    "path": ("aws:principalarn", ":user/"),
}
"""By the part of a user, what stands in a policy that decides by it."""


def _holder(state: AccountState, name: str) -> User | Role | None:
    return state.users.get(name) or state.roles.get(name.removeprefix("role "))


def _with_members(state: AccountState, changes: Sequence[Change]) -> tuple[AccountState, list[str]]:
    """The account with a member for each group that changes, and everyone whom it concerns."""
    groups = {change.name for change in changes if change.kind == "group"}
    names = {change.name for change in changes if change.kind == "user"}
    names |= {f"role {change.name}" for change in changes if change.kind == "role"}
    gone = {change.name for change in changes if change.operation == "delete_group"}
    members = {f"a member of {g}": User(name="", groups=frozenset({g})) for g in groups - gone}
    there = {g: state.groups.get(g, Group(name=g)) for g in groups}
    whole = replace(state, users={**state.users, **members}, groups={**state.groups, **there})
    return whole, sorted(names | members.keys())
