"""Read a policy as a colleague would: what is wrong in it, what is needless, what goes too far.

The rules are our own: iam-policy-validator wants AWS's network or a folder of service files, and
parliament does not import on Python 3.13. Neither tells at which line and column its findings
stand, which an editor beside the text needs.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from functools import partial

from iamkit.account.state import JSON
from iamkit.errors import InputError
from iamkit.policies.actions.catalogue import load_catalogue
from iamkit.policies.grammar.document import count_characters, print_policy
from iamkit.policies.grammar.positions import Position, find_position
from iamkit.policies.grammar.quotas import UNSURE
from iamkit.policies.grammar.reading import Reading, read_policy, unwrap_policy
from iamkit.policies.grammar.statements import read_statements
from iamkit.policies.grammar.validation import judge_existing, old_version
from iamkit.policies.lint import (
    action_keys,
    actions,
    comparisons,
    conditions,
    grants,
    principals,
    request_context as circumstances,
    resources,
)
from iamkit.policies.lint.statement import Part, Remark, Severity

__all__ = ["DOCUMENT_RULES", "STATEMENT_RULES", "Remark", "Severity", "lint_policy"]

STATEMENT_RULES: tuple[Callable[[Part], Iterator[Remark]], ...] = (
    actions.find_unknown_actions,
    actions.find_redundant_actions,
    actions.find_not_action,
    actions.find_old_version,
    resources.find_misfits,
    resources.find_idle_actions,
    resources.find_not_resource,
    resources.find_redundant_resources,
    resources.find_groups,
    principals.find_malformed_principals,
    principals.find_not_principal,
    conditions.find_empty_conditions,
    conditions.find_unknown_keys,
    conditions.find_misfit_operators,
    conditions.find_missing_quantifiers,
    conditions.find_empty_sets,
    conditions.find_malformed_values,
    conditions.find_odd_variables,
    action_keys.find_keys_of_no_action,
    comparisons.find_equivalents_of_null,
    comparisons.find_literal_wildcards,
    comparisons.find_string_operators,
    comparisons.find_several_booleans,
    comparisons.find_null_if_exists,
    comparisons.find_redundant_values,
    circumstances.find_loose_mfa,
    circumstances.find_odd_networks,
    circumstances.find_past_dates,
    grants.find_full_administration,
    grants.find_permissions_management,
    grants.find_free_pass_role,
    grants.find_free_service_linked_roles,
)
"""Each looks at one statement."""

DOCUMENT_RULES: tuple[Callable[[tuple[Part, ...]], Iterator[Remark]], ...] = (
    circumstances.find_mfa_gaps,
    grants.find_redundant_statements,
    grants.find_shadowed_allows,
)
"""Each looks at all statements together."""


def lint_policy(
    given: JSON | str,
    *,
    identity: bool = True,
    quota: int | None = None,
    now: datetime | None = None,
) -> list[Remark]:
    """What is to be said of a policy, in the order of its text.

    Args:
        given: the document, or its JSON text.
        identity: whether it is the policy of a user, group or role, and not of a resource.
        quota: how many characters it may have, white space not counted.
        now: against which dates in conditions are held; they are not looked at without it.

    Returns:
        The remarks, each with its line and column in the text, or in that of ``print_policy``.
    """
    try:
        reading = (
            read_policy(given) if isinstance(given, str) else Reading(unwrap_policy(given), "")
        )
    except InputError as error:
        return [_not_json(error)]
    document = reading.document
    remarks = _structure(document, identity=identity)
    if not remarks:
        known = load_catalogue()
        parts = tuple(Part(statement, known, now) for statement in read_statements(document))
        remarks = [*_whole(document, quota), *_remarks(parts)]
    if not remarks:
        return []
    if not isinstance(given, str):  # it has no text of its own
        reading = replace(reading, text=_printed(document))
    place = partial(_placed, reading.places(), reading.prefix)
    return sorted(map(place, remarks), key=lambda remark: (remark.line, remark.column))


def _remarks(parts: tuple[Part, ...]) -> Iterator[Remark]:
    for part in parts:
        for rule in STATEMENT_RULES:
            yield from rule(part)
    for document_rule in DOCUMENT_RULES:
        yield from document_rule(parts)


def _not_json(error: InputError) -> Remark:
    found = re.search(r"line (\d+), column (\d+)", str(error))
    line, column = (int(found[1]), int(found[2])) if found else (0, 0)
    return Remark("not-json", "error", str(error), line=line, column=column)


def _structure(document: object, *, identity: bool) -> list[Remark]:
    """By what the document is no policy: the first such thing."""
    problem = judge_existing(document, identity=identity)
    if problem is None:
        return []
    number = re.match(r"Statement\[(\d+)\]", problem.path)
    statement = int(number[1]) if number else 0
    message = problem.message[:1].upper() + problem.message[1:]
    return [Remark(problem.rule, "error", message, problem.path, statement=statement)]


def _whole(document: JSON, quota: int | None) -> Iterator[Remark]:
    """What is said of the document as such."""
    size = count_characters(document)
    if quota is not None and abs(size - quota) <= UNSURE:
        text = (
            f"The policy has {size:,} characters and IAM takes {quota:,}, white space aside. "
            "AWS's own counts differ by one, so it cannot be told whether it fits. Shorten it."
        )
        yield Remark("size-cannot-be-told", "warning", text)
    elif quota is not None and size > quota:
        text = (
            f"The policy has {size:,} characters, {size - quota:,} more than the {quota:,} that "
            "IAM takes, white space not counted. Draw actions together, or split it."
        )
        yield Remark("too-long", "error", text)
    for problem in old_version(document):
        yield Remark(problem.rule, "warning", problem.message, problem.path)
    if "Conditions" in document:
        text = (
            "AWS takes Conditions beside the statements and passes over it, so it restricts "
            "nothing. Write Condition, within each statement that it is meant for."
        )
        yield Remark("idle-conditions", "error", text, "Conditions#")


def _printed(document: object) -> str:
    """The text in which a document's remarks are placed; empty if it cannot be printed."""
    try:
        return print_policy(document)  # type: ignore[arg-type]
    except (AttributeError, TypeError, ValueError):
        return ""


def _placed(places: dict[str, Position], prefix: str, remark: Remark) -> Remark:
    """The remark with its line and column, and the path as people read it."""
    path = remark.path.removesuffix("#")
    if not places:
        return replace(remark, path=path)
    line, column = find_position(places, f"{prefix}{remark.path}")
    return replace(remark, path=path, line=line, column=column)
