"""AWS's and botocore's errors in words that say what to do. No reply's body is ever repeated."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from botocore import exceptions as botocore
from botocore.parsers import ResponseParserError

from iamkit.errors import AwsError

THROTTLED = {
    "Throttling",
    "ThrottlingException",
    "RequestLimitExceeded",
    "TooManyRequestsException",
}
EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired"}
SKEWED = {"RequestTimeTooSkewed", "SignatureDoesNotMatch", "InvalidSignatureException"}
DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}
STOPS_ALL = EXPIRED | SKEWED | DENIED | {"InvalidClientTokenId", "OptInRequired"}
"""Errors after which no other call would fare better."""

NOT_YET = {"NoSuchEntity", "EntityTemporarilyUnmodifiable", "ConcurrentModification"}
"""What AWS says as long as it does not know everywhere what was made or changed a moment ago."""

CALL_ERRORS = (botocore.BotoCoreError, botocore.ClientError, ResponseParserError)
"""What a call of botocore may raise."""


def code_of(error: Exception) -> str:
    """AWS's error code, or the name of botocore's own error."""
    if isinstance(error, botocore.ClientError):
        return str(error.response.get("Error", {}).get("Code", "Unknown"))
    return type(error).__name__


def status_of(error: Exception) -> int:
    """The HTTP status of AWS's reply; 599 if none came, so that AWS may have acted."""
    if not isinstance(error, botocore.ClientError):
        return 599
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 599))


_PASSING = (
    botocore.HTTPClientError,
    botocore.EndpointConnectionError,
    botocore.ConnectTimeoutError,
    botocore.ProxyConnectionError,
    botocore.IncompleteReadError,
    ResponseParserError,
)


def may_pass(error: Exception) -> bool:
    """Whether the same call may succeed later, with nothing mended: only then "again" is advice.

    Throttling, a failure on AWS's side, a lost reply and what AWS does not know yet pass; what it
    refuses for what was asked, or for who asked it, does not.

    Args:
        error: one of ``CALL_ERRORS``.
    """
    if isinstance(error, botocore.ClientError):
        return code_of(error) in THROTTLED | NOT_YET or status_of(error) >= 500
    return isinstance(error, _PASSING)


def explain_error(
    error: Exception, operation: str, service: str = "iam", *, quote: bool = True
) -> AwsError:
    """The error as one for the user: which call, what it means, what to do.

    Args:
        error: one of ``CALL_ERRORS``.
        operation: the API's name of the call, such as ``CreateUser``.
        service: the prefix of its action, such as ``iam``.
        quote: whether AWS's own words may be repeated; never where the call brought a secret.
    """
    call = f"{service}:{operation}"
    if isinstance(error, botocore.ClientError):
        return AwsError(_explain_reply(error, call, quote=quote))
    for kinds, text in _OWN_ERRORS:
        if isinstance(error, kinds):
            return AwsError(f"{call}: {text}")
    return AwsError(
        f"{call}: {type(error).__name__}. Its text is withheld, as it may hold a reply."
    )


_OWN_ERRORS: tuple[tuple[tuple[type[Exception], ...], str], ...] = (
    (
        (botocore.NoCredentialsError, botocore.PartialCredentialsError),
        "no complete AWS credentials were found. Run 01_credentials to see where they may be.",
    ),
    (
        (
            botocore.SSOError,
            botocore.UnauthorizedSSOTokenError,
            botocore.TokenRetrievalError,
            botocore.SSOTokenLoadError,
        ),
        "the SSO session has expired. Run `aws sso login` and try again.",
    ),
    (
        (
            botocore.EndpointConnectionError,
            botocore.ConnectTimeoutError,
            botocore.ProxyConnectionError,
        ),
        "AWS could not be reached. Check the network and the proxy.",
    ),
    (
        (botocore.HTTPClientError,),
        "the connection was lost before the reply came; AWS may or may not have acted.",
    ),
    (
        (ResponseParserError,),
        "the reply was cut off or is not AWS's; AWS may or may not have acted.",
    ),
)


def _explain_reply(error: botocore.ClientError, call: str, *, quote: bool) -> str:
    code = code_of(error)
    for codes, text in _REPLIES:
        if code in codes:
            return f"{call}: {text.format(call=call)}"
    if code in SKEWED:
        return f"{call}: {_explain_signature(error)}"
    if (call, code) == ("iam:CreateAccountAlias", "EntityAlreadyExists"):
        return f"{call}: another account has this alias, as it is unique in AWS. Choose another."
    if status_of(error) >= 500 or not code.isalpha():
        advice = " Try again in a minute." if may_pass(error) else ""
        return f"{call}: AWS or a proxy answered HTTP {status_of(error)}.{advice}"
    words = error.response["Error"].get("Message", "") if quote else "AWS refused it."
    return f"{call}: {code}: {words}"


_REPLIES = (
    (DENIED, "denied. These credentials lack the permission {call}."),
    (EXPIRED, "the credentials have expired. Renew them and try again."),
    (THROTTLED, "AWS asked to slow down, even after several tries. Wait a minute, run again."),
    (
        {"InvalidClientTokenId", "UnrecognizedClientException"},
        "AWS does not know this access key: it was deleted, deactivated, or is seconds old.",
    ),
)


def _explain_signature(error: botocore.ClientError) -> str:
    skew = clock_skew(error)
    if skew is not None and abs(skew) > 240:
        return f"your clock is {abs(skew)} s {'ahead' if skew > 0 else 'behind'}. Set it right."
    return "the signature was refused: the secret access key does not belong to the key id."


def clock_skew(error: botocore.ClientError) -> int | None:
    """By how many seconds our clock is ahead of AWS's, from the reply's Date header."""
    headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    try:
        theirs = parsedate_to_datetime(headers["date"])
    except (KeyError, ValueError, TypeError):
        return None
    return round((datetime.now(UTC) - theirs).total_seconds())
