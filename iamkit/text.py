"""Text: from outside, with a limit to how deep it may be nested; and for people, in a few words.

Depths are counted. What each version of Python does at which depth is not the same, and far beyond
what functions can follow that call themselves for each level.
"""

import ast
import difflib
import json
import re
import shlex
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import accumulate
from typing import Any

DEEPEST = 100
"""Levels of nesting; a policy has eight, an account's state twelve, a notebook some twenty."""
TOO_DEEP = f"nested more than {DEEPEST} levels deep"
_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\Z)', re.DOTALL)
_NO_BRACKETS = re.compile(r"[^][{}]+")
NEAR = 0.72
"""How much alike two words are (difflib's ratio) when one may be meant by the other."""
_BEYOND_ASCII = re.compile(r"[^ -~]")
_STEPS = {"[": 1, "{": 1, "]": -1, "}": -1}


class NestedTooDeep(json.JSONDecodeError):
    """JSON that is nested deeper than anything that is meant; a ValueError like all broken JSON."""

    def __init__(self) -> None:
        super().__init__(TOO_DEEP, "", 0)


def is_too_deep(steps: Iterable[int]) -> bool:
    """Whether a text is nested deeper than ``DEEPEST`` levels.

    Args:
        steps: 1 where a level begins and -1 where one ends; read only as far as needed.
    """
    return any(depth > DEEPEST for depth in accumulate(steps))


def parse_json(text: str | bytes, **options: Any) -> Any:
    """What ``json.loads`` makes of a text.

    Args:
        text: bytes are UTF-8, -16 or -32.
        options: of ``json.loads``.

    Raises:
        NestedTooDeep: it is nested too deep.
        ValueError: it is not JSON.
    """
    if isinstance(text, bytes):
        text = text.decode(json.detect_encoding(text))
    if text.count("[") + text.count("{") > DEEPEST:  # else it can hardly be too deep
        brackets = _NO_BRACKETS.sub("", _STRING.sub("", text))
        if is_too_deep(map(_STEPS.__getitem__, brackets)):
            raise NestedTooDeep
    return json.loads(text, **options)


def check_yaml(text: str, loader: Any) -> None:
    """Refuse what is small to write and endless to read, before anything is made of it.

    Args:
        text: what may be YAML.
        loader: one of PyYAML's.

    Raises:
        yaml.YAMLError: it is not YAML, is nested too deep, or has aliases, a few lines of which can
            stand for billions of values.
    """
    import yaml  # noqa: PLC0415 - whoever has YAML has it already

    depth = 0
    for event in yaml.parse(text, loader):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        mark: Any = event.start_mark
        if depth > DEEPEST:
            raise yaml.MarkedYAMLError(problem=TOO_DEEP, problem_mark=mark)
        if isinstance(event, yaml.AliasEvent):
            raise yaml.MarkedYAMLError(problem="aliases (*name) are not read", problem_mark=mark)


def parse_python(code: str) -> ast.Module:
    """What ``ast.parse`` makes of some code.

    Raises:
        SyntaxError: it is not Python, or nested too deep.
    """
    try:
        module = ast.parse(code)
    except (MemoryError, RecursionError):  # how the parser says it, by depth and version
        raise SyntaxError(TOO_DEEP) from None
    except ValueError as error:  # of a zero byte; a SyntaxError from Python 3.12 on
        raise SyntaxError(str(error)) from None
    level: list[ast.AST] = [module]
    for _ in range(DEEPEST):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
    if level:
        raise SyntaxError(TOO_DEEP)
    return module


def describe_character(character: str) -> str:
    """Name a character so that a look-alike or an invisible one can be found."""
    if character == " ":
        return "a space"
    name = unicodedata.name(character, "a control character")
    shown = character if character.isprintable() and not character.isspace() else ""
    return f"{shown!r} (U+{ord(character):04X}, {name})" if shown else f"U+{ord(character):04X}"


def printable(text: str, keep: str = "", most: int | None = None) -> str:
    """Text in which nothing steers a terminal, an XML parser or the direction of reading.

    Args:
        text: from anywhere.
        keep: characters that stay as they are, such as a line's end.
        most: how many characters are shown; all without it.
    """
    shown = _BEYOND_ASCII.sub(
        lambda found: (
            found[0] if found[0].isprintable() or found[0] in keep else _escaped(found[0])
        ),
        text,
    )
    return shown if most is None or len(shown) <= most else f"{shown[: most - 1]}…"


def _escaped(character: str) -> str:
    return f"\\u{ord(character):04x}" if ord(character) < 0x10000 else f"\\U{ord(character):08x}"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A hint at the known name that is nearest, if one is near."""
    near = nearest(name, known)
    return f"; did you mean {near}?" if near else ""


def nearest(name: str, known: Iterable[str]) -> str:
    """The known name that looks most like a name, whatever the case; empty if none does."""
    return _nearest(str(name).lower(), tuple(known))


@lru_cache(maxsize=4_096)
def _nearest(name: str, known: tuple[str, ...]) -> str:
    spelled = {each.lower(): each for each in known}
    found = difflib.get_close_matches(name, spelled, 1, NEAR)
    return spelled[found[0]] if found else ""


ALL = 1_000_000
"""How many ``listed`` names where nobody may be counted instead, such as those who lose by it."""


def listed(items: Iterable[str], last: str = "and", most: int = 5) -> str:
    """``a, b and c``; of more than ``most``, how many more there are."""
    texts = list(dict.fromkeys(items))
    if len(texts) > most:
        texts = [*texts[: most - 1], f"{len(texts) - most + 1} more"]
        last = "and" if last == "and" else "or one of"
        return f"{', '.join(texts[:-1])} {last} {texts[-1]}"
    return f" {last} ".join(filter(None, [", ".join(texts[:-1]), *texts[-1:]]))


def few(names: Iterable[str], most: int = 3) -> str:
    """The first of some names, and how many more there are."""
    known = list(names)
    more = f" and {len(known) - most} more" if len(known) > most else ""
    return ", ".join(known[:most]) + more


def aws_command(service: str, operation: str, arguments: Mapping[str, Any]) -> str:
    """A call of boto3's as an ``aws`` command that a shell runs as it stands.

    Args:
        service: such as ``iam``.
        operation: the boto3 method, such as ``create_user``.
        arguments: its arguments; what is no text is given as JSON.
    """
    return " ".join(["aws", service, _kebab(operation), *_options(arguments)])


def _kebab(name: str) -> str:
    """``SSHPublicKeyId`` and ``create_user`` as the AWS CLI writes them."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", name)
    return words.replace("_", "-").lower()


def _options(arguments: Mapping[str, Any]) -> Iterator[str]:
    for argument, value in arguments.items():
        option = _kebab(argument)
        if isinstance(value, bool):
            yield f"--{option}" if value else f"--no-{option}"
            continue
        plain = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
        text = shlex.quote(value if isinstance(value, str) else plain)
        yield f"--{option}={text}" if text.startswith("-") else f"--{option} {text}"
