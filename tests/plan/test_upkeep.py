"""Whose key is due, and who leaves, as the start page says it: pure, from bulk reads."""

from dataclasses import replace

import pytest
from accounts import NOW, READ, ago

from iamkit.account.state import AccountState, ReportedKey, ReportRow, Source, User
from iamkit.parameters.models import LeaversParameters, RotateKeysParameters
from iamkit.plan.leavers import DENY_POLICY, deny_everything
from iamkit.plan.progress import judge_upkeep
from iamkit.plan.upkeep import say_keys, say_leavers

HERE = {"environment": "sandbox", "account_id": "000000000000"}
EMPTY = AccountState(account_id="000000000000", read_at=NOW, sources=READ)


def keys_of(**ages):
    """An account with users whose active keys are so many days old; None for an unknown age."""
    return replace(
        EMPTY,
        users={name: User(name=name, created=ago(900)) for name in ages},
        report={
            name: row(name, ReportedKey(active=True, last_rotated=ago(age)))
            for name, age in ages.items()
        },
    )


def row(name, *keys):
    return ReportRow(
        user=name,
        arn="",
        created=ago(900),
        password_enabled=False,
        password_last_used=None,
        password_last_changed=None,
        password_next_rotation=None,
        mfa_active=False,
        keys=(*keys, None, None)[:2],
        certificates=(None, None),
    )


def rotation(**more):
    return RotateKeysParameters(**HERE, **more)


def test_keys_that_are_due_are_counted_and_named():
    """Older than the days by full days; an inactive key is not due, and what waits is said."""
    account = keys_of(bob=91, carol=90, zoe=400)
    zed = User(name="zed", created=ago(900), tags={"IAMKit:key-off:AKIA1": "2026-11-20"})
    inactive = row("zed", ReportedKey(active=False, last_rotated=ago(900)))
    account = replace(
        account, users={**account.users, "zed": zed}, report={**account.report, "zed": inactive}
    )
    is_due, said = say_keys(account, rotation())
    assert is_due
    assert said == (
        "2 users with a key older than 90 days: bob, zoe; "
        "1 user with a key that was switched off: zed"
    )
    assert say_keys(keys_of(bob=3), rotation()) == (False, "no active key is older than 90 days")


def test_an_exemption_counts_up_to_its_last_day():
    """And the thresholds of the parameters do."""
    for until, due in ((NOW, False), (ago(1), True)):
        row = {"user": "BOB", "reason": "a device", "until": f"{until:%Y-%m-%d}"}
        assert say_keys(keys_of(bob=91), rotation(exempt=[row]))[0] is due
    assert say_keys(keys_of(bob=91), rotation(thresholds={"rotation_days": 365}))[0] is False


def test_what_was_not_read_is_never_fine():
    """No report, no age of a key, nobody's row; who is younger than the days has no older key."""
    unread = replace(
        EMPTY, sources={"GetCredentialReport": Source(status="unknown", note="denied")}
    )
    assert say_keys(unread, rotation()) == (None, "denied")
    assert say_keys(keys_of(bob=None), rotation()) == (
        None,
        "1 user of whom it cannot be told: bob",
    )
    for age, told in ((900, None), (30, False)):
        new = replace(EMPTY, users={"new": User(name="new", created=ago(age))})
        assert say_keys(new, rotation())[0] is told


def left(**days):
    """An account with users who left so many days ago, by tag and deny; None for who did not."""
    tags = {n: {} if d is None else {"iamkit:LEFT": f"{ago(d):%Y-%m-%d}"} for n, d in days.items()}
    deny = {DENY_POLICY: deny_everything(NOW.date())}
    users = {n: User(name=n, tags=t, inline_policies=deny if t else {}) for n, t in tags.items()}
    return replace(EMPTY, users=users)


def leaving(*names):
    return LeaversParameters(**HERE, leavers=[{"user": name} for name in names])


def test_who_leaves_is_told_by_stage():
    """Named and not stopped, stopped and over, stopped and waiting; who is gone is not said."""
    account = left(bob=None, carol=30, dave=29, eve=None)
    is_due, said = say_leavers(account, leaving("BOB", "gone"))
    assert is_due
    assert said == (
        "1 user to be stopped: bob; 1 user stopped, whose days of grace are over: carol; "
        "1 user stopped, with days of grace left: dave (1 more)"
    )
    assert say_leavers(left(dave=2), leaving("dave"))[0] is False
    assert say_leavers(left(eve=None), leaving()) == (False, "nobody is leaving")


def test_a_tag_that_says_no_day_is_no_leaver():
    """Whoever may tag could write anything."""
    account = replace(EMPTY, users={"eve": User(name="eve", tags={"iamkit:left": "<b>soon</b>"})})
    assert say_leavers(account, leaving()) == (False, "nobody is leaving")


def test_a_tag_alone_stops_nobody():
    """Who is named is still to be stopped, though somebody wrote the tag already."""
    dave = left(dave=2).users["dave"]
    account = replace(EMPTY, users={"dave": replace(dave, inline_policies={})})
    assert say_leavers(account, leaving("dave")) == (True, "1 user to be stopped: dave")
    assert say_leavers(account, leaving()) == (False, "nobody is leaving")


@pytest.mark.parametrize("book", ["10_rotate_keys", "11_leavers"])
def test_what_is_wrong_with_the_parameters_is_said(book):
    """In the step's own row."""
    step = judge_upkeep(book, EMPTY, "key_grace_days: not 0")
    assert (step.state, step.said) == ("cannot tell", "key_grace_days: not 0")
