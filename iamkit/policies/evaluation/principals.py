"""The ``Principal`` and ``NotPrincipal`` elements of a resource's own policy.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
"""

import re
from collections.abc import Iterator, Mapping
from enum import Enum, auto
from typing import Any

from iamkit.policies.evaluation.request import Principal


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
    UNSURE = auto()
    """A NotPrincipal that exempts the caller and not its account: services differ."""


def grip_of(element: Any, principal: Principal, *, allows: bool) -> Grip | None:
    """How a ``Principal`` element takes hold of a principal; None if it does not.

    Args:
        element: ``"*"``, or kinds with names.
        principal: who calls.
        allows: whether the statement allows; a deny hits by whichever name.
    """
    found = {grip for kind, name in _names(element) if (grip := _grip(kind, name, principal))}
    if not found:
        return None
    if not allows or principal.kind == "root":
        return Grip.DIRECT
    return min(found, key=lambda grip: grip.value)


def grip_unless_named(element: Any, principal: Principal, *, always: bool) -> Grip | None:
    """How a ``NotPrincipal`` element takes hold of a principal: not at all if it exempts it.

    To be exempt, the caller and its account must both be named; of a session the role as well.
    With a deny, nobody who has a permissions boundary is exempt (``always``).
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html
    """
    grips = {grip for kind, name in _names(element) if (grip := _grip(kind, name, principal))}
    if always or Grip.DIRECT not in grips:
        return Grip.DIRECT
    if not principal.account or principal.kind == "root" or _everyone(element):
        return None
    wanted = {Grip.ACCOUNT} | ({Grip.LIMITED} if principal.kind == "role" else set())
    return None if wanted <= grips else Grip.UNSURE


def named_principals(element: Any) -> Iterator[str]:
    """The names in a ``Principal`` element, of accounts, users and roles; ``*`` for everyone."""
    return (name for kind, name in _names(element) if kind == "AWS")


def _everyone(element: Any) -> bool:
    return any(name == "*" for _, name in _names(element))


def _names(element: Any) -> Iterator[tuple[str, str]]:
    kinds = {"AWS": "*"} if element == "*" else element
    for kind, names in kinds.items() if isinstance(kinds, Mapping) else ():
        for name in names if isinstance(names, list | tuple) else [names]:
            yield str(kind), str(name)


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
    return Grip.LIMITED if _is_issuer(name, principal) else None


def _root(principal: Principal) -> str:
    return f"arn:{principal.partition}:iam::{principal.account}:root"


def _is_issuer(name: str, principal: Principal) -> bool:
    """Whether an ARN is that of the session's role, or of the federated user's user."""
    if principal.issuer or principal.kind != "role":
        return bool(name) and name == principal.issuer
    found = re.fullmatch(rf"arn:[^:]+:iam::{principal.account}:role/(?:[^*?]*/)?([^/*?]+)", name)
    return found is not None and found[1] == principal.short_name
