"""Who calls: from the key that signed a request to the account's root, a user or a role.

https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html
"""

from datetime import UTC, datetime

from iamkit.sandbox.server.account import Account, Accounts
from iamkit.sandbox.server.call import Caller, read_parameters
from iamkit.sandbox.server.errors import Refused, SignInRefused, unknown_token
from iamkit.sandbox.server.eventual_consistency import is_unknown
from iamkit.sandbox.server.http_message import Request
from iamkit.sandbox.server.sign_in import caller_by_token
from iamkit.sandbox.server.signature import Signed, check_signature, read_authorization

REFRESH = "/v1/token"
"""Where the sign-in service gives credentials for a token, to a call that nobody signs."""
_REGION = "us-east-1"
"""Of a call whose address does not tell it."""
_OWN_WORDS = {
    ("ec2", "InvalidClientTokenId"): ("AuthFailure", 401),
    ("ec2", "SignatureDoesNotMatch"): ("AuthFailure", 401),
    ("secretsmanager", "ExpiredToken"): ("ExpiredTokenException", 400),
    ("secretsmanager", "IncompleteSignature"): ("IncompleteSignatureException", 400),
    ("secretsmanager", "InvalidClientTokenId"): ("UnrecognizedClientException", 400),
    ("secretsmanager", "SignatureDoesNotMatch"): ("InvalidSignatureException", 400),
    ("s3", "InvalidClientTokenId"): ("InvalidAccessKeyId", 403),
    ("s3", "MissingAuthenticationToken"): ("AccessDenied", 403),
}
"""EC2, S3 and Secrets Manager have codes of their own for what the others say alike."""


def authenticate(
    request: Request, accounts: Accounts, seconds_unknown: float
) -> tuple[Signed, Caller, Account | None]:
    """The caller of a signed request, and its account if that is there already.

    Args:
        request: the request.
        accounts: the accounts; the key says which of them is the caller's.
        seconds_unknown: how long a new key is not known yet.

    Raises:
        Refused: the request is unsigned, its key unknown or inactive, or its signature wrong.
    """
    if request.target == REFRESH and "authorization" not in request.headers:
        return _by_refresh_token(request, accounts)
    signed = read_authorization(request)
    try:
        return signed, *_caller(request, signed, accounts, seconds_unknown)
    except Refused as error:
        code, status = _OWN_WORDS.get((signed.service, error.code), (error.code, error.status))
        raise Refused(code, status, error.message) from None


def _by_refresh_token(
    request: Request, accounts: Accounts
) -> tuple[Signed, Caller, Account | None]:
    """A call that nobody signs: the token that it brings tells whose session it is."""
    token = read_parameters(request, "signin").get("refreshToken", "")
    with accounts.lock:
        caller = caller_by_token(accounts, token)
        if caller is None:
            raise SignInRefused("TOKEN_EXPIRED", "The refresh token is of no session.")
        return Signed("", _REGION, "signin", (), ""), caller, accounts[caller.account_id]


def _caller(
    request: Request, signed: Signed, accounts: Accounts, seconds_unknown: float
) -> tuple[Caller, Account | None]:
    now = datetime.now(UTC)
    with accounts.lock:
        account, found = accounts.credential(signed.key_id)
    if (
        found is None
        or found.token != request.headers.get("x-amz-security-token")
        or (signed.service == "iam" and not found.calls_iam)
        or (not found.caller.is_root and is_unknown(found.key, seconds_unknown))
    ):
        raise unknown_token()
    if found.expires and found.expires < now:
        raise Refused("ExpiredToken", 403, "The security token included in the request is expired")
    check_signature(request, signed, found.secret, now)
    return found.caller, account
