"""Rules on ``Condition``: operators, keys and whether they go together.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""

import re
from collections.abc import Callable, Iterator

from iamkit.policies.grammar.conditions import Test, read_date
from iamkit.policies.grammar.patterns import ANY_VARIABLE, ARN_PARTS
from iamkit.policies.lint.condition_keys import keys_of, services_with, type_of
from iamkit.policies.lint.statement import Part, Remark, did_you_mean

_MISFITS = {
    "String": {"IPAddress", "Numeric", "Date"},
    "Numeric": {"String", "ARN", "Bool", "IPAddress"},
    "Date": {"String", "ARN", "Bool", "IPAddress"},
    "Bool": {"ARN", "Numeric", "Date", "IPAddress"},
    "Ip": {"ARN", "Bool", "Numeric", "Date"},
    "Arn": {"Bool", "Numeric", "Date", "IPAddress"},
}
"""By kind of operator, the types of keys that it can never judge; doubtful pairs are left out."""

_TYPES = {
    "String": ("a text", "StringEquals"),
    "ARN": ("an ARN", "ArnLike"),
    "Bool": ("true or false", "Bool"),
    "Numeric": ("a number", "NumericEquals"),
    "Date": ("a date", "DateLessThan"),
    "IPAddress": ("an IP address", "IpAddress"),
}
"""By type of key, what its values are, and an operator that judges them."""


def find_empty_conditions(part: Part) -> Iterator[Remark]:
    """Conditions that name nothing, which AWS takes and which always hold."""
    condition = part.statement.element.get("Condition")
    if condition == {}:
        text = "The Condition is empty, so it restricts nothing. Fill or remove it."
        yield part.remark("empty-condition", "warning", text, "Condition#")
    for written, tests in (condition or {}).items():
        path = f"Condition.{written}"
        if not tests:
            text = f"{written} names no condition key, so it restricts nothing. Fill or remove it."
            yield part.remark("empty-condition", "warning", text, f"{path}#")
        for key in (key for key, values in tests.items() if values == []):
            text = f"{written} compares {key} with nothing, so it is never one of its values."
            yield part.remark("empty-condition", "warning", text, f"{path}.{key}#")


def find_unknown_keys(part: Part) -> Iterator[Remark]:
    """Condition keys that no request for the statement's actions has."""
    for test in part.statement.tests:
        if type_of(test.key, part.services) is not None:
            continue
        elsewhere = [] if test.key.lower().startswith("aws:") else services_with(test.key)
        if ":" not in test.key:
            why = (
                f"The condition key {test.key!r} has no service, as in aws:SourceIp. AWS takes it, "
                "and no request has it."
            )
        elif elsewhere:
            why = (
                f"The condition key {test.key} belongs to {elsewhere[0]}, and no action of the "
                "statement is of that service, so no request has it. Move it to a statement for it."
            )
        else:
            own = part.services if len(part.services) < 20 else ()
            meant = did_you_mean(test.key, keys_of((*own, test.key.partition(":")[0].lower())))
            why = f"AWS has no condition key {test.key}, so no request has it.{meant}"
        yield part.remark("unknown-condition-key", "warning", why, f"{test.path}#")


def find_misfit_operators(part: Part) -> Iterator[Remark]:
    """Operators for another type of value than that of their key."""
    for test in part.statement.tests:
        kind = (type_of(test.key, part.services) or "").removeprefix("ArrayOf")
        if kind in _MISFITS.get(_family(test), ()):
            what, operator = _TYPES[kind]
            text = (
                f"{test.written} cannot judge {test.key}, which is {what}. Use one of the "
                f"operators for it, such as {operator}."
            )
            yield part.remark("operator-type", "warning", text, f"{test.path}#")


def _family(test: Test) -> str:
    found = re.match("String|Numeric|Date|Bool|Arn|(?:Not)?Ip", test.name)
    return found[0].removeprefix("Not") if found else ""


