"""Policies as they are for one user, whose name and tags are known.

A condition on them does not depend on anything: it holds, and so says nothing, or the statement
does not apply. Of a role nothing is settled, for its sessions may bring tags of their own.
https://docs.aws.amazon.com/IAM/latest/UserGuide/access_iam-tags.html
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

from iamkit.policies.grammar.conditions import Test
from iamkit.policies.grammar.patterns import Lookup, variables_of
from iamkit.policies.grammar.statements import Statement

_OF_A_USER = ("aws:principal", "aws:username")
_PLAIN = frozenset("*?$")


@lru_cache(maxsize=65_536)
def keys_of_user(statement: Statement) -> frozenset[str]:
    """The keys by which a statement may say something else to each user, in lower case.

    A variable that everyone has a value for is none of them: it is on some resource of everyone.
    """
    keys = {test.key.lower() for test in statement.tests}
    keys |= {
        name.lower() for test in statement.tests for v in test.values for name in variables_of(v)
    }
    resources = {name.lower() for pattern in statement.resources for name in variables_of(pattern)}
    keys |= {name for name in resources if name.startswith("aws:principaltag/")}
    return frozenset(key for key in keys if key.startswith(_OF_A_USER))


def settle(statement: Statement, lookup: Lookup) -> Statement | None:
    """A statement without what is known of the user; None if it does not apply to the user.

    Args:
        statement: as the policy has it.
        lookup: gives the values of the user's keys.
    """
    tests = list(_open_tests(statement, lookup))
    if None in tests:
        return None
    resources = statement.resources
    if statement.variables and any("${" in pattern for pattern in resources):
        resources = tuple(found for r in resources if (found := _settled(r, lookup)) is not None)
        if not resources and not statement.not_resource:
            return None
        if not resources:  # nothing is excepted, so that it is on everything
            return replace(
                statement, tests=tuple(filter(None, tests)), resources=("*",), not_resource=False
            )
    return replace(statement, tests=tuple(filter(None, tests)), resources=resources)


def _open_tests(statement: Statement, lookup: Lookup) -> Iterator[Test | None]:
    """The conditions that are open; None for one that does not hold."""
    for test in statement.tests:
        truth = test.holds(lookup)
        if truth is False:
            yield None
        elif truth is not True:
            yield test


def _settled(pattern: str, lookup: Lookup) -> str | None:
    """A pattern with the values of its tags in place; None if one has no value.

    One whose value has a letter with a meaning in patterns, or a default, stays as it is.
    """
    for name in variables_of(pattern):
        values = lookup(name) if name.lower().startswith("aws:principaltag/") else frozenset({name})
        written = f"${{{name}}}"
        if isinstance(values, frozenset) or written not in pattern:
            continue
        if values is None:
            return None
        if len(values) == 1 and not _PLAIN & set(values[0]):
            pattern = pattern.replace(written, values[0])
    return pattern
