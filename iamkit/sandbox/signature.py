"""AWS Signature Version 4, checked from the raw request.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from urllib.parse import quote, unquote_plus

from iamkit.sandbox.message import Request
from iamkit.sandbox.refusal import Refused

TOLERANCE = timedelta(minutes=15)
_STAMP = "%Y%m%dT%H%M%SZ"
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key_id>[^/\s,]+)/(?P<date>\d{8})/(?P<region>[\w-]+)"
    r"/(?P<service>[\w-]+)/aws4_request, ?SignedHeaders=(?P<headers>[\w;.-]+), ?"
    r"Signature=(?P<signature>[0-9a-f]{64})"
)


@dataclass(frozen=True)
class Signed:
    """What a request's ``Authorization`` header says."""

    key_id: str
    date: str
    region: str
    service: str
    headers: tuple[str, ...]
    signature: str

    @property
    def scope(self) -> str:
        """The credential scope."""
        return f"{self.date}/{self.region}/{self.service}/aws4_request"


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
        date=found["date"],
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
    if not hmac.compare_digest(sign(request, signed, secret, stamp), signed.signature):
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


def sign(request: Request, signed: Signed, secret: str, stamp: str) -> str:
    """The signature of a request with a secret."""
    digest = hashlib.sha256(_canonical(request, signed).encode()).hexdigest()
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{signed.scope}\n{digest}"
    return _hmac(_signing_key(secret, signed.scope), text).hex()


def _canonical(request: Request, signed: Signed) -> str:
    headers = "".join(
        f"{name}:{' '.join(request.headers.get(name, '').split())}\n" for name in signed.headers
    )
    return "\n".join(
        [
            request.method,
            _canonical_path(request, signed.service),
            _canonical_query(request.query),
            headers,
            ";".join(signed.headers),
            _payload_hash(request, signed.service),
        ]
    )


def _canonical_path(request: Request, service: str) -> str:
    """Encoded once more, except for S3, as AWS documents."""
    path = request.raw_path or "/"
    return path if service == "s3" else quote(path, safe="/~")


def _canonical_query(query: str) -> str:
    pairs = [pair.partition("=") for pair in query.split("&") if pair]
    encoded = sorted((_encode(name), _encode(value)) for name, _, value in pairs)
    return "&".join(f"{name}={value}" for name, value in encoded)


def _encode(text: str) -> str:
    return quote(unquote_plus(text), safe="-_.~")


def _payload_hash(request: Request, service: str) -> str:
    """The body's hash; S3 takes the one that the caller declares, or none, if it says so."""
    declared = request.headers.get("x-amz-content-sha256", "")
    if service == "s3" and not re.fullmatch("[0-9a-f]{64}", declared):
        return declared
    return hashlib.sha256(request.body).hexdigest()


@lru_cache(maxsize=1000)
def _signing_key(secret: str, scope: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = _hmac(key, part)
    return key


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), hashlib.sha256)
