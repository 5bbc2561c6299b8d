"""The ``Condition`` element: all of IAM's operators, over what is known of a request.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""

import base64
import binascii
import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from iamkit.policies.grammar.patterns import Lookup, matches_arn, matches_text
from iamkit.policies.grammar.three_valued import Truth, all_of, any_of, opposite

Match = Callable[[str, str, Lookup | None], Truth]
"""Whether a policy's value, a request's value, and what gives its variables' values go together."""

_SETS = ("ForAllValues:", "ForAnyValue:")


@dataclass(frozen=True)
class Operator:
    """One of IAM's condition operators.

    Attributes:
        name: as AWS writes it.
        match: of its positive form.
        negated: whether it holds when no value matches.
        variables: whether ``${…}`` has a meaning in its values.
    """

    name: str
    match: Match
    negated: bool = False
    variables: bool = False


@dataclass(frozen=True)
class Test:
    """One key of one operator: ``"Bool": {"aws:SecureTransport": "true"}``.

    Attributes:
        operator: None if AWS has none of that name.
        quantifier: ``ForAllValues:``, ``ForAnyValue:`` or empty.
        written: the operator as the policy writes it.
    """

    written: str
    operator: Operator | None
    quantifier: str
    if_exists: bool
    key: str
    values: tuple[str, ...]
    variables: bool

    @property
    def name(self) -> str:
        """Its operator's name as AWS writes it; empty if AWS has none of that name."""
        return self.operator.name if self.operator else ""

    @property
    def path(self) -> str:
        """Its position within its statement."""
        return f"Condition.{self.written}.{self.key}"

    def holds(self, lookup: Lookup) -> Truth:
        """Whether the request passes it."""
        if self.operator is None:
            return frozenset({f"the operator {self.written}"})
        given = lookup(self.key)
        if isinstance(given, frozenset):
            return given
        if self.name == "Null":
            wanted = {value.lower() for value in self.values}
            return ("true" in wanted and not given) or ("false" in wanted and bool(given))
        if given is None and self.if_exists:
            return True
        each = (self._one(value, lookup) for value in given or ())
        every = self.quantifier == _SETS[0] or (not self.quantifier and self.operator.negated)
        return all_of(each) if every else any_of(each)

    def _one(self, given: str, lookup: Lookup) -> Truth:
        """Whether one of the request's values passes: it is one of the policy's, or none of them.

        https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-logic-multiple-context-keys-or-values.html
        """
        assert self.operator is not None  # noqa: S101 - for the type checker; holds() has asked
        match, names = self.operator.match, lookup if self.variables else None
        found = any_of(match(value, given, names) for value in self.values)
        return opposite(found) if self.operator.negated else found


def read_conditions(condition: Any, *, variables: bool) -> tuple[Test, ...]:
    """The tests of a ``Condition`` element, all of which must hold.

    Args:
        condition: the element as it stands in the statement.
        variables: whether the policy's version knows policy variables.
    """
    if not condition or not isinstance(condition, Mapping):
        return ()
    return tuple(_tests(condition, variables))


@lru_cache(maxsize=1_024)
def split_operator(written: str) -> tuple[str, str, bool]:
    """``ForAllValues:StringLikeIfExists`` as quantifier, name and whether it ends in IfExists."""
    quantifier = next((q for q in _SETS if written.lower().startswith(q.lower())), "")
    name = written[len(quantifier) :]
    if_exists = name.lower().endswith("ifexists")
    return quantifier, name[: -len("IfExists")] if if_exists else name, if_exists


def texts(values: Any) -> tuple[str, ...]:
    """The values of a condition or a context key as IAM compares them: as texts."""
    several = values if isinstance(values, list | tuple | set | frozenset) else (values,)
    return tuple(str(v).lower() if isinstance(v, bool) else str(v) for v in several)


def _tests(condition: Mapping[str, Any], variables: bool) -> Iterator[Test]:
    for written, keys in condition.items():
        quantifier, name, if_exists = split_operator(str(written))
        operator = OPERATORS.get(name.lower())
        for key, values in keys.items() if isinstance(keys, Mapping) else ():
            yield Test(
                written=str(written),
                operator=operator,
                quantifier=quantifier,
                if_exists=if_exists,
                key=str(key),
                values=texts(values),
                variables=variables and operator is not None and operator.variables,
            )


