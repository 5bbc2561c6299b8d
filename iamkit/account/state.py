"""An AWS account as it was read at one moment, in IAM's own words.

Everything here is frozen, so that a plan or an audit is a pure function of it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

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
        """Such as ``aws``, ``aws-cn`` or ``aws-eusc``, as the ARN says."""
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
class KeyUse:
    """The last use of an access key that AWS has taken down; it lags by hours.

    Attributes:
        at: None if AWS knows of no use.
    """

    at: datetime | None = None
    service: str = ""
    region: str = ""


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
    max_age: int | None = None
    """Days until a password must be changed; None for never."""
    reuse_prevention: int | None = None
    """How many former passwords are refused; None for none."""
    users_may_change: bool = False
    """Whether all users may change their own, whatever their policies say."""
    hard_expiry: bool | None = None
    """Whether an expired one is changed by an administrator alone; None where AWS does not say."""


@dataclass(frozen=True, kw_only=True)
class Holder:
    """What users, groups and roles have in common; groups have no boundary."""

    name: str
    path: str = "/"
    arn: str = ""
    id: str = ""
    created: datetime | None = None
    inline_policies: Mapping[str, JSON] = field(default_factory=dict)
    attached_policies: frozenset[str] = frozenset()
    permissions_boundary: str | None = None


@dataclass(frozen=True, kw_only=True)
class User(Holder):
    """An IAM user; what they own is in the account's mappings, by their name.

    ``password_last_used`` is known where ListUsers was asked for.
    """

    tags: Mapping[str, str] = field(default_factory=dict)
    groups: frozenset[str] = frozenset()
    password_last_used: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Group(Holder):
    """An IAM group."""


@dataclass(frozen=True, kw_only=True)
class Role(Holder):
    """An IAM role; ``trust_policy`` says who may assume it.

    Attributes:
        description, max_session: of ListRoles, the latter in seconds; empty and None without it.
        instance_profiles: the names of those that hand it to instances.
        last_used, last_region: within AWS's tracking period of 400 days; None and empty for never.
    """

    trust_policy: JSON = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    instance_profiles: tuple[str, ...] = ()
    last_used: datetime | None = None
    last_region: str = ""
    description: str = ""
    max_session: int | None = None


@dataclass(frozen=True, kw_only=True)
class PolicyVersion:
    """A version of a managed policy that is not its default one."""

    id: str
    document: JSON = field(default_factory=dict)
    created: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class ManagedPolicy:
    """A managed policy, of AWS or of the account, with its default version's document.

    Attributes:
        versions: how many there are; of the account's own, ``other_versions`` has the others.
    """

    arn: str
    name: str
    path: str = "/"
    document: JSON = field(default_factory=dict)
    default_version: str = "v1"
    versions: int = 1
    created: datetime | None = None
    updated: datetime | None = None
    description: str = ""
    other_versions: tuple[PolicyVersion, ...] = ()

    @property
    def is_aws_managed(self) -> bool:
        """Whether AWS wrote it: its ARN then names ``aws`` in the place of an account."""
        return self.arn.split(":")[4:5] == ["aws"]


@dataclass(frozen=True, kw_only=True)
class LoginProfile:
    """A console password, as GetLoginProfile tells of it."""

    reset_required: bool
    created: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class MfaDevice:
    """An MFA device of a user, or of the root."""

    serial: str
    enabled: datetime | None = None

    @property
    def kind(self) -> str:
        """``passkey`` (or a security key), ``virtual``, or ``hardware``, as its serial tells.

        https://docs.aws.amazon.com/IAM/latest/APIReference/API_MFADevice.html
        """
        if ":u2f/" in self.serial:
            return "passkey"
        return "virtual" if self.serial.startswith("arn:") else "hardware"


@dataclass(frozen=True, kw_only=True)
class Credential:
    """An SSH public key, a signing or server certificate, or a service-specific credential."""

    id: str
    status: str = "Active"
    created: datetime | None = None
    expires: datetime | None = None
    service: str = ""


@dataclass(frozen=True, kw_only=True)
class SignInSession:
    """A session of ``aws login`` that can still be refreshed."""

    arn: str
    began: datetime | None = None
    expires: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class InstanceProfile:
    """What hands a role to EC2 instances; ``roles`` has its name, or nothing."""

    name: str
    path: str = "/"
    arn: str = ""
    roles: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ReportedKey:
    """An access key in the credential report, which does not tell its id.

    Attributes:
        active: None where the report does not say.
    """

    active: bool | None
    last_rotated: datetime | None = None
    last_used: datetime | None = None
    last_used_region: str = ""
    last_used_service: str = ""


@dataclass(frozen=True, kw_only=True)
class ReportedCertificate:
    """A signing certificate in the credential report; ``active`` is None if it does not say."""

    active: bool | None
    last_rotated: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class ReportRow:
    """A user's row in the credential report, or the root's; None where it does not say.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_getting-report.html
    """

    user: str
    arn: str
    created: datetime | None
    password_enabled: bool | None
    password_last_used: datetime | None
    password_last_changed: datetime | None
    password_next_rotation: datetime | None
    mfa_active: bool | None
    keys: tuple[ReportedKey | None, ReportedKey | None]
    certificates: tuple[ReportedCertificate | None, ReportedCertificate | None]


@dataclass(frozen=True, kw_only=True)
class Source:
    """How one kind of AWS's replies was read.

    Attributes:
        status: ``read``, ``not read`` (nobody asked), or ``unknown`` (it failed or is stale).
        at: the moment for which its values hold; for the credential report when AWS made it.
        note: why it is not simply read.
        missing: the users for whom it is unknown although it was read for others.
        lacking: the kinds of which more may be there than was read: users, groups, roles, policies.
        asked: the users for whom the call was made, where it is one for each; None for all.
    """

    status: Literal["read", "not read", "unknown"]
    at: datetime | None = None
    note: str = ""
    missing: frozenset[str] = frozenset()
    lacking: frozenset[str] = frozenset()
    asked: frozenset[str] | None = None

    @property
    def failed(self) -> bool:
        """Whether something that was asked for could not be read, or not all of it."""
        return self.status == "unknown" or self.in_part

    @property
    def in_part(self) -> bool:
        """Whether it was read, but not all of it."""
        return self.status == "read" and bool(self.missing or self.lacking)


@dataclass(frozen=True, kw_only=True)
class AccountState:
    """An account as it was read: the users and groups by name, and the alias if it has one.

    What belongs to a user is a mapping from the user's name; who is not in it has none, if
    ``was_read`` says so. What nobody read is unknown.

    Attributes:
        policies: managed policies by their ARN; of AWS's own those in use, and what was asked for.
        aws_policies: AWS's own managed policies by ARN, without their texts (ListPolicies).
        report: the credential report by user name; the root's row is ``<root_account>``.
        key_uses: by user name and the id of a key, its last use.
        mfa_devices: by user name; the root's are those of ``<root_account>``.
        left_devices: by user name, serial numbers of virtual MFA devices that an interrupted apply
            of ours has taken from the user and not deleted.
        login_profiles: by user name; None for a user who was found to have no password.
        summary: AWS's own counts and quotas (GetAccountSummary).
        instance_profiles: by name, with their role; those without one too (ListInstanceProfiles).
        sign_in_sessions: by user name, the sessions of ``aws login`` that live (ListSessions).
        analyzers: the active analyzers of IAM Access Analyzer in the session's region.
        sources: by operation of the API, how it was read; what is absent was not asked for.
    """

    account_id: str
    partition: str = "aws"
    alias: str | None = None
    users: Mapping[str, User] = field(default_factory=dict)
    groups: Mapping[str, Group] = field(default_factory=dict)
    read_at: datetime | None = None
    password_policy: PasswordPolicy | None = None
    roles: Mapping[str, Role] = field(default_factory=dict)
    policies: Mapping[str, ManagedPolicy] = field(default_factory=dict)
    aws_policies: Mapping[str, ManagedPolicy] = field(default_factory=dict)
    report: Mapping[str, ReportRow] = field(default_factory=dict)
    summary: Mapping[str, int] = field(default_factory=dict)
    access_keys: Mapping[str, tuple[AccessKey, ...]] = field(default_factory=dict)
    key_uses: Mapping[str, Mapping[str, KeyUse]] = field(default_factory=dict)
    mfa_devices: Mapping[str, tuple[MfaDevice, ...]] = field(default_factory=dict)
    left_devices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    login_profiles: Mapping[str, LoginProfile | None] = field(default_factory=dict)
    ssh_public_keys: Mapping[str, tuple[Credential, ...]] = field(default_factory=dict)
    signing_certificates: Mapping[str, tuple[Credential, ...]] = field(default_factory=dict)
    service_credentials: Mapping[str, tuple[Credential, ...]] = field(default_factory=dict)
    server_certificates: tuple[Credential, ...] = ()
    sign_in_sessions: Mapping[str, tuple[SignInSession, ...]] = field(default_factory=dict)
    analyzers: tuple[str, ...] = ()
    instance_profiles: Mapping[str, InstanceProfile] = field(default_factory=dict)
    sources: Mapping[str, Source] = field(default_factory=dict)

    @property
    def sign_in_url(self) -> str | None:
        """Where its users sign in: by the alias if there is one; None where AWS tells of none."""
        return sign_in_url(self.alias or self.account_id, self.partition)

    def reported(self, user: User) -> ReportRow | None:
        """A user's row in the credential report, unless another user had that name then."""
        row = self.report.get(user.name)
        return row if row and row.created in (None, user.created) else None

    def source(self, operation: str) -> Source:
        """How an operation was read; ``not read`` if nobody asked for it."""
        return self.sources.get(operation, Source(status="not read"))

    def was_read(self, operation: str, user: str = "") -> bool:
        """Whether all that an operation tells is known, or all that it tells of one user."""
        source = self.source(operation)
        asked = not user or source.asked is None or user in source.asked
        return source.status == "read" and asked and user not in source.missing

    def why_unknown(self, operation: str, user: str) -> Literal["not read", "unknown"]:
        """Why what an operation would tell of a user is not known: nobody asked, or it failed."""
        source = self.source(operation)
        unasked = source.asked is not None and user not in source.asked | source.missing
        return "not read" if source.status == "not read" or unasked else "unknown"

    def holders(self) -> Iterator[tuple[str, Holder]]:
        """Who may hold policies: every user, group and role as ``user alice``, by kind and name."""
        kinds: dict[str, Mapping[str, Holder]] = {
            "user": self.users,
            "group": self.groups,
            "role": self.roles,
        }
        for kind, holders in kinds.items():
            for name in sorted(holders):
                yield f"{kind} {name}", holders[name]


ROOT_USER = "<root_account>"
"""What the credential report calls the account's root; no user can be named so."""


def sign_in_url(name: str, partition: str = "aws") -> str | None:
    """The console's sign-in address for an account alias or id in a partition.

    Returns:
        The address; None for a partition (``aws-eusc``, ``aws-iso…``) for which AWS documents
        none that holds a name, so that nobody is sent to one that is made up.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/console_account-alias.html
    """
    host = {
        "aws": "signin.aws.amazon.com",
        "aws-us-gov": "signin.amazonaws-us-gov.com",
        "aws-cn": "signin.amazonaws.cn",
    }.get(partition)
    return f"https://{name}.{host}/console" if host else None
