"""What the answers of all services share: the call at hand, its account, and its model."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from moto.core.responses import ActionResult, BaseResponse
from moto.core.utils import camelcase_to_underscores, get_service_model
from werkzeug.datastructures import Headers

from iamkit.sandbox.server.account import Account
from iamkit.sandbox.server.call import Call
from iamkit.sandbox.server.errors import Refused, invalid
from iamkit.sandbox.server.input_validation import check_shape
from iamkit.sandbox.server.moto_patches import drawn

_GLOBAL = "us-east-1"
"""Where services without regions are, whatever region signed."""


@dataclass(frozen=True)
class ReadRequest:
    """A request of the query protocol, whose parameters were read already.

    Attributes:
        values: the parameters.
        environ: the call at hand, and its account.
    """

    method: str
    path: str
    values: Mapping[str, str] = field(repr=False)
    headers: Headers = field(repr=False)
    environ: Mapping[str, Any] = field(repr=False)
    data: bytes = b""

    @property
    def content_type(self) -> str:
        """As it was sent."""
        return str(self.headers.get("content-type", ""))


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
        account: Account = self.normalized_request.environ["iamkit.account.state"]
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
        shape = model.operation_model(action).input_shape
        if shape and self.account.wants_answers:
            check_shape(shape, self.params)

    def defaults(self) -> Mapping[str, Any]:
        """The parameters that a call may leave out, with what they then are."""
        return {}


class QueryAnswers(Answers):
    """Answers in the query protocol, with no HTTP in between.

    While an account is brought back, nobody waits for an answer, and none is written.
    """

    def setup_class(self, request: Any, *_: Any) -> None:
        """Take over the call, of which moto would read everything again."""
        call: Call = request.environ["iamkit.call"]
        self.normalized_request = request
        self.headers = request.headers
        self.method, self.path, self.body = call.request.method, "/", ""
        self.querystring = self.data = {name: [text] for name, text in call.parameters.items()}
        region = _GLOBAL if call.service == "iam" else call.region
        self.region, self.partition, self.uri_match = region, "aws", {}
        self.current_account, self.access_key = self.account.id, ""
        self.response_headers = {}
        self.parse_parameters(request)

    def call_action(self) -> Any:
        """Let moto or our own answer act, and write the answer if one is wanted."""
        if self.account.wants_answers:
            return super().call_action()
        getattr(self, camelcase_to_underscores(self.call.action))()
        self.account.drawn = drawn()
        return 200, {}, ""

    def serialized(self, action_result: ActionResult) -> Any:
        """The answer as text."""
        self.account.drawn = drawn()
        return super().serialized(action_result)
