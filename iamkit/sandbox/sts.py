"""STS's answers where moto's differ from AWS's."""

import json
from typing import Any, NoReturn

from moto.core.responses import ActionResult
from moto.sts.responses import TokenResponse

from iamkit.sandbox.account import Account
from iamkit.sandbox.answers import Answers
from iamkit.sandbox.call import Caller
from iamkit.sandbox.refusal import Refused
from iamkit.sandbox.seams import ACCOUNT_ID


class SandboxSts(Answers, TokenResponse):
    """STS."""

    def get_caller_identity(self) -> ActionResult:
        """Who signed the call: root, a user or a role, and nobody else."""
        caller = self.call.caller
        return ActionResult({"UserId": caller.user_id, "Account": ACCOUNT_ID, "Arn": caller.arn})

    def assume_role(self) -> ActionResult:
        """The role must exist and trust the caller.

        https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
        """
        arn, caller = self._get_param("RoleArn"), self.call.caller
        if caller.is_root:
            raise Refused("AccessDenied", 403, "Roles may not be assumed by root accounts.")
        policy = _trust_policy(self.account, arn)
        if not any(_trusts(s, caller, self._get_param("ExternalId")) for s in policy):
            text = f"User: {caller.arn} is not authorized to perform: sts:AssumeRole on resource: "
            raise Refused("AccessDenied", 403, text + arn)
        answer: ActionResult = super().assume_role()
        return answer

    def _not_here(self) -> NoReturn:
        """moto hands out keys of which it knows nothing afterwards."""
        raise NotImplementedError

    get_session_token = get_federation_token = _not_here
    assume_role_with_saml = assume_role_with_web_identity = _not_here


def _trust_policy(account: Account, arn: str) -> list[dict[str, Any]]:
    """The statements of a role's trust policy; none, if there is no such role."""
    for role in account.iam.roles.values():
        if role.arn == arn:
            statements = json.loads(role.assume_role_policy_document)["Statement"]
            return statements if isinstance(statements, list) else [statements]
    return []


def _trusts(statement: dict[str, Any], caller: Caller, external_id: str | None) -> bool:
    """Whether a statement lets the caller assume the role; a condition we do not know does not."""
    principals = statement.get("Principal", {})
    named = ["*"] if principals == "*" else _listed(principals.get("AWS", []))
    whole = {"*", ACCOUNT_ID, f"arn:aws:iam::{ACCOUNT_ID}:root", caller.arn}
    wanted = {"StringEquals": {"sts:ExternalId": external_id}}
    return (
        statement["Effect"] == "Allow"
        and bool({"sts:AssumeRole", "sts:*", "*"} & set(_listed(statement.get("Action", []))))
        and not whole.isdisjoint(named)
        and statement.get("Condition") in (None, {}, wanted)
    )


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
