"""AWS Secrets Manager as the keeper of new credentials: a secret for each, a version for each new.

https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html
"""

import json
from dataclasses import dataclass
from typing import Any

from iamkit.aws.call_errors import CALL_ERRORS, code_of, explain_error
from iamkit.aws.session import Session
from iamkit.credentials import Credential, Destination, What
from iamkit.errors import HandoverError
from iamkit.parameters.hand_over import SECRETS_MANAGER

PREFIX = "iamkit/"


@dataclass(frozen=True)
class SecretsManager:
    """Keeps credentials in the account's Secrets Manager, in the region of the session."""

    client: Any
    can_read = False

    def check(self, user: str, what: What) -> None:
        """Check that Secrets Manager answers, and that the secret is not about to be deleted."""
        name = secret_name(user, what)
        try:
            found = self.client.describe_secret(SecretId=name)
        except CALL_ERRORS as error:
            if code_of(error) == "ResourceNotFoundException":
                return
            explained = explain_error(error, "DescribeSecret", SECRETS_MANAGER)
            raise HandoverError(f"{explained} Nothing was changed.") from None
        if found.get("DeletedDate"):
            raise HandoverError(
                f"The secret {name} is scheduled for deletion, so it takes no new value. Restore "
                f"it (aws secretsmanager restore-secret --secret-id {name}), or choose another "
                f"hand_over for {user}. Nothing was changed."
            )

    def keep(self, credential: Credential) -> str:
        """Make the secret, or put a new version into it if it is there; the answer is its ARN.

        What AWS says of a call that failed is not repeated, because the secret was in it.
        """
        name = secret_name(credential.user, credential.what)
        about = f"The {credential.what} of the IAM user {credential.user}, from iamkit"
        value = {"SecretString": json.dumps(credential.fields)}
        operation = "CreateSecret"
        try:
            try:
                reply = self.client.create_secret(Name=name, Description=about, **value)
            except self.client.exceptions.ResourceExistsException:
                operation = "PutSecretValue"
                reply = self.client.put_secret_value(SecretId=name, **value)
        except CALL_ERRORS as error:
            explained = explain_error(error, operation, SECRETS_MANAGER, quote=False)
            raise HandoverError(str(explained)) from None
        return str(reply["ARN"])


def secret_name(user: str, what: What) -> str:
    """The name of a credential's secret, such as ``iamkit/alice/access-key``.

    Of the characters of a user's name only the comma is none of a secret's. No name ends in a
    hyphen and six characters, which AWS would take for the end of an ARN.
    """
    safe = user.replace("=", "=3D").replace(",", "=2C")
    return f"{PREFIX}{safe}/{what.replace(' ', '-')}"


def destination_for(session: Session, hand_over: str) -> Destination:
    """Who keeps a user's new credentials, by the parameters' ``hand_over``."""
    if hand_over == SECRETS_MANAGER:
        return SecretsManager(session.clients.secrets_manager)
    return session.store.keeper(hand_over)
