"""One statement of a policy, read once: whoever looks at policies is a function of it.

Who edits a document works on its dicts instead, by ``statements_of`` and ``texts_of``.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from iamkit.account.state import JSON
from iamkit.policies.grammar.conditions import Test, read_conditions
from iamkit.policies.grammar.patterns import (
    Lookup,
    action_pattern,
    expression_for,
    matches_resource,
    resource_expression,
    variables_of,
)
from iamkit.policies.grammar.three_valued import Truth, all_of, any_of

Scope = Literal["all", "all but", "some"]
"""On which resources a statement is."""

_PERSONAL = ("aws:principal", "aws:user")
_OF_EVERY_USER = ("aws:username", "aws:userid", "aws:principalarn", "aws:principalaccount")


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One statement.

    Attributes:
        policy: the name of the policy in which it stands; empty if it has none.
        number: its place in the policy, counted from 1.
        sid: empty if it has none.
        version: of the policy language, as the policy says; empty if it does not.
        actions: the patterns of ``Action``, or of ``NotAction`` if ``not_action``.
        resources: the patterns of ``Resource``, or of ``NotResource`` if ``not_resource``; none in
            a trust policy, which is about the role itself.
        principals: kinds and names of ``Principal``, or of ``NotPrincipal`` if ``not_principal``.
        tests: its conditions, all of which must hold.
        unread: what is not known of it, if its policy's text was not read; else empty.
        element: as it stands in the policy.
    """

    policy: str = ""
    number: int = 1
    sid: str = ""
    version: str = ""
    allows: bool
    actions: tuple[str, ...] = ()
    not_action: bool = False
    resources: tuple[str, ...] = ()
    not_resource: bool = False
    principals: tuple[tuple[str, str], ...] = ()
    not_principal: bool = False
    tests: tuple[Test, ...] = ()
    unread: str = ""
    element: JSON = field(default_factory=dict, repr=False, compare=False)

    def __str__(self) -> str:
        if self.unread:
            return self.policy
        return f"{self.policy} > {self.name}" if self.policy else self.name

    @property
    def name(self) -> str:
        """Its Sid, or its number."""
        return self.sid or f"statement {self.number}"

    @property
    def path(self) -> str:
        """Its position in the document, as ``positions`` writes paths."""
        return f"Statement[{self.number}]"

    @property
    def variables(self) -> bool:
        """Whether its policy's version knows policy variables."""
        return self.version == "2012-10-17"

    @property
    def everywhere(self) -> bool:
        """Whether it is on every resource."""
        return "*" in self.resources and not self.not_resource

    @cached_property
    def scope(self) -> Scope:
        """On which resources it is: all, all but some, or some."""
        if self.not_resource:
            return "all but"
        return "all" if self.everywhere else "some"

    @cached_property
    def condition_keys(self) -> tuple[str, ...]:
        """Its condition keys, and the variables without whose values it is on no resource."""
        keys = {test.key for test in self.tests}
        if not self.not_resource and all(map(open_variables, self.resources)):
            keys |= {name for pattern in self.resources for name in open_variables(pattern)}
        return tuple(sorted(keys))

    @cached_property
    def is_personal(self) -> bool:
        """Whether it may say something else to one principal than to another."""
        texts = (*self.resources, *(value for test in self.tests for value in test.values))
        personal = any(test.key.lower().startswith(_PERSONAL) for test in self.tests)
        return personal or any("${" in text for text in texts)

    def matches(self, action: str, resource: str | None, lookup: Lookup) -> Truth:
        """Whether it applies to a request, its principal aside.

        Args:
            action: such as ``s3:GetObject``.
            resource: its ARN; None if it is not known.
            lookup: gives the values of context keys.
        """
        if self.unread:
            return frozenset({self.unread})
        if not self.names_action(action):
            return False
        conditions = (test.holds(lookup) for test in self.tests)
        return all_of((self.names_resource(resource, lookup), all_of(conditions)))

    def names_action(self, action: str) -> bool:
        """Whether its ``Action`` or ``NotAction`` covers an action."""
        named = any(
            pattern == "*" or action_pattern(pattern).fullmatch(action) for pattern in self.actions
        )
        return named != self.not_action

    def expressions(self, lookup: Lookup) -> Iterator[str]:
        """Its patterns of resources as regular expressions, with a request's variables."""
        for pattern in self.resources:
            variables = self.variables and "${" in pattern
            read = expression_for(pattern, lookup) if variables else None
            if pattern != "*" and not (variables and read is None):
                yield read or resource_expression(pattern)

    def names_resource(self, resource: str | None, lookup: Lookup) -> Truth:
        """Whether its ``Resource`` or ``NotResource`` covers a resource."""
        if not self.resources:
            return True
        if "*" in self.resources:
            return not self.not_resource
        if resource is None:
            return frozenset({"resource"})
        names = lookup if self.variables else None
        named = any_of(matches_resource(pattern, resource, names) for pattern in self.resources)
        return named if isinstance(named, frozenset) else named != self.not_resource

    def items(self, key: str) -> Iterator[tuple[str, str]]:
        """The texts of ``Action`` or ``Resource``, or of their opposites, each with its path."""
        key = key if key in self.element else f"Not{key}"
        several = isinstance(self.element.get(key), list)
        for number, text in enumerate(texts_of(self.element, key), 1):
            yield f"{key}[{number}]" if several else key, text

    def values(self, test: Test) -> Iterator[tuple[str, str]]:
        """The values of one of its conditions, each with its path."""
        several = isinstance(self.element["Condition"][test.written][test.key], list)
        for number, text in enumerate(test.values, 1):
            yield f"{test.path}{f'[{number}]' if several else ''}", text


