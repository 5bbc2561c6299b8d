"""Applying plans against the sandbox: order, journal, re-runs, failures, secrets."""

import json
import threading
from dataclasses import replace

import pytest

from iamkit.aws.apply import apply_plan
from iamkit.aws.read import read_account
from iamkit.aws.session import open_session
from iamkit.errors import AwsError, GuardError, LockedError, PartlyApplied, StalePlan, UnsafePlan
from iamkit.plan.desired import (
    Desired,
    DesiredUser,
)
from iamkit.plan.wanted import (
    account_alias,
    admin_group,
    dev_group,
    team_users,
)


@pytest.fixture
def everything(guide):
    """The desired states of the whole guide, in order."""
    return (
        admin_group(guide("02_admin_group")),
        dev_group(guide("03_dev_group")),
        team_users(guide("04_users")),
        account_alias(guide("05_account_alias")),
    )


def mutating(sandbox):
    reads = ("Get", "List", "Generate", "Describe")
    return [call for call in sandbox.calls() if not call["action"].startswith(reads)]


def test_the_guide_is_applied_once_and_then_there_is_nothing_to_do(
    session, sandbox, everything, apply_desired
):
    """The whole guide applies in order, and a second time no call changes anything."""
    sandbox.set_weather("calm")  # in which calls can be counted
    for desired in everything:
        apply_desired(desired)
    state = read_account(session, everything[2])
    assert state.alias == "maestrodev"
    assert state.users["carol"].path == "/team/"
    assert state.users["carol"].tags == {"team": "web", "cost-center": "1001"}
    assert state.users["bob"].groups == {"dev"}
    assert state.login_profiles["bob"]
    assert [key.stored for key in state.access_keys["bob"]] == [True]
    before = len(mutating(sandbox))
    assert before == 16
    for desired in everything:
        assert apply_desired(desired).done == []
    assert len(mutating(sandbox)) == before


def test_a_stored_key_signs_in_as_its_user(session, guide, everything, apply_desired):
    """After the admin group was applied, run_as opens a session as the new admin."""
    apply_desired(everything[0])
    admin = open_session(guide("03_dev_group"))
    assert admin.identity.arn == "arn:aws:iam::000000000000:user/alice"
    assert admin.source == "the stored key of alice"


def test_the_journal_has_a_line_before_and_after_each_call_and_no_secret(
    session, everything, apply_desired
):
    """The journal tells each call twice, and holds no key and no password."""
    for desired in everything[:2]:
        apply_desired(desired)
    outcome = apply_desired(everything[2])
    entries = [json.loads(line) for line in outcome.journal.read_text().splitlines()]
    assert [entry["event"] for entry in entries] == ["before", "after"] * 8
    assert {entry["outcome"] for entry in entries if entry["event"] == "after"} == {"done"}
    assert outcome.journal.stat().st_mode & 0o777 == 0o600
    for secret in session.store.secrets():
        assert secret.reveal() not in outcome.journal.read_text()


def test_a_plan_that_has_gone_stale_is_refused(session, sandbox, everything, plan_for):
    """When the account changed since the review, nothing is applied."""
    sandbox.set_weather("calm")  # in which others' changes are seen at once
    plan = plan_for(everything[1])
    session.iam.create_group(GroupName="dev")
    with pytest.raises(StalePlan, match="Nothing was changed"):
        apply_plan(plan, session)


def test_a_plan_for_another_account_is_refused(session, everything, plan_for):
    """The account that the plan carries must be the session's."""
    plan = replace(plan_for(everything[1]), account_id="111122223333")
    with pytest.raises(GuardError, match="111122223333"):
        apply_plan(plan, session)


def test_nobody_is_removed_without_allow_destructive(session, everything, apply_desired, plan_for):
    """A plan that removes a user is refused until it is allowed, and then removes them whole."""
    for desired in everything[:3]:
        apply_desired(desired)
    leaving = Desired(absent_users=("carol",))
    with pytest.raises(UnsafePlan, match="allow_destructive"):
        apply_plan(plan_for(leaving), session)
    apply_desired(leaving, allow_destructive=True)
    assert "carol" not in read_account(session).users
    assert session.store.keys_of("carol") == ()


@pytest.mark.parametrize("action", ["CreateGroup", "PutGroupPolicy", "CreateUser"])
def test_a_reply_lost_after_the_act_is_recognised_by_reading_again(
    session, sandbox, everything, action, apply_desired, plan_for
):
    """A retry's false EntityAlreadyExists is no failure when the account shows what was wanted."""
    sandbox.set_faults([{"action": action, "kind": "drop_after", "times": 1}])
    apply_desired(everything[0])
    assert plan_for(everything[0]).changes == ()


