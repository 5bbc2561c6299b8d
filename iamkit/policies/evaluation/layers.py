"""The policies that apply to a request, layer by layer, and those that nobody read."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

from iamkit.account.state import JSON
from iamkit.policies.evaluation.special_actions import (
    delegating_policy,
    is_free,
    kept_from,
    may_have_own_policy,
)
from iamkit.policies.grammar.statements import Statement, read_statements, unread

Kind = Literal[
    "identity-based policy",
    "permissions boundary",
    "session policy",
    "service control policy",
    "resource control policy",
    "VPC endpoint policy",
    "resource-based policy",
    "rule of AWS's own",
]
"""The kinds of policies, in the words of AWS's messages; what AWS keeps for itself is the last."""

Text = JSON | tuple[Statement, ...]
"""A policy as its document, or as ``read_statements`` has read it already."""


@dataclass(frozen=True, kw_only=True)
class Policies:
    """The policies that apply to a request, each as its document or as ``read_statements`` read it.

    Attributes:
        identity: of the user and its groups, or of the role: documents by name.
        permissions_boundary: None if the principal has none.
        session: what was passed when the session began; None if nothing was.
        service_control: by level, from the organization's root down to the account, the documents
            of each level; none if the account is in no organization, or its management account.
        resource_control: by level, likewise.
        vpc_endpoint: of the VPC endpoint through which the request comes; None if through none.
        resource: the resource's own policy, such as a bucket's, a key's or a role's trust policy.
        kept: what AWS keeps for itself, as statements that deny; ``with_own`` knows it.

    A layer that was not read is ``unread(its name)`` in the place of its document.
    """

    identity: Mapping[str, Text] = field(default_factory=dict)
    permissions_boundary: Text | None = None
    session: Mapping[str, Text] | None = None
    service_control: Sequence[Mapping[str, Text]] = ()
    resource_control: Sequence[Mapping[str, Text]] = ()
    vpc_endpoint: Text | None = None
    resource: Text | None = None
    kept: tuple[Statement, ...] = ()

    @cached_property
    def statements(self) -> tuple[Statement, ...]:
        """Those of all layers, the resource's own policy among them."""
        found = [statement for _, layer in self.layers for statement in layer]
        return (*found, *self.resource_statements, *self.kept)

    @cached_property
    def layers(self) -> tuple[tuple[Kind, tuple[Statement, ...]], ...]:
        """The statements of each layer that must allow, in the order of AWS's evaluation."""
        return tuple(self._layers())

    @cached_property
    def resource_statements(self) -> tuple[Statement, ...]:
        """The statements of the resource's own policy."""
        return _read(self.resource or {}, "resource policy")

    def with_own(self, action: str) -> "Policies":
        """The same, with what AWS keeps for itself, and with what it never leaves out.

        If nobody gave that, it was not read.
        """
        resource, kind = self.resource, delegating_policy(action)
        if resource is None and kind:
            resource = unread(kind, f"the {kind}, which was not read")
        kept = kept_from(action)
        if kept == self.kept and resource is self.resource:
            return self
        return replace(self, resource=resource, kept=kept)

    def _layers(self) -> Iterator[tuple[Kind, tuple[Statement, ...]]]:
        for level in self.resource_control:
            yield "resource control policy", _read_all(level)
        for level in self.service_control:
            yield "service control policy", _read_all(level)
        yield "identity-based policy", _read_all(self.identity)
        if self.permissions_boundary is not None:
            yield "permissions boundary", _read(self.permissions_boundary, "permissions boundary")
        if self.session is not None:
            yield "session policy", _read_all(self.session)
        if self.vpc_endpoint is not None:
            yield "VPC endpoint policy", _read(self.vpc_endpoint, "VPC endpoint policy")


def _read(text: Text, name: str) -> tuple[Statement, ...]:
    return text if isinstance(text, tuple) else read_statements(text, name)


def _read_all(texts: Mapping[str, Text]) -> tuple[Statement, ...]:
    return tuple(statement for name, text in texts.items() for statement in _read(text, name))


ABSENT: tuple[Statement, ...] = ()
"""A policy that is known not to be there."""
ORGANIZATION = "the organization's policies (service and resource control policies)"
SESSION = "the policies of role sessions"
ENDPOINT = "the policy of a VPC endpoint"
OWN = "the resource's own policy"


@dataclass(frozen=True, kw_only=True)
class Layers:
    """The policies beside an account's own, each given, known to be absent, or not read.

    Attributes:
        service_control: as in ``Policies``; ``()`` if there are none, None if they were not read.
        resource_control: likewise.
        session: what is passed to the sessions of roles; ``{}`` for nothing, None if not known.
        vpc_endpoint: ``ABSENT`` if no request comes through one, None if it was not read.
        resource: the resource's own policy; ``ABSENT`` if it has none, None if it was not read.
    """

    service_control: Sequence[Mapping[str, Text]] | None = None
    resource_control: Sequence[Mapping[str, Text]] | None = None
    session: Mapping[str, Text] | None = None
    vpc_endpoint: Text | None = None
    resource: Text | None = None

    def applied(self, policies: Policies, kind: str) -> Policies:
        """The policies of one principal with those layers that were given.

        Args:
            policies: as far as they are of the account.
            kind: ``user``, ``role`` or ``root``.
        """
        return replace(
            policies,
            service_control=self.service_control or (),
            resource_control=self.resource_control or (),
            session=(self.session or None) if kind == "role" else None,
            vpc_endpoint=self.vpc_endpoint or None,
            resource=policies.resource or self.resource or None,
        )

    def not_read(self, action: str, kind: str) -> tuple[str, ...]:
        """The layers that were not read, and may bear on an action of a user, role or root."""
        found = []
        if self.service_control is None or self.resource_control is None:
            found.append(ORGANIZATION)
        if self.session is None and kind == "role":
            found.append(SESSION)
        if self.vpc_endpoint is None:
            found.append(ENDPOINT)
        if self.resource is None and may_have_own_policy(action):
            found.append(OWN)
        return () if is_free(action) else tuple(found)
