"""One grammar of policies: the kit accepts what the sandbox does, which answers as AWS does."""

import json
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from botocore.session import Session
from hypothesis import HealthCheck, given, settings, strategies as st
from moto.iam.aws_managed_policies import aws_managed_policies_data
from moto.iam.policy_validation import IAMPolicyDocumentValidator
from samples import scaled

from iamkit.errors import InputError
from iamkit.parameters.checking import check as check_parameters
from iamkit.parameters.models import DevGroupParameters
from iamkit.policies.grammar.document import parse_policy, to_json
from iamkit.policies.grammar.elements import PARTITIONS
from iamkit.policies.grammar.reading import load_strictly
from iamkit.policies.grammar.validation import find_problem
from iamkit.policies.lint.linting import lint_policy
from iamkit.sandbox.server.errors import Refused
from iamkit.sandbox.server.policy_grammar import check_document

CASES = json.loads((Path(__file__).parent / "cases" / "grammar.json").read_text(encoding="utf-8"))
STATEMENT = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}


def text_of(case):
    """A case's document: whole, or as changes of one statement."""
    if "text" in case:
        return case["text"]
    if "document" in case:
        return json.dumps(case["document"])
    changed = {**STATEMENT, **case["statement"]}
    one = {key: value for key, value in changed.items() if value != "(left out)"}
    return json.dumps({"Version": "2012-10-17", "Statement": one})


@pytest.fixture
def put(iam):
    """What PutGroupPolicy answers to a document's text; empty if it takes it."""
    iam.create_group(GroupName="dev")

    def answer(text):
        try:
            iam.put_group_policy(GroupName="dev", PolicyName="p", PolicyDocument=text)
        except ClientError as error:
            return error.response["Error"]["Message"]
        return ""

    return answer


@pytest.fixture
def create(iam):
    """What CreatePolicy answers to a document's text; empty if it takes it."""

    def answer(text):
        try:
            arn = iam.create_policy(PolicyName="p", PolicyDocument=text)["Policy"]["Arn"]
        except ClientError as error:
            return error.response["Error"]["Message"]
        iam.delete_policy(PolicyArn=arn)
        return ""

    return answer


def refusal_of_the_kit(text):
    """What the kit says to a document's text; empty if it takes it."""
    try:
        parse_policy(text)
    except InputError as error:
        return str(error)
    return ""


def test_documents_are_answered_as_aws_answers_them(put, create):
    """By two calls of the sandbox in AWS's words, and by the kit, which refuses the same."""
    for case in CASES:
        text, answer = text_of(case), case["answer"]
        assert (put(text), create(text)) == (answer, answer), case["case"]


def test_the_kit_refuses_what_aws_refuses():
    """In one or two lines, and nothing else."""
    for case in CASES:
        said = refusal_of_the_kit(text_of(case))
        assert bool(said) == bool(case["answer"]), case["case"]
        assert len(said.splitlines()) <= 2, case["case"]


NEW = [case for case in CASES if case["case"] != "an old Version before a bad effect"]
"""The linter judges what exists already too, and passes over its version."""


@pytest.mark.parametrize("case", NEW, ids=lambda case: case["case"])
def test_parameters_and_linter_say_the_same(case):
    """What AWS refuses is refused before a plan is made, in the linter's words; no more is."""
    text = text_of(case)
    given = {"environment": "sandbox", "account_id": "000000000000", "dev_policy": text}
    given |= {"dev_group": "dev", "dev_policy_name": "look"}
    if not case["answer"]:
        assert check_parameters(DevGroupParameters, given)
        return
    with pytest.raises(InputError) as error:
        check_parameters(DevGroupParameters, given)
    (remark, *_) = lint_policy(text)
    first = remark.message.removeprefix("policy: ").splitlines()[0].rstrip(".")
    assert first[1:] in str(error.value)


def test_there_are_enough_cases():
    """Each is another one, and accepted ones are among them."""
    assert len({text_of(case) for case in CASES}) == len(CASES) >= 60
    assert sum(not case["answer"] for case in CASES) >= 15


