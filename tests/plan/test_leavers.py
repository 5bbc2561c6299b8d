"""How far somebody's leaving is, told by the account as it was read."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from accounts import ACCOUNT, NOW, account_of, ago
from hypothesis import given, strategies as st

from iamkit.account.gaps import REPORT
from iamkit.account.state import AccessKey, SignInSession, Source
from iamkit.errors import InputError
from iamkit.plan.changes import make_plan
from iamkit.plan.consequences import say_meaning
from iamkit.plan.leavers import (
    DENY_POLICY,
    LEFT_TAG,
    Leaving,
    deny_all_arn,
    deny_everything,
    judge_leavers,
    spared_users,
    wanted_of,
)
from iamkit.plan.preview import account_after
from iamkit.policies import allow, policy

GRACE = 30
DENY_ALL = deny_all_arn("aws")
TODAY = NOW.date()


def day(days):
    """A day so many days before today."""
    return (NOW - timedelta(days=days)).date()


def left(days=40, **facts):
    """An account of which dave left some days ago, as stage one makes it."""
    one = {
        "name": "dave",
        "groups": ["dev"],
        "tags": {LEFT_TAG: day(days).isoformat()},
        "inline": {DENY_POLICY: deny_everything(day(days))},
        "keys": [{"id": "AKIA1", "age": 300, "used": 60, "active": False}],
        "password": {"used": 50, "changed": 200},
    }
    state = account_of({"users": [{**one, **facts}, {"name": "davina"}]})
    return replace(state, sources={**state.sources, "ListSessions": Source(status="read", at=NOW)})


def judge(state, name="dave", spared=(), **options):
    """How far dave is."""
    leaving = [Leaving(user=name, **options)]
    (one,) = judge_leavers(state, leaving, GRACE, dict(spared))
    return one


def report(state, **facts):
    """The account with another row of dave in the credential report."""
    row = replace(state.report["dave"], **facts)
    return replace(state, report={**state.report, "dave": row})


def source(state, name, **facts):
    """The account with another word on how something was read."""
    return replace(state, sources={**state.sources, name: Source(**facts)})


def with_user(state, **facts):
    """The account with dave otherwise."""
    return replace(state, users={**state.users, "dave": replace(state.users["dave"], **facts)})


def test_who_left_long_ago_and_used_nothing_since_is_deleted():
    """The boundary that denies comes first, the user last."""
    one = judge(left())
    assert (one.stage, one.left) == ("is deleted", day(40))
    state = left()
    known = dict.fromkeys(
        ("ListMFADevices", "GetLoginProfile", "ListSSHPublicKeys"), Source(status="read")
    )
    state = replace(state, sources={**state.sources, **known})
    changes = make_plan(state, wanted_of([one])).changes
    assert changes[0].operation == "put_user_permissions_boundary"
    assert changes[0].arguments["PermissionsBoundary"] == DENY_ALL
    assert changes[-1].operation == "delete_user"
    assert {change.origin for change in changes} == {"leavers"}


def test_until_the_last_day_of_grace_nothing_is_done():
    """And on the day after the last one it is."""
    assert judge(left(GRACE - 1)).stage == "has left"
    assert "in 1 day." in judge(left(GRACE - 1)).said
    assert judge(left(GRACE)).stage == "is deleted"


FORGED = {
    "no deny": {"inline": {}},
    "a policy of that name that does not deny": {"inline": {DENY_POLICY: policy(allow("s3:*"))}},
    "a deny under a condition": {
        "inline": {
            DENY_POLICY: {
                "Statement": {
                    "Effect": "Deny",
                    "Action": "*",
                    "Resource": "*",
                    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                }
            }
        }
    },
    "a deny of one thing": {
        "inline": {
            DENY_POLICY: {"Statement": {"Effect": "Deny", "Action": "s3:*", "Resource": "*"}}
        }
    },
    "a key that works": {"keys": [{"id": "AKIA1", "age": 300, "used": 60}]},
    "nothing at all but the tag": {"inline": {}, "keys": [], "groups": []},
}


@pytest.mark.parametrize("facts", FORGED.values(), ids=FORGED)
def test_a_tag_alone_deletes_nobody(facts):
    """Whoever may tag could have set it: stage one begins anew, with today's day."""
    one = judge(left(4_000, **facts))
    assert one.stage == "leaves now"
    assert one.desired.tags == {LEFT_TAG: TODAY.isoformat()}
    assert wanted_of([one]).absent_users == ()


def test_a_day_that_was_put_back_in_the_tag_does_not_hasten_it():
    """The deny says the day too, and the tag is put right."""
    early = left(2, tags={LEFT_TAG: day(4_000).isoformat()})
    one = judge(early)
    assert (one.stage, one.left) == ("has left", day(2))
    (change,) = make_plan(early, wanted_of([one])).changes
    assert change.arguments["Tags"] == [{"Key": LEFT_TAG, "Value": day(2).isoformat()}]


