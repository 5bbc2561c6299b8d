"""Planning: pure, in an order that AWS accepts, and empty once it is reached."""

import shlex
import time
from dataclasses import replace

import pytest
from accounts import READ
from changes import change
from hypothesis import given, strategies as st

from iamkit.account.state import (
    AccessKey,
    AccountState,
    Credential,
    Group,
    LoginProfile,
    ManagedPolicy,
    MfaDevice,
    PasswordPolicy,
    PolicyVersion,
    Role,
    Source,
    User,
)
from iamkit.errors import InputError, UnsafePlan
from iamkit.plan.changes import make_plan
from iamkit.plan.desired import (
    OF_LEAVERS,
    Absent,
    Desired,
    DesiredGroup,
    DesiredRole,
    DesiredUser,
)
from iamkit.plan.operations import OPERATIONS
from iamkit.plan.preview import account_after
from iamkit.policies import allow, policy

ADMIN = policy(allow("*"))
LOOK = policy(allow("ec2:Describe*"))
EMPTY = AccountState(account_id="000000000000", sources=READ)
DEV = Group(name="dev", inline_policies={"look": LOOK})


def operations(plan):
    return [each.operation for each in plan.changes]


def user(name="bob", **facts):
    return User(name=name, **facts)


def account(*users, groups=(DEV,), **facts):
    """An account that was read whole; what belongs to a user is named by its field and user."""
    return replace(
        EMPTY, users={u.name: u for u in users}, groups={g.name: g for g in groups}, **facts
    )


def test_a_group_comes_before_its_policy_and_its_members():
    """Creates are in an order in which each call finds what it refers to; the key comes last."""
    desired = Desired(
        groups=(DesiredGroup(name="Admins", inline_policies={"p": ADMIN}),),
        users=(
            DesiredUser(name="alice", groups=("Admins",), access_key=True, console_password=True),
        ),
    )
    assert operations(make_plan(EMPTY, desired)) == [
        "create_group",
        "put_group_policy",
        "create_user",
        "add_user_to_group",
        "create_login_profile",
        "create_access_key",
    ]


@pytest.mark.parametrize(
    ("hand_over", "way"),
    [
        ("", ""),
        ("secretsmanager", "the {} goes to AWS Secrets Manager"),
        ("age1abc" + "q" * 50 + "xyz34", "the {} goes encrypted to age1abc…qxyz34"),
        (
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA/L bob@laptop",
            "the {} goes encrypted to ssh-ed25519 …AAAA/L",
        ),
    ],
    ids=["private", "manager", "age", "ssh"],
)
def test_the_plan_says_where_a_credential_goes(hand_over, way):
    """In the reason of the call that makes it, the same each time the plan is made."""
    wanted = DesiredUser(name="bob", access_key=True, console_password=True, hand_over=hand_over)
    desired = Desired(users=(wanted,))
    plan = make_plan(EMPTY, desired)
    assert [each.reason for each in plan.changes] == [
        "",
        *(way.format(what) for what in ("password", "key")),
    ]
    assert make_plan(EMPTY, desired) == plan
    assert hand_over == "" or hand_over not in repr(plan.commands)


def test_what_is_equal_is_adopted():
    """A group with a policy of the same meaning is left as it is."""
    single = {"Effect": "Allow", "Action": "ec2:Describe*", "Resource": ["*"]}
    same = {"Version": "2012-10-17", "Statement": single}
    desired = Desired(groups=(DesiredGroup(name="dev", inline_policies={"look": same}),))
    assert make_plan(account(), desired).changes == ()


def test_what_differs_is_an_update_with_its_old_value():
    """A changed policy shows what was there before."""
    desired = Desired(groups=(DesiredGroup(name="dev", inline_policies={"look": ADMIN}),))
    [only] = make_plan(account(), desired).changes
    assert (only.verb, only.operation, only.before) == ("update", "put_group_policy", LOOK)
    assert not only.destructive


def test_nothing_is_deleted_by_omission():
    """Users, groups, policies and tags that are not named are left alone."""
    current = account(user(tags={"a": "1"}, groups=frozenset({"dev"})), alias="name")
    desired = Desired(users=(DesiredUser(name="bob", tags={"b": "2"}),))
    assert operations(make_plan(current, desired)) == ["tag_user"]


