"""STS's answers where moto's differ from AWS's."""

from typing import NoReturn

from moto.core.responses import ActionResult
from moto.sts.responses import TokenResponse

from iamkit.sandbox.server.arns import listed_tags
from iamkit.sandbox.server.errors import Refused
from iamkit.sandbox.server.moto_patches import clock
from iamkit.sandbox.server.responses import QueryAnswers


class SandboxSts(QueryAnswers, TokenResponse):
    """STS."""

    def get_caller_identity(self) -> ActionResult:
        """Who signed the call: root, a user or a role, and nobody else."""
        caller = self.call.caller
        identity = {"UserId": caller.user_id, "Account": self.account.id, "Arn": caller.arn}
        return ActionResult(identity)

    def assume_role(self) -> ActionResult:
        """A session, which keeps what its policies will be asked with; the gate asked for trust.

        https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
        """
        if self.call.caller.is_root:
            raise Refused("AccessDenied", 403, "Roles may not be assumed by root accounts.")
        answer: ActionResult = super().assume_role()
        session = self.account.sts.assumed_roles[-1]
        session.began = clock.now()
        session.with_mfa = bool(self._get_param("SerialNumber"))
        session.policy_arns = [one["arn"] for one in self._get_param("PolicyArns", [])]
        session.source_identity = self._get_param("SourceIdentity")
        session.tags = listed_tags(self._get_param("Tags", []))
        return answer

    def _not_here(self) -> NoReturn:
        """moto hands out keys of which it knows nothing afterwards."""
        raise NotImplementedError

    get_session_token = get_federation_token = _not_here
    assume_role_with_saml = assume_role_with_web_identity = _not_here
