"""Everything that is a user's, and everywhere they are named."""

from dataclasses import replace

import pytest
from accounts import ACCOUNT, NOW, account_of

from iamkit.account.gaps import REPORT
from iamkit.account.state import Credential, SignInSession, Source
from iamkit.plan.belongings import ALL_OF_THEM, ResourcePolicy, list_belongings
from iamkit.policies import allow, policy

DAVE = f"arn:aws:iam::{ACCOUNT}:user/dave"
VIEW = "arn:aws:iam::aws:policy/ReadOnlyAccess"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"


def trusting(principal, **more):
    """A trust policy."""
    statement = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"}
    return {"Statement": [statement | more]}


def account(**more):
    """Dave with something of each kind, and others."""
    case = {
        "users": [
            {
                "name": "dave",
                "groups": ["dev"],
                "tags": {"team": "web"},
                "inline": {"mine": policy(allow("s3:Get*"))},
                "attached": [VIEW],
                "boundary": VIEW,
                "keys": [{"id": "AKIA1", "age": 300, "used": 4}, {"id": "AKIA2", "age": 9}],
                "password": {"used": 3, "changed": 200},
                "mfa_serial": f"arn:aws:iam::{ACCOUNT}:mfa/dave",
            },
            {"name": "davina"},
        ],
        "policies": [{"arn": VIEW, "document": policy(allow("*"))}],
        **more,
    }
    state = account_of(case)
    read = Source(status="read", at=NOW)
    return replace(
        state,
        ssh_public_keys={"dave": (Credential(id="APKA1"),)},
        service_credentials={"dave": (Credential(id="ACCA1", service="codecommit"),)},
        sign_in_sessions={"dave": (SignInSession(arn="arn:session"),)},
        sources={**state.sources, "ListSSHPublicKeys": read, "ListSessions": read},
    )


def belongings(state, resources=(), values=None):
    return list_belongings(state, ["dave"], resources, values)


def test_everything_that_is_theirs_is_named():
    """Each kind once, keys with their last use."""
    found = [one for one in belongings(account()) if one.relation == "theirs"]
    told = {(one.what, one.name) for one in found}
    assert told == {
        ("group", "dev"),
        ("inline policy", "mine"),
        ("attached policy", "ReadOnlyAccess"),
        ("permissions boundary", "ReadOnlyAccess"),
        ("tag", "team"),
        ("access key", "AKIA1"),
        ("access key", "AKIA2"),
        ("console password", ""),
        ("MFA device", f"arn:aws:iam::{ACCOUNT}:mfa/dave"),
        ("SSH public key", "APKA1"),
        ("service-specific credential", "ACCA1"),
        ("session of aws login", "arn:session"),
    }
    said = {one.name: one.said for one in found}
    assert "last used 2026-11-20" in said["AKIA1"]
    assert "never used" in said["AKIA2"]
    after = {one.what: one.afterwards for one in found}
    assert after["group"] == after["tag"] == "comes back by the file"
    assert after["access key"] == after["MFA device"] == "is gone for good"


def condition(operator, key, value):
    return {"Condition": {operator: {key: value}}}


NAMING = {
    "a trust policy": (trusting(DAVE), "as principal"),
    "a trust policy by id": (trusting("AIDAdave"), "as principal"),
    "a resource": (policy(allow("iam:*", resource=DAVE)), "as resource"),
    "his name": (
        {"Statement": [condition("StringEquals", "aws:username", ["ann", "dave"])]},
        "aws:username is dave",
    ),
    "his id with a pattern": (
        {"Statement": [condition("StringLike", "aws:userid", "AIDAdave*")]},
        "aws:userid is AIDAdave*",
    ),
    "his ARN": (
        {"Statement": condition("ArnLike", "aws:PrincipalArn", f"arn:*:iam::{ACCOUNT}:user/da*")},
        f"aws:PrincipalArn is arn:*:iam::{ACCOUNT}:user/da*",
    ),
    "his tag": (
        {"Statement": [condition("StringEquals", "aws:PrincipalTag/Team", "web")]},
        "aws:PrincipalTag/Team is web",
    ),
}
OTHERS = {
    "another user's ARN that begins so": trusting(f"{DAVE}-2"),
    "another tag": {"Statement": [condition("StringEquals", "aws:PrincipalTag/team", "data")]},
    "everybody": {"Statement": [condition("StringLike", "aws:username", "*")]},
    "brackets, which IAM takes as they are": {
        "Statement": [condition("StringLike", "aws:username", "[d]ave")]
    },
    "a pattern that is none": {"Statement": [condition("StringEquals", "aws:username", "da*")]},
    "a broken one": {"Statement": [{"Condition": ["odd"], "Principal": 7}]},
}


