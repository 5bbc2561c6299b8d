"""The ways by which somebody becomes administrator: calls, whom they are about, what then."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from iamkit.policies.escalation.account_policies import ANYBODY
from iamkit.policies.escalation.catalogue import EscalationPath
from iamkit.policies.grammar.statements import Statement
from iamkit.policies.grammar.three_valued import Truth

MOST_TARGETS = 5
"""So many targets of a path are named; the answer is the best of all that were looked at."""


@dataclass(frozen=True)
class Step:
    """One call of a way: the action, what it is about, and the statements that allow it."""

    action: str
    resource: str
    statements: tuple[Statement, ...] = ()

    def __str__(self) -> str:
        return f"{self.action} on {self.resource}" if self.resource != "*" else self.action


@dataclass(frozen=True)
class Way:
    """A path that somebody can walk, or perhaps can.

    Attributes:
        path: which one.
        steps: its calls, in their order.
        target: what it is about.
        truth: True if it is open, else what it depends on.
        becomes: who one is then, as ``user ada``; empty for oneself.
        then: how one goes on from there, unless one is administrator.
    """

    path: EscalationPath
    steps: tuple[Step, ...]
    target: str
    truth: Truth
    becomes: str = ""
    then: "Way | None" = None

    @property
    def all_steps(self) -> tuple[Step, ...]:
        """Its own calls, and those by which one goes on as oneself."""
        return self.steps + (self.then.all_steps if self.then else ())

    @property
    def is_told(self) -> bool:
        """Whether it is open, or depends on the circumstances alone and on nothing unread."""
        return self.truth is True or not any("not read" in name for name in self.truth or ())

    @property
    def closed_by(self) -> dict[str, list[str]]:
        """The statements that allow its calls: those that must go together, with their calls."""
        found: dict[str, list[str]] = {}
        for step in self.steps:
            if step.statements and step.statements[0] not in ANYBODY:
                names = " + ".join(map(str, step.statements))
                found.setdefault(names, []).append(step.action)
        return found


@dataclass
class Reach:
    """How somebody becomes administrator.

    Attributes:
        truth: whether one is or can become administrator.
        distance: how many others one has to become before; 0 for an administrator.
        ways: by path, the best first.
    """

    truth: Truth
    distance: int
    ways: dict[str, list[Way]] = field(default_factory=dict)

    @property
    def is_there(self) -> bool:
        """Whether one is an administrator already."""
        return self.truth is True and self.distance == 0

    @property
    def told(self) -> list[Way]:
        """Of each path the first way that hangs on nothing that was not read."""
        firsts = (next((way for way in ways if way.is_told), None) for ways in self.ways.values())
        return [way for way in firsts if way]


def surest(ways: Iterable[Way]) -> Iterator[Way]:
    """The first few ways of a path; if some are open, the first few of these."""
    unsure: list[Way] = []
    number = 0
    for way in ways:
        if way.truth is True:
            number += 1
            yield way
        elif len(unsure) < MOST_TARGETS:
            unsure.append(way)
        if number == MOST_TARGETS:
            return
    if not number:
        yield from unsure


def by_path(ways: Iterable[Way]) -> dict[str, list[Way]]:
    """Ways by their path, the open ones first."""
    found: dict[str, list[Way]] = {}
    for way in ways:
        found.setdefault(way.path.id, []).append(way)
    for several in found.values():
        several.sort(key=lambda way: way.truth is not True)
    return dict(sorted(found.items(), key=lambda item: item[1][0].truth is not True))
