"""AWS Signature Version 4, checked from the raw request.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import hmac
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from iamkit.sandbox.server.errors import Refused
from iamkit.sandbox.server.http_message import Request

TOLERANCE = timedelta(minutes=15)
_STAMP = "%Y%m%dT%H%M%SZ"
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key_id>[^/\s,]+)/\d{8}/(?P<region>[\w-]+)"
    r"/(?P<service>[\w-]+)/aws4_request, ?SignedHeaders=(?P<headers>[\w;.-]+), ?"
    r"Signature=(?P<signature>[0-9a-f]{64})"
)


@dataclass(frozen=True)
class Signed:
    """What a request's ``Authorization`` header says."""

    key_id: str
    region: str
    service: str
    headers: tuple[str, ...]
    signature: str


def read_authorization(request: Request) -> Signed:
    """Who signed a request, for which service; nothing of it is proved yet.

    Raises:
        Refused: it is not signed (MissingAuthenticationToken), or not so that AWS understands
            (IncompleteSignature).
    """
    header = request.headers.get("authorization")
    if header is None:
        raise Refused("MissingAuthenticationToken", 403, "Request is missing Authentication Token")
    found = _AUTHORIZATION.fullmatch(header.strip())
    if found is None:
        raise Refused("IncompleteSignature", 400, "The Authorization header is not as expected.")
    return Signed(
        key_id=found["key_id"],
        region=found["region"],
        service=found["service"],
        headers=tuple(found["headers"].split(";")),
        signature=found["signature"],
    )


def check_signature(request: Request, signed: Signed, secret: str, now: datetime) -> None:
    """Check that a request was signed with a secret, within 15 minutes of now.

    Raises:
        Refused: SignatureDoesNotMatch.
    """
    stamp = request.headers.get("x-amz-date", "")
    check_time(stamp, now)
    if not hmac.compare_digest(_sign(request, signed, secret, stamp), signed.signature):
        raise Refused(
            "SignatureDoesNotMatch",
            403,
            "The request signature we calculated does not match the signature you provided. Check "
            "your AWS Secret Access Key and signing method. Consult the service documentation for "
            "details.",
        )


def check_time(stamp: str, now: datetime) -> None:
    """Check that a request's ``X-Amz-Date`` is within 15 minutes of now.

    Raises:
        Refused: SignatureDoesNotMatch with both times, or IncompleteSignature.
    """
    try:
        sent = datetime.strptime(stamp, _STAMP).replace(tzinfo=now.tzinfo)
    except ValueError:
        raise Refused(
            "IncompleteSignature", 400, "Date must be in ISO-8601 'basic format'."
        ) from None
    here = now.strftime(_STAMP)
    if sent < now - TOLERANCE:
        limit = (now - TOLERANCE).strftime(_STAMP)
        text = f"Signature expired: {stamp} is now earlier than {limit} ({here} - 15 min.)"
        raise Refused("SignatureDoesNotMatch", 403, text)
    if sent > now + TOLERANCE:
        limit = (now + TOLERANCE).strftime(_STAMP)
        text = f"Signature not yet current: {stamp} is still later than {limit} ({here} + 15 min.)"
        raise Refused("SignatureDoesNotMatch", 403, text)


def _sign(request: Request, signed: Signed, secret: str, stamp: str) -> str:
    """Sign the request again, as botocore would."""
    signer_type = S3SigV4Auth if signed.service == "s3" else SigV4Auth
    signer = signer_type(Credentials(signed.key_id, secret), signed.service, signed.region)
    headers = {name: request.headers.get(name, "") for name in signed.headers}
    url = f"http://{request.headers.get('host', '')}{request.target}"
    again = AWSRequest(request.method, url, headers, request.body)
    again.context["timestamp"] = stamp
    text = signer.string_to_sign(again, signer.canonical_request(again))
    return str(signer.signature(text, again))
