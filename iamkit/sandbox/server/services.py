"""The AWS services: moto's, called in process, with the answers of some of them made right.

No web framework of moto's is used, so none of its own addresses (``/moto-api``) exists here.
"""

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from moto.backends import get_backend
from moto.core.request import Request as MotoRequest
from werkzeug.datastructures import Headers
from werkzeug.exceptions import HTTPException

from iamkit.sandbox.server.account import Account
from iamkit.sandbox.server.call import Call
from iamkit.sandbox.server.errors import Refused
from iamkit.sandbox.server.http_message import Reply
from iamkit.sandbox.server.iam.service import SandboxIam
from iamkit.sandbox.server.moto_patches import ACCOUNT_ID, bucket_owner
from iamkit.sandbox.server.responses import ReadRequest
from iamkit.sandbox.server.secrets_manager import SandboxSecretsManager
from iamkit.sandbox.server.sign_in import answer_sign_in
from iamkit.sandbox.server.sts import SandboxSts

Handler = Callable[[Any, str, Any], tuple[int, Mapping[str, Any], str | bytes]]


def _list_analyzers(*_: Any) -> tuple[int, Mapping[str, Any], str]:
    """IAM Access Analyzer, which nobody has turned on here; only ListAnalyzers is answered."""
    return 200, {"Content-Type": "application/json"}, '{"analyzers": []}'


def _sign_in(request: Any, *_: Any) -> tuple[int, Mapping[str, Any], str]:
    environ = request.environ
    return answer_sign_in(environ["iamkit.call"], environ["iamkit.account.state"])


_OURS: Mapping[str, Handler] = {
    "iam": SandboxIam.dispatch,
    "secretsmanager": SandboxSecretsManager.dispatch,
    "signin": _sign_in,
    "sts": SandboxSts.dispatch,
}
_MOTOS = frozenset({"ec2", "s3"})
_READ_ALREADY = frozenset({"iam", "sts"})


def perform(call: Call, account: Account) -> Reply:
    """Let AWS act on a call.

    Raises:
        Refused: the sandbox has no such service or action, or AWS refuses.
    """
    url = _url(call)
    _check_bucket_name(call, account)
    request = _request(call, url, {"iamkit.call": call, "iamkit.account.state": account})
    try:
        status, headers, body = _handler(call.service, url)(request, url, request.headers)
    except HTTPException as error:
        status, headers, body = error.code or 400, dict(error.get_headers()), error.get_body()
    except NotImplementedError:
        raise Refused("InvalidAction", 501, f"The sandbox has no {call.action} yet.") from None
    return Reply(status, _reply_headers(headers), body.encode() if isinstance(body, str) else body)


def _check_bucket_name(call: Call, account: Account) -> None:
    """The name of a bucket is taken in all accounts; moto would say that it may not be looked at.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html
    """
    request = call.request
    if (call.service, request.method, request.query) == ("s3", "PUT", ""):
        owner = bucket_owner(request.raw_path.strip("/"))
        if owner not in ("", account.id):
            text = "The requested bucket name is not available. Please select a different name."
            raise Refused("BucketAlreadyExists", 409, text)


def _request(call: Call, url: str, environ: Mapping[str, Any]) -> ReadRequest | MotoRequest:
    given = call.request
    if call.service in _READ_ALREADY:
        return ReadRequest(
            given.method, given.path, call.parameters, Headers(list(given.headers.items())), environ
        )
    headers = {**given.headers, "x-moto-account-id": environ["iamkit.account.state"].id}
    request = MotoRequest.from_primitives(given.method, url, headers, given.body)
    request.environ.update(environ)
    return request


def _url(call: Call) -> str:
    """The address at AWS, by which moto tells services and regions."""
    regional = ("ec2", "secretsmanager", "sts")
    host = f"{call.service if call.service in regional else 's3'}.{call.region}"
    if call.service == "iam":
        host = "iam"
    return f"https://{host}.amazonaws.com{call.request.target}"


def _handler(service: str, url: str) -> Handler:
    if service in _OURS:
        return _OURS[service]
    if service == "access-analyzer" and url.partition("?")[0].endswith("/analyzer"):
        return _list_analyzers
    if service in _MOTOS:
        address = url.partition("?")[0]
        for pattern, handler in _patterns(service):
            if pattern.match(address):
                return handler
    raise Refused("UnknownEndpoint", 501, f"The sandbox has no service {service}.")


@cache
def _patterns(service: Any) -> list[tuple[re.Pattern[str], Handler]]:
    backends: Any = get_backend(service)[ACCOUNT_ID]
    backend = backends["us-east-1" if "us-east-1" in backends else "aws"]
    return [(re.compile(pattern), handler) for pattern, handler in backend.urls.items()]


def _reply_headers(headers: Mapping[str, Any]) -> dict[str, str]:
    """Moto's headers without its own transport's, and without any word on other origins."""
    own = ("status", "date", "server", "content-length", "connection")
    return {
        name: str(value)
        for name, value in headers.items()
        if name.lower() not in own and not name.lower().startswith("access-control-")
    }