TAGS = {"none": {}, "no day": {LEFT_TAG: "yesterday"}, "no such day": {LEFT_TAG: "2026-02-30"}}


@pytest.mark.parametrize("tags", TAGS.values(), ids=TAGS)
def test_without_the_tag_nobody_is_deleted(tags):
    """However old the deny is."""
    assert judge(left(400, tags=tags)).stage == "leaves now"


def test_a_day_to_come_deletes_nobody():
    """Whatever clock wrote it."""
    assert judge(left(-3)).stage == "has left"


def moved(**facts):
    return lambda state: report(state, **facts)


SINCE = {
    "the password was used": moved(password_last_used=ago(5)),
    "the password was changed": moved(password_last_changed=ago(5)),
    "a key was used": lambda s: report(
        s, keys=(replace(s.report["dave"].keys[0], last_used=ago(5)), None)
    ),
    "ListUsers knows of a use": lambda s: with_user(s, password_last_used=ago(5)),
    "a key was made": lambda s: replace(
        s, access_keys={"dave": (AccessKey(id="AKIA9", status="Inactive", created=ago(5)),)}
    ),
    "no report": lambda s: source(s, REPORT, status="unknown", note="denied"),
    "a report that nobody asked for": lambda s: source(s, REPORT, status="not read"),
    "a report from before": lambda s: source(s, REPORT, status="read", at=ago(41)),
    "no row in the report": lambda s: replace(s, report={}),
    "a row of another user of that name": moved(created=ago(1_000)),
    "a row that does not say of the password": moved(password_enabled=None),
    "a key that the report does not know": moved(keys=(None, None)),
}


@pytest.mark.parametrize("since", SINCE.values(), ids=SINCE)
def test_activity_since_blocks_and_so_does_what_cannot_be_told(since):
    """The reason is told, and stage one stays."""
    state = since(left())
    one = judge(state)
    assert (one.stage, one.doubt) == ("has left", True)
    plan = make_plan(state, wanted_of([one]))
    assert plan.desired.absent_users == ()
    assert any("is not deleted" in doubt for doubt in plan.doubts)


def test_what_was_used_on_the_last_day_is_no_activity_since():
    """Who leaves in the evening has worked in the morning."""
    at = datetime.combine(day(40), datetime.max.time(), UTC)
    assert judge(report(left(), password_last_used=at)).stage == "is deleted"


def test_unread_keys_block():
    """Of keys that nobody listed it cannot be told that they are off."""
    one = judge(source(left(), "ListAccessKeys", status="unknown", note="denied"))
    assert (one.stage, one.doubt, one.desired) == ("blocked", True, None)


def test_stage_one_is_whole_and_not_destructive():
    """The deny, the tag, the keys and the sessions; the password only if that is said."""
    session = SignInSession(arn=f"arn:aws:signin:us-east-1:{ACCOUNT}:session/1")
    here = {"tags": {}, "inline": {}, "keys": [{"id": "AKIA1", "age": 9, "used": 1}]}
    state = replace(left(**here), sign_in_sessions={"dave": (session,)})
    plan = make_plan(state, wanted_of([judge(state)]))
    operations = [change.operation for change in plan.changes]
    assert operations == [
        "tag_user",
        "put_user_policy",
        "update_access_key",
        "batch_revoke_sessions",
    ]
    assert plan.destructive == ()
    said = say_meaning(state, plan)
    assert said[0] == "dave will be able to do nothing at all: everything is denied."
    assert said[1] == "Sessions of aws login of dave end."
    after = account_after(state, plan.changes)
    assert judge(after).stage == "has left"
    assert make_plan(after, wanted_of([judge(after)])).changes == ()
    whole = judge(state, delete_password=True)
    assert whole.desired.absent.password


LONG = {"long": policy(allow(*(f"s3:GetObject{n:04}" for n in range(110))))}


def test_where_the_inline_policies_are_full_awss_own_deny_is_attached():
    """And where that has no room either, it is said and nothing done."""
    full = left(tags={}, inline=LONG)
    assert judge(full).desired.attached_policies == (DENY_ALL,)
    stopped = account_after(full, make_plan(full, wanted_of([judge(full)])).changes)
    assert judge(stopped).stage == "has left"
    ten = [f"arn:aws:iam::aws:policy/p{n}" for n in range(10)]
    blocked = judge(left(tags={}, inline=LONG, attached=ten))
    assert (blocked.stage, blocked.doubt) == ("blocked", True)
    assert "no room" in blocked.said


