"""Policies: their documents, their sizes, and how many of them an entity takes.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
"""

from typing import Any

from moto.core.responses import ActionResult, EmptyResult

from iamkit.sandbox.server.account import Account
from iamkit.sandbox.server.errors import Refused, limit_exceeded
from iamkit.sandbox.server.iam.base import IamAnswers
from iamkit.sandbox.server.iam.rules import Parameters, rule
from iamkit.sandbox.server.policy_grammar import check_document, document_size

INLINE_SIZE = {"User": 2_048, "Group": 5_120, "Role": 10_240}
MANAGED_SIZE = 6_144
TRUST_SIZE = 2_048
ATTACHED = 10


@rule("PutUserPolicy", "PutGroupPolicy", "PutRolePolicy")
def whose_policy_it_is_is_there(account: Account, parameters: Parameters) -> None:
    """Who is not there is told before what is wrong with the document."""
    _entity(account, parameters)


@rule("PutUserPolicy", "PutGroupPolicy", "PutRolePolicy", "CreatePolicy", "CreatePolicyVersion")
def an_identity_policy_is_well_formed(_: Account, parameters: Parameters) -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html."""
    check_document(parameters["PolicyDocument"], "identity")


@rule("CreateRole", "UpdateAssumeRolePolicy")
def a_trust_policy_is_well_formed(_: Account, parameters: Parameters) -> None:
    """A role's trust policy names who may assume it, and fits in 2,048 characters."""
    text = parameters.get("AssumeRolePolicyDocument") or parameters["PolicyDocument"]
    check_document(text, "trust")
    if document_size(text) > TRUST_SIZE:
        raise limit_exceeded("ACLSizePerRole", TRUST_SIZE)


@rule("PutUserPolicy", "PutGroupPolicy", "PutRolePolicy")
def inline_policies_fit(account: Account, parameters: Parameters) -> None:
    """The sum of an entity's inline policies counts, without white space."""
    kind, entity = _entity(account, parameters)
    policies = {**entity.policies, parameters["PolicyName"]: parameters["PolicyDocument"]}
    if sum(map(document_size, policies.values())) > INLINE_SIZE[kind]:
        raise Refused(
            "LimitExceeded",
            409,
            f"Maximum policy size of {INLINE_SIZE[kind]} bytes exceeded for {kind.lower()} "
            f"{entity.name}",
        )


@rule("CreatePolicy", "CreatePolicyVersion")
def a_managed_policy_fits(_: Account, parameters: Parameters) -> None:
    """6,144 characters without white space."""
    if document_size(parameters["PolicyDocument"]) > MANAGED_SIZE:
        raise limit_exceeded("PolicySize", MANAGED_SIZE)


@rule("AttachUserPolicy", "AttachGroupPolicy", "AttachRolePolicy")
def ten_policies_can_be_attached(account: Account, parameters: Parameters) -> None:
    """Ten to an entity, unless AWS has raised the quota; AWS's default is what holds here."""
    kind, entity = _entity(account, parameters)
    arn = account.policy(parameters["PolicyArn"]).arn
    if arn not in entity.managed_policies and len(entity.managed_policies) >= ATTACHED:
        raise limit_exceeded(f"PoliciesPer{kind}", ATTACHED)


@rule("CreatePolicyVersion", "DeletePolicyVersion", "SetDefaultPolicyVersion", "TagPolicy")
def awss_own_policies_are_awss(account: Account, parameters: Parameters) -> None:
    """Nobody changes a managed policy of AWS."""
    policy = account.policy(parameters["PolicyArn"])
    if policy not in account.local_policies:
        raise Refused("AccessDenied", 403, f"{policy.arn} is AWS's own and cannot be changed.")


def _entity(account: Account, parameters: Parameters) -> tuple[str, Any]:
    if name := parameters.get("UserName"):
        return "User", account.user(name)
    if name := parameters.get("GroupName"):
        return "Group", account.group(name)
    return "Role", account.role(parameters["RoleName"])


class PolicyAnswers(IamAnswers):
    """What is so already stays so: a policy is attached once, and has one default version."""

    def attach_user_policy(self) -> ActionResult:
        """https://docs.aws.amazon.com/IAM/latest/APIReference/API_AttachUserPolicy.html."""
        return EmptyResult() if self._is_attached() else super().attach_user_policy()

    def attach_group_policy(self) -> ActionResult:
        """https://docs.aws.amazon.com/IAM/latest/APIReference/API_AttachGroupPolicy.html."""
        return EmptyResult() if self._is_attached() else super().attach_group_policy()

    def attach_role_policy(self) -> ActionResult:
        """https://docs.aws.amazon.com/IAM/latest/APIReference/API_AttachRolePolicy.html."""
        return EmptyResult() if self._is_attached() else super().attach_role_policy()

    def set_default_policy_version(self) -> ActionResult:
        """https://docs.aws.amazon.com/IAM/latest/APIReference/API_SetDefaultPolicyVersion.html."""
        policy = self.account.policy(self.params["PolicyArn"])
        if policy.default_version_id == self.params["VersionId"]:
            return EmptyResult()
        return super().set_default_policy_version()

    def _is_attached(self) -> bool:
        _, entity = _entity(self.account, self.params)
        return self.params["PolicyArn"] in entity.managed_policies
