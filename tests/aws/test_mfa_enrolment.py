"""A virtual MFA device of one's own: made once, its seed in no text, enabled, or ended."""

import json
import time
import traceback

import pytest

from iamkit.aws.mfa_enrolment import (
    create_device,
    delete_begun,
    enable_device,
    read_enrolment,
    why_not_here,
)
from iamkit.aws.session import open_session
from iamkit.credentials import Secret
from iamkit.errors import AwsError, GuardError, IamkitError, InputError
from iamkit.plan.desired import Desired, DesiredUser
from iamkit.policies import allow, policy
from iamkit.policies.self_management import self_management_policy
from iamkit.sandbox.server.one_time_passwords import STEP, totp

SERIAL = "arn:aws:iam::000000000000:mfa/alice"


def codes_of(seed, earlier=1):
    """Two codes in a row of an authenticator app, the first of so many steps ago."""
    now = int(time.time()) // STEP
    return totp(seed.reveal(), now - earlier), totp(seed.reveal(), now - earlier + 1)


@pytest.fixture
def alice(session, apply_desired, guide):
    """A session of alice, who has a key, and by a policy may look after herself alone."""
    apply_desired(Desired(users=(DesiredUser(name="alice", access_key=True),)))
    session.iam.put_user_policy(
        UserName="alice",
        PolicyName="own",
        PolicyDocument=json.dumps(self_management_policy("offered")),
    )
    return open_session(guide("03_dev_group", run_as="alice"))


def test_a_device_is_made_and_enabled_by_two_codes(alice, session, sandbox):
    """Under the kit's own self-management policy; its name is its owner's."""
    sandbox.set_authorize(True)
    for serial in (SERIAL, f"{SERIAL}/alice-2"):
        device = create_device(alice)
        assert device.serial == serial
        assert device.picture.startswith(b"\x89PNG")
        assert read_enrolment(alice).begun == serial
        enable_device(alice, device.serial, codes_of(device.seed))
    found = read_enrolment(alice)
    sandbox.set_authorize(False)
    assert [one.serial for one in found.devices] == [SERIAL, f"{SERIAL}/alice-2"]
    assert (found.user, found.begun, found.untold) == ("alice", "", "")
    assert len(session.iam.list_mfa_devices(UserName="alice")["MFADevices"]) == 2


WRONG = {
    "no digits": (("abcdef", "123456"), "six digits"),
    "too short": (("12345", "123456"), "six digits"),
    "one code twice": (("123456", "123456"), "same code"),
    "codes of another device": (("000000", "000001"), "does not take these codes"),
}


@pytest.mark.parametrize(("codes", "said"), WRONG.values(), ids=WRONG)
def test_wrong_codes_are_said_and_others_may_be_typed(alice, codes, said):
    """The device waits; right ones enable it, with the blanks that an app shows."""
    device = create_device(alice)
    with pytest.raises(InputError, match=said):
        enable_device(alice, device.serial, codes)
    first, second = codes_of(device.seed)
    enable_device(alice, device.serial, (f"{first[:3]} {first[3:]}", second))
    assert [one.serial for one in read_enrolment(alice).devices] == [SERIAL]


@pytest.mark.parametrize("kind", ["truncate", "drop_after", "error_after"])
def test_a_lost_reply_makes_one_device_and_repeats_nothing_of_it(alice, session, sandbox, kind):
    """No second call is made; the text holds no seed; the device is found, ended, and made anew."""
    sandbox.set_faults([{"action": "CreateVirtualMFADevice", "kind": kind, "times": 1}])
    with pytest.raises(AwsError) as error:
        create_device(alice)
    sandbox.clear_faults()
    calls = [call["action"] for call in sandbox.calls()]
    assert calls.count("CreateVirtualMFADevice") == 1
    told = "".join(traceback.format_exception(error.value))
    assert all(secret not in told for secret in sandbox.secrets())
    assert "found here and can be deleted" in str(error.value)
    assert read_enrolment(alice).begun == SERIAL
    with pytest.raises(AwsError, match="Delete it first"):
        create_device(alice)
    delete_begun(alice, SERIAL)
    assert session.iam.list_virtual_mfa_devices()["VirtualMFADevices"] == []
    enable_device(alice, SERIAL, codes_of(create_device(alice).seed))


@pytest.mark.parametrize("kind", ["drop_after", "error_after", "truncate"])
def test_a_lost_reply_to_the_codes_is_no_failure(alice, sandbox, kind):
    """AWS acted, and the retry is told that the device is in use: reading again tells it."""
    device = create_device(alice)
    sandbox.set_faults([{"action": "EnableMFADevice", "kind": kind, "times": 1}])
    enable_device(alice, device.serial, codes_of(device.seed))
    sandbox.clear_faults()
    assert [one.serial for one in read_enrolment(alice).devices] == [SERIAL]


def test_a_device_in_use_is_never_ended(alice):
    """Ending is for what was broken off."""
    device = create_device(alice)
    enable_device(alice, device.serial, codes_of(device.seed))
    with pytest.raises(AwsError, match="is in use"):
        delete_begun(alice, device.serial)


def test_somebody_elses_device_is_left_alone(alice, session):
    """Neither found, nor ended, nor enabled, whatever a message says."""
    other = session.iam.create_virtual_mfa_device(VirtualMFADeviceName="bob")["VirtualMFADevice"]
    assert read_enrolment(alice).begun == ""
    seed = Secret(other["Base32StringSeed"].decode())
    for act in (
        lambda: delete_begun(alice, other["SerialNumber"]),
        lambda: enable_device(alice, other["SerialNumber"], codes_of(seed)),
    ):
        with pytest.raises(GuardError, match="no device of alice"):
            act()


def test_what_cannot_be_listed_is_said_and_a_device_that_is_there_too(alice, session, sandbox):
    """Without the permission to list, making one tells that another was left."""
    own = ("iam:ListMFADevices", "iam:CreateVirtualMFADevice")
    session.iam.put_user_policy(
        UserName="alice", PolicyName="own", PolicyDocument=json.dumps(policy(allow(*own)))
    )
    create_device(alice)
    sandbox.set_authorize(True)
    found = read_enrolment(alice)
    with pytest.raises(AwsError, match="there already and not in use"):
        create_device(alice)
    sandbox.set_authorize(False)
    assert "iam:ListVirtualMFADevices" in found.untold


def test_the_root_and_a_role_are_told_that_they_cannot(alice, session, guide, monkeypatch):
    """And nothing is made."""
    from dataclasses import replace

    assert "root" in why_not_here(session)
    arn = "arn:aws:sts::000000000000:assumed-role/ops/alice"
    role = replace(session, identity=replace(session.identity, arn=arn))
    assert "session of a role" in why_not_here(role)
    for one in (session, role):
        with pytest.raises(GuardError, match="Nothing was changed"):
            create_device(one)
    assert why_not_here(alice) == ""
    monkeypatch.setenv("VOILA_KERNEL_ID", "1")
    assert "app" in why_not_here(alice)
    with pytest.raises(IamkitError):
        create_device(alice)
    assert session.iam.list_virtual_mfa_devices()["VirtualMFADevices"] == []
