"""What a policy would change for the people who get it, before anyone does anything."""

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd

from iamkit.account import JSON, AccountState
from iamkit.desired import DesiredPolicy
from iamkit.policies.catalogue import Catalogue, load_catalogue
from iamkit.policies.expansion import shortest_patterns
from iamkit.policies.grants import Holdings, Reach

COLUMNS = ("user", "new", "wider", "less", "examples")


def impact_of(
    state: AccountState, wanted: DesiredPolicy, catalogue: Catalogue | None = None
) -> pd.DataFrame:
    """What an inline policy of a group or user would change, for each who would have it.

    Args:
        state: the account with everyone's policies.
        wanted: the policy; one of that name is replaced.
        catalogue: of AWS's actions; by default the installed one.

    Returns:
        A row for each user concerned: ``user``; how many actions are ``new`` to it, go ``wider``
        than before (more resources, fewer conditions), and are ``less`` than before (int64);
        ``examples`` of the new ones, as short patterns. Empty if the holder has no members.
    """
    known = catalogue or load_catalogue()
    before, after = Holdings(state, known), Holdings(_with(state, wanted), known)
    rows = []
    for name in sorted(_concerned(state, wanted)):
        had, has = before.of(state.users[name]).reach, after.of(after.state.users[name]).reach
        new = has.possible & ~had.possible
        wider, less = _gained(had, has) & ~new, _gained(has, had)
        patterns = shortest_patterns(new, known)
        more = f", and {len(patterns) - 4} more" if len(patterns) > 4 else ""
        counts = (new.bit_count(), wider.bit_count(), less.bit_count())
        rows.append((name, *counts, ", ".join(patterns[:4]) + more))
    types = {"user": "str", "new": "int64", "wider": "int64", "less": "int64", "examples": "str"}
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(types)


def _concerned(state: AccountState, wanted: DesiredPolicy) -> list[str]:
    if wanted.kind == "user":
        return [wanted.holder] if wanted.holder in state.users else []
    return [user.name for user in state.users.values() if wanted.holder in user.groups]


def _with(state: AccountState, wanted: DesiredPolicy) -> AccountState:
    """The account as it would be."""

    def policies(held: Mapping[str, JSON]) -> dict[str, JSON]:
        return {**held, wanted.name: wanted.document}

    if wanted.kind == "group" and (group := state.groups.get(wanted.holder)):
        changed = replace(group, inline_policies=policies(group.inline_policies))
        return replace(state, groups={**state.groups, group.name: changed})
    if wanted.kind == "user" and (user := state.users.get(wanted.holder)):
        owner = replace(user, inline_policies=policies(user.inline_policies))
        return replace(state, users={**state.users, user.name: owner})
    return state


def _gained(before: Reach, after: Reach) -> int:
    """The actions that go farther than before."""
    always = before.everything | before.some
    return (
        (after.everything & ~before.everything)
        | (after.some & ~always)
        | (after.conditional & ~before.possible)
    )
