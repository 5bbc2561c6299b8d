"""Secrets Manager's few calls that a hand-over needs, as strict as AWS where moto is kinder.

https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_Operations.html
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from moto.core.utils import get_service_model
from moto.secretsmanager.responses import SecretsManagerResponse

from iamkit.sandbox.server.errors import Refused
from iamkit.sandbox.server.moto_patches import secrets_backend
from iamkit.sandbox.server.responses import Answers

SERVED = frozenset(
    """CreateSecret PutSecretValue GetSecretValue DescribeSecret ListSecrets DeleteSecret
    RestoreSecret TagResource UntagResource""".split()
)
_WANT_A_TOKEN = ("CreateSecret", "PutSecretValue")
_REFUSE_WHAT_WILL_BE_DELETED = ("PutSecretValue", "GetSecretValue", "TagResource", "UntagResource")
_NOT_HERE = frozenset({"SecretBinary", "KmsKeyId", "AddReplicaRegions", "RotationToken", "Type"})


class SandboxSecretsManager(Answers, SecretsManagerResponse):
    """Secrets Manager, with text under AWS's own key in one region."""

    def __init__(self) -> None:
        super().__init__()
        self.automated_parameter_parsing = True

    def parse_parameters(self, request: Any) -> None:
        """Read the parameters; what is wrong with them is said in this service's own codes."""
        if self.call.action not in SERVED:
            raise NotImplementedError
        try:
            super().parse_parameters(request)
        except Refused as error:
            raise Refused("ValidationException", 400, error.message) from None
        self._check_types()

    def call_action(self) -> Any:
        """Ask the rules, then let moto act; this protocol has one status for all that it refuses.

        https://docs.aws.amazon.com/secretsmanager/latest/apireference/CommonErrors.html
        """
        for rule in _RULES:
            rule(self)
        status, headers, body = super().call_action()
        return 400 if status == 404 else status, headers, body

    @property
    def secret(self) -> Any:
        """The secret that the call names, or None."""
        name = self.params.get("SecretId") or self.params.get("Name")
        return secrets_backend(self.call).secrets.get(name) if name else None

    def _check_types(self) -> None:
        shape = get_service_model(self.call.service).operation_model(self.call.action).input_shape
        members: Mapping[str, Any] = shape.members
        for name, value in self.params.items():
            if members[name].type_name == "string" and not isinstance(value, str):
                raise Refused("SerializationException", 400, "STRING_VALUE was expected.")


def _what_is_not_here(answers: SandboxSecretsManager) -> None:
    if found := sorted(_NOT_HERE & set(answers.params)):
        raise Refused("InvalidParameterException", 400, f"The sandbox has no {found[0]} yet.")


def _a_name_has_letters_that_aws_allows(answers: SandboxSecretsManager) -> None:
    name = answers.params.get("Name")
    if name is not None and not re.fullmatch(r"[A-Za-z0-9/_+=.@!-]+", name):
        text = "Must be a valid name containing alphanumeric characters, or any of the following: "
        raise Refused("ValidationException", 400, f"Invalid name. {text}-/_+=.@!")


def _a_value_has_a_token(answers: SandboxSecretsManager) -> None:
    """AWS's own libraries send one, so that a call that is repeated acts once."""
    brings = answers.call.action in _WANT_A_TOKEN and "SecretString" in answers.params
    if brings and not answers.params.get("ClientRequestToken"):
        text = "You must provide a ClientRequestToken value. We recommend a UUID-type value."
        raise Refused("InvalidRequestException", 400, text)


def _what_will_be_deleted_is_left_alone(answers: SandboxSecretsManager) -> None:
    """https://docs.aws.amazon.com/secretsmanager/latest/userguide/manage_delete-secret.html."""
    if answers.secret is None or not answers.secret.is_deleted():
        return
    if answers.call.action == "CreateSecret":
        text = "create this secret because a secret with this name is already scheduled for"
        raise Refused("InvalidRequestException", 400, f"You can't {text} deletion.")
    if answers.call.action in _REFUSE_WHAT_WILL_BE_DELETED:
        text = "perform this operation on the secret because it was marked for deletion."
        raise Refused("InvalidRequestException", 400, f"You can't {text}")


def _a_token_is_of_this_list(answers: SandboxSecretsManager) -> None:
    """https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_ListSecrets.html."""
    token = answers.params.get("NextToken", "0")
    if not (token.isascii() and token.isdigit()):
        raise Refused("InvalidNextTokenException", 400, "The NextToken value is invalid.")


_RULES: tuple[Callable[[SandboxSecretsManager], None], ...] = (
    _what_is_not_here,
    _a_name_has_letters_that_aws_allows,
    _a_value_has_a_token,
    _what_will_be_deleted_is_left_alone,
    _a_token_is_of_this_list,
)
