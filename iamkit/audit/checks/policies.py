"""Policies."""

from functools import partial
from typing import Any

import pandas as pd

from iamkit.audit.checks.registry import check
from iamkit.audit.remedies import DELETE_POLICY
from iamkit.parameters.thresholds import Thresholds

_STUDIO = "07_policy_studio"
_RULES = "08_sign_in_rules"
_of_policies = partial(check, table="policies")


@_of_policies(
    "star-policy",
    "No attached policy allows * on *",
    severity="high",
    data=["full_admin", "attached_to"],
    cis="1.16 1.16 1.15 2.15 2.14",
    rationale="Everything is more than anybody needs every day.",
    action="Detach it, or waive it for the administrators' group",
    by_hand="Who needs what of it, a person must say.",
    reading="AWS's own AdministratorAccess and inline policies count; a boundary does not. A Deny "
    "counts if it takes away the management of permissions. The guide's group of administrators "
    "fails by design, which is what a waiver is for.",
)
def star_policy(policies: pd.DataFrame, _: Thresholds) -> Any:
    """Allows it without a condition, and somebody has it."""
    return policies.full_admin & policies.held


@_of_policies(
    "conditional-star-policy",
    "No attached policy allows * on * under conditions other than MFA",
    data=["full_admin", "full_admin_if", "attached_to"],
    rationale="An address, a tag or an hour is no proof of who calls, and often always true.",
    action="Ask for MFA as well, by Bool, or allow only the actions that are needed",
    by_hand="Who needs what of it, a person must say.",
    reading="A condition that lets only calls with MFA through passes; BoolIfExists does not.",
)
def conditional_star_policy(policies: pd.DataFrame, _: Thresholds) -> Any:
    """Allows it under a condition that a call without MFA may meet, and somebody has it."""
    return ~policies.full_admin & (policies.full_admin_if != "") & policies.held


@_of_policies(
    "unused-policy",
    "Every customer managed policy is attached",
    severity="low",
    data=["attachments", "attached_to"],
    rationale="Nobody reviews a policy that nobody has, until it is attached by mistake.",
    action="Delete the policy",
    remedy=DELETE_POLICY,
    reading="A policy that only bounds somebody is in use.",
)
def unused_policy(policies: pd.DataFrame, _: Thresholds) -> Any:
    """The account's own, and nobody has it, nor is bounded by it."""
    nobody = (policies.attached_to == "").astype("boolean").mask(policies.attached_to.isna())
    return nobody.where(policies.kind == "customer", False)


@_of_policies(
    "full-service",
    "No policy allows everything in CloudTrail or KMS",
    data=["full_services", "attached_to"],
    rationale="With the one a thief stops the log, with the other reads what is encrypted.",
    action=f"Allow only the actions that are needed; {_STUDIO} writes such a policy",
    by_hand="Which of the actions are needed, its owner knows.",
    reading="A policy that allows * on * is told by star-policy alone.",
)
def full_service(policies: pd.DataFrame, _: Thresholds) -> Any:
    """``cloudtrail:*`` or ``kms:*`` on ``*``."""
    return ~policies.full_admin & (policies.full_services != "") & policies.held


@_of_policies(
    "mfa-removable",
    "A stolen key cannot remove the MFA",
    data=["mfa_removable", "attached_to"],
    rationale="Who has the key takes the device away, and then the password is enough.",
    action=f"Allow it only with aws:MultiFactorAuthPresent, by Bool, as {_RULES} does",
    by_hand="The condition belongs into the policy's text.",
    reading="BoolIfExists does not bind: a call with a key has no MFA context at all.",
)
def mfa_removable(policies: pd.DataFrame, _: Thresholds) -> Any:
    """Lets MFA devices be deactivated without MFA."""
    return policies.mfa_removable & policies.held


@_of_policies(
    "group-deny",
    "No Deny names a group",
    data=["group_denies"],
    rationale="A Deny on a group's ARN protects the group itself; its members are not bound.",
    action="Attach the Deny to the group, or name its users",
    by_hand="Whom it was meant to bind, its author knows.",
)
def group_deny(policies: pd.DataFrame, _: Thresholds) -> Any:
    """A group's ARN is a resource of a Deny."""
    return policies.group_denies != ""
