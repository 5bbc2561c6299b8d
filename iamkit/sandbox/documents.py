"""The rules of policy documents that moto does not hold; its own validator runs after these.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
"""

import json
import re
from typing import Any, Literal, NoReturn

from iamkit.sandbox.refusal import Refused

Kind = Literal["identity", "trust"]

_SID = re.compile(r"[A-Za-z0-9]*")
_OPERATOR = re.compile(
    r"(For(Any|All)Values?:)?("
    r"(String(Not)?(Equals(IgnoreCase)?|Like)"
    r"|(Numeric|Date)((Not)?Equals|(Less|Greater)Than(Equals)?)"
    r"|Bool|BinaryEquals|(Not)?IpAddress|Arn(Not)?(Equals|Like))(IfExists)?|Null)",
    re.IGNORECASE,
)
_ELEMENTS = frozenset(
    "Sid Effect Principal NotPrincipal Action NotAction Resource NotResource Condition".split()
)
_LARGEST_DEPTH = 100


def document_size(text: str) -> int:
    """How many characters a policy counts: those that are no white space.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
    """
    return len("".join(text.split()))


def check_document(text: str, kind: Kind) -> None:
    """Check a policy document beyond what moto's validator checks.

    Args:
        text: as it was sent.
        kind: ``identity`` for the policy of a user, group or role, ``trust`` for the one that
            says who may assume a role.

    Raises:
        Refused: MalformedPolicyDocument.
    """
    document = _parse(text)
    if not isinstance(document, dict):
        _refuse("Syntax errors in policy.")
    statements = document.get("Statement")
    statements = statements if isinstance(statements, list) else [statements]
    if not statements or not all(isinstance(statement, dict) for statement in statements):
        _refuse("Syntax errors in policy.")
    for statement in statements:
        _check_statement(statement, kind)


def _parse(text: str) -> Any:
    """JSON as its standard has it: no key twice, no NaN, and no nesting without end."""
    if _depth(text) > _LARGEST_DEPTH:
        _refuse("Syntax errors in policy.")
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse)
    except ValueError:
        _refuse("Syntax errors in policy.")


def _depth(text: str) -> int:
    deepest = depth = 0
    for char in text:
        depth += (char in "[{") - (char in "]}")
        deepest = max(deepest, depth)
    return deepest


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        _refuse("Syntax errors in policy.")
    return found


def _check_statement(statement: dict[str, Any], kind: Kind) -> None:
    if not statement.keys() <= _ELEMENTS:
        _refuse("Syntax errors in policy.")
    for name in ("Action", "NotAction", "Resource", "NotResource"):
        if name in statement:
            _check_texts(statement[name], "Syntax errors in policy.")
    _check_sid(statement.get("Sid", ""))
    _check_principal(statement, kind)
    _check_conditions(statement.get("Condition", {}))


def _check_sid(sid: Any) -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_sid.html."""
    if not isinstance(sid, str):
        _refuse("Syntax errors in policy.")
    if not _SID.fullmatch(sid):
        _refuse(
            "Statement IDs (SID) must be alpha-numeric. "
            "Check that your input satisfies the regular expression [0-9A-Za-z]*"
        )


def _check_principal(statement: dict[str, Any], kind: Kind) -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html."""
    names = [name for name in ("Principal", "NotPrincipal") if name in statement]
    if kind == "identity":
        if names:
            _refuse("Policy document should not specify a principal.")
        return
    if len(names) != 1:
        _refuse("Policy document must specify a principal.")
    principal = statement[names[0]]
    if principal == "*":
        return
    kinds = {"AWS", "Service", "Federated", "CanonicalUser"}
    if not isinstance(principal, dict) or not principal or not principal.keys() <= kinds:
        _refuse("Invalid principal in policy.")
    for value in principal.values():
        _check_texts(value, "Invalid principal in policy.")


def _check_texts(value: Any, message: str) -> None:
    """A text, or a list of some."""
    values = value if isinstance(value, list) else [value]
    if not values or not all(isinstance(one, str) and one for one in values):
        _refuse(message)


def _check_conditions(conditions: Any) -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition.html."""
    if not isinstance(conditions, dict):
        _refuse("Syntax errors in policy.")
    for operator, tests in conditions.items():
        if not _OPERATOR.fullmatch(operator):
            _refuse("Syntax errors in policy.")
        if not isinstance(tests, dict) or not tests:
            _refuse("Syntax errors in policy.")
        for key, value in tests.items():
            if ":" not in key:
                _refuse("Conditions must be prefaced by a vendor, e.g., aws, sts, iam.")
            values = value if isinstance(value, list) else [value]
            if not all(isinstance(one, str | int | float | bool) for one in values):
                _refuse("Syntax errors in policy.")


def _refuse(message: str) -> NoReturn:
    known = message if " " in message else "Syntax errors in policy."  # NaN comes by its name
    raise Refused("MalformedPolicyDocument", 400, known)
