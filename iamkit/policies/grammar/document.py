"""One policy document: parsing, equality of meaning, size, and its text.

What is a policy is for ``validation`` to say, what a text says for ``reading``.
"""

import json
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from iamkit.account.state import JSON
from iamkit.errors import InputError
from iamkit.policies.grammar.elements import Problem
from iamkit.policies.grammar.reading import MAX_TEXT, Reading, at, decode_text, read_policy
from iamkit.policies.grammar.validation import find_problem, judge_existing
from iamkit.storage.reading import read_bytes

_STATEMENT_ORDER = tuple(
    "Sid Effect Principal NotPrincipal Action NotAction Resource NotResource Condition".split()
)
_DOCUMENT_ORDER = ("Version", "Id", "Statement")


def parse_policy(text: str, where: str = "policy") -> dict[str, Any]:
    """Parse the text of an identity policy strictly, and check that AWS takes it.

    Args:
        text: the document, as a person, a file or a reply of AWS gave it.
        where: how to call it in messages, such as ``dev_policy``.

    Returns:
        The document as plain dicts and lists.

    Raises:
        InputError: with the place and, where it is sure, the repair.
    """
    return _judged(read_policy(text, where), find_problem, where)


def parse_existing(data: bytes, where: str = "policy") -> dict[str, Any]:
    """Like ``parse_policy`` for a file with a policy that exists: its version may be the old one.

    Args:
        data: UTF-8 or UTF-16.
        where: how to call it in messages.

    Raises:
        InputError: as ``parse_policy`` does.
    """
    return _judged(read_policy(decode_text(data, where), where), judge_existing, where)


def read_policy_file(path: Path) -> dict[str, Any]:
    """The policy in a JSON file, as ``parse_existing`` checks it; ``-`` is the standard input.

    Raises:
        InputError: it cannot be read, or holds no policy.
    """
    if str(path) == "-":
        return parse_existing(sys.stdin.buffer.read(4 * MAX_TEXT), "standard input")
    return parse_existing(read_bytes(path, 4 * MAX_TEXT), path.name)


def check_policy(document: JSON, where: str = "policy") -> None:
    """Check that AWS takes a document as an identity policy.

    Raises:
        InputError: naming the statement and key that are wrong, and what was expected.
    """
    problem = find_problem(document)
    if problem:
        raise InputError(f"{where}: {problem.message}")


def same_policy(a: JSON, b: JSON) -> bool:
    """Whether two documents say the same: ``"x"`` is ``["x"]``, and order in a list is no matter.

    Sids, and the order of statements, do not change what is allowed, but people read them:
    they count as differences.
    """
    return bool(_normal(a) == _normal(b))


def count_characters(document: JSON) -> int:
    """The size of a document as IAM's quotas count it: characters, white space not counted.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
    """
    return len(re.sub(r"\s", "", to_json(document)))


def to_json(document: Any) -> str:
    """The compact JSON text that is sent to AWS: the same document gives the same text."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)


def in_iam_order(document: JSON) -> dict[str, Any]:
    """The document with its keys in the order in which AWS's own policies have them."""
    statements = document.get("Statement", [])
    several = statements if isinstance(statements, list) else [statements]
    ordered = [_ordered(s, _STATEMENT_ORDER) if isinstance(s, Mapping) else s for s in several]
    return _ordered({**document, "Statement": ordered}, _DOCUMENT_ORDER)


def print_policy(document: JSON) -> str:
    """The document as people read it: in IAM's order of keys, a list of one as its value."""
    ordered = in_iam_order(document)
    ordered["Statement"] = [_single(s) for s in ordered["Statement"]]
    return json.dumps(ordered, indent=2, ensure_ascii=False)


def _judged(reading: Reading, judge: Callable[[Any], Problem | None], where: str) -> dict[str, Any]:
    if problem := judge(reading.document):
        raise InputError(f"{where}: {problem.message}{at(reading.place(problem.path))}")
    return dict(reading.document)


def _ordered(mapping: JSON, order: tuple[str, ...]) -> dict[str, Any]:
    known = {key: mapping[key] for key in order if key in mapping}
    return known | {key: value for key, value in mapping.items() if key not in known}


def _single(value: Any) -> Any:
    """A list of one text as that text, in all of a statement."""
    if isinstance(value, Mapping):
        return {key: _single(inner) for key, inner in value.items()}
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _normal(value: Any, *, ordered: bool = False) -> Any:
    if isinstance(value, Mapping):
        return {
            key: _normal(v if isinstance(v, list) else [v], ordered=key == "Statement")
            for key, v in value.items()
        }
    if isinstance(value, list):
        items = [_normal(v) for v in value]
        return items if ordered else sorted(items, key=repr)
    return value
