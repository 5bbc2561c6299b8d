"""Questions about sets: never better than their worst member, and never wider than the policy."""

import re
import time

from accounts import ACCOUNT, account_of
from hypothesis import given, settings, strategies as st
from samples import scaled

from iamkit.policies.actions.catalogue import load_catalogue
from iamkit.policies.evaluation.access import permission_matrix
from iamkit.policies.evaluation.engine import Policies, evaluate, evaluate_exactly
from iamkit.policies.evaluation.request import Principal, Request
from iamkit.policies.evaluation.sets import divided, kinds_of, members_of
from iamkit.policies.grammar.patterns import resource_expression

ALICE = Principal(f"arn:aws:iam::{ACCOUNT}:user/alice", tags={"team": "x"})
GRADES = {"explicit deny": 0, "implicit deny": 0, "depends": 1, "allowed": 2}
PATTERNS = [
    "*",
    "arn:aws:s3:::*",
    "arn:aws:s3:::b/*",
    "arn:aws:s3:::b/x*",
    "arn:aws:s3:::b/?",
    "arn:aws:s3:::*/x",
    "arn:aws:s3:::?/x1",
    "arn:aws:s3:::b/${aws:PrincipalTag/team}*",
    "arn:aws:s3:::${aws:PrincipalTag/other}/*",
    "arn:aws:s3:::b/${aws:SourceIdentity}/1",
    "arn:aws:iam::*:user/x",
]
TESTS = [{}, {}, {"Bool": {"aws:MultiFactorAuthPresent": "true"}}]
SETS = ["*", "arn:aws:s3:::*", "arn:aws:s3:::b/*", "arn:aws:s3:::b/x?", "arn:aws:s3:::?/*"]
statements = st.lists(
    st.builds(
        lambda effect, element, patterns, test, action: {
            "Effect": effect,
            "Action": action,
            element: patterns,
            "Condition": test,
        },
        st.sampled_from(["Allow", "Allow", "Deny"]),
        st.sampled_from(["Resource", "Resource", "NotResource"]),
        st.lists(st.sampled_from(PATTERNS), min_size=1, max_size=2),
        st.sampled_from(TESTS),
        st.sampled_from(["s3:GetObject", "s3:Get*", "*", "s3:PutObject"]),
    ),
    min_size=1,
    max_size=4,
)
keys = st.text("bx/1", max_size=5)


ACTIONS = ("s3:GetObject", "s3:ListAllMyBuckets", "iam:DeleteUser")
"""One that is about objects, one that has no resources, and one of another service."""


def document(found):
    return {"Version": "2012-10-17", "Statement": found}


def asked(action, resource):
    return Request(principal=ALICE, action=action, resource=resource, context={}, complete=False)


def policies_of(own, boundary):
    limit = document(boundary) if boundary else None
    return Policies(identity={"own": document(own)}, permissions_boundary=limit)


def fits(resource, pattern):
    return pattern == "*" or re.fullmatch(resource_expression(pattern), resource, re.DOTALL)


@given(statements, st.none() | statements, st.sampled_from(SETS), st.lists(keys, min_size=5))
@settings(max_examples=scaled(75, 3000), deadline=None)
def test_the_answer_for_a_set_is_never_better_than_for_its_worst_member(own, boundary, s, texts):
    """Allowed means each member, refused none of them, in part that some are and some are not."""
    policies = policies_of(own, boundary)
    answer = evaluate(asked("s3:GetObject", s), policies)
    members = [m for text in texts if fits(m := f"arn:aws:s3:::{text}", s)]
    grades = {GRADES[evaluate_exactly(asked("s3:GetObject", m), policies).effect] for m in members}
    if answer.effect == "allowed":
        assert grades <= {2}
    elif answer.effect == "depends":
        assert grades <= {0, 1}
    elif answer.effect != "allowed in part":
        assert grades <= {0}
    assert bool(answer.part) <= (answer.effect in ("allowed in part", "depends"))


@given(statements, st.lists(keys, min_size=5))
@settings(max_examples=scaled(75, 3000), deadline=None)
def test_a_part_is_never_wider_than_the_policy(own, texts):
    """Of what an answer names as the allowed part, every member is allowed."""
    policies = policies_of(own, None)
    answer = evaluate(asked("s3:GetObject", "*"), policies)
    if answer.effect != "allowed in part" or "outside" in answer.part or "all but" in answer.part:
        return
    named, _, denied = answer.part.partition(", but not ")
    for member in (f"arn:aws:s3:::{text}" for text in texts):
        within = any(_fits_with_tags(member, p) for p in named.split(", "))
        if within and not any(_fits_any(member, p) for p in denied.split(", ") if p):
            assert evaluate_exactly(asked("s3:GetObject", member), policies).allowed, member