@pytest.mark.parametrize(("document", "said"), NAMING.values(), ids=NAMING)
@pytest.mark.parametrize("place", ["role", "group", "managed", "bucket"])
def test_wherever_a_policy_names_them_it_is_told(place, document, said):
    """In trust policies, the account's own policies, and those of buckets and secrets."""
    given = {
        "role": {"roles": [{"name": "deploy", "trust": document}]},
        "group": {"groups": [{"name": "ops", "inline": {"p": document}}]},
        "managed": {
            "policies": [{"arn": f"arn:aws:iam::{ACCOUNT}:policy/p", "document": document}]
        },
    }
    resources = [ResourcePolicy(what="policy of a bucket", name="logs", document=document)]
    state = account(**given.get(place, {}))
    found = belongings(state, resources if place == "bucket" else ())
    (one,) = [each for each in found if each.relation == "names them"]
    assert one.said == said
    new_id = said == "as principal" or "userid" in said
    assert ("does not know them" in one.afterwards) == new_id


@pytest.mark.parametrize("document", OTHERS.values(), ids=OTHERS)
def test_what_is_about_others_is_not_told(document):
    """Nor does a broken policy end it."""
    state = account(groups=[{"name": "ops", "inline": {"p": document}}])
    assert [one for one in belongings(state) if one.relation == "names them"] == []


def test_roles_that_they_may_have_assumed_live_on_with_their_longest_session():
    """By their own policy or by the trust alone; not those that they cannot assume."""
    roles = [
        {"name": "deploy", "trust": trusting(DAVE)},
        {"name": "audit", "trust": trusting(ROOT)},
        {"name": "other", "trust": trusting(f"arn:aws:iam::{ACCOUNT}:user/ann")},
        {"name": "web", "trust": {"Statement": [{"Principal": {"Service": "ec2.amazonaws.com"}}]}},
    ]
    state = account(roles=roles, users=[{"name": "dave", "inline": {}}, {"name": "davina"}])
    state = replace(
        state, roles={**state.roles, "deploy": replace(state.roles["deploy"], max_session=14_400)}
    )
    found = {one.name: one.said for one in belongings(state) if one.relation == "lives on"}
    assert list(found) == ["deploy"]
    assert "4 h" in found["deploy"]
    assuming = policy(allow("sts:AssumeRole"))
    state = account(roles=roles, users=[{"name": "dave", "inline": {"a": assuming}}])
    found = {one.name: one.said for one in belongings(state) if one.relation == "lives on"}
    assert sorted(found) == ["audit", "deploy"]
    assert "12 h at most" in found["audit"]


UNREAD = ("ListAccessKeys", "ListSSHPublicKeys", "ListVirtualMFADevices", "ListSessions", REPORT)


@pytest.mark.parametrize("operation", UNREAD)
def test_what_was_not_read_cannot_be_told(operation):
    """It is a row of its own, with the reason that AWS gave."""
    state = account()
    unread = Source(status="unknown", note="it was denied")
    state = replace(state, sources={**state.sources, operation: unread})
    told = [one for one in belongings(state) if one.relation == "cannot be told"]
    assert "it was denied" in {one.said for one in told}


def test_an_unread_policy_of_a_bucket_is_told_once_for_all():
    """Not once for each who leaves."""
    lost = ResourcePolicy(what="policy of a bucket", name="logs", document=None, note="denied")
    found = list_belongings(account(), ["dave", "davina"], [lost], {})
    assert [(one.user, one.said) for one in found if one.name == "logs"] == [
        (ALL_OF_THEM, "denied")
    ]


def test_the_parameters_file_is_looked_through():
    """run_as, the first administrator, rows of users, waivers; not the list of leavers itself."""
    values = {
        "run_as": "dave",
        "admin_user": "dave",
        "users": [{"name": "ann"}, {"name": "Dave", "groups": ["dev"]}],
        "waivers": [{"check": "x", "principal": "dave"}],
        "policy_holder": "user dave",
        "leavers": [{"user": "dave"}],
        "rotate": ["ann", "dave"],
        "lost": [{"user": "DAVE", "password": True}],
        "account_alias": "daves-place",
    }
    found = [one for one in belongings(account(), (), values) if one.what == "parameters file"]
    assert [one.name for one in found] == [
        "run_as",
        "admin_user",
        "users[2].name",
        "waivers[1].principal",
        "policy_holder",
        "rotate[2]",
        "lost[1].user",
    ]
    said = {one.name: one.said for one in found}
    assert "make them again" in said["users[2].name"]
    assert "10_rotate_keys" in said["rotate[2]"]
    assert "a new password" in said["lost[1].user"]
    (unknown,) = [one for one in belongings(account()) if one.what == "parameters file"]
    assert unknown.relation == "cannot be told"
