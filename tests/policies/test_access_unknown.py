"""Who can, where something was not read: nobody is left out, and nothing becomes more certain."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from accounts import ACCOUNT, account_of
from click.testing import CliRunner
from hypothesis import given, settings, strategies as st
from samples import scaled

from iamkit.__main__ import cli
from iamkit.account.gaps import DETAILS
from iamkit.account.state import Group, ManagedPolicy, Source
from iamkit.account.state_file import save_state
from iamkit.plan.access_changes import impact_of
from iamkit.plan.desired import DesiredUser
from iamkit.policies import allow, policy
from iamkit.policies.actions.catalogue import load_catalogue
from iamkit.policies.evaluation.access import (
    for_reading,
    gaps_in,
    permission_matrix,
    what_can,
    who_can,
)
from iamkit.policies.evaluation.engine import ABSENT, Layers, unread
from iamkit.policies.evaluation.holdings import Holdings

ARN = f"arn:aws:iam::{ACCOUNT}:policy/"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/app"
KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
EVERYTHING = policy(allow("*"))
TRUST = policy(
    {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/carol"},
    }
)
STATE = account_of(
    {
        "groups": [
            {"name": "readers", "inline": {"read": policy(allow("s3:Get*"))}},
            {"name": "careful", "inline": {"no": policy(allow("s3:*") | {"Effect": "Deny"})}},
        ],
        "users": [
            {"name": "alice", "groups": ["readers"]},
            {"name": "bob", "groups": ["readers", "careful"]},
            {"name": "carol", "groups": [], "attached": [f"{ARN}all"]},
            {"name": "dave", "groups": [], "inline": {"a": EVERYTHING}, "boundary": f"{ARN}limit"},
            {"name": "erin", "groups": [], "tags": {"team": "blue"}},
        ],
        "roles": [{"name": "app", "attached": [f"{ARN}all"], "trust": TRUST}],
        "policies": [
            {"arn": f"{ARN}all", "document": EVERYTHING},
            {"arn": f"{ARN}limit", "document": policy(allow("s3:*"))},
        ],
    }
)


DENIED = allow("s3:*", resource="arn:aws:s3:::b/*") | {"Effect": "Deny"}


def under(action, operator, key, value):
    """A statement under one condition."""
    return allow(action) | {"Condition": {operator: {key: value}}}


def answers(state, *question, **more):
    found = who_can(state, *question, **more)
    return dict(zip(found["principal"], found["answer"], strict=True))


def without(mapping, *names):
    return {name: value for name, value in mapping.items() if name not in names}


REMOVALS = {
    "group readers": lambda s: replace(s, groups=without(s.groups, "readers")),
    "group careful": lambda s: replace(s, groups=without(s.groups, "careful")),
    "text of all": lambda s: replace(s, policies=without(s.policies, f"{ARN}all")),
    "text of limit": lambda s: replace(s, policies=without(s.policies, f"{ARN}limit")),
    "version of all": lambda s: replace(s, policies=s.policies | {f"{ARN}all": empty("all")}),
    "version of limit": lambda s: replace(s, policies=s.policies | {f"{ARN}limit": empty("limit")}),
    "statement of readers": lambda s: replace(s, groups=s.groups | {"readers": hollow("readers")}),
    "trust of app": lambda s: replace(s, roles={"app": replace(s.roles["app"], trust_policy={})}),
}


def empty(name):
    return ManagedPolicy(arn=f"{ARN}{name}", name=name)


def hollow(name):
    return Group(name=name, inline_policies={"read": {"Statement": None}})


@pytest.mark.parametrize(
    ("removal", "concerned"),
    [
        ("group readers", {"alice", "bob"}),
        ("statement of readers", {"alice", "bob"}),
        ("group careful", {"bob"}),
        ("text of all", {"carol", "app"}),
        ("version of all", {"carol", "app"}),
        ("text of limit", {"dave"}),
        ("version of limit", {"dave"}),
    ],
)
def test_whoever_hangs_on_what_was_not_read_is_listed_and_cannot_be_told(removal, concerned):
    """A group nobody described, a text or a boundary that is not there, no default version."""
    found = answers(REMOVALS[removal](STATE), "s3:GetObject")
    for name in concerned - {"bob"}:
        assert found[name] == "cannot be told", name
    assert found.get("bob") == ("cannot be told" if removal == "group careful" else None)


def test_what_was_not_read_is_named():
    """In the words by which a person finds it."""
    found = who_can(REMOVALS["group readers"](STATE), "s3:GetObject").set_index("principal")
    assert found.loc["alice", "depends_on"] == "the policies of group readers, which were not read"
    found = who_can(REMOVALS["text of all"](STATE), "s3:GetObject").set_index("principal")
    assert found.loc["carol", "depends_on"] == "the text of own > attached all, which was not read"


questions = st.sampled_from(
    [
        ("s3:GetObject",),
        ("s3:GetObject", "*"),
        ("s3:Get*", "arn:aws:s3:::b/*"),
        ("iam:CreateUser",),
        ("sts:AssumeRole", ROLE),
        ("sts:GetCallerIdentity",),
        ("kms:Decrypt", KEY),
        ("*",),
    ]
)


@given(st.lists(st.sampled_from(sorted(REMOVALS)), unique=True, max_size=4), questions)
@settings(max_examples=scaled(30, 1200), deadline=None)
def test_removing_a_fact_makes_no_answer_more_certain(removals, question):
    """Nobody disappears, and an answer stays as it was or cannot be told any more."""
    state = STATE
    for removal in removals:
        state = REMOVALS[removal](state)
    before, after = answers(STATE, *question), answers(state, *question)
    assert set(before) <= set(after)
    for name, answer in after.items():
        assert answer in (before.get(name), "cannot be told"), name


@given(st.lists(st.sampled_from(sorted(REMOVALS)), unique=True, max_size=4))
@settings(max_examples=scaled(20, 400), deadline=None)
def test_removing_a_fact_makes_the_matrix_no_more_certain(removals):
    """Of each user, an action stays where it was or becomes one that cannot be told."""
    state = STATE
    for removal in removals:
        state = REMOVALS[removal](state)
    before, after = permission_matrix(STATE).reaches, permission_matrix(state).reaches
    for name, reach in after.items():
        for kind in ("everything", "most", "some", "conditional"):
            assert not getattr(reach, kind) & ~getattr(before[name], kind), (name, kind)
        assert not before[name].possible & ~reach.possible, name


LAYERS = {
    "service_control": [{"guard": policy(allow("s3:*") | {"Effect": "Deny"}, allow("*"))}],
    "resource_control": (),
    "session": {},
    "vpc_endpoint": ABSENT,
    "resource": ABSENT,
}


@given(st.sets(st.sampled_from(sorted(LAYERS))))
@settings(max_examples=scaled(16, 320), deadline=None)
def test_a_layer_that_is_not_given_is_named_in_every_answer_that_it_may_change(removed):
    """And all that are given, or known to be absent, are not named."""
    layers = Layers(**without(LAYERS, *removed))
    names = {
        "service_control": "organization",
        "resource_control": "organization",
        "vpc_endpoint": "VPC endpoint",
        "resource": "resource's own",
        "session": "role sessions",
    }
    found = who_can(STATE, "s3:GetObject", layers=layers)
    wanted = {names[layer] for layer in removed}
    for row in found.itertuples():
        named = {name for name in names.values() if name in row.not_read}
        assert named == (wanted if row.kind == "role" else wanted - {"role sessions"})


def test_a_layer_that_is_given_decides():
    """An organization that denies S3 leaves nobody; one that was not read itself is depended on."""
    assert not answers(
        STATE, "s3:GetObject", layers=Layers(service_control=LAYERS["service_control"])
    )
    own = unread("the bucket's policy")
    found = who_can(STATE, "s3:GetObject", "arn:aws:s3:::b/x", layers=Layers(resource=own))
    assert set(found["answer"]) == {"depends"}
    assert set(found["depends_on"]) == {"the text of the bucket's policy, which was not read"}
    assert "erin" in set(found["principal"]), "it may allow whom no other policy does"


def test_a_key_is_nobodys_without_its_key_policy():
    """Not even the root's; with a policy that delegates, of those whom their own policies allow."""
    found = who_can(STATE, "kms:Decrypt", KEY)
    assert set(found["answer"]) == {"depends"}
    assert set(found["depends_on"]) == {"the key policy, which was not read"}
    root = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    own = policy(allow("kms:*") | {"Principal": root})
    found = answers(STATE, "kms:Decrypt", KEY, layers=Layers(resource=own))
    assert found == {root["AWS"]: "allowed", "carol": "allowed", "app": "allowed"}


