"""Knowing less: whatever is not read any more, no answer becomes more certain for it."""

from dataclasses import replace

from accounts import ACCOUNT
from hypothesis import given, settings, strategies as st
from samples import scaled

from iamkit.policies.evaluation.engine import Policies, evaluate, unread
from iamkit.policies.evaluation.request import Principal, Request

USER = f"arn:aws:iam::{ACCOUNT}:user/alice"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/app"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/app/alice"
KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/k"
QUESTIONS = [
    ("s3:GetObject", "arn:aws:s3:::b/x"),
    ("s3:GetObject", "arn:aws:s3:::b/*"),
    ("s3:GetObject", "*"),
    ("s3:*Object", "arn:aws:s3:::b/x*"),
    ("kms:Decrypt", KEY),
    ("sts:AssumeRole", ROLE),
    ("sts:*", "*"),
    ("iam:DeletePolicy", "*"),
]
RESOURCES = [
    "*",
    "*",
    "arn:aws:s3:::b/*",
    "arn:aws:s3:::b/x",
    "arn:aws:s3:::${aws:PrincipalTag/t}/*",
]
TESTS = [
    {},
    {},
    {"Bool": {"aws:MultiFactorAuthPresent": "true"}},
    {"StringEquals": {"aws:PrincipalTag/t": "b"}},
    {"StringNotEquals": {"aws:PrincipalTag/t": "b"}},
    {"StringLike": {"aws:userid": "*:alice"}},
]
NAMES = [f"arn:aws:iam::{ACCOUNT}:root", USER, ROLE, SESSION, "*"]
CONTEXT = {"aws:MultiFactorAuthPresent": "true", "aws:userid": "AROA:alice"}
parts = st.fixed_dictionaries(
    {
        "Effect": st.sampled_from(["Allow", "Allow", "Deny"]),
        "Action": st.sampled_from(["*", "s3:*", "s3:GetObject", "kms:*", "sts:Assume*", "iam:*"]),
        "Condition": st.sampled_from(TESTS),
    }
)
pieces = st.tuples(parts, st.sampled_from(["Resource", "Resource", "NotResource"]))
statement = st.builds(
    lambda piece, resource: {**piece[0], piece[1]: resource}, pieces, st.sampled_from(RESOURCES)
)
owned = st.builds(
    lambda found, element, names: {**found, element: {"AWS": names}},
    statement,
    st.sampled_from(["Principal", "Principal", "NotPrincipal"]),
    st.lists(st.sampled_from(NAMES), min_size=1, max_size=2),
)
ALLOWING = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def documents(one):
    """A policy of up to three statements; more often than not one of them allows all."""
    found = st.lists(one, max_size=2)
    several = st.one_of(found, found.map(lambda some: [ALLOWING, *some]))
    return several.map(lambda some: {"Version": "2012-10-17", "Statement": some})


layers = st.fixed_dictionaries(
    {
        "identity": documents(statement).map(lambda found: {"own": found}),
        "permissions_boundary": st.none() | documents(statement),
        "session": st.none() | documents(statement).map(lambda found: {"passed": found}),
        "service_control": st.just(()) | documents(statement).map(lambda found: [{"p": found}]),
        "resource_control": st.just(()) | documents(statement).map(lambda found: [{"p": found}]),
        "vpc_endpoint": st.none() | documents(owned),
        "resource": st.none() | documents(owned),
    }
)
UNREAD = {
    "identity": {"own": unread("own")},
    "permissions_boundary": unread("boundary"),
    "session": {"passed": unread("passed")},
    "service_control": [{"p": unread("an SCP")}],
    "resource_control": [{"p": unread("an RCP")}],
    "vpc_endpoint": unread("endpoint"),
    "resource": unread("the resource's"),
}
CALLERS = {
    "user": Principal(USER, tags={"t": "b"}),
    "session": Principal(SESSION, issuer=ROLE, tags={"t": "b"}),
}
LESS = [*UNREAD, "tags", "which session", *CONTEXT]
AFTER = {
    "allowed": {"allowed", "allowed in part", "depends"},
    "allowed in part": {"allowed in part", "depends"},
    "depends": {"depends"},
    "implicit deny": {"implicit deny", "explicit deny", "depends"},
    "explicit deny": {"implicit deny", "explicit deny", "depends"},
}
"""By what the answer was, what it may be when less is known."""


def known_less(request, policies, fact):
    """The same question without a fact."""
    if fact in UNREAD:
        return request, replace(policies, **{fact: UNREAD[fact]})
    if fact == "tags":
        return replace(request, principal=replace(request.principal, tags=None)), policies
    if fact == "which session":
        asked = request.principal
        whole = Principal(ROLE) if asked.kind == "role" else asked
        unknown = request.unknown | {"aws:userid"} if asked.kind == "role" else request.unknown
        return replace(request, principal=whole, unknown=unknown), policies
    return replace(request, unknown=request.unknown | {fact}), policies


@given(
    st.sampled_from(QUESTIONS),
    st.sampled_from(sorted(CALLERS)),
    layers,
    st.lists(st.sampled_from(LESS), min_size=1, max_size=4, unique=True),
)
@settings(max_examples=scaled(100, 5000), deadline=None)
def test_removing_a_fact_makes_no_answer_more_certain(question, caller, given_layers, facts):
    """A layer, the tags, which session it is, a context key: what is left open stays open."""
    action, resource = question
    request = Request(
        principal=CALLERS[caller], action=action, resource=resource, context=CONTEXT, complete=False
    )
    policies = Policies(**given_layers)
    before = evaluate(request, policies)
    for fact in facts:
        request, policies = known_less(request, policies, fact)
        after = evaluate(request, policies)
        assert after.effect in AFTER[before.effect], (fact, str(before), str(after))
        before = after
