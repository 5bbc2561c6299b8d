"""AWS's evaluation logic: whether a request is allowed, denied, or depends on what is not known.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from iamkit.policies.evaluation.exact import Decision, evaluate_exactly
from iamkit.policies.evaluation.layers import ABSENT, Layers, Policies
from iamkit.policies.evaluation.request import Request
from iamkit.policies.evaluation.set_evaluation import SetEvaluation
from iamkit.policies.evaluation.special_actions import is_free
from iamkit.policies.grammar.patterns import is_pattern
from iamkit.policies.grammar.statements import read_statements, unread

__all__ = [
    "ABSENT",
    "Decision",
    "Layers",
    "Policies",
    "evaluate",
    "evaluate_exactly",
    "read_statements",
    "unread",
]


def evaluate(request: Request, policies: Policies) -> Decision:
    """Decide a request as AWS does; about a set, whether all of it, some or none is allowed.

    A wildcard in the action or the resource makes the question one about a set: about all actions
    of that name, and all resources of the caller's account (or of the account that the ARN names)
    that they may be about. An action that has no resources is asked about ``*`` alone.

    What AWS never leaves out counts as not read if it is: the key policy of a KMS key, the trust
    policy of a role that is assumed. ``sts:GetCallerIdentity`` can be denied to nobody.
    https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html

    Args:
        request: who wants to do what, and what is known of the circumstances.
        policies: all that apply; another kind that is left out counts as not there.
    """
    if is_pattern(request.action) or is_pattern(request.resource):
        return SetEvaluation(request, policies).decide()
    if is_free(request.action) and request.principal.kind != "anonymous":
        return Decision("allowed")
    return evaluate_exactly(request, policies.with_own(request.action, request.place))
