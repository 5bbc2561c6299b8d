"""A forgotten password and a lost device: by their dates, once, and said before it is done."""

from dataclasses import replace
from datetime import timedelta

import pytest
from accounts import ACCOUNT, NOW, account_of, ago
from hypothesis import given, strategies as st

from iamkit.account.state import Group, LoginProfile, MfaDevice, Source
from iamkit.errors import InputError, UnsafePlan
from iamkit.plan.changes import make_plan
from iamkit.plan.consequences import say_meaning
from iamkit.plan.desired import Desired, DesiredUser
from iamkit.plan.merging import merge
from iamkit.plan.operations import OPERATIONS
from iamkit.plan.preview import account_after
from iamkit.plan.wanted import lost_credentials
from iamkit.policies import allow, policy

PHONE, PASSKEY = f"arn:aws:iam::{ACCOUNT}:mfa/bob-phone", f"arn:aws:iam::{ACCOUNT}:u2f/user/bob/k-1"
TOKEN = "GAHT12345678"
CREATE = ("delete_login_profile", "create_login_profile")


def company(*, password=30, devices=(), left=(), unread=()):
    """Bob, with a password and devices of so many days' age."""
    state = account_of({"users": [{"name": "bob", "groups": ["dev"]}]})
    made = None if password is None else ago(password)
    profile = LoginProfile(reset_required=False, created=made) if made else None
    read = {name: Source(status="read", at=NOW) for name in ("GetLoginProfile", "ListMFADevices")}
    return replace(
        state,
        login_profiles={"bob": profile},
        mfa_devices={"bob": tuple(MfaDevice(serial=s, enabled=ago(a)) for s, a in devices)},
        left_devices={"bob": left} if left else {},
        sources={n: s for n, s in {**state.sources, **read}.items() if n not in unread},
    )


def forgot(days, **facts):
    """What was made before so many days ago is lost."""
    return Desired(users=(DesiredUser(name="bob", make=False, password_since=ago(days), **facts),))


def lost(days, *serials):
    user = DesiredUser(name="bob", make=False, devices_since=ago(days), lost_serials=serials)
    return Desired(users=(user,))


def told(plan):
    return [change.operation for change in plan.changes]


def test_a_forgotten_password_gives_way_to_a_new_first_one():
    """It must be changed at the first sign-in; the old one is a loss, said with its date."""
    plan = make_plan(company(), forgot(1))
    assert told(plan) == list(CREATE)
    old, new = plan.changes
    assert old.reason == "made on 2026-10-25 at 12:00 UTC"
    assert new.arguments == {"UserName": "bob", "PasswordResetRequired": True}
    with pytest.raises(UnsafePlan, match="1 destructive"):
        plan.raise_if_unsafe()


def test_once_it_is_made_the_same_request_wants_nothing():
    """So it may stay in a file that runs each night; and what is younger is said to stay."""
    plan = make_plan(company(), forgot(1))
    after = account_after(company(), plan.changes)
    assert make_plan(after, forgot(1)).changes == ()
    younger = make_plan(company(password=0.5), forgot(1))
    assert younger.changes == ()
    (said,) = younger.notes
    assert said.startswith("The password of bob was made on 2026-11-24 at 00:00:00 UTC, not before")


def test_who_has_no_password_gets_one():
    """As after a run that was cut off between the two calls."""
    assert told(make_plan(company(password=None), forgot(1))) == ["create_login_profile"]


def test_it_goes_where_it_should():
    """As any new password."""
    plan = make_plan(company(), forgot(1, hand_over="secretsmanager"))
    assert plan.changes[1].reason == "the password goes to AWS Secrets Manager"
    assert plan.desired.hand_over_of("bob") == "secretsmanager"


def test_a_lost_device_goes_and_a_younger_one_stays():
    """A virtual device is deleted too; a passkey and a token are gone with their deactivation."""
    devices = [(PHONE, 20), (PASSKEY, 10), (TOKEN, 5), ("GAHT00000001", 0.5)]
    plan = make_plan(company(devices=devices), lost(1))
    assert [(c.operation, c.arguments["SerialNumber"]) for c in plan.changes] == [
        ("deactivate_mfa_device", PHONE),
        ("delete_virtual_mfa_device", PHONE),
        ("deactivate_mfa_device", PASSKEY),
        ("deactivate_mfa_device", TOKEN),
    ]
    assert len(plan.destructive) == 4
    assert "GAHT00000001 was registered on" in plan.notes[0]
    after = account_after(company(devices=devices), plan.changes)
    assert make_plan(after, lost(1)).changes == ()