def test_awss_own_policies_are_taken():
    """Each document that AWS wrote itself is well formed; what it wrote of old, but for that."""
    for name, policy in json.loads(aws_managed_policies_data).items():
        assert find_problem(policy["Document"]) is None, name


def test_the_partitions_are_botocores():
    """The grammar knows those that botocore's own data names."""
    assert set(PARTITIONS) == set(Session().get_available_partitions())


@pytest.mark.parametrize("version", [{}, {"Version": "2008-10-17"}, {"Version": "2012-10-17"}])
def test_the_simulator_takes_what_exists(iam, version):
    """A policy of the old version, named or meant, can be simulated, though none can be made."""
    text = json.dumps({**version, "Statement": STATEMENT})
    reply = iam.simulate_custom_policy(PolicyInputList=[text], ActionNames=["s3:GetObject"])
    assert [found["EvalDecision"] for found in reply["EvaluationResults"]] == ["allowed"]


def test_a_policy_of_a_resource_is_held_against_the_same_grammar():
    """It wants a principal, may leave out version and resource, and has an effect and actions."""
    trust = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}}
    trust |= {"Action": "sts:AssumeRole"}
    answers = {
        "": trust,
        "Policy document must specify a principal.": {**STATEMENT},
        "Invalid principal in policy.": {**trust, "Principal": {"Robot": "x"}},
        "Policy statement must contain actions.": {**trust, "Action": []},
        "The policy failed legacy parsing": {**trust, "Effect": "allow"},
        "Syntax errors in policy.": {**trust, "Effect": "Yes"},
    }
    for answer, statement in answers.items():
        text = json.dumps({"Statement": statement})
        assert verdict(lambda sent: check_document(sent, "trust"), text) == answer


CHARACTERS = st.text("ab:*?/${}'\u00e9\u20ac\n0", max_size=5)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 2**70), st.floats(), CHARACTERS, st.just({"Ref": "x"})
)
ACTIONS = st.sampled_from(
    ["*", "s3:*", "s3:GetObject", "*:Get*", "s3:", "list", "", "a:b:c", "s_3:x", "s*:x", "S3:x y"]
)
RESOURCES = st.sampled_from(
    [
        *["*", "bucket", "", "arn:aws:s3", "arn:aws", "arn:aws:s3:::b/*", "arn:aws:s3:eu:1:b"],
        *["arn:aws:s3:eu:1:accesspoint/x", "arn:x:s3:::b", "arn:*:s3:::b", "a:b", "arn:aws:s3::b"],
        *[
            "arn:aws:iam::1:user/a",
            "arn:aws:iam::1:a",
            "arn:aws:iam::1:*",
            "arn:aws:iam:eu::user/a",
        ],
        *["arn:aws:::x:y", "arn:aws:ec2:eu", "arn:aws-iso-f:s3:::b", "x:aws:s3:::b", "::::::"],
    ]
)
OPERATORS = st.sampled_from(
    [
        *["StringEquals", "stringequals", "StringIs", "ForAnyValue:StringLike", "NullIfExists"],
        *["Null", "ForAllValue:Bool", "BoolIfExists", "DateLessThan", "NumericEquals", "IpAddress"],
    ]
)
VALUES = st.one_of(
    SCALARS,
    st.sampled_from(["2026-01-31", "2026-01-31T00:00:00Z", "2026-13-01", "1700000000", "true"]),
)
KEYS = st.sampled_from(["aws:username", "aws:CurrentTime", "MFA", "", "s3:prefix"])


def one_or_several(values):
    """A value, or a list of some, or of none."""
    return st.one_of(values, st.lists(values, max_size=3))


