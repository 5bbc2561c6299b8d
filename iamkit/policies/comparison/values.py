"""Values of a context key of which each stands for all that some conditions cannot tell apart."""

import ipaddress
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from itertools import chain, combinations, pairwise

from iamkit.policies.evaluation.sets import members_of
from iamkit.policies.grammar.conditions import Test, read_date
from iamkit.policies.grammar.patterns import (
    ANY,
    ARN_PARTS,
    NO_COLON,
    Lookup,
    variables_of,
)
from iamkit.policies.lint.condition_keys import type_of

Values = tuple[str, ...] | None
"""Those of one key in a request; None if it has none."""

ALWAYS = frozenset(
    "aws:currenttime aws:epochtime aws:securetransport aws:requestedregion aws:viaawsservice "
    "aws:principalisawsservice aws:principaltype aws:principalarn aws:principalaccount "
    "aws:userid".split()
)
"""Keys that every request of a user or role has.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
"""
_MOST_TOGETHER = 5
"""So many values of one key are tried in all their combinations."""
_ARN = ":".join(("arn", *[NO_COLON] * (ARN_PARTS - 2), ANY))
_FAMILIES = re.compile("String|Numeric|Date|Bool|Arn|Binary|(?:Not)?Ip|Null")
_TYPES = {"Numeric": "Numeric", "Date": "Date", "Bool": "Bool", "IPAddress": "Ip", "ARN": "Arn"}


@dataclass(frozen=True)
class Choices:
    """What a context key may be.

    Attributes:
        values: each stands for many.
        complete: whether every other value is answered as one of them is.
    """

    values: tuple[Values, ...]
    complete: bool


def choices_for(
    key: str, tests: Sequence[Test], lookup: Lookup, service: str, now: datetime | None
) -> Choices:
    """The values of a key that some conditions tell apart.

    Args:
        key: the context key.
        tests: all conditions on it, and those whose values name it as a variable.
        lookup: the values of other keys, for variables.
        service: of the action.
        now: a moment before which no request is made any more; None for none.
    """
    kind = type_of(key, [service]) or "unknown"
    own = [test for test in tests if test.key.lower() == key.lower()]
    families = {_family(test) for test in own} - {"Null"}
    wanted = _TYPES.get(kind.removeprefix("ArrayOf"), "String")
    made = list(_made(wanted, tests, lookup, now))
    fitting = {"String", "Arn"} if wanted in ("String", "Arn") else {wanted}
    complete = (families <= fitting or wanted == "Bool") and kind != "unknown"
    complete = complete and not _is_blurred(tests)
    for family in families - fitting if wanted == "String" else ():
        made += _made(family, own, lookup, now)
    if wanted in ("String", "Arn"):
        members = _members(own, lookup, wanted)
        complete = complete and members is not None
        made += members or ()
    told = _told_apart(made, own, lookup)
    sets: list[Values] = [(value,) for value in told]
    if kind.startswith("ArrayOf") or (kind == "unknown" and any(t.quantifier for t in own)):
        complete = complete and len(told) <= _MOST_TOGETHER
        sizes = range(2, len(told) + 1 if complete else 3)
        sets += chain.from_iterable(combinations(told, size) for size in sizes)
    if key.lower() not in ALWAYS:
        sets.append(None)
    return Choices(tuple(sets), complete)


def instance_of(pattern: str) -> str:
    """A text that a pattern matches and that reads like one."""
    return pattern.replace("*", "example").replace("?", "x")


def _family(test: Test) -> str:
    found = _FAMILIES.match(test.name)
    return found[0].removeprefix("Not") if found else ""


def _told_apart(made: Iterable[str], tests: Sequence[Test], lookup: Lookup) -> list[str]:
    """The first of all values that are the same to each test."""
    found: dict[tuple[object, ...], str] = {}
    for value in dict.fromkeys(made):

        def given(name: str, value: str = value) -> tuple[str, ...] | frozenset[str] | None:
            return (value,) if name.lower() == tests[0].key.lower() else lookup(name)

        found.setdefault(tuple(test.holds(given) for test in tests), value)
    return list(found.values())