def test_one_of_several_is_named_by_its_serial_number():
    """The others stay; one that is not there is said, with those that are."""
    state = company(devices=[(PHONE, 20), (TOKEN, 20)])
    plan = make_plan(state, lost(1, TOKEN))
    assert [c.arguments["SerialNumber"] for c in plan.changes] == [TOKEN]
    gone = make_plan(state, lost(1, "GAHT99999999"))
    assert gone.changes == ()
    assert gone.notes == (f"bob has no MFA device GAHT99999999; theirs: {TOKEN}, {PHONE}.",)


def test_a_device_that_an_interrupted_run_left_is_deleted():
    """By the same change as if it had not been interrupted."""
    whole = make_plan(company(devices=[(PHONE, 20)]), lost(1)).changes
    left = make_plan(company(left=(PHONE,)), lost(1))
    assert left.changes == whole[1:]
    assert make_plan(account_after(company(left=(PHONE,)), left.changes), lost(1)).changes == ()


@pytest.mark.parametrize(
    ("state", "desired", "said"),
    [
        (company(unread=["GetLoginProfile"]), forgot(1), "GetLoginProfile was not read of user"),
        (company(unread=["ListMFADevices"]), lost(1), "ListMFADevices was not read of user bob"),
        (replace(company(), login_profiles={"bob": LoginProfile(reset_required=True)}), forgot(1),
         "When the password of bob was made was not read."),
        (replace(company(), mfa_devices={"bob": (MfaDevice(serial=TOKEN),)}), lost(1),
         f"When bob registered {TOKEN} was not read."),
        (replace(company(), read_at=None), forgot(1), "When the account was read is not known"),
        (company(), forgot(-1), "lies in the future, 2026-11-25 at 12:00:00 UTC"),
        (company(), lost(-0.001), "lies in the future"),
        (account_of({"users": []}), forgot(1), "User bob is not there; make it first."),
    ],
)  # fmt: skip
def test_what_cannot_be_told_blocks(state, desired, said):
    """Nothing is deleted of which nobody knows how old it is; a future moment would never end."""
    plan = make_plan(state, desired)
    assert any(said in blocker for blocker in plan.blockers)
    if "future" not in said and "when the account" not in said.lower():
        assert plan.changes == ()


@given(
    st.none() | st.floats(0, 90),
    st.lists(st.tuples(st.sampled_from([PHONE, PASSKEY, TOKEN]), st.floats(0, 90)), max_size=3,
             unique_by=lambda one: one[0]),
    st.floats(0.01, 90),
    st.sets(st.sampled_from([PHONE, PASSKEY, TOKEN])),
)  # fmt: skip
def test_a_request_is_reached_and_touches_nothing_younger(password, devices, days, serials):
    """Whatever the ages: one plan reaches it, a second is empty, what is younger is as before."""
    state = company(password=password, devices=devices)
    user = DesiredUser(
        name="bob",
        make=False,
        password_since=ago(days),
        devices_since=ago(days),
        lost_serials=tuple(serials),
    )
    desired = Desired(users=(user,))
    plan = make_plan(state, desired)
    after = account_after(state, plan.changes)
    assert plan.blockers == ()
    assert make_plan(after, desired).changes == ()
    kept = {one.serial for one in after.mfa_devices["bob"]}
    young = {s for s, age in devices if ago(age) >= ago(days) or (serials and s not in serials)}
    assert kept == young
    if password is not None and ago(password) >= ago(days):
        assert after.login_profiles["bob"] == state.login_profiles["bob"]


def test_what_has_no_way_back_is_said_before():
    """Each operation says why; the meaning of the plan repeats it, once for a device."""
    plan = make_plan(company(devices=[(PHONE, 20)]), merge([forgot(1), lost(1)]))
    said = " ".join(say_meaning(plan.current, plan))
    for change in plan.changes:
        if change.operation != "create_login_profile":
            assert change.inverse is None
        if change.operation in ("delete_login_profile", "deactivate_mfa_device"):
            assert OPERATIONS[change.operation].limit[1:] in said


