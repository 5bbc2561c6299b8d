"""Roles: who may assume them, and those that belong to a service of AWS.

https://docs.aws.amazon.com/IAM/latest/UserGuide/using-service-linked-roles.html
"""

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from moto.core.responses import ActionResult, EmptyResult
from moto.iam.exceptions import EntityAlreadyExists

from iamkit.policies.grammar.statements import statements_of, texts_of
from iamkit.sandbox.server.account import Account
from iamkit.sandbox.server.call import account_of
from iamkit.sandbox.server.errors import Refused, limit_exceeded, no_such_entity
from iamkit.sandbox.server.iam.existing import instance_profile
from iamkit.sandbox.server.iam.rules import Parameters, fails_with, rule
from iamkit.sandbox.server.iam.tags import TagAnswers
from iamkit.sandbox.server.iam.users import boundary
from iamkit.sandbox.server.moto_patches import mock_random

LINKED = "/aws-service-role/"
_SERVICE = re.compile(r"[\w.-]+\.(amazonaws\.com(\.cn)?|aws\.internal|amazon\.com|aws\.dev)|\*")
_ENTITY = re.compile(r"arn:aws:(iam|sts)::\d{12}:(user|role|assumed-role|root)(.*)")
_OTHERS = re.compile(r"\*|\d{12}|arn:[\w-]+:(iam|sts)::(\d{12}|cloudfront):.+|[A-Z0-9]{16,}")
_ASSUMED = re.compile(r"arn:aws:sts::\d{12}:assumed-role/([^/]+)/.+")


@rule("CreateRole", "UpdateAssumeRolePolicy")
def a_trust_policy_is_about_assuming_the_role(account: Account, parameters: Parameters) -> None:
    """It names actions of STS, no resource, and only who is there.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_roles.html
    """
    text = parameters.get("AssumeRolePolicyDocument") or parameters["PolicyDocument"]
    statements = statements_of(json.loads(text))
    for statement in statements:
        actions = texts_of(statement, "Action")
        if not all(action.lower().startswith("sts:") for action in actions):
            raise _malformed("AssumeRole policy may only specify STS AssumeRole actions.")
    if any(name in statement for statement in statements for name in ("Resource", "NotResource")):
        raise _malformed("Has prohibited field Resource")
    for statement in statements:
        for kind, name in _principals(statement):
            if not _is_there(account, kind, name):
                raise _malformed(f'Invalid principal in policy: "{kind.upper()}":"{name}"')


def _malformed(text: str) -> Refused:
    return Refused("MalformedPolicyDocument", 400, text)


def _principals(statement: Any) -> Iterator[tuple[str, str]]:
    for element in ("Principal", "NotPrincipal"):
        named = statement.get(element)
        for kind, names in named.items() if isinstance(named, dict) else ():
            for name in [names] if isinstance(names, str) else names:
                yield kind, name


def _is_there(account: Account, kind: str, name: str) -> bool:
    """Of accounts that are not here nothing is known, so whoever they name may be there."""
    if kind == "Service":
        return _SERVICE.fullmatch(name) is not None
    if kind != "AWS":
        return True
    owner = account.accounts.get(account_of(name))
    if owner is None or _ENTITY.fullmatch(name) is None:
        return _OTHERS.fullmatch(name) is not None or name == "*"
    if session := _ASSUMED.fullmatch(name):
        return any(role.name == session[1] for role in owner.iam.roles.values())
    everyone = (*owner.iam.users.values(), *owner.iam.roles.values())
    return name.endswith(":root") or any(one.arn == name for one in everyone)


@rule("CreateServiceLinkedRole")
def a_service_linked_role_is_of_a_service(_: Account, parameters: Parameters) -> None:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateServiceLinkedRole.html."""
    name = parameters["AWSServiceName"]
    if not name.endswith(".amazonaws.com"):
        text = f"{name} is not the name of a service that has service-linked roles."
        raise Refused("InvalidInput", 400, text)


@rule(*(action for action in fails_with("UnmodifiableEntity") if action != "UpdateRoleDescription"))
def a_service_linked_role_is_its_services(account: Account, parameters: Parameters) -> None:
    """Of such a role only the description may be edited."""
    role = account.role(parameters["RoleName"])
    only_described = {"RoleName", "Description"} >= parameters.keys() > {"RoleName"}
    if role.path.startswith(LINKED) and not only_described:
        text = f"Cannot perform the operation on the protected role '{role.name}' - "
        raise Refused("UnmodifiableEntity", 400, f"{text}this role is only modifiable by AWS")


@rule("AddRoleToInstanceProfile")
def an_instance_profile_has_one_role(account: Account, parameters: Parameters) -> None:
    """A quota that cannot be raised.

    https://docs.aws.amazon.com/IAM/latest/APIReference/API_AddRoleToInstanceProfile.html
    """
    if instance_profile(account, parameters["InstanceProfileName"]).roles:
        raise limit_exceeded("InstanceSessionsPerInstanceProfile", 1)


@rule("RemoveRoleFromInstanceProfile")
def a_removed_role_is_in_the_instance_profile(account: Account, parameters: Parameters) -> None:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_RemoveRoleFromInstanceProfile.html."""
    profile_name, name = parameters["InstanceProfileName"], parameters["RoleName"]
    profile = instance_profile(account, profile_name)
    if name not in [role.name for role in profile.roles]:
        raise no_such_entity(f"There is no role {name} in an instance profile {profile_name}.")


