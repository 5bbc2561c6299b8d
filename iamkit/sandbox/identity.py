"""Who calls: from the key that signed a request to the account's root, a user or a role.

https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html
"""

from datetime import UTC, datetime

from iamkit.sandbox.account import Account
from iamkit.sandbox.call import Caller
from iamkit.sandbox.client import ACCOUNT_ID
from iamkit.sandbox.message import Request
from iamkit.sandbox.refusal import Refused
from iamkit.sandbox.signature import Signed, check_signature, read_authorization

_OWN_WORDS = {
    ("ec2", "InvalidClientTokenId"): ("AuthFailure", 401),
    ("ec2", "SignatureDoesNotMatch"): ("AuthFailure", 401),
    ("s3", "InvalidClientTokenId"): ("InvalidAccessKeyId", 403),
    ("s3", "MissingAuthenticationToken"): ("AccessDenied", 403),
}
"""EC2 and S3 have codes of their own for what the others say alike."""


def authenticate(request: Request, account: Account) -> tuple[Signed, Caller]:
    """The caller of a signed request.

    Raises:
        Refused: the request is unsigned, its key unknown or inactive, or its signature wrong.
    """
    signed = read_authorization(request)
    try:
        return signed, _caller(request, signed, account)
    except Refused as error:
        code, status = _OWN_WORDS.get((signed.service, error.code), (error.code, error.status))
        raise Refused(code, status, error.message) from None


def _caller(request: Request, signed: Signed, account: Account) -> Caller:
    now = datetime.now(UTC)
    token = request.headers.get("x-amz-security-token")
    with account.lock:
        credential = account.credential(signed.key_id)
    if credential is None or credential.token != token:
        raise Refused(
            "InvalidClientTokenId", 403, "The security token included in the request is invalid."
        )
    if credential.expires and credential.expires < now:
        raise Refused("ExpiredToken", 403, "The security token included in the request is expired")
    check_signature(request, signed, credential.secret, now)
    return credential.caller


