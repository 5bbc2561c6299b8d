"""What IAM asks: for most actions about the one user, group, role or policy that a call names.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html
"""

from collections.abc import Iterator, Mapping
from typing import Any

from iamkit.policies.actions.catalogue import Action, describe_action
from iamkit.sandbox.server.account import Account
from iamkit.sandbox.server.arns import arn_of, listed_tags, request_tags, tag_keys
from iamkit.sandbox.server.authorization.question import Question
from iamkit.sandbox.server.call import FOR_THE_CALLER, Call
from iamkit.sandbox.server.iam import tags

_BY_NAME: Mapping[str, tuple[str, str, str]] = {
    "user": ("UserName", "users", "name"),
    "group": ("GroupName", "groups", "name"),
    "role": ("RoleName", "roles", "name"),
    "instance-profile": ("InstanceProfileName", "instance_profiles", "name"),
    "server-certificate": ("ServerCertificateName", "certificates", "cert_name"),
}
"""Of a type: the parameter that names it, where moto keeps all of them, and their name there."""
_BY_ARN = {
    "policy": "PolicyArn",
    "mfa": "SerialNumber",
    "saml-provider": "SAMLProviderArn",
    "oidc-provider": "OpenIDConnectProviderArn",
}
_NAMES_OF_NEW = {
    "CreatePolicy": ("policy", "PolicyName"),
    "CreateVirtualMFADevice": ("mfa", "VirtualMFADeviceName"),
    "CreateSAMLProvider": ("saml-provider", "Name"),
    "UploadServerCertificate": ("server-certificate", "ServerCertificateName"),
    "CreateOpenIDConnectProvider": ("oidc-provider", "Url"),
}
_TAG_WITH = {kind.made_by: f"iam:Tag{name}" for name, kind in tags.TAGGED.items()}
"""What a call that makes something wants beside its own permission, if it brings tags."""
_ABOUT_AN_ARN = {
    "SimulatePrincipalPolicy": "PolicySourceArn",
    "GetContextKeysForPrincipalPolicy": "PolicySourceArn",
    "GenerateServiceLastAccessedDetails": "Arn",
    "ListPoliciesGrantingServiceAccess": "Arn",
}
_BRING_A_BOUNDARY = (
    "CreateUser",
    "CreateRole",
    "PutUserPermissionsBoundary",
    "PutRolePermissionsBoundary",
)
_SHOWN_LISTS = {
    "ListUsers": "arn:aws:iam::{}:user",
    "ListGroups": "arn:aws:iam::{}:group",
    "ListRoles": "arn:aws:iam::{}:role",
    "ListPolicies": "policy path ",
}
"""Lists have no resource; AWS's message names the path all the same."""


def asks_of_iam(call: Call, account: Account) -> Iterator[Question]:
    """What a call of IAM asks, in the order in which it asks."""
    name = f"iam:{call.action}"
    action = describe_action(name)
    if action is None or not action.resource_types or _is_about_all_users(call):
        shown = _SHOWN_LISTS.get(call.action, "").format(account.id)
        shown = shown and shown + call.get("PathPrefix", "/")
        yield Question(action=name, context=_keys(call, action, None), shown=shown)
        return
    kinds = action.resource_types
    arn, shown, entity = _resource(call, account, kinds)
    context = _keys(call, action, entity)
    had = tag_keys(["aws:ResourceTag", "iam:ResourceTag"], tags_of(account, entity))
    yield Question(action=name, resource=arn, shown=shown, context={**context, **had})
    if tagging := _TAG_WITH.get(call.action) if _tags(call) else None:
        keys = _keys(call, describe_action(tagging), None)
        yield Question(action=tagging, resource=arn, shown=shown, context=keys)
    if call.action in ("UpdateUser", "UpdateGroup"):
        yield Question(action=name, resource=_renamed(call, kinds[0], entity), context=context)
    if call.action == "AddRoleToInstanceProfile":
        yield pass_role(account, call.get("RoleName"), "ec2.amazonaws.com")


def _is_about_all_users(call: Call) -> bool:
    everyone = call.get("AllUsers").lower() == "true"
    return everyone and call.action == "ListServiceSpecificCredentials"


def pass_role(account: Account, role_name: str, service: str) -> Question:
    """May the caller hand a role to a service?

    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html
    """
    role = find(account, "role", role_name)
    had = tag_keys(["aws:ResourceTag", "iam:ResourceTag"], tags_of(account, role))
    arn = role.arn if role else arn_of(account.id, "iam", "role", role_name)
    context = {"iam:PassedToService": service, **had}
    return Question(
        action="iam:PassRole",
        resource=arn,
        context=context,
        unknown=frozenset({"iam:AssociatedResourceArn"}),
    )


def find(account: Account, kind: str, name: str) -> Any:
    """The user, group, role and so on of a name; None if there is none."""
    _, place, attribute = _BY_NAME[kind]
    everything = getattr(account.iam, place)
    found = everything.get(name)
    if found is not None and getattr(found, attribute) == name:
        return found
    return next((one for one in everything.values() if getattr(one, attribute) == name), None)