def test_another_accounts_role_and_queue_depend_on_their_own_policies():
    """Who has no permission of their own is surely refused."""
    for action, arn in (
        ("sts:AssumeRole", "arn:aws:iam::444455556666:role/app"),
        ("sqs:SendMessage", "arn:aws:sqs:us-east-1:444455556666:jobs"),
    ):
        found = who_can(STATE, action, arn)
        assert set(found["principal"]) >= {"carol", "app"}
        assert "alice" not in set(found["principal"])
        assert set(found["answer"]) == {"depends"}
        assert all(arn in text for text in found["depends_on"])


def test_a_role_without_its_trust_policy_cannot_be_told_for_anyone():
    """It may name everyone; with it, only whom it trusts may assume the role."""
    assert answers(STATE, "sts:AssumeRole", ROLE) == {"carol": "allowed"}
    found = answers(REMOVALS["trust of app"](STATE), "sts:AssumeRole", ROLE)
    assert set(found) >= {"alice", "bob", "carol", "dave", "erin", "app"}
    assert set(found.values()) == {"cannot be told"}


def test_a_user_whom_only_the_credential_report_knows_is_listed():
    """Whoever it is may be allowed."""
    row = account_of({"users": [{"name": "zoe"}]}).report["zoe"]
    found = answers(replace(STATE, report=STATE.report | {"zoe": row}), "s3:GetObject")
    assert found["zoe"] == "cannot be told"


