"""A call's parameters held against the API's own model: types, lengths, patterns, ranges.

The model is botocore's, which AWS generates: https://docs.aws.amazon.com/IAM/latest/APIReference/
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from iamkit.sandbox.server.errors import invalid

_TAG_TEXT = r"[\p{L}\p{Z}\p{N}"
"""How the patterns of tags begin; Python's ``re`` has no such classes."""


def check_shape(shape: Any, parameters: Mapping[str, Any]) -> None:
    """Check parameters against the input shape of an operation.

    Raises:
        Refused: ValidationError, which names every fault; no value is repeated, because a
            password may be among them.
    """
    faults = list(_structure_faults(shape, parameters, ""))
    if faults:
        plural = "s" if len(faults) > 1 else ""
        raise invalid(f"{len(faults)} validation error{plural} detected: {'; '.join(faults)}")


def _faults(shape: Any, value: Any, path: str) -> Iterator[str]:
    match shape.type_name:
        case "structure":
            yield from _structure_faults(shape, value, f"{path}.")
        case "list":
            yield from _range_faults(shape, len(value), path, "have length")
            for number, member in enumerate(value, 1):
                yield from _faults(shape.member, member, f"{path}.{number}.member")
        case "string":
            yield from _string_faults(shape, value, path)
        case "integer" | "long":
            yield from _range_faults(shape, value, path, "have value")


def _structure_faults(shape: Any, value: Mapping[str, Any], prefix: str) -> Iterator[str]:
    for name, member in shape.members.items():
        path = f"{prefix}{name[0].lower()}{name[1:]}"
        if name in value:
            yield from _faults(member, value[name], path)
        elif name in shape.required_members:
            yield f"Value null at '{path}' failed to satisfy constraint: Member must not be null"


def _string_faults(shape: Any, value: str, path: str) -> Iterator[str]:
    yield from _range_faults(shape, len(value), path, "have length")
    if shape.enum and value not in shape.enum:
        options = ", ".join(shape.enum)
        yield _fault(path, f"Member must satisfy enum value set: [{options}]")
    pattern = shape.metadata.get("pattern")
    if pattern and not _matches(pattern, value):
        yield _fault(path, f"Member must satisfy regular expression pattern: {pattern}")


def _range_faults(shape: Any, number: int, path: str, what: str) -> Iterator[str]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and number < least:
        yield _fault(path, f"Member must {what} greater than or equal to {least}")
    if most is not None and number > most:
        yield _fault(path, f"Member must {what} less than or equal to {most}")


def _fault(path: str, constraint: str) -> str:
    return f"Value at '{path}' failed to satisfy constraint: {constraint}"


def _matches(pattern: str, value: str) -> bool:
    if pattern.startswith(_TAG_TEXT):
        more = "_.:/=+-@{}" if "{}" in pattern else "_.:/=+-@"
        return all(char in more or unicodedata.category(char)[0] in "LZN" for char in value)
    return _compiled(pattern).fullmatch(value) is not None


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """The patterns are Java's, whose classes of words and digits are ASCII."""
    return re.compile(pattern, re.ASCII)
