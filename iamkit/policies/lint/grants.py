"""Rules on what statements give, and on statements that others make needless."""

import re
from collections.abc import Iterator
from dataclasses import replace

from iamkit.policies.actions.expansion import contains
from iamkit.policies.grammar.conditions import Test
from iamkit.policies.grammar.patterns import is_pattern
from iamkit.policies.lint.statement import Part, Remark
from iamkit.text import few

_ALL_ROLES = re.compile(r"\*|arn:[^:]*:(iam|\*):[^:]*:[^:]*:(\*|role/\*)")
_ALL_LINKED = re.compile(
    r"\*|arn:[^:]*:(iam|\*):[^:]*:[^:]*:(\*|role/\*|role/aws-service-role/\*(/.*)?)"
)
_PASSED_TO = ("iam:PassedToService", "iam:AssociatedResourceArn")


def find_full_administration(part: Part) -> Iterator[Remark]:
    """``*`` on ``*``."""
    for path, pattern in _given(part) if part.statement.everywhere else ():
        if pattern == "*":
            when = " whenever its condition holds" if part.statement.tests else ""
            text = (
                f"This allows everything on everything{when}: whoever has it administers the "
                "account. Keep it for the administrators' group, and name actions for others."
            )
            yield part.remark("full-administration", "warning", text, path)


def find_permissions_management(part: Part) -> Iterator[Remark]:
    """Wildcards by which permissions can be changed everywhere."""
    if not part.statement.allows or not part.statement.everywhere or part.statement.not_action:
        return
    managing = part.catalogue.levels["Permissions management"]
    for path, pattern in part.statement.items("Action"):
        found = part.catalogue.matching(pattern) & managing
        if found and is_pattern(pattern) and pattern != "*":
            text = (
                f"{pattern} includes managing permissions on everything "
                f"({few(part.catalogue.named(found))}). Name the actions that are wanted, or the "
                "resources."
            )
            yield part.remark("grants-permissions-management", "warning", text, path)


def find_free_pass_role(part: Part) -> Iterator[Remark]:
    """``iam:PassRole`` on every role, or all but some, for every service.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html
    """
    if not part.statement.allows or any(
        _limits(test) for key in _PASSED_TO for test in part.tests_of(key)
    ):
        return
    for path, pattern in _broad(part, "iam:PassRole", _ALL_ROLES):
        text = (
            f"{pattern} lets its holder hand {_reach(part, 'role')} to any service, and so "
            "use all that the roles may. Name the roles in Resource, and the service in a "
            "condition on iam:PassedToService."
        )
        yield part.remark("pass-role-anywhere", "warning", text, path)


def find_free_service_linked_roles(part: Part) -> Iterator[Remark]:
    """``iam:CreateServiceLinkedRole`` for any service.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create-service-linked-role.html
    """
    if not part.statement.allows or any(
        _limits(test) for test in part.tests_of("iam:AWSServiceName")
    ):
        return
    for path, pattern in _broad(part, "iam:CreateServiceLinkedRole", _ALL_LINKED):
        text = (
            f"{pattern} lets its holder make service-linked roles for any service. Name "
            "the service in Resource, as in role/aws-service-role/spot.amazonaws.com/*, or in a "
            "condition on iam:AWSServiceName."
        )
        yield part.remark("service-linked-role-anywhere", "warning", text, path)


def _broad(part: Part, action: str, every: re.Pattern[str]) -> Iterator[tuple[str, str]]:
    """The patterns by which a statement allows an action on every role, or all but some."""
    own = part.statement
    broad = own.not_resource or any(every.fullmatch(resource) for resource in own.resources)
    if not broad or not part.mask & part.catalogue.matching(action):
        return
    if own.not_action:
        yield "NotAction#", "NotAction"
        return
    for path, pattern in own.items("Action"):
        told = pattern == "*" and own.everywhere  # as full administration
        if not told and part.catalogue.matching(pattern) & part.catalogue.matching(action):
            yield path, pattern


def _reach(part: Part, noun: str) -> str:
    return f"every {noun} but some" if part.statement.not_resource else f"every {noun}"


def _limits(test: Test) -> bool:
    """Whether a condition names what is allowed, and not just what is not."""
    operator = test.operator
    positive = operator is not None and not (operator.negated or test.if_exists)
    named = test.name != "Null" and test.quantifier != "ForAllValues:"
    return positive and named and all(value.strip("*") for value in test.values)


def _given(part: Part) -> Iterator[tuple[str, str]]:
    """The patterns of actions that a statement allows by name, each with its path."""
    named = part.statement.allows and not part.statement.not_action
    return part.statement.items("Action") if named else iter(())


def find_redundant_statements(parts: tuple[Part, ...]) -> Iterator[Remark]:
    """Statements all of which another one says."""
    for part in parts:
        own = part.statement
        for one in parts:
            other = one.statement
            if one is part or part.mask & ~one.mask or not contains(other, own):
                continue
            if other.number > own.number and contains(own, other):
                continue  # they say the same: the later one is needless
            text = f"Statement {own.number} says nothing that statement {other.number} does not."
            yield part.remark("redundant-statement", "hint", f"{text} It can be removed.")
            break


def find_shadowed_allows(parts: tuple[Part, ...]) -> Iterator[Remark]:
    """Statements that allow what another one denies wholly."""
    denies = [part for part in parts if not part.statement.allows]
    for part in parts:
        own = part.statement
        for denying in denies if own.allows else ():
            deny = denying.statement
            if not part.mask & ~denying.mask and contains(replace(deny, allows=True), own):
                text = (
                    f"Statement {deny.number} denies all that statement {own.number} allows, and "
                    "a Deny always wins. Remove one of the two, or narrow the Deny."
                )
                yield part.remark("shadowed-allow", "warning", text)
                break
