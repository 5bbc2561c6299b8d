"""What an auditor looks for in one policy document, told without any catalogue."""

from collections.abc import Iterator
from fnmatch import fnmatchcase

from iamkit.account.state import JSON
from iamkit.policies.grammar.statements import statements_of, texts_of

SENSITIVE = ("cloudtrail", "kms")
"""Services of which nobody should be allowed everything: the log, and the keys."""
_MFA_ACTIONS = ("iam:deactivatemfadevice", "iam:deletevirtualmfadevice")


def review_document(document: JSON) -> tuple[bool, str, bool, str]:
    """Whether it is full administration, and three other things.

    Returns:
        Whether it allows ``*`` on ``*`` unconditionally; the services of which it allows
        everything on everything; whether it lets a key without MFA take MFA devices away; and
        the groups' ARNs that a Deny names.
    """
    full, services, removable, denies = False, set[str](), False, set[str]()
    for statement in statements_of(document):
        if statement.get("Effect") == "Deny":
            denies |= set(_group_arns(statement))
            continue
        actions = [action.lower() for action in texts_of(statement, "Action")]
        free = not statement.get("Condition")
        if "*" in texts_of(statement, "Resource"):
            full = full or (free and ("*" in actions or "*:*" in actions))
            services |= {s for s in SENSITIVE if f"{s}:*" in actions}
        removable = removable or (not _wants_mfa(statement) and _removes_mfa(actions))
    return full, ", ".join(sorted(services)), removable and not full, ", ".join(sorted(denies))


def _group_arns(statement: JSON) -> Iterator[str]:
    return (text for text in texts_of(statement, "Resource") if ":group/" in text)


def _wants_mfa(statement: JSON) -> bool:
    """Whether a condition asks for MFA in a way that binds: not by ``BoolIfExists``.

    A call with a long-term key has no ``aws:MultiFactorAuthPresent`` at all, so ``BoolIfExists``
    lets it through.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
    """
    conditions = statement.get("Condition") or {}
    keys = {
        str(key).lower()
        for operator, tests in conditions.items()
        if not str(operator).endswith("IfExists") and operator != "Null"
        for key in tests
    }
    return bool(keys & {"aws:multifactorauthpresent", "aws:multifactorauthage"})


def _removes_mfa(actions: list[str]) -> bool:
    iam = [action for action in actions if action[:1] in ("i", "*", "?")]
    return any(fnmatchcase(wanted, pattern) for pattern in iam for wanted in _MFA_ACTIONS)
