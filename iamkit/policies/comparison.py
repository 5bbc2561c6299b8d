"""What one policy allows that another does not, told without trying requests.

A policy allows regions: some actions on a pattern of resources under conditions, less what it
denies. A region of one is compared with the regions of the other. Where two regions of the other
cover it only together, it is reported although nothing is gained; the other error is not made.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import pandas as pd

from iamkit.account.state import JSON
from iamkit.policies.actions.catalogue import load_catalogue, union
from iamkit.policies.grammar.conditions import Test
from iamkit.policies.grammar.patterns import action_pattern, covers, is_pattern, overlap
from iamkit.policies.grammar.statements import Statement, read_statements

COLUMNS = ("action", "resource", "conditions", "why")


@dataclass(frozen=True)
class _Region:
    """Some actions of a statement on one of its patterns of resources.

    Attributes:
        actions: as bits of the universe.
    """

    statement: Statement
    actions: int
    resource: str

    @property
    def tests(self) -> tuple[Test, ...]:
        """The conditions under which it is allowed or denied."""
        return self.statement.tests

    @property
    def without(self) -> tuple[str, ...]:
        """Patterns of resources that are not in it."""
        return self.statement.resources if self.statement.not_resource else ()

    def holds(self, other: "_Region") -> bool:
        """Whether it has all of another's resources, under no stricter conditions."""
        if not covers(self.resource, other.resource):
            return False
        if not all(any(_is_narrower(one, test) for one in other.tests) for test in self.tests):
            return False
        return all(
            not overlap(gap, other.resource) or any(covers(w, gap) for w in other.without)
            for gap in self.without
        )

    def meets(self, other: "_Region") -> bool:
        """Whether some resource may be in both."""
        return overlap(self.resource, other.resource) and not any(
            covers(gap, other.resource) for gap in self.without
        )

    @cached_property
    def conditions(self) -> str:
        """Its conditions as a policy writes them."""
        return " and ".join(f"{t.written} {t.key} {', '.join(t.values)}" for t in self.tests)


class _Universe:
    """The catalogue's actions, and those that two policies name beside it."""

    def __init__(self, *documents: JSON) -> None:
        self._catalogue = catalogue = load_catalogue()
        self._more = sorted(
            {
                action
                for document in documents
                for statement in read_statements(document)
                for action in statement.actions
                if not is_pattern(action) and not catalogue.matching(action)
            }
        )

    def regions(self, document: JSON, *, allow: bool) -> list[_Region]:
        """The regions that a policy allows, or those that it denies."""
        return [
            _Region(statement, self._actions(statement), resource)
            for statement in read_statements(document)
            if statement.allows is allow
            for resource in (() if statement.not_resource else statement.resources) or ["*"]
        ]

    def named(self, mask: int) -> list[str]:
        """The actions in a set."""
        size = len(self._catalogue.actions)
        more = [action for bit, action in enumerate(self._more) if mask >> size + bit & 1]
        return self._catalogue.named(mask & self._catalogue.everything) + more

    def _actions(self, statement: Statement) -> int:
        mask, size = self._catalogue.union(statement.actions), len(self._catalogue.actions)
        for pattern in map(action_pattern, statement.actions):
            for bit, action in enumerate(self._more):
                mask |= 1 << size + bit if pattern.fullmatch(action) else 0
        everything = (1 << size + len(self._more)) - 1
        return everything & ~mask if statement.not_action else mask


def compare_policies(before: JSON, after: JSON) -> pd.DataFrame:
    """What the policy ``after`` allows that ``before`` does not.

    Args:
        before: an identity policy.
        after: another. For what is lost, ask the other way round.

    Returns:
        A row for each action and pattern of resources: ``action``, ``resource``, ``conditions``
        under which ``after`` allows it (empty: always), ``why`` ``before`` does not. All ``str``;
        empty if nothing is gained.
    """
    universe = _Universe(before, after)
    rows = dict.fromkeys(
        (action, region.resource, region.conditions, why)
        for region, why in _gains(universe, before, after)
        for action in universe.named(region.actions)
    )
    frame = pd.DataFrame(list(rows), columns=list(COLUMNS))
    return frame.astype("str").sort_values(list(COLUMNS[:2]), ignore_index=True)


def _gains(universe: _Universe, before: JSON, after: JSON) -> Iterator[tuple[_Region, str]]:
    had, lacked = universe.regions(before, allow=True), universe.regions(before, allow=False)
    denied = universe.regions(after, allow=False)
    for region in universe.regions(after, allow=True):
        left = region.actions & ~_taken(region, denied)
        gained = left & ~_taken(region, had)
        yield replace(region, actions=gained), "nothing allowed it"
        for deny in lacked:
            if not deny.meets(region):
                continue
            freed = left & ~gained & deny.actions & ~_taken(deny, denied)
            tests = tuple(dict.fromkeys(region.tests + deny.tests))
            both = replace(region.statement, not_resource=False, tests=tests)
            where = deny if covers(region.resource, deny.resource) else region
            yield _Region(both, freed, where.resource), f"{deny.statement.name} denied it"


def _taken(region: _Region, by: list[_Region]) -> int:
    """The actions of a region that others have on all of its resources."""
    return union(
        other.actions for other in by if other.actions & region.actions and other.holds(region)
    )


def _is_narrower(test: Test, other: Test) -> bool:
    """Whether a test holds only where another one does."""

    def kind(given: Test) -> tuple[Any, ...]:
        return given.operator, given.quantifier, given.key.lower(), given.variables

    if (
        kind(test) != kind(other)
        or test.operator is None
        or (test.if_exists and not other.if_exists)
    ):
        return False
    mine, theirs = set(test.values), set(other.values)
    return mine >= theirs if test.operator.negated else mine <= theirs
