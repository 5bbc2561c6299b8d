"""What a plan means for people, in sentences; and the account as it would be."""

from dataclasses import replace

from accounts import READ
from escalation_cases import World, document

from iamkit.account.state import AccessKey, AccountState, Group, LoginProfile, User
from iamkit.plan.changes import make_plan
from iamkit.plan.consequences import say_meaning, say_paths_of
from iamkit.plan.desired import (
    Absent,
    Desired,
    DesiredGroup,
    DesiredUser,
)
from iamkit.plan.operations import NEW_ID
from iamkit.plan.preview import account_after
from iamkit.plan.wanted import (
    account_alias,
    admin_group,
    dev_group,
    team_users,
)
from iamkit.policies.self_management import self_management_policy

EMPTY = AccountState(account_id="000000000000", sources=READ)
LOOK = {"Version": "2012-10-17", "Statement": [_LOOK := {"Effect": "Allow", "Resource": "*"}]}
_LOOK["Action"] = "ec2:Describe*"
LARGER = {"Version": "2012-10-17", "Statement": [_LOOK | {"Action": "ec2:*"}]}


def said(state, desired):
    return say_meaning(state, make_plan(state, desired))


def after(state, desired):
    return account_after(state, make_plan(state, desired).changes)


def test_the_first_admin_is_called_an_administrator(guide):
    """Everything on everything is not listed action by action."""
    assert said(EMPTY, admin_group(guide("02_admin_group"))) == [
        "alice will be able to do everything in this account, as administrator.",
        "alice will get an access key, for programs.",
    ]


def test_a_group_without_members_is_said_to_be_empty(guide):
    """Its policy is told, for whoever joins."""
    (sentence,) = said(EMPTY, dev_group(guide("03_dev_group")))
    assert sentence.startswith("Nobody is in group dev yet.")
    assert "Amazon EC2" in sentence


def test_those_for_whom_the_same_changes_share_a_sentence(guide):
    """Two developers who join are one sentence; keys and passwords are others."""
    state = after(EMPTY, dev_group(guide("03_dev_group")))
    sentences = said(state, team_users(guide("04_users")))
    assert len(sentences) == 4
    assert all(sentence.startswith("bob and carol will") for sentence in sentences)

    assert "see most of Amazon EC2" in sentences[0]


def test_who_cannot_pass_the_first_sign_in_is_named(guide):
    """The guide's developers must change the password, and may not until something lets them."""
    state = after(EMPTY, dev_group(guide("03_dev_group")))
    users = team_users(guide("04_users"))
    stopped = "bob and carol will be stopped at the first sign-in"
    assert any(sentence.startswith(stopped) for sentence in said(state, users))
    lets = Desired(
        groups=(
            DesiredGroup(name="dev", inline_policies={"own": self_management_policy("offered")}),
        )
    )
    fine = "bob and carol will be able to sign in, choose a password, enrol MFA and begin to work."
    assert fine in said(after(state, lets), users)


def test_a_new_program_that_could_not_work_is_named():
    """A key alone opens nothing in a group that demands MFA, and one that works is not news."""
    own = {"own": self_management_policy("demanded"), "look": LOOK}
    state = replace(
        EMPTY,
        groups={
            "dev": Group(name="dev", inline_policies=own),
            "bots": Group(name="bots", inline_policies={"look": LOOK}),
        },
    )
    users = tuple(
        DesiredUser(name=name, groups=(group,), access_key=True)
        for name, group in (("crawler", "dev"), ("backup", "bots"))
    )
    told = said(state, Desired(users=users))
    stopped = "crawler will not be able to work with an access key, and has no other way in: "
    (one,) = (one for one in told if one.startswith(stopped))
    assert one.endswith("is denied by group dev > inline own > NothingElseWithoutMFA.")
    assert not any("backup will be able to work" in one for one in told)


def test_members_of_a_group_whose_policy_changes_are_named():
    """Who gains by a group's policy is told though no change names them."""
    group = Group(name="dev", inline_policies={"p": LOOK})
    users = {name: User(name=name, groups=frozenset(["dev"])) for name in ("ann", "ben")}
    state = replace(EMPTY, users=users, groups={"dev": group})
    wider = DesiredGroup(name="dev", inline_policies={"p": LARGER})
    (sentence,) = said(state, Desired(groups=(wider,)))
    assert sentence.startswith("ann and ben will be able to")
    narrower = DesiredGroup(name="dev", inline_policies={"p": LOOK})
    state = replace(state, groups={"dev": replace(group, inline_policies={"p": LARGER})})
    (sentence,) = said(state, Desired(groups=(narrower,)))
    assert sentence.startswith("ann and ben will no longer be able to")


def test_who_leaves_is_said_first_and_what_they_are_not_if_made_again():
    """A removal is no detail among others, and what does not come back is said before it."""
    keys = {"bob": (AccessKey(id="AKIAEXAMPLE"),)}
    state = replace(EMPTY, users={"bob": User(name="bob")}, access_keys=keys)
    assert said(state, Desired(absent_users=("bob",))) == [
        "bob will be gone, with everything of theirs.",
        (
            "A file that is written first makes them again (iamkit undo), with path, tags, groups, "
            "policies and boundary."
        ),
        (
            "Not all would be as before after an undo: delete user (bob). "
            f"{NEW_ID[:1].upper()}{NEW_ID[1:]}."
        ),
    ]
    assert after(state, Desired(absent_users=("bob",))).users == {}


