"""Planned trouble: each kind of fault, the presets, and the kit's bulk work in a storm."""

import time
from contextlib import suppress

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    ReadTimeoutError,
)
from botocore.parsers import ResponseParserError
from samples import scaled

from iamkit.aws.apply import apply_plan, await_applied
from iamkit.aws.read import read_account
from iamkit.errors import IamkitError, PartlyApplied, SandboxError
from iamkit.plan.changes import make_plan
from iamkit.plan.desired import Desired, DesiredUser

CODES = {
    "throttle": ("Throttling", 400),
    "expired_token": ("ExpiredToken", 403),
    "access_denied": ("AccessDenied", 403),
    "clock_skew": ("SignatureDoesNotMatch", 403),
    "error_before": ("ServiceFailure", 500),
    "error_after": ("ServiceFailure", 500),
}
ACTED = {"error_after", "drop_after", "truncate", "slow"}


def users(iam):
    return [user["UserName"] for user in iam.list_users()["Users"]]


@pytest.mark.parametrize("kind", sorted(CODES))
def test_a_fault_answers_with_awss_code(sandbox, iam, refused, kind):
    """The fault happens as often as planned, to its action alone, and then no more."""
    sandbox.set_faults([{"action": "CreateUser", "kind": kind, "times": 1}])
    iam.create_group(GroupName="dev")
    with refused(*CODES[kind]):
        iam.create_user(UserName="alice")
    assert users(iam) == (["alice"] if kind in ACTED else [])
    iam.create_user(UserName="bob")
    faults = [call["fault"] for call in sandbox.calls()]
    assert faults == ["", kind, "", ""]


@pytest.mark.parametrize("kind", ["drop_before", "drop_after", "truncate", "garbage"])
def test_a_reply_is_lost_or_broken(sandbox, iam, kind):
    """The connection closes, half of the reply comes, or a proxy's page: AWS acted or not."""
    sandbox.set_faults([{"action": "CreateUser", "kind": kind, "times": 1}])
    broken = (ConnectionClosedError, EndpointConnectionError, ReadTimeoutError)
    with pytest.raises((*broken, ResponseParserError, ClientError, Exception)) as error:
        iam.create_user(UserName="alice")
    assert type(error.value).__module__.startswith("botocore")
    assert users(iam) == (["alice"] if kind in ACTED else [])


def test_slow_is_slow(sandbox, iam):
    """A slow call takes its time, and is answered."""
    sandbox.set_faults([{"action": "CreateUser", "kind": "slow", "seconds": 0.5}])
    begun = time.monotonic()
    iam.create_user(UserName="alice")
    assert time.monotonic() - begun >= 0.5


def test_a_throttle_is_a_token_bucket(sandbox, iam):
    """A burst passes, the rest is refused, and a pause fills the bucket again."""
    fault = {"action": "*", "kind": "throttle", "per_second": 5, "burst": 10}
    sandbox.set_faults([fault])
    time.sleep(0.1)

    def passed():
        done = 0
        for _ in range(20):
            try:
                iam.list_users()
                done += 1
            except iam.exceptions.ClientError:
                continue
        return done

    assert 8 <= passed() <= 14
    time.sleep(1.2)
    assert 4 <= passed() <= 10


def test_a_rate_is_a_share_of_the_calls(sandbox, iam):
    """At a rate of a half, some calls fail and some pass."""
    sandbox.set_faults([{"action": "*", "kind": "error_before", "status": 503, "rate": 0.5}])
    outcomes = set()
    for _ in range(40):
        try:
            iam.list_users()
            outcomes.add("ok")
        except ClientError as error:
            outcomes.add(error.response["Error"]["Code"])
    assert outcomes == {"ok", "ServiceUnavailable"}


def test_a_new_name_and_a_new_key_are_unknown_for_a_while(sandbox, iam, client_of, refused):
    """Until they are older, reads do not see them, lists leave them out, and the key is refused."""
    sandbox.set_faults([{"action": "*", "kind": "unknown_yet", "seconds": 600}])
    iam.create_user(UserName="alice")
    key = iam.create_access_key(UserName="alice")["AccessKey"]
    alice = client_of(sandbox, "sts", (key["AccessKeyId"], key["SecretAccessKey"]))
    assert users(iam) == []
    assert iam.get_account_authorization_details(Filter=["User"])["UserDetailList"] == []
    with refused("NoSuchEntity", 404):
        iam.get_user(UserName="alice")
    with refused("InvalidClientTokenId", 403):
        alice.get_caller_identity()
    sandbox.age(1)  # a day
    assert users(iam) == ["alice"]
    assert alice.get_caller_identity()["Arn"].endswith("user/alice")


def test_a_fault_that_is_not_understood_is_refused(sandbox):
    """A wrong kind, field or weather is an error that names what there is."""
    with pytest.raises(SandboxError, match="no fault is 'rain'"):
        sandbox.set_faults([{"action": "*", "kind": "rain"}])
    with pytest.raises(SandboxError, match="no field 'often'"):
        sandbox.set_faults([{"action": "*", "kind": "slow", "often": 1}])
    with pytest.raises(SandboxError, match="calm, typical, storm"):
        sandbox.set_weather("fog")


def test_bulk_work_in_a_storm_ends_as_wanted(session, sandbox):
    """Users with keys come through a storm, run by run; after it one run leaves each with one key.

    Whatever the storm hit, the last run finds it and mends it.
    """
    names = [f"user{number:02}" for number in range(scaled(8, 20))]
    desired = Desired(users=tuple(DesiredUser(name=name, access_key=True) for name in names))

    def run():
        plan = make_plan(read_account(session, desired), desired)
        apply_plan(plan, session, allow_destructive=True).raise_if_incomplete()
        return await_applied(plan, session)

    sandbox.set_weather("storm")
    for _ in range(scaled(3, 8)):
        with suppress(PartlyApplied, IamkitError):
            run()
    sandbox.set_weather("calm")
    assert run().changes == ()
    state = read_account(session, desired)
    for name in names:
        stored = session.store.keys_of(name)
        assert [key.id for key in state.access_keys[name]] == [stored[0].id]
