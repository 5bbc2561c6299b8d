"""Sets of resources: which of their members a policy's patterns tell apart.

A pattern is a small automaton, so that "is there a member that this statement covers and that one
does not" is decided, with a member to show for it, and never guessed from examples.
"""

import re
import string
from collections import deque
from collections.abc import Iterable, Iterator
from functools import lru_cache

from iamkit.policies.actions.catalogue import Catalogue, describe_action, resource_arns
from iamkit.policies.grammar.patterns import (
    ANY,
    NO_COLON,
    covers,
    overlap,
    resource_expression,
    steps_of,
    with_any,
)

MOST_STATES = 5_000
"""So many steps are taken to tell members apart; real policies take some hundred."""
_OTHER = string.ascii_lowercase + string.digits + string.ascii_uppercase + "éèàçñ"


@lru_cache(maxsize=65_536)
def members_of(
    pattern: str, kinds: tuple[str, ...], others: tuple[str, ...]
) -> tuple[str, ...] | None:
    """One member of a set for each way in which other patterns divide it.

    Args:
        pattern: the set, written as in a ``Resource`` element, with no variables.
        kinds: regular expressions of which a member must match one (``kinds_of``); none for any.
        others: regular expressions that tell members apart (``resource_expression``).

    Returns:
        The members, made up; none if the set is empty, None if there are too many ways to say.
    """
    return _Automaton(resource_expression(pattern), kinds, others).members()


class _Automaton:
    """Several patterns that read the same text letter by letter; a state is a set of bits."""

    def __init__(self, own: str, kinds: tuple[str, ...], others: tuple[str, ...]) -> None:
        self._letters: dict[str, int] = {}
        self._at: dict[int, str] = {}
        self._fixed = 0
        self._dots = self._stars = self._to_colon = self._start = self._size = 0
        self._own, self._own_end = self._add(own)
        self._kinds = self._kinds_end = self._ends = 0
        added: dict[str, int] = {}
        for kind in kinds:
            places, added[kind] = self._add(kind)
            self._kinds, self._kinds_end = self._kinds | places, self._kinds_end | added[kind]
        for other in others:
            self._ends |= added[other] if other in added else self._add(other)[1]
        self._other = next((c for c in _OTHER if c not in self._letters), "\u2603")

    def members(self) -> tuple[str, ...] | None:
        """One for each set of patterns that end together with the set's own."""
        start = self._closed(self._start)
        came: dict[int, tuple[int, str]] = {start: (0, "")}
        found: dict[int, str] = {}
        todo = deque([start])
        while todo:
            state = todo.popleft()
            ends = state & self._own_end and (not self._kinds or state & self._kinds_end)
            if ends and state & self._ends not in found:
                found[state & self._ends] = _text(state, came)
            for letter, after in self._steps(state):
                if after not in came:
                    came[after] = state, letter
                    todo.append(after)
            if len(came) > MOST_STATES:
                return None
        return tuple(found.values())

    def _add(self, expression: str) -> tuple[int, int]:
        """The bits of an expression, and the last of them."""
        steps = steps_of(expression)
        for place, step in enumerate(steps, self._size):
            bit = 1 << place
            if step in (ANY, NO_COLON):
                self._stars |= bit
                self._to_colon |= bit if step == NO_COLON else 0
            elif step == ".":
                self._dots |= bit
            else:
                self._letters[step[-1]] = self._letters.get(step[-1], 0) | bit
                self._at[bit] = step[-1]
                self._fixed |= bit
        first, end = 1 << self._size, 1 << self._size + len(steps)
        self._start |= first
        self._size += len(steps) + 1
        return 2 * end - first, end

    def _steps(self, state: int) -> Iterator[tuple[str, int]]:
        """The states to which a letter leads; letters that no pattern expects are as one."""
        wanted, stars, dots = {self._other: 0}, state & self._stars, state & self._dots
        if state & self._to_colon:
            wanted[":"] = 0
        places = state & self._fixed
        while places:
            place = places & -places
            letter = self._at[place]
            wanted[letter] = wanted.get(letter, 0) | place
            places ^= place
        for letter, moved in wanted.items():
            kept = stars & ~self._to_colon if letter == ":" else stars
            after = (moved | dots) << 1 | kept
            after |= (after & self._stars) << 1  # a star may stand for nothing
            if after & self._own and (not self._kinds or after & self._kinds):
                yield letter, after

    def _closed(self, state: int) -> int:
        """A star may stand for nothing."""
        return state | (state & self._stars) << 1


def _text(state: int, came: dict[int, tuple[int, str]]) -> str:
    letters = []
    while came[state][1]:
        state, letter = came[state]
        letters.append(letter)
    return "".join(reversed(letters))


@lru_cache(maxsize=8_192)
def kinds_of(action: str, partition: str, account: str) -> tuple[str, ...] | None:
    """The ARNs of an account that an action may be about, as regular expressions.

    Which resources of its services an action takes is left open: the catalogue may be older than
    AWS. Of AWS's own managed policies IAM's ARNs name ``aws`` in the place of an account.

    Returns:
        None if the catalogue has no such action; ``()`` if the action has no resources, so that
        its resource is always ``*``.
    """
    found = describe_action(action)
    if found is None:
        return None
    arns = resource_arns(action.partition(":")[0].lower())
    places = {tuple(arns[kind].split(":")[2:5]) for kind in found.resource_types if kind in arns}
    if "iam" in {service for service, *_ in places} and "policy" in found.resource_types:
        places.add(("iam", "", "aws"))
    return tuple(sorted(_kind(partition, *place, own=account) for place in places))


def _kind(partition: str, service: str, region: str, owner: str, *, own: str) -> str:
    account = own if "$" in owner else owner
    parts = (partition, service, "*" if region else "", account)
    texts = (NO_COLON if set(part) & set("*$") else re.escape(part) for part in parts)
    return ":".join(("arn", *texts, ANY))


@lru_cache(maxsize=1_024)
def alike(mask: int, catalogue: Catalogue, partition: str, account: str) -> tuple[int, ...]:
    """A set of actions by what resources they have; each service for itself."""
    parts: dict[object, int] = {}
    for service, part in catalogue.by_service(mask):
        for name in catalogue.named(part):
            kinds = service, kinds_of(name, partition, account)
            parts[kinds] = parts.get(kinds, 0) | catalogue.matching(name)
    return tuple(parts.values())


def divided(mask: int, by: Iterable[int]) -> list[int]:
    """A set of actions cut into parts that no other set divides further."""
    parts = [mask]
    for cut in dict.fromkeys(by):
        parts = [half for part in parts for half in (part & cut, part & ~cut) if half]
    return parts


def meet(pattern: str, others: Iterable[str]) -> list[str] | None:
    """Those of a statement's patterns that have to do with a set; None if one covers all of it.

    Variables may stand for any text.
    """
    met = []
    for other in others:
        if other == "*" or (covers(other, pattern) and NO_COLON not in resource_expression(other)):
            return None
        if overlap(with_any(other), pattern):
            met.append(other)
    return met
