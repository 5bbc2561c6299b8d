"""The evaluator against cases written from AWS's documentation, and properties of its logic."""

import itertools
import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st
from samples import scaled

from iamkit.policies.evaluation.engine import Policies, evaluate, evaluate_exactly, unread
from iamkit.policies.evaluation.request import Principal, Request
from iamkit.policies.grammar.patterns import Walker, action_pattern, matches_resource, matches_text

FILES = sorted((Path(__file__).parent / "cases" / "evaluate").glob("*.json"))
CASES = [case for file in FILES for case in json.loads(file.read_text())]
ALICE = "arn:aws:iam::111122223333:user/alice"


NOT_READ = "not read"


def document(given, name=""):
    if given == NOT_READ:
        return unread(name)
    if isinstance(given, dict) and "Statement" in given:
        return given
    return {"Version": "2012-10-17", "Statement": given}


def documents(given, name="p{}"):
    """One document, several, or the statements of one, by names."""
    items = given if isinstance(given, list) else [given]
    several = any(item == NOT_READ or "Statement" in item for item in items)
    items = items if several else [items]
    return {name.format(n): document(item, name.format(n)) for n, item in enumerate(items, 1)}


def levels(given, name):
    """By level, the documents of each; a level that was not read is one that is not known."""
    return [documents(level, name) for level in given]


def read_case(case):
    """The request and the policies of a case."""
    given = case["policies"]
    boundary, resource = given.get("permissions_boundary"), given.get("resource")
    endpoint = given.get("vpc_endpoint")
    policies = Policies(
        identity=documents(given["identity"]) if given.get("identity") else {},
        permissions_boundary=(
            None if boundary is None else document(boundary, "permissions boundary")
        ),
        session=(
            documents(given["session"], "a session policy")
            if given.get("session") is not None
            else None
        ),
        service_control=levels(given.get("service_control", []), "a service control policy"),
        resource_control=levels(given.get("resource_control", []), "a resource control policy"),
        vpc_endpoint=None if endpoint is None else document(endpoint, "VPC endpoint policy"),
        resource=None if resource is None else document(resource, "the resource's policy"),
    )
    request = Request(
        principal=Principal(case.get("principal", ALICE), case.get("issuer", ""), case.get("tags")),
        action=case["action"],
        resource=case.get("resource"),
        context=case.get("context"),
        unknown=frozenset(case.get("unknown", ())),
        resource_account=case.get("resource_account", ""),
    )
    return request, policies


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"][:90])
def test_a_request_is_decided_as_aws_documents_it(case):
    """What the case expects; where it says so, by those statements, or for want of those keys."""
    decide_one = evaluate_exactly if case.get("wildcards_are_letters") else evaluate
    decision = decide_one(*read_case(case))
    assert decision.effect == case["expect"], str(decision)
    if "decided_by" in case:
        assert sorted(s.name for s in decision.statements) == sorted(case["decided_by"])
    if "depends_on" in case:
        assert list(decision.depends_on) == sorted(case["depends_on"])
    if "part" in case:
        assert decision.part == case["part"]


def test_each_case_says_what_no_other_says():
    """At least three hundred sentences, each with its source; of sets and layers the most."""
    assert len(CASES) >= 300
    counts = {file.stem: len(json.loads(file.read_text())) for file in FILES}
    assert counts["sets"] >= 120
    assert counts["layers"] >= 80
    assert len({case["case"] for case in CASES}) == len(CASES)
    assert all(case["source"].startswith("https://docs.aws.amazon.com/") for case in CASES)


REFUSED = ("explicit deny", "implicit deny")
KEYS = {
    "aws:MultiFactorAuthPresent": ["true", "false", None],
    "aws:SourceIp": ["203.0.113.5", "198.51.100.1", None],
    "aws:PrincipalTag/team": ["web", "data", None],
}
TESTS = [
    {},
    {"Bool": {"aws:MultiFactorAuthPresent": "true"}},
    {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}},
    {"Null": {"aws:MultiFactorAuthPresent": "true"}},
    {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}},
    {"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}},
    {"StringEquals": {"aws:PrincipalTag/team": ["web", "ops"]}},
    {"StringNotEquals": {"aws:PrincipalTag/team": "web"}, "Null": {"aws:SourceIp": "false"}},
    {"StringLike": {"aws:PrincipalTag/team": "${aws:username}*"}},
]
some_statements = st.lists(
    st.builds(
        lambda effect, action, resource, test: {
            "Effect": effect,
            "Action": action,
            "Resource": resource,
            "Condition": test,
        },
        st.sampled_from(["Allow", "Allow", "Deny"]),
        st.sampled_from(["s3:GetObject", "s3:*", "s3:Put*", "*"]),
        st.sampled_from(["*", "arn:aws:s3:::b/*", "arn:aws:s3:::${aws:PrincipalTag/team}/*"]),
        st.sampled_from(TESTS),
    ),
    max_size=4,
)
contexts = st.fixed_dictionaries({key: st.sampled_from(values) for key, values in KEYS.items()})


