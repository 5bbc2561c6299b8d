"""A policy that exists, opened into the parts that a person could have chosen; or why not."""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Any

from iamkit.account.state import JSON
from iamkit.policies.actions.builder import (
    LEVEL_OF,
    Place,
    actions_of_verb,
    arn_of,
    resource_types,
)
from iamkit.policies.actions.catalogue import Catalogue, load_catalogue, resource_arns, union
from iamkit.policies.actions.expansion import shortest_patterns
from iamkit.policies.grammar.conditions import Test
from iamkit.policies.grammar.patterns import is_pattern
from iamkit.policies.grammar.statements import Statement, read_statements
from iamkit.policies.lint.resources import fits
from iamkit.text import few, listed

MOST_SERVICES = 12
"""Services of a statement beyond which its parts would be no help to anybody."""
_DAY_AFTER = re.compile(r"(\d{4}-\d\d-\d\d)T00:00:00Z")
_TAG = "aws:resourcetag/"


@dataclass(frozen=True)
class Opened:
    """What became of a policy.

    Attributes:
        parts: what a person would have chosen, as plain data.
        left: of each statement that is in no part, its name and why, in a sentence.
        idle: what a statement names and allows nowhere, in a sentence each; it is in no part.
    """

    parts: tuple[dict[str, Any], ...]
    left: tuple[str, ...]
    idle: tuple[str, ...] = ()


class _NoPartError(Exception):
    """Why a statement cannot be said as parts."""


def open_policy(document: JSON, place: Place) -> Opened:
    """The parts that allow what a policy allows, statement by statement.

    Args:
        document: the policy of a user, group or role.
        place: where the parts will be built again; an ARN of elsewhere is in no part.
    """
    parts: list[dict[str, Any]] = []
    left, idle = [], []
    for statement in read_statements(document):
        name = f"Statement {statement.number}{f' ({statement.sid})' if statement.sid else ''}"
        try:
            opened, lost = _open(statement, place, load_catalogue())
        except _NoPartError as why:
            left.append(f"{name} is in no part: {why}.")
            continue
        parts += opened
        idle += [f"{name}: {said}." for said in lost]
    return Opened(tuple(parts), tuple(left), tuple(idle))


def _open(
    statement: Statement, place: Place, catalogue: Catalogue
) -> tuple[list[dict[str, Any]], list[str]]:
    """A statement's parts, one for each service, and what it names and allows nowhere."""
    _check(statement, catalogue)
    conditions = _conditions(statement)
    mask = catalogue.about(statement)
    services = [service for service, _ in catalogue.by_service(mask)]
    if len(services) > MOST_SERVICES:
        raise _NoPartError(f"it is about {len(services)} services, and a part is about one")
    parts, used = [], 0
    arns: set[str] = set()
    for service, own in catalogue.by_service(mask):
        things: dict[str, int] = {}
        for arn in () if statement.everywhere else statement.resources:
            if found := _things(arn, service, own, place):
                arns.add(arn)
                things |= found
        granted = own if statement.everywhere else own & union(things.values())
        used |= granted
        if granted:
            kinds = {text.split(" ", 1)[0] for text in things}
            chosen = _verbs(service, granted, kinds, catalogue)
            parts.append({**chosen, **conditions, "services": [service], "resources": list(things)})
    idle = [] if used == mask else [_say_idle(mask & ~used, catalogue)]
    if not statement.everywhere:
        idle += [
            f"{arn} is none of what its actions work on"
            for arn in statement.resources
            if arn not in arns
        ]
    if not parts:
        raise _NoPartError(f"it allows nothing: {idle[0]}")
    return parts, idle


def _check(statement: Statement, catalogue: Catalogue) -> None:
    """Nothing, if a statement's elements are such as parts have."""
    if not statement.allows:
        raise _NoPartError("it denies, and a part can only allow")
    if statement.not_action or statement.not_resource:
        raise _NoPartError("it says what it is not about, and a part says what it is about")
    if statement.principals or statement.not_principal or not statement.resources:
        raise _NoPartError("it is of a resource's policy, and a part is of a person's")
    if unknown := [action for action in statement.actions if not catalogue.matching(action)]:
        raise _NoPartError(f"{few(unknown)} is not in the catalogue of {catalogue.date}")
    texts = (*statement.resources, *(value for test in statement.tests for value in test.values))
    if not statement.variables and any("${" in text for text in texts):
        raise _NoPartError("its version of the language knows no variables, and a part's does")