def test_a_leaving_users_belongings_go_in_the_order_of_aws():
    """Everything that DeleteUser would trip over goes first, keys after they are switched off."""
    virtual = "arn:aws:iam::000000000000:mfa/bob"
    theirs = {
        "access_keys": (AccessKey(id="AKIA1"),),
        "login_profiles": LoginProfile(reset_required=True),
        "mfa_devices": (MfaDevice(serial=virtual), MfaDevice(serial="GAHT12345678")),
        "ssh_public_keys": (Credential(id="APKA1"),),
        "signing_certificates": (Credential(id="CERT1"),),
        "service_credentials": (Credential(id="ACCA1"),),
    }
    leaving = user(
        groups=frozenset({"dev"}),
        inline_policies={"own": LOOK},
        attached_policies=frozenset({"arn:aws:iam::aws:policy/X"}),
        permissions_boundary="arn:aws:iam::aws:policy/Y",
    )
    current = account(leaving, **{field: {"bob": one} for field, one in theirs.items()})
    plan = make_plan(current, Desired(absent_users=("bob",)))
    assert operations(plan) == [
        "remove_user_from_group",
        "update_access_key",
        "delete_access_key",
        "delete_ssh_public_key",
        "deactivate_mfa_device",
        "delete_virtual_mfa_device",
        "deactivate_mfa_device",
        "delete_login_profile",
        "delete_signing_certificate",
        "delete_service_specific_credential",
        "delete_user_policy",
        "detach_user_policy",
        "delete_user",
    ]
    with pytest.raises(UnsafePlan, match="allow_destructive"):
        plan.raise_if_unsafe()
    plan.raise_if_unsafe(allow_destructive=True)


def test_a_group_goes_after_its_members_and_policies():
    """Members leave and policies go before the group does."""
    current = account(user(groups=frozenset({"dev"})))
    plan = make_plan(current, Desired(absent_groups=("dev", "never")))
    assert operations(plan) == ["remove_user_from_group", "delete_group_policy", "delete_group"]
    assert plan.notes == ("Group never is to be removed and is not there.",)


@pytest.mark.parametrize(
    ("current", "verb"), [(None, "create"), ("other", "replace"), ("team", None)]
)
def test_another_alias_is_replaced_and_that_is_destructive(current, verb):
    """An alias is made, kept, or replaced, which needs to be allowed."""
    plan = make_plan(replace(EMPTY, alias=current), Desired(alias="team"))
    assert [each.verb for each in plan.changes] == ([verb] if verb else [])
    assert bool(plan.destructive) == (verb == "replace")


def test_an_orphan_key_is_healed_without_asking():
    """A key that an interrupted run lost is switched off, deleted and replaced."""
    orphan = account(user(), access_keys={"bob": (AccessKey(id="AKIA1", orphan=True),)})
    plan = make_plan(orphan, Desired(users=(DesiredUser(name="bob", access_key=True),)))
    assert operations(plan) == ["update_access_key", "delete_access_key", "create_access_key"]
    plan.raise_if_unsafe()


def test_a_key_that_is_not_in_the_store_is_left_and_noted():
    """Keys of somebody else's making are adopted, and named."""
    current = account(user(), access_keys={"bob": (AccessKey(id="AKIA1"),)})
    plan = make_plan(current, Desired(users=(DesiredUser(name="bob", access_key=True),)))
    assert plan.changes == ()
    assert "AKIA1" in plan.notes[0]


def test_a_group_that_is_not_there_yet_blocks_the_apply():
    """Users can be planned before their group is made, and not applied."""
    plan = make_plan(EMPTY, Desired(users=(DesiredUser(name="bob", groups=("dev",)),)))
    with pytest.raises(UnsafePlan, match="Group dev is not there yet"):
        plan.raise_if_unsafe()