@rule("DeleteServiceLinkedRole")
def only_a_service_linked_role_is_deleted_so(account: Account, parameters: Parameters) -> None:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteServiceLinkedRole.html."""
    if not account.role(parameters["RoleName"]).path.startswith(LINKED):
        text = f"The role with name {parameters['RoleName']} is no service-linked role."
        raise no_such_entity(text)


class RoleAnswers(TagAnswers):
    """Roles."""

    def create_role(self) -> ActionResult:
        """The reply tells neither when it was used nor how long its sessions may last.

        https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html
        """
        super().create_role()
        role = self.account.role(self._get_param("RoleName"))
        bound = boundary(role.permissions_boundary_arn)
        shown = {"PermissionsBoundary": bound, "Tags": role.tags or None}
        return ActionResult({"Role": {**_describe(role), **shown}})

    def list_instance_profiles(self) -> ActionResult:
        """https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListInstanceProfiles.html."""
        prefix = self._get_param("PathPrefix", "/")
        profiles = self.account.iam.instance_profiles.values()
        return ActionResult(
            {"InstanceProfiles": [p for p in profiles if p.path.startswith(prefix)]}
        )

    def get_role(self) -> ActionResult:
        """https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetRole.html."""
        role = self.account.role(self._get_param("RoleName"))
        used = {"LastUsedDate": role.last_used, "Region": role.last_used_region}
        more = {
            "MaxSessionDuration": role.max_session_duration,
            "PermissionsBoundary": boundary(role.permissions_boundary_arn),
            "RoleLastUsed": used if role.last_used else {},
            "Tags": role.tags or None,
        }
        return ActionResult({"Role": {**_describe(role), **more}})

    def list_roles(self) -> ActionResult:
        """Without tags, boundaries and last uses.

        https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListRoles.html
        """
        prefix = self._get_param("PathPrefix", "/")
        roles = [
            {**_describe(role), "MaxSessionDuration": role.max_session_duration}
            for role in self.account.iam.roles.values()
            if role.path.startswith(prefix)
        ]
        return ActionResult({"Roles": roles})

    def update_role(self) -> ActionResult:
        """What is left out stays as it is.

        https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateRole.html
        """
        role = self.account.role(self._get_param("RoleName"))
        role.description = self._get_param("Description", role.description)
        role.max_session_duration = self._get_param("MaxSessionDuration", role.max_session_duration)
        return EmptyResult()

    def update_role_description(self) -> ActionResult:
        """https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateRoleDescription.html."""
        self.update_role()
        role = self.account.role(self._get_param("RoleName"))
        return ActionResult({"Role": _describe(role)})

    def update_assume_role_policy(self) -> ActionResult:
        """The rules have judged the document, where moto takes less than AWS.

        https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateAssumeRolePolicy.html
        """
        role = self.account.role(self._get_param("RoleName"))
        role.assume_role_policy_document = self._get_param("PolicyDocument")
        return EmptyResult()

    def create_service_linked_role(self) -> ActionResult:
        """https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateServiceLinkedRole.html."""
        try:
            answer: Any = super().create_service_linked_role()
        except EntityAlreadyExists as taken:
            name = str(taken.message).split()[3]
            text = f"Service role name {name} has been taken in this account, "
            raise Refused("InvalidInput", 400, f"{text}please try a different suffix.") from None
        return ActionResult({"Role": _describe(answer.result["Role"])})

    def delete_service_linked_role(self) -> ActionResult:
        """A task, whose status can be asked for.

        https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteServiceLinkedRole.html
        """
        role = self.account.role(self._get_param("RoleName"))
        role.managed_policies.clear()
        self.account.iam.delete_role(role.name)
        task = f"task{role.path}{role.name}/{mock_random.uuid4()}"
        self.account.deletion_tasks.add(task)
        return ActionResult({"DeletionTaskId": task})

    def get_service_linked_role_deletion_status(self) -> ActionResult:
        """https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetServiceLinkedRoleDeletionStatus.html."""
        task = self._get_param("DeletionTaskId")
        if task not in self.account.deletion_tasks:
            raise no_such_entity(f"Deletion task {task} cannot be found.")
        return ActionResult({"Status": "SUCCEEDED"})


def _describe(role: Any) -> dict[str, Any]:
    """What every call shows of a role. https://docs.aws.amazon.com/IAM/latest/APIReference/API_Role.html."""
    return {
        "Path": role.path,
        "RoleName": role.name,
        "RoleId": role.id,
        "Arn": role.arn,
        "CreateDate": role.create_date,
        "AssumeRolePolicyDocument": quote(role.assume_role_policy_document, safe=""),
        "Description": role.description or None,
    }