def read_statements(document: JSON, policy: str = "") -> tuple[Statement, ...]:
    """The statements of a policy, ready to be asked.

    Args:
        document: the policy; it is not checked (``check_policy`` does).
        policy: what to call it in answers.
    """
    version = str(document.get("Version", ""))
    return tuple(
        read_statement(element, number, version=version, policy=policy)
        for number, element in enumerate(statements_of(document), 1)
    )


def read_statement(
    element: JSON, number: int = 1, *, version: str = "", policy: str = ""
) -> Statement:
    """One statement as it stands in a policy, ready to be asked."""
    not_action, not_resource = "NotAction" in element, "NotResource" in element
    not_principal = "NotPrincipal" in element
    return Statement(
        policy=policy,
        number=number,
        sid=str(element.get("Sid") or ""),
        version=version,
        allows=element.get("Effect") == "Allow",
        actions=tuple(texts_of(element, "NotAction" if not_action else "Action")),
        not_action=not_action,
        resources=tuple(texts_of(element, "NotResource" if not_resource else "Resource")),
        not_resource=not_resource,
        principals=_principals(element.get("NotPrincipal" if not_principal else "Principal")),
        not_principal=not_principal,
        tests=read_conditions(element.get("Condition"), variables=version == "2012-10-17"),
        element=element,
    )


def unread(policy: str, reason: str = "") -> tuple[Statement, ...]:
    """What a policy whose text was not read may say: it may allow, and it may deny, anything.

    Args:
        policy: what to call it.
        reason: what an answer then depends on; by default the policy's text.
    """
    why = reason or f"the text of {policy}, which was not read"
    return tuple(
        Statement(policy=policy, allows=allows, actions=("*",), resources=("*",), unread=why)
        for allows in (True, False)
    )


def open_variables(pattern: str) -> list[str]:
    """A pattern's variables but for those that every user has a value for."""
    return [name for name in variables_of(pattern) if name.lower() not in _OF_EVERY_USER]


def several_statements(document: JSON) -> Any:
    """What stands under ``Statement``, in a list if it is one object; it may be anything."""
    found = document.get("Statement")
    return [found] if isinstance(found, Mapping) else found


def statements_of(document: JSON) -> list[JSON]:
    """The statements of a policy as dicts, which may be one in place of a list; or none.

    Whether a policy's text is known at all is told by ``iamkit.account.gaps.is_described``.
    """
    found = several_statements(document)
    listed = found if isinstance(found, list | tuple) else ()
    return [statement for statement in listed if isinstance(statement, Mapping)]


def texts_of(statement: JSON, key: str) -> list[str]:
    """The texts of an element that may be one text in place of a list; none if it is not there."""
    value = statement.get(key, [])
    return [str(item) for item in value] if isinstance(value, list | tuple) else [str(value)]


def _principals(element: Any) -> tuple[tuple[str, str], ...]:
    kinds = {"AWS": "*"} if element == "*" else element
    if not kinds or not isinstance(kinds, Mapping):
        return ()
    return tuple((str(kind), name) for kind in kinds for name in texts_of(kinds, kind))
