"""How far a rotation is, by what AWS tells of the keys; and what its next step wants."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from accounts import NOW, ago
from hypothesis import given, strategies as st

from iamkit.account.gaps import DETAILS
from iamkit.account.state import AccessKey, AccountState, KeyUse, Source, User
from iamkit.plan.changes import make_plan
from iamkit.plan.desired import KEY_OFF, Absent, Desired, DesiredUser
from iamkit.plan.key_rotation import Exemption, RotationRules, want_next_steps
from iamkit.plan.merging import merge
from iamkit.plan.preview import account_after
from iamkit.plan.rotation_stages import judge_rotations

CASES = yaml.safe_load((Path(__file__).parent / "cases" / "key_rotation.yaml").read_text())
RULES = RotationRules(now=NOW, rotation_days=90, grace_days=14)
READ = Source(status="read", at=NOW)
TODAY = NOW.date().isoformat()


def day(value):
    """A day so many days before now, or a text as it is."""
    return (NOW.date() - timedelta(days=value)).isoformat() if isinstance(value, int) else value


def state_of(*cases):
    """An account whose users are as the cases say, and which rules hold for them."""
    users, keys, uses = {}, {}, {}
    for number, case in enumerate(cases):
        name = case.get("user", f"user{number}")
        tags = {f"{KEY_OFF}{key}": day(value) for key, value in case.get("tags", {}).items()}
        tags |= {f"tag{n}": "x" for n in range(case.get("more_tags", 0))}
        users[name] = User(name=name, created=ago(400), tags=tags)
        if case["keys"] == "unread":
            continue
        keys[name] = tuple(
            AccessKey(
                id=key["id"],
                status="Inactive" if key.get("inactive") else "Active",
                created=ago(key.get("age")),
                orphan=key.get("orphan", False),
            )
            for key in case["keys"]
        )
        uses[name] = {k["id"]: use_of(k["used"]) for k in case["keys"] if "used" in k}
    of_keys = replace(READ, missing=frozenset(users) - frozenset(keys))
    return AccountState(
        account_id="111122223333",
        users=users,
        access_keys=keys,
        key_uses=uses,
        read_at=NOW,
        sources={DETAILS: READ, "ListAccessKeys": of_keys, "GetAccessKeyLastUsed": READ},
    )


def use_of(told):
    return KeyUse() if told == "never" else KeyUse(at=ago(told[0]), service=told[1])


def rules_of(case):
    name, last = case.get("user", "user0"), case.get("exempt")
    exempt = [] if last is None else [Exemption(user=name, reason="why", until=day(last))]
    return replace(
        RULES,
        switched=case.get("switched", ()),
        signing=case.get("signing", ""),
        run_as=name if case.get("run_as") else "",
        hand_over={name: case["hand_over"]} if "hand_over" in case else {},
        exempt=exempt,
        early={name: ago(case["early"])} if "early" in case else {},
    )


@pytest.mark.parametrize("case", CASES, ids=[case["it"] for case in CASES])
def test_the_stage_of_a_key(case):
    """What is told of the keys decides the stage, and the stage what is wanted, no more."""
    (found,) = judge_rotations(state_of(case), rules_of(case))
    assert found.stage == case["stage"]
    assert case.get("why", "") in found.why
    wanted, want = found.wanted, case.get("want")
    assert (wanted is not None) == (found.stage.startswith("to ") or found.stage == "tag left over")
    if want is None:
        return
    tags = {f"{KEY_OFF}{want['tagged']}": TODAY} if "tagged" in want else {}
    assert wanted.tags == tags
    assert wanted.another_key == want.get("another_key", False)
    assert wanted.key_status == want.get("key_status", {})
    assert wanted.absent.access_keys == tuple(want.get("deleted", ()))
    assert wanted.absent.tags == tuple(f"{KEY_OFF}{key}" for key in want.get("untagged", ()))
    if "pinned" in want:
        assert list(wanted.last_used) == want["pinned"]


def test_every_stage_has_a_case():
    """So that none is forgotten."""
    from typing import get_args

    from iamkit.plan.key_rotation import Stage

    assert {case["stage"] for case in CASES} == set(get_args(Stage))


@pytest.mark.parametrize("case", CASES, ids=[case["it"] for case in CASES])
def test_a_plan_passes_one_stage_and_never_two(case):
    """After the plan of a step nothing more is to be done for the user on that day."""
    state, rules = state_of(case), rules_of(case)
    desired = want_next_steps(state, judge_rotations(state, rules), ["user0"])
    plan = make_plan(state, desired)
    assert not plan.blockers
    operations = {change.operation for change in plan.changes}
    taking = {"create_access_key", "delete_access_key"} & operations
    assert len(taking) <= 1 or any(key.orphan for key in state.access_keys["user0"])
    after = account_after(state, plan.changes)
    assert make_plan(after, desired).changes == ()
    drawn = {"": KeyUse()}  # AWS draws the id of a new key
    uses = {name: {**drawn, **of_user} for name, of_user in after.key_uses.items()}
    dated = {
        name: tuple(replace(key, created=key.created or NOW) if not key.id else key for key in keys)
        for name, keys in after.access_keys.items()
    }
    after = replace(after, access_keys=dated, key_uses=uses)
    again = want_next_steps(after, judge_rotations(after, rules), ["user0"])
    assert not plan.changes or again.users == ()


KEYS = st.fixed_dictionaries(
    {"age": st.integers(0, 200), "inactive": st.booleans()},
    optional={"used": st.one_of(st.just("never"), st.tuples(st.integers(0, 60), st.just("s3")))},
)


@given(
    st.lists(KEYS, min_size=1, max_size=2),
    st.dictionaries(st.sampled_from(["K0", "K1", "K2"]), st.one_of(st.integers(-3, 60), st.text())),
    st.sets(st.sampled_from(["K0", "K1"])),
)
def test_no_step_ever_takes_the_last_key_that_works(keys, tags, switched):
    """Whatever AWS tells: what goes off or away leaves an active key, and only rested ones go."""
    case = {"keys": [{"id": f"K{n}", **key} for n, key in enumerate(keys)], "tags": tags}
    state, rules = state_of(case), replace(RULES, switched=switched)
    found = judge_rotations(state, rules)
    plan = make_plan(state, want_next_steps(state, found, ["user0"]))
    active = [k for k in state.access_keys["user0"] if k.status == "Active"]
    after = account_after(state, plan.changes).access_keys["user0"]
    assert not active or any(key.status == "Active" for key in after)
    for change in plan.changes:
        key = change.arguments.get("AccessKeyId")
        uses = state.key_uses["user0"]
        if change.operation == "delete_access_key":
            said = tags[key]
            assert key not in {one.id for one in active}
            assert said > RULES.grace_days
            assert uses[key].at is None or uses[key].at.date().isoformat() <= day(said)
        if change.operation == "update_access_key":
            (other,) = {one.id for one in active} - {key}
            assert other in switched or uses[other].at
            assert key in uses


def test_a_name_that_is_not_there_does_not_stop_the_others():
    """Nor does who is blocked; both are doubts, and who waits is a note. One's own comes last."""
    cases = [
        {"user": "me", "keys": [{"id": "A1", "age": 100, "used": "never"}]},
        {"user": "bob", "keys": [{"id": "B1", "age": 100, "used": "never"}]},
        {"user": "dan", "keys": "unread"},
        {"user": "eve", "keys": [{"id": "E1", "age": 1, "used": "never"}]},
    ]
    state = state_of(*cases)
    found = judge_rotations(state, replace(RULES, caller="me"))
    desired = want_next_steps(state, found, ["me", "Bob", "bob", "dan", "eve", "bobb"])
    assert [user.name for user in desired.users] == ["bob", "me"]
    assert [said.partition(":")[0] for said in desired.notes] == ["eve"]
    assert [said.partition(".")[0] for said in desired.doubts] == [
        "dan: blocked",
        "rotate: the account has no user 'bobb'; did you mean bob?",
    ] or len(desired.doubts) == 2
    plan = make_plan(state, desired)
    assert plan.doubts == desired.doubts
    assert set(desired.notes) <= set(plan.notes)
    assert [change.name for change in plan.changes] == ["bob", "me"]


