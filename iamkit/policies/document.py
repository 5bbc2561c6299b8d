"""One policy document: strict parsing, structure, equality of meaning, size.

The rules are those of the policy grammar; AWS's own parser is more forgiving than its readers,
so a key given twice, for which it keeps one value silently, is an error here.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from iamkit.account import JSON
from iamkit.errors import InputError
from iamkit.policies.positions import Position, find_position, find_twin, locate_paths, position_at
from iamkit.text import NestedTooDeep, parse_json

STATEMENT_KEYS = {
    "Sid",
    "Effect",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
}
_STATEMENT_ORDER = tuple(
    "Sid Effect Principal NotPrincipal Action NotAction Resource NotResource Condition".split()
)
_DOCUMENT_ORDER = ("Version", "Id", "Statement")
DOCUMENT_KEYS = {"Version", "Id", "Statement"}
VERSIONS = ("2012-10-17", "2008-10-17")
MAX_TEXT = 200_000
"""Characters of text that are worth parsing; the largest quota of AWS is 10,240."""


class Problem(NamedTuple):
    """What is wrong with the structure of a policy, and where, as ``positions`` writes paths."""

    message: str
    path: str


def parse_policy(text: str, where: str = "policy") -> dict[str, Any]:
    """Parse the JSON text of an identity policy strictly, and check it.

    Args:
        text: the document, as a person or a file gave it.
        where: how to call it in messages, such as ``dev_policy``.

    Returns:
        The document as plain dicts and lists.

    Raises:
        InputError: with the place and, where it can be told, the repair.
    """
    document = read_json(text, where)
    problem = find_problem(document)
    if problem:
        place = find_position(locate_paths(text), problem.path)
        raise InputError(f"{where}: {problem.message}{_at(place)}")
    return dict(document)


def check_policy(document: JSON, where: str = "policy") -> None:
    """Check the structure of an identity policy: keys, versions, effects, actions, characters.

    Raises:
        InputError: naming the statement and key that are wrong, and what was expected.
    """
    problem = find_problem(document)
    if problem:
        raise InputError(f"{where}: {problem.message}")


def find_problem(document: Any, *, identity: bool = True) -> Problem | None:
    """The first thing by which a value is no policy; None if it is one.

    Args:
        document: what was read from JSON.
        identity: whether it is the policy of a user, group or role; one of a resource wants a
            Principal, and need not name the resource.
    """
    return next(_problems(document, identity=identity), None)


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


def _ordered(mapping: JSON, order: tuple[str, ...]) -> dict[str, Any]:
    known = {key: mapping[key] for key in order if key in mapping}
    return known | {key: value for key, value in mapping.items() if key not in known}


def _single(value: Any) -> Any:
    """A list of one text as that text, in all of a statement."""
    if isinstance(value, Mapping):
        return {key: _single(inner) for key, inner in value.items()}
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def read_json(text: str, where: str = "policy") -> Any:
    """Read JSON as strictly as a policy wants it, whatever it says.

    Raises:
        InputError: with the place and, where it can be told, the repair.
    """
    if len(text) > MAX_TEXT:
        raise InputError(f"{where}: {len(text):,} characters are far beyond any policy's quota.")
    try:
        return parse_json(text.removeprefix("\ufeff"), object_pairs_hook=_no_twins)
    except _TwinKey as twin:
        key = twin.args[0]
        raise InputError(
            f"{where}: the key {key!r} is given twice in one object, and AWS would silently keep "
            f"only one of the two. Remove or merge one.{_at(find_twin(text, key))}"
        ) from None
    except NestedTooDeep:
        raise InputError(f"{where}: it is nested far deeper than any policy.") from None
    except json.JSONDecodeError as error:
        raise InputError(f"{where}: {_explain_json_error(text, error)}") from None


class _TwinKey(Exception):  # noqa: N818
    pass


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            raise _TwinKey(key)
        result[key] = value
    return result


def _explain_json_error(text: str, error: json.JSONDecodeError) -> str:
    repaired = _with_braces(text)
    if repaired is not None:
        problem = find_problem(repaired)
        also = f" Also: {problem.message}" if problem else ""
        return f"the outer braces are missing.{also}\nRepaired: {json.dumps(repaired)}"
    quote = re.search("[\u201c\u201d\u2018\u2019]", text)
    if quote:
        return (
            "it has typographic quotes, as word processors make them; JSON wants straight ones."
            f"{_at(position_at(text, quote.start()))}"
        )
    return f"not JSON at line {error.lineno}, column {error.colno}: {error.msg}."


def _with_braces(text: str) -> dict[str, Any] | None:
    """The document that a fragment becomes when braces, and what AWS wants first, are added."""
    fragment = text.strip().rstrip(",")
    if fragment.startswith("{"):
        return None
    try:
        document = parse_json("{" + fragment + "}", object_pairs_hook=_no_twins)
    except (ValueError, _TwinKey):
        return None
    if not isinstance(document, dict) or not document:
        return None
    if "Statement" not in document:
        document = {"Statement": [document]}
    return {"Version": "2012-10-17"} | document


def _at(place: Position | None) -> str:
    return f" (line {place[0]}, column {place[1]})" if place else ""


def _problems(document: Any, *, identity: bool) -> Iterator[Problem]:
    if not isinstance(document, Mapping):
        yield Problem(f"a policy is a JSON object in braces, not {_kind(document)}.", "")
        return
    yield from _unknown_keys(document, DOCUMENT_KEYS, "the document", "")
    version = document.get("Version")
    if version is None:
        yield Problem(
            'Version is missing, and AWS would read the policy as of 2008. Add "Version": '
            '"2012-10-17".',
            "",
        )
    elif version not in VERSIONS:
        yield Problem(f'Version {version!r} is not one of AWS\'s; use "2012-10-17".', "Version")
    statements = document.get("Statement")
    if isinstance(statements, Mapping):
        statements = [statements]
    if not isinstance(statements, list) or not statements:
        message = "Statement is missing or empty; a policy wants at least one statement."
        yield Problem(message, "Statement")
        return
    for number, statement in enumerate(statements, 1):
        where = f"statement {number}"
        for message, path in _statement_problems(statement, where, identity=identity):
            yield Problem(message, f"Statement[{number}]{path}")
    yield from _twin_sids(statements)
    for path, text in _texts(document):
        odd = re.search("[^\t\n\r\x20-\xff]", text)
        if odd:
            message = (
                f"the character {odd.group()!r} is not allowed in a policy, which takes those up "
                "to U+00FF. Leave it out; in a name or a value, ? stands for it."
            )
            yield Problem(message, path)


def _twin_sids(statements: list[Any]) -> Iterator[Problem]:
    seen = set[str]()
    for number, statement in enumerate(statements, 1):
        sid = str(statement.get("Sid", ""))
        if sid and sid in seen:
            problem = f"the Sid {sid!r} is given to two statements; each wants its own."
            yield Problem(problem, f"Statement[{number}].Sid")
        seen.add(sid)


def _texts(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """All texts in a document, keys too, each with its path."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, list):
        for number, item in enumerate(value, 1):
            yield from _texts(item, f"{path}[{number}]")
    elif isinstance(value, Mapping):
        for key, item in value.items():
            inner = f"{path}.{key}" if path else str(key)
            yield f"{inner}#", str(key)
            yield from _texts(item, inner)


