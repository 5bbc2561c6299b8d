"""What STS asks: of a role's trust policy, and of the caller's own where that only delegates.

https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
"""

from collections.abc import Iterator

from iamkit.sandbox.server.account import Account
from iamkit.sandbox.server.arns import listed_tags, request_tags, tag_keys
from iamkit.sandbox.server.authorization.mfa_context import with_mfa
from iamkit.sandbox.server.authorization.question import NO_POLICY, Question
from iamkit.sandbox.server.call import Call


def asks_of_sts(call: Call, account: Account) -> Iterator[Question]:
    """What a call of STS asks."""
    if call.action == "AssumeRole":
        yield from _assume_role(call, account)
    elif call.action != "GetCallerIdentity":  # which nobody can be denied
        yield Question(action=f"sts:{call.action}")


def _assume_role(call: Call, account: Account) -> Iterator[Question]:
    """The role; tags and a source identity, if the call brings them, are asked for as well."""
    arn, tags = call.get("RoleArn"), listed_tags(call.members("Tags"))
    role = account.accounts.role_by_arn(arn)
    context = {
        "sts:ExternalId": call.get("ExternalId") or None,
        "sts:RoleSessionName": call.get("RoleSessionName") or None,
        "sts:SourceIdentity": call.get("SourceIdentity") or None,
        "sts:TransitiveTagKeys": list(_values(call, "TransitiveTagKeys")) or None,
        **tag_keys(["aws:ResourceTag", "iam:ResourceTag"], listed_tags(role.tags if role else ())),
        **request_tags(tags),
        **with_mfa(call, account),
    }
    actions = ["AssumeRole", *["TagSession"] * bool(tags)]
    actions += ["SetSourceIdentity"] * bool(call.get("SourceIdentity"))
    policy = role.assume_role_policy_document if role else NO_POLICY
    for action in actions:
        yield Question(action=f"sts:{action}", resource=arn, context=context, policy=policy)


def _values(call: Call, name: str) -> Iterator[str]:
    return (v for key, v in call.parameters.items() if key.startswith(f"{name}.member."))