def test_what_cannot_be_taken_back_is_said_before_it_is_done():
    """A password, a device: by the call, with whom it is about and the reason."""
    state = replace(
        EMPTY,
        users={name: User(name=name) for name in ("ann", "bob")},
        login_profiles=dict.fromkeys(("ann", "bob"), LoginProfile(reset_required=False)),
    )
    gone = tuple(
        DesiredUser(name=name, make=False, absent=Absent(password=True)) for name in ("ann", "bob")
    )
    [sentence] = said(state, Desired(users=gone))
    assert sentence.startswith("There is no undo for this: delete login profile (ann and bob). ")
    assert "Nobody can read a password" in sentence


def test_the_sign_in_address_is_told_with_the_one_that_stops(guide):
    """Replacing an alias breaks bookmarks, and says so."""
    wanted = account_alias(guide("05_account_alias"))
    limit, sentence = said(replace(EMPTY, alias="old-name"), wanted)
    assert "Another account may have taken old-name meanwhile" in limit
    assert "https://maestrodev.signin.aws.amazon.com/console" in sentence
    assert "old-name" in sentence
    assert "stops working" in sentence


def test_an_empty_plan_means_nothing():
    """Nothing to do is not explained."""
    assert said(EMPTY, Desired()) == []


def test_a_removed_user_and_group_are_planned_once():
    """A member who goes too is not taken out of the group a second time."""
    users = {"bob": User(name="bob", groups=frozenset(["dev"]))}
    state = replace(EMPTY, users=users, groups={"dev": Group(name="dev")})
    both = Desired(absent_users=("bob",), absent_groups=("dev",))
    changes = make_plan(state, both).changes
    assert [c.operation for c in changes].count("remove_user_from_group") == 1
    assert after(state, both).groups == {}


def test_what_was_not_read_is_said_before_what_is_known():
    """Of who hangs on a group that nobody described it is not claimed that all is told."""
    users = {"ann": User(name="ann", groups=frozenset(["dev", "gone"]))}
    state = replace(EMPTY, users=users, groups={"dev": Group(name="dev")})
    wanted = Desired(groups=(DesiredGroup(name="dev", inline_policies={"p": LOOK}),))
    first, second = said(state, wanted)
    assert first == (
        "What ann will be able to do cannot be told in full, for want of the policies of group "
        "gone, which were not read."
    )
    assert second.startswith("ann will be able to")


def test_a_way_to_an_administrators_rights_that_a_plan_opens_or_closes_is_said():
    """Those who get it share a sentence, which names how; taken away again, that is said too."""
    state = World({"bob": ["allow s3:*"]}).state
    users = state.users | {"carol": replace(state.users["bob"], name="carol", arn="")}
    state = replace(state, users=users, sources=READ)
    opening = document(["allow iam:PutUserPolicy on user/carol", "allow iam:CreateAccessKey"])
    group = DesiredGroup(name="team", inline_policies={"p": opening})
    sentences = said(state, Desired(groups=(group,)))
    key = "make an access key for ada, who is an administrator"
    assert f"bob will be able to become administrator: {key}; or write carol" in sentences[1]
    assert sentences[2].startswith("carol will be able to become administrator: write itself an")
    before = after(state, Desired(groups=(group,)))
    closing = DesiredGroup(name="team", inline_policies={"p": document(["allow s3:Get*"])})
    assert any(
        one.startswith("bob will no longer be able to become administrator by this: make an")
        for one in said(before, Desired(groups=(closing,)))
    )


def test_a_new_administrator_opens_ways_to_those_who_manage_keys():
    """A plan that only adds a user may make another one as strong."""
    state = replace(World({"bob": ["allow iam:CreateAccessKey on user/zoe"]}).state, sources=READ)
    zoe = DesiredUser(name="zoe", inline_policies={"p": document(["allow *"])})
    assert (
        "bob will be able to become administrator: make an access key for zoe, who is an "
        "administrator."
    ) in said(state, Desired(users=(zoe,)))


def test_a_policy_without_a_holder_is_told_for_whoever_gets_it():
    """In the studio nobody needs to have a policy yet; nor has anybody who is in no group."""
    state = World({}).state
    policies = {"p": document(["allow iam:PutUserPolicy"])}
    empty = DesiredGroup(name="empty", inline_policies=policies)
    for wanted in (None, empty):
        (sentence,) = say_paths_of(state, policies, wanted)
        assert sentence.startswith("whoever gets it will be able to become administrator: write")
    assert list(say_paths_of(state, {"p": document(["allow s3:*"])})) == []


def test_a_way_that_depends_is_said_with_what_it_depends_on():
    """Whether an administrator has room for a key was not read: it may be, and why is said."""
    state = replace(World({}).state, access_keys={}, sources={})
    policies = {"p": document(["allow iam:CreateAccessKey on user/ada"])}
    (sentence,) = say_paths_of(state, policies)
    assert sentence == (
        "whoever gets it may be able to become administrator: make an access key for ada, who is "
        "an administrator (it depends on the access keys of user ada, which were not read)."
    )


def test_a_key_that_stops_or_works_again_is_said():
    """Whatever uses it stops as well; of who is deleted that goes without saying."""
    keys = {"ann": (AccessKey(id="AKIA1"), AccessKey(id="AKIA2", status="Inactive"))}
    state = replace(EMPTY, users={"ann": User(name="ann")}, access_keys=keys)
    status = {"AKIA1": "Inactive", "AKIA2": "Active"}
    wanted = Desired(users=(DesiredUser(name="ann", make=False, key_status=status),))
    assert said(state, wanted) == [
        "Access key AKIA1 of ann will stop working, and whatever uses it with it.",
        "Access key AKIA2 of ann will work again.",
    ]
    assert not any("AKIA" in one for one in said(state, Desired(absent_users=("ann",))))
