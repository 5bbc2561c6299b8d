"""What is asked of a policy: who wants to do what, on which resource, under which circumstances."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any, Literal, cast

from iamkit.policies.grammar.conditions import texts
from iamkit.policies.grammar.patterns import account_in

PrincipalKind = Literal["root", "user", "role", "federated-user", "service", "anonymous"]

_ARN = re.compile(
    r"arn:([^:]*):(iam|sts)::(\d{12}):(root|user|role|assumed-role|federated-user)(.*)"
)
_TAG = "aws:principaltag/"
_SERVICE = re.compile(r"[\w.-]+\.amazonaws\.com(\.cn)?")
_PRINCIPAL_TYPES: Mapping[PrincipalKind, str] = {
    "root": "Account",
    "user": "User",
    "role": "AssumedRole",
    "federated-user": "FederatedUser",
    "service": "AWSService",
    "anonymous": "Anonymous",
}


@dataclass(frozen=True)
class Principal:
    """Who makes a request.

    Args:
        name: an ARN of a root, user, assumed role or federated user, such as
            ``arn:aws:iam::111122223333:user/alice``; of a role for one of its sessions, whichever;
            a service such as ``lambda.amazonaws.com``; or ``anonymous``.
        issuer: the ARN of the role that was assumed, if it has a path, which the session's ARN does
            not tell; or of the user who asked for a federated user's session.
        tags: its tags; None if they are not known.

    Raises:
        ValueError: it is none of these.
    """

    name: str
    issuer: str = ""
    tags: Mapping[str, str] | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if not (self._arn or self.kind == "service" or self.name == "anonymous"):
            raise ValueError(f"{self.name!r} is no principal: an ARN, a service, or anonymous")

    @cached_property
    def _arn(self) -> re.Match[str] | None:
        return _ARN.fullmatch(self.name)

    @cached_property
    def kind(self) -> PrincipalKind:
        """What it is."""
        if self._arn:
            return cast(PrincipalKind, self._arn[4].removeprefix("assumed-"))
        return "service" if _SERVICE.fullmatch(self.name) else "anonymous"

    @cached_property
    def account(self) -> str:
        """Its account's 12 digits; empty for services and the anonymous."""
        return self._arn[3] if self._arn else ""

    @cached_property
    def partition(self) -> str:
        """``aws`` and so on."""
        return self._arn[1] if self._arn else "aws"

    @cached_property
    def short_name(self) -> str:
        """The user's or the role's name without its path."""
        if not self._arn:
            return ""
        parts = self._arn[5].lstrip("/").split("/")
        return parts[0] if self._arn[4] == "assumed-role" else parts[-1]

    @property
    def is_whole_role(self) -> bool:
        """Whether it is a role, which stands for all of its sessions, and not one of them."""
        return self.kind == "role" and self._arn is not None and self._arn[4] == "role"

    @cached_property
    def arn(self) -> str:
        """What ``aws:PrincipalArn`` says; of an assumed role it is the role's."""
        if self._arn and self._arn[4] == "assumed-role":
            return self.issuer or f"arn:{self.partition}:iam::{self.account}:role/{self.short_name}"
        return self.name

    def tag(self, key: str) -> tuple[str, ...] | None:
        """The value of a tag, whose key is compared without regard to case; None if it has none.

        https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principaltag
        """
        found = {name.lower(): value for name, value in (self.tags or {}).items()}
        return (found[key],) if key in found else None

    @cached_property
    def known(self) -> Mapping[str, tuple[str, ...] | None]:
        """The context keys that it determines, in lower case; None for one that it cannot have.

        https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
        """
        keys: dict[str, tuple[str, ...] | None] = {
            "aws:principaltype": (_PRINCIPAL_TYPES[self.kind],),
            "aws:principalisawsservice": ("true" if self.kind == "service" else "false",),
            "aws:principalarn": (self.arn,) if self.account else None,
            "aws:principalaccount": (self.account,) if self.account else None,
            "aws:username": (self.short_name,) if self.kind == "user" else None,
        }
        if self.kind == "service":
            keys["aws:principalservicename"] = (self.name,)
        return keys


@dataclass(frozen=True, kw_only=True)
class Request:
    """One action of one principal on one resource.

    Attributes:
        principal: who; a text is read as ``Principal`` reads it.
        action: such as ``s3:GetObject``.
        resource: its ARN, ``*`` for an action that has none, None if it is not known. With
            wildcards it is a set (``evaluate``), as is an action with wildcards.
        context: the values of context keys: a text, a number, a truth value or a list; None for a
            key that is known to be absent. What the principal determines need not be given.
        complete: whether the request has no other keys than these. If not, every other key is
            unknown, and what depends on it "depends". It is by default when a context is given.
        unknown: keys that are unknown although the context is complete.
        resource_account: the resource's account, where its ARN does not name it; by default the
            principal's.
    """

    principal: Principal
    action: str
    resource: str | None = None
    context: Mapping[str, Any] | None = None
    complete: bool | None = None
    unknown: frozenset[str] = frozenset()
    resource_account: str = ""

    @cached_property
    def owner(self) -> str:
        """The account of the resource, as far as it can be told; else the principal's."""
        return self._owner or self.principal.account

    def on(self, resource: str | None) -> "Request":
        """The same about another resource; what does not hang on it is not found out again."""
        if resource == self.resource:
            return self
        kept = {"_given": self._given, "_unknown": self._unknown}  # before what is cached is copied
        other = object.__new__(Request)
        own = {name: value for name, value in vars(self).items() if name in _FIELDS}
        vars(other).update(own, resource=resource, **kept)
        return other

    def lookup(self, key: str) -> tuple[str, ...] | frozenset[str] | None:
        """The values of a context key, None if it is absent, its name in a set if not known."""
        lowered = key.lower()
        if lowered in self._unknown:
            return frozenset({key})
        if lowered in self._given:
            return self._given[lowered]
        if lowered == "aws:resourceaccount" and self._owner:
            return (self._owner,)
        if lowered.startswith(_TAG) and self.principal.tags is not None:
            return self.principal.tag(lowered.removeprefix(_TAG))
        complete = self.context is not None if self.complete is None else self.complete
        return None if complete else frozenset({key})

    @cached_property
    def _owner(self) -> str:
        return self.resource_account or account_in(self.resource or "")

    @cached_property
    def _unknown(self) -> frozenset[str]:
        return frozenset(key.lower() for key in self.unknown)

    @cached_property
    def _given(self) -> Mapping[str, tuple[str, ...] | None]:
        """The keys that are known whatever the resource, in lower case; what was given first."""
        given = {
            key.lower(): None if value is None else texts(value)
            for key, value in (self.context or {}).items()
        }
        return {**self.principal.known, **given}


_FIELDS = frozenset(found.name for found in fields(Request))
