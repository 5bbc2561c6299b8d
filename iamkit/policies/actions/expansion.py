"""Wildcards spread out to the actions that they name, and drawn together again.

``expand(shrink(x)) == expand(x)`` always: shrinking adds nothing and takes nothing away.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from iamkit.account.state import JSON
from iamkit.policies.actions.catalogue import Catalogue, load_catalogue
from iamkit.policies.grammar.document import count_characters, in_iam_order
from iamkit.policies.grammar.patterns import covers, is_pattern
from iamkit.policies.grammar.statements import (
    Statement,
    read_statement,
    read_statements,
    statements_of,
    texts_of,
)

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^A-Za-z\d]+")
_ELEMENTS = ("Action", "NotAction")


def expand(document: JSON) -> list[str]:
    """The actions that a policy allows on something, be it under conditions.

    What a ``Deny`` takes away everywhere and always is not among them. An action that the
    catalogue does not know is listed as it is written, unless a wildcard names it too.

    Returns:
        Such as ``["ec2:DescribeInstances"]``, in the catalogue's order, unknown ones last.
    """
    known = load_catalogue()
    allowed, denied, unknown, wide = 0, 0, set[str](), set[str]()
    for statement in read_statements(document):
        named = known.about(statement)
        if statement.allows:
            allowed |= named
            unknown |= _unknown(statement, known)
            wide |= set() if statement.not_action else set(filter(is_pattern, statement.actions))
        elif statement.everywhere and not statement.tests:
            denied |= named
    apart = [name for name in unknown if not any(covers(p, name, fold=True) for p in wide)]
    return known.named(allowed & ~denied) + sorted(apart)


def shrink(document: JSON) -> dict[str, Any]:
    """The same policy in fewer letters.

    Actions are drawn together to wildcards that end where a word ends and cover nothing else;
    statements that differ in their actions alone become one; one that another contains goes.

    Returns:
        A document that means the same; a list that would not get shorter stays as it is.
    """
    statements = [
        element | {key: _drawn(texts_of(element, key)) for key in _ELEMENTS if key in element}
        for element in _without_contained(_merge(document))
    ]
    shrunk = in_iam_order({**document, "Statement": statements})
    return shrunk if count_characters(shrunk) <= count_characters(document) else dict(document)


def shortest_patterns(mask: int, catalogue: Catalogue) -> list[str]:
    """The fewest patterns, exact or up to the end of a word, that name a set of actions exactly."""
    if mask and mask == catalogue.everything:
        return ["*"]
    return [
        f"{service}:{pattern}"
        for service, part in catalogue.by_service(mask)
        for first, end in [catalogue.services[service]]
        for pattern in _shortest(part >> first, catalogue.actions[first:end])
    ]


def _unknown(statement: Statement, catalogue: Catalogue) -> set[str]:
    """The actions that it names and the catalogue does not know."""
    named = () if statement.not_action else statement.actions
    return {action for action in named if not is_pattern(action) and not catalogue.matching(action)}


def _drawn(patterns: list[str]) -> list[str]:
    """A list of actions drawn together, if it gets shorter by that."""
    known = load_catalogue()
    unknown = [p for p in patterns if not known.matching(p)]
    short = shortest_patterns(known.union(patterns), known) + unknown
    return min(short, patterns, key=lambda given: (len(str(given)), given is patterns))


def _shortest(mask: int, actions: tuple[str, ...]) -> Iterator[str]:
    """Of one service; the lowest bit is its first action."""
    if mask == (1 << len(actions)) - 1:
        yield "*"
        return
    names, families = _families(actions)
    number = 0
    while mask >> number:
        if not mask >> number & 1:
            number += 1
            continue
        for prefix, end in families[number]:
            whole = (1 << (end - number)) - 1
            if mask >> number & whole == whole:
                yield f"{prefix}*"
                number = end
                break
        else:
            yield names[number]
            number += 1


@lru_cache(maxsize=1_024)
def _families(actions: tuple[str, ...]) -> tuple[list[str], list[list[tuple[str, int]]]]:
    """Names without their service; for each the prefixes, shortest first, of which it is the first.

    The names are in order without regard to case, so that a family is a run of them; with each
    prefix stands the number behind its last. A prefix must end a word in all names of its family.
    """
    names = [action.partition(":")[2] for action in actions]
    lowered = [name.lower() for name in names]
    borders = [set(_borders(name)) for name in names]
    found: list[list[tuple[str, int]]] = []
    for number, name in enumerate(names):
        families = []
        for border in sorted(borders[number]):
            prefix = lowered[number][:border]
            if number and lowered[number - 1].startswith(prefix):
                continue
            end = number + 1
            while end < len(names) and lowered[end].startswith(prefix):
                end += 1
            if end - number > 1 and all(border in borders[n] for n in range(number, end)):
                families.append((name[:border], end))
        found.append(families)
    return names, found


def _borders(name: str) -> Iterator[int]:
    """Where the words of a name end, its own end included."""
    return (found.end() for found in _WORD.finditer(name))


def _merge(document: JSON) -> list[dict[str, Any]]:
    """The statements, those that differ in their actions alone made one, at the first's place."""
    merged: dict[str, dict[str, Any]] = {}
    for number, statement in enumerate(statements_of(document)):
        rest = {key: value for key, value in statement.items() if key not in ("Sid", "Action")}
        key = repr(in_iam_order({"Statement": [rest]})) if "Action" in statement else str(number)
        if key in merged:
            actions = texts_of(merged[key], "Action") + texts_of(statement, "Action")
            merged[key]["Action"] = list(dict.fromkeys(actions))
        else:
            merged[key] = dict(statement)
    return list(merged.values())


def _without_contained(elements: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The statements without those that another one contains."""
    kept = [read_statement(element, number) for number, element in enumerate(elements, 1)]
    for statement in list(kept):
        if any(other is not statement and contains(other, statement) for other in kept):
            kept = [other for other in kept if other is not statement]
    return [dict(statement.element) for statement in kept]


def contains(wide: Statement, narrow: Statement) -> bool:
    """Whether a statement says all that another of the same effect says."""
    if wide.allows != narrow.allows or wide.not_resource or narrow.not_resource:
        return False
    if (wide.principals, wide.not_principal) != (narrow.principals, narrow.not_principal):
        return False
    if not set(wide.tests) <= set(narrow.tests):
        return False
    if not all(any(covers(p, r) for p in wide.resources) for r in narrow.resources):
        return False
    return _actions_within(wide, narrow)


def _actions_within(wide: Statement, narrow: Statement) -> bool:
    """Whether all actions are, the ones that the catalogue does not know yet included."""
    if wide.not_action or narrow.not_action:
        same = wide.not_action and narrow.not_action and wide.actions == narrow.actions
        return same or (wide.actions == ("*",) and not wide.not_action)
    return all(any(covers(p, a, fold=True) for p in wide.actions) for a in narrow.actions)
