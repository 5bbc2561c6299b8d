"""IAM as one class, which moto dispatches to: rules before its answers, and pages after."""

from typing import Any

from moto.core.responses import ActionResult
from moto.core.serialize import never_return
from moto.iam.responses import IamResponse

from iamkit.sandbox.server.call import FOR_THE_CALLER
from iamkit.sandbox.server.errors import invalid
from iamkit.sandbox.server.iam import deleting, names  # noqa: F401 - they register their rules
from iamkit.sandbox.server.iam.access_advisor import AccessAdvisorAnswers
from iamkit.sandbox.server.iam.accounts import AccountAnswers
from iamkit.sandbox.server.iam.certificates import CertificateAnswers
from iamkit.sandbox.server.iam.existing import check_existing
from iamkit.sandbox.server.iam.keys import KeyAnswers, ServiceCredentialAnswers
from iamkit.sandbox.server.iam.mfa import MfaAnswers
from iamkit.sandbox.server.iam.passwords import PasswordAnswers
from iamkit.sandbox.server.iam.policies import PolicyAnswers
from iamkit.sandbox.server.iam.providers import ProviderAnswers
from iamkit.sandbox.server.iam.report import ReportAnswers
from iamkit.sandbox.server.iam.roles import RoleAnswers
from iamkit.sandbox.server.iam.rules import check_rules
from iamkit.sandbox.server.iam.simulation import SimulationAnswers
from iamkit.sandbox.server.iam.users import UserAnswers
from iamkit.sandbox.server.paging import list_keys

_NOT_IN_LISTS = (
    "ListUsersResponse.Users.User.PermissionsBoundary",
    "GetGroupResponse.Users.User.PermissionsBoundary",
    "GetGroupResponse.Users.User.Tags",
)
_TAKEN_OVER = frozenset(
    {
        "CreateRoleResponse.Role.AssumeRolePolicyDocument",
        "GetRoleResponse.Role.AssumeRolePolicyDocument",
    }
)
"""Moto encodes these two; here every call that shows a role does."""
_EVERYTHING = 1_000_000
DETAILS = "GetAccountAuthorizationDetails"
"""It cuts its own page, because describing all of its entities would take long."""


class SandboxIam(
    AccessAdvisorAnswers,
    AccountAnswers,
    CertificateAnswers,
    KeyAnswers,
    MfaAnswers,
    PasswordAnswers,
    PolicyAnswers,
    ProviderAnswers,
    ReportAnswers,
    RoleAnswers,
    ServiceCredentialAnswers,
    SimulationAnswers,
    UserAnswers,
):
    """IAM."""

    RESPONSE_KEY_PATH_TO_TRANSFORMER = {  # noqa: RUF012 - moto's own, of its type
        **dict.fromkeys(_NOT_IN_LISTS, never_return),
        **{
            path: transform
            for path, transform in IamResponse.RESPONSE_KEY_PATH_TO_TRANSFORMER.items()
            if path not in _TAKEN_OVER
        },
    }

    def defaults(self) -> dict[str, str]:
        """A UserName that is left out is the caller's own."""
        caller, action = self.call.caller, self.call.action
        if action not in FOR_THE_CALLER or self.call.get("AllUsers") or self.call.get("UserName"):
            return {}
        if caller.user_name:
            return {"UserName": caller.user_name}
        if not caller.is_root and self.account.judges and action != "GetMFADevice":
            raise invalid("Must specify userName when calling with non-User credentials")
        return {}

    def call_action(self) -> Any:
        """Ask the rules, then let moto or our own answer act; what was done once is allowed."""
        if self.account.judges:
            check_existing(self.call.action, self.account, self.params)
            check_rules(self.call.action, self.account, self.params)
        self.asked = dict(self.params)
        if list_keys(self.call.action):  # moto is asked for all, because it pages some lists badly
            self.params.pop("Marker", None)
            self.params["MaxItems"] = _EVERYTHING
        return super().call_action()

    def serialized(self, action_result: ActionResult) -> Any:
        """Cut lists to the page that was asked for."""
        result, keys = action_result.result, list_keys(self.call.action)
        if isinstance(result, dict) and keys and self.call.action != DETAILS:
            lists = {key: result.get(key) or [] for key in keys}
            action_result = ActionResult({**result, **self.page(lists)})
        return super().serialized(action_result)
