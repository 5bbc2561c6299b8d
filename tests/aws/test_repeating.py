"""Errors in words: "again" is only advised where it can help."""

import pytest
from botocore import exceptions as botocore
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError
from changes import change

from iamkit.aws.apply import MEND, REPEAT, Outcome, apply_plan
from iamkit.aws.call_errors import explain_error, may_pass
from iamkit.errors import PartlyApplied
from iamkit.plan.desired import Desired, DesiredGroup
from iamkit.policies import allow, policy

LASTING = {
    "AccessDenied": 403,
    "AccessDeniedException": 403,
    "UnauthorizedOperation": 403,
    "MalformedPolicyDocument": 400,
    "LimitExceeded": 409,
    "EntityAlreadyExists": 409,
    "DeleteConflict": 409,
    "InvalidInput": 400,
    "ValidationError": 400,
    "PasswordPolicyViolation": 400,
    "UnmodifiableEntity": 400,
    "PolicyNotAttachable": 400,
    "InvalidUserType": 400,
    "NotSupportedService": 404,
    "OptInRequired": 403,
    "InvalidClientTokenId": 403,
    "SignatureDoesNotMatch": 403,
    "ExpiredToken": 403,
    "403": 403,
    "407": 407,
}
PASSING = {
    "Throttling": 400,
    "ThrottlingException": 400,
    "RequestLimitExceeded": 400,
    "TooManyRequestsException": 429,
    "ServiceFailure": 500,
    "InternalFailure": 500,
    "ServiceUnavailable": 503,
    "502": 502,
    "NoSuchEntity": 404,
    "EntityTemporarilyUnmodifiable": 409,
    "ConcurrentModification": 409,
}
OWN = {
    botocore.NoCredentialsError(): False,
    botocore.PartialCredentialsError(provider="env", cred_var="x"): False,
    botocore.SSOTokenLoadError(error_msg="x"): False,
    botocore.SSLError(endpoint_url="https://x", error="x"): False,
    botocore.EndpointConnectionError(endpoint_url="https://x"): True,
    botocore.ReadTimeoutError(endpoint_url="https://x"): True,
    botocore.ConnectionClosedError(endpoint_url="https://x"): True,
    ResponseParserError("x"): True,
}


def reply(code, status):
    """AWS's reply with a code."""
    response = {
        "Error": {"Code": code, "Message": "no."},
        "ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": {}},
    }
    return ClientError(response, "PutGroupPolicy")


@pytest.mark.parametrize(("code", "status"), LASTING.items())
def test_what_lasts_is_not_advised_to_be_repeated(code, status):
    """Neither in the error's own words nor after them, unless something is mended first."""
    error = reply(code, status)
    assert not may_pass(error)
    said = str(explain_error(error, "PutGroupPolicy")).lower()
    assert "run it again" not in said
    assert "again" not in said or "renew them" in said


@pytest.mark.parametrize(("code", "status"), PASSING.items())
def test_what_passes_may_be_repeated(code, status):
    """Throttling, a failure of AWS's, and what AWS does not know everywhere yet."""
    assert may_pass(reply(code, status))


@pytest.mark.parametrize(("error", "passes"), OWN.items(), ids=lambda e: type(e).__name__)
def test_what_botocore_itself_says(error, passes):
    """A lost connection passes; credentials and certificates do not mend themselves."""
    assert may_pass(error) == passes


@pytest.mark.parametrize(("lasting", "advice"), [(True, MEND), (False, REPEAT)])
def test_a_plan_applied_in_part_says_how_to_go_on(lasting, advice):
    """It is repeated, or mended first."""
    made = change("create", "create_group", GroupName="a")
    outcome = Outcome(done=[made], failed=[(made, "AWS said no.")], lasting=lasting)
    with pytest.raises(PartlyApplied) as error:
        outcome.raise_if_incomplete()
    assert str(error.value).endswith(advice)
    assert ("run it again" in str(error.value).lower()) != lasting


def test_what_aws_refuses_of_a_policy_after_all_is_not_repeated(session, plan_for):
    """A document that came past every check fails for good, and the message says so."""
    document = policy(allow("s3:*")) | {"Id": 5}
    plan = plan_for(Desired(groups=(DesiredGroup(name="dev", inline_policies={"p": document}),)))
    outcome = apply_plan(plan, session)
    assert outcome.lasting
    with pytest.raises(PartlyApplied, match="mend the cause"):
        outcome.raise_if_incomplete()
