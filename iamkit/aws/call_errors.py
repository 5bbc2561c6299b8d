"""AWS's and botocore's errors in words that say what to do. No reply's body is ever repeated."""

import os
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from botocore import exceptions as botocore
from botocore.parsers import ResponseParserError

from iamkit.errors import AwsError
from iamkit.text import printable

THROTTLED = set(
    "Throttling ThrottlingException RequestLimitExceeded TooManyRequestsException".split()
)
EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired"}
SKEWED = {"RequestTimeTooSkewed", "SignatureDoesNotMatch", "InvalidSignatureException"}
DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}
STOPS_ALL = EXPIRED | SKEWED | DENIED | {"InvalidClientTokenId", "OptInRequired"}
"""Errors after which no other call would fare better."""


NOT_YET = {"NoSuchEntity", "EntityTemporarilyUnmodifiable", "ConcurrentModification"}
"""What AWS says as long as it does not know everywhere what was made or changed a moment ago."""


class SignInError(botocore.BotoCoreError):  # type: ignore[misc]
    """Credentials that ended could not be renewed; its text is meant for the user."""

    fmt = "{text}"


CALL_ERRORS = (botocore.BotoCoreError, botocore.ClientError, ResponseParserError)
"""What a call of botocore may raise."""


harmless = partial(printable, most=500)
"""Text from elsewhere, at a length that fits into a message."""


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


def retries_of(error: Exception) -> int | None:
    """How often botocore had repeated the call by then; None if it is not told."""
    response = error.response if isinstance(error, botocore.ClientError) else {}
    retries: int | None = response.get("ResponseMetadata", {}).get("RetryAttempts")
    return retries


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
    if isinstance(error, SignInError):
        return AwsError(str(error))
    call = f"{service}:{operation}"
    if isinstance(error, botocore.ClientError):
        return AwsError(_explain_reply(error, call, quote=quote))
    return AwsError(f"{call}: {explain_own(error)}")


def explain_own(error: Exception) -> str:
    """What an error of botocore's own means, without the call; never with a reply's text."""
    if isinstance(error, botocore.SSLError):
        return _explain_tls(error)
    if isinstance(error, botocore.ConnectionError):
        return _explain_connection(error)
    if isinstance(error, botocore.HTTPClientError) and isinstance(
        error.kwargs.get("error"), ValueError
    ):
        return "HTTPS_PROXY is no address. Write one such as http://proxy:8080, or clear it."
    for kinds, text in _OWN_ERRORS:
        if isinstance(error, kinds):
            return text
    return f"{type(error).__name__}. Its text is withheld, as it may hold a reply."


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
    if code in DENIED:
        return f"{call}: {explain_denial(error, quote=quote)}"
    for codes, text in _REPLIES:
        if code in codes:
            return f"{call}: {text}"
    if code in SKEWED:
        return f"{call}: {_explain_signature(error)}"
    if (call, code) == ("iam:CreateAccountAlias", "EntityAlreadyExists"):
        return f"{call}: another account has this alias, as it is unique in AWS. Choose another."
    if status_of(error) >= 500 or not code.isalpha():
        advice = " Try again in a minute." if may_pass(error) else ""
        return f"{call}: AWS or a proxy answered HTTP {status_of(error)}.{advice}"
    words = error.response["Error"].get("Message", "") if quote else "AWS refused it."
    return f"{call}: {code}: {harmless(str(words))}"


_REPLIES = (
    (EXPIRED, "the credentials have expired. Renew them and try again."),
    (THROTTLED, "AWS asked to slow down, even after several tries. Wait a minute, run again."),
    (
        {"InvalidClientTokenId", "UnrecognizedClientException"},
        "AWS does not know this access key: it was deleted, deactivated, or is seconds old.",
    ),
)


_WHY = re.compile(
    r"""(?: because\ no\ (?P<lacking>[A-Za-z -]+?)\ allows\ the\ (?P<action>[a-z0-9-]+:\w+)\ action
      | with\ an\ explicit\ deny
        (?:\ in\ an?\ (?P<denying>[A-Za-z -]+?)(?::\ (?P<arn>arn:[\w+=,.@:/*-]+?))?)?
    )
    \.?(?:\s+Encoded\ authorization\ failure\ message:\ \S+)?\s*$""",
    re.VERBOSE,
)
"""The reason, which ends AWS's text; what stands before may be names that anyone chose.

https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
"""

