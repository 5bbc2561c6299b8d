"""One question that AWS asks of the policies before it acts on a call."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from iamkit.policies.actions.catalogue import describe_action

NO_POLICY = "{}"
"""The policy of a resource that trusts nobody, or that is not there."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """May the caller do this to that?

    Attributes:
        action: such as ``iam:CreateUser``.
        resource: its ARN, ``*`` for an action that has none, None if the sandbox cannot tell.
        shown: what AWS's message calls the resource; empty for its ARN.
        context: the values of context keys that belong to this question alone.
        unknown: context keys that AWS would have and the sandbox does not know.
        policy: the text of the resource's own policy; None if it has none.
    """

    action: str
    resource: str | None = "*"
    shown: str = ""
    context: Mapping[str, Any] = field(default_factory=dict)
    unknown: frozenset[str] = frozenset()
    policy: str | None = None


def unknown_keys(action: str, given: Iterable[str]) -> frozenset[str]:
    """The service's own condition keys that AWS has for an action, without those that are given."""
    found = describe_action(action)
    known = {key.lower() for key in given}
    return frozenset(
        key
        for key in (found.condition_keys if found else ())
        if not key.startswith("aws:") and not set(key) & set("$<") and key.lower() not in known
    )
