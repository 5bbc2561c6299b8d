"""What users may do in a request that shows MFA, that shows none, or by a plain access key."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from iamkit.account.state import AccountState, User
from iamkit.policies.actions.catalogue import Catalogue
from iamkit.policies.evaluation.engine import evaluate
from iamkit.policies.evaluation.exact import Decision
from iamkit.policies.evaluation.holdings import Holding, Holdings
from iamkit.policies.evaluation.layers import Policies
from iamkit.policies.evaluation.personal import settle
from iamkit.policies.evaluation.reach import Grants
from iamkit.policies.evaluation.request import Principal, Request
from iamkit.policies.grammar.patterns import Lookup
from iamkit.policies.grammar.statements import Statement

Shown = Literal["with MFA", "without MFA", "not told", "plain key"]
"""How a request shows MFA; a plain access key cannot show any."""

_SESSION: Mapping[str, Any] = {
    "aws:ViaAWSService": "false",
    "aws:CalledVia": None,
    "aws:FederatedProvider": None,
    "aws:SecureTransport": "true",
}
_CONTEXT: Mapping[Shown, Mapping[str, Any]] = {
    "with MFA": {**_SESSION, "aws:MultiFactorAuthPresent": "true"},
    "without MFA": {
        **_SESSION,
        "aws:MultiFactorAuthPresent": "false",
        "aws:MultiFactorAuthAge": None,
    },
    "not told": _SESSION,
    "plain key": {
        **_SESSION,
        "aws:MultiFactorAuthPresent": None,
        "aws:MultiFactorAuthAge": None,
        "aws:TokenIssueTime": None,
    },
}
"""What is known of a request; every other key is unknown, and what hangs on it cannot be told.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-multifactorauthpresent
"""


class RequestsOfUsers:
    """Requests of the users of one account, whose policies are read once.

    Args:
        account: with everyone's policies; what was not read of them is unknown.
        catalogue: of AWS's actions.
    """

    def __init__(self, account: AccountState, catalogue: Catalogue) -> None:
        self.account = account
        self._holdings = Holdings(account, catalogue)
        self._policies: dict[Holding, Policies] = {}
        self._settled: dict[Any, Holding] = {}

    def holding(self, user: User, shown: Shown) -> Holding:
        """What a user holds in such a request; those for whom it is the same share one."""
        held = self._holdings.of(user)
        lookup = self._request(user, "", None, shown).lookup
        grants = (*held.policies, held.boundary) if held.boundary else held.policies
        keys = sorted({key for one in grants for key in one.keys_of_user})
        known = held, shown, tuple(lookup(key) for key in keys)
        if known not in self._settled:
            self._settled[known] = replace(
                held,
                policies=tuple(_settled(one, lookup) for one in held.policies),
                boundary=held.boundary and _settled(held.boundary, lookup),
            )
        return self._settled[known]

    def ask(
        self,
        user: User,
        action: str,
        resource: str,
        shown: Shown,
        more: Mapping[str, tuple[Statement, ...]] | None = None,
    ) -> Decision:
        """Whether a user may do something.

        Args:
            user: of the account.
            action: such as ``iam:ChangePassword``.
            resource: its ARN.
            shown: how MFA is shown.
            more: what is allowed beside the user's policies, by a name.
        """
        held = self._holdings.of(user)
        if held not in self._policies:
            bound = held.boundary
            self._policies[held] = Policies(
                identity={grants.name: _statements(grants) for grants in held.policies},
                permissions_boundary=None if bound is None else _statements(bound),
            )
        policies = self._policies[held]
        if more:
            policies = replace(policies, identity={**policies.identity, **more})
        return evaluate(self._request(user, action, resource, shown), policies)

    def arn(self, user: User) -> str:
        """The ARN of a user, who may not be made yet."""
        return user.arn or f"{self._prefix}:user{user.path}{user.name}"

    def device_arn(self, name: str) -> str:
        """The ARN of a virtual device of that name."""
        return f"{self._prefix}:mfa/{name}"

    @property
    def _prefix(self) -> str:
        return f"arn:{self.account.partition}:iam::{self.account.account_id}"

    def _request(self, user: User, action: str, resource: str | None, shown: Shown) -> Request:
        return Request(
            principal=Principal(self.arn(user), tags=user.tags),
            action=action,
            resource=resource,
            context=_CONTEXT[shown],
            complete=False,
        )


def _statements(grants: Grants) -> tuple[Statement, ...]:
    return tuple(statement for statement, _ in grants)


def _settled(grants: Grants, lookup: Lookup) -> Grants:
    """A policy as it is in such a request."""
    found = ((settle(s, lookup) if not s.unread else s, mask) for s, mask in grants)
    return grants.with_statements((s, mask) for s, mask in found if s)