def test_quotas_are_told_before_any_call():
    """Eleven groups, or inline policies of more than 5,120 characters, are refused."""
    groups = tuple(f"g{i}" for i in range(11))
    with pytest.raises(InputError, match="11 groups"):
        make_plan(EMPTY, Desired(users=(DesiredUser(name="bob", groups=groups),)))
    big = policy(*(allow("ec2:Describe*", sid=f"S{'x' * 90}{i}") for i in range(40)))
    twice = {"look2": big}
    with pytest.raises(InputError, match="5,120"):
        make_plan(account(), Desired(groups=(DesiredGroup(name="dev", inline_policies=twice),)))


def test_a_tag_too_many_is_told_before_any_call():
    """Those that are there count, but those that go or get another value; IAM ignores case."""
    full = account(replace(user(), tags={f"t{n}": "x" for n in range(50)}))
    one = DesiredUser(name="bob", tags={"new": "x"})
    with pytest.raises(InputError, match="51 tags"):
        make_plan(full, Desired(users=(one,)))
    instead = replace(one, absent=Absent(tags=("t0",)))
    assert make_plan(full, Desired(users=(instead,))).changes
    assert make_plan(full, Desired(users=(replace(one, tags={"T1": "y"}),))).changes
    assert make_plan(full, Desired(users=(replace(one, tags={}),)))


def test_a_name_that_differs_by_case_alone_is_refused():
    """IAM ignores case: Bob cannot be made beside bob."""
    with pytest.raises(InputError, match="'bob'"):
        make_plan(account(user()), Desired(users=(DesiredUser(name="Bob"),)))


NAMES = st.text("abcXYZ019_+=,.@-", min_size=1, max_size=8)


@given(NAMES, NAMES, st.randoms(use_true_random=False))
def test_a_name_that_is_referred_to_may_be_written_in_any_case(person, team, random):
    """Leavers, memberships and holders of a policy: the plan is the same, in the account's case."""

    def other(name):
        return "".join(random.choice((c.lower(), c.upper())) for c in name)

    groups = (Group(name=team, inline_policies={"look": LOOK}),)
    member = account(user(person, groups=frozenset({team})), groups=groups)
    alone = account(user(person), groups=groups)
    for current, as_there, otherwise in (
        (member, Desired(absent_users=(person,)), Desired(absent_users=(other(person),))),
        (member, Desired(absent_groups=(team,)), Desired(absent_groups=(other(team),))),
        (
            alone,
            Desired(users=(DesiredUser(name=person, groups=(team,)),)),
            Desired(users=(DesiredUser(name=person, groups=(other(team), other(team))),)),
        ),
        (
            alone,
            held("user", person),
            held("user", other(person)),
        ),
        (
            alone,
            held("group", team),
            held("group", other(team)),
        ),
    ):
        expected, plan = make_plan(current, as_there), make_plan(current, otherwise)
        assert plan.changes == expected.changes
        assert (plan.blockers, plan.doubts) == ((), ())
        assert plan.desired == otherwise
    assert Desired(absent_users=(person,)).operations_of(other(person)) == OF_LEAVERS


def held(kind, holder):
    """One more policy for a user or group who must be there already."""
    make = {"user": DesiredUser, "group": DesiredGroup}[kind]
    return Desired(**{f"{kind}s": (make(name=holder, make=False, inline_policies={"more": LOOK}),)})


def test_a_leaver_in_another_case_is_said_to_be_so():
    """The plan removes who is there, and says how the name is written."""
    plan = make_plan(account(user("Dave")), Desired(absent_users=("dave", "DAVE")))
    assert operations(plan) == ["delete_user"]
    assert plan.notes[0] == "dave is written Dave in the account."


@pytest.mark.parametrize("name", ["dvae", "davee", "Dave.", "DAV"])
def test_a_leaver_who_may_be_a_slip_is_a_doubt(name):
    """Who is near is named; the summary and the texts say more than that there is nothing to do."""
    plan = make_plan(account(user("dave"), user("ann")), Desired(absent_users=(name,)))
    assert plan.changes == ()
    [said] = plan.doubts
    assert f"User {name} is to be removed and is not there; near is dave." in said
    assert said in plan.notes
    assert plan.summary == "1 in doubt"


