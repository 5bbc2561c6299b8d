"""Policies as people bring them: unwrapped where AWS wrapped them, repaired where that is sure."""

import json
from contextlib import suppress
from urllib.parse import quote

import pytest
from hypothesis import given, settings, strategies as st
from samples import scaled

from iamkit.account.state import AccountState
from iamkit.errors import InputError
from iamkit.notebook.forms.fields import field_of
from iamkit.parameters.checking import check
from iamkit.parameters.models import DevGroupParameters
from iamkit.policies import allow, parse_policy, policy
from iamkit.policies.grammar.reading import decode_text, read_policy
from iamkit.policies.lint.linting import lint_policy
from iamkit.policies.lookup import find_policy

GOOD = policy(allow("s3:Get*", resource="arn:aws:s3:::b/*"))
TEXT = json.dumps(GOOD)
YAML = """Version: 2012-10-17
Statement:
  - Effect: Allow
    Action: [s3:Get*]
    Resource: arn:aws:s3:::b/*  # one bucket
"""
IN_BRACES = (
    "{Version: 2012-10-17, Statement: [{Effect: Allow, Action: [s3:Get*], "
    "Resource: 'arn:aws:s3:::b/*'}]}"
)
FOR_TERRAFORM = TEXT.replace("arn:aws:s3:::b", "${aws_s3_bucket.b.arn}")
REPAIRED = {
    "trailing commas": (
        TEXT.replace("]", ",]").replace("}", ",}"),
        "a comma after",
        (1, TEXT.index("]") + 1),
    ),
    "a line of comment": (TEXT.replace("{", "{\n  // who looks\n", 1), "a comment", (2, 3)),
    "a comment at the end of a line": (TEXT.replace(", ", ", # so\n", 1), "a comment", (1, 27)),
    "a comment of C": (TEXT.replace("{", "{ /* a\n b */", 1), "a comment", (1, 3)),
    "a comma before a comment": (
        TEXT[:-1] + ", // last\n}",
        "a comment",
        (1, len(TEXT) + 2),
    ),
    "single quotes": (TEXT.replace('"', "'"), "single quotes", (1, 2)),
    "what Python prints": (str({**GOOD, "Id": "it's"}), "single quotes", (1, 2)),
    "typographic quotes": (TEXT.replace('"Effect"', "\u201cEffect\u201d"), "typographic", (1, 42)),
    "typographic single quotes": (
        TEXT.replace('"Allow"', "\u2018Allow\u2019"),
        "typographic",
        (1, TEXT.index('"Allow"') + 1),
    ),
    "YAML": (YAML, "it is YAML", (1, 1)),
    "YAML in braces": (IN_BRACES, "it is YAML", (1, 1)),
    "a heredoc": (f"  policy = <<EOF\n{TEXT}\nEOF\n", "heredoc", (1, 12)),
    "an indented heredoc": (f"policy = <<-POLICY\n  {TEXT}\n  POLICY\n", "heredoc", (1, 10)),
}
UNSURE = {
    "a template of Terraform": (f"<<EOF\n{FOR_TERRAFORM}\nEOF\n", "only Terraform knows"),
    "two documents": (TEXT + TEXT, "not JSON"),
    "a key twice, in YAML": (YAML + "Version: 2012-10-17\n", "not JSON"),
    "a tag of CloudFormation": (YAML.replace("arn:aws:s3:::b/*", "!Sub x"), "not JSON"),
    "an alias": (YAML.replace("[s3:Get*]", "*all"), "not JSON"),
    "a word": ("policy", "not JSON"),
    "nothing": ("", "not JSON"),
    "a quote that does not end": (TEXT[:-5] + "'", "not JSON"),
    "brackets without end": ("[" * 3_000, "nested far deeper"),
    "dashes without end": ("- " * 3_000 + "x", "not JSON"),
    "a number without end": ('{"Version": ' + "9" * 5_000 + "}", "not JSON"),
}
WRAPPED = {
    "GetPolicyVersion": {"PolicyVersion": {"Document": GOOD, "VersionId": "v1"}},
    "a policy version": {"VersionId": "v1", "Document": GOOD},
    "GetGroupPolicy": {"GroupName": "dev", "PolicyName": "p", "PolicyDocument": GOOD},
    "GetGroupPolicy as the API sends it": {"GroupName": "dev", "PolicyDocument": quote(TEXT)},
    "GetBucketPolicy": {"Policy": TEXT},
}


