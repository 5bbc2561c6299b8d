"""Read the text of a policy, whichever door it came through: strictly, and out of AWS's replies.

What is not JSON is refused with its place, and with the repaired text where the repair is sure.
What AWS itself wraps around a document, and its URL encoding, is taken off.
"""

import codecs
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote

from iamkit.errors import InputError
from iamkit.policies.grammar.positions import Position, find_position, find_twin, locate_paths
from iamkit.policies.grammar.validation import find_problem
from iamkit.text import NestedTooDeep, parse_json

MAX_TEXT = 200_000
"""Characters of text that are worth parsing; the largest quota of AWS is 10,240."""

_WRAPPERS = ("PolicyVersion", "PolicyDocument", "Document", "Policy")
"""The keys of AWS's replies behind which a document stands: GetPolicyVersion, GetGroupPolicy."""
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True)
class Reading:
    """A document, and where it stands in the text that was given.

    Attributes:
        document: what the JSON says; it may be no policy.
        text: in which its values have lines and columns; empty if it was encoded in another.
        prefix: the path of what wraps it, such as ``PolicyVersion.Document.``.
    """

    document: Any
    text: str
    prefix: str = ""

    def place(self, path: str) -> Position | None:
        """The line and column of a path in the document; None if the text has none."""
        places = self.places()
        return find_position(places, f"{self.prefix}{path}") if places else None

    def places(self) -> dict[str, Position]:
        """The positions of all paths of the text."""
        return locate_paths(self.text) if self.text else {}


def decode_text(data: bytes, where: str = "policy") -> str:
    """The text of a file: UTF-8, or UTF-16 as Windows' tools write it; a mark in front is gone.

    Raises:
        InputError: it is neither.
    """
    encoding = next((name for mark, name in _BOMS if data.startswith(mark)), "utf-8")
    if encoding == "utf-8" and b"\0" in data[:2]:
        encoding = "utf-16-be" if data[0] == 0 else "utf-16-le"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        raise InputError(f"{where}: it is neither UTF-8 nor UTF-16 text.") from None


def read_policy(text: str, where: str = "policy") -> Reading:
    """Read a document as a person or one of AWS's replies gives it; it is not judged.

    Args:
        text: JSON, perhaps URL-encoded, perhaps within the reply of an API call.
        where: how to call it in messages.

    Raises:
        InputError: with the place and, where it is sure, the repaired text.
    """
    bare = text.removeprefix("\ufeff")
    if _is_encoded(bare):
        return replace(read_policy(unquote(bare.strip()), where), text="")
    document, path = _unwrapped(read_json(bare, where), where)
    return Reading(document, bare if path is not None else "", path or "")


def unwrap_policy(value: Any, where: str = "policy") -> Any:
    """The document within a reply of AWS, which may hold its text; any other value as it is.

    Raises:
        InputError: the text within is not JSON.
    """
    return _unwrapped(value, where)[0]


def read_json(text: str, where: str = "policy") -> Any:
    """Read JSON as strictly as a policy wants it, whatever it says.

    Raises:
        InputError: with the place and, where it is sure, the repaired text.
    """
    if len(text) > MAX_TEXT:
        raise InputError(f"{where}: {len(text):,} characters are far beyond any policy's quota.")
    text = text.removeprefix("\ufeff")
    try:
        return load_strictly(text)
    except TwinKey as twin:
        key = twin.args[0]
        raise InputError(
            f"{where}: the key {key!r} is given twice in one object, and AWS would silently keep "
            f"only one of the two. Remove or merge one.{at(find_twin(text, key))}"
        ) from None
    except NestedTooDeep:
        raise InputError(f"{where}: it is nested far deeper than any policy.") from None
    except ValueError as error:
        raise InputError(f"{where}: {_explain(text, error)}") from None


class TwinKey(ValueError):  # noqa: N818
    """A key is given twice in one object."""


def load_strictly(text: str) -> Any:
    """JSON as its standard has it: no key twice, no NaN, and no nesting without end.

    Raises:
        TwinKey, NestedTooDeep: as they say.
        ValueError: it is not JSON.
    """
    return parse_json(text, object_pairs_hook=_no_twins, parse_constant=_no_constant)


def at(place: Position | None) -> str:
    """A place in a text, for the end of a message."""
    return f" (line {place[0]}, column {place[1]})" if place else ""


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            raise TwinKey(key)
        result[key] = value
    return result


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no value of JSON; write a number, or leave it out")


def _explain(text: str, error: ValueError) -> str:
    from iamkit.policies.grammar.repair import repair_text  # noqa: PLC0415 - imports YAML

    repaired = repair_text(text)
    if repaired:
        said = f"{repaired.what}{at(repaired.place)}."
        try:
            document, _ = _unwrapped(load_strictly(repaired.text), "policy")
        except (InputError, ValueError):
            return said
        problem = find_problem(document)
        also = f" Also: {problem.message}" if problem else ""
        return f"{said}{also}\nRepaired: {json.dumps(document, ensure_ascii=False)}"
    if isinstance(error, json.JSONDecodeError):
        return f"not JSON at line {error.lineno}, column {error.colno}: {error.msg}."
    return f"not JSON: {error}."


def _is_encoded(text: str) -> bool:
    return text[:100].lstrip().lower().startswith("%7b")


def _unwrapped(value: Any, where: str) -> tuple[Any, str | None]:
    """The document, and the path to it; None if it stands encoded in a text."""
    path = ""
    while isinstance(value, Mapping) and "Statement" not in value:
        key = next((key for key in _WRAPPERS if key in value), None)
        inner = value[key] if key else None
        if isinstance(inner, str) and (_is_encoded(inner) or inner.lstrip().startswith("{")):
            return read_policy(inner, f"{where}, in its {key}").document, None
        if not isinstance(inner, Mapping):
            break
        value, path = inner, f"{path}{key}."
    return value, path
