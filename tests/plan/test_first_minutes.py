"""The first ten minutes of a user, rehearsed: where they stop and why, or that they go well."""

from dataclasses import replace

import pytest
from first_minutes_cases import BOUND, CASES, OF_SOURCE, account_in, unread
from hypothesis import given, settings, strategies as st
from removals import without
from samples import scaled

from iamkit.plan.changes import make_plan
from iamkit.plan.consequences import say_meaning
from iamkit.plan.desired import Desired, DesiredUser
from iamkit.plan.first_minutes import rehearse_first_minutes, say_first_minutes

PASSES = {"done", "not needed"}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
def test_each_step_ends_as_the_policies_say(case):
    """Every case of the table: each step with its outcome, and what is said of it."""
    rehearsed = rehearse_first_minutes(account_in(case), ["ann"])
    assert {step.name: step.outcome for step in rehearsed[0].steps} == case["steps"]
    (said,) = say_first_minutes(rehearsed)
    assert case.get("says", "") in said


def _no_text(state, _):
    group = state.groups.get("team")
    if group is None:
        return state
    first = next(iter(group.inline_policies))
    return replace(
        state,
        groups={"team": replace(group, inline_policies={**group.inline_policies, first: {}})},
    )


REMOVALS = {
    **{name: unread(name) for name in OF_SOURCE},
    "a policy's text": _no_text,
    "the group": lambda state, _: replace(state, groups={}),
    "the boundary": lambda state, _: replace(state, policies=without(state.policies, BOUND)),
}


def verdict(one):
    return "stops" if one.stop else "cannot be told" if one.unknown else "passes"


@given(
    st.sampled_from(CASES),
    st.lists(st.sampled_from(sorted(REMOVALS)), min_size=1, max_size=4),
    st.sampled_from(["unknown", "not read"]),
)
@settings(max_examples=scaled(300, 5000), deadline=None)
def test_knowing_less_makes_no_rehearsal_more_certain(case, removals, status):
    """Whatever is not read any more, who passed or stopped does so, or it cannot be told."""
    state = account_in(case)
    (before,) = rehearse_first_minutes(state, ["ann"])
    for removal in removals:
        state = REMOVALS[removal](state, status)
        (after,) = rehearse_first_minutes(state, ["ann"])
        assert verdict(after) in {verdict(before), "cannot be told"}, (removal, before, after)
        outcomes = {step.name: step.outcome for step in before.steps}
        for step in after.steps:
            if outcomes.get(step.name) == "cannot be told":
                assert step.outcome == "cannot be told", (removal, before, after)
            if outcomes.get(step.name) == "stops":
                assert step.outcome not in PASSES, (removal, before, after)
            if outcomes.get(step.name) in PASSES:
                assert step.outcome != "stops", (removal, before, after)
        before = after


def test_who_is_not_in_the_account_is_left_out():
    """Nothing is said of a name that nobody has."""
    assert rehearse_first_minutes(account_in(CASES[0]), ["nobody"]) == ()


def test_those_who_fare_alike_are_one_sentence():
    """Who stops is named before those who pass."""
    state = account_in(CASES[0])
    ann = state.users["ann"]
    people = {name: replace(ann, name=name, arn="") for name in ("ann", "bob", "cyd")}
    people["dan"] = replace(ann, name="dan", arn="", groups=frozenset())
    profiles = dict.fromkeys(people, state.login_profiles["ann"])
    whole = replace(state, users=people, login_profiles=profiles)
    stopped, well = say_first_minutes(rehearse_first_minutes(whole, sorted(people)))
    assert stopped.startswith("dan will be stopped at the first sign-in")
    assert well.startswith("ann, bob and cyd will be able to sign in, choose a password")


def test_forty_new_users_are_told_in_one_sentence():
    """Who is let in alike is named together."""
    state = account_in({"policies": ["look", "demanded"]})
    users = tuple(
        DesiredUser(name=f"u{n}", groups=("team",), console_password=True, access_key=True)
        for n in range(40)
    )
    plan = make_plan(state, Desired(users=users))
    said = say_meaning(state, plan)
    assert "choose a password, enrol MFA and begin to work" in said[-1]
