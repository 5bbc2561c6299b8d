"""STS's answers where moto's differ from AWS's.

https://docs.aws.amazon.com/STS/latest/APIReference/API_Operations.html
"""

import math
from datetime import timedelta
from typing import Any, NoReturn

from moto.core.responses import ActionResult
from moto.sts.responses import TokenResponse

from iamkit.sandbox.server.arns import listed_tags
from iamkit.sandbox.server.errors import Refused, invalid, invalid_identity_token
from iamkit.sandbox.server.mfa_context import with_mfa
from iamkit.sandbox.server.moto_patches import clock, new_token
from iamkit.sandbox.server.one_time_passwords import use_code
from iamkit.sandbox.server.policy_grammar import check_document
from iamkit.sandbox.server.responses import QueryAnswers
from iamkit.sandbox.server.sessions import Session

HOUR = 3_600
_MOST_PACKED = 2_048
"""Characters that a session's policies and tags may have together, as far as it is documented."""
_DEFAULT = 43_200


class SandboxSts(QueryAnswers, TokenResponse):
    """STS."""

    def call_action(self) -> Any:
        """Ask the rules of the action, unless the call was taken once, then act."""
        if self.account.judges:
            _check_reach(self)
            if check := _RULES.get(self.call.action):
                check(self)
        return super().call_action()

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
        super().assume_role()
        session = self.account.sts.assumed_roles[-1]
        session.began = clock.now()
        session.with_mfa = self._use_code()
        session.policy_arns = [one["arn"] for one in self._get_param("PolicyArns", [])]
        session.source_identity = self._get_param("SourceIdentity")
        session.tags = listed_tags(self._get_param("Tags", []))
        shown = {
            "Credentials": session,
            "AssumedRoleUser": {"AssumedRoleId": session.user_id, "Arn": session.arn},
            "PackedPolicySize": self._packed(),
            "SourceIdentity": session.source_identity,
        }
        return ActionResult(shown)

    def get_session_token(self) -> ActionResult:
        """https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html."""
        session = self._session(with_mfa=self._use_code())
        return ActionResult({"Credentials": _credentials(session)})

    def get_federation_token(self) -> ActionResult:
        """https://docs.aws.amazon.com/STS/latest/APIReference/API_GetFederationToken.html."""
        name = self._get_param("Name")
        session = self._session(
            name=name,
            policy=self._get_param("Policy"),
            policy_arns=[one["arn"] for one in self._get_param("PolicyArns", [])],
            tags=listed_tags(self._get_param("Tags", [])),
        )
        user = {
            "FederatedUserId": f"{self.account.id}:{name}",
            "Arn": f"arn:aws:sts::{self.account.id}:federated-user/{name}",
        }
        shown = {
            "Credentials": _credentials(session),
            "FederatedUser": user,
            "PackedPolicySize": self._packed(),
        }
        return ActionResult(shown)

    def decode_authorization_message(self) -> NoReturn:
        """No refusal of the sandbox's holds a message that is encoded, so none can be decoded.

        https://docs.aws.amazon.com/STS/latest/APIReference/API_DecodeAuthorizationMessage.html
        """
        raise Refused("InvalidAuthorizationMessageException", 400, "Invalid authorization message.")

    def get_access_key_info(self) -> ActionResult:
        """The account that a key is of; of one that nobody has the caller's, as ids tell none here.

        https://docs.aws.amazon.com/STS/latest/APIReference/API_GetAccessKeyInfo.html
        """
        owner, _ = self.account.accounts.key(self._get_param("AccessKeyId"))
        return ActionResult({"Account": (owner or self.account).id})

    def _session(self, **more: Any) -> Session:
        """New credentials; those of the root hold for an hour, however long it asks."""
        caller, key = self.call.caller, self.account.iam.create_temp_access_key()
        seconds = self._get_param("DurationSeconds", HOUR if caller.is_root else _DEFAULT)
        seconds = min(seconds, HOUR) if caller.is_root else seconds
        session = Session(
            key=key,
            token=new_token(),
            expires=clock.now() + timedelta(seconds=seconds),
            began=clock.now(),
            user_id="" if caller.is_root else caller.user_id,
            **more,
        )
        self.account.sessions[key.access_key_id] = session
        return session

    def _use_code(self) -> bool:
        """Whether the call brings an MFA code, which was found right; it is used up.

        The device is the caller's, also where the role is of another account.
        """
        serial, own = self._get_param("SerialNumber"), self.call.caller.account_id
        devices = self.account.accounts[own].iam.virtual_mfa_devices
        device = devices.get(serial) if serial else None
        if device is not None:
            use_code(device, self._get_param("TokenCode", ""), clock.seconds())
        return bool(serial)

    def _packed(self) -> int | None:
        """How full a session is with policies and tags, in percent; None without any."""
        tags = self._get_param("Tags", [])
        size = len(self._get_param("Policy", "")) + sum(len(t["Key"] + t["Value"]) for t in tags)
        size += sum(len(one["arn"]) for one in self._get_param("PolicyArns", []))
        return math.ceil(100 * size / _MOST_PACKED) or None

    def _not_here(self) -> NoReturn:
        """moto hands out keys of which it knows nothing afterwards."""
        raise invalid_identity_token()

    assume_role_with_saml = assume_role_with_web_identity = _not_here


def _credentials(session: Session) -> dict[str, Any]:
    return {
        "AccessKeyId": session.key.access_key_id,
        "SecretAccessKey": session.key.secret_access_key,
        "SessionToken": session.token,
        "Expiration": session.expires,
    }


def _check_role_session(answers: SandboxSts) -> None:
    """It lasts as long as the role allows, and an hour where one role assumes the next.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_terms-and-concepts.html#iam-term-role-chaining
    """
    caller, seconds = answers.call.caller, answers.params.get("DurationSeconds", HOUR)
    if caller.is_role and seconds > HOUR:
        text = "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by"
        raise invalid(f"{text} role chaining")
    role = answers.account.role_by_arn(answers.params["RoleArn"])
    if role and seconds > int(role.max_session_duration):
        text = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
        raise invalid(text)
    _check_session_policies(answers)


def _check_session_policies(answers: SandboxSts) -> None:
    """https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html."""
    if text := answers.params.get("Policy"):
        check_document(text, "simulated")
    tags = answers.params.get("Tags", [])
    if len({tag["Key"].lower() for tag in tags}) < len(tags):
        text = "Duplicate tag keys found. Please note that Tag keys are case insensitive."
        raise Refused("InvalidParameterValue", 400, text)


def _check_reach(answers: SandboxSts) -> None:
    """What temporary credentials may ask of STS.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_sts-comparison.html
    """
    caller, action = answers.call.caller, answers.call.action
    if not caller.session or action == "GetCallerIdentity":
        return
    of_user = not (caller.is_role or caller.is_federated)
    refused = action in ("GetSessionToken", "GetFederationToken") if caller.is_role else True
    if refused and not (of_user and action == "AssumeRole"):
        raise Refused("AccessDenied", 403, f"Cannot call {action} with session credentials")


def _check_code(answers: SandboxSts) -> None:
    """The code that a call brings, if it brings one."""
    with_mfa(answers.call, answers.account)


_RULES = {
    "AssumeRole": _check_role_session,
    "GetSessionToken": _check_code,
    "GetFederationToken": _check_session_policies,
}
