"""Access keys change, stage by stage, in the practice account."""

from datetime import UTC, datetime, timedelta

import pytest

from iamkit.aws.apply import apply_plan, await_applied
from iamkit.aws.read import read_account
from iamkit.aws.rotation import read_keys, rules_of
from iamkit.plan.changes import make_plan
from iamkit.plan.desired import Desired, DesiredUser
from iamkit.plan.key_rotation import want_next_steps
from iamkit.plan.rotation_stages import judge_rotations


def keys_of(session, user):
    """The status of each key of a user, by its id."""
    listed = session.iam.list_access_keys(UserName=user)["AccessKeyMetadata"]
    return {key["AccessKeyId"]: key["Status"] for key in listed}


def tags_of(session, user):
    """The tags of a user."""
    return {t["Key"]: t["Value"] for t in session.iam.list_user_tags(UserName=user)["Tags"]}


def apply(session, desired, **options):
    """Plan and apply a desired state, wholly or not at all."""
    plan = make_plan(read_account(session, desired), desired)
    outcome = apply_plan(plan, session, **options)
    outcome.raise_if_incomplete()
    assert await_applied(plan, session).changes == ()
    return outcome


@pytest.fixture
def judged(session, guide):
    """How far each user is, and what the next steps of those who are named want."""

    def judge(*named, as_session=None, **overrides):
        who = as_session or session
        parameters = guide("10_rotate_keys", rotate=list(named), run_as="", **overrides)
        state = read_keys(who, parameters)
        found = judge_rotations(state, rules_of(who, parameters, state))
        return {one.user: one for one in found}, want_next_steps(state, found, named)

    return judge


@pytest.fixture
def bob(session, sandbox, monkeypatch):
    """Bob, with a key of a hundred days that is used for s3; its id."""
    monkeypatch.setattr("iamkit.aws.hand_over.SETTLING", 2.0)
    apply(session, Desired(users=(DesiredUser(name="bob", access_key=True),)))
    sandbox.age(100)
    (key,) = keys_of(session, "bob")
    use(sandbox, key, 1)
    return key


def use(sandbox, key, days, service="s3"):
    """Let a key have been used so many days ago."""
    at = datetime.now(UTC) - timedelta(days=days)
    sandbox.set_key_last_used(key, at, service, "eu-central-1")


def test_a_key_goes_through_its_four_stages(session, sandbox, bob, judged):
    """Made, changed over, off, gone: each is a plan of its own, and comes in its time."""
    found, desired = judged("bob")
    assert found["bob"].stage == "to make"
    apply(session, desired)
    (new,) = keys_of(session, "bob").keys() - {bob}
    assert session.store.keys_of("bob")[0].id == new

    found, desired = judged("bob")
    assert (found["bob"].stage, found["bob"].old.id) == ("changing over", bob)
    assert desired.users == ()
    assert "s3 in eu-central-1" in desired.notes[0]
    use(sandbox, new, 0)
    assert judged("bob")[0]["bob"].stage == "changing over"  # the old one was used yesterday

    sandbox.age(14)
    use(sandbox, new, 0)
    found, desired = judged("bob")
    assert found["bob"].stage == "to switch off"
    apply(session, desired)
    assert keys_of(session, "bob") == {bob: "Inactive", new: "Active"}
    tag = f"iamkit:key-off:{bob}"
    assert tags_of(session, "bob") == {tag: datetime.now(UTC).date().isoformat()}
    assert judged("bob")[0]["bob"].stage == "off"

    sandbox.age(15)
    found, desired = judged("bob")
    assert found["bob"].stage == "to delete"
    apply(session, desired, allow_destructive=True)
    assert keys_of(session, "bob") == {new: "Active"}
    assert tags_of(session, "bob") == {}
    assert judged("bob")[0]["bob"].stage == "not due"
