"""Who calls: from the key that signed a request to the account's root, a user or a role.

https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html
"""

from datetime import UTC, datetime

from iamkit.sandbox.server.account import Account, Accounts
from iamkit.sandbox.server.call import Caller
from iamkit.sandbox.server.errors import Refused, unknown_token
from iamkit.sandbox.server.eventual_consistency import is_unknown
from iamkit.sandbox.server.http_message import Request
from iamkit.sandbox.server.signature import Signed, check_signature, read_authorization

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
    signed = read_authorization(request)
    try:
        return signed, *_caller(request, signed, accounts, seconds_unknown)
    except Refused as error:
        code, status = _OWN_WORDS.get((signed.service, error.code), (error.code, error.status))
        raise Refused(code, status, error.message) from None


def _caller(
    request: Request, signed: Signed, accounts: Accounts, seconds_unknown: float
) -> tuple[Caller, Account | None]:
    now = datetime.now(UTC)
    with accounts.lock:
        account, found = accounts.credential(signed.key_id)
    if (
        found is None
        or found.token != request.headers.get("x-amz-security-token")
        or (not found.caller.is_root and is_unknown(found.key, seconds_unknown))
    ):
        raise unknown_token()
    if found.expires and found.expires < now:
        raise Refused("ExpiredToken", 403, "The security token included in the request is expired")
    check_signature(request, signed, found.secret, now)
    return found.caller, account