def _equals(wanted: str, given: str, names: Lookup | None) -> Truth:
    return wanted == given if names is None else matches_text(wanted, given, names, wildcards=False)


def _equals_ignoring_case(wanted: str, given: str, names: Lookup | None) -> Truth:
    lowered: Lookup | None = None if names is None else (lambda key: _lower(names(key)))
    return _equals(wanted.lower(), given.lower(), lowered)


def _lower(values: Any) -> Any:
    return tuple(v.lower() for v in values) if isinstance(values, tuple) else values


def _like(wanted: str, given: str, names: Lookup | None) -> Truth:
    return matches_text(wanted, given, names, wildcards=True)


def _bool(wanted: str, given: str, _: Lookup | None) -> Truth:
    return wanted.lower() == given.lower() and wanted.lower() in ("true", "false")


def _null(*_: Any) -> Truth:
    raise AssertionError("Null looks at whether a key is there, not at its values")


def _binary(wanted: str, given: str, _: Lookup | None) -> Truth:
    try:
        decode = base64.b64decode
        return decode(wanted, validate=True) == decode(given, validate=True)
    except (binascii.Error, ValueError):
        return False


def _in_network(wanted: str, given: str, _: Lookup | None) -> Truth:
    try:
        address = ipaddress.ip_interface(given)
        network = ipaddress.ip_network(wanted, strict=False)
    except ValueError:
        return False
    if address.version != network.version:
        return False
    return address.network.subnet_of(network)  # type: ignore[arg-type] # of one version, as asked


def _compare(read: Callable[[str], Any], holds: Callable[[Any, Any], bool]) -> Match:
    """A comparison of what is read from both texts; what cannot be read does not match."""

    def match(wanted: str, given: str, _: Lookup | None) -> Truth:
        left, right = read(given), read(wanted)
        return left is not None and right is not None and holds(left, right)

    return match


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def read_date(text: str) -> datetime | None:
    """A date of ISO 8601 as AWS takes it, or the seconds since 1970; UTC where it names no zone."""
    if re.fullmatch(r"\d{1,4}|\d{4}-\d{2}", text):  # a year, or a month, of ISO 8601
        year, _, month = text.partition("-")
        text = f"{year:0>4}-{month or '01'}-01"
    try:
        if re.fullmatch(r"\d{5,13}(\.\d+)?", text):
            return datetime.fromtimestamp(float(text), UTC)
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "LessThan": lambda a, b: a < b,
    "LessThanEquals": lambda a, b: a <= b,
    "GreaterThan": lambda a, b: a > b,
    "GreaterThanEquals": lambda a, b: a >= b,
}


def _operators() -> Iterator[Operator]:
    texts_: tuple[tuple[str, str, Match], ...] = (
        ("StringEquals", "StringNotEquals", _equals),
        ("StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", _equals_ignoring_case),
        ("StringLike", "StringNotLike", _like),
        ("ArnEquals", "ArnNotEquals", matches_arn),
        ("ArnLike", "ArnNotLike", matches_arn),
    )
    for positive, negative, match in texts_:
        yield Operator(positive, match, variables=True)
        yield Operator(negative, match, negated=True, variables=True)
    for kind, read in (("Numeric", _number), ("Date", read_date)):
        equal = _compare(read, lambda a, b: a == b)
        yield Operator(f"{kind}Equals", equal)
        yield Operator(f"{kind}NotEquals", equal, negated=True)
        for name, order in _ORDERS.items():
            yield Operator(f"{kind}{name}", _compare(read, order))
    yield Operator("Bool", _bool)
    yield Operator("Null", _null)
    yield Operator("BinaryEquals", _binary)
    yield Operator("IpAddress", _in_network)
    yield Operator("NotIpAddress", _in_network, negated=True)


OPERATORS: Mapping[str, Operator] = {operator.name.lower(): operator for operator in _operators()}
"""By their names in lower case: AWS takes them in any."""