def _verbs(service: str, own: int, kinds: set[str], catalogue: Catalogue) -> dict[str, list[str]]:
    """Some actions of a service as verbs where these mean no others, and single actions."""
    whole = catalogue.of_service(service)
    types = resource_types([service], whole, catalogue)
    reach = union(types[kind] for kind in kinds) if kinds else whole
    meant = {verb: actions_of_verb(verb, whole, catalogue) & reach for verb in LEVEL_OF}
    verbs = {verb: mask for verb, mask in meant.items() if mask and not mask & ~own}
    rest = own & ~union(verbs.values())
    return {"do": list(verbs), "actions": shortest_patterns(rest, catalogue)}


def _things(arn: str, service: str, own: int, place: Place) -> dict[str, int]:
    """An ARN as things by type and name, with the actions that are about each; none if none is.

    With wildcards it may be of several types: then each action must be about one whose name says
    the whole of the ARN.
    """
    templates = resource_arns(service)
    types = resource_types([service], own, load_catalogue())
    fitting = {
        kind: mask
        for kind, mask in types.items()
        if fits(templates.get(kind.partition(":")[2], "*"), arn)
    }
    things = {}
    for kind, mask in fitting.items():
        name = _name_of(arn, kind, place)
        if name is not None:
            things[f"{kind} {name}".strip()] = mask
    if union(things.values()) != union(fitting.values()):
        kinds = listed([kind.partition(":")[2] for kind in fitting], most=3)
        several = f" ({kinds})" if is_pattern(arn) and len(fitting) > 1 else ""
        raise _NoPartError(f"{arn} cannot be said as things of this account by name{several}")
    return things


def _name_of(arn: str, kind: str, place: Place) -> str | None:
    """The name by which ``arn_of`` makes an ARN, as short as can be; None if there is none."""
    found = _template(kind, place).fullmatch(arn)
    if found is None:
        return None
    names = list(found.groups())
    while names and names[-1] == "*" and arn_of(kind, "/".join(names[:-1]), place) == arn:
        names.pop()
    name = "/".join(names)
    return name if name == name.strip() and arn_of(kind, name, place) == arn else None


@cache
def _template(kind: str, place: Place) -> re.Pattern[str]:
    """An ARN of a type, with a group for each of its names."""
    service, _, type_ = kind.partition(":")
    own = {"Partition": place.partition, "Account": place.account_id, "Region": "*"}
    parts = re.split(r"\$\{(\w+)\}", resource_arns(service).get(type_, ""))
    expression = "".join(
        re.escape(own[text]) if text in own else "(.*?)" if number % 2 else re.escape(text)
        for number, text in enumerate(parts)
    )
    return re.compile(expression, re.DOTALL)


def _conditions(statement: Statement) -> dict[str, Any]:
    """A statement's conditions by the names that a part has for them."""
    found: dict[str, Any] = {}
    for test in statement.tests:
        name, value = _condition(test)
        if name == "tagged" and not set(value) & set(found.get(name, ())):
            found[name] = {**found.get(name, {}), **value}
        elif name in found:
            raise _NoPartError(f"it has two conditions on {test.key}")
        else:
            found[name] = value
    return found


def _condition(test: Test) -> tuple[str, Any]:
    key, operator = test.key.lower(), "" if test.quantifier or test.if_exists else test.name
    value = test.values[0] if len(test.values) == 1 else ""
    if operator == "Bool" and key == "aws:multifactorauthpresent" and value.lower() == "true":
        return "with_mfa", True
    if operator == "IpAddress" and key == "aws:sourceip" and test.values:
        return "from_addresses", list(test.values)
    if operator == "DateLessThan" and key == "aws:currenttime" and _DAY_AFTER.fullmatch(value):
        return "until", (date.fromisoformat(value[:10]) - timedelta(days=1)).isoformat()
    if operator == "StringEquals" and key.startswith(_TAG) and value:
        return "tagged", {test.key[len(_TAG) :]: value}
    raise _NoPartError(f"it has the condition {test.written} on {test.key}")


def _say_idle(mask: int, catalogue: Catalogue) -> str:
    return f"{few(catalogue.named(mask))} can do nothing to its resources, so no part has it"
