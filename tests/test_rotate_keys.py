"""Access keys change, stage by stage, in the practice account."""

from datetime import UTC, datetime, timedelta

import pytest
from ways import PUBLIC_KEY

from iamkit.aws.apply import apply_plan, await_applied
from iamkit.aws.read import read_account
from iamkit.aws.rotation import read_keys, rules_of
from iamkit.aws.session import open_session
from iamkit.aws.undo import find_apply, read_undo
from iamkit.errors import StalePlan, UnsafePlan
from iamkit.plan.changes import make_plan
from iamkit.plan.consequences import say_meaning
from iamkit.plan.desired import Desired, DesiredUser
from iamkit.plan.key_rotation import want_next_steps
from iamkit.plan.rotation_stages import judge_rotations
from iamkit.plan.wanted import admin_group


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


def ready_to_go(session, sandbox, bob, judged):
    """Let bob be in the last stage: the old key off for fifteen days; the new key."""
    apply(session, judged("bob")[1])
    (new,) = keys_of(session, "bob").keys() - {bob}
    use(sandbox, bob, 20)
    use(sandbox, new, 0)
    apply(session, judged("bob")[1])
    sandbox.age(15)
    return new


def test_what_happens_between_plan_and_apply_stops_it(session, sandbox, bob, judged):
    """A key that is active again or was used since the review is not deleted by it."""
    ready_to_go(session, sandbox, bob, judged)
    desired = judged("bob")[1]
    plan = make_plan(read_account(session, desired), desired)
    assert [change.operation for change in plan.changes] == ["delete_access_key", "untag_user"]
    session.iam.update_access_key(UserName="bob", AccessKeyId=bob, Status="Active")
    with pytest.raises(StalePlan):
        apply_plan(plan, session, allow_destructive=True)
    session.iam.update_access_key(UserName="bob", AccessKeyId=bob, Status="Inactive")
    use(sandbox, bob, 0)
    with pytest.raises(StalePlan):
        apply_plan(plan, session, allow_destructive=True)
    assert keys_of(session, "bob")[bob] == "Inactive"
    assert judged("bob")[0]["bob"].stage == "to tag"


def test_a_deletion_wants_to_be_allowed(session, sandbox, bob, judged):
    """It says before that there is no way back, and a run that allows nothing changes nothing."""
    ready_to_go(session, sandbox, bob, judged)
    desired = judged("bob")[1]
    plan = make_plan(read_account(session, desired), desired)
    assert "There is no undo for this: delete access key (bob)" in " ".join(
        say_meaning(read_account(session), plan)
    )
    with pytest.raises(UnsafePlan, match="allow_destructive"):
        apply_plan(plan, session)


def test_a_key_that_went_off_comes_back(session, sandbox, bob, judged):
    """The undo of the third stage switches the key on and takes the tag away, which asks first."""
    apply(session, judged("bob")[1])
    (new,) = keys_of(session, "bob").keys() - {bob}
    use(sandbox, bob, 20)
    use(sandbox, new, 0)
    apply(session, judged("bob")[1])
    undo = read_undo(session, find_apply(session))
    assert [step.state for step in undo.steps] == ["gives access", "ready"]
    back = read_undo(session, find_apply(session), [1, 2]).plan
    apply_plan(back, session, allow_destructive=True).raise_if_incomplete()
    assert keys_of(session, "bob") == {bob: "Active", new: "Active"}
    assert tags_of(session, "bob") == {}


def test_ones_own_key_comes_last_and_the_next_session_goes_on_with_the_new(
    session, sandbox, guide, bob, judged
):
    """The key that signs is not touched; the stored new one opens the next session and ends it."""
    apply(session, admin_group(guide("02_admin_group")))
    (old,) = keys_of(session, "alice")
    sandbox.age(100)
    alice = open_session(guide("10_rotate_keys"))
    assert alice.clients.key_id == old
    _, desired = judged("alice", "bob", as_session=alice)
    assert [user.name for user in desired.users] == ["bob", "alice"]
    apply(alice, desired)
    (new,) = keys_of(session, "alice").keys() - {old}
    found, desired = judged("alice", as_session=alice, switched=[new])
    assert (found["alice"].stage, desired.users) == ("changing over", ())
    assert "signs this very session" in found["alice"].why

    following = open_session(guide("10_rotate_keys"))
    assert following.clients.key_id == new
    following.iam.get_user(UserName="alice")
    sandbox.age(14)
    following.iam.get_user(UserName="alice")
    found, desired = judged("alice", as_session=following)
    assert found["alice"].stage == "to switch off"
    apply(following, desired)
    sandbox.age(15)
    apply(following, judged("alice", as_session=following)[1], allow_destructive=True)
    assert keys_of(session, "alice") == {new: "Active"}
    assert open_session(guide("10_rotate_keys")).clients.key_id == new


def test_a_new_key_goes_where_its_owners_row_says(session, sandbox, bob, judged):
    """The hand-over of `users` holds for a rotation too; two keys of a user are two secrets."""
    rows = [{"name": "Bob", "hand_over": PUBLIC_KEY}]
    apply(session, judged("bob", users=rows)[1])
    (new,) = keys_of(session, "bob").keys() - {bob}
    (record,) = session.store.records("bob")
    assert record.key_id == new
    assert record.where.endswith(".age")
    assert [key.id for key in session.store.keys_of("bob")] == [bob]


def test_what_cannot_be_read_blocks_and_is_said(session, sandbox, bob, judged):
    """Without the last uses nothing goes off, whatever somebody says; a run tells why."""
    apply(session, judged("bob")[1])
    (new,) = keys_of(session, "bob").keys() - {bob}
    sandbox.set_faults([{"action": "GetAccessKeyLastUsed", "kind": "access_denied"}])
    found, desired = judged("bob", switched=[new])
    sandbox.clear_faults()
    assert found["bob"].stage == "blocked"
    assert "GetAccessKeyLastUsed" in desired.doubts[0]
    assert desired.users == ()
