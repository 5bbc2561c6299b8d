"""The kit's own policy for a group whose members look after their own credentials."""

import pytest
from accounts import ACCOUNT

from iamkit.policies.evaluation.engine import Policies, evaluate
from iamkit.policies.evaluation.request import Principal, Request
from iamkit.policies.grammar.document import check_policy
from iamkit.policies.grammar.quotas import measure
from iamkit.policies.lint.linting import lint_policy
from iamkit.policies.self_management import BEFORE_MFA, self_management_policy
from iamkit.policies.wording.explanation import explain

ARN = f"arn:aws:iam::{ACCOUNT}"
MFA = {"aws:MultiFactorAuthPresent": "true"}
NO_MFA = {"aws:MultiFactorAuthPresent": "false"}
PLAIN_KEY = {"aws:MultiFactorAuthPresent": None}
BOTH = pytest.mark.parametrize("mode", ["offered", "demanded"])
WORK = {"Statement": {"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}}


def allowed(mode, action, resource, context=NO_MFA, user="user/ann", **more):
    request = Request(
        principal=Principal(f"{ARN}:{user}"), action=action, resource=resource, context=context
    )
    return evaluate(
        request, Policies(identity={"own": self_management_policy(mode), **more})
    ).allowed


@BOTH
def test_it_is_a_policy_that_fits_a_group(mode):
    """IAM takes it, it is within a group's quota, and the linter has nothing against it."""
    document = self_management_policy(mode)
    check_policy(document)
    (gauge,) = (one for one in measure(document) if one.quota == "group's inline policies")
    assert gauge.fits
    assert gauge.size < gauge.limit / 2
    assert lint_policy(document) == []


@BOTH
def test_each_part_is_a_sentence(mode):
    """Every statement has a name and is explained, on one's own things where it is about those."""
    said = {one.name: one.text for one in explain(self_management_policy(mode))}
    assert "" not in said
    own = [name for name in said if name.startswith("Own")]
    assert len(own) == 4
    assert all("their own" in said[name] for name in own)
    assert said["TakeMFAAwayWithMFA"].endswith("if the caller has signed in with MFA.")
    if mode == "demanded":
        denied = said["NothingElseWithoutMFA"]
        assert denied.startswith("May not do anything except")
        assert denied.endswith("if the caller has not signed in with MFA.")


@BOTH
@pytest.mark.parametrize("path", ["", "team/"])
def test_what_a_first_sign_in_needs_is_open_without_mfa(mode, path):
    """The password and the enrolment come before any MFA, for users under a path too."""
    own = f"{ARN}:user/{path}ann"
    for action in ("iam:ChangePassword", "iam:EnableMFADevice", "iam:ListMFADevices"):
        assert allowed(mode, action, own, user=f"user/{path}ann"), action
    for action in ("iam:CreateVirtualMFADevice", "iam:DeleteVirtualMFADevice"):
        assert allowed(mode, action, f"{ARN}:mfa/ann", user=f"user/{path}ann"), action
        assert allowed(mode, action, f"{ARN}:mfa/ann/second", user=f"user/{path}ann"), action
    assert allowed(mode, "iam:GetAccountPasswordPolicy", "*")


@BOTH
@pytest.mark.parametrize("context", [MFA, NO_MFA, PLAIN_KEY])
@pytest.mark.parametrize("other", ["bob", "joann", "annie", "team/bob", "ann/bob"])
def test_nobody_else_is_touched(mode, context, other):
    """Whatever is shown, what belongs to others stays theirs, however their names are alike."""
    for action in ("iam:ChangePassword", "iam:CreateAccessKey", "iam:DeactivateMFADevice"):
        assert not allowed(mode, action, f"{ARN}:user/{other}", context), action
    device = other.rpartition("/")[2]
    assert not allowed(mode, "iam:DeleteVirtualMFADevice", f"{ARN}:mfa/{device}", context)


@BOTH
def test_mfa_is_taken_away_with_mfa_alone(mode):
    """Neither a session without it nor a plain key takes a device away."""
    asked = (mode, "iam:DeactivateMFADevice", f"{ARN}:user/ann")
    assert allowed(*asked, MFA)
    assert not allowed(*asked, NO_MFA)
    assert not allowed(*asked, PLAIN_KEY)


def test_demanded_stops_work_without_mfa_and_by_a_plain_key():
    """A session with MFA works; one without does not, nor does a key, though it says nothing."""
    asked = ("ec2:DescribeInstances", "*")
    assert allowed("demanded", *asked, MFA, work=WORK)
    assert not allowed("demanded", *asked, NO_MFA, work=WORK)
    assert not allowed("demanded", *asked, PLAIN_KEY, work=WORK)
    assert not allowed("demanded", "iam:CreateAccessKey", f"{ARN}:user/ann", NO_MFA)
    for context in (MFA, NO_MFA, PLAIN_KEY):
        assert allowed("offered", *asked, context, work=WORK)


def test_what_is_left_open_gives_nothing_to_others():
    """The deny leaves out what changes one's own password or enrols, and reads one's own things."""
    assert {action.partition(":")[0] for action in BEFORE_MFA} == {"iam", "sts"}
    assert "iam:DeactivateMFADevice" not in BEFORE_MFA
    assert not [action for action in BEFORE_MFA if "*" in action or "Key" in action]


def test_it_names_the_partition():
    """In another partition the ARNs are of that one."""
    document = self_management_policy("demanded", "aws-cn")
    resources = [one["Resource"] for one in document["Statement"] if one["Resource"] != "*"]
    assert all(arn.startswith("arn:aws-cn:iam::*:") for some in resources for arn in some)
