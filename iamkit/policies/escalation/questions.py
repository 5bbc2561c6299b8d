"""The statements about one action: what they may allow, on what, and what decides it."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any

from iamkit.policies.evaluation.exact import Decision
from iamkit.policies.grammar.patterns import variables_of
from iamkit.policies.grammar.statements import Statement

_OWN_NAME = "${aws:username}"
_OF_THE_RESOURCE = "aws:resourceaccount"


class Question:
    """The statements about one action; whoever has the same gets the same answers.

    Args:
        identity: of the identity policies.
        boundary: of the permissions boundary; None if there is none.
    """

    def __init__(
        self, identity: tuple[Statement, ...], boundary: tuple[Statement, ...] | None
    ) -> None:
        self.identity, self.boundary = identity, boundary
        self.statements = (*identity, *(boundary or ()))
        self.ids = (boundary is not None, *map(id, self.statements))

    @cached_property
    def possible(self) -> bool:
        """Whether each layer allows something; denies aside."""
        return all(any(s.allows for s in layer) for layer in self._layers)

    @cached_property
    def personal(self) -> bool:
        """Whether the answer may be another for one principal than for another."""
        return any(s.is_personal for s in self.statements)

    @cached_property
    def denies(self) -> bool:
        """Whether one of them denies."""
        return any(not s.allows for s in self.statements)

    @cached_property
    def plain(self) -> Decision | None:
        """The answer for every resource, where each statement allows everything, always."""
        if all(layer and all(map(_allows_all, layer)) for layer in self._layers):
            return Decision("allowed", self.identity)
        return None

    @property
    def _layers(self) -> tuple[tuple[Statement, ...], ...]:
        return (self.identity,) if self.boundary is None else (self.identity, self.boundary)

    def matters(self, resource: str) -> str:
        """A resource as far as the answer depends on it: empty if it is the same for each."""
        is_one = "*" not in resource and "?" not in resource
        return "" if is_one and not self._names_resources else resource

    @cached_property
    def _names_resources(self) -> bool:
        named = any(s.resources and "*" not in s.resources for s in self.statements)
        return named or _OF_THE_RESOURCE in self.keys

    @cached_property
    def keys(self) -> frozenset[str]:
        """The context keys that they ask for, in lower case."""
        return frozenset(key for s in self.statements for key in _keys_of(s))

    def asks(self, key: str) -> bool:
        """Whether one of them tests a context key."""
        return any(True for s in self.statements for _ in tests_of(s, key))

    def named(self, among: Mapping[str, Any], name: str) -> Mapping[str, Any]:
        """Those of some things of IAM's that its allows may name, by their ARNs' last parts.

        Args:
            among: the things.
            name: of the user who asks.
        """
        if self._names is None:
            return among
        exact, beginnings = self._names
        own = [tail.replace(_OWN_NAME, name) for tail in exact]
        if beginnings:
            begins = tuple(tail.replace(_OWN_NAME, name) for tail in beginnings)
            return {t: v for t, v in among.items() if t in own or t.startswith(begins)}
        return {tail: among[tail] for tail in own if tail in among}

    def names_others(self, tail: str, name: str) -> bool:
        """Whether its allows may name something else than the one with this last part of an ARN."""
        if self._names is None:
            return True
        exact, beginnings = self._names
        return bool(beginnings) or any(t.replace(_OWN_NAME, name) != tail for t in exact)

    @cached_property
    def _names(self) -> tuple[list[str], list[str]] | None:
        """The last parts of the ARNs that its allows name: whole ones, and beginnings.

        None if they may name any.
        """
        exact, beginnings = set[str](), set[str]()
        for statement in self.identity:
            if not statement.allows:
                continue
            if statement.unread or statement.not_resource:
                return None
            for pattern in statement.resources:
                tail = pattern.split(":", 5)[-1]
                begins = tail.endswith("*")
                stem = (tail[:-1] if begins else tail).replace(_OWN_NAME, "")
                if pattern.count(":") < 5 or set(stem) & set("*?$"):
                    return None
                (beginnings if begins else exact).add(tail.removesuffix("*"))
        return sorted(exact), sorted(beginnings)


def tests_of(statement: Statement, key: str) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """A statement's tests of context keys that begin so: operator, key in lower case, values."""
    for test in statement.tests:
        if test.key.lower().startswith(key) and test.operator:
            yield test.operator.name, test.key.lower(), test.values


def _keys_of(statement: Statement) -> Iterator[str]:
    yield from (test.key.lower() for test in statement.tests)
    texts: Iterable[str] = (*statement.resources, *(v for t in statement.tests for v in t.values))
    for text in texts:
        yield from (name.lower() for name in variables_of(text))


def _allows_all(statement: Statement) -> bool:
    return statement.allows and not statement.tests and statement.everywhere
