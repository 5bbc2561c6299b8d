"""The front: everything that reaches the sandbox passes here, and little gets through.

A web page in the user's browser can send requests to loopback too. It cannot forge ``Host``, and
it cannot hide its ``Origin``; so one must be ours, and the other absent.
"""

import logging
import re
import time
import traceback
from collections.abc import Callable

from iamkit.sandbox.faults import FaultPlan
from iamkit.sandbox.server.authentication import REFRESH, authenticate
from iamkit.sandbox.server.call import Call, action_of, read_parameters
from iamkit.sandbox.server.call_log import CallLog, LoggedCall
from iamkit.sandbox.server.control_api import SideDoor
from iamkit.sandbox.server.errors import Refused, with_request_id
from iamkit.sandbox.server.fault_effects import under
from iamkit.sandbox.server.http_message import Delivery, Reply, Request
from iamkit.sandbox.server.persistent_accounts import PersistentAccounts

_CODE = re.compile(rb'<Code>([^<]*)</Code>|"__type": "([^"]*)"')
_KEY_ID = re.compile(r"Credential=(\w{1,128})/")
_SERVICE = re.compile(r"Credential=\w+/\d+/[\w-]+/([\w-]{1,64})/")

log = logging.getLogger("iamkit.sandbox")


class Gateway:
    """Answers requests: the side door's, and AWS's.

    Args:
        host: the only ``Host`` that is answered, ``127.0.0.1:PORT``.
        token: opens the side door.
        life: the accounts that AWS calls act on, and their memory.
        publish: says where the sandbox is, and the root's key, after these have changed.
    """

    def __init__(
        self, host: str, token: str, life: PersistentAccounts, publish: Callable[[], None]
    ) -> None:
        self.last_request = time.monotonic()
        self._host = host
        self._life = life
        self._plan = FaultPlan()
        self._calls = CallLog()
        self._door = SideDoor(host, token, life, self._plan, self._calls, publish=publish)

    def __call__(self, request: Request) -> Reply:
        """The reply to a request; it never raises."""
        self.last_request = time.monotonic()
        if request.headers.get("host") != self._host:
            return Reply.text(403, "The sandbox answers to its own address only.\n")
        if "origin" in request.headers:
            return Reply.text(403, "The sandbox does not answer web pages.\n")
        if self._door.is_for(request):
            return self._door.answer(request)
        return self._aws(request)

    def _aws(self, request: Request) -> Reply:
        """AWS's reply; the call is logged whatever comes of it."""
        started = time.monotonic()
        entry = {"service": "", "action": "", "caller": _key_id(request), "fault": ""}
        try:
            reply = self._answer(request, entry)
        except Refused as error:
            sent = request.headers.get("content-type", "")
            reply = error.reply(entry["service"] or _claimed_service(request), sent)
        except Exception as error:  # noqa: BLE001 - a defect must not end the connection's thread
            log.error("%s: %s", entry["action"], _where(error))  # noqa: TRY400 - may hold secrets
            text = "The sandbox itself failed; its log says where."
            reply = Refused("InternalFailure", 500, text).reply(entry["service"])
        reply = with_request_id(reply, entry["service"])
        seconds = round(time.monotonic() - started, 6)
        status = 0 if reply.delivery is Delivery.NONE else reply.status
        outcome = _outcome(reply)
        self._calls.add(LoggedCall(**entry, status=status, outcome=outcome, seconds=seconds))
        return reply

    def _answer(self, request: Request, entry: dict[str, str]) -> Reply:
        signed, caller, account = authenticate(
            request, self._life.accounts, self._plan.seconds_unknown()
        )
        self._life.use_key(signed.key_id, signed.service, signed.region)
        entry.update(service=signed.service, caller=caller.arn)
        parameters = read_parameters(request, signed.service)
        entry["action"] = action_of(request, parameters)
        call = Call(request, signed.service, signed.region, entry["action"], parameters, caller)
        fault = self._plan.pick(call.service, call.action)
        if fault is None:
            return self._life.act(call, self._plan.seconds_unknown(), account)
        entry["fault"] = fault.kind
        return under(fault, call, self._plan, lambda: self._life.act(call, 0, account))


def _key_id(request: Request) -> str:
    found = _KEY_ID.search(request.headers.get("authorization", ""))
    return found[1] if found else "anonymous"


def _claimed_service(request: Request) -> str:
    """The service that a call is for which nobody is believed to have signed."""
    if request.target == REFRESH:
        return "signin"
    found = _SERVICE.search(request.headers.get("authorization", ""))
    return found[1] if found else ""


def _outcome(reply: Reply) -> str:
    if reply.delivery is Delivery.NONE:
        return "lost"
    if reply.status < 400:
        return "ok"
    found = _CODE.search(reply.body)
    return found[found.lastindex or 0].decode() if found else str(reply.status)


def _where(error: Exception) -> str:
    """Which error, and where; not its text, in which there may be a password."""
    frames = traceback.extract_tb(error.__traceback__)[-8:]
    places = " < ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(frames))
    return f"{type(error).__name__} in {places}"
