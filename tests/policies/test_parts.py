"""Parts of a policy: what each comes to; how a policy that exists becomes parts, or why not."""

import pytest
from hypothesis import given, settings, strategies as st
from policies.managed import managed_policies
from samples import scaled

from iamkit.errors import InputError
from iamkit.parameters.models import PolicyChoice
from iamkit.policies import allow, policy
from iamkit.policies.actions.builder import Place, build_policy
from iamkit.policies.actions.catalogue import load_catalogue, search_actions
from iamkit.policies.actions.dangers import dangers_of
from iamkit.policies.actions.parts import offered_services, split_services, tell_part
from iamkit.policies.comparison.table import compare_policies
from iamkit.policies.opening import open_policy

HERE = Place("111122223333")
VERBS = ["see", "read", "change", "delete", "tag", "manage access"]
THINGS = {
    "s3": ["s3:object reports", "s3:object reports/2027/*", "s3:bucket reports", "s3:object"],
    "ec2": ["ec2:instance i-0123456789abcdef0", "ec2:volume"],
    "iam": ["iam:user team/bob", "iam:role *", "iam:user ${aws:username}"],
    "sqs": ["sqs:queue jobs"],
}
CHOICES = st.lists(st.sampled_from(list(THINGS)), min_size=1, max_size=3, unique=True).flatmap(
    lambda services: st.builds(
        PolicyChoice,
        do=st.lists(st.sampled_from(VERBS), max_size=3, unique=True),
        services=st.just(services),
        actions=st.lists(
            st.sampled_from(["s3:GetObject", "sqs:SendMessage", "ec2:Run*"]), max_size=2
        ),
        resources=st.lists(
            st.sampled_from([thing for service in services for thing in THINGS[service]]),
            max_size=3,
            unique=True,
        ),
        with_mfa=st.booleans(),
        from_addresses=st.sampled_from([[], ["203.0.113.0/24", "2001:db8::/32"]]),
        until=st.sampled_from(["", "2027-01-31"]),
        tagged=st.sampled_from([{}, {"team": "web", "stage": "test"}]),
    )
)


def built(parts):
    """The policy of parts; none where it cannot be built, or nothing is chosen."""
    try:
        return build_policy(parts, HERE)
    except InputError:
        return None


def same(one, other):
    return compare_policies(one, other).empty and compare_policies(other, one).empty


def opened(*statements):
    return open_policy(policy(*statements), HERE)


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ({"services": ["ec2"]}, "Amazon EC2 contributes nothing: no verb is switched on yet."),
        (
            {"services": ["sts"], "do": ["delete"]},
            "AWS Security Token Service contributes nothing: it has nothing to delete.",
        ),
        (
            {"services": ["s3", "ec2"], "do": ["read"], "resources": ["s3:object reports"]},
            "EC2 contributes nothing: none of what is chosen of it can be limited to s3:object.",
        ),
    ],
)
def test_a_service_that_contributes_nothing_says_why(choice, said):
    """Nothing that was chosen vanishes in silence."""
    told = tell_part(PolicyChoice(**choice), load_catalogue())
    assert any(str(one).endswith(said) for one in told.contributions)


def test_actions_that_are_left_out_are_named_with_what_takes_them_in():
    """Of what reads in S3, most is about buckets and not about objects."""
    choice = PolicyChoice(services=["s3"], do=["read"], resources=["s3:object reports"])
    told = tell_part(choice, load_catalogue())
    assert "are left out" in told.left_out
    assert told.widening == "s3:bucket"
    wider = tell_part(
        choice.model_copy(update={"resources": ["s3:object", "s3:bucket"]}), load_catalogue()
    )
    assert wider.contributions[0].actions > told.contributions[0].actions


@settings(max_examples=scaled(40, 1_000))
@given(CHOICES)
def test_what_a_part_is_told_to_contribute_is_what_its_policy_allows(choice):
    """The count beside a service is that of the policy's actions of it."""
    catalogue = load_catalogue()
    told = tell_part(choice, catalogue)
    document = built([choice])
    if document is None:
        assert not told.chosen or choice.resources
        return
    allowed = catalogue.union(action for one in document["Statement"] for action in one["Action"])
    counts = {service: mask.bit_count() for service, mask in catalogue.by_service(allowed)}
    assert {one.service: one.actions for one in told.contributions if one.actions} == counts


@settings(max_examples=scaled(40, 1_000))
@given(CHOICES)
def test_a_part_for_each_service_allows_what_the_part_did(choice):
    """No service gains by it, either: without things of its own it would be on all of them."""
    document = built([choice])
    parts = [choice.model_copy(update=own) for own in split_services(choice)]
    assert all(len(part.services) == 1 for part in parts)
    if document is not None:
        assert same(document, built(parts))