def test_many_leavers_who_are_gone_take_no_time():
    """5,000 users and 2,000 leavers are planned while somebody types."""
    names = [f"person.number{number}@example.com" for number in range(5_000)]
    current = account(*map(user, names))
    begun = time.perf_counter()
    plan = make_plan(
        current, Desired(absent_users=tuple(f"gone-{n:x}-long-ago" for n in range(2_000)))
    )
    assert plan.doubts == ()
    assert time.perf_counter() - begun < 10, "one by one it takes minutes"


def test_a_leaver_who_is_gone_is_no_doubt():
    """Nobody is near: it is noted, and there is nothing to do."""
    plan = make_plan(account(user("ann")), Desired(absent_users=("dave",)))
    assert plan.doubts == ()
    assert plan.notes == ("User dave is to be removed and is not there.",)
    assert plan.summary == "nothing to do"


@pytest.mark.parametrize(("kind", "limit"), [("user", 5_000), ("group", 500)])
def test_more_than_an_account_may_have_is_told_before_any_call(kind, limit):
    """What is there and what is new count together; who leaves does so after others have come."""
    make = {"user": DesiredUser, "group": DesiredGroup}[kind]
    field = f"{kind}s"
    names = [f"name{number}" for number in range(limit)]
    full = Desired(**{field: tuple(make(name=name) for name in names)})
    assert len(make_plan(EMPTY, full).changes) == limit
    there = account(user("zoe"), groups=(Group(name="zoe"),))
    leaving = replace(full, absent_users=("zoe",), absent_groups=("zoe",))
    with pytest.raises(InputError, match=f"would have {limit + 1:,} {kind}s: 1 that are there"):
        make_plan(there, leaving)


@pytest.mark.parametrize("name", ["-rf", "=1+1,@x", "a", "+b"])
def test_commands_are_quoted_for_a_shell(name):
    """Whatever IAM allows in a name arrives in one piece."""
    tags = [{"Key": "k", "Value": "it's"}]
    words = shlex.split(change("create", "create_user", UserName=name, Tags=tags).command)
    assert words[:3] == ["aws", "iam", "create-user"]
    assert f"--user-name={name}" in words or words[words.index("--user-name") + 1] == name
    assert words[-1] == '[{"Key":"k","Value":"it\'s"}]'


def test_commands_spell_acronyms_as_the_cli_does():
    """SSHPublicKeyId is --ssh-public-key-id."""
    uploaded = change("delete", "delete_ssh_public_key", UserName="bob", SSHPublicKeyId="APKA1")
    expected = "aws iam delete-ssh-public-key --user-name bob --ssh-public-key-id APKA1"
    assert uploaded.command == expected


def applied(state, plan):  # noqa: C901 - one case an operation
    """A tiny model of IAM: the account after the changes of a plan."""
    users, groups, alias = dict(state.users), dict(state.groups), state.alias
    keys, profiles = dict(state.access_keys), dict(state.login_profiles)
    for each in plan.changes:
        a = each.arguments
        name, group = a.get("UserName"), a.get("GroupName")
        match each.operation:
            case "create_group":
                groups[group] = Group(name=group)
            case "put_group_policy":
                inline = dict(groups[group].inline_policies) | {
                    a["PolicyName"]: a["PolicyDocument"]
                }
                groups[group] = replace(groups[group], inline_policies=inline)
            case "create_user":
                tags = {t["Key"]: t["Value"] for t in a.get("Tags", [])}
                users[name] = user(name, path=a.get("Path", "/"), tags=tags)
            case "update_user":
                users[name] = replace(users[name], path=a["NewPath"])
            case "tag_user":
                tags = dict(users[name].tags) | {t["Key"]: t["Value"] for t in a["Tags"]}
                users[name] = replace(users[name], tags=tags)
            case "add_user_to_group":
                users[name] = replace(users[name], groups=users[name].groups | {group})
                assert group in groups
            case "create_login_profile":
                profiles[name] = LoginProfile(reset_required=True)
            case "create_access_key":
                keys[name] = (*keys.get(name, ()), AccessKey(id="AKIA1", stored=True))
            case "create_account_alias":
                alias = a["AccountAlias"]
            case other:
                raise AssertionError(other)
    theirs = {"access_keys": keys, "login_profiles": profiles}
    return replace(state, users=users, groups=groups, alias=alias, **theirs)


