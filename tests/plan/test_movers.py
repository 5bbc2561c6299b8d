"""Who changes teams: their groups said in full, what they lose by it, and the way back."""

from dataclasses import replace

import pytest
from accounts import NOW, account_of

from iamkit.account.state import Source
from iamkit.errors import InputError, UnsafePlan
from iamkit.parameters.models import UserRow
from iamkit.plan.changes import make_plan
from iamkit.plan.consequences import say_meaning
from iamkit.plan.desired import Desired, DesiredUser
from iamkit.plan.lockout import Caller, find_lockout, may_lock_out
from iamkit.plan.merging import merge
from iamkit.plan.preview import account_after
from iamkit.plan.wanted import team_users
from iamkit.policies import allow, policy

ALL = policy(allow("*"))


def company(**more):
    """Bob looks at EC2 with dev, and pat at S3 with ops; ann alone administers."""
    case = {
        "users": [
            {"name": "ann", "groups": ["Admins"], "keys": [{"id": "AKIA1", "age": 5}]},
            {"name": "bob", "groups": ["dev", "all"]},
        ],
        "groups": [
            {"name": "Admins", "inline": {"all": ALL}},
            {"name": "dev", "inline": {"look": policy(allow("ec2:Describe*"))}},
            {"name": "ops", "inline": {"read": policy(allow("s3:GetObject"))}},
            {"name": "all"},
        ],
    }
    state = account_of({**case, **more})
    read = {"GetLoginProfile": Source(status="read", at=NOW)}
    return replace(state, sources={**state.sources, **read})


def move(name="bob", *groups, **facts):
    user = DesiredUser(name=name, groups=groups, groups_only=True, **facts)
    return Desired(users=(user,))


def told(plan):
    return [(c.operation, c.arguments.get("GroupName")) for c in plan.changes]


def test_who_moves_leaves_the_old_team_before_they_join_the_new_one():
    """The groups that are not named go first, so that ten are enough; each is a loss."""
    plan = make_plan(company(), move("bob", "ops"))
    assert told(plan) == [
        ("remove_user_from_group", "all"),
        ("remove_user_from_group", "dev"),
        ("add_user_to_group", "ops"),
    ]
    assert [change.arguments["GroupName"] for change in plan.destructive] == ["all", "dev"]
    with pytest.raises(UnsafePlan, match="2 destructive"):
        plan.raise_if_unsafe()
    after = account_after(company(), plan.changes)
    assert make_plan(after, move("bob", "ops")).changes == ()


def test_without_the_word_a_user_only_joins():
    """Nothing is taken away by omission."""
    wanted = Desired(users=(DesiredUser(name="bob", groups=("ops",)),))
    assert told(make_plan(company(), wanted)) == [("add_user_to_group", "ops")]


def test_a_group_in_another_case_is_not_left():
    """IAM ignores the case of names."""
    assert told(make_plan(company(), move("bob", "DEV", "All"))) == []


def test_what_they_lose_and_gain_is_said():
    """The groups, and what they may do no longer and from now on."""
    plan = make_plan(company(), move("bob", "ops"))
    said = say_meaning(company(), plan)
    assert said[0] == "bob will leave all and dev and join ops."
    assert any("bob will be able to" in one and "S3" in one for one in said)
    assert any("bob will no longer be able to" in one and "EC2" in one for one in said)


def test_a_group_of_which_nothing_was_read_blocks():
    """What it gives is not known, so nobody can say what leaving it takes away."""
    state = company(
        users=[{"name": "bob", "groups": ["dev", "ghost"]}], undescribed_groups=["ghost"]
    )
    plan = make_plan(state, move("bob", "dev"))
    (said,) = plan.blockers
    assert said.startswith("Group ghost, which bob would leave, was not read")
    assert make_plan(state, move("bob", "dev", "ghost")).blockers != plan.blockers


def test_details_that_were_not_read_block():
    """Whether bob is in a group is unknown, and not no."""
    state = replace(company(), sources={})
    assert make_plan(state, move("bob", "dev")).blockers


def test_the_last_administrator_does_not_move_away():
    """The guard says that nobody would be left."""
    plan = make_plan(company(), move("ann", "ops"))
    assert may_lock_out(company(), plan.changes)
    said = find_lockout(company(), plan.changes, Caller("zoe", "AKIA9"))
    assert said == ("Nobody would be left who can administer the account; now it is ann.",)


def test_the_way_back_is_the_old_team():
    """Undone, a move leaves the account as it was."""
    plan = make_plan(company(), move("bob", "ops"))
    after = account_after(company(), plan.changes)
    back = make_plan(after, merge(c.inverse for c in reversed(plan.changes)))
    assert account_after(after, back.changes).users["bob"] == company().users["bob"]


def test_ten_groups_are_counted_after_the_move():
    """Who leaves ten for ten others is in ten."""
    old, new = [f"a{n}" for n in range(10)], [f"b{n}" for n in range(11)]
    groups = [{"name": name} for name in (*old, *new)]
    state = company(users=[{"name": "bob", "groups": old}], groups=groups)
    assert len(make_plan(state, move("bob", *new[:10])).changes) == 20
    with pytest.raises(InputError, match="would be in 11 groups"):
        make_plan(state, move("bob", *new))


def test_it_comes_from_the_row_of_the_user(guide):
    """``groups_only`` in the parameters."""
    row = UserRow.model_validate({"name": "bob", "groups": ["ops"], "groups_only": True})
    desired = team_users(guide("04_users", users=[row.model_dump()]))
    assert desired.users[0].groups_only