def find_missing_quantifiers(part: Part) -> Iterator[Remark]:
    """Keys of several values whose operator does not say whether all or any of them count."""
    for test in part.statement.tests:
        kind = type_of(test.key, part.services) or ""
        if not kind.startswith("ArrayOf") or test.quantifier or test.name == "Null":
            continue
        text = (
            f"{test.key} has several values, and {test.written} does not say whether all of them "
            f"must match or one. Write ForAnyValue:{test.written} or ForAllValues:{test.written}."
        )
        yield part.remark("missing-quantifier", "warning", text, f"Condition.{test.written}#")


def find_empty_sets(part: Part) -> Iterator[Remark]:
    """``ForAllValues`` that allows a request without the key, for want of a ``Null``."""
    for test in part.statement.tests:
        if not part.statement.allows or test.quantifier != "ForAllValues:":
            continue
        guarded = any(
            other.name == "Null" and "false" in [value.lower() for value in other.values]
            for other in part.tests_of(test.key)
        )
        if not guarded:
            text = (
                f"{test.written} holds also for a request that has no {test.key} at all. To ask "
                f'for it, add "Null": {{"{test.key}": "false"}}.'
            )
            yield part.remark("for-all-values-of-none", "warning", text, f"{test.path}#")


def find_malformed_values(part: Part) -> Iterator[Remark]:
    """Values that the operator cannot read, so that they match nothing."""
    for test in part.statement.tests:
        family = "Null" if test.name == "Null" else _family(test)
        if family not in _READERS:
            continue
        what, reads = _READERS[family]
        for path, value in part.statement.values(test):
            if not reads(value):
                text = f"{test.written} wants {what}, and {value!r} is none, so it never matches."
                yield part.remark("malformed-value", "error", text, path)


def _is_arn(text: str) -> bool:
    if text == "*" or "${" in text:
        return True
    parts = text.split(":", ARN_PARTS - 1)
    return len(parts) == ARN_PARTS and ("*" in parts[0] or parts[0] == "arn")


def _is_number(text: str) -> bool:
    return re.fullmatch(r"\s*[-+]?\d+(\.\d+)?\s*", text) is not None


def _is_truth(text: str) -> bool:
    return text.lower() in ("true", "false")


_READERS: dict[str, tuple[str, Callable[[str], bool]]] = {
    "Bool": ("true or false", _is_truth),
    "Null": ("true or false", _is_truth),
    "Numeric": ("a number", _is_number),
    "Date": ("a date such as 2026-01-31T00:00:00Z", lambda text: read_date(text) is not None),
    "Arn": ("an ARN of six parts, such as arn:aws:iam::111122223333:role/app-*", _is_arn),
}


def find_odd_variables(part: Part) -> Iterator[Remark]:
    """Policy variables that are malformed, or name a key that AWS has not."""
    plain = part.statement.version == "2008-10-17"
    for path, text in () if plain else part.texts(every=False):
        for found in ANY_VARIABLE.findall(text):
            key = re.fullmatch(r"\$\{\s*([^,]*?)\s*(,\s*'[^']*'\s*)?\}", found)
            if key and key[1] in ("*", "?", "$"):
                continue
            if not key or not re.fullmatch(r"[\w.-]+:.+", key[1]):
                message = (
                    f"{found} is no policy variable: it should read ${{aws:username}}, or "
                    "${key, 'default'}."
                )
                yield part.remark("malformed-variable", "error", message, path)
            elif type_of(key[1], part.services) is None:
                meant = did_you_mean(key[1], keys_of(part.services if part.mask else ()))
                message = f"{found} names no condition key of AWS, so it never matches.{meant}"
                yield part.remark("unknown-variable", "warning", message, path)
        if "${" in ANY_VARIABLE.sub("", text):
            message = f"{text!r} opens a variable with ${{ and does not close it with }}."
            yield part.remark("malformed-variable", "error", message, path)
