"""What people bring in place of JSON, and the JSON that they meant, where that is sure."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import yaml

from iamkit.policies.grammar.positions import Position, position_at
from iamkit.text import check_yaml, parse_json

_HEREDOC = re.compile(r"<<[-~]?\s*(\w+)[ \t]*\n(?P<body>.*?)\n[ \t]*\1\b", re.DOTALL)
_TOKEN = re.compile(
    r"""(?P<text>"(?:[^"\\\n]|\\.)*")
    |(?P<curly>[\u201c\u201d\u201e](?:[^\u201c\u201d"\\\n]|\\.)*[\u201c\u201d]
      |[\u2018\u2019\u201a](?:[^\u2018\u2019'\\\n]|\\.)*[\u2018\u2019])
    |(?P<single>'(?:[^'\\\n]|\\.)*')
    |(?P<comment>//[^\n]*|\#[^\n]*|/\*.*?\*/)
    |(?P<comma>,(?=\s*[\]}]))
    |(?P<python>\b(?:True|False)\b)
    |(?P<plain>[][{}:,]|\s+|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)""",
    re.VERBOSE | re.DOTALL,
)
_SAID = {
    "curly": "it has typographic quotes, as word processors make them; JSON wants straight ones",
    "single": "it has single quotes, and JSON wants double ones",
    "comment": "it has a comment, and JSON knows none",
    "comma": "it has a comma after the last one of a list or object, and JSON wants none there",
    "python": "it has True or False, which JSON writes true and false",
    "heredoc": "it is a heredoc of Terraform, and only what stands within it is wanted",
    "template": "it has ${…} of Terraform, whose value only Terraform knows",
    "braces": "the outer braces are missing",
    "yaml": "it is YAML, and AWS takes JSON alone",
}


class Repair(NamedTuple):
    """What is wrong with a text, where, and the JSON that was meant; empty if that is not sure."""

    what: str
    text: str
    place: Position | None = None


def repair_text(text: str) -> Repair | None:
    """Say what a text is that is no JSON; None if it cannot be told."""
    for attempt in _ATTEMPTS:
        if found := attempt(text):
            return found
    return None


def _from_heredoc(text: str) -> Repair | None:
    found = _HEREDOC.search(text)
    if not found:
        return None
    place = position_at(text, found.start())
    body = found["body"].replace("&{", "${")
    template = re.search(r"(?<!\$)\$\{(?!\w+:)|%\{", found["body"])
    if template:
        place = position_at(text, found.start("body") + template.start())
        return Repair(_SAID["template"], "", place)
    body = body.replace("$${", "${")
    inner = body if _is_policy(body) else getattr(_from_loose_json(body), "text", "")
    return Repair(_SAID["heredoc"], inner, place) if inner else None


def _from_loose_json(text: str) -> Repair | None:
    """JSON but for its quotes, comments, commas and truth values."""
    parts = list(_straightened(text))
    wrong = next(((kind, start) for kind, _, start in parts if kind not in ("plain", "text")), None)
    if not parts or wrong is None:
        return None
    # A comma may have been the last before a comment that is gone now.
    joined = re.sub(r'("(?:[^"\\]|\\.)*")|,(?=\s*[\]}])', r"\1", "".join(p for _, p, _ in parts))
    sure = joined if _is_policy(joined) else ""
    kind, start = wrong
    if not sure and kind != "curly":
        return None
    return Repair(_SAID[kind], sure, position_at(text, start))


def _straightened(text: str) -> Iterator[tuple[str, str, int]]:
    """The tokens as JSON has them, with their kinds; none if one is of another language."""
    found, end = [], 0
    while end < len(text):
        token = _TOKEN.match(text, end)
        if token is None:
            return
        kind = str(token.lastgroup)
        found.append((kind, _as_json(kind, token[0]), token.start()))
        end = token.end()
    yield from found


def _as_json(kind: str, token: str) -> str:
    if kind in ("comment", "comma"):
        return " "
    if kind == "python":
        return token.lower()
    if kind in ("single", "curly"):
        inner = re.sub(r"\\(['\u2018\u2019\u201c\u201d])", r"\1", token[1:-1])
        return '"' + re.sub(r'(\\.)|"', lambda m: m[1] or '\\"', inner) + '"'
    return token


def _from_fragment(text: str) -> Repair | None:
    """The document that a fragment becomes when braces, and what AWS wants first, are added."""
    fragment = text.strip().rstrip(",")
    document = None if fragment.startswith("{") else _object("{" + fragment + "}")
    if not document:
        return None
    if "Statement" not in document:
        document = {"Statement": [document]}
    return Repair(_SAID["braces"], json.dumps({"Version": "2012-10-17"} | document))


def _from_yaml(text: str) -> Repair | None:
    try:
        check_yaml(text, yaml.SafeLoader)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        document = _plain(node)
    except (yaml.YAMLError, ValueError):
        return None
    if not isinstance(document, dict) or not _is_policy(json.dumps(document)):
        return None
    return Repair(_SAID["yaml"], json.dumps(document, ensure_ascii=False), (1, 1))


def _plain(node: Any) -> Any:
    """A node as JSON has it; what YAML takes for a date or a number is the text that was typed.

    Raises:
        ValueError: a key is given twice, or a value is of another language.
    """
    if isinstance(node, yaml.MappingNode):
        return _unique([(str(key.value), _plain(value)) for key, value in node.value])
    if isinstance(node, yaml.SequenceNode) and node.tag == "tag:yaml.org,2002:seq":
        return [_plain(one) for one in node.value]
    known = isinstance(node, yaml.ScalarNode) and node.tag.startswith("tag:yaml.org,2002:")
    if not known or node.tag.endswith(":null"):
        raise ValueError("nothing, or a tag of another language")
    return node.value


def _is_policy(text: str) -> bool:
    """Whether a text is an object in which statements stand, or AWS's reply with one."""
    found = _object(text)
    wrapped = found and any(isinstance(one, Mapping) for one in found.values())
    return bool(found and ("Statement" in found or wrapped))


def _object(text: str) -> dict[str, Any] | None:
    try:
        found = parse_json(text, object_pairs_hook=_unique)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key is given twice")
    return found


_ATTEMPTS: tuple[Callable[[str], Repair | None], ...] = (
    _from_heredoc,
    _from_loose_json,
    _from_fragment,
    _from_yaml,
)
