"""From what a person chose to a policy, its size, and what it allows beyond another."""

import json
from functools import cache

import pytest

from iamkit.errors import InputError
from iamkit.parameters.models import PolicyChoice
from iamkit.policies import allow, count_characters, policy
from iamkit.policies.actions.builder import Place, arn_of, build_policy, chosen_actions
from iamkit.policies.actions.catalogue import load_catalogue
from iamkit.policies.actions.expansion import expand
from iamkit.policies.comparison.table import compare_policies
from iamkit.policies.evaluation.engine import Policies, evaluate
from iamkit.policies.evaluation.request import Principal, Request
from iamkit.policies.grammar.quotas import measure

HERE = Place("111122223333")
ALICE = Principal("arn:aws:iam::111122223333:user/alice")
WISH = PolicyChoice(
    do=["read", "change"],
    services=["s3"],
    resources=["s3:object reports", "s3:object backups"],
    with_mfa=True,
)


@cache
def managed_policy(name):
    from moto.iam.aws_managed_policies import aws_managed_policies_data

    return json.loads(aws_managed_policies_data)[name]["Document"]


def answer(document, action, resource, **context):
    request = Request(principal=ALICE, action=action, resource=resource, context=context)
    return evaluate(request, Policies(identity={"it": document})).effect


def test_the_wish_of_the_guide_is_a_policy():
    """Read and write objects in two buckets, only with MFA: that, and nothing else."""
    document = build_policy([WISH], HERE)
    mfa = {"aws:MultiFactorAuthPresent": "true"}
    for bucket in ("reports", "backups"):
        for action in ("s3:GetObject", "s3:PutObject"):
            assert answer(document, action, f"arn:aws:s3:::{bucket}/a/b", **mfa) == "allowed"
            assert answer(document, action, f"arn:aws:s3:::{bucket}/a/b") == "implicit deny"
    assert answer(document, "s3:GetObject", "arn:aws:s3:::other/a", **mfa) == "implicit deny"
    assert answer(document, "s3:DeleteObject", "arn:aws:s3:::reports/a", **mfa) == "implicit deny"
    assert answer(document, "s3:DeleteBucket", "arn:aws:s3:::reports", **mfa) == "implicit deny"


@pytest.mark.parametrize("verb", ["see", "read", "change", "delete", "tag", "manage access"])
def test_a_policy_allows_what_was_chosen_and_nothing_else(verb):
    """Each verb over several services is the catalogue's actions of that kind, exactly."""
    choice = PolicyChoice(do=[verb], services=["ec2", "iam", "s3", "dynamodb"])
    catalogue = load_catalogue()
    chosen = catalogue.named(chosen_actions(choice, catalogue))
    assert chosen
    assert expand(build_policy([choice], HERE)) == chosen


def test_no_action_is_of_two_verbs():
    """Changing does not delete, and deleting does not change."""
    catalogue = load_catalogue()
    change, delete = (
        chosen_actions(PolicyChoice(do=[verb], services=["ec2"]), catalogue)
        for verb in ("change", "delete")
    )
    assert not change & delete
    assert "ec2:TerminateInstances" in catalogue.named(delete)


def test_conditions_are_chosen_by_name():
    """MFA, addresses, a last day that is still included, and tags."""
    choice = PolicyChoice(
        do=["see"],
        services=["ec2"],
        with_mfa=True,
        from_addresses=["203.0.113.0/24"],
        until="2027-01-31",
        tagged={"team": "web"},
    )
    document = build_policy([choice], HERE)
    good = {
        "aws:MultiFactorAuthPresent": "true",
        "aws:SourceIp": "203.0.113.9",
        "aws:CurrentTime": "2027-01-31T23:59:59Z",
        "aws:ResourceTag/team": "web",
    }
    assert answer(document, "ec2:DescribeInstances", "*", **good) == "allowed"
    for key, other in {
        "aws:MultiFactorAuthPresent": "false",
        "aws:SourceIp": "198.51.100.1",
        "aws:CurrentTime": "2027-02-01T00:00:00Z",
        "aws:ResourceTag/team": "data",
    }.items():
        changed = good | {key: other}
        assert answer(document, "ec2:DescribeInstances", "*", **changed) == "implicit deny", key


