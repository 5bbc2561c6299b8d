"""AWS's words for a refusal, which differ by service.

https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
"""

from iamkit.policies.evaluation.engine import Decision
from iamkit.sandbox.server.authorization.question import Question
from iamkit.sandbox.server.call import Call
from iamkit.sandbox.server.errors import Refused

_CODES = {
    "ec2": ("UnauthorizedOperation", 403),
    "access-analyzer": ("AccessDeniedException", 403),
    "secretsmanager": ("AccessDeniedException", 400),
    "signin": ("AccessDeniedException", 400),
}


def deny(call: Call, ask: Question, decision: Decision | None) -> Refused:
    """What AWS says to a call that is not allowed.

    Args:
        call: the call.
        ask: the question that was not answered with yes.
        decision: the answer; None if the policies could not be evaluated.
    """
    text = f"User: {call.caller.arn} is not authorized to perform: {ask.action}"
    text += f"{_on(call, ask)} {_why(ask, decision)}"
    if call.service == "ec2":
        text = f"You are not authorized to perform this operation. {text}"
    code, status = _CODES.get(call.service, ("AccessDenied", 403))
    return Refused(code, status, text)


def _on(call: Call, ask: Question) -> str:
    """Which resource; some name none where there is none, and S3 puts it in quotes."""
    resource = ask.shown or ask.resource or "*"
    if call.service == "access-analyzer":
        resource = f"arn:aws:access-analyzer:{call.region}:{call.caller.account_id}:*"
    if resource == "*" and call.service in ("ec2", "s3", "secretsmanager"):
        return ""
    return f' on resource: "{resource}"' if call.service == "s3" else f" on resource: {resource}"


def _why(ask: Question, decision: Decision | None) -> str:
    if decision is None:
        return "because the sandbox could not evaluate the policies; its log says where"
    if decision.depends_on:
        keys = ", ".join(decision.depends_on)
        return f"because it depends on {keys}, which the sandbox does not know"
    words = decision.because
    if ask.action.startswith("sts:"):  # a role's own policy has its own name
        words = words.replace("a resource-based policy", "the role trust policy")
        words = words.replace("resource-based policy", "role trust policy")
    return words
