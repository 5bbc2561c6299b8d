"""True, false, or "it depends on …": what is not known is carried along and never guessed.

A ``Truth`` is a ``bool``, or the non-empty set of what it depends on: context keys, ``resource``.
"""

from collections.abc import Iterable

Truth = bool | frozenset[str]


def all_of(truths: Iterable[Truth]) -> Truth:
    """Whether all hold; one that does not hold decides, whatever the others depend on."""
    unknown: frozenset[str] = frozenset()
    for truth in truths:
        if truth is False:
            return False
        if truth is not True:
            unknown |= truth
    return unknown or True


def any_of(truths: Iterable[Truth]) -> Truth:
    """Whether one holds; one that holds decides, whatever the others depend on."""
    unknown: frozenset[str] = frozenset()
    for truth in truths:
        if truth is True:
            return True
        if truth is not False:
            unknown |= truth
    return unknown or False


def opposite(truth: Truth) -> Truth:
    """Whether it does not hold."""
    return not truth if isinstance(truth, bool) else truth
