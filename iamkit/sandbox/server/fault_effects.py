"""What a planned fault does to a call."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from iamkit.sandbox.faults import Fault, FaultPlan
from iamkit.sandbox.server.call import Call
from iamkit.sandbox.server.errors import Refused
from iamkit.sandbox.server.http_message import Delivery, Reply
from iamkit.sandbox.server.signature import check_time

_GARBAGE = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body>"
_NO_REPLY = Reply(0, {}, b"", Delivery.NONE)


_DELIVERY = {
    "drop_after": Delivery.NONE,
    "truncate": Delivery.CUT,
    "hang_after": Delivery.WHOLE,
    "slow": Delivery.WHOLE,
    "hang_before": Delivery.WHOLE,
}
"""What becomes of the reply of a fault that lets AWS act."""


def under(fault: Fault, call: Call, plan: FaultPlan, act: Callable[[], Reply]) -> Reply:
    """The reply to a call that a fault happens to; ``act`` lets AWS act, if it comes to that.

    Raises:
        Refused: with the error that the fault stands for.
    """
    match fault.kind:
        case "slow":
            time.sleep(fault.seconds)
        case "hang_before":
            plan.hold()
        case "drop_before":
            return _NO_REPLY
        case "garbage":
            return Reply.text(502, _GARBAGE, "text/html")
        case "clock_skew":
            return _skewed(fault, call, act)
    if fault.kind == "error_after":
        act()
    if fault.kind not in _DELIVERY:
        raise _refusal(fault, call)
    reply = act().delivered(_DELIVERY[fault.kind])
    if fault.kind == "hang_after":
        plan.hold()
    return reply


def _refusal(fault: Fault, call: Call) -> Refused:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html."""
    if fault.kind == "throttle":
        return Refused("Throttling", 400, "Rate exceeded")
    if fault.kind == "expired_token":
        text = "The security token included in the request is expired"
        return Refused("ExpiredToken", 403, text)
    if fault.kind == "access_denied":
        return _denial(call)
    if fault.status == 503:
        return Refused("ServiceUnavailable", 503, "Service is temporarily unavailable")
    text = "The request processing has failed because of an unknown error, exception or failure."
    return Refused("ServiceFailure", fault.status, text)


def _denial(call: Call) -> Refused:
    name = f"{call.service}:{call.action}"
    return Refused(
        "AccessDenied",
        403,
        f"User: {call.caller.arn} is not authorized to perform: {name} on resource: "
        f"{_resource(call)} because no identity-based policy allows the {name} action",
    )


def _resource(call: Call) -> str:
    """The resource that AWS would name: the user, the group, the policy or the whole account."""
    if arn := call.get("PolicyArn"):
        return arn
    for parameter, kind in (("UserName", "user"), ("GroupName", "group")):
        if name := call.get(parameter):
            return f"arn:aws:iam::{call.caller.account_id}:{kind}{call.get('Path', '/')}{name}"
    return "*"


def _skewed(fault: Fault, call: Call, act: Callable[[], Reply]) -> Reply:
    """The reply of a server whose clock is ahead by the fault's seconds."""
    there = datetime.now(UTC) + timedelta(seconds=fault.seconds)
    try:
        check_time(call.request.headers.get("x-amz-date", ""), there)
        reply = act()
    except Refused as error:
        reply = error.reply(call.service)
    return replace(reply, headers={**reply.headers, "Date": format_datetime(there, usegmt=True)})
