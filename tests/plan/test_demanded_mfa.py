"""Whom it would stop that MFA is demanded: named, and in the way until each is named."""

from dataclasses import replace

import pytest
from accounts import account_of
from first_minutes_cases import OF_SOURCE, OF_USERS, document, unread
from hypothesis import given, settings, strategies as st
from samples import scaled

from iamkit.account.state import AccessKey, LoginProfile, MfaDevice, Source
from iamkit.plan.changes import make_plan
from iamkit.plan.demanded_mfa import judge_demand
from iamkit.plan.desired import Desired, DesiredGroup, DesiredUser
from iamkit.plan.preview import account_after

PEOPLE = {
    "ann": {"password", "mfa"},
    "bob": {"password"},
    "cyd": {"password", "mfa", "key"},
    "robot": {"key"},
    "old": set(),
}
ELSEWHERE = {"zoe": {"password", "key"}}


def team(*policies):
    """The team, with a person of each kind, and somebody who is not in it."""
    everyone = {**PEOPLE, **ELSEWHERE}
    state = account_of(
        {
            "users": [
                {"name": name, "groups": ["team"] if name in PEOPLE else ["other"]}
                for name in everyone
            ],
            "groups": [{"name": "team", "inline": {name: document(name) for name in policies}}],
            "sources": {"GetCredentialReport": "not read"},
        }
    )
    return replace(
        state,
        login_profiles={
            name: LoginProfile(reset_required=False) if "password" in has else None
            for name, has in everyone.items()
        },
        mfa_devices={
            name: (MfaDevice(serial=f"arn:aws:iam::111122223333:mfa/{name}"),)
            for name, has in everyone.items()
            if "mfa" in has
        },
        access_keys={
            name: (AccessKey(id=f"AKIA{name.upper()}"),)
            for name, has in everyone.items()
            if "key" in has
        },
        sources={**state.sources, **{name: Source(status="read") for name in OF_USERS}},
    )


def demand(state, despite=(), caller="", policy="demanded"):
    wanted = DesiredGroup(name="team", make=False, inline_policies={policy: document(policy)})
    changes = make_plan(state, Desired(groups=(wanted,))).changes
    return judge_demand(state, account_after(state, changes), despite, caller)


def test_who_has_no_device_or_works_with_a_key_is_in_the_way():
    """Each is named with the reason, and who has a device and no key is not."""
    found = demand(team("look", "offered"))
    assert {one.user: one.reasons for one in found.concerned} == {
        "bob": ("has no MFA device",),
        "cyd": ("works with access key AKIACYD",),
        "robot": ("works with access key AKIAROBOT",),
    }
    assert [said.split()[5] for said in found.blockers] == ["bob", "cyd", "robot"]


def test_who_is_named_is_not_in_the_way():
    """The names are taken one by one, in whichever letters."""
    assert len(demand(team("look"), ["BOB", "cyd"]).blockers) == 1
    assert demand(team("look"), ["bob", "cyd", "robot"]).blockers == ()
    assert len(demand(team("look"), ["ann", "*"]).blockers) == 3


def test_a_robot_is_named_with_what_it_would_lose():
    """A program can show no MFA, so that what it does today ends."""
    found = demand(team("look"))
    (said,) = (one for one in found.sentences if one.startswith("robot"))
    assert "Amazon EC2" in said
    assert [one.user for one in found.concerned if one.is_program] == ["robot"]
    assert any("keys of cyd will open nothing without an MFA code" in s for s in found.sentences)


def test_the_caller_counts_too():
    """Who applies works with a key as well, and is told that it is theirs."""
    blockers = demand(team("look"), caller="cyd").blockers
    assert any("cyd (you) works with access key AKIACYD" in said for said in blockers)


def test_how_everyone_fares_afterwards_is_said():
    """The rehearsal of those of whom it is demanded is part of what it means."""
    said = demand(team("look")).sentences
    assert any(one.startswith("bob will be able to sign in, enrol MFA") for one in said)
    stopped = demand(team("look"), policy="no enrolment").sentences
    assert any(one.startswith("bob will be stopped at enrolling MFA") for one in stopped)


@pytest.mark.parametrize("policy", ["demanded", "documented", "module", "no enrolment"])
def test_any_policy_that_demands_it_is_seen(policy):
    """It is the policy that tells, not its name or its author."""
    assert [one.user for one in demand(team("look"), policy=policy).concerned] == [
        "bob",
        "cyd",
        "robot",
    ]


@pytest.mark.parametrize("policy", ["offered", "look", "password", "nothing"])
def test_what_demands_nothing_is_in_nobodys_way(policy):
    """What is offered, or denied to everybody alike, is no demand of MFA."""
    assert demand(team("look"), policy=policy) == type(demand(team("look"), policy=policy))()


def test_what_is_demanded_already_is_not_asked_again():
    """A plan that changes something else of such a group is in nobody's way."""
    assert demand(team("look", "demanded"), policy="offered").blockers == ()


def test_who_joins_a_group_that_demands_it_is_judged_as_its_members():
    """To put somebody into the group is to demand it of them."""
    state = team("look", "demanded")
    wanted = Desired(users=(DesiredUser(name="zoe", make=False, groups=("team",)),))
    after = account_after(state, make_plan(state, wanted).changes)
    (said,) = judge_demand(state, after).blockers
    assert "zoe has no MFA device and works with access key AKIAZOE" in said


@given(
    st.lists(st.sampled_from(sorted(OF_SOURCE)), min_size=1, max_size=3, unique=True),
    st.sampled_from(["unknown", "not read"]),
    st.booleans(),
)
@settings(max_examples=scaled(30, 300), deadline=None)
def test_knowing_less_takes_nobody_out_of_the_way(names, status, textless):
    """Whoever was in the way is so still, where less of them was read."""
    state = team("look", "offered")
    before = {one.user for one in demand(state).concerned}
    for name in names:
        state = unread(name)(state, status)
    if textless:
        group = state.groups["team"]
        blank = replace(group, inline_policies={**group.inline_policies, "look": {}})
        state = replace(state, groups={**state.groups, "team": blank})
    found = demand(state)
    assert before <= {one.user for one in found.concerned}
    assert len(found.blockers) == len(found.concerned)
