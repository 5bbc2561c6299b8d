"""One AWS call as the sandbox sees it: who calls what, with which parameters."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from iamkit.sandbox.server.errors import Refused
from iamkit.sandbox.server.http_message import Request
from iamkit.text import parse_json

QUERY_SERVICES = frozenset({"iam", "sts", "ec2"})
JSON_SERVICES = frozenset({"secretsmanager"})
SIGN_IN_ACTIONS = {
    "/batch-revoke-sessions": "BatchRevokeSessions",
    "/get-session": "GetSession",
    "/list-sessions": "ListSessions",
    "/v1/token": "CreateOAuth2Token",
}
"""By the paths of the API's model, all of them POST."""
_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Caller:
    """Who calls, as STS says.

    Attributes:
        arn: such as ``arn:aws:iam::000000000000:user/alice``.
        user_id: the account id for root.
        user_name: None for root and roles.
        session: the access key id of temporary credentials; empty for others.
    """

    arn: str
    user_id: str
    user_name: str | None = None
    session: str = ""

    @property
    def is_root(self) -> bool:
        """Whether it is the account itself."""
        return self.arn.endswith(":root")

    @property
    def is_role(self) -> bool:
        """Whether it is a session of a role."""
        return ":assumed-role/" in self.arn

    @property
    def is_federated(self) -> bool:
        """Whether it is a federated user."""
        return ":federated-user/" in self.arn

    @property
    def account_id(self) -> str:
        """Whose root, user or session it is."""
        return account_of(self.arn)


def root_of(account_id: str) -> Caller:
    """The root of an account."""
    return Caller(f"arn:aws:iam::{account_id}:root", account_id)


def account_of(arn: str) -> str:
    """The account that an ARN names, or an empty text."""
    return arn.split(":")[4] if arn.count(":") >= 5 else ""


@dataclass(frozen=True)
class Call:
    """A call whose caller is known.

    Attributes:
        service: such as ``iam``.
        action: such as ``CreateUser``; method and path for S3.
        parameters: of the query protocol, flat, as they were sent; of a JSON one, what is no text
            is JSON.
    """

    request: Request = field(repr=False)
    service: str
    region: str
    action: str
    parameters: Mapping[str, str] = field(repr=False)
    caller: Caller

    def get(self, name: str, default: str = "") -> str:
        """A parameter, or the default if it was not sent."""
        return self.parameters.get(name, default)

    def members(self, name: str) -> list[dict[str, str]]:
        """A list parameter of structures: ``Tags.member.1.Key`` and so on."""
        found: dict[int, dict[str, str]] = {}
        pattern = re.compile(rf"{re.escape(name)}\.member\.(\d{{1,4}})\.(\w+)")
        for key, value in self.parameters.items():
            if match := pattern.fullmatch(key):
                found.setdefault(int(match[1]), {})[match[2]] = value
        return [found[number] for number in sorted(found)]


def read_parameters(request: Request, service: str) -> dict[str, str]:
    """The parameters of a call in one of AWS's protocols, read once for all who ask.

    Raises:
        Refused: MalformedQueryString, or MissingAction; in a JSON protocol
            UnknownOperationException, or SerializationException.
    """
    if service in JSON_SERVICES:
        return _read_json(request, service)
    if service == "signin":
        return _read_sign_in(request)
    if service not in QUERY_SERVICES:
        return {}
    form = request.headers.get("content-type", "").startswith(_FORM)
    try:
        body = request.body.decode("utf-8") if form else ""
        pairs = [
            pair
            for text in (request.query, body)
            for pair in parse_qsl(text, keep_blank_values=True, errors="strict")
        ]
    except ValueError:
        raise Refused("MalformedQueryString", 400, "The query string is not UTF-8.") from None
    parameters = dict(pairs)
    if len(parameters) != len(pairs):
        raise Refused("MalformedQueryString", 400, "The query string has a parameter twice.")
    if not parameters.get("Action"):
        raise Refused("MissingAction", 400, "The request has no Action.")
    return parameters


def _read_json(request: Request, service: str) -> dict[str, str]:
    """https://docs.aws.amazon.com/secretsmanager/latest/apireference/CommonErrors.html."""
    prefix, _, action = request.headers.get("x-amz-target", "").rpartition(".")
    if prefix != service or not action.isalnum():
        raise Refused("UnknownOperationException", 400, "There is no such operation.")
    return {**_texts(request), "Action": action}


def _read_sign_in(request: Request) -> dict[str, str]:
    action = SIGN_IN_ACTIONS.get(request.target, "")
    if request.method != "POST" or not action:
        raise Refused("UnknownOperationException", 404, "The sandbox has no such operation.")
    return {**_texts(request), "Action": action}


def _texts(request: Request) -> dict[str, str]:
    """The members of a body in JSON."""
    try:
        body = parse_json(request.body or b"{}")
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise Refused("SerializationException", 400, "The body is no JSON object.")
    return {k: value if isinstance(value, str) else json.dumps(value) for k, value in body.items()}


def action_of(request: Request, parameters: Mapping[str, str]) -> str:
    """What a call is named in the log."""
    return parameters.get("Action") or f"{request.method} {request.path}"


FOR_THE_CALLER = frozenset(
    """GetUser CreateAccessKey ListAccessKeys UpdateAccessKey DeleteAccessKey GetLoginProfile
    ListMFADevices ListSSHPublicKeys ListSigningCertificates ListServiceSpecificCredentials
    GetMFADevice UpdateSSHPublicKey""".split()
)
"""Without a UserName these act on the caller, says the API reference of each."""
