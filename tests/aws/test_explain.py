"""AWS's errors in words that say what is known, and no more."""

import json
import re
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from hypothesis import given, strategies as st

from iamkit.aws.call_errors import DENIED, explain_denial, explain_error

CASES = json.loads((Path(__file__).parent / "cases" / "denials.json").read_text())


def refused(code, message, operation="CreateUser"):
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


@pytest.mark.parametrize("case", CASES, ids=[case["kind"] for case in CASES])
def test_the_kind_of_a_denial_is_told_as_aws_tells_it(case):
    """Only where no identity-based policy allows it a permission is missing."""
    error = refused(case["code"], case["message"])
    assert case["code"] in DENIED
    assert explain_denial(error) == case["says"]
    said = str(explain_error(error, "CreateUser"))
    assert said == f"iam:CreateUser: {case['says']}"
    assert said.isprintable()


@pytest.mark.parametrize("case", CASES, ids=[case["kind"] for case in CASES])
def test_nothing_of_aws_is_quoted_where_a_secret_was_in_the_call(case):
    """Then even the policy's ARN is left out; the kind is told all the same."""
    said = explain_denial(refused(case["code"], case["message"]), quote=False)
    assert "arn:" not in said
    assert said == re.sub(r" \(arn:.*?\)", "", case["says"])


@given(st.text(), st.sampled_from([case["message"] for case in CASES]), st.text())
def test_no_message_steers_a_terminal_or_invents_a_reason(before, message, after):
    """Whatever stands around AWS's words, one printable line comes out, with a known beginning."""
    said = explain_denial(refused("AccessDenied", before + message + after))
    assert said.isprintable()
    assert said.startswith(("denied.", "denied;", "denied by", "denied, as"))


@given(st.text())
def test_words_of_aws_that_are_quoted_are_harmless(message):
    """An error that has no words of ours is quoted, in one printable line."""
    assert str(explain_error(refused("MalformedPolicy", message), "PutUserPolicy")).isprintable()


@pytest.mark.parametrize("service", ["iam", "ec2", "secretsmanager"])
def test_the_practice_account_denies_in_words_that_are_understood(service):
    """What the sandbox says of each kind of policy is what AWS says, so that it is told alike."""
    from iamkit.policies.evaluation.engine import Decision
    from iamkit.sandbox.server.authorization import denials as words

    class Caller:
        arn = "arn:aws:iam::000000000000:user/bob"

    class Call:
        caller, region = Caller(), "us-east-1"

    class Ask:
        action, shown, resource = f"{service}:Some", None, "*"

    Call.service = service
    for kind in ("identity-based policy", "permissions boundary", "service control policy"):
        decision = Decision(
            "implicit deny", because=f"because no {kind} allows the {Ask.action} action"
        )
        refusal = words.deny(Call(), Ask(), decision)
        said = explain_denial(refused(refusal.code, str(refusal)))
        assert f"{service}:Some" in said
        assert ("lack the permission" in said) == (kind == "identity-based policy")
