"""What the rules of the linter read, one statement at a time, and what they say of it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from difflib import get_close_matches
from functools import cached_property, lru_cache
from typing import Literal

from iamkit.account.state import JSON
from iamkit.policies.actions.catalogue import Action, Catalogue, describe_action
from iamkit.policies.actions.expansion import actions_of
from iamkit.policies.grammar.conditions import Test, read_conditions
from iamkit.policies.grammar.statements import statements_of, texts_of

Severity = Literal["error", "warning", "hint"]
WILDCARDS = frozenset("*?")


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
    """One statement, as the rules read it.

    Attributes:
        statement: as it stands in the document.
        number: counted from 1.
        catalogue: of AWS's actions.
        version: of the policy language.
        now: for dates in conditions; None if they are not looked at.
    """

    statement: JSON
    number: int
    catalogue: Catalogue = field(repr=False)
    version: str
    now: datetime | None

    @property
    def allows(self) -> bool:
        """Whether it allows."""
        return self.statement.get("Effect") == "Allow"

    @property
    def element(self) -> str:
        """How it names its actions."""
        return "Action" if "Action" in self.statement else "NotAction"

    @cached_property
    def actions(self) -> list[str]:
        """Its patterns of actions, those of ``NotAction`` too."""
        return texts_of(self.statement, self.element)

    @cached_property
    def resources(self) -> list[str]:
        """The texts of ``Resource``."""
        return texts_of(self.statement, "Resource")

    @property
    def everywhere(self) -> bool:
        """Whether ``Resource`` is everything."""
        return "*" in self.resources

    @cached_property
    def mask(self) -> int:
        """The actions that it is about, as bits of the catalogue."""
        return actions_of(self.statement, self.catalogue)

    @cached_property
    def services(self) -> tuple[str, ...]:
        """The services of its actions; all of them for ``*`` and ``NotAction``."""
        if self.element == "NotAction" or "*" in self.actions:
            return tuple(self.catalogue.services)
        return tuple(dict.fromkeys(action.partition(":")[0].lower() for action in self.actions))

    @cached_property
    def tests(self) -> tuple[Test, ...]:
        """Its conditions."""
        condition = self.statement.get("Condition")
        return read_conditions(condition, variables=self.version != "2008-10-17")

    def named(self, pattern: str) -> list[Action]:
        """The actions of a pattern in detail."""
        found = map(describe_action, self.catalogue.named(self.catalogue.matching(pattern)))
        return [action for action in found if action]

    def tests_of(self, key: str) -> list[Test]:
        """The conditions on a key."""
        return [test for test in self.tests if test.key.lower() == key.lower()]

    def remark(self, rule: str, severity: Severity, message: str, path: str = "") -> Remark:
        """A remark on something in this statement.

        Args:
            rule: its name.
            severity: how bad it is.
            message: what is wrong and what to do.
            path: from the statement on, such as ``Action[2]``; with ``#`` the key itself.
        """
        whole = f"Statement[{self.number}]{'.' if path else ''}{path}"
        return Remark(rule, severity, message, whole, statement=self.number)

    def items(self, element: str) -> Iterator[tuple[str, str]]:
        """The texts of an element, each with its path."""
        several = isinstance(self.statement.get(element), list)
        for number, text in enumerate(texts_of(self.statement, element), 1):
            yield f"{element}[{number}]" if several else element, text

    def values(self, test: Test) -> Iterator[tuple[str, str]]:
        """The values of a condition, each with its path."""
        several = isinstance(self.statement["Condition"][test.written][test.key], list)
        for number, text in enumerate(test.values, 1):
            yield f"{path_of(test)}{f'[{number}]' if several else ''}", text


def read_parts(document: JSON, catalogue: Catalogue, now: datetime | None) -> tuple[Part, ...]:
    """The statements of a policy."""
    version = str(document.get("Version", ""))
    return tuple(
        Part(statement, number, catalogue, version, now)
        for number, statement in enumerate(statements_of(document), 1)
    )


def path_of(test: Test) -> str:
    """The path of a condition within its statement."""
    return f"Condition.{test.written}.{test.key}"


def did_you_mean(word: str, choices: tuple[str, ...]) -> str:
    """The choice that looks most like a word, as a question after a space; empty if none does."""
    right = _closest(word.lower(), choices)
    return f" Did you mean {right}?" if right else ""


@lru_cache(maxsize=4_096)
def _closest(word: str, choices: tuple[str, ...]) -> str:
    lowered = {choice.lower(): choice for choice in choices}
    found = get_close_matches(word, lowered, n=1, cutoff=0.72)
    return lowered[found[0]] if found else ""