def test_an_exemption_with_a_slip_leaves_alone_whom_it_may_mean():
    """A key of theirs would go off otherwise; an exemption of nobody at all is but a note."""
    old = [{"id": "A1", "age": 100, "used": "never"}]
    state = state_of({"user": "robot", "keys": old}, {"user": "zoe", "keys": old})
    found = judge_rotations(state, RULES)
    desired = want_next_steps(state, found, ["robot", "zoe"], ["robto", "someone", "ZOE"])
    assert [user.name for user in desired.users] == ["zoe"]  # whether she is exempt is judged there
    (doubt,) = desired.doubts
    assert "robot: left alone, for exempt names 'robto', who is not there" in doubt
    assert desired.notes == ("exempt: the account has no user 'someone'.",)


OFF = {"user": "bob", "keys": [{"id": "OLD", "age": 120, "inactive": True, "used": [20, "s3"]}]}
GONE = DesiredUser(name="bob", make=False, absent=Absent(access_keys=("OLD",)))


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ({**OFF, "tags": {"OLD": 30}}, ""),
        (OFF, "has no tag"),
        (
            {**OFF, "keys": [{"id": "OLD", "age": 120, "used": "never"}], "tags": {"OLD": 30}},
            "active",
        ),
        ({**OFF, "keys": []}, "nothing"),
    ],
    ids=["rested", "without a tag", "active", "gone"],
)
def test_only_an_inactive_key_with_a_tag_is_deleted(case, said):
    """Whoever wants it gone: the plan says what stands in the way; of one that is gone nothing."""
    plan = make_plan(state_of(case), Desired(users=(GONE,)))
    deleted = [change.arguments["AccessKeyId"] for change in plan.changes]
    assert deleted == ([] if said else ["OLD"])
    assert (said in " ".join(plan.blockers)) or said == "nothing"
    assert bool(plan.blockers) == (said not in ("", "nothing"))


