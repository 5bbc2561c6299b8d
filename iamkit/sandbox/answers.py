"""What the answers of all services share: the call at hand, its account, and its model."""

from collections.abc import Mapping
from typing import Any

from moto.core.responses import BaseResponse
from moto.core.utils import get_service_model

from iamkit.sandbox.account import Account
from iamkit.sandbox.call import Call
from iamkit.sandbox.refusal import Refused, invalid
from iamkit.sandbox.shapes import check_shape


class Answers(BaseResponse):
    """moto's answers, to a call whose parameters are as the API's model wants them.

    Attributes:
        params: the call's parameters.
    """

    params: dict[str, Any]

    @property
    def call(self) -> Call:
        """The call at hand."""
        call: Call = self.normalized_request.environ["iamkit.call"]
        return call

    @property
    def account(self) -> Account:
        """The account that it acts on."""
        account: Account = self.normalized_request.environ["iamkit.account"]
        return account

    def parse_parameters(self, request: Any) -> None:
        """Read the parameters, and hold them against the model.

        Raises:
            Refused: the action is unknown, or a parameter is not as the model wants it.
        """
        action, model = self.call.action, get_service_model(self.call.service)
        if action not in model.operation_names:
            text = f"Could not find operation {action} for version {model.api_version}"
            raise Refused("InvalidAction", 400, text)
        try:
            super().parse_parameters(request)
        except (ValueError, TypeError, KeyError):
            raise invalid("A parameter is not of its type.") from None
        self.params = {**self.defaults(), **self.params}
        if shape := model.operation_model(action).input_shape:
            check_shape(shape, self.params)

    def defaults(self) -> Mapping[str, Any]:
        """The parameters that a call may leave out, with what they then are."""
        return {}
