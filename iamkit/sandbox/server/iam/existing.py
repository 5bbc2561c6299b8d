"""Who and what a call names must be there; each kind in the words that AWS has for it."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from iamkit.sandbox.server.account import Account
from iamkit.sandbox.server.errors import Refused, no_such_entity
from iamkit.sandbox.server.iam.rules import Parameters, fails_with

Find = Callable[[Account, str], Any]


def instance_profile(account: Account, name: str) -> Any:
    """An instance profile.

    Raises:
        Refused: NoSuchEntity.
    """
    return _named(account.iam.instance_profiles, "name", name, f"Instance Profile {name}")


def server_certificate(account: Account, name: str) -> Any:
    """A server certificate.

    Raises:
        Refused: NoSuchEntity.
    """
    said = f"The Server Certificate with name {name}"
    return _named(account.iam.certificates, "cert_name", name, said)


def mfa_device(account: Account, serial: str) -> Any:
    """A virtual MFA device.

    Raises:
        Refused: NoSuchEntity.
    """
    said = f"VirtualMFADevice with serial number {serial} doesn't exist."
    return _by_key(account.iam.virtual_mfa_devices, serial, said)


def saml_provider(account: Account, arn: str) -> Any:
    """A SAML provider.

    Raises:
        Refused: NoSuchEntity.
    """
    return _named(account.iam.saml_providers, "arn", arn, f"Manifest for {arn}")


def oidc_provider(account: Account, arn: str) -> Any:
    """An OpenID Connect provider.

    Raises:
        Refused: NoSuchEntity.
    """
    said = f"OpenIDConnect Provider not found for arn {arn}"
    return _by_key(account.iam.open_id_providers, arn, said)


def policy(account: Account, arn: str) -> Any:
    """A managed policy, in the words of those calls that look at it.

    Raises:
        Refused: NoSuchEntity.
    """
    return _by_key(account.iam.managed_policies, arn, f"Policy {arn} was not found.")


def _by_key(things: Mapping[str, Any], key: str, said: str) -> Any:
    found = things.get(key)
    if found is None:
        raise no_such_entity(said)
    return found


def _named(things: Mapping[str, Any], attribute: str, name: str, said: str) -> Any:
    for one in things.values():
        if getattr(one, attribute) == name:
            return one
    raise no_such_entity(f"{said} cannot be found.")


FINDERS: Mapping[str, Find] = {
    "GroupName": Account.group,
    "UserName": Account.user,
    "InstanceProfileName": instance_profile,
    "RoleName": Account.role,
    "ServerCertificateName": server_certificate,
    "SAMLProviderArn": saml_provider,
    "OpenIDConnectProviderArn": oidc_provider,
}
"""Of each parameter that names something: what finds it. In the order in which AWS looks."""
_MAKERS = {
    "CreateGroup": "GroupName",
    "CreateUser": "UserName",
    "CreateRole": "RoleName",
    "CreateInstanceProfile": "InstanceProfileName",
    "UploadServerCertificate": "ServerCertificateName",
    "DeleteOpenIDConnectProvider": "OpenIDConnectProviderArn",
}
"""What need not be there: it is made, or AWS takes a second deletion of it."""
_ATTACH = ("AttachUserPolicy", "AttachGroupPolicy", "AttachRolePolicy")


_ARN = re.compile("arn:([^:]*:){4}.*")
_ARNS = ("PolicyArn", "PermissionsBoundary", "PolicySourceArn", "Arn")
_ARNS_OF_PROVIDERS = ("SAMLProviderArn", "OpenIDConnectProviderArn")
_TELL_A_BAD_ARN = frozenset(fails_with("InvalidInput"))


def check_existing(action: str, account: Account, parameters: Parameters) -> None:
    """Check that everything is there that a call names.

    Raises:
        Refused: NoSuchEntity; InvalidInput for a name that should be an ARN, and is none.
    """
    for parameter in (*_ARNS, *_ARNS_OF_PROVIDERS):
        arn = parameters.get(parameter, "arn:::::")
        if action in _TELL_A_BAD_ARN and not _ARN.fullmatch(arn):
            raise Refused("InvalidInput", 400, f"ARN {arn} is not valid.")
    for parameter, find in FINDERS.items():
        if parameter in parameters and _MAKERS.get(action) != parameter:
            find(account, parameters[parameter])
    if arn := parameters.get("PolicyArn"):
        find = Account.policy if action in _ATTACH else policy
        find(account, arn)
    _check_inline(action, account, parameters)


def _check_inline(action: str, account: Account, parameters: Parameters) -> None:
    """The inline policy that a call looks at or deletes."""
    for kind in ("User", "Group", "Role"):
        if action in (f"Get{kind}Policy", f"Delete{kind}Policy"):
            holder, name = FINDERS[f"{kind}Name"](account, parameters[f"{kind}Name"]), "PolicyName"
            if parameters[name] not in holder.policies:
                text = f"The {kind.lower()} policy with name {parameters[name]} cannot be found."
                raise no_such_entity(text)
        if action == f"Detach{kind}Policy":
            holder = FINDERS[f"{kind}Name"](account, parameters[f"{kind}Name"])
            if parameters["PolicyArn"] not in holder.managed_policies:
                raise no_such_entity(f"Policy {parameters['PolicyArn']} was not found.")
