"""What the rules of the linter read, one statement at a time, and what they say of it."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Literal

from iamkit.policies.actions.catalogue import Action, Catalogue, describe_action
from iamkit.policies.grammar.conditions import Test
from iamkit.policies.grammar.patterns import covers, is_pattern, with_any
from iamkit.policies.grammar.statements import Statement
from iamkit.text import nearest

_WILD = re.compile("[*?]")
Severity = Literal["error", "warning", "hint"]


@dataclass(frozen=True)
class Remark:
    """One thing that is wrong with a policy, or worth a thought.

    Attributes:
        rule: which rule says it, such as ``unknown-action``.
        message: what is wrong, and what to do.
        path: such as ``Statement[1].Action[2]``, counted from 1; empty for the whole document.
        line: of the text, counted from 1; 0 if it is not known.
        column: of the line, counted from 1; 0 if it is not known.
        statement: its number, counted from 1; 0 if it is of none.
    """

    rule: str
    severity: Severity
    message: str
    path: str = ""
    line: int = 0
    column: int = 0
    statement: int = 0

    def __str__(self) -> str:
        place = f" (line {self.line}, column {self.column})" if self.line else ""
        return f"{self.severity}: {self.message} [{self.rule}]{place}"


@dataclass(frozen=True)
class Part:
    """One statement with what the rules hold it against.

    Attributes:
        statement: as it was read.
        catalogue: of AWS's actions.
        now: for dates in conditions; None if they are not looked at.
    """

    statement: Statement
    catalogue: Catalogue = field(repr=False)
    now: datetime | None

    @cached_property
    def mask(self) -> int:
        """The actions that it is about, as bits of the catalogue."""
        return self.catalogue.about(self.statement)

    @cached_property
    def services(self) -> tuple[str, ...]:
        """The services of its actions; all of them for ``*`` and ``NotAction``."""
        if self.statement.not_action or "*" in self.statement.actions:
            return tuple(self.catalogue.services)
        named = (action.partition(":")[0].lower() for action in self.statement.actions)
        return tuple(dict.fromkeys(named))

    def named(self, pattern: str) -> tuple[Action, ...]:
        """The actions of a pattern in detail."""
        return _named(pattern, self.catalogue)

    def tests_of(self, key: str) -> list[Test]:
        """The conditions on a key."""
        return [test for test in self.statement.tests if test.key.lower() == key.lower()]

    def texts(self, *, every: bool) -> Iterator[tuple[str, str]]:
        """Its resources and its conditions' values, each with its path.

        Args:
            every: whether also those in which variables have no meaning.
        """
        yield from self.statement.items("Resource")
        for test in self.statement.tests:
            if every or test.variables:
                yield from self.statement.values(test)

    def remark(self, rule: str, severity: Severity, message: str, path: str = "") -> Remark:
        """A remark on something in this statement.

        Args:
            rule: its name.
            severity: how bad it is.
            message: what is wrong and what to do.
            path: from the statement on, such as ``Action[2]``; with ``#`` the key itself.
        """
        whole = f"{self.statement.path}{'.' if path else ''}{path}"
        return Remark(rule, severity, message, whole, statement=self.statement.number)


@lru_cache(maxsize=16_384)
def _named(pattern: str, catalogue: Catalogue) -> tuple[Action, ...]:
    found = map(describe_action, catalogue.named(catalogue.matching(pattern)))
    return tuple(action for action in found if action)


def find_covered(items: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str, str]]:
    """The patterns of a list that say nothing which another one does not.

    Args:
        items: paths and patterns, compared as they are written.

    Yields:
        The path and the pattern, and the wider one; an empty text where it is in the list twice.
    """
    several = list(items)
    wide = [(text, _WILD.split(text, maxsplit=1)[0]) for _, text in several if is_pattern(text)]
    seen = set[str]()
    for path, text in several if len(several) > 1 else ():
        plain = with_any(text)
        wider = next(
            (
                other
                for other, head in wide
                if text.startswith(head) and other != text and covers(other, plain)
            ),
            "",
        )
        if wider or text in seen:
            yield path, text, "" if text in seen else wider
        seen.add(text)


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """The choice that looks most like a word, as a question after a space; empty if none does."""
    right = nearest(word, choices)
    return f" Did you mean {right}?" if right else ""
