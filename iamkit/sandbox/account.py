"""The account in moto's hands, with what moto has no place for: its root and its lock."""

import secrets
import string
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import RLock
from typing import Any

from moto.iam.models import AccessKey, iam_backends
from moto.sts.models import sts_backends

from iamkit.sandbox.call import Caller
from iamkit.sandbox.client import ACCOUNT_ID

ROOT = Caller(arn=f"arn:aws:iam::{ACCOUNT_ID}:root", user_id=ACCOUNT_ID)
_SECRET_LETTERS = string.ascii_letters + string.digits + "+/"


@dataclass(frozen=True)
class Credential:
    """An active credential: its secret, its session token if it is temporary, and whose it is."""

    secret: str = field(repr=False)
    caller: Caller
    token: str | None = field(default=None, repr=False)
    expires: datetime | None = None


class Account:
    """The one account of the sandbox.

    Attributes:
        lock: held by everyone who reads or changes the account, so that a rule and the change
            that it allows are one step.
        root_keys: the access keys of the account's root, by id.
    """

    def __init__(self) -> None:
        self.lock = RLock()
        self.root_keys: dict[str, Any] = {}
        self._handed_out: set[str] = set()

    @property
    def iam(self) -> Any:
        """Moto's IAM of this account."""
        return iam_backends[ACCOUNT_ID]["aws"]

    def create_root_key(self) -> Any:
        """A new access key of the account's root."""
        key: Any = AccessKey(user_name=None, prefix="AKIA", account_id=ACCOUNT_ID)
        key.secret_access_key = "".join(secrets.choice(_SECRET_LETTERS) for _ in range(40))
        self.root_keys[key.access_key_id] = key
        return key

    def credential(self, key_id: str) -> Credential | None:
        """The credential of a key id; None if it is unknown or inactive."""
        if key := self.root_keys.get(key_id):
            return _active(key, ROOT)
        key = self.iam.access_keys.get(key_id)
        if key is not None and key.user_name is not None:
            user = self.iam.users.get(key.user_name)
            return user and _active(key, Caller(user.arn, user.id, user.name))
        return next((_temporary(role) for role in self._roles() if role.access_key_id == key_id), None)

    def secrets(self) -> Iterator[str]:
        """Every secret access key and password in the account."""
        for key in (*self.root_keys.values(), *self.iam.access_keys.values()):
            yield key.secret_access_key
        for user in self.iam.users.values():
            if user.password:
                yield user.password

    def _roles(self) -> list[Any]:
        return sts_backends[ACCOUNT_ID]["aws"].assumed_roles


def _active(key: Any, caller: Caller) -> Credential | None:
    return Credential(key.secret_access_key, caller) if key.status == "Active" else None


def _temporary(role: Any) -> Credential:
    return Credential(
        secret=role.secret_access_key,
        caller=Caller(role.arn, role.user_id),
        token=role.session_token,
        expires=role.expiration.replace(tzinfo=UTC),
    )
