"""Two questions with three answers: proved, shown by a request, or why it cannot be told."""

from datetime import datetime

import pytest
from accounts import ACCOUNT
from hypothesis import given, settings, strategies as st
from policies.managed import managed_policies
from samples import scaled

from iamkit import grants_access, grants_new_access, shrink
from iamkit.errors import InputError
from iamkit.policies import allow, policy
from iamkit.policies.comparison.exports import say_request
from iamkit.policies.comparison.witnesses import policies_with
from iamkit.policies.evaluation.engine import evaluate
from iamkit.policies.evaluation.request import Principal, Request
from iamkit.policies.grammar.statements import statements_of

PRINCIPALS = [
    Principal(f"arn:aws:iam::{ACCOUNT}:user/alice"),
    Principal(f"arn:aws:iam::{ACCOUNT}:user/bob"),
    Principal(f"arn:aws:sts::{ACCOUNT}:assumed-role/app/session"),
]
PATTERNS = [
    "*",
    "arn:aws:s3:::*",
    "arn:aws:s3:::b",
    "arn:aws:s3:::b/*",
    "arn:aws:s3:::b/x*",
    "arn:aws:s3:::b/?",
    "arn:aws:s3:::*/x",
    "arn:aws:s3:::b/${aws:username}*",
    "arn:aws:s3:::b/${aws:PrincipalTag/team}/*",
    "arn:aws:s3:::b/${*}",
]
CONDITIONS = [
    {},
    {},
    {"Bool": {"aws:MultiFactorAuthPresent": "true"}},
    {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}},
    {"Null": {"aws:MultiFactorAuthPresent": "true"}},
    {"StringEquals": {"aws:PrincipalTag/team": ["x", "y"]}},
    {"StringNotEquals": {"aws:PrincipalTag/team": "x"}},
    {"StringLike": {"aws:PrincipalTag/team": ["x*", "?"]}},
    {"StringEqualsIgnoreCase": {"aws:PrincipalTag/team": "X"}},
    {"StringEquals": {"aws:PrincipalTag/team": "${aws:username}"}},
    {"StringEquals": {"aws:username": ["alice", "carol"]}},
    {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:user/*"}},
    {"IpAddress": {"aws:SourceIp": ["203.0.113.0/24", "198.51.100.7/32"]}},
    {"NotIpAddress": {"aws:SourceIp": "203.0.113.0/28"}},
    {"NumericLessThan": {"aws:MultiFactorAuthAge": "3600"}},
    {"NumericGreaterThanEquals": {"aws:MultiFactorAuthAge": "60"}},
    {"DateLessThan": {"aws:CurrentTime": "2027-01-01T00:00:00Z"}},
    {"ForAllValues:StringEquals": {"aws:TagKeys": ["team", "cost"]}},
    {"ForAnyValue:StringEquals": {"aws:TagKeys": ["team"]}},
    {"StringLike": {"s3:prefix": "x/*"}},
]
ACTIONS = "s3:GetObject s3:PutObject s3:Get* s3:* * s3:ListBucket s3:ListAllMyBuckets".split()
VALUES = {
    "aws:MultiFactorAuthPresent": ["true", "false"],
    "aws:PrincipalTag/team": ["x", "y", "X", "xy", "z", "alice", ""],
    "aws:SourceIp": ["203.0.113.1", "203.0.113.77", "198.51.100.7", "8.8.8.8"],
    "aws:MultiFactorAuthAge": ["0", "59", "60", "3599", "3600"],
    "aws:CurrentTime": ["2026-12-31T00:00:00Z", "2027-02-01T00:00:00Z"],
    "aws:TagKeys": [["team"], ["cost"], ["team", "cost"], ["team", "other"]],
    "s3:prefix": ["x/1", "y"],
}
NAMES = ["", "b", "b/x", "b/x/1", "b/", "c/x", "b/alice1", "b/x/", "b/*", "b/${*}", "b/y/z"]
statements = st.builds(
    lambda effect, action, element, patterns, conditions: {
        "Effect": effect,
        action[0]: action[1],
        element: patterns,
        "Condition": conditions,
    },
    st.sampled_from(["Allow", "Allow", "Deny"]),
    st.tuples(
        st.sampled_from(["Action", "Action", "Action", "NotAction"]),
        st.lists(st.sampled_from(ACTIONS), min_size=1, max_size=2),
    ),
    st.sampled_from(["Resource", "Resource", "NotResource"]),
    st.lists(st.sampled_from(PATTERNS), min_size=1, max_size=2),
    st.sampled_from(CONDITIONS),
)
policies = st.builds(lambda found: policy(*found), st.lists(statements, min_size=1, max_size=3))
requests = st.builds(
    lambda who, action, name, context: Request(
        principal=who,
        action=action,
        resource="*" if action == "s3:ListAllMyBuckets" else f"arn:aws:s3:::{name}",
        context={"aws:CurrentTime": "2026-12-31T00:00:00Z"} | context,
    ),
    st.sampled_from(PRINCIPALS),
    st.sampled_from(["s3:GetObject", "s3:PutObject", "s3:ListBucket", "s3:ListAllMyBuckets"]),
    st.sampled_from(NAMES),
    st.fixed_dictionaries({}, optional={k: st.sampled_from(v) for k, v in VALUES.items()}),
)


def allowed(document, request):
    return evaluate(request, policies_with(document, request.principal)).allowed


@given(policies, policies, st.lists(requests, min_size=20, max_size=20))
@settings(max_examples=scaled(40, 5000), deadline=None)
def test_no_new_access_is_never_contradicted_and_every_witness_is_one(old, new, tried):
    """What a random request gets from NEW alone is never denied by the answer."""
    answer = grants_new_access(old, new)
    if answer.granted:
        assert allowed(new, answer.witness), say_request(answer.witness)
        assert not allowed(old, answer.witness), say_request(answer.witness)
    for request in tried if answer.granted is False else ():
        asked = allowed(new, request) and not allowed(old, request)
        assert not asked, say_request(request)
    assert (answer.granted is None) == bool(answer.why)


@given(policies, st.sampled_from(ACTIONS), st.sampled_from(PATTERNS[:7]), st.lists(requests))
@settings(max_examples=scaled(40, 3000), deadline=None)
def test_what_is_surely_not_granted_no_request_gets(document, action, resource, tried):
    """A request within the question is refused where the answer is no; a witness is within it."""
    answer = grants_access(document, action, resource)
    question = policy(allow(action, resource=resource))
    if answer.granted:
        assert allowed(document, answer.witness)
        assert allowed(question, answer.witness), say_request(answer.witness)
    for request in tried if answer.granted is False else ():
        assert not (allowed(document, request) and allowed(question, request)), say_request(request)


@given(policies)
@settings(max_examples=scaled(50, 1000), deadline=None)
def test_a_policy_grants_nothing_beyond_itself(document):
    """Whatever is in it, with itself beside it there is nothing new."""
    assert grants_new_access(document, document).granted is False


MFA = {"Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}}
OLD_DATE = {"Condition": {"DateLessThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}}
GET, REPORTS = allow("s3:GetObject"), "arn:aws:s3:::reports/*"
DENY = {"Effect": "Deny", "Action": "s3:Delete*", "Resource": "*"}
CHANGES = {
    "the same": ([GET], [GET], False),
    "fewer resources": ([GET], [allow("s3:GetObject", resource=REPORTS)], False),
    "more resources": ([allow("s3:GetObject", resource=REPORTS)], [GET], "s3:GetObject"),
    "a condition more": ([GET], [GET | MFA], False),
    "a condition fewer": ([GET | MFA], [GET], "s3:GetObject"),
    "two statements that cover one together": (
        [GET | MFA, GET | {"Condition": {"Bool": {"aws:MultiFactorAuthPresent": "false"}}}],
        [GET | {"Condition": {"Null": {"aws:MultiFactorAuthPresent": "false"}}}],
        False,
    ),
    "a deny fewer": ([allow("s3:*"), DENY], [allow("s3:*")], "s3:Delete"),
    "a deny instead of a list": ([allow("s3:*")], [allow("s3:*"), DENY], False),
    "a wildcard in place of its actions": (
        [allow("s3:GetObject", "s3:GetObjectAcl", "s3:GetObjectAnnotation")],
        [allow("s3:GetObject", "s3:GetObjectA*")],
        "s3:GetObjectA",
    ),
    "a wildcard for all that there is today": (
        [allow("s3:ListAllMyBuckets")],
        [allow("s3:ListAllMyB*")],
        None,
    ),
    "one's own folder of all folders": (
        [allow("s3:GetObject", resource="arn:aws:s3:::home/*")],
        [allow("s3:GetObject", resource="arn:aws:s3:::home/${aws:username}/*")],
        False,
    ),
    "all folders beside one's own": (
        [allow("s3:GetObject", resource="arn:aws:s3:::home/${aws:username}/*")],
        [allow("s3:GetObject", resource="arn:aws:s3:::home/*")],
        "s3:GetObject",
    ),
    "NotResource with less left out": (
        [{"Effect": "Allow", "Action": "s3:GetObject", "NotResource": "arn:aws:s3:::a/*"}],
        [{"Effect": "Allow", "Action": "s3:GetObject", "NotResource": "arn:aws:s3:::a/x/*"}],
        "s3:GetObject",
    ),
    "NotAction with more left out": (
        [{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}],
        [{"Effect": "Allow", "NotAction": ["iam:*", "sts:*"], "Resource": "*"}],
        False,
    ),
    "NotAction with less left out": (
        [{"Effect": "Allow", "NotAction": ["iam:*", "sts:*"], "Resource": "*"}],
        [{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}],
        "sts:",
    ),
    "what only a past date allows": ([allow("s3:PutObject")], [GET | OLD_DATE], False),
    "a key that the action never has": (
        [allow("s3:PutObject")],
        [GET | {"Condition": {"StringEquals": {"s3:prefix": "x"}}}],
        None,
    ),
    "an operator that AWS has not, in a deny": (
        [DENY | {"Action": "s3:GetObject"}],
        [GET, DENY | {"Action": "s3:GetObject", "Condition": {"StringIs": {"aws:username": "x"}}}],
        InputError,
    ),
    "an action on what it is never about": (
        [allow("s3:GetObject", resource=REPORTS)],
        [allow("s3:GetObject", "s3:PutBucketAcl", resource=REPORTS)],
        None,
    ),
    "an action that the catalogue has not": ([GET], [allow("s3:MadeUp")], "s3:MadeUp"),
    "a key of KMS": ([GET], [allow("kms:Decrypt")], "kms:Decrypt"),
    "what can be denied to nobody": ([GET], [allow("sts:GetCallerIdentity")], False),
    "queues of every account": (
        [allow("sqs:SendMessage", resource="arn:aws:sqs:*:111122223333:*")],
        [allow("sqs:SendMessage", resource="arn:aws:sqs:*:*:*")],
        "sqs:SendMessage",
    ),
    "queues of an account that a condition names": (
        [
            allow("sqs:SendMessage")
            | {"Condition": {"StringNotEquals": {"aws:ResourceAccount": "555566667777"}}}
        ],
        [allow("sqs:SendMessage", resource="arn:aws:sqs:*:*:*")],
        "sqs:SendMessage",
    ),
    "another partition beside": (
        [allow("sqs:SendMessage", resource="arn:aws:sqs:*:*:a")],
        [allow("sqs:SendMessage", resource=["arn:aws:sqs:*:*:a", "arn:aws-cn:sqs:*:*:a"])],
        "sqs:SendMessage",
    ),
    "a tag whose value a pattern of resources is": (
        [DENY],
        [
            allow("s3:GetObject", resource="arn:aws:s3:::b/${aws:PrincipalTag/team}/*"),
            {"Effect": "Deny", "Action": "*", "NotResource": "arn:aws:s3:::b/x/*"},
        ],
        None,
    ),
    "tags that the action has not": (
        [DENY],
        [
            allow("s3:ListAllMyBuckets")
            | {"Condition": {"StringEquals": {"aws:ResourceTag/team": "a"}}}
        ],
        None,
    ),
    "what is in the caller's own account": (
        [GET],
        [
            allow("secretsmanager:DeleteSecret", resource="arn:aws:secretsmanager:*:*:secret:m*")
            | {"Condition": {"StringEquals": {"aws:ResourceAccount": "${aws:PrincipalAccount}"}}}
        ],
        "secretsmanager:DeleteSecret",
    ),
    "another account's queue": (
        [GET],
        [allow("sqs:SendMessage", resource="arn:aws:sqs:eu-west-1:444455556666:jobs")],
        "sqs:SendMessage",
    ),
}


@pytest.mark.parametrize("case", CHANGES, ids=str)
def test_a_change_grants_something_new_or_does_not(case):
    """Yes with a request of the action, no, or that it cannot be told."""
    old, new, wanted = CHANGES[case]
    now = datetime.fromisoformat("2026-06-01T00:00:00Z")
    if wanted is InputError:
        with pytest.raises(InputError):
            grants_new_access(policy(*old), policy(*new), now)
        return
    answer = grants_new_access(policy(*old), policy(*new), now)
    assert answer.granted is (bool(wanted) if wanted is not None else None), answer
    assert not wanted or answer.witness.action.startswith(wanted)


IN_REPORTS = [allow("s3:*", resource=REPORTS)]
QUESTIONS = {
    "another action": ([GET], "s3:DeleteObject", "*", False),
    "another resource": (
        IN_REPORTS,
        "s3:GetObject",
        "arn:aws:s3:::x/y",
        False,
    ),
    "a set of resources": (
        IN_REPORTS,
        "s3:GetObject",
        "arn:aws:s3:::r*",
        True,
    ),
    "under a condition": ([GET | MFA], "s3:GetObject", REPORTS, True),
    "denied": ([allow("s3:*"), DENY], "s3:DeleteObject", "*", False),
    "denied under a condition": ([allow("s3:*"), DENY | MFA], "s3:DeleteObject", "*", True),
    "denied unless a condition that its allow has": (
        [GET | MFA, DENY | {"Action": "*"} | MFA],
        "s3:GetObject",
        "*",
        False,
    ),
    "a set of actions": ([GET], "s3:*", "*", True),
    "a set of actions, all but what is denied": ([allow("s3:*"), DENY], "s3:Delete*", "*", False),
    "a wildcard that names nothing yet": ([allow("s3:GetObjectF*")], "s3:Get*", "*", None),
    "what nobody can be denied": ([DENY], "sts:GetCallerIdentity", "*", True),
    "everything but": (
        [{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}],
        "iam:CreateUser",
        "*",
        False,
    ),
}


@pytest.mark.parametrize("case", QUESTIONS, ids=str)
def test_an_access_is_granted_surely_not_or_cannot_be_told(case):
    """True with a witness, False if it is proved, None otherwise."""
    statements_, action, resource, wanted = QUESTIONS[case]
    assert grants_access(policy(*statements_), action, resource).granted is wanted


@pytest.mark.parametrize("name", sorted(managed_policies())[::40])
def test_awss_policies_grant_nothing_beyond_themselves_and_each_action_that_is_added(name):
    """Drawn together they grant nothing new today; one statement fewer, and a request shows it."""
    document = managed_policies()[name]
    assert grants_new_access(document, document).granted is False
    assert grants_new_access(document, shrink(document)).granted is not True
    assert grants_new_access(shrink(document), document).granted is not True
    other = policy(allow("iam:CreateAccessKey", resource="arn:aws:iam::*:user/questions-only"))
    more = {**document, "Statement": [*statements_of(document), *other["Statement"]]}
    answer = grants_new_access(document, more)
    if answer.granted:
        assert answer.witness.action == "iam:CreateAccessKey"
    else:
        had = grants_access(document, "iam:CreateAccessKey").granted
        assert had is grants_access(more, "iam:CreateAccessKey").granted  # or it is denied


def test_a_witness_is_consistent():
    """Whoever gave MFA a minute ago has given MFA; a call in a region is about what is there."""
    aged = {"NumericLessThan": {"aws:MultiFactorAuthAge": "60"}}
    found = grants_access(policy(GET | {"Condition": aged}), "s3:GetObject").witness
    assert found.context["aws:MultiFactorAuthPresent"] == "true"
    there = {"StringEquals": {"aws:RequestedRegion": "us-west-2"}}
    found = grants_access(policy(allow("sqs:SendMessage") | {"Condition": there}), "sqs:*").witness
    assert found.resource.split(":")[3] == found.context["aws:RequestedRegion"] == "us-west-2"
    never = {"Null": {"aws:MultiFactorAuthPresent": "true"}}
    assert grants_access(policy(GET | {"Condition": aged | never}), "s3:GetObject").granted is None


@pytest.mark.parametrize("question", [("GetObject", "*"), ("s3:GetObject", "b"), ("s3:Made*", "*")])
def test_what_cannot_be_asked_is_refused(question):
    """An action without its service, a resource that is no ARN, a wildcard that names nothing."""
    with pytest.raises(InputError):
        grants_access(policy(GET), *question)
