"""The kit's own policy for a group whose members look after their own credentials.

MFA is *offered* (who wants it enrols) or *demanded* (without it nothing goes but what leads to it).
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_examples_aws_my-sec-creds-self-manage.html
"""

from typing import Any, Literal

from iamkit.account.state import JSON
from iamkit.policies.grammar.build import allow, policy

Mode = Literal["offered", "demanded"]

PASSWORD = ("iam:ChangePassword", "iam:GetAccountPasswordPolicy")
"""What a password that must be changed at the first sign-in wants, before any MFA."""
OF_DEVICES = ("iam:CreateVirtualMFADevice", "iam:DeleteVirtualMFADevice")
"""Of one's own virtual devices; IAM deletes none that is in use, so that deleting one only clears
away what an interrupted enrolment left.

https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_general.html
"""
OF_MFA = ("iam:EnableMFADevice", "iam:GetMFADevice", "iam:ListMFADevices", "iam:ResyncMFADevice")
LOOKING = ("iam:GetAccountPasswordPolicy", "iam:GetAccountSummary", "iam:ListVirtualMFADevices")
OF_KEYS = (
    "iam:CreateAccessKey",
    "iam:DeleteAccessKey",
    "iam:GetAccessKeyLastUsed",
    "iam:ListAccessKeys",
    "iam:UpdateAccessKey",
)
BEFORE_MFA = (
    *PASSWORD,
    *OF_DEVICES,
    *OF_MFA,
    "iam:GetUser",
    "iam:ListVirtualMFADevices",
    "sts:GetSessionToken",
)
"""What *demanded* leaves to who has not shown MFA: to change the password, and to enrol."""
OWN_CREDENTIALS = (
    *OF_DEVICES,
    *OF_KEYS,
    *OF_MFA,
    "iam:*ServiceSpecificCredential*",
    "iam:*SigningCertificate*",
    "iam:*SSHPublicKey*",
    "iam:ChangePassword",
    "iam:DeactivateMFADevice",
    "iam:GetAccountPasswordPolicy",
    "iam:GetAccountSummary",
    "iam:GetLoginProfile",
    "iam:GetUser",
    "iam:ListVirtualMFADevices",
    "sts:GetCallerIdentity",
    "sts:GetSessionToken",
)
"""What concerns one's own credentials, and so is not yet work."""


def self_management_policy(mode: Mode, partition: str = "aws") -> JSON:
    """A policy by which the members of a group look after their own password, keys and MFA.

    Each may do so for the user of their own name alone, under whichever path, and take a device
    away only with MFA.

    *Demanded* denies everything else to who has not shown MFA. It denies it to plain access keys
    too, which never show any (``BoolIfExists``): a person gets a session by a code, with
    ``sts:GetSessionToken``; a program cannot, and belongs in another group. What it leaves open is
    that a plain key may enrol a device where there is none, for nobody could begin otherwise.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-multifactorauthpresent

    AWS's own example keeps ``iam:ChangePassword`` from who has not shown MFA, so that a new user
    who must change the password first can do neither; this one does not.

    Args:
        mode: whether MFA is ``offered`` or ``demanded``.
        partition: of the account, such as ``aws`` or ``aws-cn``.

    Returns:
        The document; it fits the quota of a group's inline policies.
    """
    user = [f"arn:{partition}:iam::*:user/{way}${{aws:username}}" for way in ("", "*/")]
    device = [f"arn:{partition}:iam::*:mfa/${{aws:username}}{end}" for end in ("", "/*")]
    statements = [
        allow(*LOOKING, sid="SeeTheRules"),
        allow("iam:ChangePassword", "iam:GetUser", resource=user, sid="OwnPassword"),
        allow(*OF_KEYS, resource=user, sid="OwnKeys"),
        allow(*OF_DEVICES, resource=device, sid="OwnVirtualDevices"),
        allow(*OF_MFA, resource=user, sid="OwnMFA"),
        allow("iam:DeactivateMFADevice", resource=user, sid="TakeMFAAwayWithMFA")
        | {"Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}},
    ]
    if mode == "demanded":
        statements.append(_nothing_else_without_mfa())
    return policy(*statements)


def _nothing_else_without_mfa() -> dict[str, Any]:
    return {
        "Sid": "NothingElseWithoutMFA",
        "Effect": "Deny",
        "NotAction": sorted(BEFORE_MFA),
        "Resource": "*",
        "Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}},
    }
