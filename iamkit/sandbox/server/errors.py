"""AWS's refusals, and how each protocol says them."""

import json
import re
from dataclasses import replace
from uuid import uuid4
from xml.sax.saxutils import escape

from iamkit.sandbox.server.http_message import Reply

_NAMESPACES = {
    "iam": "https://iam.amazonaws.com/doc/2010-05-08/",
    "sts": "https://sts.amazonaws.com/doc/2011-06-15/",
}
_SHAPES = {
    "ec2": (
        "<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>"
        "<RequestID>{request_id}</RequestID></Response>"
    ),
    "s3": (
        "<Error><Code>{code}</Code><Message>{message}</Message>"
        "<RequestId>{request_id}</RequestId></Error>"
    ),
}
_KNOWN = frozenset({*_NAMESPACES, *_SHAPES})
_QUERY_SHAPE = (
    '<ErrorResponse xmlns="{namespace}"><Error><Type>{type}</Type><Code>{code}</Code>'
    "<Message>{message}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>"
)

_SIGN_IN = {
    "AccessDeniedException": "INSUFFICIENT_PERMISSIONS",
    "ResourceNotFoundException": "RESOURCE_NOT_FOUND",
    "ValidationException": "INVALID_REQUEST",
}
"""What the sign-in service's refusals say beside their code."""

_HEADER = "x-amzn-RequestId"
_REQUEST_ID = re.compile(rb"(<RequestI[dD]>)[^<]*(</RequestI[dD]>)")


class Refused(Exception):  # noqa: N818 - what AWS does to the call
    """AWS does not take the call.

    Args:
        code: AWS's error code, such as ``NoSuchEntity``.
        status: the HTTP status.
        message: what AWS says.
    """

    def __init__(self, code: str, status: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        self.message = message

    def reply(self, service: str, sent: str = "") -> Reply:
        """The refusal in the words of the service's protocol.

        https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html

        Args:
            service: such as ``iam``.
            sent: the content type of the request, which tells the protocol of other services.
        """
        if service == "access-analyzer":
            content = json.dumps({"message": self.message}).encode()
            headers = {"Content-Type": "application/json", "x-amzn-ErrorType": self.code}
            return Reply(self.status, headers, content)
        if service == "signin":
            said = {"error": _SIGN_IN.get(self.code, "server_error"), "message": self.message}
            headers = {"Content-Type": "application/json", "x-amzn-ErrorType": self.code}
            return Reply(self.status, headers, json.dumps(said).encode())
        if service == "secretsmanager" or (service not in _KNOWN and "json" in sent):
            content = json.dumps({"__type": self.code, "message": self.message}).encode()
            return Reply(self.status, {"Content-Type": "application/x-amz-json-1.1"}, content)
        text = _SHAPES.get(service, _QUERY_SHAPE).format(
            namespace=_NAMESPACES.get(service, ""),
            type="Sender" if self.status < 500 else "Receiver",
            code=self.code,
            message=escape(self.message),
            request_id="",
        )
        headers = {"Content-Type": "text/xml"}
        if service not in _KNOWN:  # which may be one of those that read the code there
            headers["x-amzn-ErrorType"] = self.code
        return Reply(self.status, headers, text.encode())


class SignInRefused(Refused):
    """The sign-in service gives no credentials.

    Args:
        error: one of the model's ``OAuth2ErrorCode``, which tells why.
        message: what AWS says.
    """

    def __init__(self, error: str, message: str) -> None:
        super().__init__("AccessDeniedException", 400, message)
        self.error = error

    def reply(self, service: str, sent: str = "") -> Reply:
        """The refusal, with its reason."""
        reply = super().reply(service, sent)
        body = json.dumps({"error": self.error, "message": self.message}).encode()
        return replace(reply, body=body)


def with_request_id(reply: Reply, service: str) -> Reply:
    """A reply that bears an id of its own, in its headers and, where one is there, in its text."""
    number = str(uuid4())
    body = reply.body
    if reply.status >= 400 or service != "s3":  # whose bodies are the user's
        body = _REQUEST_ID.sub(rb"\g<1>" + number.encode() + rb"\g<2>", body, count=1)
    headers = {
        **{name: text for name, text in reply.headers.items() if name.lower() != _HEADER.lower()},
        _HEADER: number,
    }
    return replace(reply, headers=headers, body=body)


def unknown_token() -> Refused:
    """Nobody has the key that signed."""
    text = "The security token included in the request is invalid."
    return Refused("InvalidClientTokenId", 403, text)


def no_such_entity(message: str) -> Refused:
    """What is named does not exist."""
    return Refused("NoSuchEntity", 404, message)


def already_exists(message: str) -> Refused:
    """The name is taken."""
    return Refused("EntityAlreadyExists", 409, message)


def delete_conflict(message: str) -> Refused:
    """What is to be deleted still holds something."""
    return Refused("DeleteConflict", 409, f"Cannot delete entity, must {message} first.")


def limit_exceeded(quota: str, number: int) -> Refused:
    """A quota is full."""
    return Refused("LimitExceeded", 409, f"Cannot exceed quota for {quota}: {number}")


def invalid(message: str) -> Refused:
    """A parameter is not as the API's model wants it."""
    return Refused("ValidationError", 400, message)
