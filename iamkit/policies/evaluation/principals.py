"""The ``Principal`` and ``NotPrincipal`` elements of a resource's own policy.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
"""

import re
from collections.abc import Sequence
from enum import Enum, auto

from iamkit.policies.evaluation.request import Principal
from iamkit.policies.grammar.statements import Statement


class Grip(Enum):
    """How a statement takes hold of a principal, which tells what may still limit it.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html
    """

    DIRECT = auto()
    """It names the caller itself, or everyone: no implicit deny elsewhere takes it away."""
    LIMITED = auto()
    """It names the role of a session: boundary and session policy still limit it."""
    ACCOUNT = auto()
    """It names the account, which thereby may give the permission on."""
    SESSION = auto()
    """It names one session of the role that is asked about, which is all of its sessions."""
    UNSURE = auto()
    """A NotPrincipal that exempts the caller and not its account: services differ."""


def grips_of(statement: Statement, principal: Principal, *, bounded: bool) -> tuple[Grip, ...]:
    """How a statement of a resource's policy takes hold of a principal; none if it does not.

    Of a role that is named by its account as well as by one of its sessions there are two.

    To be exempt by ``NotPrincipal``, the caller and its account must both be named; of a session
    the role as well. With a deny, nobody who has a permissions boundary is exempt (``bounded``).
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html
    """
    if statement.unread:
        return (Grip.DIRECT,)
    names = statement.principals
    grips = {grip for kind, name in names if (grip := _grip(kind, name, principal))}
    if statement.not_principal:
        all_hit = bounded and not statement.allows
        found = Grip.DIRECT if all_hit else _grip_unless_exempt(names, grips, principal)
        return () if found is None else (found,)
    sure = sorted(grips - {Grip.SESSION}, key=lambda grip: grip.value)[:1]
    if sure and (not statement.allows or principal.kind == "root"):
        return (Grip.DIRECT,)  # a deny hits by whichever name
    return (*sure, *(grips & {Grip.SESSION}))


def _grip_unless_exempt(
    names: Sequence[tuple[str, str]], grips: set[Grip], principal: Principal
) -> Grip | None:
    """How a ``NotPrincipal`` takes hold of a principal, by how it names it."""
    if Grip.SESSION in grips:
        return Grip.SESSION  # one session may be exempt, and the others are not
    if Grip.DIRECT not in grips:
        return Grip.DIRECT
    everyone = any(name == "*" for _, name in names)
    if not principal.account or principal.kind == "root" or everyone:
        return None
    wanted = {Grip.ACCOUNT} | ({Grip.LIMITED} if principal.kind == "role" else set())
    return None if wanted <= grips else Grip.UNSURE


def _grip(kind: str, name: str, principal: Principal) -> Grip | None:
    if principal.kind in ("service", "anonymous"):
        named = (kind, name) in (("AWS", "*"), ("Service", principal.name))
        return Grip.DIRECT if named else None
    if kind != "AWS":
        return None
    if name in (principal.account, _root(principal)):
        return Grip.DIRECT if principal.kind == "root" else Grip.ACCOUNT
    if name in ("*", principal.name):
        return Grip.LIMITED if ":role/" in name else Grip.DIRECT
    if principal.is_whole_role and _is_session_of(name, principal):
        return Grip.SESSION
    return Grip.LIMITED if _is_issuer(name, principal) else None


def _root(principal: Principal) -> str:
    return f"arn:{principal.partition}:iam::{principal.account}:root"


def _is_session_of(name: str, principal: Principal) -> bool:
    """Whether an ARN is that of a session of a role."""
    start = f"arn:{principal.partition}:sts::{principal.account}:assumed-role/"
    return name.startswith(f"{start}{principal.short_name}/")


def _is_issuer(name: str, principal: Principal) -> bool:
    """Whether an ARN is that of the session's role, or of the federated user's user."""
    if principal.issuer or principal.kind != "role":
        return bool(name) and name == principal.issuer
    found = re.fullmatch(rf"arn:[^:]+:iam::{principal.account}:role/(?:[^*?]*/)?([^/*?]+)", name)
    return found is not None and found[1] == principal.short_name
