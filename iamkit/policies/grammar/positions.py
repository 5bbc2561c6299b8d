"""Where in a JSON text each of its values stands, so that a remark can point at it.

A path reads ``Statement[1].Action[2]``, counted from 1; ``Statement[1].Action#`` is the key itself,
as in a relative JSON pointer.
"""

import json
import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping

Position = tuple[int, int]
"""Line and column, counted from 1."""

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[][{}]|[^][{},:"\s]+', re.DOTALL)


def locate_paths(text: str) -> dict[str, Position]:
    """The position of every value and key; of a key given twice, the last.

    Args:
        text: what ``json.loads`` accepts; a byte order mark is not counted.
    """
    return dict(_scan(text))


def find_position(places: Mapping[str, Position], path: str) -> Position:
    """The position of a path, or of what is nearest around it.

    A value and a list of it mean the same in a policy, so ``Action[1]`` finds ``Action`` too.
    """
    if path in places:
        return places[path]
    alike = {place.replace("[1]", ""): found for place, found in reversed(list(places.items()))}
    while path and path not in places and path.replace("[1]", "") not in alike:
        path = path[:-1]
    return places.get(path) or alike.get(path.replace("[1]", "")) or (1, 1)


def find_twin(text: str, key: str) -> Position | None:
    """Where a key stands for the second time in one object."""
    seen = set[str]()
    for path, position in _scan(text):
        if path in seen and (path == f"{key}#" or path.endswith(f".{key}#")):
            return position
        seen.add(path)
    return None


def position_at(text: str, offset: int) -> Position:
    """The position of a text's letter, which is counted from 0."""
    before = text[:offset].removeprefix("\ufeff")
    return before.count("\n") + 1, len(before) - before.rfind("\n")


def _scan(text: str) -> Iterator[tuple[str, Position]]:
    """Walk over the tokens; ``open_`` holds path, key and count of what is not closed yet."""
    text = text.removeprefix("\ufeff")
    lines = [0, *(found.end() for found in re.finditer("\n", text))]
    open_: list[tuple[str, str | None, int]] = []
    for token in _TOKEN.finditer(text):
        line = bisect_right(lines, token.start())
        position = line, token.start() - lines[line - 1] + 1
        if token[0] in "]}":
            open_ = open_[:-1]
            continue
        path, key, count = open_[-1] if open_ else ("", None, -1)
        if count == 0 and key is None:  # an object's next key
            name = json.loads(token[0], strict=False)
            open_[-1] = (path, f"{path}.{name}" if path else name, 0)
            yield f"{open_[-1][1]}#", position
            continue
        if open_:
            open_[-1] = (path, None, count and count + 1)
        here = key if key is not None else f"{path}[{count}]" if open_ else ""
        yield here, position
        if token[0] in "[{":
            open_.append((here, None, int(token[0] == "[")))
