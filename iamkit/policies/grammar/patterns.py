"""IAM's wildcards and policy variables: texts in which ``*``, ``?`` and ``${…}`` have a meaning.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
"""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache

from iamkit.policies.grammar.three_valued import Truth, all_of

Lookup = Callable[[str], tuple[str, ...] | frozenset[str] | None]
"""The values of a context key; None if the request has none, a set of names if it is not known."""

_VARIABLE = re.compile(r"\$\{\s*([^{},]+?)\s*(?:,\s*'([^']*)'\s*)?\}")
ANY_VARIABLE = re.compile(r"\$\{[^}]*\}")
"""A policy variable, well formed or not."""
ANY, NO_COLON = ".*", "[^:]*"
"""What the wildcards become in a regular expression."""
_STARS = ("*", ANY, NO_COLON)
STEP = re.compile(r"\[\^:\]\*|\.\*|\\.|.", re.DOTALL)
FEW_STARS = 2
"""So many a regular expression takes in its stride, whatever the text."""
_LITERALS = {"*", "?", "$"}
ARN_PARTS = 6


@lru_cache(maxsize=65_536)
def action_pattern(pattern: str) -> "re.Pattern[str] | Walker":
    """What matches the actions that a pattern names, by ``fullmatch``, without regard to case.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html
    """
    return _compiled(_glob(pattern), re.IGNORECASE | re.ASCII)


class Walker:
    """A pattern with many stars: it takes a text letter by letter, and never goes back.

    A regular expression with many stars may take hours for one hostile policy. The places that
    are reached in the pattern are the bits of a number.
    """

    def __init__(self, expression: str, flags: int) -> None:
        self._fold = bool(flags & re.IGNORECASE)
        self._letters: dict[str, int] = {}
        self._dots = self._stars = self._within_parts = 0
        steps = steps_of(expression)
        for place, step in enumerate(steps):
            bit = 1 << place
            if step in (ANY, NO_COLON):
                self._stars |= bit
                self._within_parts |= bit if step == NO_COLON else 0
            elif step == ".":
                self._dots |= bit
            else:
                letter = self._key(step[-1])
                self._letters[letter] = self._letters.get(letter, 0) | bit
        self._end = 1 << len(steps)

    def fullmatch(self, text: str) -> bool:
        """Whether the whole text is of the pattern."""
        state = self._closed(1)
        for letter in text:
            kept = state & (self._stars & ~self._within_parts if letter == ":" else self._stars)
            moved = state & (self._letters.get(self._key(letter), 0) | self._dots)
            state = self._closed(moved << 1 | kept)
            if not state:
                return False
        return bool(state & self._end)

    def _closed(self, state: int) -> int:
        """A star may stand for nothing."""
        return state | (state & self._stars) << 1

    def _key(self, letter: str) -> str:
        return letter.lower() if self._fold else letter


def matches_text(pattern: str, text: str, lookup: Lookup | None, *, wildcards: bool) -> Truth:
    """Whether a text is the pattern's, case and all.

    Args:
        pattern: of a condition; its variables count unless ``lookup`` is None.
        text: a value of the request.
        lookup: gives the variables' values.
        wildcards: whether ``*`` and ``?`` stand for any letters (StringLike).
    """
    return _matches(pattern, text, lookup, _glob if wildcards else re.escape)


def matches_resource(pattern: str, resource: str, lookup: Lookup | None) -> Truth:
    """Whether a resource is one of those that a ``Resource`` element names.

    In the first five parts of an ARN, a ``*`` reaches beyond the colon only as the last letter of
    its part.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
    """
    if pattern == "*":
        return True
    if lookup is None or "${" not in pattern:
        return bool(_compiled(resource_expression(pattern)).fullmatch(resource))
    return _matches(pattern, resource, lookup, _resource_glob(pattern))


@lru_cache(maxsize=65_536)
def resource_expression(pattern: str) -> str:
    """What a ``Resource`` element's pattern matches, as a regular expression without variables."""
    return _resource_glob(pattern)(pattern)


def expression_for(pattern: str, lookup: Lookup) -> str | None:
    """What a ``Resource`` element's pattern matches with its variables' values in place.

    A variable whose value is not known may be any text; None if one has no value, so that nothing
    is matched.
    """
    found = _expression(pattern, lookup, _resource_glob(pattern))
    return None if found is None else found[0]


def matches_arn(pattern: str, text: str, lookup: Lookup | None) -> Truth:
    """Whether an ARN is the condition's, each of its six parts for itself (ArnLike, ArnEquals).

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_ARN
    """
    wanted = _split_arn(pattern)
    given = text.split(":", ARN_PARTS - 1)
    if pattern == "*":
        return text.startswith("arn:")
    if len(wanted) != ARN_PARTS or len(given) != ARN_PARTS:
        return False
    parts = zip(wanted, given, strict=True)
    return all_of(matches_text(part, value, lookup, wildcards=True) for part, value in parts)


def covers(pattern: str, other: str, *, fold: bool = False) -> bool:
    """Whether whatever ``other`` matches, ``pattern`` matches too; both may have wildcards.

    Args:
        pattern: the one that may be wider.
        other: the one that may be narrower; its wildcards stand for any letters.
        fold: whether case is ignored, as in actions.
    """
    wide, narrow = (pattern.lower(), other.lower()) if fold else (pattern, other)
    if wide in ("*", narrow):
        return True
    return ("*" in wide or "?" in wide) and _covers(wide, narrow)


