"""Policies: their documents, their sizes, and how many of them an entity takes.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
"""

from collections import Counter
from typing import Any

from moto.core.responses import ActionResult, EmptyResult

from iamkit.sandbox.server.account import Account
from iamkit.sandbox.server.errors import Refused, limit_exceeded, no_such_entity
from iamkit.sandbox.server.iam.existing import policy as existing_policy
from iamkit.sandbox.server.iam.rules import Parameters, fails_with, rule
from iamkit.sandbox.server.iam.tags import TagAnswers, set_tags, tags_of
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


VERSIONS = 5
_FOR_SERVICES = "arn:aws:iam::aws:policy/aws-service-role/"


@rule(*fails_with("PolicyNotAttachable"))
def a_policy_of_a_service_linked_role_is_for_that_role(_: Account, parameters: Parameters) -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/using-service-linked-roles.html."""
    arn = parameters.get("PolicyArn") or parameters.get("PermissionsBoundary", "")
    if arn.startswith(_FOR_SERVICES):
        text = "Cannot attach a Service Role Policy to a Customer Role."
        raise Refused("PolicyNotAttachable", 400, text)


@rule("GetPolicyVersion", "SetDefaultPolicyVersion", "DeletePolicyVersion")
def the_version_is_there(account: Account, parameters: Parameters) -> None:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetPolicyVersion.html."""
    arn, number = parameters["PolicyArn"], parameters["VersionId"]
    if number not in [version.version_id for version in account.policy(arn).versions]:
        text = f"Policy {arn} version {number} does not exist or is not attachable."
        raise no_such_entity(text)


class PolicyAnswers(TagAnswers):
    """What is so already stays so: a policy is attached once, and has one default version."""

    def create_policy(self) -> ActionResult:
        """https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreatePolicy.html."""
        tags = self.params.pop("Tags", [])  # moto takes their keys without regard to case
        answer: Any = super().create_policy()
        policy = answer.result["Policy"]
        set_tags(self.account, policy, tags)
        shown = describe_policy(policy, self._uses())
        del shown["Description"]
        return ActionResult({"Policy": {**shown, "Tags": tags or None}})

    def get_policy(self) -> ActionResult:
        """https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetPolicy.html."""
        policy = existing_policy(self.account, self._get_param("PolicyArn"))
        shown = describe_policy(policy, self._uses())
        return ActionResult({"Policy": {**shown, "Tags": tags_of(self.account, policy)}})

    def list_policies(self) -> ActionResult:
        """The account's own stand before AWS's; descriptions and tags are for GetPolicy.

        https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListPolicies.html
        """
        scope, uses = self._get_param("Scope", "All"), self._uses()
        usage = self._get_param("PolicyUsageFilter")
        attached = self._get_param("OnlyAttached", False)
        own = [] if scope == "AWS" else self.account.local_policies
        awss = [] if scope == "Local" else self.account.iam.aws_managed_policies
        shown = [
            {**describe_policy(policy, uses), "Description": None}
            for policy in [*own, *awss]
            if policy.path.startswith(self._get_param("PathPrefix", "/"))
            and (not attached or policy.attachment_count or uses[policy.arn])
            and (usage != "PermissionsPolicy" or policy.attachment_count)
            and (usage != "PermissionsBoundary" or uses[policy.arn])
        ]
        return ActionResult({"Policies": shown})

    def list_entities_for_policy(self) -> ActionResult:
        """Who has a policy, attached or as its boundary.

        https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListEntitiesForPolicy.html
        """
        arn, wanted = self._get_param("PolicyArn"), self._get_param("EntityFilter")
        usage, prefix = self._get_param("PolicyUsageFilter"), self._get_param("PathPrefix", "/")
        iam = self.account.iam
        kinds = {"User": iam.users, "Group": iam.groups, "Role": iam.roles}

        def has(one: Any) -> bool:
            bound = (getattr(one, "permissions_boundary", None) or {}).values()
            attached = usage != "PermissionsBoundary" and arn in one.managed_policies
            return attached or (usage != "PermissionsPolicy" and arn in bound)

        found = {
            f"Policy{kind}s": [
                {f"{kind}Name": one.name, f"{kind}Id": one.id}
                for one in entities.values()
                if wanted in (None, kind) and one.path.startswith(prefix) and has(one)
            ]
            for kind, entities in kinds.items()
        }
        return ActionResult(found)

    def create_policy_version(self) -> ActionResult:
        """https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreatePolicyVersion.html."""
        answer: Any = super().create_policy_version()
        version = answer.result["PolicyVersion"]
        self.account.policy(self._get_param("PolicyArn")).update_date = version.create_date
        return ActionResult({"PolicyVersion": _describe_version(version)})

    def list_policy_versions(self) -> ActionResult:
        """The newest first.

        https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListPolicyVersions.html
        """
        versions = self.account.policy(self._get_param("PolicyArn")).versions
        shown = [_describe_version(v) for v in sorted(versions, key=_number, reverse=True)]
        return ActionResult({"Versions": shown})

    def _uses(self) -> Counter[str]:
        """How many have each policy as their boundary."""
        iam = self.account.iam
        bounds = (one.permissions_boundary for one in (*iam.users.values(), *iam.roles.values()))
        return Counter(bound["PermissionsBoundaryArn"] for bound in bounds if bound)

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


def describe_policy(policy: Any, uses: Counter[str]) -> dict[str, Any]:
    """A managed policy as the API shows it.

    https://docs.aws.amazon.com/IAM/latest/APIReference/API_Policy.html

    Args:
        policy: the policy.
        uses: how many have each policy as their boundary, by ARN.
    """
    return {
        "PolicyName": policy.name,
        "PolicyId": policy.id,
        "Arn": policy.arn,
        "Path": policy.path,
        "DefaultVersionId": policy.default_version_id,
        "AttachmentCount": policy.attachment_count,
        "PermissionsBoundaryUsageCount": uses[policy.arn],
        "IsAttachable": True,
        "Description": policy.description or None,
        "CreateDate": policy.create_date,
        "UpdateDate": policy.update_date,
    }


def _describe_version(version: Any) -> dict[str, Any]:
    """A version without its document, which only GetPolicyVersion shows."""
    return {
        "VersionId": version.version_id,
        "IsDefaultVersion": version.is_default,
        "CreateDate": version.create_date,
    }


def _number(version: Any) -> int:
    return int(version.version_id.removeprefix("v"))