def refusal(text):
    """What is said of a text that is refused, in lines."""
    with pytest.raises(InputError) as error:
        parse_policy(text, "dev_policy")
    return str(error.value).splitlines()


@pytest.mark.parametrize("case", REPAIRED)
def test_what_was_meant_is_shown_repaired(case):
    """It is refused with its place, and the second line is the policy to take instead."""
    text, said, (line, column) = REPAIRED[case]
    first, second = refusal(text)
    assert said in first
    assert f"(line {line}, column {column})" in first
    repaired = parse_policy(second.removeprefix("Repaired: "))
    assert repaired | {"Id": ""} == GOOD | {"Id": ""}


@pytest.mark.parametrize("case", UNSURE)
def test_what_is_not_sure_is_not_repaired(case):
    """It is refused in one line."""
    text, said = UNSURE[case]
    (line,) = refusal(text)
    assert said in line


def test_variables_of_terraforms_heredoc_become_those_of_aws():
    """Two dollars stand for one."""
    text = TEXT.replace("b/*", "b/$${aws:username}")
    _, repaired = refusal(f"<<EOF\n{text}\nEOF\n")
    assert "b/${aws:username}" in repaired


def test_a_repaired_policy_that_aws_refuses_says_both():
    """Whoever mends the one sees the other at once."""
    first, _ = refusal(TEXT.replace("Allow", "allow").replace('"', "'"))
    assert "single quotes" in first
    assert "IAM writes it Allow" in first


@pytest.mark.parametrize("case", WRAPPED)
@pytest.mark.parametrize("encode", [str, quote], ids=["plain", "URL-encoded"])
def test_a_reply_of_aws_is_unwrapped(case, encode):
    """Whatever AWS puts around a document is taken off, and so is its encoding."""
    assert parse_policy(encode(json.dumps(WRAPPED[case]))) == GOOD


def test_what_is_wrong_within_a_reply_has_its_place_in_the_text():
    """Lines and columns are those of what was given."""
    reply = {"PolicyVersion": {"Document": {**GOOD, "Statement": {"Effect": "allow"}}}}
    text = json.dumps(reply, indent=2)
    (remark,) = lint_policy(text)
    assert (remark.path, remark.line) == ("Statement[1].Effect", 6)
    assert (
        "(line 6, column 19)"
        in refusal(text.replace("}", ', "Action": "*", "Resource": "*"}', 1))[0]
    )
    (remark,) = lint_policy(quote(text))
    assert (remark.path, remark.line) == ("Statement[1].Effect", 0)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_a_file_of_windows_is_read(tmp_path, encoding):
    """UTF-8 and UTF-16, with a mark in front or without."""
    file = tmp_path / "policy.json"
    file.write_bytes(TEXT.encode(encoding))
    assert find_policy(AccountState(account_id="000000000000"), str(file)) == GOOD


def test_what_is_no_text_is_said_to_be_none():
    """One line, without its content."""
    with pytest.raises(InputError, match="neither UTF-8 nor UTF-16"):
        decode_text(b"\xff\xfa\x00")


@pytest.mark.parametrize("case", ["single quotes", "YAML", "trailing commas", "a heredoc"])
def test_every_door_has_the_same_reader(case, tmp_path):
    """Parameters, a file, the linter and the form say the same of one text."""
    text, said, _ = REPAIRED[case]
    given = {"environment": "sandbox", "account_id": "000000000000", "dev_policy": text}
    given |= {"dev_group": "dev", "dev_policy_name": "look"}
    file = tmp_path / "policy.json"
    file.write_text(text)
    field = field_of("dev_policy", GOOD, DevGroupParameters.model_fields["dev_policy"])
    field.raw = text
    doors = (
        lambda: check(DevGroupParameters, given),
        lambda: find_policy(AccountState(account_id="000000000000"), str(file)),
        lambda: check(DevGroupParameters, {**given, "dev_policy": field.value}),
    )
    for door in doors:
        with pytest.raises(InputError) as error:
            door()
        first, second = str(error.value).splitlines()
        assert said in first
        assert parse_policy(second.removeprefix("Repaired: ")) == GOOD
    (remark,) = lint_policy(text)
    assert said in remark.message
    assert remark.rule == "not-json"


@given(st.text("{}[]\"'\u201c\u201d\u2018,:#/*<EOF\n -Stmne&!%\\", max_size=40))
@settings(max_examples=scaled(100, 4000), deadline=None)
def test_any_text_is_read_or_refused(text):
    """Whatever it is, nobody sees a traceback."""
    with suppress(InputError):
        read_policy(text)
