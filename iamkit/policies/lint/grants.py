"""Rules on what statements give, and on statements that others make needless."""

import re
from collections.abc import Iterator
from dataclasses import replace

from iamkit.policies.actions.expansion import contains
from iamkit.policies.grammar.patterns import is_pattern
from iamkit.policies.lint.statement import Part, Remark
from iamkit.text import few

_ALL_ROLES = re.compile(r"\*|arn:[^:]*:(iam|\*):[^:]*:[^:]*:(\*|role/\*)")
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
    """``iam:PassRole`` on every role, for every service."""
    limited = any(part.tests_of(key) for key in _PASSED_TO)
    everywhere = any(_ALL_ROLES.fullmatch(resource) for resource in part.statement.resources)
    everywhere = everywhere and not part.statement.not_resource
    passing = part.catalogue.matching("iam:PassRole")
    for path, pattern in _given(part) if everywhere and not limited else ():
        if pattern != "*" and part.catalogue.matching(pattern) & passing:
            text = (
                f"{pattern} lets its holder hand every role of the account to any service, and so "
                "use all that the roles may. Name the roles in Resource, and the service in a "
                "condition on iam:PassedToService."
            )
            yield part.remark("pass-role-anywhere", "warning", text, path)


def _given(part: Part) -> Iterator[tuple[str, str]]:
    """The patterns of actions that a statement allows by name, each with its path."""
    named = part.statement.allows and not part.statement.not_action
    return part.statement.items("Action") if named else iter(())


def find_redundant_statements(parts: tuple[Part, ...]) -> Iterator[Remark]:
    """Statements all of which another one says."""
    for part in parts:
        own = part.statement
        for other in (one.statement for one in parts if one is not part):
            if not contains(other, own):
                continue
            if other.number > own.number and contains(own, other):
                continue  # they say the same: the later one is needless
            text = f"Statement {own.number} says nothing that statement {other.number} does not."
            yield part.remark("redundant-statement", "hint", f"{text} It can be removed.")
            break


def find_shadowed_allows(parts: tuple[Part, ...]) -> Iterator[Remark]:
    """Statements that allow what another one denies wholly."""
    denies = [part.statement for part in parts if not part.statement.allows]
    for part in parts:
        own = part.statement
        for deny in denies if own.allows else ():
            if contains(replace(deny, allows=True), own):
                text = (
                    f"Statement {deny.number} denies all that statement {own.number} allows, and "
                    "a Deny always wins. Remove one of the two, or narrow the Deny."
                )
                yield part.remark("shadowed-allow", "warning", text)
                break