def _statement_problems(statement: Any, where: str, *, identity: bool) -> Iterator[tuple[str, str]]:
    """What is wrong, and the rest of its path."""
    if not isinstance(statement, Mapping):
        yield f"{where} is {_kind(statement)}, not an object in braces.", ""
        return
    yield from _principal_problems(statement, where, identity=identity)
    yield from _unknown_keys(statement, STATEMENT_KEYS, where, ".")
    if statement.get("Effect") not in ("Allow", "Deny"):
        given = statement.get("Effect")
        yield f'{where}: Effect must be "Allow" or "Deny", not {given!r}.', ".Effect"
    if not re.fullmatch("[A-Za-z0-9]*", str(statement.get("Sid", ""))):
        problem = f"the Sid {statement['Sid']!r} may hold only letters and digits"
        yield f"{where}: {problem}.", ".Sid"
    yield from _one_of(statement, "Action", "NotAction", where)
    if identity or "Resource" in statement or "NotResource" in statement:
        yield from _one_of(statement, "Resource", "NotResource", where)
    for path, action in _items(statement, "Action", "NotAction"):
        if action not in ("*", "*:*") and not re.fullmatch(r"[\w-]+:[\w*?]+", action, re.ASCII):
            problem = f"the action {action!r} should read service:Name, such as ec2:Describe*"
            yield f"{where}: {problem}.", path
    for path, resource in _items(statement, "Resource", "NotResource"):
        if identity and resource != "*" and not resource.startswith("arn:"):
            yield f'{where}: the resource {resource!r} is neither "*" nor an ARN.', path
    yield from _condition_problems(statement.get("Condition", {}), where)


