"""Policy documents: strict parsing that names place and repair, equality, size."""

import json

import pytest

from iamkit.errors import InputError
from iamkit.policies import allow, count_characters, parse_policy, policy, same_policy
from iamkit.policies.lint.linting import lint_policy

GOOD = json.dumps(policy(allow("ec2:Describe*")))
STATEMENT = '{"Effect": "Allow", "Action": "ec2:Describe*", "Resource": "*"}'


def document(statement):
    return f'{{"Version": "2012-10-17", "Statement": [{statement}]}}'


BAD = {
    "20 a key twice": (
        document('{"Effect": "Deny", "Effect": "Allow", "Action": "a:B", "Resource": "*"}'),
        "'Effect' is given twice",
        "(line 1, column 60)",
    ),
    "21 typographic quotes": (
        GOOD.replace('"Effect"', "\u201cEffect\u201d"),
        "typographic quotes",
        "(line 1, column 42)",
    ),
    "23 nested deep": ("[" * 5_000 + "]" * 5_000, "nested far deeper", ""),
    "25 beyond U+00FF": (
        document(STATEMENT.replace('"*"', '"arn:aws:s3:::\u0142"')),
        "'\u0142' is not allowed",
        "(line 1, column 100)",
    ),
    "26 effect in lower case": (
        document(STATEMENT.replace("Effect", "effect")),
        "writes it Effect",
        "(line 1, column 42)",
    ),
    "27 no Version": (
        f'{{"Statement": [{STATEMENT}]}}',
        'Add "Version": "2012-10-17"',
        "(line 1, column 1)",
    ),
    "28 Principal": (
        document(STATEMENT[:-1] + ',\n "Principal": "*"}'),
        "has Principal",
        "(line 2, column 2)",
    ),
    "29 no service": (
        document(STATEMENT.replace("ec2:", "")),
        "service:Name, such as ec2:Describe*",
        "(line 1, column 71)",
    ),
    "a Sid with a space": (
        document('{"Sid": "a b", ' + STATEMENT[1:]),
        "only letters and digits",
        "(line 1, column 49)",
    ),
    "a condition operator that is none": (
        document(STATEMENT[:-1] + ',\n "Condition": {"StringIs": {"aws:username": "x"}}}'),
        "IAM has no condition operator 'StringIs'",
        "(line 2, column 16)",
    ),
    "a statement of one object": (
        f'{{"Version": "2012-10-17", "Statement":\n{STATEMENT.replace("Allow", "allow")}}}',
        'must be "Allow" or "Deny"',
        "(line 2, column 12)",
    ),
    "no statement": (
        '{"Version": "2012-10-17", "Statement": []}',
        "at least one statement",
        "(line 1, column 40)",
    ),
    "not an object": ("[]", "in braces", "(line 1, column 1)"),
    "broken JSON": ('{"Version": }', "line 1, column 13", ""),
}


@pytest.mark.parametrize("case", BAD, ids=str)
def test_a_bad_policy_is_refused_with_its_place(case):
    """Each kind of mistake is named in one or two lines."""
    text, expected, place = BAD[case]
    with pytest.raises(InputError) as error:
        parse_policy(text, "dev_policy")
    assert expected in str(error.value)
    assert str(error.value).startswith("dev_policy: ")
    assert str(error.value).splitlines()[0].rstrip(".").endswith(place.rstrip("."))
    assert len(str(error.value).splitlines()) <= 2


def test_the_guides_fragment_is_repaired():
    """19: braces that are missing and an empty action list are both told."""
    fragment = '"Statement": [{"Effect": "Allow", "Action": [], "Resource": "*"}]'
    with pytest.raises(InputError) as error:
        parse_policy(fragment)
    said, repaired = str(error.value).splitlines()
    assert "braces are missing" in said
    assert "Action list is empty" in said
    assert json.loads(repaired.removeprefix("Repaired: "))["Version"] == "2012-10-17"


@pytest.mark.parametrize("case", BAD, ids=str)
def test_the_linter_tells_what_the_parser_refuses(case):
    """It has one remark, which says the same and stands at the same place."""
    text, expected, place = BAD[case]
    (remark,) = lint_policy(text)
    assert expected in remark.message
    assert remark.rule in ("structure", "not-json", "unknown-operator")
    assert place in ("", f"(line {remark.line}, column {remark.column})")


def test_a_policy_over_the_quota_is_told_how_much():
    """24: two characters over are an error, and two fewer than the quota are none."""
    size = count_characters(json.loads(GOOD))
    (remark,) = lint_policy(GOOD, quota=size - 2)
    assert remark.message.startswith(
        f"The policy has {size} characters, 2 more than the {size - 2}"
    )
    assert not lint_policy(GOOD, quota=size + 2)


def test_administration_is_told_wherever_it_is():
    """30: whether the group is the administrators' is for the reader to say."""
    (remark,) = lint_policy(policy(allow("*")))
    assert "administers the account" in remark.message


def test_a_byte_order_mark_is_no_problem():
    """22: what Windows editors put first is passed over."""
    assert parse_policy("\ufeff" + GOOD) == json.loads(GOOD)


def test_a_value_and_a_list_of_it_mean_the_same():
    """Equality is of meaning: order within a list and single values are no difference."""
    one = parse_policy(document('{"Effect":"Allow","Action":["a:B","a:C"],"Resource":"*"}'))
    other = parse_policy(document('{"Effect":"Allow","Action":["a:C","a:B"],"Resource":["*"]}'))
    assert same_policy(one, other)
    assert not same_policy(one, policy(allow("a:B")))


def test_white_space_is_not_counted():
    """The size is what IAM's quotas count."""
    spread = json.loads(json.dumps(policy(allow("ec2:Describe*")), indent=8))
    assert count_characters(spread) == len(json.dumps(spread, separators=(",", ":")))
    assert count_characters({"a": "b c"}) == len('{"a":"bc"}')
