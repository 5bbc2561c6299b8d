"""The guard at the door: no plan locks everybody out, or its caller, without being told."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from accounts import ACCOUNT, account_of
from hypothesis import given, strategies as st

from iamkit.account.state import CallerIdentity, LoginProfile, MfaDevice, Role, Source
from iamkit.aws.sources import OF_USERS
from iamkit.plan.changes import make_plan
from iamkit.plan.desired import Absent, Desired, DesiredGroup, DesiredRole, DesiredUser
from iamkit.plan.lockout import (
    Caller,
    administrators,
    caller_of,
    consent_to,
    find_lockout,
    may_lock_out,
)
from iamkit.plan.merging import merge

ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
AT = datetime(2026, 3, 1, tzinfo=UTC)
READ = {"Statement": [{"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}]}
ALL = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
IAM = {"Statement": [{"Effect": "Allow", "Action": ["iam:*", "s3:*"], "Resource": "*"}]}
NONE = {"Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}
NO_IAM = {"Statement": [{"Effect": "Deny", "Action": "iam:*", "Resource": "*"}]}
WITH_MFA = {
    "Statement": [
        {
            "Effect": "Deny",
            "NotAction": "sts:*",
            "Resource": "*",
            "Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}},
        }
    ]
}
BOUND = f"arn:aws:iam::{ACCOUNT}:policy/bound"
WIDE = f"arn:aws:iam::{ACCOUNT}:policy/wide"


def company(**more):
    """Ann alone administers, by her group, with a key and no password; eve and bob do not."""
    people = [
        {
            "name": "ann",
            "groups": ["Admins"],
            "keys": [{"id": "AKIA1", "age": 5}, {"id": "AKIA2", "age": 5}],
        },
        {"name": "bob", "groups": ["dev"], "keys": [{"id": "AKIA3", "age": 5}]},
        {"name": "eve", "groups": ["Admins"]},
    ]
    given = {
        "users": [*people, *more.get("users", ())],
        "groups": [
            {"name": "Admins", "inline": {"all": ALL}},
            {"name": "dev", "inline": {"read": READ}},
            {"name": "barred", "inline": {"none": NO_IAM}},
        ],
        "policies": [
            {"arn": BOUND, "document": READ},
            {"arn": WIDE, "document": ALL},
            {"arn": ADMINISTRATOR, "document": ALL},
        ],
    }
    everyone = Source(status="read", at=AT)
    state = account_of(given)
    off = replace(state.access_keys["ann"][1], status="Inactive")
    keys = {**state.access_keys, "ann": (state.access_keys["ann"][0], off)}
    sources = {**state.sources, **dict.fromkeys(OF_USERS, everyone)}
    signing_in = [one["name"] for one in given["users"] if "password" in one]
    profiles = dict.fromkeys(signing_in, LoginProfile(reset_required=False))
    return replace(state, access_keys=keys, login_profiles=profiles, sources=sources)


BEGUN = company()
ROOT, ANN, BOB = Caller("", "AKIA0"), Caller("ann", "AKIA1"), Caller("bob", "AKIA3")


def user(name="ann", **facts):
    return Desired(users=(DesiredUser(name=name, make=False, **facts),))


def group(name="Admins", **facts):
    return Desired(groups=(DesiredGroup(name=name, make=False, **facts),))


def problems(desired, caller=ROOT, state=BEGUN):
    changes = make_plan(state, desired).changes
    assert changes
    return find_lockout(state, changes, caller)


OUT = {
    "the last administrator is deleted": Desired(absent_users=("ann",)),
    "leaves the group": user(absent=Absent(groups=("Admins",))),
    "the group is deleted": Desired(absent_groups=("Admins",)),
    "the group's policy is deleted": group(absent=Absent(inline_policies=("all",))),
    "the group's policy is overwritten": group(inline_policies={"all": READ}),
    "everything is denied to the user": user(inline_policies={"none": NONE}),
    "IAM is denied to the group": group(inline_policies={"none": NO_IAM}),
    "a boundary lets nothing through": user(permissions_boundary=BOUND),
    "the only key that works is switched off": user(key_status={"AKIA1": "Inactive"}),
    "joins a group that is barred": user(groups=("barred",)),
    "MFA is demanded of who may have none": group(inline_policies={"mfa": WITH_MFA}),
    "several small steps together": Desired(
        users=(
            DesiredUser(name="ann", make=False, groups=("dev",), absent=Absent(groups=("Admins",))),
        ),
        absent_groups=("Admins",),
    ),
}
"""Twelve ways to lock oneself out."""


@pytest.mark.parametrize("desired", OUT.values(), ids=OUT)
def test_a_plan_that_leaves_no_administrator_is_told(desired):
    """Whoever applies it: with the names of those who administer now."""
    [said] = problems(desired)
    assert "administer the account" in said
    assert "ann" in said
    assert may_lock_out(BEGUN, make_plan(BEGUN, desired).changes)


OWN = {
    "the caller is deleted": (Desired(absent_users=("ann",)), "would be gone"),
    "the caller's key is switched off": (
        user(key_status={"AKIA1": "Inactive"}),
        "Your own access key AKIA1",
    ),
    "the caller leaves the group": (user(absent=Absent(groups=("Admins",))), "iam:AddUserToGroup"),
    "the caller's group is changed": (group(inline_policies={"all": READ}), "iam:PutGroupPolicy"),
}


@pytest.mark.parametrize(("desired", "said"), OWN.values(), ids=OWN)
def test_a_caller_who_would_lose_the_way_back_is_told(desired, said):
    """Although another administrator stays."""
    zoe = {"name": "zoe", "attached": [ADMINISTRATOR], "keys": [{"id": "AKIA9", "age": 5}]}
    state = company(users=[zoe])
    [found] = problems(desired, ANN, state)
    assert said in found
    assert problems(desired, ROOT, state) == ()


SAFE = {
    "another administrator stays": (
        Desired(absent_users=("ann",)),
        [{"name": "zoe", "attached": [ADMINISTRATOR], "keys": [{"id": "AKIA9", "age": 5}]}],
    ),
    "a key that is off is deleted with its user": (Desired(absent_users=("bob",)), []),
    "the policy becomes one that is as wide where it matters": (
        group(inline_policies={"all": IAM}),
        [],
    ),
    "who is none leaves": (user("eve", absent=Absent(groups=("Admins",))), []),
    "the boundary lets all through": (user(permissions_boundary=WIDE), []),
    "a key goes and a password stays": (
        user(key_status={"AKIA1": "Inactive"}),
        [{"name": "pia", "groups": ["Admins"], "password": {"used": 1, "changed": 9}}],
    ),
}


@pytest.mark.parametrize(("desired", "more"), SAFE.values(), ids=SAFE)
def test_harmless_look_alikes_pass(desired, more):
    """Nothing is asked of whom nobody is locked out by."""
    state = company(users=more)
    assert problems(desired, ROOT, state) == ()


def test_an_account_that_nobody_administers_asks_nothing():
    """Before the first administrator is made there is nobody to lose."""
    state = replace(BEGUN, groups={**BEGUN.groups, "Admins": replace(BEGUN.groups["dev"])})
    assert problems(Desired(absent_users=("ann",)), ROOT, state) == ()


def test_credentials_that_were_not_read_leave_it_open():
    """Who perhaps has a key is no assurance where ann had one for sure."""
    zoe = {"name": "zoe", "attached": [ADMINISTRATOR], "keys": [{"id": "AKIA9", "age": 5}]}
    state = company(users=[zoe])
    unread = Source(status="read", at=AT, asked=frozenset({"ann"}))
    keys = {"ann": state.access_keys["ann"]}
    blind = replace(state, access_keys=keys, sources={**state.sources, "ListAccessKeys": unread})
    [said] = find_lockout(blind, make_plan(state, OUT["leaves the group"]).changes, ROOT)
    assert "cannot be told" in said
    assert "zoe perhaps could" in said


def test_what_only_gives_is_not_looked_at():
    """New users, new groups, policies that deny nothing: no reading is spent on them."""
    desired = Desired(
        groups=(DesiredGroup(name="ops", inline_policies={"look": READ}),),
        users=(DesiredUser(name="fay", groups=("ops",), access_key=True),),
        alias="team",
    )
    assert not may_lock_out(BEGUN, make_plan(BEGUN, desired).changes)
    denying = group("dev", inline_policies={"none": NONE})
    assert may_lock_out(BEGUN, make_plan(BEGUN, denying).changes)


def test_administrators_are_named_with_the_surest_first():
    """Who may only perhaps comes after who may."""
    pat = {"name": "aaa", "inline": {"x": ALL, "mfa": WITH_MFA}}
    assert administrators(company(users=[pat])) == ["ann", "eve", "aaa"]


def test_a_consent_is_of_one_plan():
    """Another plan, or another account, has another."""
    one, other = (make_plan(BEGUN, OUT[key]).changes for key in list(OUT)[:2])
    words = {consent_to(ACCOUNT, one), consent_to(ACCOUNT, other), consent_to("1" * 12, one)}
    assert len(words) == 3
    again = make_plan(BEGUN, next(iter(OUT.values()))).changes
    assert consent_to(ACCOUNT, again) in words


@pytest.mark.parametrize(
    ("arn", "name", "role"),
    [
        (f"arn:aws:iam::{ACCOUNT}:user/people/ann", "ann", ""),
        (f"arn:aws:iam::{ACCOUNT}:root", "", ""),
        (f"arn:aws:sts::{ACCOUNT}:assumed-role/ann/bob", "", "ann"),
        (f"arn:aws:sts::{ACCOUNT}:federated-user/ann", "", ""),
    ],
)
def test_the_caller_is_a_user_or_a_role_or_none(arn, name, role):
    """A session of a role may bear a user's name and is none."""
    identity = CallerIdentity(account_id=ACCOUNT, arn=arn, user_id="X")
    assert caller_of(identity, "AKIA1") == Caller(name, "AKIA1", role)


