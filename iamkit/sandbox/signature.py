"""Signature Version 4, checked as AWS checks it.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import hmac
import re
from dataclasses import dataclass

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from iamkit.sandbox.http import Request
from iamkit.sandbox.refusal import Refused

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/,]+)/([0-9]{8})/([^/]+)/([^/]+)/aws4_request, ?"
    r"SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})"
)


@dataclass(frozen=True)
class Signature:
    """What the Authorization header of a request says."""

    key_id: str
    region: str
    service: str
    signed_headers: tuple[str, ...]
    value: str


def read_signature(request: Request) -> Signature:
    """Read the Authorization header.

    Raises:
        Refused: there is none, or it is not of Signature Version 4.
    """
    header = request.headers.get("authorization", "")
    if not header:
        raise Refused("MissingAuthenticationToken", 403, "Request is missing Authentication Token")
    match = _AUTHORIZATION.fullmatch(header)
    if not match:
        raise Refused("IncompleteSignature", 400, "The Authorization header is not complete.")
    return Signature(match[1], match[3], match[4], tuple(match[5].split(";")), match[6])


def check_signature(request: Request, signature: Signature, secret: str) -> None:
    """Sign the request again with the secret, and compare.

    Raises:
        Refused: the signature was made with another secret, or for another request.
    """
    signer_type = S3SigV4Auth if signature.service == "s3" else SigV4Auth
    credentials = Credentials(signature.key_id, secret)
    signer = signer_type(credentials, signature.service, signature.region)
    headers = {name: request.headers.get(name, "") for name in signature.signed_headers}
    url = f"http://{request.headers.get('host', '')}{request.target}"
    again = AWSRequest(method=request.method, url=url, headers=headers, data=request.body)
    again.context["timestamp"] = request.headers.get("x-amz-date", "")
    expected = signer.signature(
        signer.string_to_sign(again, signer.canonical_request(again)), again
    )
    if not hmac.compare_digest(expected, signature.value):
        raise Refused(
            "SignatureDoesNotMatch",
            403,
            "The request signature we calculated does not match the signature you provided. "
            "Check your AWS Secret Access Key and signing method.",
        )
