"""What stands between the socket and moto: who may ask at all, who calls, and what goes wrong."""

import hmac
import json
import re
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qs

from iamkit.sandbox.backend import Backend
from iamkit.sandbox.calls import Call, CallLog
from iamkit.sandbox.client import ACCOUNT_ID, TOKEN_HEADER, proof
from iamkit.sandbox.faults import Fault, FaultPlan
from iamkit.sandbox.http import Delivery, Reply, Request
from iamkit.sandbox.refusal import Refused
from iamkit.sandbox.signature import check_signature, read_signature

ROOT_ARN = f"arn:aws:iam::{ACCOUNT_ID}:root"
_IDENTITY = (
    '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
    "<GetCallerIdentityResult><Arn>{arn}</Arn><UserId>{account}</UserId>"
    "<Account>{account}</Account></GetCallerIdentityResult>"
    "<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>"
    "</GetCallerIdentityResponse>"
)
TAKEN_ALIASES = {"amazon", "aws", "example", "taken"}
"""Aliases of other accounts; an alias is unique in all of AWS.

https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateAccountAlias.html
"""

# moto has no such credentials, and no call that makes one: so there are none.
_NO_CREDENTIALS = (
    '<ListServiceSpecificCredentialsResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">'
    "<ListServiceSpecificCredentialsResult><ServiceSpecificCredentials/>"
    "</ListServiceSpecificCredentialsResult>"
    "<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>"
    "</ListServiceSpecificCredentialsResponse>"
)


@dataclass
class _Exchange:
    """One AWS call on its way through."""

    request: Request
    service: str = ""
    region: str = ""
    action: str = ""
    caller: str = ""
    fault: Fault | None = None
    id: str = field(default_factory=lambda: str(uuid.uuid4()))


