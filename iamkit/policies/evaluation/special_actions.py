"""Actions for which AWS has rules of their own: free to all, kept, or the resource's to give.

What AWS never leaves out is there even if nobody read it: a key's policy, a role's trust policy.
"""

from collections.abc import Mapping
from functools import cache, lru_cache

from iamkit.account.state import JSON
from iamkit.policies.actions.catalogue import Catalogue
from iamkit.policies.grammar.patterns import is_pattern
from iamkit.policies.grammar.statements import Statement, read_statements

FREE = "sts:GetCallerIdentity"
"""What can be denied to nobody.

https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
"""
_ASSUMING = (
    "sts:assumerole",
    "sts:assumerolewithsaml",
    "sts:assumerolewithwebidentity",
    "sts:setcontext",
    "sts:setsourceidentity",
    "sts:tagsession",
)
"""What a role's trust policy must allow, be it alone or beside the caller's own policies.

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html
"""
_OF_AWS_POLICIES = (
    "iam:CreatePolicy iam:CreatePolicyVersion iam:DeletePolicy iam:DeletePolicyVersion "
    "iam:SetDefaultPolicyVersion iam:TagPolicy iam:UntagPolicy"
)
_OF_AWS_ROLES = (
    "iam:AttachRolePolicy iam:CreateRole iam:DeleteRole iam:DeleteRolePermissionsBoundary "
    "iam:DeleteRolePolicy iam:DetachRolePolicy iam:PutRolePermissionsBoundary iam:PutRolePolicy "
    "iam:UpdateAssumeRolePolicy"
)
_OF_AWS_ALIASES = "kms:CreateAlias kms:DeleteAlias kms:UpdateAlias"
_ROLES_OF_AWS = ["arn:*:iam::*:role/aws-reserved/*", "arn:*:iam::*:role/aws-service-role/*"]
KEPT: JSON = {
    "Statement": [
        {"Sid": sid, "Effect": "Deny", "Action": actions.split(), "Resource": resources}
        for sid, actions, resources in (
            ("managed policies", _OF_AWS_POLICIES, ["arn:*:iam::aws:policy/*"]),
            ("roles of services", _OF_AWS_ROLES, _ROLES_OF_AWS),
            ("aliases of keys", _OF_AWS_ALIASES, ["arn:*:kms:*:*:alias/aws/*"]),
        )
    ]
}
"""What nobody of an account can change, as AWS would write it down.

https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_managed-vs-inline.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create-service-linked-role.html
https://docs.aws.amazon.com/singlesignon/latest/userguide/permissionsetsconcept.html
https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html
"""
_KEPT = read_statements(KEPT, "AWS's own")
_RESOURCE_CONTROLLED = frozenset(
    "aoss cognito-identity cognito-idp dynamodb ecr kms logs s3 secretsmanager sqs sts".split()
)
"""Services whose resources an organization's resource control policies reach.

https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps.html
"""
_WITH_OWN_POLICIES = frozenset(
    "acm-pca apigateway aps athena backup bedrock cloudtrail codeartifact codebuild cloudwatch "
    "dynamodb ecr ecr-public elasticfilesystem es events execute-api geo glacier glue "
    "imagebuilder iot kafka kinesis kms lambda lex logs mediastore network-firewall osis "
    "payment-cryptography pi profile ram redshift-serverless refactor-spaces rekognition "
    "resource-explorer-2 route53 s3 s3-object-lambda s3-outposts s3express s3tables schemas "
    "secretsmanager serverlessrepo ses signer sns sqs ssm ssm-contacts ssm-incidents "
    "verified-access vpc-lattice xray".split()
)
"""Services of which some resources have policies of their own; it may name more than have."""
_WITHOUT_KEY = frozenset(
    "kms:connectcustomkeystore kms:createcustomkeystore kms:createkey kms:deletecustomkeystore "
    "kms:describecustomkeystores kms:disconnectcustomkeystore kms:generaterandom kms:listaliases "
    "kms:listkeys kms:listretirablegrants kms:updatecustomkeystore".split()
)
"""Of KMS's actions those that no key policy decides.

https://docs.aws.amazon.com/kms/latest/developerguide/kms-api-permissions-reference.html
"""


def is_free(action: str) -> bool:
    """Whether an action can be denied to nobody."""
    return action.lower() == FREE.lower()


def may_have_own_policy(action: str) -> bool:
    """Whether what an action is about may have a policy of its own, beside a role's trust policy.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_aws-services-that-work-with-iam.html
    """
    service = action.partition(":")[0].lower()
    return is_pattern(service) or service in _WITH_OWN_POLICIES


def delegating_policy(action: str) -> str:
    """The policy without which identity policies do not count for an action; empty if none.

    https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html
    """
    name = action.lower()
    if name.startswith("kms:"):
        return "" if name in _WITHOUT_KEY else "key policy"
    return "role's trust policy" if name in _ASSUMING else ""


@lru_cache(maxsize=65_536)
def kept_from(action: str) -> tuple[Statement, ...]:
    """What AWS keeps for itself of that which an action changes, as statements that deny it."""
    return tuple(statement for statement in _KEPT if statement.names_action(action))


def has_resource_control(action: str) -> bool:
    """Whether resource control policies reach what an action is about."""
    return action.partition(":")[0].lower() in _RESOURCE_CONTROLLED


@cache
def special_sets(catalogue: Catalogue) -> Mapping[str, int]:
    """The actions of each such rule, as bits of the catalogue."""
    return {
        "kms": catalogue.of_service("kms") & ~catalogue.union(_WITHOUT_KEY),
        "sts": catalogue.union(_ASSUMING),
        "free": catalogue.matching(FREE),
        "controlled": catalogue.union(f"{service}:*" for service in _RESOURCE_CONTROLLED),
        **{statement.name: catalogue.about(statement) for statement in _KEPT},
    }