def with_role(principal):
    """The company with a role that administers, and whom it lets in."""
    trust = {"Statement": [{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}]}
    boss = Role(name="boss", inline_policies={"all": ALL}, trust_policy=trust)
    return replace(BEGUN, roles={"boss": boss})


@pytest.mark.parametrize(
    "principal",
    [
        {"Federated": f"arn:aws:iam::{ACCOUNT}:saml-provider/staff"},
        {"AWS": "arn:aws:iam::111122223333:root"},
        {"AWS": f"arn:aws:iam::{ACCOUNT}:user/bob", "Service": "ec2.amazonaws.com"},
        "*",
    ],
)
def test_whom_a_role_lets_in_cannot_be_told(principal):
    """Neither is it said that nobody is left, nor that somebody is."""
    [said] = problems(OUT["leaves the group"], ROOT, with_role(principal))
    assert "cannot be told" in said
    assert "role boss perhaps could" in said


def test_a_role_for_services_is_for_no_people():
    """Nobody comes in by it."""
    [said] = problems(OUT["leaves the group"], ROOT, with_role({"Service": "ec2.amazonaws.com"}))
    assert "Nobody would be left" in said


def test_the_callers_own_role_is_open_to_somebody():
    """Who works by a role that administers stays, and is told what they would lose of it."""
    state = with_role({"Federated": f"arn:aws:iam::{ACCOUNT}:saml-provider/staff"})
    boss = Caller("", "ASIA1", "boss")
    assert problems(OUT["leaves the group"], boss, state) == ()
    less = Desired(roles=(DesiredRole(name="boss", inline_policies={"all": READ}),))
    [own] = problems(less, boss, state)
    assert "You, role boss, would no longer surely be allowed" in own


