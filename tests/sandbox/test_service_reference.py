"""What the gate asks of policies is what AWS's service reference lists, for all that is served."""

import json
import re

import pytest
from sandbox_answers import Practice, served

from iamkit.policies.actions.catalogue import describe_action, resource_arns
from iamkit.sandbox.server.authorization.iam import asks_of_iam
from iamkit.sandbox.server.authorization.secrets_manager import asks_of_secrets_manager
from iamkit.sandbox.server.authorization.sts import asks_of_sts
from iamkit.sandbox.server.call import Call
from iamkit.sandbox.server.secrets_manager import SERVED

MAKE = [
    {
        "CreateUser": {
            "UserName": "a",
            "PermissionsBoundary": "arn:aws:iam::aws:policy/ReadOnlyAccess",
        }
    },
    {"CreateGroup": {"GroupName": "a"}},
    {
        "CreateRole": {
            "RoleName": "a",
            "AssumeRolePolicyDocument": "<trust >",
            "PermissionsBoundary": "arn:aws:iam::aws:policy/ReadOnlyAccess",
        }
    },
    {"CreateInstanceProfile": {"InstanceProfileName": "a"}},
    {"CreatePolicy": {"PolicyName": "a", "PolicyDocument": "<allow >"}},
    {"CreateVirtualMFADevice": {"VirtualMFADeviceName": "a"}},
    {"CreateAccessKey": {"UserName": "a"}},
    {
        "CreateServiceSpecificCredential": {
            "UserName": "a",
            "ServiceName": "codecommit.amazonaws.com",
        }
    },
    {"secretsmanager.CreateSecret": {"Name": "a", "SecretString": "x"}},
]
OWN = "arn:aws:iam::000000000000:"
GIVEN = {
    **dict.fromkeys(("UserName", "GroupName", "RoleName", "InstanceProfileName"), "a"),
    **dict.fromkeys(("ServerCertificateName", "PolicyName", "VirtualMFADeviceName", "Name"), "a"),
    "PolicyArn": f"{OWN}policy/a",
    "PermissionsBoundary": f"{OWN}policy/a",
    "PolicySourceArn": f"{OWN}user/a",
    "Arn": f"{OWN}user/a",
    "SerialNumber": f"{OWN}mfa/a",
    "SAMLProviderArn": f"{OWN}saml-provider/a",
    "OpenIDConnectProviderArn": f"{OWN}oidc-provider/example.com",
    "Url": "https://example.com",
    "AWSServiceName": "spot.amazonaws.com",
    "ServiceName": "codecommit.amazonaws.com",
    "CredentialAgeDays": "30",
    "OwnerId": f"{OWN}user/a",
    "Tags.member.1.Key": "k",
    "Tags.member.1.Value": "v",
    "TagKeys.member.1": "k",
    "RoleArn": f"{OWN}role/a",
    "RoleSessionName": "me",
    "SourceIdentity": "me",
    "ExternalId": "x",
    "TransitiveTagKeys.member.1": "k",
}
ASKS = {"iam": asks_of_iam, "sts": asks_of_sts, "secretsmanager": asks_of_secrets_manager}
ASKED_BY_NOBODY = {"sts:GetCallerIdentity", "sts:GetSessionToken"}
"""Which no policy can deny."""
NEVER_HERE = re.compile(
    r"iam:(RoleTemplateARN|FIDO-.*|RegisterSecurityKey|PassedToService)"
    r"|(saml|accounts\.google\.com|cognito-identity\.amazonaws\.com|graph\.facebook\.com"
    r"|www\.amazon\.com):.*"
    r"|secretsmanager:(AddReplicaRegions|ForceOverwriteReplicaSecret|KmsKey.*|Type|resource/.*)"
    r"|secretsmanager:(VersionId|VersionStage|ForceDeleteWithoutRecovery|RecoveryWindowInDays)"
    r"|secretsmanager:Description"
)
"""Keys of what the sandbox has not, or that a call of this test does not bring."""


@pytest.fixture(scope="module")
def practice(tmp_path_factory):
    """An account with one of each kind in it."""
    practice = Practice(tmp_path_factory.mktemp("practice"))
    practice.begin()
    for step in MAKE:
        practice.call(step)
    return practice


def actions():
    """Every action of the three services that the sandbox serves."""
    for operation in sorted(served()):
        service = "sts" if describe_action(f"sts:{operation}") else "iam"
        yield f"{service}:{operation}"
    yield from (f"secretsmanager:{operation}" for operation in sorted(SERVED))


def questions(practice, action):
    """What the gate asks about a call of an action."""
    service, _, operation = action.partition(":")
    made = {
        "ServiceSpecificCredentialId": practice.placed("<ServiceSpecificCredentialId>"),
        "AccessKeyId": practice.placed("<AccessKeyId>"),
    }
    given = {**GIVEN, **made}
    if service == "sts":
        del given["SerialNumber"]
    if service == "secretsmanager":
        given = {"Name": "new", "SecretId": "a", "Tags": json.dumps([{"Key": "k", "Value": "v"}])}
    call = Call(None, service, "us-east-1", operation, given, practice.caller())
    account = practice.life.account
    return list(ASKS[service](call, account))


@pytest.mark.parametrize("action", list(actions()))
def test_the_gate_asks_as_the_service_reference_lists(practice, action):
    """About an ARN of a kind that the action has, with each condition key that the action has."""
    if action in ASKED_BY_NOBODY:
        assert questions(practice, action) == []
        return
    listed = describe_action(action)
    if listed is None:
        pytest.fail(f"{action} is served, and no action of AWS's")
    asked = questions(practice, action)[0]
    assert asked.action == action
    if not listed.resource_types:
        assert asked.resource == "*"
    else:
        assert any(is_of(asked.resource, kind, action) for kind in listed.resource_types)
    keys = {key.lower() for key, value in asked.context.items() if value is not None}
    wanted = {
        re.sub(r"\$\{TagKey\}|tag-key", "k", key).lower()
        for key in listed.condition_keys
        if not NEVER_HERE.fullmatch(key) and "ResourceTag" not in key
    }
    assert wanted - keys == set()


def is_of(arn, kind, action):
    """Whether an ARN is of a kind of resource of a service."""
    pattern = re.escape(resource_arns(action.partition(":")[0])[kind])
    return re.fullmatch(re.sub(r"\\\$\\\{\w+\\\}", r"[^ ]+", pattern), arn) is not None