def test_a_deletion_that_was_cut_off_goes_on():
    """The boundary denies when the inline deny is gone already."""
    rest = left(inline={}, keys=[], groups=[], boundary=DENY_ALL)
    assert judge(rest).stage == "is deleted"


def test_neither_the_caller_nor_run_as_leaves():
    """However their names are written."""
    spared = spared_users("Dave", "alice")
    assert judge(left(), spared=spared).stage == "blocked"
    assert "you are this user" in judge(left(), spared=spared).said


def test_a_name_that_is_not_there_is_done_unless_it_may_be_a_slip():
    """IAM ignores case; a near name is a doubt."""
    assert judge(left(), "zoe").doubt is False
    slip = judge(left(), "davee")
    assert (slip.stage, slip.doubt) == ("is not there", True)
    assert judge(left(), "DAVE").user == "dave"


def test_an_account_of_no_day_judges_nobody():
    """A state that does not say when it was read."""
    with pytest.raises(InputError, match="when it was read"):
        judge(replace(left(), read_at=None))


def test_the_tag_in_another_case_is_the_tag():
    """IAM ignores the case of the keys of a user's tags."""
    state = left(3, tags={"iamkit:Left": day(40).isoformat()})
    one = judge(state)
    assert one.stage == "has left"
    (change,) = make_plan(state, wanted_of([one])).changes
    assert change.arguments["Tags"] == [{"Key": "iamkit:Left", "Value": day(3).isoformat()}]


def test_fifty_tags_block():
    """The day has no room."""
    assert judge(left(tags={f"t{n}": "x" for n in range(50)})).stage == "blocked"


FACTS = {
    "tags": st.sampled_from([{}, {LEFT_TAG: day(400).isoformat()}, {LEFT_TAG: day(3).isoformat()}]),
    "inline": st.sampled_from(
        [{}, {DENY_POLICY: deny_everything(day(400))}, {DENY_POLICY: deny_everything(day(3))}]
    ),
    "attached": st.sampled_from([[], [DENY_ALL]]),
    "keys": st.sampled_from(
        [[], [{"id": "AKIA1", "age": 900, "used": 500, "active": False}], [{"id": "A", "age": 9}]]
    ),
    "password": st.sampled_from([None, {"used": 500, "changed": 600}, {"used": 1, "changed": 600}]),
}


@given(st.fixed_dictionaries(FACTS))
def test_whoever_is_deleted_is_denied_everything_has_no_key_and_was_silent(facts):
    """In whatever order an account came to be as it is; and stage one is whole after one plan."""
    state = left(**facts)
    one = judge(state)
    if one.stage == "is deleted":
        denied = DENY_POLICY in facts["inline"] or facts["attached"]
        assert denied
        assert facts["tags"] == {LEFT_TAG: day(400).isoformat()}
        assert facts["inline"].get(DENY_POLICY) != deny_everything(day(3))
        assert not any(key.get("active", True) for key in facts["keys"])
        assert not (facts["password"] or {}).get("used", 500) < 400
        return
    after = account_after(state, make_plan(state, wanted_of([one])).changes)
    assert judge(after).stage in ("has left", "is deleted")
    assert one.stage == "leaves now" or judge(after).left == one.left


def test_a_day_that_is_still_to_come_is_said():
    """Nobody waits in silence for a deletion that somebody put off by a tag."""
    one = judge(left(tags={LEFT_TAG: day(-400).isoformat()}))
    assert (one.stage, one.doubt) == ("has left", True)
    assert f"{day(-400)} that their tag or deny names is still to come" in one.said


def test_a_stale_report_tells_of_no_silence():
    """A report of days ago does not know what was used since, though it is younger than the tag."""
    one = judge(source(left(), REPORT, status="read", at=NOW - timedelta(hours=25)))
    assert (one.stage, one.doubt) == ("has left", True)
    assert "the credential report is stale" in one.said
    assert judge(source(left(), REPORT, status="read", at=NOW)).stage == "is deleted"


def test_the_first_stage_says_what_does_not_come_back():
    """A password, and sessions; of sessions that were not read, that they cannot be told."""
    state = account_of({"users": [{"name": "dave"}]})
    read = source(state, "ListSessions", status="read", at=NOW)
    assert judge(read).said.endswith("; all of it can be taken back.")
    told = judge(read, delete_password=True).said
    assert told.endswith("; all of it but the password can be taken back.")
    sessions = {"dave": (SignInSession(arn="arn:aws:signin:x"),)}
    both = judge(replace(read, sign_in_sessions=sessions), delete_password=True).said
    assert "all of it but the password and the sessions of aws login can be taken back" in both
    unread = source(state, "ListSessions", status="unknown", note="iam:ListSessions was denied.")
    assert (
        "sessions of aws login cannot be told: iam:ListSessions was denied." in judge(unread).said
    )