TEAM = {"aws:PrincipalTag/team": "ops"}
BY_TAG = {
    "allowed by it": [{"Effect": "Allow", "Condition": {"StringEquals": TEAM}}],
    "denied without it": [
        {"Effect": "Allow"},
        {"Effect": "Deny", "Condition": {"StringNotEquals": TEAM}},
    ],
}


@pytest.mark.parametrize("statements", BY_TAG.values(), ids=BY_TAG)
@pytest.mark.parametrize(
    "desired",
    [user(tags={"team": "dev"}), user(absent=Absent(tags=("team",)))],
    ids=["changed", "taken away"],
)
def test_a_tag_by_which_a_policy_decides_is_looked_at(statements, desired):
    """Who administers by a tag does not any more when it goes."""
    document = {"Statement": [{**one, "Action": "*", "Resource": "*"} for one in statements]}
    admins = replace(BEGUN.groups["Admins"], inline_policies={"all": document})
    tagged = replace(BEGUN.users["ann"], tags={"team": "ops"})
    state = replace(
        BEGUN,
        groups={**BEGUN.groups, "Admins": admins},
        users={**BEGUN.users, "ann": tagged},
    )
    assert may_lock_out(state, make_plan(state, desired).changes)
    nobody, own = problems(desired, ANN, state)
    assert "Nobody would be left" in nobody
    assert "You, ann, would no longer surely be allowed" in own