def decide(statements, context, unknown=(), **more):
    request = Request(
        principal=Principal(ALICE),
        action="s3:GetObject",
        resource="arn:aws:s3:::b/key",
        context={key: value for key, value in context.items() if value is not None},
        unknown=frozenset(unknown),
    )
    return evaluate(request, Policies(identity={"p": document(statements)}, **more)).effect


@given(some_statements, some_statements, contexts)
@settings(max_examples=scaled(50, 2000), deadline=None)
def test_another_deny_never_allows(statements, more, context):
    """Whatever is refused stays refused when denies are added."""
    denies = [{**statement, "Effect": "Deny"} for statement in more]
    if decide(statements, context) in REFUSED:
        assert decide(statements + denies, context) in REFUSED


@given(some_statements, st.randoms(), contexts)
@settings(max_examples=scaled(50, 2000), deadline=None)
def test_the_order_of_statements_never_matters(statements, random, context):
    """Shuffled, the answer is the same."""
    shuffled = list(statements)
    random.shuffle(shuffled)
    assert decide(shuffled, context) == decide(statements, context)


@given(some_statements, some_statements, contexts)
@settings(max_examples=scaled(50, 2000), deadline=None)
def test_a_boundary_only_takes_away(statements, boundary, context):
    """What is allowed within a boundary is allowed without it."""
    within = decide(statements, context, permissions_boundary=document(boundary))
    if within == "allowed":
        assert decide(statements, context) == "allowed"


@given(some_statements, contexts, st.sets(st.sampled_from(sorted(KEYS)), min_size=1))
@settings(max_examples=scaled(75, 3000), deadline=None)
def test_a_certain_answer_holds_whatever_the_unknown_is(statements, context, unknown):
    """No value of the unknown keys, and no absence, makes a certain answer wrong."""
    answer = decide(statements, context, unknown)
    found = {
        decide(statements, context | dict(zip(sorted(unknown), values, strict=True)))
        for values in itertools.product(*(KEYS[key] for key in sorted(unknown)))
    }
    if answer == "allowed":
        assert found == {"allowed"}
    elif answer in REFUSED:
        assert "allowed" not in found


def test_an_answer_names_the_statements_that_decided():
    """As a person would look them up: the policy and the Sid."""
    statement = {"Sid": "Read", "Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}
    request = Request(principal=Principal(ALICE), action="s3:GetObject")
    decision = evaluate(request, Policies(identity={"own > inline p": document(statement)}))
    assert str(decision) == "allowed: own > inline p > Read"


def test_what_is_no_principal_is_refused():
    """A misspelt ARN must not be taken for somebody."""
    with pytest.raises(ValueError, match="no principal"):
        Principal("arn:aws:iam::1:user/alice")


def test_a_hostile_pattern_is_answered_at_once():
    """Thirty stars against a long text neither hang nor match what they should not."""
    patterns = ["*a" * 30 + "b", "arn:aws:s3:::" + "*a" * 30 + "b", "arn:*a*a*a*a*a*a*b:*:x:*:*"]
    for pattern in patterns:
        for text in ("a" * 1_000, "arn:aws:s3:::" + "a" * 1_000):
            assert matches_resource(pattern, text, None) is False
            assert matches_text(pattern, text, None, wildcards=True) is False
    assert matches_resource(
        "arn:aws:s3:::" + "*a" * 30 + "b", "arn:aws:s3:::" + "xa" * 40 + "b", None
    )
    assert action_pattern("s3:*e*t*o*j*").fullmatch("s3:GETOBJECT")
    assert not action_pattern("s3:*e*t*o*j*").fullmatch("s3:PutThing")


any_pattern = st.text("ab:*?", max_size=12)


@given(any_pattern, st.text("ab:", max_size=10))
@settings(max_examples=scaled(125, 5000), deadline=None)
def test_walking_and_regular_expressions_agree(pattern, text):
    """Patterns of many stars are taken as those of few."""
    expression = "".join({"*": ".*", "?": "."}.get(c, re.escape(c)) for c in pattern)
    found = re.compile(expression, re.DOTALL).fullmatch(text) is not None
    assert Walker(expression, 0).fullmatch(text) == found
