"""The parts of a policy document, whichever of its two forms each has: one, or a list."""

from collections.abc import Mapping
from typing import Any

from iamkit.account.state import JSON


def several_statements(document: JSON) -> Any:
    """What stands under ``Statement``, in a list if it is one object; it may be anything."""
    found = document.get("Statement")
    return [found] if isinstance(found, Mapping) else found


def statements_of(document: JSON) -> list[JSON]:
    """The statements of a policy, which may be one object in place of a list; none if it has none.

    Whether a policy's text is known at all is told by ``iamkit.account.gaps.is_described``.
    """
    found = document.get("Statement")
    listed = found if isinstance(found, list | tuple) else [found]
    return [statement for statement in listed if isinstance(statement, Mapping)]


def texts_of(statement: JSON, key: str) -> list[str]:
    """The texts of an element that may be one text in place of a list; none if it is not there."""
    value = statement.get(key, [])
    return [str(item) for item in value] if isinstance(value, list | tuple) else [str(value)]