def without_a_device(*, key, enrols, other=""):
    """Problems of a plan that takes the device of ann, of whom MFA is demanded."""
    kept = "iam:*MFADevice" if enrols else "sts:GetSessionToken"
    demand = [{**WITH_MFA["Statement"][0], "NotAction": kept}]
    if key == "plain":
        demand[0]["Condition"] = {"Bool": {"aws:MultiFactorAuthPresent": "false"}}
    admins = replace(
        BEGUN.groups["Admins"], inline_policies={"all": ALL, "mfa": {"Statement": demand}}
    )
    devices = [MfaDevice(serial=one) for one in (PHONE, other) if one]
    state = replace(
        BEGUN,
        groups={**BEGUN.groups, "Admins": admins},
        mfa_devices={"ann": tuple(devices)},
        login_profiles={"ann": LoginProfile(reset_required=False)},
        access_keys=BEGUN.access_keys if key else {},
        sources={**BEGUN.sources, "ListMFADevices": Source(status="read", at=AT)},
    )
    changes = make_plan(state, user(absent=Absent(mfa_devices=(PHONE,))))
    return find_lockout(state, changes.changes, ROOT)


PHONE = f"arn:aws:iam::{ACCOUNT}:mfa/phone"


def test_the_last_administrator_keeps_a_way_to_show_mfa():
    """A device goes if another stays, a new one may be registered, or a plain key is enough."""
    (said,) = without_a_device(key="", enrols=False)
    assert "Nobody would be left" in said
    (said,) = without_a_device(key="demanded", enrols=False)
    assert "Nobody would be left" in said
    assert without_a_device(key="", enrols=True) == ()
    assert without_a_device(key="plain", enrols=False) == ()
    assert without_a_device(key="", enrols=False, other=f"{PHONE}2") == ()


@given(st.lists(st.sampled_from(list(OUT.values())), min_size=1, max_size=3))
def test_more_of_what_locks_out_never_makes_it_safe(some):
    """Plans that lock out do so together too."""
    changes = make_plan(BEGUN, merge(some)).changes
    if may_lock_out(BEGUN, changes):
        assert find_lockout(BEGUN, changes, ROOT)


@pytest.mark.parametrize(
    ("changed", "said"),
    [(400, "Nobody would be left"), (None, "cannot be told"), (10, "")],
    ids=["old", "of unknown age", "new"],
)
def test_who_is_left_with_an_expired_password_administers_nothing(changed, said):
    """Where whoever lets it expire is locked out; a password that may have is perhaps one."""
    state = company(users=[{"name": "fay", "groups": ["Admins"], "password": {"changed": changed}}])
    off = replace(state.access_keys["ann"][0], status="Inactive")
    state = replace(state, access_keys={**state.access_keys, "ann": (off,)})
    changes = make_plan(
        state, Desired(password_policy={"max_age": 90, "hard_expiry": True})
    ).changes
    assert may_lock_out(state, changes)
    found = find_lockout(state, changes, ROOT)
    assert [said in one for one in found] == [True] * bool(said)
    soft = make_plan(state, Desired(password_policy={"max_age": 90})).changes
    assert find_lockout(state, soft, ROOT) == ()