def test_of_two_requests_the_later_moment_holds():
    """Merged, neither is lost."""
    merged = merge([forgot(3), forgot(1), lost(2, TOKEN)]).users[0]
    assert (merged.password_since, merged.devices_since) == (ago(1), ago(2))
    assert merged.lost_serials == (TOKEN,)


ROW = {"user": "bob", "before": "2026-11-25", "password": True}


def test_a_row_comes_to_what_is_wanted(guide):
    """A day begins at midnight UTC."""
    rows = [ROW, {"user": "cyd", "before": "2026-11-25T14:30", "serials": [TOKEN]}]
    bob, cyd = lost_credentials(guide("12_lost_and_forgotten", lost=rows)).users
    assert (bob.make, bob.devices_since, cyd.password_since) == (False, None, None)
    assert bob.password_since == NOW.replace(day=25, hour=0)
    assert cyd.devices_since - bob.password_since == timedelta(hours=14, minutes=30)
    assert cyd.lost_serials == (TOKEN,)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"password": False}, "nothing is lost"),
        ({"devices": True, "serials": [TOKEN]}, "devices means all of them"),
        ({"before": "25.11.2026"}, "is no moment such as 2027-01-31"),
        ({"before": "2026-11-31"}, "is no moment such as 2027-01-31"),
        ({"before": "2026-11-25T14:30+01:00"}, "is no moment such as 2027-01-31"),
        ({"before": ""}, "is no moment such as 2027-01-31"),
        ({"user": "a b"}, "the user name 'a b'"),
        ({"hand_over": "mail"}, "hand_over"),
    ],
)
def test_a_wrong_row_is_refused(guide, row, said):
    """With its place."""
    with pytest.raises(InputError, match=r"lost\[1\]") as error:
        guide("12_lost_and_forgotten", lost=[ROW | row])
    assert said in str(error.value)


def test_one_user_has_one_row(guide):
    """IAM ignores the case of names."""
    with pytest.raises(InputError, match="are one user to IAM"):
        guide("12_lost_and_forgotten", lost=[ROW, ROW | {"user": "Bob"}])


DENIED = {
    "Statement": [
        {"Effect": "Allow", "Action": ["s3:GetObject", "ec2:DescribeInstances"], "Resource": "*"},
        {
            "Effect": "Deny",
            "NotAction": ["ec2:DescribeInstances"],
            "Resource": "*",
            "Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}},
        },
    ]
}
ALLOWED = {
    "Statement": {
        "Effect": "Allow",
        "Action": "s3:GetObject",
        "Resource": "*",
        "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}},
    }
}


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (DENIED, "will be able to describe instances in Amazon EC2, and not, or less far, to read"),
        (ALLOWED, "will be able to do nothing; with one, to read objects in Amazon S3"),
        (policy(allow("s3:GetObject")), "will be able to do the same as with one"),
        ({}, "may do what cannot be told, for want of"),
    ],
)  # fmt: skip
def test_what_they_can_do_without_the_device_is_said(document, said):
    """By the evaluator, with MFA against without; what was not read is not taken for nothing."""
    state = company(devices=[(PHONE, 20)])
    state = replace(state, groups={"dev": Group(name="dev", inline_policies={"own": document})})
    plan = make_plan(state, lost(1))
    sentences = say_meaning(state, plan)
    assert any(one.startswith(f"Without an MFA device bob {said}") for one in sentences), sentences


def test_who_keeps_another_device_is_said_to_sign_in_with_it():
    """And nothing of what they would lose."""
    state = company(devices=[(PHONE, 20), (TOKEN, 20)])
    sentences = say_meaning(state, make_plan(state, lost(1, PHONE)))
    assert f"bob keeps {TOKEN}, and signs in with it." in sentences
    assert not any(one.startswith("Without an MFA device") for one in sentences)


def test_their_first_minutes_are_walked_again():
    """Who may not enrol by themselves, and may do nothing without, is stopped, and it is said."""
    state = company(devices=[(PHONE, 20)])
    state = replace(state, groups={"dev": Group(name="dev", inline_policies={"own": ALLOWED})})
    sentences = say_meaning(state, make_plan(state, lost(1)))
    assert any("bob will be stopped at enrolling MFA" in one for one in sentences), sentences