class Front:
    """Answers every request to the sandbox's port."""

    def __init__(self, backend: Backend, host: str, token: str, root: tuple[str, str]) -> None:
        self._backend = backend
        self._host = host
        self._token = token
        self._root_key, self._root_secret = root
        self._calls = CallLog()
        self._faults = FaultPlan()

    def answer(self, request: Request) -> Reply:
        """The reply to a request.

        A foreign ``Host`` is how a web page reaches loopback by DNS rebinding, an ``Origin`` how
        a browser says that a page asks; neither is answered.
        """
        if request.headers.get("host") != self._host:
            return Reply.text(403, "This Host is not the sandbox's.")
        if "origin" in request.headers:
            return Reply.text(403, "The sandbox answers no web page.")
        if request.path == "/_iamkit/prove":
            challenge = parse_qs(request.query).get("challenge", [""])[0]
            return Reply.text(200, proof(self._token, self._host, challenge))
        if request.path.startswith(("/_iamkit", "/moto-api")):
            given = request.headers.get(TOKEN_HEADER.lower(), "")
            if not hmac.compare_digest(given.encode(), self._token.encode()):
                return Reply.text(403, "The side door needs its token.")
            return self._side_door(request)
        return self._aws(_Exchange(request))

    def _side_door(self, request: Request) -> Reply:
        if request.path.startswith("/moto-api"):
            return self._backend.answer(request)
        match request.method, request.path.removeprefix("/_iamkit/"):
            case "GET", "calls":
                answer: Any = self._calls.as_data()
            case "GET", "secrets":
                answer = [self._root_secret, *self._backend.secrets()]
            case "PUT", "faults":
                try:
                    self._faults.replace(json.loads(request.body))
                except (ValueError, TypeError) as error:
                    return Reply.text(400, str(error))
                answer = {}
            case _:
                return Reply.text(404, "The side door has no such thing.")
        return Reply.text(200, json.dumps(answer), "application/json")

    def _aws(self, exchange: _Exchange) -> Reply:
        begun = time.perf_counter()
        try:
            reply = self._called(exchange)
        except Refused as refused:
            reply = refused.reply(exchange.service, exchange.id)
        self._calls.add(
            Call(
                service=exchange.service,
                action=exchange.action,
                caller=exchange.caller,
                status=0 if reply.delivery is Delivery.NONE else reply.status,
                outcome=_outcome(reply),
                fault=exchange.fault.kind if exchange.fault else "",
                seconds=time.perf_counter() - begun,
            )
        )
        return reply

    def _called(self, exchange: _Exchange) -> Reply:
        signature = read_signature(exchange.request)
        exchange.service, exchange.region = signature.service, signature.region
        exchange.action = _action_of(exchange.request)
        exchange.caller = signature.key_id
        key = None
        if signature.key_id == self._root_key:
            secret, exchange.caller = self._root_secret, ROOT_ARN
        else:
            key = self._backend.find_key(signature.key_id)
            if key is None or getattr(key, "status", "Active") != "Active":
                message = "The security token included in the request is invalid."
                raise Refused("InvalidClientTokenId", 403, message)
            secret, exchange.caller = key.secret_access_key, self._backend.arn_of(key)
        check_signature(exchange.request, signature, secret)
        self._backend.mark_used(key, exchange.service, exchange.region)
        exchange.fault = self._faults.pick(exchange.service, exchange.action)
        return self._with_fault(exchange)

    def _with_fault(self, exchange: _Exchange) -> Reply:
        fault = exchange.fault
        if fault and fault.kind == "slow":
            time.sleep(fault.seconds)
        if fault is None or fault.kind == "slow":
            return self._done(exchange)
        if fault.kind in _ACTED:
            reply = self._done(exchange).delivered(_ACTED[fault.kind])
            if fault.kind == "error_after":
                raise _refusal(exchange, fault)
        elif fault.kind == "clock_skew":
            reply = self._skewed(exchange, fault.seconds)
        elif fault.kind == "garbage":
            page = "<html><body><h1>502 Bad Gateway</h1></body></html>"
            reply = Reply.text(502, page, "text/html")
        elif fault.kind in ("drop_before", "hang_before"):
            reply = Reply.text(200, "").delivered(Delivery.NONE)
        else:
            raise _refusal(exchange, fault)
        if fault.kind.startswith("hang"):
            self._faults.hold()
        return reply

    def _skewed(self, exchange: _Exchange, seconds: float) -> Reply:
        theirs = datetime.now(UTC) + timedelta(seconds=seconds)
        sent = exchange.request.headers.get("x-amz-date", "")
        message = f"Signature expired: {sent} is now earlier than {theirs:%Y%m%dT%H%M%SZ}"
        reply = Refused("SignatureDoesNotMatch", 403, message).reply(exchange.service, exchange.id)
        headers = {**reply.headers, "Date": format_datetime(theirs, usegmt=True)}
        return Reply(reply.status, headers, reply.body)

    def _done(self, exchange: _Exchange) -> Reply:
        """What AWS answers when all is well."""
        if exchange.action == "GetCallerIdentity" and exchange.caller == ROOT_ARN:
            text = _IDENTITY.format(arn=ROOT_ARN, account=ACCOUNT_ID, request_id=exchange.id)
            return Reply.text(200, text, "text/xml")
        if exchange.action == "CreateAccountAlias":
            alias = parse_qs(exchange.request.body.decode()).get("AccountAlias", [""])[0]
            if alias in TAKEN_ALIASES:
                message = f"The account alias {alias} already exists."
                raise Refused("EntityAlreadyExists", 409, message)
        if exchange.action == "ListServiceSpecificCredentials":
            return Reply.text(200, _NO_CREDENTIALS.format(request_id=exchange.id), "text/xml")
        try:
            return self._backend.answer(exchange.request)
        except NotImplementedError:
            message = f"The sandbox does not have {exchange.service}:{exchange.action} yet."
            raise Refused("NotImplemented", 501, message) from None


_ACTED = {
    "drop_after": Delivery.NONE,
    "hang_after": Delivery.NONE,
    "truncate": Delivery.CUT,
    "error_after": Delivery.WHOLE,
}
"""Faults after which AWS has acted, and what becomes of the reply."""


def _refusal(exchange: _Exchange, fault: Fault) -> Refused:
    """The error that a planned fault answers with."""
    permission = f"{exchange.service}:{exchange.action}"
    denied = (
        f"User: {exchange.caller} is not authorized to perform: {permission} on resource: * "
        f"because no identity-based policy allows the {permission} action"
    )
    failed = "The request processing has failed because of an unknown error."
    code = "ServiceFailure" if fault.status == 500 else "ServiceUnavailable"
    return {
        "throttle": Refused("Throttling", 400, "Rate exceeded"),
        "expired_token": Refused(
            "ExpiredToken", 403, "The security token included in the request is expired"
        ),
        "access_denied": Refused("AccessDenied", 403, denied),
    }.get(fault.kind, Refused(code, fault.status, failed))


def _action_of(request: Request) -> str:
    """The action of a call in the query protocol, or the target of one in JSON."""
    if target := request.headers.get("x-amz-target"):
        return target.rpartition(".")[2]
    body = request.body.decode("utf-8", "replace") if request.method == "POST" else request.query
    return parse_qs(body).get("Action", [request.method])[0]


def _outcome(reply: Reply) -> str:
    """``ok``, or AWS's error code."""
    if reply.delivery is Delivery.NONE:
        return "lost"
    if reply.status < 400:
        return "ok"
    found = re.search(rb"<Code>([^<]+)</Code>", reply.body)
    return found[1].decode() if found else "error"