@pytest.mark.parametrize(("lacking", "listed"), [((), False), (("users",), True)])
def test_a_user_of_the_report_is_gone_only_if_all_users_were_read_later(lacking, listed):
    """Details that were cut off do not tell that somebody was deleted."""
    row = account_of({"users": [{"name": "zoe"}]}).report["zoe"]
    made = datetime(2026, 5, 1, 9, tzinfo=UTC)
    sources = {
        "GetCredentialReport": Source(status="read", at=made),
        DETAILS: Source(
            status="read", at=made + timedelta(hours=1), lacking=frozenset(lacking), note="cut off"
        ),
    }
    state = replace(STATE, report={"zoe": row}, sources=sources)
    assert ("zoe" in answers(state, "s3:GetObject")) == listed


def test_tags_that_a_user_does_not_have_are_not_depended_on():
    """A user's tags are known, so that one that is not there is absent."""
    statement = allow("sqs:SendMessage") | {
        "Condition": {"StringEquals": {"aws:PrincipalTag/Team": "blue"}}
    }
    user = STATE.users["erin"]
    mine = replace(user, inline_policies={"q": policy(statement)})
    state = replace(STATE, users={"erin": mine, "frank": replace(mine, name="frank", tags={})})
    assert answers(state, "sqs:SendMessage").get("erin") == "allowed"
    assert "frank" not in answers(state, "sqs:SendMessage")
    reaches = permission_matrix(state).who("sqs:SendMessage")
    assert reaches.to_dict("list") == {"user": ["erin"], "reach": ["everything"]}


REACH = {
    "tagged": (
        [allow("s3:*", resource="arn:aws:s3:::${aws:PrincipalTag/team}/*")],
        "some resources",
    ),
    "of no tag": ([allow("s3:*", resource="arn:aws:s3:::${aws:PrincipalTag/no}/*")], "nothing"),
    "by name": ([under("s3:*", "StringEquals", "aws:username", "erin")], "everything"),
    "of another": ([under("s3:*", "StringEquals", "aws:username", "bob")], "nothing"),
    "by address": ([under("s3:*", "IpAddress", "aws:SourceIp", "10.0.0.0/8")], "under conditions"),
    "but one bucket": ([allow("s3:*"), DENIED], "everything but some"),
    "but one bucket, without MFA": (
        [allow("s3:*"), DENIED | {"Condition": {"Bool": {"aws:MultiFactorAuthPresent": "false"}}}],
        "everything but some",
    ),
    "all but one bucket": (
        [{"Effect": "Allow", "Action": "s3:*", "NotResource": "arn:aws:s3:::b/*"}],
        "everything but some",
    ),
    "but another service's": (
        [allow("s3:*"), DENIED | {"Action": "*", "Resource": f"arn:aws:iam::{ACCOUNT}:user/bob"}],
        "everything",
    ),
    "by what is not known, and on another service's": (
        [allow("s3:*", resource=["arn:aws:s3:::${aws:SourceIdentity}/*", ROLE])],
        "under conditions",
    ),
    "on another service's": ([allow("s3:*", resource=f"arn:aws:iam::{ACCOUNT}:user/*")], "nothing"),
    "allowed and denied": (
        [allow("s3:*", resource="arn:aws:s3:::b/*"), DENIED | {"Action": "*"}],
        "nothing",
    ),
}


@pytest.mark.parametrize("name", REACH)
def test_the_matrix_tells_everything_but_some_and_conditions_apart(name):
    """By what an action can be about, and by what is known of the user."""
    statements, wanted = REACH[name]
    user = replace(STATE.users["erin"], inline_policies={"own": policy(*statements)})
    found = permission_matrix(replace(STATE, users={"erin": user})).who("s3:GetObject")
    assert (found["reach"].tolist() or ["nothing"]) == [wanted]