@settings(max_examples=scaled(40, 1_000))
@given(st.lists(CHOICES, min_size=1, max_size=2))
def test_what_was_built_of_parts_opens_into_parts_again(choices):
    """Whatever a person can choose can be opened, and comes to the same."""
    document = built(choices)
    if document is None:
        return
    found = open_policy(document, HERE)
    assert found.left == ()
    assert same(document, built([PolicyChoice(**part) for part in found.parts]))


@pytest.mark.parametrize("number", range(scaled(40, 1_500)))
def test_a_policy_that_opens_whole_comes_to_the_same(number):
    """AWS's own policies, those that can be said as parts: nothing is added, nothing is lost."""
    documents = list(managed_policies().values())
    document = documents[number * 37 % len(documents)]
    found = open_policy(document, HERE)
    assert found.parts or found.left
    if not found.left:
        assert same(document, built([PolicyChoice(**part) for part in found.parts]))


BUCKET = "arn:aws:s3:::reports"


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ({"Effect": "Deny", "Action": "s3:*", "Resource": "*"}, "it denies"),
        ({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}, "what it is not about"),
        ({"Effect": "Allow", "Action": "s3:*", "NotResource": BUCKET}, "what it is not about"),
        ({"Effect": "Allow", "Action": "*", "Resource": "*"}, "services"),
        (allow("s3:NoSuchThing"), "s3:NoSuchThing is not in the catalogue of"),
        (allow("s3:*", resource="arn:aws:s3:::re*"), "arn:aws:s3:::re* cannot be said"),
        (allow("sqs:*", resource="arn:aws:sqs:eu-west-1:111122223333:jobs"), "cannot be said"),
        (allow("sqs:*", resource="arn:aws:sqs:*:444455556666:jobs"), "cannot be said"),
        (allow("s3:ListAllMyBuckets", resource=BUCKET), "it allows nothing"),
        (
            allow("s3:*") | {"Condition": {"StringLike": {"s3:prefix": "home/*"}}},
            "it has the condition StringLike on s3:prefix",
        ),
        (
            allow("s3:*") | {"Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "true"}}},
            "it has the condition BoolIfExists on aws:MultiFactorAuthPresent",
        ),
        (
            allow("s3:*")
            | {
                "Condition": {
                    "IpAddress": {"aws:SourceIp": "203.0.113.0/24"},
                    "ipaddress": {"aws:sourceip": "198.51.100.0/24"},
                }
            },
            "two conditions on aws:sourceip",
        ),
    ],
)
def test_a_statement_that_is_in_no_part_says_why(statement, why):
    """It is named by its number and its Sid, and what else there is opens."""
    found = opened(statement | {"Sid": "This"}, allow("ec2:Describe*"))
    assert len(found.left) == 1
    assert found.left[0].startswith("Statement 1 (This) is in no part: ")
    assert why in found.left[0]
    assert [part["services"] for part in found.parts] == [["ec2"]]


def test_a_variable_is_none_in_a_policy_of_the_older_version():
    """There ${aws:username} is a name with these very letters, so it opens into no part."""
    statement = allow("iam:*AccessKey*", resource="arn:aws:iam::111122223333:user/${aws:username}")
    assert opened(statement).parts[0]["resources"] == ["iam:user ${aws:username}"]
    older = {"Version": "2008-10-17", "Statement": [statement]}
    assert "knows no variables" in open_policy(older, HERE).left[0]


def test_what_a_statement_allows_nowhere_is_said():
    """Listing buckets cannot be limited to one, so no part has it, and the rest opens."""
    found = opened(allow("s3:ListAllMyBuckets", "s3:ListBucket", resource=BUCKET))
    assert found.left == ()
    assert found.idle == (
        "Statement 1: s3:ListAllMyBuckets can do nothing to its resources, so no part has it.",
    )
    assert found.parts[0]["resources"] == ["s3:bucket reports"]


def test_every_service_is_offered_once():
    """Those that are named come first, and nobody is left out."""
    offered = [service for service, *_ in offered_services(load_catalogue(), ["s3", "ec2"])]
    assert offered[:2] == ["s3", "ec2"]
    assert sorted(offered) == sorted(load_catalogue().titles)


def test_a_search_for_actions_keeps_to_the_services_that_are_named():
    """Words alone search all of AWS; a service that nobody knows has none."""
    assert {a.name for a in search_actions("terminate instances", services=["ec2"])} >= {
        "ec2:TerminateInstances"
    }
    assert all(a.name.startswith("ec2:") for a in search_actions("instance", services=["ec2"]))
    assert search_actions("instance", services=["no-such"]) == []


def test_dangers_are_named_the_gravest_first():
    """Handing out roles before deleting, each with its actions; reading a list is none."""
    document = policy(allow("s3:DeleteBucket", "iam:PassRole", "ec2:Describe*"))
    assert list(dangers_of(document, load_catalogue()).items()) == [
        ("hand roles to AWS's services", 1),
        ("delete things", 1),
    ]