FULL = user(
    groups=frozenset({"dev"}),
    tags={"a": "1", "b": "2"},
    inline_policies={"own": LOOK},
    attached_policies=frozenset({"arn:aws:iam::aws:policy/X"}),
    permissions_boundary="arn:aws:iam::aws:policy/Y",
)
FULL_ACCOUNT = account(
    FULL,
    access_keys={"bob": (AccessKey(id="AKIA1"),)},
    login_profiles={"bob": LoginProfile(reset_required=True)},
    mfa_devices={"bob": (MfaDevice(serial="arn:aws:iam::000000000000:mfa/bob"),)},
)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"absent": Absent(groups=("dev", "ops"))}, ["remove_user_from_group"]),
        ({"absent": Absent(tags=("a", "c"))}, ["untag_user"]),
        ({"absent": Absent(inline_policies=("own", "x"))}, ["delete_user_policy"]),
        (
            {"absent": Absent(attached_policies=("arn:aws:iam::aws:policy/X",))},
            ["detach_user_policy"],
        ),
        ({"absent": Absent(permissions_boundary=True)}, ["delete_user_permissions_boundary"]),
        ({"absent": Absent(password=True)}, ["delete_login_profile"]),
        (
            {"absent": Absent(mfa_devices=("arn:aws:iam::000000000000:mfa/bob",))},
            ["deactivate_mfa_device", "delete_virtual_mfa_device"],
        ),
        ({"key_status": {"AKIA1": "Inactive"}}, ["update_access_key"]),
        ({"key_status": {"AKIA1": "Active", "AKIA2": "Inactive"}}, []),
        ({"attached_policies": ("arn:aws:iam::aws:policy/Z",)}, ["attach_user_policy"]),
        ({"permissions_boundary": "arn:aws:iam::aws:policy/Z"}, ["put_user_permissions_boundary"]),
        ({"inline_policies": {"own": ADMIN}}, ["put_user_policy"]),
    ],
)
def test_what_is_absent_or_inactive_is_a_desired_state(wanted, expected):
    """What is there and should not be is taken away; what is not there already needs nothing."""
    plan = make_plan(FULL_ACCOUNT, Desired(users=(DesiredUser(name="bob", make=False, **wanted),)))
    assert operations(plan) == expected
    assert {each.target for each in plan.changes} <= {"user bob"}


@pytest.mark.parametrize(
    ("operation", "desired"),
    [
        ("ListAccessKeys", Desired(users=(DesiredUser(name="bob", access_key=True),))),
        ("GetLoginProfile", Desired(users=(DesiredUser(name="bob", console_password=True),))),
        ("ListSSHPublicKeys", Desired(absent_users=("bob",))),
        ("ListServiceSpecificCredentials", Desired(absent_users=("BOB",))),
        ("ListAccountAliases", Desired(alias="team")),
        ("GetAccountPasswordPolicy", Desired(password_policy={"minimum_length": 14})),
        ("GetAccountAuthorizationDetails", Desired(absent_groups=("dev",))),
    ],
)
@pytest.mark.parametrize("gap", ["nobody asked", "denied", "of bob alone", "of another alone"])
def test_what_was_not_read_blocks_and_is_never_taken_for_none(operation, desired, gap):
    """Nothing that depends on it is planned, and the reason is told; whatever kept it unread."""
    sources = {
        "nobody asked": {},
        "denied": {operation: Source(status="unknown", note=f"iam:{operation}: denied")},
        "of bob alone": {operation: Source(status="read", missing=frozenset({"bob"}))},
        "of another alone": {operation: Source(status="read", asked=frozenset({"eve"}))},
    }[gap]
    others = {name: source for name, source in READ.items() if name != operation}
    current = replace(account(user()), sources=others | sources)
    plan = make_plan(current, desired)
    if gap.startswith("of ") and not desired.operations_of("bob"):
        assert plan.unread == ()  # it is no call for single users
        return
    assert plan.unread
    assert set(plan.unread) <= set(plan.blockers) & set(plan.doubts)
    assert operation in plan.unread[0]
    if operation != "GetAccountAuthorizationDetails":
        assert plan.changes == ()
    with pytest.raises(UnsafePlan, match=operation):
        plan.raise_if_unsafe(allow_destructive=True)


