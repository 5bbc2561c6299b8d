"""Condition keys with their types: the services' own, and those that every request may have."""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, lru_cache

from iamkit.policies.actions.catalogue import (
    condition_keys,
    describe_action,
    load_catalogue,
    resource_keys,
)

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

TAG_KEYS = ("aws:resourcetag", "aws:requesttag", "aws:tagkeys")
"""Those of the global keys that not every action has; the catalogue lists them for each."""

_SESSION = (
    "ec2:RoleDelivery ec2:SourceInstanceArn glue:RoleAssumedBy glue:CredentialIssuingService "
    "lambda:SourceFunctionArn ssm:SourceInstanceArn codebuild:BuildArn codebuild:ProjectArn "
    "identitystore:UserId identitystore:IdentityStoreArn sts:SourceIdentity "
    "datazone:userId datazone:projectId datazone:domainId"
).lower()
"""A service's keys that its sessions carry to every call."""

GLOBAL_KEYS = tuple(key for keys in _GLOBAL.values() for key in keys.split())
_TYPES = {key.lower(): kind for kind, keys in _GLOBAL.items() for key in keys.split()}
_TEMPLATE = re.compile(r"\\\$\\\{.*?\\\}|<.*?>|(?<=/)tag\\-key$")


def type_of(key: str, services: Iterable[str]) -> str | None:
    """The type of a condition key, such as ``String``; None if none of the services has it.

    A key of an identity provider, which only sessions of federated users have, counts as known.
    """
    lowered = key.lower()
    if lowered.startswith("aws:"):
        return _find(lowered, "") or next(filter(None, (_find(lowered, s) for s in services)), None)
    if is_session_key(key):
        return "unknown"
    return next(filter(None, (_find(lowered, service) for service in services)), None)


@lru_cache(maxsize=16_384)
def has_key(action: str, key: str) -> bool:
    """Whether the catalogue lists a condition key for an action, or for what the action works on.

    Args:
        action: such as ``s3:GetObject``.
        key: with a part of one's own choice, such as a tag's key, in its place.
    """
    lowered, found = key.lower(), describe_action(action)
    if found is None:
        return False
    ours = dict.fromkeys(found.condition_keys)
    for kind in found.resource_types:
        ours |= dict.fromkeys(resource_keys(action.partition(":")[0].lower()).get(kind, ()))
    return any(own.lower() == lowered or _made(own.lower()).fullmatch(lowered) for own in ours)


def is_session_key(key: str) -> bool:
    """Whether a key comes with a session or an identity provider, whatever the action is."""
    lowered = key.lower()
    prefix = lowered.partition(":")[0]
    return "." in prefix or prefix == "saml" or lowered in _SESSION.split()


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
            yield _made(key), kind


@cache
def _made(key: str) -> re.Pattern[str]:
    """What matches a key of the catalogue's, its part of one's own choice being any text."""
    return re.compile(_TEMPLATE.sub(".+", re.escape(key)), re.DOTALL)
