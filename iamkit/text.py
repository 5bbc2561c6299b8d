"""Text from outside, taken apart with a limit to how deep it may be nested.

Depths are counted. What each version of Python does at which depth is not the same, and far beyond
what functions can follow that call themselves for each level.
"""

import ast
import json
import re
from collections.abc import Iterable
from itertools import accumulate
from typing import Any

DEEPEST = 100
"""Levels of nesting; a policy has eight, an account's state twelve, a notebook some twenty."""
TOO_DEEP = f"nested more than {DEEPEST} levels deep"
_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\Z)', re.DOTALL)
_NO_BRACKETS = re.compile(r"[^][{}]+")
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