@pytest.mark.parametrize("kind", ["drop_after", "truncate", "error_after"])
def test_a_lost_key_leaves_after_one_more_run_exactly_the_stored_key(
    session, sandbox, everything, kind, apply_desired
):
    """A key whose reply was lost is never left beside a second one."""
    sandbox.set_faults([{"action": "CreateAccessKey", "kind": kind, "times": 1}])
    with pytest.raises(PartlyApplied, match="the next run replaces it"):
        apply_desired(everything[0])
    sandbox.clear_faults()
    keys = session.iam.list_access_keys(UserName="alice")["AccessKeyMetadata"]
    assert len(keys) == 1, "the call was made once, and never repeated"
    apply_desired(everything[0])
    left = session.iam.list_access_keys(UserName="alice")["AccessKeyMetadata"]
    assert [key["AccessKeyId"] for key in left] == [session.store.keys_of("alice")[0].id]
    assert left[0]["AccessKeyId"] != keys[0]["AccessKeyId"]
    assert session.store.pending() == ()


def test_a_used_key_of_an_interrupted_run_is_left_alone(
    session, sandbox, everything, apply_desired, plan_for
):
    """A key that somebody used is not ours to delete, whatever the intent says."""
    desired = Desired(users=(DesiredUser(name="alice", access_key=True),))
    session.iam.create_user(UserName="alice")
    sandbox.set_faults([{"action": "CreateAccessKey", "kind": "drop_after", "times": 1}])
    with pytest.raises(AwsError):
        apply_desired(desired)
    sandbox.clear_faults()
    intruder = session.iam.create_access_key(UserName="alice")["AccessKey"]
    import boto3

    boto3.client(
        "sts",
        endpoint_url=sandbox.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id=intruder["AccessKeyId"],
        aws_secret_access_key=intruder["SecretAccessKey"],
    ).get_caller_identity()
    changes = plan_for(desired).changes
    assert intruder["AccessKeyId"] not in {c.arguments.get("AccessKeyId") for c in changes}


def test_one_users_failure_does_not_stop_the_others(
    session, sandbox, everything, apply_desired, plan_for, monkeypatch
):
    """What failed for one user is named, the others are made, and a re-run goes on from there."""
    for desired in everything[:2]:
        apply_desired(desired)
    monkeypatch.setattr("iamkit.aws.apply.SETTLING", 0)
    sandbox.set_faults([{"action": "CreateUser", "kind": "garbage", "times": 10}])
    outcome = apply_plan(plan_for(everything[2]), session)
    sandbox.clear_faults()
    assert {change.target for change, _ in outcome.failed} == {"user bob"}
    assert "user carol" in {change.target for change in outcome.done}
    with pytest.raises(PartlyApplied, match="user bob"):
        outcome.raise_if_incomplete()
    apply_desired(everything[2])
    assert plan_for(everything[2]).changes == ()


def test_an_outage_of_some_seconds_is_ridden_out(session, sandbox, everything, apply_desired):
    """A proxy that answers for AWS ten times in a row ends no apply."""
    sandbox.set_faults([{"action": "CreateGroup", "kind": "garbage", "times": 10}])
    apply_desired(everything[0])


def test_a_denied_call_stops_everything(session, sandbox, everything, apply_desired, plan_for):
    """AccessDenied names the missing permission, and no later call is made."""
    for desired in everything[:2]:
        apply_desired(desired)
    sandbox.set_faults([{"action": "CreateUser", "kind": "access_denied"}])
    before = len(mutating(sandbox))
    outcome = apply_plan(plan_for(everything[2]), session)
    sandbox.clear_faults()
    assert "iam:CreateUser" in outcome.failed[0][1]
    assert len(outcome.failed) == 1
    assert len(mutating(sandbox)) == before + 1
    with pytest.raises(AwsError, match="Nothing was changed"):
        outcome.raise_if_incomplete()


def test_throttling_is_survived(session, sandbox, everything, apply_desired):
    """A few throttled replies only make the apply slower."""
    sandbox.set_faults([{"action": "CreateUser", "kind": "throttle", "times": 3}])
    apply_desired(everything[0])


def test_two_applies_at_once_are_refused(session, everything, plan_for):
    """The second apply is told which process holds the lock."""
    held, leave = threading.Event(), threading.Event()

    def hold():
        with session.store.lock():
            held.set()
            leave.wait(10)

    plan = plan_for(everything[1])
    session.store.preflight()
    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(10)
    try:
        with pytest.raises(LockedError, match="process"):
            apply_plan(plan, session)
    finally:
        leave.set()
        thread.join()