def test_a_use_since_the_decision_stops_the_keys():
    """A plan pins the last use that it knew; another one is found when it is made again."""
    known = DesiredUser(
        name="bob",
        make=False,
        key_status={"OLD": "Inactive"},
        last_used={"OLD": ago(20)},
    )
    on = {"user": "bob", "keys": [{"id": "OLD", "age": 120, "used": [20, "s3"]}]}
    assert len(make_plan(state_of(on), Desired(users=(known,))).changes) == 1
    on["keys"][0]["used"] = [0, "s3"]
    plan = make_plan(state_of(on), Desired(users=(known,)))
    assert plan.changes == ()
    assert "was used since" in plan.blockers[0]


def test_another_key_wants_one_that_is_there():
    """Beside none there is no other; beside one it is made; two are as wanted."""
    user = DesiredUser(name="bob", make=False, another_key=True)
    operations = []
    for number in range(3):
        keys = [{"id": f"K{n}", "age": 120, "used": "never"} for n in range(number)]
        plan = make_plan(state_of({"user": "bob", "keys": keys}), Desired(users=(user,)))
        operations.append((len(plan.changes), bool(plan.blockers)))
    assert operations == [(0, True), (1, False), (0, False)]


def test_what_is_merged_keeps_what_was_told_of_keys():
    """Two states of one user are one with all of it."""
    one = DesiredUser(name="bob", make=False, another_key=True, last_used={"A": None})
    other = DesiredUser(name="bob", make=False, last_used={"B": NOW})
    both = merge([Desired(users=(one,), notes=("n",)), Desired(users=(other,), doubts=("d",))])
    assert both.users[0].another_key
    assert both.users[0].last_used == {"A": None, "B": NOW}
    assert (both.notes, both.doubts) == (("n",), ("d",))


def test_a_plan_of_yesterday_does_not_date_a_key_to_yesterday():
    """What a page planned before midnight would shorten the time of grace: it blocks until anew."""
    case = {
        "keys": [
            {"id": "OLD", "age": 120, "used": [20, "s3"]},
            {"id": "NEW", "age": 20, "used": [1, "s3"]},
        ]
    }
    state = state_of(case)
    desired = want_next_steps(state, judge_rotations(state, RULES), ["user0"])
    plan = make_plan(state, desired)
    assert plan.blockers == ()
    tomorrow = replace(state, read_at=NOW + timedelta(days=1))
    assert "plan it anew" in make_plan(tomorrow, desired).blockers[0]
    after = replace(account_after(state, plan.changes), read_at=NOW + timedelta(days=1))
    assert make_plan(after, desired).blockers == ()