def _made(
    family: str, tests: Sequence[Test], lookup: Lookup, now: datetime | None
) -> Iterator[str]:
    """Values that are likely to be told apart, those that read best first."""
    texts = [value for test in tests for value in test.values]
    if family == "Bool":
        yield from ("true", "false")
    elif family == "Numeric":
        yield from _numbers(texts)
    elif family == "Date":
        yield from _moments(texts, now)
    elif family == "Ip":
        yield from _addresses(texts)
    elif family == "Binary":
        yield from (*texts, "aWFta2l0")
    else:
        for test in tests:
            for text in test.values:
                plain = _filled(text, lookup) if test.variables else text
                if plain is not None:
                    folded = (plain.swapcase(), plain.upper()) if "IgnoreCase" in test.name else ()
                    yield from map(instance_of, (plain, *folded))
        if family != "Arn":
            yield "example"


def _filled(text: str, lookup: Lookup) -> str | None:
    """A text with its variables' values in place; None if one is not known or has no value."""
    for name in variables_of(text):
        values = lookup(name)
        if not isinstance(values, tuple) or len(values) != 1:
            return None
        plain = values[0].replace("\\", r"\\")
        text = re.sub(rf"\$\{{\s*{re.escape(name)}[^}}]*\}}", plain, text)
    return re.sub(r"\$\{([*?$])\}", r"\1", text)


def _members(tests: Sequence[Test], lookup: Lookup, wanted: str) -> tuple[str, ...] | None:
    """A text for each way in which the tests' patterns divide all texts; None if too many."""
    kinds = (_ARN,) if wanted == "Arn" else ()
    expressions = {e for test in tests for value in test.values for e in _read(test, value, lookup)}
    return members_of("*", kinds, tuple(sorted(expressions)))


def _read(test: Test, value: str, lookup: Lookup) -> Iterator[str]:
    """What a value of a condition matches, as a regular expression; none if it matches nothing."""
    family = _family(test)
    plain = _filled(value, lookup) if test.variables else value
    if plain is None or family not in ("String", "Arn"):
        return
    parts = plain.split(":", ARN_PARTS - 1)
    if family == "String":
        yield _glob(plain, ANY) if "Like" in test.name else re.escape(plain)
    elif plain == "*":
        yield f"arn:{ANY}"
    elif len(parts) == ARN_PARTS:
        yield ":".join([*(_glob(part, NO_COLON) for part in parts[:-1]), _glob(parts[-1], ANY)])


def _glob(text: str, star: str) -> str:
    return "".join({"*": star, "?": "."}.get(letter) or re.escape(letter) for letter in text)


def _is_blurred(tests: Sequence[Test]) -> bool:
    """Whether the tests may tell more texts apart than the expressions of their values do."""
    folded = any("IgnoreCase" in test.name for test in tests)
    like = any("Like" in test.name or _family(test) == "Arn" for test in tests)
    values = [(test, value) for test in tests for value in test.values]
    return (folded and like) or any(
        (test.variables and "${" in value)
        or (_family(test) == "Arn" and "?" in value.rpartition(":")[0])
        for test, value in values
    )


def _numbers(texts: Iterable[str]) -> Iterator[str]:
    found = sorted({number for text in texts if (number := _number(text)) is not None})
    if not found:
        yield "0"
        return
    for low, high in pairwise(found):
        yield from (str(low), str((low + high) / 2))
    yield from (str(found[-1]), str(found[-1] + 1), str(found[0] - 1))


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _moments(texts: Iterable[str], now: datetime | None) -> Iterator[str]:
    second = timedelta(seconds=1)
    dates = {date for text in texts if (date := read_date(text)) is not None}
    near = {d + n * second for d in dates for n in (-1, 0, 1) if d.year not in (1, 9999)}
    begin = now or datetime(2026, 1, 1, tzinfo=UTC)
    for moment in sorted({begin.replace(microsecond=0) + second, *near}):
        if now is None or moment >= now:
            yield moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _addresses(texts: Iterable[str]) -> Iterator[str]:
    """The first address of each range, the one behind it, and the first of all."""
    behind = []
    for text in texts:
        try:
            network = ipaddress.ip_network(text, strict=False)
        except ValueError:
            continue
        yield str(network.network_address)
        last = network.broadcast_address
        if int(last) + 1 < 1 << network.max_prefixlen:
            behind.append(str(last + 1))
    yield from (*behind, "198.51.100.1", "0.0.0.0", "2001:db8::1", "::")  # noqa: S104
