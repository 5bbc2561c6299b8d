"""Rules on what statements give, and on statements that others make needless."""

import re
from collections.abc import Iterator

from iamkit.policies.actions.expansion import contains
from iamkit.policies.lint.statement import WILDCARDS, Part, Remark
from iamkit.text import few

_ALL_ROLES = re.compile(r"\*|arn:[^:]*:(iam|\*):[^:]*:[^:]*:(\*|role/\*)")
_PASSED_TO = ("iam:PassedToService", "iam:AssociatedResourceArn")


def find_full_administration(part: Part) -> Iterator[Remark]:
    """``*`` on ``*``."""
    if not part.allows or not part.everywhere or part.element == "NotAction":
        return
    for path, pattern in part.items("Action"):
        if pattern == "*":
            when = " whenever its condition holds" if part.tests else ""
            text = (
                f"This allows everything on everything{when}: whoever has it administers the "
                "account. Keep it for the administrators' group, and name actions for others."
            )
            yield part.remark("full-administration", "warning", text, path)


def find_permissions_management(part: Part) -> Iterator[Remark]:
    """Wildcards by which permissions can be changed everywhere."""
    if not part.allows or not part.everywhere or part.element == "NotAction":
        return
    managing = part.catalogue.levels["Permissions management"]
    for path, pattern in part.items("Action"):
        found = part.catalogue.matching(pattern) & managing
        if found and WILDCARDS & set(pattern) and pattern != "*":
            text = (
                f"{pattern} includes managing permissions on everything "
                f"({few(part.catalogue.named(found))}). Name the actions that are wanted, or the "
                "resources."
            )
            yield part.remark("grants-permissions-management", "warning", text, path)


def find_free_pass_role(part: Part) -> Iterator[Remark]:
    """``iam:PassRole`` on every role, for every service."""
    limited = any(part.tests_of(key) for key in _PASSED_TO)
    everywhere = any(_ALL_ROLES.fullmatch(resource) for resource in part.resources)
    if not part.allows or limited or not everywhere or part.element == "NotAction":
        return
    for path, pattern in part.items("Action"):
        if pattern != "*" and part.catalogue.matching(pattern) & _pass_role(part):
            text = (
                f"{pattern} lets its holder hand every role of the account to any service, and so "
                "use all that the roles may. Name the roles in Resource, and the service in a "
                "condition on iam:PassedToService."
            )
            yield part.remark("pass-role-anywhere", "warning", text, path)


def _pass_role(part: Part) -> int:
    return part.catalogue.matching("iam:PassRole")


def find_redundant_statements(parts: tuple[Part, ...]) -> Iterator[Remark]:
    """Statements all of which another one says."""
    for part in parts:
        for other in parts:
            if other is part or not contains(other.statement, part.statement):
                continue
            if other.number > part.number and contains(part.statement, other.statement):
                continue  # they say the same: the later one is needless
            text = f"Statement {part.number} says nothing that statement {other.number} does not."
            yield part.remark("redundant-statement", "hint", f"{text} It can be removed.")
            break


def find_shadowed_allows(parts: tuple[Part, ...]) -> Iterator[Remark]:
    """Statements that allow what another one denies wholly."""
    denies = [part for part in parts if not part.allows]
    for part in parts:
        for deny in denies if part.allows else ():
            if contains({**deny.statement, "Effect": "Allow"}, part.statement):
                text = (
                    f"Statement {deny.number} denies all that statement {part.number} allows, and "
                    "a Deny always wins. Remove one of the two, or narrow the Deny."
                )
                yield part.remark("shadowed-allow", "warning", text)
                break
