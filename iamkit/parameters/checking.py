"""Values become a model, or an error that says all that is wrong with them, in a person's words."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from iamkit.errors import InputError
from iamkit.text import did_you_mean

MOST = 20
"""Mistakes that are told at once; a person mends these, and runs it again."""


class Model(BaseModel):
    """Strict: an unknown key or another type is an error, nothing is converted."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


AnyModel = TypeVar("AnyModel", bound=Model)


def check(model: type[AnyModel], given: Mapping[str, Any]) -> AnyModel:
    """Make a model of these values by name, or say all that is wrong with them, a line each.

    Raises:
        InputError: naming each field, what was expected and that nothing was changed.
    """
    try:
        return model.model_validate(dict(given))
    except ValidationError as error:
        raise all_wrong(described(error, model)) from None


def all_wrong(problems: Sequence[str]) -> InputError:
    """One error of all that is wrong, so that it is mended in one round.

    Args:
        problems: each without a full stop; lines after its first one show the place.
    """
    shown = [problem.partition("\n") for problem in problems[:MOST]]
    lines = [f"{_ended(first)}{newline}{rest}" for first, newline, rest in shown]
    if len(problems) == 1:
        first, newline, rest = problems[0].partition("\n")
        return InputError(f"{_ended(first)} Nothing was changed.{newline}{rest}")
    more = f", {MOST} of them shown" if len(problems) > MOST else ""
    last = f"{len(problems):,} mistakes{more}. Nothing was changed."
    return InputError("\n".join([*lines, last]))


def _ended(sentence: str) -> str:
    return sentence if sentence.endswith("?") else f"{sentence}."


def described(error: ValidationError, model: type[Model]) -> list[str]:
    """All that pydantic found wrong, in words for the user."""
    return [describe(problem, model) for problem in error.errors(include_url=False)]


def describe(problem: ErrorDetails, model: type[Model]) -> str:
    """One of pydantic's problems in words for the user: the field and what was expected."""
    place = field_path(problem["loc"])
    said = _expectation(problem, model)
    return f"{place}: {said}" if place else said


def field_path(location: tuple[int | str, ...]) -> str:
    """A place in the parameters as a person would write it: ``users[2].name``, counted from 1."""
    path = ""
    for part in location:
        path += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if path else part
    return path


def _expectation(problem: ErrorDetails, model: type[Model]) -> str:
    kind, value = problem["type"], problem.get("input")
    if kind == "missing":
        field = model.model_fields.get(str(problem["loc"][-1]))
        return f"this is missing ({field.description})" if field else "this is missing"
    if kind == "extra_forbidden":
        *above, key = problem["loc"]
        return f"unknown key{did_you_mean(str(key), _model_at(model, above).model_fields)}"
    if kind == "value_error":
        return str(problem["ctx"]["error"])
    expected = {
        "string_type": "text",
        "bool_type": "true or false",
        "list_type": "a list",
        "dict_type": "names with values",
        "model_type": "names with values",
        "model_attributes_type": "names with values",
        "literal_error": str(problem.get("ctx", {}).get("expected", "")),
        "string_pattern_mismatch": "12 digits",
    }
    told = re.sub(r"^\w+ should (be|have) ", "", problem["msg"])  # as pydantic says it
    return f"expected {expected.get(kind, told)}, got {_shorten(value)}"


def _model_at(model: type[Model], location: Iterable[int | str]) -> type[Model]:
    """The model of what stands at a place: in a field, or in the list that a field holds."""
    for name in location:
        if isinstance(name, str):
            kind = model.model_fields[name].annotation
            model = next(each for each in (kind, *get_args(kind)) if _is_model(each))
    return model


def _is_model(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, Model)


def _shorten(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}…"
