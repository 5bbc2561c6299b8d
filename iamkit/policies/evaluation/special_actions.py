"""Actions for which AWS has rules of their own: free to all, or for the resource's policy to give.

What AWS never leaves out is there even if nobody read it: a key's policy, a role's trust policy.
"""

from collections.abc import Mapping
from functools import cache

from iamkit.policies.actions.catalogue import Catalogue
from iamkit.policies.grammar.patterns import is_pattern

FREE = "sts:GetCallerIdentity"
"""What can be denied to nobody.

https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
"""
_ASSUMING = ("sts:assumerole", "sts:assumerolewithsaml", "sts:assumerolewithwebidentity")
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


@cache
def special_sets(catalogue: Catalogue) -> Mapping[str, int]:
    """The actions of each such rule, as bits of the catalogue."""
    return {
        "kms": catalogue.of_service("kms") & ~catalogue.union(_WITHOUT_KEY),
        "sts": catalogue.union(_ASSUMING),
        "free": catalogue.matching(FREE),
    }
