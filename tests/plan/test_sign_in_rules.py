"""MFA demanded of a group's members: refused while it stops somebody who is not named."""

from dataclasses import replace

import pytest
from accounts import READ

from iamkit.account.state import (
    AccessKey,
    AccountState,
    Group,
    LoginProfile,
    MfaDevice,
    Source,
    User,
)
from iamkit.parameters.sign_in_rules import SignInRulesParameters
from iamkit.plan.changes import make_plan
from iamkit.plan.consequences import say_meaning
from iamkit.plan.lockout import Caller, find_lockout
from iamkit.plan.preview import account_after
from iamkit.plan.wanted import sign_in_rules

LOOK = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "ec2:Describe*", "Resource": "*"}],
}
ALL = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}
KEY, OFF = AccessKey(id="AKIA1"), AccessKey(id="AKIA2", status="Inactive")
PHONE = MfaDevice(serial="arn:aws:iam::000000000000:mfa/phone")
PROFILE = LoginProfile(reset_required=True)
PEOPLE = {
    "ann": (PROFILE, [PHONE], []),
    "ben": (PROFILE, [], []),
    "cyd": (PROFILE, [PHONE], [KEY]),
    "deploy": (None, [], [KEY]),
    "eve": (PROFILE, [PHONE], [OFF]),
}
"""By name: the password, the devices, the keys."""


def account(*names, policy=LOOK):
    """These people in the group dev, and zoe, who has nothing, outside of it."""
    return AccountState(
        account_id="000000000000",
        sources=READ,
        groups={"dev": Group(name="dev", inline_policies={"look": policy})},
        users={n: User(name=n, groups=frozenset({"dev"})) for n in names}
        | {"zoe": User(name="zoe")},
        login_profiles={n: PEOPLE[n][0] for n in names},
        mfa_devices={n: tuple(PEOPLE[n][1]) for n in names},
        access_keys={n: tuple(PEOPLE[n][2]) for n in names},
    )


def wanted(mfa="demanded", **more):
    given = {"environment": "sandbox", "account_id": "000000000000", "mfa": mfa, **more}
    given.setdefault("self_management_group", "dev")
    return sign_in_rules(SignInRulesParameters.model_validate(given))


STOPPED = {
    ("ann",): [],
    ("ben",): ["ben has no MFA device"],
    ("cyd",): ["cyd works with access key AKIA1"],
    ("deploy",): ["deploy works with access key AKIA1"],
    ("eve",): [],
    ("ann", "ben", "cyd", "eve"): ["ben has no MFA device", "cyd works with access key AKIA1"],
}


@pytest.mark.parametrize(("names", "said"), STOPPED.items(), ids=map("-".join, STOPPED))
def test_it_is_refused_while_it_stops_a_member(names, said):
    """Who has no device, or a key that works, is named with why; who is no member counts not."""
    plan = make_plan(account(*names), wanted())
    told = [blocker.partition(". ")[0] for blocker in plan.blockers]
    assert told == [f"MFA cannot be demanded yet: {one}" for one in said]


def test_offered_refuses_nobody_and_takes_nothing_away():
    """What the members could do they still can."""
    state = account(*PEOPLE)
    plan = make_plan(state, wanted("offered"))
    assert plan.blockers == ()
    assert not any("no longer" in one for one in say_meaning(state, plan))


def test_each_who_is_meant_must_be_named():
    """All but one is not enough; a name in another case is the same."""
    state = account(*PEOPLE)
    some = make_plan(state, wanted(demanded_despite=["BEN", "cyd"]))
    (blocker,) = some.blockers
    assert "deploy" in blocker
    all_of_them = make_plan(state, wanted(demanded_despite=["ben", "cyd", "deploy"]))
    assert all_of_them.blockers == ()


@pytest.mark.parametrize("operation", ["ListMFADevices", "ListAccessKeys", "GetLoginProfile"])
def test_what_was_not_read_of_a_member_blocks(operation):
    """Nobody is taken for having a device, or no key, because a call failed."""
    state = account("ann")
    lost = Source(status="read", note=f"iam:{operation}: denied", missing=frozenset({"ann"}))
    plan = make_plan(replace(state, sources={**state.sources, operation: lost}), wanted())
    assert plan.blockers == (f"iam:{operation}: denied",)


def test_programs_and_people_are_told_what_they_lose():
    """What a program could do and will not, what a key is still good for, how far people get."""
    state = account(*PEOPLE)
    plan = make_plan(state, wanted(demanded_despite=["ben", "cyd", "deploy"]))
    said = say_meaning(state, plan)
    (program,) = [one for one in said if one.startswith("deploy can show no MFA")]
    assert "no longer be able to see most of Amazon EC2" in program
    assert any(one.startswith("The access keys of cyd will open nothing without") for one in said)
    assert any("no longer be able to, or less far: see most of Amazon EC2" in one for one in said)
    assert any("enrol MFA and begin to work" in one and "ben" in one for one in said)


def test_once_demanded_a_run_again_asks_nothing():
    """The plan is empty then, and a member who came since is judged where they come."""
    despite = wanted(demanded_despite=["ben", "cyd", "deploy"])
    state = account(*PEOPLE)
    after = account_after(state, make_plan(state, despite).changes)
    again = make_plan(after, wanted())
    assert (again.changes, again.blockers) == ((), ())


def test_the_caller_counts_too():
    """Who has only a plain key is named by the plan, and by the guard against locking out."""
    state = account("deploy", policy=ALL)
    assert "deploy" in make_plan(state, wanted()).blockers[0]
    plan = make_plan(state, wanted(demanded_despite=["deploy"]))
    found = find_lockout(state, plan.changes, Caller("deploy", KEY.id))
    assert any("You, deploy, would no longer surely be allowed" in one for one in found)


def test_names_without_a_demand_are_a_mistake():
    """Nobody is stopped while MFA is offered."""
    with pytest.raises(ValueError, match="nobody is stopped while MFA is offered"):
        wanted("offered", demanded_despite=["ben"])


def test_a_group_that_is_not_there_is_not_made():
    """A slip of the pen makes no group without members."""
    plan = make_plan(account("ann"), wanted(self_management_group="dve"))
    assert plan.changes == ()
    assert "dve" in plan.blockers[0]