def test_a_change_of_the_password_policy_carries_it_whole():
    """What AWS replaces at once goes as it was read, with what was named; and the way back too."""
    rules = PasswordPolicy(minimum_length=12, symbols=True, max_age=90, hard_expiry=False)
    current = replace(EMPTY, password_policy=rules)
    [change] = make_plan(current, Desired(password_policy={"reuse_prevention": 24})).changes
    assert change.arguments == {
        "MinimumPasswordLength": 12,
        "RequireSymbols": True,
        "RequireNumbers": False,
        "RequireUppercaseCharacters": False,
        "RequireLowercaseCharacters": False,
        "AllowUsersToChangePassword": False,
        "MaxPasswordAge": 90,
        "PasswordReusePrevention": 24,
        "HardExpiry": False,
    }
    assert (change.verb, change.target) == ("update", "password policy 000000000000")
    mended = replace(current, password_policy=replace(rules, reuse_prevention=24))
    [back] = make_plan(mended, change.inverse).changes
    assert "PasswordReusePrevention" not in back.arguments
    assert back.arguments == {k: v for k, v in change.arguments.items() if "Reuse" not in k}
    assert make_plan(mended, Desired(password_policy={"reuse_prevention": 24})).changes == ()
    [made] = make_plan(EMPTY, Desired(password_policy={"minimum_length": 14})).changes
    assert (made.verb, made.before, made.inverse) == (
        "create",
        None,
        Desired(absent_password_policy=True),
    )


def test_a_user_who_is_not_to_be_made_blocks_where_they_are_not_there():
    """An undo of somebody who has gone since makes nobody."""
    desired = Desired(users=(DesiredUser(name="eve", make=False, groups=("dev",)),))
    plan = make_plan(account(), desired)
    assert plan.changes == ()
    assert plan.blockers == ("User eve is not there; make it first.",)


def test_a_change_names_the_parameter_that_it_comes_from():
    """A group and its policy come from two parameters, a leaver from a third."""
    group = DesiredGroup(
        name="new",
        inline_policies={"p": LOOK},
        origins={"existence": "dev_group", "inline policy": "dev_policy"},
    )
    desired = Desired(groups=(group,), absent_users=("bob",), origins={"absent_users": "leavers"})
    plan = make_plan(account(user()), desired)
    assert [each.origin for each in plan.changes] == ["dev_group", "dev_policy", "leavers"]
    assert desired.parameters == {"dev_group", "dev_policy", "leavers"}


def test_every_operation_has_a_way_back_or_a_reason_why_not():
    """Nothing that a plan can do is without an answer to: can I take it back?"""
    for name, operation in OPERATIONS.items():
        assert operation.way_back or len(operation.limit) > 20, name


NAMES = st.sampled_from(["alice", "bob", "carol"])
GROUPS = st.sampled_from(["dev", "ops"])
WANTED_USERS = st.lists(
    st.builds(
        DesiredUser,
        name=NAMES,
        path=st.sampled_from([None, "/", "/team/"]),
        tags=st.dictionaries(st.sampled_from("ab"), st.sampled_from("12")),
        groups=st.lists(GROUPS, unique=True).map(tuple),
        access_key=st.booleans(),
        console_password=st.booleans(),
    ),
    unique_by=lambda u: u.name,
).map(tuple)
WANTED_GROUPS = st.just(
    tuple(DesiredGroup(name=name, inline_policies={"p": LOOK}) for name in ("dev", "ops"))
)
WANTED = st.builds(
    Desired,
    groups=WANTED_GROUPS,
    users=WANTED_USERS,
    alias=st.sampled_from([None, "team", "other"]),
)


