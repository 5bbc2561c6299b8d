"""IAM as one class, which moto dispatches to: rules before its answers, and pages after."""

from typing import Any

from moto.core.responses import ActionResult
from moto.core.serialize import never_return
from moto.iam.responses import IamResponse

from iamkit.sandbox.server.call import FOR_THE_CALLER
from iamkit.sandbox.server.iam import deleting, names, roles  # noqa: F401 - they register their rules
from iamkit.sandbox.server.iam.accounts import AccountAnswers
from iamkit.sandbox.server.iam.keys import KeyAnswers, ServiceCredentialAnswers
from iamkit.sandbox.server.iam.mfa import MfaAnswers
from iamkit.sandbox.server.iam.passwords import PasswordAnswers
from iamkit.sandbox.server.iam.policies import PolicyAnswers
from iamkit.sandbox.server.iam.report import ReportAnswers
from iamkit.sandbox.server.iam.rules import check_rules
from iamkit.sandbox.server.iam.simulation import SimulationAnswers
from iamkit.sandbox.server.iam.users import UserAnswers
from iamkit.sandbox.server.paging import list_keys

_NOT_IN_LISTS = (
    "ListUsersResponse.Users.User.PermissionsBoundary",
    "GetGroupResponse.Users.User.PermissionsBoundary",
    "GetGroupResponse.Users.User.Tags",
)
_EVERYTHING = 1_000_000
DETAILS = "GetAccountAuthorizationDetails"
"""It cuts its own page, because describing all of its entities would take long."""


class SandboxIam(
    AccountAnswers,
    KeyAnswers,
    MfaAnswers,
    PasswordAnswers,
    PolicyAnswers,
    ReportAnswers,
    ServiceCredentialAnswers,
    SimulationAnswers,
    UserAnswers,
):
    """IAM."""

    RESPONSE_KEY_PATH_TO_TRANSFORMER = {  # noqa: RUF012 - moto's own, of its type
        **dict.fromkeys(_NOT_IN_LISTS, never_return),
        **IamResponse.RESPONSE_KEY_PATH_TO_TRANSFORMER,
    }

    def defaults(self) -> dict[str, str]:
        """A UserName that is left out is the caller's own."""
        name = self.call.caller.user_name
        own = self.call.action in FOR_THE_CALLER and not self.call.get("AllUsers")
        return {"UserName": name} if name and own else {}

    def call_action(self) -> Any:
        """Ask the rules, then let moto or our own answer act; what was done once is allowed."""
        if self.account.wants_answers:
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
