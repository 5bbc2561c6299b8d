"""Condition keys with their types: the services' own, and those that every request may have."""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache

from iamkit.policies.actions.catalogue import condition_keys, load_catalogue

_GLOBAL = {
    "String": (
        "aws:PrincipalAccount aws:PrincipalOrgID aws:PrincipalOrgMasterAccountId "
        "aws:PrincipalTag/${TagKey} "
        "aws:PrincipalServiceName aws:PrincipalType aws:userid aws:username "
        "aws:FederatedProvider aws:SourceIdentity aws:Ec2InstanceSourceVpc aws:SourceVpc "
        "aws:SourceVpce aws:VpceAccount aws:VpceOrgID aws:ResourceAccount aws:ResourceOrgID "
        "aws:ResourceTag/${TagKey} aws:CalledViaFirst aws:CalledViaLast aws:CalledViaAWSMCP "
        "aws:referer aws:RequestedRegion aws:RequestTag/${TagKey} aws:SourceAccount "
        "aws:SourceOrgID aws:SourceOwner aws:UserAgent"
    ),
    "ARN": "aws:PrincipalArn aws:ChatbotSourceArn aws:SourceVpcArn aws:SourceArn "
    "aws:SignInSessionArn",
    "Bool": (
        "aws:PrincipalIsAWSService aws:MultiFactorAuthPresent aws:ViaAWSService "
        "aws:ViaAWSMCPService aws:IsMcpServiceAction aws:SecureTransport aws:AssumedRoot"
    ),
    "Numeric": "aws:MultiFactorAuthAge",
    "Date": "aws:CurrentTime aws:EpochTime aws:TokenIssueTime",
    "IPAddress": "aws:SourceIp aws:VpcSourceIp aws:Ec2InstanceSourcePrivateIPv4",
    "ArrayOfString": (
        "aws:PrincipalOrgPaths aws:PrincipalServiceNamesList aws:VpceOrgPaths "
        "aws:ResourceOrgPaths aws:CalledVia aws:TagKeys aws:SourceOrgPaths"
    ),
}
"""https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html"""

_SESSION = (
    "ec2:RoleDelivery ec2:SourceInstanceArn glue:RoleAssumedBy glue:CredentialIssuingService "
    "lambda:SourceFunctionArn ssm:SourceInstanceArn codebuild:BuildArn codebuild:ProjectArn "
    "identitystore:UserId identitystore:IdentityStoreArn sts:SourceIdentity "
    "datazone:userId datazone:projectId datazone:domainId"
).lower()
"""A service's keys that its sessions carry to every call."""

GLOBAL_KEYS = tuple(key for keys in _GLOBAL.values() for key in keys.split())
_TYPES = {key.lower(): kind for kind, keys in _GLOBAL.items() for key in keys.split()}
_TEMPLATE = re.compile(r"\\\$\\\{.*?\\\}|<.*?>")


def type_of(key: str, services: Iterable[str]) -> str | None:
    """The type of a condition key, such as ``String``; None if none of the services has it.

    A key of an identity provider, which only sessions of federated users have, counts as known.
    """
    lowered = key.lower()
    if lowered.startswith("aws:"):
        return _find(lowered, "") or next(filter(None, (_find(lowered, s) for s in services)), None)
    prefix = lowered.partition(":")[0]
    if "." in prefix or prefix == "saml" or lowered in _SESSION.split():
        return "unknown"
    return next(filter(None, (_find(lowered, service) for service in services)), None)


def keys_of(services: Iterable[str]) -> tuple[str, ...]:
    """The condition keys of some services, and the global ones as AWS writes them."""
    known = [service for service in services if service in load_catalogue().services]
    return (*GLOBAL_KEYS, *(key for service in known for key in condition_keys(service)))


def services_with(key: str) -> list[str]:
    """All services that have a key."""
    return [service for service in load_catalogue().services if _find(key.lower(), service)]


@cache
def _find(key: str, service: str) -> str | None:
    """The type of a key in a service, or among the global ones if the service is empty."""
    exact = condition_keys(service) if service else _TYPES
    if key in exact:
        return exact[key]
    return next((kind for made, kind in _templates(service) if made.fullmatch(key)), None)


@cache
def _templates(service: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    """The keys that have a part of one's own choice, such as a tag's key."""
    return tuple(_compile(condition_keys(service) if service else _TYPES))


def _compile(keys: Mapping[str, str]) -> Iterator[tuple[re.Pattern[str], str]]:
    for key, kind in keys.items():
        if "${" in key or "<" in key:
            yield re.compile(_TEMPLATE.sub(".+", re.escape(key))), kind