@given(WANTED, WANTED)
def test_a_plan_that_was_applied_leaves_nothing_to_do(first, second):
    """From any account, applying the plan leads to the desired state, in one go."""
    current = applied(EMPTY, make_plan(EMPTY, first))
    reached = applied(current, make_plan(current, second))
    assert make_plan(reached, second).changes == ()


REVERSIBLE = st.builds(
    Desired,
    users=st.builds(
        DesiredUser,
        name=st.just("bob"),
        path=st.sampled_from([None, "/x/"]),
        tags=st.dictionaries(st.sampled_from("abc"), st.sampled_from("12")),
        groups=st.sampled_from([(), ("ops",)]),
        inline_policies=st.sampled_from([{}, {"own": ADMIN}, {"new": LOOK}]),
        attached_policies=st.sampled_from([(), ("arn:aws:iam::aws:policy/Z",)]),
        permissions_boundary=st.sampled_from([None, "arn:aws:iam::aws:policy/Z"]),
        absent=st.sampled_from(
            [
                Absent(),
                Absent(groups=("dev",), tags=("b",)),
                Absent(inline_policies=("own",), permissions_boundary=True),
                Absent(attached_policies=("arn:aws:iam::aws:policy/X",)),
            ]
        ),
    ).map(lambda u: (u,)),
    groups=st.sampled_from(
        [
            (),
            (DesiredGroup(name="dev", inline_policies={"look": ADMIN}),),
            (DesiredGroup(name="dev", absent=Absent(inline_policies=("look",))),),
        ]
    ),
)


@given(REVERSIBLE)
def test_the_inverses_of_a_plan_lead_back(desired):
    """Each change's inverse, from the last to the first, gives the account it began with."""
    begun = replace(FULL_ACCOUNT, groups={"dev": DEV, "ops": Group(name="ops")})
    changes = make_plan(begun, desired).changes
    current = account_after(begun, changes)
    for each in reversed(changes):
        current = account_after(current, make_plan(current, each.inverse).changes)
    assert current == begun


def test_a_policy_that_somebody_has_is_not_deleted():
    """Who has it, or is bounded by it, is named; AWS would refuse the call."""
    arn = "arn:aws:iam::000000000000:policy/own"
    own = ManagedPolicy(arn=arn, name="own", document=LOOK)
    bounded = account(user(permissions_boundary=arn), policies={arn: own})
    plan = make_plan(bounded, Desired(absent_policies=("own",)))
    assert plan.changes == ()
    assert plan.blockers == ("Policy own is in use (user bob), so it cannot be deleted.",)


def test_a_policys_older_versions_go_before_it():
    """As DeletePolicy demands."""
    arn = "arn:aws:iam::000000000000:policy/team/own"
    older = PolicyVersion(id="v1", document=LOOK)
    own = ManagedPolicy(arn=arn, name="own", path="/team/", document=ADMIN, other_versions=(older,))
    plan = make_plan(account(policies={arn: own}), Desired(absent_policies=("own",)))
    assert operations(plan) == ["delete_policy_version", "delete_policy"]
    assert plan.changes[-1].before == {
        "name": "own",
        "path": "/team/",
        "document": ADMIN,
        "description": "",
    }


@pytest.mark.parametrize("path", ["/aws-service-role/x.amazonaws.com/", "/aws-reserved/sso/"])
def test_what_aws_keeps_for_itself_is_refused(path):
    """Nobody of the account can change a role of AWS's own."""
    state = replace(account(), roles={"own": Role(name="own", path=path)})
    wanted = Desired(roles=(DesiredRole(name="own", inline_policies={"x": LOOK}),))
    with pytest.raises(InputError, match="AWS's own"):
        make_plan(state, wanted)


@pytest.mark.parametrize(
    ("wanted", "kind"),
    [
        (Desired(roles=(DesiredRole(name="web"),)), "roles"),
        (Desired(absent_policies=("own",)), "policies"),
    ],
)
def test_what_of_roles_and_policies_was_not_read_blocks(wanted, kind):
    """A plan about them must know all of them."""
    details = Source(status="read", lacking=frozenset({kind}))
    state = replace(account(), sources={**READ, "GetAccountAuthorizationDetails": details})
    assert make_plan(state, wanted).unread
