"""What an auditor looks for in one policy, however its statements are written."""

import pytest

from iamkit.audit.policy_review import review_document
from iamkit.policies import allow, policy

ACCOUNT = "111122223333"
PLACE = ("aws", ACCOUNT)
EVERYTHING = allow("*")
MFA = {"Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}}
RECENT = {"Condition": {"NumericLessThan": {"aws:MultiFactorAuthAge": "3600"}}}
THERE = {"Condition": {"Null": {"aws:MultiFactorAuthAge": "false"}}}
LOOSE = {"Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "true"}}}
WITHOUT = {"Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}}
SESSION = {"Condition": {"Bool": {"aws:MultiFactorAuthPresent": "false"}}}
OFFICE = {"Condition": {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}}
BOTH = {"Condition": MFA["Condition"] | OFFICE["Condition"]}
GROUP = f"arn:aws:iam::{ACCOUNT}:group/ops"
DEVICE = f"arn:aws:iam::{ACCOUNT}:user/${{aws:username}}"
ELSEWHERE = "arn:aws:iam::444455556666:user/*"
ALL_BUT_S3 = {"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}
ONLY_S3 = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
DEACTIVATE = allow("iam:DeactivateMFADevice")
KEYS = allow("kms:*")
NOTHING = (False, "", "", False, "")
FULL = (True, "", "", False, "")
REMOVABLE = (False, "", "", True, "")
SERVICES = (False, "", "cloudtrail, kms", False, "")


def deny(*actions, resource="*", **more):
    return allow(*actions, resource=resource) | {"Effect": "Deny"} | more


def without_mfa(key):
    """Open under a condition, and so are the devices."""
    return (False, key, "", True, "")


@pytest.mark.parametrize(
    ("statements", "found"),
    [
        ([EVERYTHING], FULL),
        ([allow("*:*")], FULL),
        ([allow("s3:*", "*")], FULL),
        ([ALL_BUT_S3, ONLY_S3], FULL),
        ([EVERYTHING, deny("organizations:*")], FULL),
        ([EVERYTHING, deny("s3:*", resource="arn:aws:s3:::log/*")], FULL),
        ([EVERYTHING, deny("*")], NOTHING),
        ([EVERYTHING, deny("iam:*")], SERVICES),
        (
            [EVERYTHING, deny("iam:*", "kms:ScheduleKeyDeletion")],
            (*NOTHING[:2], "cloudtrail", *NOTHING[3:]),
        ),
        ([EVERYTHING | MFA], NOTHING),
        ([EVERYTHING | RECENT], NOTHING),
        ([EVERYTHING | THERE], NOTHING),
        ([EVERYTHING | BOTH], NOTHING),
        ([EVERYTHING, deny("*", **WITHOUT)], NOTHING),
        ([EVERYTHING | OFFICE], without_mfa("aws:SourceIp")),
        ([EVERYTHING | LOOSE], without_mfa("aws:MultiFactorAuthPresent")),
        ([EVERYTHING | SESSION], without_mfa("aws:MultiFactorAuthPresent")),
        ([EVERYTHING, deny("*", **SESSION)], without_mfa("")),
        ([EVERYTHING | {"Resource": "arn:aws:s3:::b"}], NOTHING),
        ([{"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::b"}], FULL),
        ([allow("kms:*", "cloudtrail:*")], SERVICES),
        ([KEYS], (False, "", "kms", False, "")),
        ([allow("KMS:*")], (False, "", "kms", False, "")),
        ([allow("km*:*")], (False, "", "kms", False, "")),
        ([KEYS | OFFICE], (False, "", "kms", False, "")),
        ([allow("kms:Get*")], NOTHING),
        ([allow("kms:D*"), allow("kms:*") | MFA], (False, "", "kms", False, "")),
        ([KEYS, deny("kms:DisableKey")], NOTHING),
        ([KEYS, deny("kms:*")], NOTHING),
        ([allow("kms:*", resource="arn:aws:kms:*:*:key/a")], NOTHING),
        ([ALL_BUT_S3], (False, "", "cloudtrail, kms", True, "")),
        ([ALL_BUT_S3 | {"Effect": "Deny"}], NOTHING),
        ([DEACTIVATE], REMOVABLE),
        ([allow("iam:*MFA*")], REMOVABLE),
        ([allow("iam:DeactivateMFADevice", resource=DEVICE)], REMOVABLE),
        ([allow("iam:DeactivateMFADevice", resource=ELSEWHERE)], NOTHING),
        ([DEACTIVATE | MFA], NOTHING),
        ([DEACTIVATE | RECENT], NOTHING),
        ([DEACTIVATE | THERE], NOTHING),
        ([DEACTIVATE | LOOSE], REMOVABLE),
        ([DEACTIVATE | OFFICE], REMOVABLE),
        ([DEACTIVATE | SESSION], REMOVABLE),
        ([DEACTIVATE | {"Condition": {"StringEquals": {"aws:username": "ann"}}}], REMOVABLE),
        ([DEACTIVATE, deny("iam:*", **WITHOUT)], NOTHING),
        ([DEACTIVATE, deny("iam:*", **SESSION)], REMOVABLE),
        ([DEACTIVATE, deny("iam:*MFA*")], NOTHING),
        ([deny("*", resource=GROUP)], (False, "", "", False, GROUP)),
        ([deny("s3:*", resource=["arn:aws:s3:::b", GROUP])], (False, "", "", False, GROUP)),
        ([deny("iam:DeleteGroup", "iam:AddUserToGroup", resource=GROUP)], NOTHING),
        ([{"Effect": "Deny", "Action": "*", "NotResource": GROUP}], NOTHING),
    ],
)
def test_what_a_policy_grants_counts_and_not_how_it_is_written(statements, found):
    """Full administration, whole services, MFA devices that a key alone may take, denied groups."""
    assert review_document(policy(*statements), PLACE) == found