def _principal_problems(
    statement: JSON, where: str, *, identity: bool
) -> Iterator[tuple[str, str]]:
    found = [key for key in ("Principal", "NotPrincipal") if key in statement]
    if not identity and len(found) != 1:
        yield f"{where} wants Principal or NotPrincipal, one of them; it has {len(found)}.", ""
    for key in found if identity else ():
        problem = (
            f"{where} has {key}, which belongs in a resource's policy. In the policy of a "
            "user or group the principal is that user or group: remove it."
        )
        yield problem, f".{key}#"


def _condition_problems(condition: Any, where: str) -> Iterator[tuple[str, str]]:
    if not isinstance(condition, Mapping):
        yield f"{where}: Condition is {_kind(condition)}, not an object in braces.", ".Condition"
        return
    for operator, tests in condition.items():
        path = f".Condition.{operator}"
        if not isinstance(tests, Mapping):
            yield f"{where}: the condition {operator} wants an object of keys and values.", path
            continue
        for key in tests:
            if ":" not in key:
                problem = f"the condition key {key!r} has no service, as in aws:SourceIp"
                yield f"{where}: {problem}.", f"{path}.{key}#"


def _one_of(statement: JSON, key: str, opposite: str, where: str) -> Iterator[tuple[str, str]]:
    given = [name for name in (key, opposite) if name in statement]
    if len(given) != 1:
        yield f"{where} wants {key} or {opposite}, one of them; it has {len(given)}.", ""
        return
    value = statement[given[0]]
    texts = _strings(value)
    if not texts or (isinstance(value, list) and len(texts) != len(value)):
        example = '"ec2:Describe*"' if key == "Action" else '"*"'
        problem = f"the {given[0]} list is empty; name at least one, such as {example}"
        yield f"{where}: {problem}.", f".{given[0]}"


def _items(statement: JSON, key: str, opposite: str) -> Iterator[tuple[str, str]]:
    """The texts of the one of two elements that is there, each with its path."""
    element = key if key in statement else opposite
    several = isinstance(statement.get(element), list)
    for number, text in enumerate(_strings(statement.get(element)), 1):
        yield f".{element}[{number}]" if several else f".{element}", text


def _unknown_keys(mapping: JSON, known: set[str], where: str, path: str) -> Iterator[Problem]:
    for key in mapping:
        if key in known or key in ("Principal", "NotPrincipal"):
            continue
        right = next((k for k in sorted(known) if k.lower() == key.lower()), None)
        hint = f"; IAM writes it {right}" if right else f"; known are {', '.join(sorted(known))}"
        yield Problem(f"{where} has the unknown key {key!r}{hint}.", f"{path}{key}#")


def _strings(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [v for v in values if isinstance(v, str) and v]


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


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a text", type(None): "nothing"}
    return names.get(type(value), "a number or a truth value")
