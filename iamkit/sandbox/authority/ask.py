"""One question that AWS asks of the policies before it acts on a call."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

NO_POLICY = "{}"
"""The policy of a resource that trusts nobody, or that is not there."""


@dataclass(frozen=True, kw_only=True)
class Ask:
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
