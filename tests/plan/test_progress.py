"""How far each step is, and which comes next: pure, from an account and what is wanted of it."""

from dataclasses import replace

import pytest
from accounts import NOW, READ

from iamkit.account.state import (
    AccessKey,
    AccountState,
    CallerIdentity,
    Group,
    Source,
    User,
)
from iamkit.parameters.models import NOTEBOOKS
from iamkit.plan.progress import FIRST, PLANNED, UPKEEP, judge_audit, list_steps, next_step
from iamkit.plan.wanted import desired_of

ROOT = CallerIdentity(account_id="000000000000", arn="arn:aws:iam::000000000000:root", user_id="0")
ALICE = replace(ROOT, arn="arn:aws:iam::000000000000:user/team/alice")
EMPTY = AccountState(account_id="000000000000", sources=READ, read_at=NOW)


@pytest.fixture
def wanted(guide):
    """What the guide's notebooks want."""
    return {notebook: desired_of(guide(notebook)) for notebook in PLANNED}


def with_developers(wanted, **more):
    """An account that has the developers' group, as it is wanted."""
    (group,) = wanted["03_dev_group"].groups
    there = Group(name=group.name, inline_policies=group.inline_policies)
    return replace(EMPTY, groups={group.name: there}, **more)


HERE = {"environment": "sandbox", "account_id": "000000000000"}
UPKEPT = {notebook: NOTEBOOKS[notebook](**HERE) for notebook in UPKEEP}


def steps_of(current, wanted, caller=ROOT, found=None):
    steps = list_steps(caller, current, wanted, upkeep=UPKEPT, found=found or {})
    return {step.notebook: step for step in steps}, next_step(steps)


def test_who_has_nothing_begins_at_the_first_and_reads_what_is_missing(wanted):
    """Every step is told in words, with what stands in its way."""
    steps, following = steps_of(EMPTY, wanted)
    assert list(steps) == list(NOTEBOOKS)[1:]
    assert following.notebook == FIRST
    assert "root" in steps[FIRST].said
    assert steps["03_dev_group"].said == "2 to create: group dev"
    assert steps["04_users"].said.startswith("8 to create: user bob, user carol. Group dev is not")
    assert [steps[name].state for name in PLANNED] == ["to do"] * 5


def test_the_first_that_is_not_done_is_next(wanted):
    """With the developers there, the administrators come next, and the first step is done."""
    steps, following = steps_of(with_developers(wanted), wanted, ALICE)
    assert (steps[FIRST].state, steps[FIRST].said) == ("done", "you are user team/alice")
    assert steps["03_dev_group"].state == "done"
    assert following.notebook == "02_admin_group"


def test_all_done_has_no_next(wanted):
    """An account that is as wanted, without findings."""
    desired = wanted["03_dev_group"]
    steps, following = steps_of(with_developers(wanted), dict.fromkeys(PLANNED, desired))
    assert following is None
    assert steps["06_audit_users"].said == "nothing found"


def test_a_step_that_cannot_be_told_says_why_and_the_others_are_told(wanted):
    """A mistake in the parameters, a twin in the account, a denied read: each in its own row."""
    denied = {
        name: Source(status="unknown", note=f"iam:{name}: denied")
        for name in ("ListAccountAliases", "ListAccessKeys", "GetAccountPasswordPolicy")
    }
    sources = READ | denied
    users = {"bob": User(name="bob")}
    current = replace(with_developers(wanted), sources=sources, users=users)
    current = replace(current, groups={**current.groups, "admins": Group(name="admins")})
    steps, _ = steps_of(current, wanted)
    assert "'admins'" in steps["02_admin_group"].said
    assert "Nothing was changed" not in steps["02_admin_group"].said
    assert steps["04_users"].said == "iam:ListAccessKeys: denied"
    assert steps["05_account_alias"].said == "iam:ListAccountAliases: denied"
    assert {steps[name].state for name in PLANNED if name != "03_dev_group"} == {"cannot tell"}
    assert steps["03_dev_group"].state == "done"
    wrong = wanted | {"02_admin_group": "admin_user: this is missing"}
    steps, _ = steps_of(current, wrong)
    assert steps["02_admin_group"].said == "admin_user: this is missing"


def test_an_account_that_cannot_be_read_is_said_by_every_step(wanted):
    """And the first step remains, as one knows who asks."""
    steps, following = steps_of("iam:GetAccountAuthorizationDetails: denied", wanted, ALICE)
    for name in (*PLANNED, *UPKEEP, "06_audit_users"):
        assert steps[name].state == "cannot tell"
        assert steps[name].said == "iam:GetAccountAuthorizationDetails: denied"
    assert following.notebook == FIRST


def test_a_step_whose_parameters_want_nothing_waits_for_nobody(guide, wanted):
    """No users are named, so none are missing."""
    nobody = wanted | {"04_users": desired_of(guide("04_users", users=[]))}
    steps, _ = steps_of(EMPTY, nobody)
    assert steps["04_users"].state == "as you like"


def test_a_user_with_all_that_is_wanted_is_done(guide, wanted):
    """The first admin with a key, in the group."""
    (group,), (admin,) = wanted["02_admin_group"].groups, wanted["02_admin_group"].users
    keys = {admin.name: (AccessKey(id="AKIA1", stored=True),)}
    alice = User(name=admin.name, groups=frozenset(admin.groups))
    there = Group(name=group.name, inline_policies=group.inline_policies)
    current = replace(
        EMPTY, groups={group.name: there}, users={admin.name: alice}, access_keys=keys
    )
    assert steps_of(current, wanted)[0]["02_admin_group"].state == "done"


AUDITS = [
    ({"critical": 1, "high": 0, "low": 2}, False, "to do", "1 critical, 2 low"),
    ({"medium": 1_200}, False, "done", "1,200 medium"),
    ({}, True, "cannot tell", "nothing found; not everything could be read"),
    ({"unknown": 2}, False, "cannot tell", "nothing found; 2 could not be told from here"),
    ({"high": 1}, True, "to do", "1 high; not everything could be read"),
]


@pytest.mark.parametrize(("found", "gaps", "state", "said"), AUDITS)
def test_the_audit_is_done_when_nothing_bad_was_found_in_all_of_it(found, gaps, state, said):
    """Critical and high are to do; what was not read is never taken for fine."""
    sources = READ | ({"ListAnalyzers": Source(status="unknown")} if gaps else {})
    step = judge_audit(replace(EMPTY, sources=sources), found)
    assert (step.state, step.said) == (state, said)


def test_the_table_of_notebooks_says_what_each_is_for():
    """In the order of their numbers; those that want something of the account are planned."""
    assert list(NOTEBOOKS) == sorted(NOTEBOOKS)
    assert all(model.purpose for model in NOTEBOOKS.values())
    assert " ".join(PLANNED) == (
        "02_admin_group 03_dev_group 04_users 05_account_alias 08_sign_in_rules"
    )