def _fits_with_tags(member, pattern):
    return fits(member, pattern.replace("${aws:PrincipalTag/team}", "x"))


def _fits_any(member, pattern):
    return fits(member, re.sub(r"\$\{.*?\}", "*", pattern))


@given(statements, st.none() | statements)
@settings(max_examples=scaled(50, 2000), deadline=None)
def test_the_matrix_is_never_wider_than_the_policies(own, boundary):
    """Everything, everything but some, some, nothing: the answer for all of the account says so."""
    arn = f"arn:aws:iam::{ACCOUNT}:policy/limit"
    user = {"name": "alice", "groups": [], "inline": {"own": document(own)}, "tags": ALICE.tags}
    user |= {"boundary": arn} if boundary else {}
    limits = [{"arn": arn, "document": document(boundary)}] if boundary else []
    state = account_of({"users": [user], "policies": limits})
    for action in ACTIONS:
        found = permission_matrix(state).who(action)
        reach = found["reach"].iloc[0] if len(found) else "nothing"
        effect = evaluate(asked(action, "*"), policies_of(own, boundary)).effect
        if reach == "everything":
            assert effect == "allowed"
        elif reach in ("everything but some", "some resources"):
            assert effect in ("allowed", "allowed in part")
        elif reach == "nothing":
            assert effect.endswith("deny")


@given(statements, st.sampled_from(["s3:Get*", "s3:*Object", "s3:Put?bject"]), st.randoms())
@settings(max_examples=scaled(25, 1000), deadline=None)
def test_the_answer_for_actions_is_never_better_than_for_the_worst_of_them(own, pattern, random):
    """The same for a pattern of actions, some of which are asked one by one."""
    policies, catalogue = policies_of(own, None), load_catalogue()
    answer = evaluate(asked(pattern, "*"), policies).effect
    for action in random.choices(catalogue.named(catalogue.matching(pattern)), k=3):
        one = evaluate(asked(action, "*"), policies).effect
        if answer == "allowed":
            assert one == "allowed"
        elif answer == "depends":
            assert one not in ("allowed", "allowed in part")
        elif answer != "allowed in part":
            assert one.endswith("deny")


patterns = st.text("ab:*?", min_size=1, max_size=8)


@given(patterns, st.lists(patterns, max_size=3), st.text("abc:", max_size=8))
@settings(max_examples=scaled(125, 5000), deadline=None)
def test_each_text_has_a_member_that_stands_for_it(pattern, others, text):
    """Whatever is of the set, one of the members found is matched by just the same patterns."""
    expressions = tuple(resource_expression(other) for other in others)

    def matched(of):
        return {e for e in expressions if re.fullmatch(e, of)}

    members = members_of(pattern, (), expressions)
    own = resource_expression(pattern)
    assert all(re.fullmatch(own, member) for member in members)
    if re.fullmatch(own, text):
        assert matched(text) in [matched(member) for member in members]


def test_a_hostile_set_is_given_up_in_time():
    """Patterns that tell very many members apart make the answer depend on the resource."""
    hostile = [f"arn:aws:s3:::*{'*'.join(w * 3)}*" for w in ("abcdefgh", "hgfedcba", "acegbdfh")]
    found = [
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Effect": "Deny", "Action": "*", "Resource": hostile},
    ]
    begun = time.process_time()
    answer = evaluate(asked("s3:GetObject", "*"), policies_of(found, None))
    assert (answer.effect, answer.depends_on) == ("depends", ("resource",))
    assert time.process_time() - begun < 5


def test_kinds_are_those_of_the_account():
    """By the catalogue: a service, the account where the ARN has one; none for a bare action."""
    assert kinds_of("ec2:DescribeInstances", "aws", ACCOUNT) == ()
    assert kinds_of("sqs:SendMessage", "aws", ACCOUNT) == (rf"arn:aws:sqs:[^:]*:{ACCOUNT}:.*",)
    assert r"arn:aws:iam::aws:.*" in kinds_of("iam:GetPolicy", "aws", ACCOUNT)
    assert kinds_of("none:Nothing", "aws", ACCOUNT) is None


def test_sets_of_actions_are_cut_where_others_divide_them():
    """Into parts that together are the whole and have nothing in common."""
    assert sorted(divided(0b1111, [0b0011, 0b0110])) == [0b0001, 0b0010, 0b0100, 0b1000]