@pytest.mark.parametrize(
    ("kind", "name", "arn"),
    [
        ("s3:bucket", "reports", "arn:aws:s3:::reports"),
        ("s3:object", "reports", "arn:aws:s3:::reports/*"),
        ("s3:object", "reports/2027/*", "arn:aws:s3:::reports/2027/*"),
        ("iam:user", "team/alice", "arn:aws:iam::111122223333:user/team/alice"),
        ("dynamodb:index", "t", "arn:aws:dynamodb:*:111122223333:table/t/index/*"),
        ("ec2:instance", "i-1", "arn:aws:ec2:*:111122223333:instance/i-1"),
        ("ec2:instance", "", "arn:aws:ec2:*:111122223333:instance/*"),
    ],
)
def test_a_thing_is_named_and_its_arn_is_made(kind, name, arn):
    """No ARN is typed."""
    assert arn_of(kind, name, HERE) == arn


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ({"do": ["see"], "services": ["s4"]}, "no service 's4'"),
        ({"actions": ["s3:GetObjekt"]}, "did you mean s3:GetObject?"),
        ({"do": ["read"], "services": ["s3"], "resources": ["s3:objekt x"]}, "did you mean s3:obj"),
        ({"do": ["tag"], "services": ["s3"], "resources": ["s3:accessgrant"]}, ""),
        ({"do": ["manage access"], "services": ["s3"], "resources": ["s3:job x"]}, "another verb"),
        ({}, "Nothing is chosen yet"),
    ],
)
def test_a_choice_that_makes_no_policy_says_why(choice, expected):
    """The service, action or type is named, with what may be meant."""
    if not expected:
        assert build_policy([PolicyChoice(**choice)], HERE)
        return
    with pytest.raises(InputError, match=expected.replace("?", r"\?")):
        build_policy([PolicyChoice(**choice)], HERE)


def test_the_gauge_shows_what_fits():
    """Two characters over a quota do not."""
    room = 5_120 - count_characters(policy(allow("s3:GetObject", resource="arn:aws:s3:::")))
    full = policy(allow("s3:GetObject", resource="arn:aws:s3:::" + "x" * (room - 2)))
    over = policy(allow("s3:GetObject", resource="arn:aws:s3:::" + "x" * (room + 2)))
    assert next(g for g in measure(full) if g.quota.startswith("group")).fits
    gauge = next(g for g in measure(over) if g.quota.startswith("group"))
    assert gauge.fits is False
    assert "2 too many" in str(gauge)


MFA = {"Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}}
DENY = {"Effect": "Deny", "Action": "s3:DeleteObject", "Resource": "arn:aws:s3:::b/*"}
GAINS = {
    "another action": (
        [allow("s3:Get*", resource="arn:aws:s3:::b/*")],
        [allow("s3:GetObject", "s3:PutObject", resource="arn:aws:s3:::b/x*")],
        [("s3:PutObject", "arn:aws:s3:::b/x*", "")],
    ),
    "a wider resource": (
        [allow("s3:GetObject", resource="arn:aws:s3:::b/x*")],
        [allow("s3:GetObject", resource="arn:aws:s3:::b/*")],
        [("s3:GetObject", "arn:aws:s3:::b/*", "")],
    ),
    "a deny that is gone": (
        [allow("s3:*"), DENY],
        [allow("s3:*")],
        [("s3:DeleteObject", "arn:aws:s3:::b/*", "")],
    ),
    "a deny that stays": ([allow("s3:*"), DENY], [allow("s3:*"), DENY], []),
    "a condition that is gone": (
        [allow("s3:GetObject") | MFA],
        [allow("s3:GetObject")],
        [("s3:GetObject", "*", "")],
    ),
    "a condition more": ([allow("s3:GetObject")], [allow("s3:GetObject") | MFA], []),
    "what is denied anyway": (
        [allow("s3:GetObject")],
        [allow("s3:GetObject"), allow("s3:DeleteObject", resource="arn:aws:s3:::b/x"), DENY],
        [],
    ),
    "an action unknown to the catalogue": (
        [allow("s3:GetObject")],
        [allow("s3:GetObject", "s3:MadeUp")],
        [("s3:MadeUp", "*", "")],
    ),
}


@pytest.mark.parametrize("case", GAINS, ids=str)
def test_what_one_policy_allows_beyond_another_is_told(case):
    """The actions, on which resources, under which conditions; and nothing if nothing is gained."""
    before, after, gains = GAINS[case]
    found = compare_policies(policy(*before), policy(*after))
    assert list(found[["action", "resource", "conditions"]].itertuples(index=False)) == gains
