"""The way back of an apply, as a plan against the account as it is now."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from changes import change
from hypothesis import given, strategies as st
from removals import COMPANY

from iamkit.account.state import KeyUse, Source
from iamkit.aws.sources import OF_USERS
from iamkit.errors import InputError
from iamkit.plan.access_given import deciding_facts
from iamkit.plan.changes import make_plan
from iamkit.plan.consequences import say_meaning
from iamkit.plan.desired import (
    Absent,
    Desired,
    DesiredGroup,
    DesiredPolicy,
    DesiredRole,
    DesiredUser,
)
from iamkit.plan.merging import merge
from iamkit.plan.preview import account_after
from iamkit.plan.undo import UndoJudge, plan_undo, way_back_of
from iamkit.plan.undo_steps import Made, judge_step

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
EVERYONE = Source(status="read", at=AT)
BEGUN = replace(COMPANY, sources={**COMPANY.sources, **dict.fromkeys(OF_USERS, EVERYONE)})
LOOK = {"Statement": [{"Effect": "Allow", "Action": "ec2:Describe*", "Resource": "*"}]}
ALL = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
SUPPORT = "arn:aws:iam::aws:policy/AWSSupportAccess"
ONE_BUCKET = {
    "Statement": [{"Effect": "Allow", "Action": "s3:Get*", "Resource": "arn:aws:s3:::one/*"}]
}
DENY = {"Statement": [{"Effect": "Deny", "Action": "s3:*", "Resource": "*"}]}


def apply(current, desired):
    """The account after the plan for it, and the changes as their journal tells them."""
    changes = make_plan(current, desired).changes
    made = [
        Made(number=number, change=each, at=AT)
        for number, each in enumerate((with_key(n, c) for n, c in enumerate(changes)), 1)
    ]
    return account_after(current, [one.change for one in made]), made


def with_key(number, each):
    if each.operation != "create_access_key":
        return each
    return replace(each, arguments={**each.arguments, "AccessKeyId": f"AKIAMADE{number}"})


def all_taken(current, made):
    """The undo with every change named that has a way back."""
    return UndoJudge(current, made).plan([one.number for one in made])


def user(name="cyd", **facts):
    return Desired(users=(DesiredUser(name=name, make=False, **facts),))


def group(name="dev", **facts):
    return Desired(groups=(DesiredGroup(name=name, make=False, **facts),))


NEW = Desired(
    groups=(DesiredGroup(name="ops", inline_policies={"look": LOOK}),),
    users=(DesiredUser(name="fay", groups=("ops",), tags={"team": "ops"}, console_password=True),),
)
KEY = Desired(users=(DesiredUser(name="bob", access_key=True),))

WAYS = {
    "a group with its policy and a member": NEW,
    "a policy that another overwrote": group(inline_policies={"own": ALL}),
    "a policy that widened": user(inline_policies={"mine": ALL}),
    "a policy that was taken away": user(absent=Absent(inline_policies=("mine",))),
    "a managed policy": user(attached_policies=("arn:aws:iam::aws:policy/AWSSupportAccess",)),
    "a membership": user(groups=("Admins",)),
    "a membership that was taken away": user("ann", absent=Absent(groups=("Admins",))),
    "a boundary that was taken away": user("dan", absent=Absent(permissions_boundary=True)),
    "a key that was switched off": user("ann", key_status={"AKIA1": "Inactive"}),
    "tags": user(tags={"team": "data"}),
    "a path": user(path="/people/"),
    "an alias": Desired(alias="team"),
    "some rules of the password policy": Desired(password_policy={"minimum_length": 20}),
    "a password policy": Desired(absent_password_policy=True),
    "a group that was deleted": Desired(absent_groups=("dev",)),
    "a role's policies": Desired(
        roles=(
            DesiredRole(
                name="help",
                inline_policies={"look": LOOK},
                absent=Absent(attached_policies=("arn:aws:iam::aws:policy/AWSSupportAccess",)),
            ),
        )
    ),
    "a managed policy that was made": Desired(policies=(DesiredPolicy(name="new", document=LOOK),)),
    "a managed policy that was deleted": Desired(absent_policies=("unused",)),
}


@pytest.mark.parametrize("wanted", WAYS.values(), ids=WAYS)
def test_the_way_back_leads_to_the_account_it_began_with(wanted):
    """Field by field, when everything that asks is chosen."""
    applied, made = apply(BEGUN, wanted)
    assert applied != BEGUN
    undo = all_taken(applied, made)
    back = account_after(applied, undo.plan.changes)
    assert without_ids(back) == without_ids(BEGUN)
    assert [step.number for step in undo.steps] == [one.number for one in reversed(made)]


def without_ids(account):
    """What can be as before: a group made again has another id and birthday."""
    groups = {n: replace(g, created=None) for n, g in account.groups.items()}
    users = dict(sorted(account.users.items()))
    profiles = {name: one for name, one in account.login_profiles.items() if one}
    policies = {arn: replace(p, created=None) for arn, p in sorted(account.policies.items())}
    return replace(
        account,
        groups=dict(sorted(groups.items())),
        users=users,
        policies=policies,
        login_profiles=profiles,
    )


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (user("ann", key_status={"AKIA1": "Inactive"}), "AKIA1 would work again"),
        (user("ann", absent=Absent(groups=("Admins",))), "ann could do more"),
        (user(inline_policies={"no": DENY}), "a policy that denies would go from user cyd"),
        (user(absent=Absent(inline_policies=("mine",))), "cyd could do more"),
        (group("old", inline_policies={"no": ALL, "none": DENY}), "denies would go from group old"),
        (group("dev", inline_policies={"no": DENY}), "denies would go from group dev"),
        (
            Desired(roles=(DesiredRole(name="help", absent=Absent(attached_policies=(SUPPORT,))),)),
            "role help could do more",
        ),
        (user(inline_policies={"mine": ONE_BUCKET}), "cyd could do more"),
    ],
)
def test_what_gives_access_back_asks_first(wanted, said):
    """A key, a membership, a policy, a deny that goes: none is taken back unasked."""
    applied, made = apply(BEGUN, wanted)
    undo = plan_undo(applied, made)
    asking = [step for step in undo.steps if step.state == "gives access"]
    assert any(said in step.said for step in asking)
    assert not any(step.taken for step in asking)
    chosen = all_taken(applied, made)
    assert len(chosen.plan.destructive) == len(chosen.plan.changes) > 0


@pytest.mark.parametrize(
    "wanted",
    [user(groups=("Admins",)), user(inline_policies={"mine": ALL}), user(tags={"a": "b"})],
)
def test_what_takes_access_away_or_gives_none_is_ready(wanted):
    """The undo of a grant needs no tick."""
    applied, made = apply(BEGUN, wanted)
    [step] = plan_undo(applied, made).steps
    assert (step.state, step.taken) == ("ready", True)


SINCE = {
    "a policy that somebody edited": (
        user(inline_policies={"mine": ALL}),
        user(inline_policies={"mine": LOOK}),
    ),
    "a tag with another value": (user(tags={"a": "1"}), user(tags={"a": "2"})),
    "rules that were sharpened": (
        Desired(password_policy={"minimum_length": 20}),
        Desired(password_policy={"max_age": 30}),
    ),
}


@pytest.mark.parametrize(("wanted", "since"), SINCE.values(), ids=SINCE)
def test_what_was_changed_since_is_named_and_left_alone(wanted, since):
    """Unless it is chosen."""
    applied, made = apply(BEGUN, wanted)
    now, _ = apply(applied, since)
    undo = plan_undo(now, made)
    [step] = undo.steps
    assert (step.state, step.taken) == ("changed since", False)
    assert "not as it was left" in step.said
    assert undo.plan.changes == ()
    assert plan_undo(now, made, [1]).plan.changes


USED = {
    "a policy": user("fay", inline_policies={"x": LOOK}),
    "a group": user("fay", groups=("dev",)),
    "a key": Desired(users=(DesiredUser(name="fay", access_key=True),)),
    "a tag": user("fay", tags={"owner": "someone"}),
}


@pytest.mark.parametrize("since", USED.values(), ids=USED)
def test_a_user_who_has_got_more_since_is_not_deleted(since):
    """Who was made by an apply goes with its undo only if nothing else hangs on them."""
    applied, made = apply(BEGUN, NEW)
    now, _ = apply(applied, since)
    undo = plan_undo(now, made)
    made_user = next(step for step in undo.steps if step.change.operation == "create_user")
    assert (made_user.state, made_user.taken) == ("changed since", False)
    assert "delete_user" not in [each.operation for each in undo.plan.changes]


def test_a_group_with_another_member_is_not_deleted():
    """Its member is named."""
    applied, made = apply(BEGUN, NEW)
    now, _ = apply(applied, user("bob", groups=("ops",)))
    undo = plan_undo(now, made)
    step = next(step for step in undo.steps if step.change.operation == "create_group")
    assert (step.state, step.taken) == ("changed since", False)
    assert "bob" in step.said


def test_a_user_who_was_made_anew_since_is_not_deleted():
    """The same name is not the same user."""
    applied, made = apply(BEGUN, Desired(users=(DesiredUser(name="fay"),)))
    fay = replace(applied.users["fay"], created=AT + timedelta(days=1))
    now = replace(applied, users={**applied.users, "fay": fay})
    [step] = plan_undo(now, made).steps
    assert (step.state, step.said) == ("changed since", "user fay was made anew on 2026-03-02")


def test_a_new_key_is_switched_off_and_that_is_said():
    """It is known by the id in the journal; it is not deleted."""
    applied, made = apply(BEGUN, KEY)
    undo = plan_undo(applied, made)
    [step], [back] = undo.steps, undo.plan.changes
    assert (step.state, step.said) == ("ready", "the key is switched off, not deleted")
    assert (back.operation, back.arguments["Status"]) == ("update_access_key", "Inactive")
    [key] = account_after(applied, [back]).access_keys["bob"]
    assert key.status == "Inactive"


def test_a_key_that_somebody_works_with_is_left_on():
    """It was made by the apply and used since, or whether it was cannot be told: that is said."""
    applied, made = apply(BEGUN, KEY)
    used = AT + timedelta(days=1)
    works = replace(applied, key_uses={"bob": {"AKIAMADE0": KeyUse(at=used)}})
    [step] = plan_undo(works, made, ["ready"]).steps
    assert (step.state, step.taken) == ("changed since", False)
    assert "access key AKIAMADE0 was used on 2026-03-02 at 12:00 UTC" in step.said
    tried = replace(applied, key_uses={"bob": {"AKIAMADE0": KeyUse(at=AT + timedelta(minutes=1))}})
    assert plan_undo(tried, made).steps[0].taken
    why = Source(status="unknown", note="iam:GetAccessKeyLastUsed was refused.")
    blind = replace(applied, sources={**applied.sources, "GetAccessKeyLastUsed": why})
    [step] = plan_undo(blind, made).steps
    assert (step.state, step.taken) == ("cannot be told", False)
    assert "cannot be told: iam:GetAccessKeyLastUsed was refused" in step.said


def test_a_user_whose_new_key_is_at_work_stays():
    """Neither the key nor the user of the apply is taken back unasked."""
    applied, made = apply(BEGUN, Desired(users=(DesiredUser(name="fay", access_key=True),)))
    works = replace(applied, key_uses={"fay": {"AKIAMADE1": KeyUse(at=AT + timedelta(days=1))}})
    undo = plan_undo(works, made)
    assert {step.state for step in undo.steps} == {"changed since"}
    assert undo.plan.changes == ()


def test_an_alias_may_be_anothers_meanwhile():
    """That is said of the undo that wants it back, and of no other."""
    begun = replace(BEGUN, alias="old")
    applied, made = apply(begun, Desired(alias="new"))
    assert "another account may have taken old" in plan_undo(applied, made).steps[0].said
    assert "Another account may have taken old" in " ".join(
        say_meaning(begun, make_plan(begun, Desired(alias="new")))
    )
    applied, made = apply(BEGUN, Desired(alias="new"))
    assert plan_undo(applied, made).steps[0].said == ""


def test_a_user_of_the_apply_goes_with_the_key_of_the_apply():
    """Whoever is deleted keeps no key."""
    applied, made = apply(BEGUN, Desired(users=(DesiredUser(name="fay", access_key=True),)))
    undo = plan_undo(applied, made)
    assert all(step.taken for step in undo.steps)
    assert "delete_access_key" in [each.operation for each in undo.plan.changes]
    assert "fay" not in account_after(applied, undo.plan.changes).users


def test_what_has_no_way_back_says_why():
    """Of a user who was deleted no credential comes back, and the reason is told."""
    applied, made = apply(BEGUN, Desired(absent_users=("cyd",)))
    undo = plan_undo(applied, made, [])
    said = {step.change.operation: step.said for step in undo.steps}
    assert "another id" in said["delete_user"]
    assert said["remove_user_from_group"] == "user cyd is not there any more"
    [lost] = [step for step in undo.steps if step.change.operation == "delete_access_key"]
    assert lost.state == "no way back"
    with pytest.raises(InputError, match="cannot be taken back"):
        plan_undo(applied, made, [lost.number])


def test_who_was_deleted_comes_back_without_credentials():
    """Path, tags, groups, policies and boundary are as before; the id is another."""
    tagged = replace(BEGUN.users["dan"], path="/people/", tags={"team": "ops"})
    begun = replace(BEGUN, users={**BEGUN.users, "dan": replace(tagged, groups=frozenset(["dev"]))})
    applied, made = apply(begun, Desired(absent_users=("dan",)))
    named = [one.number for one in made if one.change.inverse]
    back = account_after(applied, plan_undo(applied, made, named).plan.changes)
    lost = {"id": "", "arn": "", "created": None}
    assert back.users["dan"] == replace(begun.users["dan"], **lost)


def test_what_is_back_already_needs_nothing():
    """An undo that was done leaves nothing to undo."""
    applied, made = apply(BEGUN, NEW)
    done = account_after(applied, plan_undo(applied, made).plan.changes)
    again = plan_undo(done, made)
    assert {step.state for step in again.steps} <= {"nothing left", "no way back"}
    assert again.plan.changes == ()


def test_a_call_that_was_cut_off_is_taken_back_if_it_was_made():
    """What is in force was made; what is not was not."""
    applied, [one] = apply(BEGUN, user(groups=("Admins",)))
    doubtful = [replace(one, certain=False)]
    [asks] = plan_undo(applied, doubtful).steps
    assert (asks.state, asks.taken) == ("changed since", False)
    assert all_taken(applied, doubtful).plan.changes
    [step] = plan_undo(BEGUN, doubtful).steps
    assert step.state == "nothing left"
    lost = change("create", "create_access_key", UserName="bob")
    [step] = plan_undo(BEGUN, [Made(number=1, change=lost, at=AT, certain=False)]).steps
    assert "the next run with this user finds it" in step.said


def test_a_key_that_is_gone_does_not_come_back():
    """Nobody is told that it is as it was."""
    applied, made = apply(BEGUN, user("ann", key_status={"AKIA1": "Inactive"}))
    now = replace(applied, access_keys={**applied.access_keys, "ann": ()})
    [step] = plan_undo(now, made).steps
    assert (step.state, step.said) == ("no way back", "access key AKIA1 is not there any more")


def test_an_unknown_number_is_refused():
    """It is a slip."""
    applied, made = apply(BEGUN, user(tags={"a": "b"}))
    with pytest.raises(InputError, match="no change 7"):
        plan_undo(applied, made, [7])


def test_what_was_not_read_is_not_taken_back():
    """Whether a key is still there cannot be told, so nothing is planned for it."""
    applied, made = apply(BEGUN, user("ann", key_status={"AKIA1": "Inactive"}))
    unread = Source(status="unknown", at=AT, note="ListAccessKeys was refused.")
    blind = replace(applied, access_keys={}, sources={**applied.sources, "ListAccessKeys": unread})
    [step] = plan_undo(blind, made).steps
    assert (step.state, step.said) == ("no way back", "ListAccessKeys was refused.")


NAMES = st.sampled_from(["ann", "bob", "cyd", "fay"])
POLICIES = st.dictionaries(st.sampled_from(["mine", "new"]), st.sampled_from([LOOK, ALL, DENY]))
SOME_GROUPS = st.sets(st.sampled_from(["Admins", "dev", "old"]), max_size=2).map(tuple)
ABSENT = st.builds(
    Absent,
    groups=SOME_GROUPS,
    tags=st.sampled_from([(), ("a",)]),
    inline_policies=st.sampled_from([(), ("mine",), ("new", "mine")]),
    permissions_boundary=st.booleans(),
)


def is_clear(holder):
    """Whether nothing is wanted and unwanted at once."""
    gone = {*holder.absent.inline_policies, *holder.absent.groups, *holder.absent.tags}
    wanted = {*holder.inline_policies, *getattr(holder, "groups", ()), *getattr(holder, "tags", ())}
    boundary = getattr(holder, "permissions_boundary", None)
    return not gone & wanted and not (boundary and holder.absent.permissions_boundary)


PEOPLE = st.lists(
    st.builds(
        DesiredUser,
        name=NAMES,
        path=st.sampled_from([None, "/x/"]),
        tags=st.dictionaries(st.sampled_from("ab"), st.sampled_from("12")),
        groups=SOME_GROUPS,
        inline_policies=POLICIES,
        permissions_boundary=st.sampled_from([None, "arn:aws:iam::aws:policy/AWSSupportAccess"]),
        access_key=st.booleans(),
        console_password=st.booleans(),
        key_status=st.dictionaries(
            st.sampled_from(["AKIA1", "AKIA2", "AKIA3"]), st.sampled_from(["Active", "Inactive"])
        ),
        absent=ABSENT,
    ).filter(is_clear),
    max_size=3,
    unique_by=lambda one: one.name,
).map(tuple)
WANTED = st.builds(
    Desired,
    users=PEOPLE,
    groups=st.lists(
        st.builds(
            DesiredGroup,
            name=st.sampled_from(["dev", "old", "ops"]),
            inline_policies=POLICIES,
            attached_policies=st.sampled_from([(), ("arn:aws:iam::aws:policy/AWSSupportAccess",)]),
            absent=st.builds(Absent, inline_policies=st.sampled_from([(), ("mine",)])),
        ).filter(is_clear),
        max_size=2,
        unique_by=lambda one: one.name,
    ).map(tuple),
    alias=st.sampled_from([None, "team", "crew"]),
    password_policy=st.dictionaries(
        st.sampled_from(["minimum_length", "max_age"]), st.integers(8, 90)
    ),
)


def keys_aside(account):
    """The account without keys that were made and switched off again."""
    keys = {
        name: tuple(k for k in keys if not k.id.startswith("AKIAMADE") or k.status == "Active")
        for name, keys in account.access_keys.items()
    }
    return replace(without_ids(account), access_keys={n: k for n, k in keys.items() if k})


@given(WANTED)
def test_any_plan_is_taken_back(wanted):
    """Applied and undone, the account is what it was, but for new keys, which are off."""
    applied, made = apply(BEGUN, wanted)
    undo = all_taken(applied, made)
    assert undo.left == ()
    back = account_after(applied, undo.plan.changes)
    assert keys_aside(back) == keys_aside(BEGUN)
    assert plan_undo(back, made, []).plan.changes == ()


@given(WANTED, st.data())
def test_a_part_is_taken_back_alone(wanted, data):
    """What is chosen comes back, and nothing else moves."""
    applied, made = apply(BEGUN, wanted)
    numbers = [one.number for one in made]
    chosen = data.draw(st.sets(st.sampled_from(numbers)) if numbers else st.just(set()))
    undo = plan_undo(applied, made, chosen)
    expected = applied
    for step in undo.steps:
        expected = account_after(expected, step.changes if step.taken else ())
    assert without_ids(account_after(applied, undo.plan.changes)) == without_ids(expected)


@given(WANTED, WANTED, st.data())
def test_a_change_is_judged_as_by_the_whole_account(wanted, since, data):
    """However little of it is looked at, and whatever was ticked before."""
    applied, made = apply(BEGUN, wanted)
    now, _ = apply(applied, since)
    numbers = [one.number for one in made]
    some = st.sets(st.sampled_from(numbers)) if numbers else st.just(set())
    judge = UndoJudge(now, made)
    judge.plan(data.draw(some))
    chosen = data.draw(some)
    ours = {str(one.change.arguments.get("AccessKeyId", "")) for one in made}
    deciding = deciding_facts(now, [one.change for one in made])
    state, expected = now, []
    for one in reversed(made):
        step = judge_step(state, one, ours, deciding)
        taken = one.number in chosen and bool(step.changes)
        state = account_after(state, step.changes if taken else ())
        expected.append(replace(step, taken=taken))
    assert list(judge.plan(chosen).steps) == expected


@given(WANTED, WANTED)
def test_of_two_wishes_the_later_holds(first, second):
    """An account that is as both want it together is as the second wants it."""
    together = merge([first, second])
    reached, _ = apply(BEGUN, together)
    assert make_plan(reached, second).changes == ()


def test_the_way_back_is_known_before_anything_is_read():
    """So that what it depends on can be read."""
    _, made = apply(BEGUN, NEW)
    wanted = way_back_of(made)
    assert (wanted.absent_users, wanted.absent_groups) == (("fay",), ("ops",))
    assert wanted.users == wanted.groups == ()


def test_what_was_changed_since_says_too_that_it_gives_access():
    """And so it wants consent, as what gives access does."""
    applied, made = apply(BEGUN, user("dan", inline_policies={"all": LOOK}))
    now, _ = apply(applied, user("dan", inline_policies={"all": ONE_BUCKET}))
    without = replace(now.users["dan"], permissions_boundary=None)
    now = replace(now, users={**now.users, "dan": without})
    undo = plan_undo(now, made, [1])
    [step] = undo.steps
    assert (step.state, step.taken) == ("changed since", True)
    assert "dan could do more" in step.said
    assert undo.plan.destructive == undo.plan.changes


def test_tags_by_which_a_policy_decides_ask_first():
    """Nobody compares what they would open."""
    by_tag = {
        "Statement": [
            {
                **LOOK["Statement"][0],
                "Condition": {"StringEquals": {"aws:PrincipalTag/team": "data"}},
            }
        ]
    }
    begun, _ = apply(BEGUN, user("ann", inline_policies={"team": by_tag}, tags={"team": "data"}))
    applied, made = apply(begun, user("ann", tags={"team": "web"}))
    [step] = plan_undo(applied, made).steps
    assert step.state == "gives access"


def test_a_key_that_leaked_is_not_offered():
    """AWS itself keeps its user in quarantine."""
    applied, made = apply(BEGUN, user("ann", key_status={"AKIA1": "Inactive"}))
    held = frozenset({"arn:aws:iam::aws:policy/AWSCompromisedKeyQuarantineV2"})
    ann = replace(applied.users["ann"], attached_policies=held)
    [step] = plan_undo(replace(applied, users={**applied.users, "ann": ann}), made).steps
    assert (step.state, "leaked" in step.said) == ("no way back", True)


def test_a_user_who_was_made_again_in_another_case_is_left_alone():
    """IAM tells no names apart by case; whether it is the same user nobody knows."""
    applied, made = apply(BEGUN, Desired(users=(DesiredUser(name="fay"),)))
    others = {name: one for name, one in applied.users.items() if name != "fay"}
    now = replace(applied, users={**others, "FAY": replace(applied.users["fay"], name="FAY")})
    [step] = plan_undo(now, made).steps
    assert not step.taken