@lru_cache(maxsize=65_536)
def overlap(a: str, b: str) -> bool:
    """Whether some text is matched by both patterns."""
    seen: set[tuple[int, int]] = set()
    todo = [(0, 0)]
    while todo:
        i, j = todo.pop()
        if (i, j) in seen:
            continue
        seen.add((i, j))
        if i == len(a) and j == len(b):
            return True
        if i < len(a) and a[i] == "*":
            todo += [(i + 1, j)] + ([(i, j + 1)] if j < len(b) else [])
        elif j < len(b) and b[j] == "*":
            todo += [(i, j + 1)] + ([(i + 1, j)] if i < len(a) else [])
        elif i < len(a) and j < len(b) and (a[i] == b[j] or "?" in (a[i], b[j])):
            todo.append((i + 1, j + 1))
    return False


def variables_of(pattern: str) -> list[str]:
    """The context keys that a pattern's variables name."""
    if "${" not in pattern:
        return []
    return [found[1] for found in _VARIABLE.finditer(pattern) if found[1] not in _LITERALS]


def with_any(pattern: str) -> str:
    """A pattern whose variables may be any text."""
    return ANY_VARIABLE.sub("*", pattern) if "${" in pattern else pattern


def is_pattern(text: str | None) -> bool:
    """Whether a text has a wildcard, and so stands for a set."""
    return text is not None and ("*" in text or "?" in text)


def account_in(arn: str) -> str:
    """The number of the account that an ARN names; empty if it names none."""
    parts = arn.split(":", ARN_PARTS - 1)
    return parts[4] if len(parts) == ARN_PARTS and parts[4].isdigit() else ""


@lru_cache(maxsize=65_536)
def _covers(wide: str, narrow: str) -> bool:
    """Walk both, letter by letter; the places in ``wide`` that the read part may have reached."""
    places = _past_stars(wide, {0})
    for letter in narrow:
        if letter == "*":  # any text: only a star can take it
            places = {place for place in places if place < len(wide) and wide[place] == "*"}
        else:
            places = {
                place if wide[place] == "*" else place + 1
                for place in places
                if place < len(wide)
                and (wide[place] in ("*", "?") or (wide[place] == letter and letter != "?"))
            }
        places = _past_stars(wide, places)
        if not places:
            return False
    return len(wide) in places


def _past_stars(steps: Sequence[str], places: set[int]) -> set[int]:
    """The places that are reached in a pattern: a star may stand for nothing."""
    for place in list(places):
        reached = place
        while reached < len(steps) and steps[reached] in _STARS:
            reached += 1
            places.add(reached)
    return places


def _matches(
    pattern: str, text: str, lookup: Lookup | None, translate: Callable[[str], str]
) -> Truth:
    """Whether a text is the pattern's with its variables' values in place.

    One that has no value matches nothing; on one that is not known it depends, unless no value
    would do.
    """
    if lookup is None or "${" not in pattern:
        return bool(_compiled(translate(pattern)).fullmatch(text))
    found = _expression(pattern, lookup, translate)
    if found is None:
        return False
    expression, unknown = found
    return bool(_compiled(expression).fullmatch(text)) and (unknown or True)


def _expression(
    pattern: str, lookup: Lookup, translate: Callable[[str], str]
) -> tuple[str, frozenset[str]] | None:
    """A regular expression, and the variables that are not known; None if one has no value."""
    expression, end = "", 0
    unknown: frozenset[str] = frozenset()
    for found in _VARIABLE.finditer(pattern):
        expression += translate(pattern[end : found.start()])
        end = found.end()
        value = _value(found[1], found[2], lookup)
        if value is None:
            return None
        if isinstance(value, frozenset):
            unknown |= value
        expression += ANY if isinstance(value, frozenset) else re.escape(value)
    return expression + translate(pattern[end:]), unknown


def _value(name: str, default: str | None, lookup: Lookup) -> str | frozenset[str] | None:
    if name in _LITERALS:
        return name
    values = lookup(name)
    if isinstance(values, frozenset):
        return values
    if values is None:
        return default
    return values[0] if len(values) == 1 else None  # a variable stands for one value


@lru_cache(maxsize=65_536)
def _compiled(expression: str, flags: int = 0) -> re.Pattern[str] | Walker:
    if expression.count(ANY) + expression.count(NO_COLON) > FEW_STARS:
        return Walker(expression, flags)
    return re.compile(expression, flags | re.DOTALL)


@lru_cache(maxsize=65_536)
def _glob(text: str) -> str:
    return "".join({"*": ANY, "?": "."}.get(c) or re.escape(c) for c in text)


def _resource_glob(pattern: str) -> Callable[[str], str]:
    """A translation that knows in which part of the ARN it is; it is called from left to right."""
    colons = 0
    if "*" not in pattern:
        return _glob

    def translate(text: str) -> str:
        nonlocal colons
        made = ""
        for place, letter in enumerate(text):
            if letter == ":":
                colons += 1
            inside = colons < ARN_PARTS - 1 and text[place + 1 : place + 2] not in ("", ":")
            made += NO_COLON if letter == "*" and inside else _glob(letter)
        return made

    return translate


@lru_cache(maxsize=8_192)
def steps_of(expression: str) -> Sequence[str]:
    """The steps of an expression; stars beside each other are the wider one of them."""
    steps: list[str] = []
    for step in STEP.findall(expression):
        if step in (ANY, NO_COLON) and steps and steps[-1] in (ANY, NO_COLON):
            steps[-1] = ANY if ANY in (step, steps[-1]) else NO_COLON
        else:
            steps.append(step)
    return steps


def _split_arn(pattern: str) -> list[str]:
    """The six parts of an ARN; a colon inside of ``${…}`` separates nothing."""
    hidden = _VARIABLE.sub(lambda found: found[0].replace(":", "\0"), pattern)
    return [part.replace("\0", ":") for part in hidden.split(":", ARN_PARTS - 1)]