def tags_of(account: Account, entity: Any) -> dict[str, str]:
    """The tags of a user, a role, a policy or another thing of IAM."""
    if entity is None:
        return {}
    return listed_tags(tags.tags_of(account, entity))


def _resource(call: Call, account: Account, kinds: tuple[str, ...]) -> tuple[str | None, str, Any]:
    """The ARN of what a call is about, what AWS's message calls it, and the thing itself."""
    if parameter := _ABOUT_AN_ARN.get(call.action):
        arn = call.get(parameter)
        return arn or None, "", _by_arn(account, arn)
    if call.action == "GetAccessKeyLastUsed":
        key = account.iam.access_keys.get(call.get("AccessKeyId"))
        return _named(call, account, "user", key.user_name) if key else (None, "", None)
    kind = kinds[0]
    if call.action in _NAMES_OF_NEW:
        kind, parameter = _NAMES_OF_NEW[call.action]
        return _new(call, kind, call.get(parameter))
    if parameter := _BY_ARN.get(kind):
        arn = call.get(parameter)
        return arn or None, f"policy {arn}" if kind == "policy" else "", _by_arn(account, arn)
    if kind not in _BY_NAME:
        return None, "", None
    return _named(call, account, kind, call.get(_BY_NAME[kind][0]) or _own_name(call, kind))


def _named(call: Call, account: Account, kind: str, name: str) -> tuple[str | None, str, Any]:
    if not name:
        return None, "", None
    if call.action.startswith("Create") and call.action == f"Create{_camel(kind)}":
        return _new(call, kind, name)
    entity = find(account, kind, name)
    arn = entity.arn if entity else arn_of(account.id, "iam", kind, name)
    return arn, f"{kind.replace('-', ' ')} {name}", entity


def _new(call: Call, kind: str, name: str) -> tuple[str | None, str, Any]:
    path = call.get("Path", "/").lstrip("/")
    name = name.removeprefix("https://")
    shown = f"policy {name}" if kind == "policy" else ""
    return arn_of(call.caller.account_id, "iam", kind, path + name), shown, None


def _own_name(call: Call, kind: str) -> str:
    own = kind == "user" and (call.action in FOR_THE_CALLER or call.action == "ChangePassword")
    return (call.caller.user_name or "") if own else ""


def _renamed(call: Call, kind: str, entity: Any) -> str:
    """The ARN to be: who renames or moves must be allowed both.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_users_rename.html
    """
    path = call.get("NewPath") or (entity.path if entity else "/")
    name = _BY_NAME[kind][0]
    path = path.lstrip("/") + (call.get(f"New{name}") or call.get(name))
    return arn_of(call.caller.account_id, "iam", kind, path)


def _by_arn(account: Account, arn: str) -> Any:
    iam = account.iam
    places = (iam.managed_policies, iam.virtual_mfa_devices, iam.open_id_providers)
    for place in places:
        if arn in place:
            return place[arn]
    everyone = (*iam.users.values(), *iam.groups.values(), *iam.roles.values())
    return next((one for one in everyone if one.arn == arn), None)


def _tags(call: Call) -> dict[str, str]:
    """The tags that a call brings, or the keys of those that it takes away."""
    removed = (v for k, v in call.parameters.items() if k.startswith("TagKeys.member."))
    return {**listed_tags(call.members("Tags")), **dict.fromkeys(removed, "")}


def _keys(call: Call, action: Action | None, entity: Any) -> dict[str, Any]:
    """Those of IAM's condition keys that an action has; what is not there is absent.

    A permissions boundary is the one that a call brings, or else the one that is in force.
    """
    bound = getattr(entity, "permissions_boundary", None) or {}
    keys = {
        "iam:PolicyARN": call.get("PolicyArn"),
        "iam:PermissionsBoundary": bound.get("PermissionsBoundaryArn"),
        "iam:AWSServiceName": call.get("AWSServiceName"),
        "iam:ServiceSpecificCredentialServiceName": call.get("ServiceName"),
        "iam:ServiceSpecificCredentialAgeDays": call.get("CredentialAgeDays"),
        "iam:DelegationRequestOwner": call.get("OwnerId"),
    }
    if number := call.get("ServiceSpecificCredentialId"):
        held = getattr(entity, "service_credentials", {}).get(number, {})
        keys["iam:ServiceSpecificCredentialServiceName"] = held.get("ServiceName")
    if call.action in _BRING_A_BOUNDARY:
        keys["iam:PermissionsBoundary"] = call.get("PermissionsBoundary")
    had = action.condition_keys if action else ()
    own = {key: value or None for key, value in keys.items() if key in had}
    return {**own, **(request_tags(_tags(call)) if "aws:TagKeys" in had else {})}


def _camel(kind: str) -> str:
    return "".join(word.capitalize() for word in kind.split("-"))
