"""What one policy allows that another does not, told without trying requests.

A policy allows regions: some actions on a pattern of resources under conditions, less what it
denies. A region of one is compared with the regions of the other. Where two regions of the other
cover it only together, it is reported although nothing is gained; the other error is not made.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from iamkit.account.state import JSON
from iamkit.policies.actions.catalogue import Catalogue, load_catalogue
from iamkit.policies.grammar.conditions import Test, read_conditions
from iamkit.policies.grammar.patterns import action_pattern, covers, overlap
from iamkit.policies.grammar.statements import statements_of, texts_of

COLUMNS = ("action", "resource", "conditions", "why")


@dataclass(frozen=True)
class _Region:
    """Some actions on some resources under conditions.

    Attributes:
        actions: as bits of the universe.
        resource: one pattern.
        without: patterns that are not in it (NotResource).
    """

    name: str
    actions: int
    resource: str
    without: tuple[str, ...]
    tests: tuple[Test, ...]

    def holds(self, other: "_Region") -> bool:
        """Whether it has all of another's resources, under no stricter conditions."""
        if not covers(self.resource, other.resource):
            return False
        if not all(_follows(test, other.tests) for test in self.tests):
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

    def __init__(self, catalogue: Catalogue, *documents: JSON) -> None:
        self._catalogue = catalogue
        self._more = sorted(
            {
                action
                for document in documents
                for statement in statements_of(document)
                for action in texts_of(statement, "Action") + texts_of(statement, "NotAction")
                if not set(action) & set("*?") and not catalogue.matching(action)
            }
        )

    def regions(self, document: JSON, *, allow: bool) -> list[_Region]:
        """The regions that a policy allows, or those that it denies."""
        variables = document.get("Version") == "2012-10-17"
        return [
            _Region(
                name=str(statement.get("Sid") or f"statement {number}"),
                actions=self._actions(statement),
                resource=resource,
                without=tuple(texts_of(statement, "NotResource")),
                tests=read_conditions(statement.get("Condition"), variables=variables),
            )
            for number, statement in enumerate(statements_of(document), 1)
            if (statement.get("Effect") == "Allow") is allow
            for resource in texts_of(statement, "Resource") or ["*"]
        ]

    def named(self, mask: int) -> list[str]:
        """The actions in a set."""
        size = len(self._catalogue.actions)
        more = [action for bit, action in enumerate(self._more) if mask >> size + bit & 1]
        return self._catalogue.named(mask & self._catalogue.everything) + more

    def _actions(self, statement: JSON) -> int:
        if "NotAction" in statement:
            everything = (1 << len(self._catalogue.actions) + len(self._more)) - 1
            return everything & ~self._union(texts_of(statement, "NotAction"))
        return self._union(texts_of(statement, "Action"))

    def _union(self, patterns: list[str]) -> int:
        mask, size = 0, len(self._catalogue.actions)
        for pattern in patterns:
            mask |= self._catalogue.matching(pattern)
            for bit, action in enumerate(self._more):
                if action_pattern(pattern).fullmatch(action):
                    mask |= 1 << size + bit
        return mask


def compare_policies(before: JSON, after: JSON, catalogue: Catalogue | None = None) -> pd.DataFrame:
    """What the policy ``after`` allows that ``before`` does not.

    Args:
        before: an identity policy.
        after: another. For what is lost, ask the other way round.
        catalogue: of AWS's actions; by default the installed one.

    Returns:
        A row for each action and pattern of resources: ``action``, ``resource``, ``conditions``
        under which ``after`` allows it (empty: always), ``why`` ``before`` does not. All ``str``;
        empty if nothing is gained.
    """
    universe = _Universe(catalogue or load_catalogue(), before, after)
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
        yield _of(region, gained), "nothing allowed it"
        for deny in lacked:
            if not deny.meets(region):
                continue
            where = _of(deny if covers(region.resource, deny.resource) else region, 0)
            freed = left & ~gained & deny.actions & ~_taken(deny, denied)
            tests = tuple(dict.fromkeys(region.tests + deny.tests))
            yield _Region(where.name, freed, where.resource, (), tests), f"{deny.name} denied it"


def _taken(region: _Region, by: list[_Region]) -> int:
    """The actions of a region that others have on all of its resources."""
    mask = 0
    for other in by:
        if other.actions & region.actions and other.holds(region):
            mask |= other.actions
    return mask


def _of(region: _Region, actions: int) -> _Region:
    return _Region(region.name, actions, region.resource, region.without, region.tests)


def _follows(test: Test, from_: tuple[Test, ...]) -> bool:
    """Whether a test holds whenever all of some others do: one is the same, or narrower."""
    return any(_is_narrower(other, test) for other in from_)


def _is_narrower(test: Test, other: Test) -> bool:
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