CONDITIONS = st.one_of(
    st.dictionaries(
        OPERATORS,
        st.one_of(st.dictionaries(KEYS, one_or_several(VALUES), max_size=2), SCALARS),
        max_size=2,
    ),
    SCALARS,
)
STATEMENTS = st.fixed_dictionaries(
    {
        "Effect": st.one_of(st.sampled_from(["Allow", "Allow", "Deny", "allow", "No"]), SCALARS),
        "Action": one_or_several(st.one_of(ACTIONS, ACTIONS, SCALARS)),
        "Resource": one_or_several(st.one_of(RESOURCES, RESOURCES, SCALARS)),
    },
    optional={
        "Sid": st.one_of(st.sampled_from(["a", "b", "a b", ""]), SCALARS),
        "Condition": CONDITIONS,
        "Principal": st.just("*"),
        "NotAction": one_or_several(ACTIONS),
        "NotResource": one_or_several(RESOURCES),
        "effect": st.just("Allow"),
    },
)
GOOD = st.fixed_dictionaries(
    {
        "Effect": st.sampled_from(["Allow", "Deny"]),
        "Action": st.sampled_from(["s3:*", ["s3:Get*", "*"]]),
        "Resource": st.sampled_from(["*", ["arn:aws:s3:::b/*", "arn:aws:iam::1:user/a"]]),
    }
)


@st.composite
def documents(draw):
    """A document of good statements, one of which may have elements of another, or be another."""
    statements = [dict(draw(GOOD)) for _ in range(draw(st.integers(1, 2)))]
    odd = draw(st.one_of(STATEMENTS, SCALARS))
    if isinstance(odd, dict) and odd:
        for key in draw(st.lists(st.sampled_from(sorted(odd)), max_size=2)):
            statements[0][key] = odd[key]
        left_out = draw(st.sampled_from(["", "", "", "Effect", "Action", "Resource"]))
        statements[0].pop(left_out, None)
    elif draw(st.booleans()):
        statements.append(odd)
    document = {"Version": "2012-10-17", "Statement": statements}
    for key in draw(
        st.lists(st.sampled_from(["Version", "Id", "Statement", "Conditions", "x"]), max_size=1)
    ):
        document[key] = draw(st.one_of(SCALARS, st.just("2008-10-17"), GOOD))
    return document


def verdict(judge, text):
    """What a judge of the sandbox answers; empty if it takes the text."""
    try:
        judge(text)
    except Refused as refused:
        return refused.message
    return ""


def is_sent(text):
    """Whether the API's model takes a text's characters."""
    return all(char in "\t\n\r" or " " <= char <= "\xff" for char in text)


@given(documents())
@settings(max_examples=scaled(100, 4000), deadline=None)
def test_kit_and_sandbox_accept_the_same(document):
    """A document is taken by the kit exactly if the sandbox takes its text."""
    text = to_json(document)
    taken = is_sent(text) and not verdict(lambda sent: check_document(sent, "identity"), text)
    assert (find_problem(document) is None) == taken


@given(document=documents())
@settings(
    max_examples=scaled(15, 300),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_the_calls_accept_what_the_kit_does(put, create, document):
    """PutGroupPolicy and CreatePolicy, over the wire, are of the kit's opinion."""
    text = to_json(document)
    taken = find_problem(document) is None
    assert (put(text) == "") == (create(text) == "") == taken


BEYOND = ("can not contain region", "IAM resource path", "The policy failed legacy parsing")
"""Where moto refuses what AWS's documentation or its own policies have; see the cases."""


@given(documents())
@settings(max_examples=scaled(75, 3000), deadline=None)
def test_the_order_of_refusals_is_that_of_the_layer_below(document):
    """What moto refuses is refused by us, in moto's words, but for what AWS documents."""
    text = to_json(document)
    below = verdict_of_moto(text)
    ours = verdict(lambda sent: check_document(sent, "identity"), text)
    if below and not below.startswith(BEYOND) and not has_number(document):
        assert ours == below


def verdict_of_moto(text):
    """What moto's own validator answers; empty if it takes the text, or falls over it."""
    try:
        load_strictly(text)  # it takes a key twice, and NaN
        IAMPolicyDocumentValidator(text).validate()
    except (ValueError, AttributeError, TypeError):
        return ""
    except Exception as error:  # noqa: BLE001 - moto's own
        return getattr(error, "message", "")
    return ""


def has_number(document):
    """Whether a condition has a number without quotes, which moto does not know."""
    try:
        return any(
            isinstance(value, int | float) and not isinstance(value, bool)
            for statement in document["Statement"]
            for tests in statement.get("Condition", {}).values()
            for values in tests.values()
            for value in (values if isinstance(values, list) else [values])
        )
    except (AttributeError, TypeError):
        return False
