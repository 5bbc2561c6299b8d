"""Policy documents: strict parsing that names place and repair, equality, size."""

import json

import pytest

from iamkit.errors import InputError
from iamkit.policies import allow, count_characters, parse_policy, policy, same_policy

GOOD = json.dumps(policy(allow("ec2:Describe*")))
STATEMENT = '{"Effect": "Allow", "Action": "ec2:Describe*", "Resource": "*"}'


def document(statement):
    return f'{{"Version": "2012-10-17", "Statement": [{statement}]}}'


BAD = {
    "20 a key twice": (
        document('{"Effect": "Deny", "Effect": "Allow", "Action": "a:B", "Resource": "*"}'),
        "'Effect' is given twice",
    ),
    "21 typographic quotes": (GOOD.replace('"Effect"', "\u201cEffect\u201d"), "typographic quotes"),
    "23 nested deep": ("[" * 5_000 + "]" * 5_000, "nested far deeper"),
    "25 beyond U+00FF": (
        document(STATEMENT.replace('"*"', '"arn:aws:s3:::\u0142"')),
        "'\u0142' is not allowed",
    ),
    "26 effect in lower case": (
        document(STATEMENT.replace("Effect", "effect")),
        "writes it Effect",
    ),
    "27 no Version": (f'{{"Statement": [{STATEMENT}]}}', "Version is missing"),
    "28 Principal": (document(STATEMENT[:-1] + ', "Principal": "*"}'), "has Principal"),
    "29 no service": (document(STATEMENT.replace("ec2:", "")), "service:Name"),
    "a Sid with a space": (document('{"Sid": "a b", ' + STATEMENT[1:]), "only letters and digits"),
    "a condition key without a service": (
        document(STATEMENT[:-1] + ', "Condition": {"Bool": {"MFA": "true"}}}'),
        "'MFA' has no service",
    ),
    "no statement": ('{"Version": "2012-10-17", "Statement": []}', "at least one statement"),
    "not an object": ("[]", "in braces"),
    "broken JSON": ('{"Version": }', "line 1, column 13"),
}


@pytest.mark.parametrize("case", BAD, ids=str)
def test_a_bad_policy_is_refused_with_its_place(case):
    """Each kind of mistake is named in one or two lines."""
    text, expected = BAD[case]
    with pytest.raises(InputError) as error:
        parse_policy(text, "dev_policy")
    assert expected in str(error.value)
    assert str(error.value).startswith("dev_policy: ")
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
