"""The regions that policies allow, and which of one policy are not wholly in those of another.

A policy allows regions: some actions on a pattern of resources under conditions, less what it
denies. A region of one is compared with the regions of the other. Where two regions of the other
cover it only together, it is told although nothing is gained; the other error is not made.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from iamkit.account.state import JSON
from iamkit.policies.actions.catalogue import load_catalogue, union
from iamkit.policies.grammar.conditions import Test
from iamkit.policies.grammar.patterns import (
    ANY_VARIABLE,
    NO_COLON,
    action_pattern,
    covers,
    is_pattern,
    overlap,
    resource_expression,
)
from iamkit.policies.grammar.statements import Statement, read_statements

_HIDDEN = str.maketrans("*?:", "\ue002\ue003\ue004")
_SPELLED = re.compile("\ue000[^\ue001]*\ue001")


@dataclass(frozen=True)
class Region:
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

    @cached_property
    def pattern(self) -> str:
        """Its pattern of resources, a variable of which is one letter after another."""
        return _spelled(self.resource, variables=self.statement.variables)

    @cached_property
    def without(self) -> tuple[str, ...]:
        """Patterns of resources that are not in it, likewise."""
        statement = self.statement
        found = statement.resources if statement.not_resource else ()
        return tuple(_spelled(text, variables=statement.variables) for text in found)

    @property
    def anything(self) -> str:
        """Its pattern of resources, in which a variable may be any text."""
        return _any(self.pattern)

    def holds(self, other: "Region") -> bool:
        """Whether it has all of another's resources, under no stricter conditions."""
        if not _is_within(other.pattern, self.pattern):
            return False
        if not all(any(_is_narrower(one, test) for one in other.tests) for test in self.tests):
            return False
        return all(
            not overlap(_any(gap), _any(other.pattern))
            or any(_is_within(gap, w) for w in other.without)
            for gap in self.without
        )

    def meets(self, other: "Region") -> bool:
        """Whether some resource may be in both."""
        return overlap(_any(self.pattern), _any(other.pattern)) and not any(
            _is_within(other.pattern, gap) for gap in self.without
        )

    @cached_property
    def conditions(self) -> str:
        """Its conditions as a policy writes them."""
        return " and ".join(f"{t.written} {t.key} {', '.join(t.values)}" for t in self.tests)


class Universe:
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

    def regions(self, document: JSON, *, allow: bool) -> list[Region]:
        """The regions that a policy allows, or those that it denies."""
        return [
            Region(statement, self._actions(statement), resource)
            for statement in read_statements(document)
            if statement.allows is allow and not _is_empty(statement)
            for resource in (() if statement.not_resource else statement.resources) or ["*"]
        ]

    def named(self, mask: int) -> list[str]:
        """The actions in a set."""
        size = len(self._catalogue.actions)
        more = [action for bit, action in enumerate(self._more) if mask >> size + bit & 1]
        return self._catalogue.named(mask & self._catalogue.everything) + more

    def matching(self, pattern: str) -> int:
        """The actions that a pattern names."""
        mask, size = self._catalogue.matching(pattern), len(self._catalogue.actions)
        for bit, action in enumerate(self._more):
            mask |= 1 << size + bit if action_pattern(pattern).fullmatch(action) else 0
        return mask

    def _actions(self, statement: Statement) -> int:
        mask = union(map(self.matching, statement.actions))
        everything = (1 << len(self._catalogue.actions) + len(self._more)) - 1
        return everything & ~mask if statement.not_action else mask


def find_gains(universe: Universe, before: JSON, after: JSON) -> Iterator[tuple[Region, str]]:
    """The regions of the policy ``after`` that may not be in ``before``, each with why.

    What is in none of them, ``before`` allows too, or ``after`` denies.
    """
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
            yield Region(both, freed, where.resource), f"{deny.statement.name} denied it"


def _is_empty(statement: Statement) -> bool:
    """Whether it names nothing: all actions, or all resources, are left out."""
    no_action = statement.not_action and "*" in statement.actions
    return no_action or (statement.not_resource and "*" in statement.resources)


def _taken(region: Region, by: list[Region]) -> int:
    """The actions of a region that others have on all of its resources."""
    return union(
        other.actions for other in by if other.actions & region.actions and other.holds(region)
    )


def _spelled(text: str, *, variables: bool) -> str:
    """A pattern whose variables are in letters that no wildcard and no colon is among."""
    if not variables or "${" not in text:
        return text
    return ANY_VARIABLE.sub(lambda found: f"\ue000{found[0][2:-1].translate(_HIDDEN)}\ue001", text)


def _any(pattern: str) -> str:
    """A spelled pattern whose variables may be any text."""
    return _SPELLED.sub("*", pattern)


def _is_within(narrow: str, wide: str) -> bool:
    """Whether a spelled pattern matches whatever another one does; in doubt it does not."""
    if wide in ("*", narrow):
        return True
    if NO_COLON in resource_expression(wide):
        return False
    return covers(wide, _any(narrow) if "?" in wide else narrow)


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