_KINDS = {
    "identity-based policy": (
        "an identity-based policy of the caller",
        "Such a policy often asks for MFA or a region; a further permission does not help.",
    ),
    "permissions boundary": (
        "the caller's permissions boundary",
        "Ask who manages it; a further permission does not help.",
    ),
    "service control policy": (
        "a service control policy (SCP) of the organization",
        "Nobody in this account can change that: ask who manages the organization.",
    ),
    "resource control policy": (
        "a resource control policy (RCP) of the organization",
        "Nobody in this account can change that: ask who manages the organization.",
    ),
    "session policy": (
        "the session policy of these temporary credentials",
        "Sign in in another way, or ask who made them.",
    ),
    "VPC endpoint policy": (
        "the policy of the VPC endpoint on the way",
        "Ask who manages the network, or take another way.",
    ),
    "resource-based policy": ("the resource's own policy", "Ask who owns the resource."),
    "role trust policy": ("the role's trust policy", "Ask who manages the role."),
}


def explain_denial(error: botocore.ClientError, *, quote: bool = True) -> str:
    """Which kind of policy refused a call, as AWS told, and what helps.

    Only where no identity-based policy allows it a permission is missing.
    """
    told = _WHY.search(str(error.response.get("Error", {}).get("Message", "")))
    kind = (told["lacking"] or told["denying"] or "") if told else ""
    if told and kind == "identity-based policy" and told["lacking"]:
        return f"denied. These credentials lack the permission {told['action']}."
    if told and kind in _KINDS:
        policy, remedy = _KINDS[kind]
        if told["lacking"]:
            return f"denied, as {policy} does not allow {told['action']}. {remedy}"
        named = f" ({harmless(told['arn'])})" if told["arn"] and quote else ""
        return f"denied by an explicit deny in {policy}{named}. {remedy}"
    if told and not kind:
        return "denied by an explicit deny; in which policy is not told."
    return (
        "denied; why is not told. A permission may be missing, or a policy of the caller, the "
        "resource or the organization may forbid it."
    )


LOOPBACK = "127.0.0.1"
"""Where the sandbox listens, and nothing else that is called."""


def _host(url: object) -> str:
    """The host of an address, without a user or a password in it."""
    try:
        return harmless(urlsplit(str(url)).hostname or "AWS")
    except ValueError:
        return "AWS"


def _missing_bundle() -> str:
    """Which file of certificates is named and not there; empty if none is."""
    for name in ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"):
        path = os.environ.get(name)
        if path and not Path(path).exists():
            return (
                f"{name} names {harmless(path)}, which is not there. Name a file of certificates "
                "in it, or clear it."
            )
    return ""


def _explain_tls(error: botocore.SSLError) -> str:
    said = str(error.kwargs.get("error"))
    host = _host(error.kwargs.get("endpoint_url"))
    bundle = os.environ.get("AWS_CA_BUNDLE")
    named = f"AWS_CA_BUNDLE names {harmless(bundle)}" if bundle else "AWS_CA_BUNDLE is not set"
    if "CERTIFICATE_VERIFY_FAILED" in said:
        proxy = os.environ.get("HTTPS_PROXY") or os.environ.get("https_proxy")
        by = f", behind the proxy {_host(proxy)}," if proxy else ""
        return (
            f"the TLS certificate of {host}{by} is not trusted. {named}: name the certificates "
            "of your proxy or firewall in it."
        )
    if "No such file" in said or "NO_CERTIFICATE" in said:
        return _missing_bundle() or (
            f"the file of certificates (AWS_CA_BUNDLE, or ca_bundle in the profile) is not there "
            f"or holds none. {named}."
        )
    return f"TLS with {host} failed, and why is not told. {named}; look at the proxy too."


def _explain_connection(error: botocore.ConnectionError) -> str:
    if proxy := error.kwargs.get("proxy_url"):
        return (
            f"the proxy {_host(proxy)} (HTTPS_PROXY) did not let the call through. Check the "
            "proxy, or clear the variable."
        )
    host = _host(error.kwargs.get("endpoint_url"))
    if host == LOOPBACK:
        return (
            "the sandbox does not answer. If it was stopped, `iamkit sandbox start`, or running "
            "the notebook again, brings it back as it was."
        )
    return f"AWS ({host}) could not be reached. Check the network, the proxy and the region."


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