@pytest.mark.parametrize(
    ("action", "wanted"),
    [
        ("kms:Decrypt", "under conditions"),
        ("kms:CreateKey", "everything"),
        ("sts:AssumeRole", "under conditions"),
        ("iam:DeletePolicy", "everything but some"),
        ("iam:PutRolePolicy", "everything but some"),
        ("iam:DeleteUser", "everything"),
        ("s3:ListAllMyBuckets", "everything"),
    ],
)
def test_the_matrix_knows_awss_own_rules(action, wanted):
    """A key's and a role's policy must allow too, and what AWS keeps nobody changes."""
    found = permission_matrix(STATE).who(action).set_index("user")
    assert found.loc["carol", "reach"] == wanted


def test_who_one_is_may_be_asked_by_all():
    """Whatever is denied, and whatever was not read."""
    found = who_can(REMOVALS["text of all"](STATE), "sts:GetCallerIdentity")
    assert set(found["answer"]) == {"allowed"}
    assert len(found) == 7
    assert not any(found["not_read"])


def test_a_summary_of_a_user_says_what_was_not_read():
    """As a reach of its own, with the policy that lacks."""
    found = what_can(REMOVALS["text of all"](STATE), "carol").set_index("action")
    assert found.loc["s3:GetObject", "reach"] == "cannot be told"
    assert "attached all, which was not read" in found.loc["s3:GetObject", "path"]
    assert (
        permission_matrix(REMOVALS["text of all"](STATE)).counts().loc["carol", "cannot be told"]
        > 20_000
    )


@pytest.mark.parametrize("removal", ["text of all", "version of all"])
def test_an_administrator_whose_policy_was_not_read_is_not_called_none(removal):
    """Neither is one whose boundary was not read called one surely."""
    holdings = Holdings(REMOVALS[removal](STATE), load_catalogue())
    assert holdings.of(STATE.users["carol"]).admin_path is None
    bounded = replace(STATE.users["dave"], permissions_boundary=f"{ARN}gone")
    assert Holdings(STATE, load_catalogue()).of(bounded).admin_path is None


def test_an_impact_says_what_it_could_not_weigh():
    """For whom a group was not described; what the policy adds is told all the same."""
    wanted = DesiredUser(name="alice", inline_policies={"q": policy(allow("sqs:SendMessage"))})
    found = impact_of(REMOVALS["group readers"](STATE), wanted).set_index("user")
    assert found.loc["alice", "new"] == 1
    assert found.loc["alice", "unknown"] == "the policies of group readers, which were not read"
    assert impact_of(STATE, wanted)["unknown"].tolist() == [""]


def test_gaps_are_said_in_sentences():
    """A reading that failed, and the people whose answer hangs on what was not read."""
    failed = Source(status="unknown", note="12 of 30 users")
    state = replace(STATE, sources=STATE.sources | {"GetAccountAuthorizationDetails": failed})
    (said,) = gaps_in(state, who_can(state, "s3:GetObject"))
    assert "12 of 30 users" in said
    assert gaps_in(STATE, who_can(STATE, "s3:GetObject")) == []


def test_what_holds_for_all_is_said_once_before_the_table():
    """And a column in which nothing stands is left out."""
    head, table = for_reading(who_can(STATE, "s3:GetObject"))
    assert head.startswith("Not read, and may refuse what is allowed here: the organization's")
    assert head.endswith("the resource's own policy, which may also allow others.")
    assert list(table) == ["principal", "kind", "answer", "reach", "path"]
    assert for_reading(who_can(STATE, "sts:GetCallerIdentity"))[0] == ""


@pytest.mark.parametrize(
    ("removals", "code"), [((), 0), (("group readers",), 1), (("text of limit",), 1)]
)
def test_the_command_ends_with_1_if_what_decides_was_not_read(removals, code, tmp_path):
    """Said on stderr, so that what a program reads is whole."""
    state = STATE
    for removal in removals:
        state = REMOVALS[removal](state)
    save_state(state, tmp_path / "state.json")
    words = ["who-can", "s3:GetObject", "--state", str(tmp_path / "state.json"), "--format", "json"]
    done = CliRunner().invoke(cli, words, standalone_mode=False)
    assert done.return_value == code, done.output
    rows = json.loads(done.stdout)
    assert ("cannot be told" in {row["answer"] for row in rows}) == bool(code)
    assert ("cannot be told for" in done.stderr) == bool(code)
    assert all("organization" in row["not_read"] for row in rows)
