"""What an auditor looks for in one policy, however its statements are written."""

import pytest

from iamkit.audit.policy_review import review_document
from iamkit.policies import allow, policy

EVERYTHING = allow("*")
MFA = {"Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}}
LOOSE = {"Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "true"}}}
GROUP = "arn:aws:iam::111122223333:group/ops"
ALL_BUT_S3 = {"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}
DEACTIVATE = allow("iam:DeactivateMFADevice")


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        (EVERYTHING, (True, "", False, "")),
        (allow("*:*"), (True, "", False, "")),
        (allow("s3:*", "*"), (True, "", False, "")),
        (EVERYTHING | MFA, (False, "", False, "")),
        (EVERYTHING | LOOSE, (False, "", True, "")),
        (EVERYTHING | {"Resource": "arn:aws:s3:::b"}, (False, "", True, "")),
        (allow("kms:*", "cloudtrail:*"), (False, "cloudtrail, kms", False, "")),
        (allow("KMS:*"), (False, "kms", False, "")),
        (allow("km*:*"), (False, "kms", False, "")),
        (allow("kms:Get*"), (False, "", False, "")),
        (allow("kms:*", resource="arn:aws:kms:*:*:key/a"), (False, "", False, "")),
        (ALL_BUT_S3, (False, "cloudtrail, kms", True, "")),
        (ALL_BUT_S3 | {"Effect": "Deny"}, (False, "", False, "")),
        (DEACTIVATE, (False, "", True, "")),
        (allow("iam:*MFA*"), (False, "", True, "")),
        (DEACTIVATE | MFA, (False, "", False, "")),
        (DEACTIVATE | LOOSE, (False, "", True, "")),
        (EVERYTHING | {"Effect": "Deny", "Resource": GROUP}, (False, "", False, GROUP)),
    ],
)
def test_what_a_policy_allows_counts_and_not_how_it_is_written(statement, found):
    """Full administration, whole services, MFA devices that a key alone may take, denied groups."""
    assert review_document(policy(statement)) == found
