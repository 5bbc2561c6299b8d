"""What Secrets Manager asks: for most actions about the one secret that a call names.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecretsmanager.html
"""

import json
from collections.abc import Iterator
from typing import Any

from iamkit.policies.actions.catalogue import describe_action
from iamkit.sandbox.server.account import Account
from iamkit.sandbox.server.arns import arn_of, listed_tags, request_tags, tag_keys
from iamkit.sandbox.server.authorization.question import Question, unknown_keys
from iamkit.sandbox.server.call import Call
from iamkit.sandbox.server.moto_patches import secrets_backend

SERVICE = "secretsmanager"
_SUFFIX = "-??????"
"""In place of the six random characters with which the ARN of a new secret will end."""
_FROM_PARAMETERS = (
    "Description",
    "VersionId",
    "VersionStage",
    "RecoveryWindowInDays",
    "ForceDeleteWithoutRecovery",
)
_ABSENT = (
    "AddReplicaRegions",
    "ForceOverwriteReplicaSecret",
    "KmsKeyArn",
    "KmsKeyId",
    "Type",
    "resource/AllowRotationLambdaArn",
    "resource/Type",
)
"""Keys that no call of the sandbox has."""


def asks_of_secrets_manager(call: Call, _: Account) -> Iterator[Question]:
    """What a call of Secrets Manager asks; tags that a new secret brings are asked for as well."""
    name = f"{SERVICE}:{call.action}"
    action = describe_action(name)
    if action is not None and not action.resource_types:
        yield Question(action=name)
        return
    given = call.get("Name") if call.action == "CreateSecret" else call.get("SecretId")
    secret = secrets_backend(call).secrets.get(given) if given else None
    arn = secret.arn if secret else given
    if not arn.startswith("arn:"):
        arn = arn_of(call.caller.account_id, SERVICE, "Secret", f"{given}{_SUFFIX}", call.region)
    tags = listed_tags(json.loads(call.get("Tags", "[]")))
    context = {**_keys(call, given, secret), **request_tags(tags)}
    for asked in [name, *[f"{SERVICE}:TagResource"] * (bool(tags) and not secret)]:
        yield Question(
            action=asked,
            resource=arn,
            shown=arn if secret else given,
            context=context,
            unknown=unknown_keys(asked, {*context, *(f"{SERVICE}:{key}" for key in _ABSENT)}),
        )


def _keys(call: Call, given: str, secret: Any) -> dict[str, Any]:
    context: dict[str, Any] = {
        f"{SERVICE}:{key}": call.get(key) or None for key in _FROM_PARAMETERS
    }
    context[f"{SERVICE}:Name"] = call.get("Name") or None
    context[f"{SERVICE}:SecretId"] = secret.arn if secret else given
    context[f"{SERVICE}:SecretPrimaryRegion"] = call.region if secret else None
    tags = listed_tags(secret.tags or ()) if secret else {}
    return {**context, **tag_keys(["aws:ResourceTag", f"{SERVICE}:ResourceTag"], tags)}
