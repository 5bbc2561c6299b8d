"""New rules for passwords: whom they touch, when that is a loss, and what is said of it."""

from dataclasses import replace

import pytest
from accounts import account_of, ago

from iamkit.account.gaps import REPORT
from iamkit.account.state import PasswordPolicy
from iamkit.audit.remedies import PASSWORD_RULES, Case
from iamkit.errors import UnsafePlan
from iamkit.parameters.thresholds import Thresholds
from iamkit.plan.changes import make_plan
from iamkit.plan.consequences import say_meaning
from iamkit.plan.desired import Desired
from iamkit.plan.password_rules import whom_rules_touch
from iamkit.plan.preview import account_after

PEOPLE = [
    {"name": "ann", "password": {"changed": 400}},
    {"name": "ben", "password": {"changed": 10}},
    {"name": "cyd", "password": {}},
    {"name": "dan"},
    {"name": "eve", "created": 0, "in_report": False},
    {"name": "fay", "created": 400, "in_report": False},
]
"""An old password, a new one, one of unknown age, none; a new user, and one the report forgot."""


def account(rules=None, people=PEOPLE):
    return account_of({"users": people} | ({"rules": rules} if rules else {}))


CASES = {
    "an age where there was none": (None, {"max_age": 90}, "ann", "", "", "cyd fay"),
    "an age above every password's": (None, {"max_age": 1000}, "", "", "", "cyd fay"),
    "a shorter age": ({"max_age": 1000}, {"max_age": 90}, "ann", "", "", "cyd fay"),
    "a longer age": ({"max_age": 30}, {"max_age": 1000}, "", "", "", ""),
    "the same age": ({"max_age": 30}, {"max_age": 30}, "", "", "", ""),
    "who has expired already is not new": ({"max_age": 90}, {"max_age": 60}, "", "", "", "cyd fay"),
    "locked out by both": (None, {"max_age": 90, "hard_expiry": True}, "", "ann", "ben", "cyd fay"),
    "who had expired softly is locked out": (
        {"max_age": 90},
        {"max_age": 90, "hard_expiry": True},
        "",
        "ann",
        "ben",
        "cyd fay",
    ),
    "who was locked out already": (
        {"max_age": 90, "hard_expiry": True},
        {"max_age": 60, "hard_expiry": True},
        "",
        "",
        "ben",
        "cyd fay",
    ),
    "no age, so nobody": (None, {"hard_expiry": True}, "", "", "", ""),
    "no longer locked out": (
        {"max_age": 90, "hard_expiry": True},
        {"max_age": 90, "hard_expiry": False},
        "",
        "",
        "",
        "",
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_whom_an_age_touches(case):
    """By the day of the last change; what the report does not tell of somebody cannot be told."""
    before, after, expiring, locked_out, later, untold = case
    old = PasswordPolicy(**before) if before else None
    touched = whom_rules_touch(account(), old, PasswordPolicy(**after))
    assert touched.expiring == tuple(expiring.split())
    assert touched.locked_out == tuple(locked_out.split())
    assert tuple(name for name, _ in touched.later) == tuple(later.split())
    assert touched.untold == tuple(untold.split())


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_what_touches_somebody_is_a_loss_that_names_everyone(case):
    """Destructive with all names, in the plan and in its meaning; else it needs no consent."""
    before, after, *touched = case
    plan = make_plan(account(before), Desired(password_policy=after))
    names = {name for names in touched for name in names.split()}
    assert bool(plan.destructive) == bool(names)
    said = " ".join(say_meaning(plan.current, plan))
    if names:
        with pytest.raises(UnsafePlan, match="allow_destructive"):
            plan.raise_if_unsafe()
    assert all(name in said for name in names)


def test_locking_out_is_a_loss_even_while_nobody_has_a_password():
    """Whoever gets one later is touched."""
    plan = make_plan(
        account(people=[]), Desired(password_policy={"max_age": 90, "hard_expiry": True})
    )
    assert plan.destructive


def test_nobody_who_is_touched_is_counted_instead_of_named():
    """However many they are."""
    many = [{"name": f"user{n:03}", "password": {"changed": 400}} for n in range(60)]
    plan = make_plan(account(people=many), Desired(password_policy={"max_age": 90}))
    said = " ".join(say_meaning(plan.current, plan))
    (change,) = plan.changes
    for one in many:
        assert one["name"] in said
        assert one["name"] in change.reason


def test_an_age_wants_the_credential_report_and_other_rules_do_not():
    """Unread, the one is blocked without a change, and the others are planned."""
    state = account()
    unread = replace(
        state, sources={n: s for n, s in state.sources.items() if n != REPORT}, report={}
    )
    aged = make_plan(unread, Desired(password_policy={"max_age": 90}))
    assert (aged.changes, bool(aged.blockers)) == ((), True)
    plain = make_plan(unread, Desired(password_policy={"minimum_length": 14}))
    assert (len(plain.changes), plain.blockers) == (1, ())


def test_the_policy_is_carried_whole():
    """AWS replaces all rules at once: what is not named stays, and what was never set too."""
    before = {"minimum_length": 20, "symbols": True, "max_age": 90, "users_may_change": True}
    plan = make_plan(account(before), Desired(password_policy={"reuse_prevention": 24}))
    after = account_after(plan.current, plan.changes).password_policy
    assert after == PasswordPolicy(**before, reuse_prevention=24)
    assert not plan.destructive


def test_length_and_letters_hold_from_the_next_change_on():
    """A shorter password that is there stays valid, and whose it may be is named."""
    plan = make_plan(account(), Desired(password_policy={"minimum_length": 14, "symbols": True}))
    (sentence,) = say_meaning(plan.current, plan)
    assert "at least 14 characters (now 8), symbols wanted" in sentence
    assert "The passwords of ann, ben and cyd that are there stay valid" in sentence


def test_who_may_no_longer_change_the_own_password_is_told():
    """It ends in a dead end for who must change a first one."""
    before = {"users_may_change": True}
    plan = make_plan(account(before), Desired(password_policy={"users_may_change": False}))
    (sentence,) = say_meaning(plan.current, plan)
    assert "ann, ben and cyd" in sentence
    assert "iam:ChangePassword" in sentence


def test_the_audits_remedy_says_the_same():
    """A mend of a rule for passwords tells whom it touches, as the rules themselves do."""
    mend = PASSWORD_RULES.wanted(Case(row={}, state=account(), thresholds=Thresholds()))
    plan = make_plan(account(), mend)
    (sentence,) = say_meaning(plan.current, plan)
    assert "none of the last 24 passwords" in sentence


def test_the_reports_day_is_told():
    """It may be some hours old, and a password that was changed since is not in it."""
    state = account(people=[{"name": "ann", "password": {"changed": 400}}])
    plan = make_plan(state, Desired(password_policy={"max_age": 90}))
    said = " ".join(say_meaning(state, plan))
    assert f"by the credential report of {ago(0):%Y-%m-%d %H:%M} UTC" in said
