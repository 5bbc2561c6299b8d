"""Access keys and service-specific credentials, the root's among them."""

import base64
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from moto.core.responses import ActionResult, EmptyResult

from iamkit.sandbox.server.account import Account
from iamkit.sandbox.server.errors import Refused, invalid, limit_exceeded, no_such_entity
from iamkit.sandbox.server.iam.base import IamAnswers
from iamkit.sandbox.server.iam.rules import Parameters, rule
from iamkit.sandbox.server.moto_patches import clock, mock_random

KEYS_PER_USER = 2
BEDROCK = "bedrock.amazonaws.com"
SERVICES = frozenset({BEDROCK, "codecommit.amazonaws.com", "cassandra.amazonaws.com"})
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


@rule("UpdateAccessKey", "UpdateServiceSpecificCredential")
def a_credential_is_switched_on_or_off(_: Account, parameters: Parameters) -> None:
    """``Expired`` is a status that only AWS gives.

    https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateAccessKey.html
    """
    if parameters["Status"] not in ("Active", "Inactive"):
        raise invalid("A status can be set to Active or Inactive.")


class KeyAnswers(IamAnswers):
    """Access keys. Root may have two, like a user, and theirs bear no user name.

    https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateAccessKey.html
    """

    @property
    def _for_root(self) -> bool:
        return self.call.caller.is_root and not self._get_param("UserName")

    def create_access_key(self) -> ActionResult:
        """A key for the user, or for the caller."""
        if not self._for_root:
            return super().create_access_key()
        if len(self.account.root_keys) >= KEYS_PER_USER:
            raise limit_exceeded("AccessKeysPerUser", KEYS_PER_USER)
        return ActionResult({"AccessKey": self.account.create_root_key()})

    def list_access_keys(self) -> ActionResult:
        """The keys of the user, or of the caller."""
        if not self._for_root:
            return super().list_access_keys()
        return ActionResult({"AccessKeyMetadata": list(self.account.root_keys.values())})

    def update_access_key(self) -> ActionResult:
        """Switch a key on or off."""
        self._key().status = self._get_param("Status")
        return EmptyResult()

    def delete_access_key(self) -> ActionResult:
        """Delete a key; root's last one too."""
        key = self._key()
        if not self._for_root:
            return super().delete_access_key()
        del self.account.root_keys[key.access_key_id]
        return EmptyResult()

    def get_access_key_last_used(self) -> ActionResult:
        """https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccessKeyLastUsed.html."""
        key_id = self._get_param("AccessKeyId")
        key = self.account.iam.access_keys.get(key_id) or self.account.root_keys.get(key_id)
        if key is None:
            text = f"No access key with id {key_id} belongs to this account."
            raise Refused("AccessDenied", 403, text)
        used = {"Region": "N/A", "ServiceName": "N/A"}
        if key.last_used:
            used = {
                "LastUsedDate": key.last_used.timestamp,
                "Region": key.last_used.region,
                "ServiceName": key.last_used.service,
            }
        return ActionResult({"UserName": key.user_name, "AccessKeyLastUsed": used})

    def _key(self) -> Any:
        key_id = self._get_param("AccessKeyId")
        keys = self.account.root_keys.values() if self._for_root else self.user.access_keys
        for key in keys:
            if key.access_key_id == key_id:
                return key
        raise no_such_entity(f"The Access Key with id {key_id} cannot be found.")


class ServiceCredentialAnswers(IamAnswers):
    """Service-specific credentials, which moto does not have.

    https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateServiceSpecificCredential.html
    """

    def create_service_specific_credential(self) -> ActionResult:
        """Two for each service."""
        user, service = self.user, self._get_param("ServiceName")
        if service not in SERVICES:
            text = f"Service {service} does not support service-specific credentials."
            raise Refused("NotSupportedService", 404, text)
        of_service = [c for c in user.service_credentials.values() if c["ServiceName"] == service]
        if len(of_service) >= 2:
            raise limit_exceeded("ServiceSpecificCredentialsPerUser", 2)
        public, secret = parts_of(service)
        taken = {credential[public] for credential in of_service}
        age = self._get_param("CredentialAgeDays") if service == BEDROCK else None
        credential = {
            "UserName": user.name,
            "Status": "Active",
            "ServiceName": service,
            public: f"{user.name}{_plus(taken)}-at-{self.account.id}",
            secret: service_secret(service),
            "CreateDate": clock.now(),
            "ExpirationDate": clock.now() + timedelta(days=age) if age else None,
            "ServiceSpecificCredentialId": "ACCA" + "".join(mock_random.choices(_LETTERS, k=17)),
        }
        user.service_credentials[credential["ServiceSpecificCredentialId"]] = credential
        return ActionResult({"ServiceSpecificCredential": credential})

    def list_service_specific_credentials(self) -> ActionResult:
        """Without their passwords; of one user, or of all."""
        wanted, everyone = self._get_param("ServiceName"), self._get_param("AllUsers")
        if everyone and self._get_param("UserName"):
            raise invalid("UserName and AllUsers cannot be given together.")
        users = self.account.iam.users.values() if everyone else [self.user]
        found = [
            credential
            for user in users
            for credential in user.service_credentials.values()
            if wanted in (None, credential["ServiceName"])
        ]
        shown = [
            {**one, parts_of(one["ServiceName"])[1]: None, "Status": _status(one)} for one in found
        ]
        return ActionResult({"ServiceSpecificCredentials": shown})

    def update_service_specific_credential(self) -> ActionResult:
        """Switch one on or off."""
        self._credential()["Status"] = self._get_param("Status")
        return EmptyResult()

    def reset_service_specific_credential(self) -> ActionResult:
        """A new password."""
        credential = self._credential()
        service = credential["ServiceName"]
        credential[parts_of(service)[1]] = service_secret(service)
        return ActionResult({"ServiceSpecificCredential": credential})

    def delete_service_specific_credential(self) -> ActionResult:
        """One is gone."""
        number = self._credential()["ServiceSpecificCredentialId"]
        del self.user.service_credentials[number]
        return EmptyResult()

    def _credential(self) -> dict[str, Any]:
        number = self._get_param("ServiceSpecificCredentialId")
        credential: dict[str, Any] | None = self.user.service_credentials.get(number)
        if credential is None:
            raise no_such_entity(f"Service specific credential {number} cannot be found.")
        return credential


def _status(credential: Mapping[str, Any]) -> str:
    ends = credential.get("ExpirationDate")
    return "Expired" if ends and ends <= clock.now() else str(credential["Status"])


def _plus(taken: set[str]) -> str:
    """What tells a service's second credential of a user from the first; the first has nothing."""
    if not any("+" not in name for name in taken):
        return ""
    return next(f"+{n}" for n in (1, 2) if not any(f"+{n}-at-" in name for name in taken))


def parts_of(service: str) -> tuple[str, str]:
    """The names of the public and of the secret part of a credential of a service.

    https://docs.aws.amazon.com/IAM/latest/APIReference/API_ServiceSpecificCredential.html
    """
    if service == BEDROCK:
        return "ServiceCredentialAlias", "ServiceCredentialSecret"
    return "ServiceUserName", "ServicePassword"


def service_secret(service: str) -> str:
    """A new secret part of a credential of a service."""
    if service == BEDROCK:
        return "ABSK" + base64.b64encode(mock_random.randbytes(96)).decode()
    return mock_random.token_urlsafe(32)
