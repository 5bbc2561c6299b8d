"""What an auditor looks for in one policy, as the evaluation finds it and not as it is written."""

from functools import cache
from typing import NamedTuple

from iamkit.account.state import JSON
from iamkit.policies.actions.catalogue import Catalogue, describe_service, load_catalogue, union
from iamkit.policies.evaluation.engine import Decision, Policies, evaluate
from iamkit.policies.evaluation.paths import Path
from iamkit.policies.evaluation.reach import Grants
from iamkit.policies.evaluation.request import Principal, Request
from iamkit.policies.evaluation.special_actions import Place

SENSITIVE = ("cloudtrail", "kms")
"""Services of which nobody should be allowed everything: the log, and the keys."""
_REMOVES_MFA = "iam:DeactivateMFADevice"
"""A virtual device cannot be deleted before it is deactivated.

https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteVirtualMFADevice.html
"""
_WITHOUT_MFA: tuple[JSON, ...] = (
    {"aws:MultiFactorAuthPresent": None, "aws:MultiFactorAuthAge": None},
    {"aws:MultiFactorAuthPresent": "false", "aws:MultiFactorAuthAge": None},
)
"""A long-term key tells nothing of MFA, a session that began without it says so.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-multifactorauthpresent
"""
_ANYBODY = frozenset(
    "aws:username aws:userid aws:PrincipalArn aws:PrincipalType aws:ResourceAccount".split()
)


class Review(NamedTuple):
    """What a policy grants by itself: the columns of the same names."""

    full_admin: bool
    full_admin_if: str
    full_services: str
    mfa_removable: bool
    group_denies: str


def review_document(document: JSON, place: Place) -> Review:
    """What a policy grants whoever has it; services of one that allows all of AWS are not told.

    Args:
        document: the policy.
        place: the partition and the number of the account.
    """
    catalogue = load_catalogue()
    grants = Grants(Path("", "inline", "policy", document), catalogue)
    allowed, sure = (_everywhere(grants, always=always) for always in (False, True))
    full = _administers(sure, grants, catalogue)
    some = not full and _administers(allowed, grants, catalogue)
    services = {name for name in SENSITIVE if not catalogue.of_service(name) & ~allowed}
    keys = _keys_without_mfa(grants, place) if some else set()
    removable = not full and _may_without_mfa(grants, _REMOVES_MFA, place)
    return Review(
        full_admin=full,
        full_admin_if=", ".join(sorted(keys)),
        full_services="" if full or some else ", ".join(sorted(services)),
        mfa_removable=removable,
        group_denies=", ".join(sorted(_denied_groups(grants, catalogue))),
    )


def _everywhere(grants: Grants, *, always: bool) -> int:
    """What is allowed on every resource, always or perhaps, but for what is denied on all."""
    conditions = (True,) if always else (True, False)
    denies = (True, False) if always else (True,)
    allowed = denied = 0
    for condition in conditions:
        allowed |= grants.masks.get((True, "all", condition), 0)
    for condition in denies:
        denied |= grants.masks.get((False, "all", condition), 0)
    return allowed & ~denied


def _administers(allowed: int, grants: Grants, catalogue: Catalogue) -> bool:
    """Whether all of AWS is allowed, and on everything the management of permissions is left.

    A deny of a few other actions, or a bucket that is excepted, makes nobody less of an
    administrator.
    """
    managing = catalogue.of_service("iam") & catalogue.levels["Permissions management"]
    named = union(
        actions
        for (allows, scope, _), actions in grants.masks.items()
        if allows and scope != "some"
    )
    return named == catalogue.everything and not managing & ~allowed


def _keys_without_mfa(grants: Grants, place: Place) -> set[str]:
    """The condition keys under which IAM is open to a call without MFA; none if it is not."""
    return {
        key
        for decision in _ask_without_mfa(grants, "iam:*", place)
        if not decision.effect.endswith("deny")
        for statement in decision.statements
        for key in statement.condition_keys
    }


def _may_without_mfa(grants: Grants, action: str, place: Place) -> bool:
    """Whether there may be a call without MFA that is allowed an action."""
    asked = _ask_without_mfa(grants, action, place)
    return any(not decision.effect.endswith("deny") for decision in asked)


def _ask_without_mfa(grants: Grants, action: str, place: Place) -> list[Decision]:
    """The evaluation's answers about somebody, on whatever resource of the account."""
    partition, account = place
    principal = Principal(f"arn:{partition}:iam::{account}:user/anybody")
    policies = Policies(identity={"policy": tuple(s for s, _ in grants)})
    return [
        evaluate(
            Request(
                principal=principal,
                action=action,
                resource="*",
                context=context,
                complete=False,
                unknown=_ANYBODY,
            ),
            policies,
        )
        for context in _WITHOUT_MFA
    ]


def _denied_groups(grants: Grants, catalogue: Catalogue) -> set[str]:
    """The groups of denies that are about more than what is done to a group."""
    return {
        resource
        for statement, actions in grants
        if not statement.allows and not statement.not_resource
        if actions & ~_done_to_groups(catalogue)
        for resource in statement.resources
        if ":group/" in resource
    }


@cache
def _done_to_groups(catalogue: Catalogue) -> int:
    """The actions whose resource is a group."""
    found = describe_service("iam").values()
    return catalogue.union(action.name for action in found if "group" in action.resource_types)
