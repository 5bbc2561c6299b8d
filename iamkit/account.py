"""An AWS account as it was read at one moment, in IAM's own words.

Everything here is frozen, so that a plan or an audit is a pure function of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

JSON = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class CallerIdentity:
    """Who calls, as STS says (GetCallerIdentity)."""

    account_id: str
    arn: str
    user_id: str

    @property
    def is_root(self) -> bool:
        """Whether these are the credentials of the account itself."""
        return self.arn.endswith(":root")

    @property
    def partition(self) -> str:
        """``aws``, ``aws-us-gov`` or ``aws-cn``."""
        return self.arn.split(":")[1]


@dataclass(frozen=True, kw_only=True)
class AccessKey:
    """An access key without its secret, and what our own store knows of it."""

    id: str
    status: str = "Active"
    created: datetime | None = None
    stored: bool = False
    """Whether its secret is in the credential store."""
    orphan: bool = False
    """Whether an interrupted run of ours made it, its secret was lost, and nobody used it."""


@dataclass(frozen=True, kw_only=True)
class PasswordPolicy:
    """The account's rules for console passwords; the defaults are AWS's own.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_passwords_account-policy.html
    """

    minimum_length: int = 8
    symbols: bool = False
    numbers: bool = False
    uppercase: bool = False
    lowercase: bool = False


@dataclass(frozen=True, kw_only=True)
class UserDetail:
    """What only calls for one user tell; each call is made when a plan depends on it."""

    access_keys: tuple[AccessKey, ...] = ()
    has_login_profile: bool = False
    mfa_devices: tuple[str, ...] = ()
    """Serial numbers; that of a virtual device is an ARN."""
    ssh_public_keys: tuple[str, ...] = ()
    signing_certificates: tuple[str, ...] = ()
    service_specific_credentials: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class User:
    """An IAM user. ``detail`` is None when it was not read."""

    name: str
    path: str = "/"
    arn: str = ""
    id: str = ""
    created: datetime | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    groups: frozenset[str] = frozenset()
    inline_policies: Mapping[str, JSON] = field(default_factory=dict)
    attached_policies: frozenset[str] = frozenset()
    permissions_boundary: str | None = None
    detail: UserDetail | None = None


@dataclass(frozen=True, kw_only=True)
class Group:
    """An IAM group."""

    name: str
    path: str = "/"
    arn: str = ""
    id: str = ""
    created: datetime | None = None
    inline_policies: Mapping[str, JSON] = field(default_factory=dict)
    attached_policies: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class AccountState:
    """An account as it was read: the users and groups by name, and the alias if it has one."""

    account_id: str
    partition: str = "aws"
    alias: str | None = None
    users: Mapping[str, User] = field(default_factory=dict)
    groups: Mapping[str, Group] = field(default_factory=dict)
    password_policy: PasswordPolicy = PasswordPolicy()
    read_at: datetime | None = None

    @property
    def sign_in_url(self) -> str:
        """Where its users sign in to the console: by the alias if there is one."""
        return sign_in_url(self.alias or self.account_id, self.partition)


def sign_in_url(name: str, partition: str = "aws") -> str:
    """The console's sign-in address for an account alias or id in a partition.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/console_account-alias.html
    """
    host = {
        "aws": "signin.aws.amazon.com",
        "aws-us-gov": "signin.amazonaws-us-gov.com",
        "aws-cn": "signin.amazonaws.cn",
    }[partition]
    return f"https://{name}.{host}/console"
