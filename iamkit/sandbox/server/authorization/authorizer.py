"""The gate: no call passes that the caller's policies do not allow.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from iamkit.account.state import JSON
from iamkit.policies.evaluation.engine import Decision, Policies, evaluate_exactly
from iamkit.policies.evaluation.request import Request
from iamkit.sandbox.server.account import Account, Accounts
from iamkit.sandbox.server.authorization.denials import deny
from iamkit.sandbox.server.authorization.ec2 import asks_of_ec2
from iamkit.sandbox.server.authorization.global_context import circumstances
from iamkit.sandbox.server.authorization.iam import asks_of_iam
from iamkit.sandbox.server.authorization.question import Question
from iamkit.sandbox.server.authorization.s3 import asks_of_s3
from iamkit.sandbox.server.authorization.secrets_manager import asks_of_secrets_manager
from iamkit.sandbox.server.authorization.sign_in import asks_of_sign_in
from iamkit.sandbox.server.authorization.sts import asks_of_sts
from iamkit.sandbox.server.call import Call
from iamkit.sandbox.server.caller_policies import Holders, read_document
from iamkit.sandbox.server.errors import Refused
from iamkit.sandbox.server.moto_patches import clock
from iamkit.sandbox.server.policy_grammar import check_document

_EVERYTHING: JSON = {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
_POLICY_ACTIONS = ("s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy")
"""What a bucket's policy cannot take from the account's root."""

log = logging.getLogger("iamkit.sandbox")


def _asks_of_access_analyzer(*_: Any) -> Iterator[Question]:
    yield Question(action="access-analyzer:ListAnalyzers")


_ASKS: Mapping[str, Callable[[Call, Account], Iterator[Question]]] = {
    "access-analyzer": _asks_of_access_analyzer,
    "ec2": asks_of_ec2,
    "iam": asks_of_iam,
    "s3": asks_of_s3,
    "secretsmanager": asks_of_secrets_manager,
    "signin": asks_of_sign_in,
    "sts": asks_of_sts,
}


class Authorizer:
    """Refuses what is not allowed; while the account does not authorize, only trust counts.

    Args:
        accounts: whose calls pass here; their lock is held by who asks.
    """

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self._holders = Holders(accounts)

    def forget(self) -> None:
        """Read all policies again, because the account may have changed."""
        self._holders.forget()

    def check(self, call: Call) -> None:
        """Let a call pass, or not.

        Raises:
            Refused: it is not allowed; or it is, and was only a dry run.
        """
        assumes = (call.service, call.action) == ("sts", "AssumeRole")
        authorizes = self._account_of(call).authorizes
        if not (authorizes or assumes) or call.service not in _ASKS:
            return
        if call.caller.is_root and call.service != "s3":
            return
        for ask in self._asks(call):
            self._answer(call, ask)
        if authorizes and call.service == "ec2":
            _end_dry_run(call)

    def _account_of(self, call: Call) -> Account:
        return self._accounts[call.caller.account_id]

    def _asks(self, call: Call) -> list[Question]:
        """What the call asks; whatever goes wrong in finding that out refuses it."""
        try:
            return list(_ASKS[call.service](call, self._account_of(call)))
        except Refused:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not let a call pass
            log.error("%s: %s while asking", call.action, type(error).__name__)  # noqa: TRY400
            unknown = Question(
                action=f"{call.service}:{call.action.partition(' ')[0]}", resource=None
            )
            raise deny(call, unknown, None) from None

    def _answer(self, call: Call, ask: Question) -> None:
        if call.caller.is_root and ask.action in _POLICY_ACTIONS:
            return
        try:
            decision = self._decide(call, ask)
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not let a call pass
            log.error("%s: %s in evaluation", ask.action, type(error).__name__)  # noqa: TRY400
            raise deny(call, ask, None) from None
        if not decision.allowed:
            raise deny(call, ask, decision)

    def _decide(self, call: Call, ask: Question) -> Decision:
        """The evaluator's answer.

        Raises:
            ValueError: a policy cannot be read.
            Refused: a bucket's policy is none.
        """
        holder = self._holders.of(call.caller)
        if ask.policy and call.service == "s3":  # moto stores whatever it is given
            check_document(ask.policy, "trust")
        request = Request(
            principal=holder.principal,
            action=ask.action,
            resource=ask.resource,
            context={**circumstances(call), **holder.context_at(clock.now()), **ask.context},
            complete=True,
            unknown=ask.unknown,
        )
        if self._account_of(call).authorizes:
            return evaluate_exactly(request, holder.policies_about(ask.action, ask.policy))
        return evaluate_exactly(request, _trust_alone(ask))


def _trust_alone(ask: Question) -> Policies:
    return Policies(identity={"": _EVERYTHING}, resource=read_document(ask.policy or "{}"))


def _end_dry_run(call: Call) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/CommonParameters.html."""
    if call.get("DryRun").lower() == "true":
        text = "Request would have succeeded, but DryRun flag is set."
        raise Refused("DryRunOperation", 412, text)
