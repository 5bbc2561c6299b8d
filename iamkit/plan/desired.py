"""What a notebook wants of the account: only what it owns, everything else is left alone."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import ClassVar, Literal, TypeVar

from iamkit.account.gaps import DETAILS, REPORT
from iamkit.account.state import JSON, AccountState
from iamkit.parameters.iam_names import Spelling
from iamkit.plan.managed_policies import as_arns, is_arn

Part = Literal[
    "existence",
    "path",
    "tags",
    "membership",
    "inline policy",
    "attached policy",
    "permissions boundary",
    "access key",
    "password",
    "MFA device",
    "SSH public key",
    "signing certificate",
    "service-specific credential",
    "sign-in session",
    "alias",
    "password policy",
    "version",
]
"""What of a user, group, role, policy or the account a change touches."""
KEY_OFF = "iamkit:key-off:"
"""How the tag of a user begins that says since which day (UTC) the key of that id is inactive: AWS
does not tell."""
OF_EVERY_USER = ("ListAccessKeys", "GetLoginProfile")
"""The operations that tell of a user whether there is something to make."""
OF_LEAVERS = (
    *OF_EVERY_USER,
    "ListMFADevices",
    "ListSSHPublicKeys",
    "ListSigningCertificates",
    "ListServiceSpecificCredentials",
)
"""Those that tell what a user must have given back before IAM deletes them."""
OF_MEMBERS = ("ListMFADevices", *OF_EVERY_USER)
"""Those that tell whether a demand for MFA stops somebody."""


@dataclass(frozen=True, kw_only=True)
class Absent:
    """What a user or group should no longer have; what is not named is left alone.

    Attributes:
        groups: that a user should not be in.
        tags: by key.
        inline_policies: by name.
        attached_policies: by ARN.
        access_keys: by id; one is only deleted if it is inactive and its user's tag ``KEY_OFF``
            says since when.
        mfa_devices: by serial number.
        sign_in_sessions: of ``aws login``, by ARN.
        password: whether there should be no console password.
        permissions_boundary: whether there should be none.
    """

    groups: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    inline_policies: tuple[str, ...] = ()
    attached_policies: tuple[str, ...] = ()
    access_keys: tuple[str, ...] = ()
    mfa_devices: tuple[str, ...] = ()
    sign_in_sessions: tuple[str, ...] = ()
    password: bool = False
    permissions_boundary: bool = False


@dataclass(frozen=True, kw_only=True)
class DesiredHolder:
    """A user, group or role that should exist, with these policies.

    Attributes:
        make: whether it is made if it is not there; if not, its absence blocks the plan.
        path: the IAM path, or None to leave it as it is (``/`` for what is made).
        inline_policies: by name.
        attached_policies: by ARN, or by the name of one of AWS's or of the account's own.
        absent: what it should no longer have.
        origins: by ``existence`` or another part of it, the parameter that it comes from.
    """

    kind: ClassVar[Literal["user", "group", "role"]]
    name: str
    make: bool = True
    path: str | None = None
    inline_policies: Mapping[str, JSON] = field(default_factory=dict)
    attached_policies: tuple[str, ...] = ()
    absent: Absent = Absent()
    origins: Mapping[Part, str] = field(default_factory=dict, compare=False)

    @property
    def target(self) -> str:
        """In words: ``group dev``."""
        return f"{self.kind} {self.name}"


@dataclass(frozen=True, kw_only=True)
class DesiredGroup(DesiredHolder):
    """A group that should exist; the path of one that is there stays.

    Attributes:
        demands_mfa: whether a policy of it refuses who has not shown MFA, so that it blocks the
            plan to stop a member by it who is not named.
        demanded_despite: the members whom it may stop.
    """

    kind = "group"
    demands_mfa: bool = False
    demanded_despite: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class DesiredRole(DesiredHolder):
    """A role that is there; none is made."""

    kind = "role"
    make: bool = False


@dataclass(frozen=True, kw_only=True)
class DesiredPolicy:
    """A managed policy of the account that should exist; the text of one that is there stays."""

    name: str
    document: JSON
    path: str = "/"
    description: str = ""


@dataclass(frozen=True, kw_only=True)
class DesiredUser(DesiredHolder):
    """A user who should exist, with these tags and in these groups.

    Attributes:
        groups_only: whether the user should be in no other group.
        permissions_boundary: the ARN of a policy, or None to leave it as it is.
        access_key: whether the user should have an access key.
        another_key: whether the user should have a second access key beside the one that is there.
        key_status: by the id of a key that is there, ``Active`` or ``Inactive``.
        last_used: by the id of a key, the last use (UTC) that was known when somebody decided what
            becomes of the user's keys; if AWS tells of another by now, they stay as they are.
        console_password: whether the user should be able to sign in to the console.
        password_since: the user should be able to sign in, with a password that was made at this
            moment or later; None if its age does not matter.
        devices_since: no MFA device should be older than this moment; None as above.
        lost_serials: of ``devices_since``, the devices that are meant; none for all.
        hand_over: where new credentials go: empty for a private file, an age or SSH public key, or
            ``secretsmanager``.
    """

    kind = "user"
    tags: Mapping[str, str] = field(default_factory=dict)
    groups: tuple[str, ...] = ()
    groups_only: bool = False
    permissions_boundary: str | None = None
    access_key: bool = False
    another_key: bool = False
    key_status: Mapping[str, Literal["Active", "Inactive"]] = field(default_factory=dict)
    last_used: Mapping[str, datetime | None] = field(default_factory=dict)
    console_password: bool = False
    password_since: datetime | None = None
    devices_since: datetime | None = None
    lost_serials: tuple[str, ...] = ()
    hand_over: str = ""

    @property
    def operations(self) -> tuple[str, ...]:
        """What a plan must have read of them; of who is made if need be, all that is made."""
        keys = self.access_key or self.another_key or self.key_status or self.absent.access_keys
        needed = {
            "ListAccessKeys": self.make or keys,
            "GetAccessKeyLastUsed": self.last_used,
            "GetLoginProfile": self.make
            or self.console_password
            or self.password_since
            or self.devices_since
            or self.absent.password,
            "ListMFADevices": self.absent.mfa_devices or self.devices_since,
        }
        return tuple(operation for operation, wanted in needed.items() if wanted)


Named = TypeVar("Named", DesiredGroup, DesiredUser, DesiredRole)


@dataclass(frozen=True, kw_only=True)
class Desired:
    """What should be, and by name what should no longer be. Nothing is deleted by omission.

    Attributes:
        policies: managed policies of the account.
        absent_users: with everything that is theirs.
        absent_policies: by name, with their older versions; one that somebody has blocks the plan.
        absent_groups: with their policies; their members leave them first.
        absent_alias: the account alias that should be given up, if it is still that one.
        password_policy: by the fields of ``PasswordPolicy``, those that should have these values;
            the others stay as they are, though AWS replaces all of them at once.
        absent_password_policy: whether AWS's default should be in force instead.
        notes: what there is to know of what is not wanted yet.
        doubts: why something that somebody named is not wanted, as it cannot be told or decided.
        needs_consent: whether all of it must be allowed as a loss must be, such as access that is
            given back.
        origins: by ``alias``, ``absent_users``, ``absent_groups`` or ``password_policy``, the
            parameter it comes from.
    """

    groups: tuple[DesiredGroup, ...] = ()
    users: tuple[DesiredUser, ...] = ()
    roles: tuple[DesiredRole, ...] = ()
    policies: tuple[DesiredPolicy, ...] = ()
    alias: str | None = None
    absent_users: tuple[str, ...] = ()
    absent_groups: tuple[str, ...] = ()
    absent_policies: tuple[str, ...] = ()
    absent_alias: str | None = None
    password_policy: Mapping[str, int | bool | None] = field(default_factory=dict)
    absent_password_policy: bool = False
    notes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    needs_consent: bool = False
    origins: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def parameters(self) -> frozenset[str]:
        """The parameters that it comes from."""
        of_holders = (name for holder in self.holders for name in holder.origins.values())
        return frozenset([*self.origins.values(), *of_holders])

    @property
    def holders(self) -> tuple[DesiredHolder, ...]:
        """The groups, the users and the roles."""
        return (*self.groups, *self.users, *self.roles)

    @property
    def attached_policies(self) -> tuple[str, ...]:
        """The managed policies that somebody should have, as they are named."""
        return tuple(policy for one in self.holders for policy in one.attached_policies)

    @property
    def kinds(self) -> tuple[str, ...]:
        """Of users, groups, roles and policies, those of which a plan must know all."""
        roles = self.roles or self.absent_policies
        policies = self.policies or self.absent_policies or self.attached_policies
        return (
            "users",
            "groups",
            *(("roles",) if roles else ()),
            *(("policies",) if policies else ()),
        )

    @property
    def operations(self) -> tuple[str, ...]:
        """What a plan must have read of the account; see ``operations_of`` for its users."""
        needed = {
            DETAILS: self.holders
            or self.absent_users
            or self.absent_groups
            or self.policies
            or self.absent_policies
            or self._expires,
            "ListPolicies": any(not is_arn(policy) for policy in self.attached_policies),
            "ListAccountAliases": self.alias or self.absent_alias,
            "ListSessions": any(user.absent.sign_in_sessions for user in self.users),
            "GetAccountPasswordPolicy": self.password_policy or self.absent_password_policy,
            REPORT: self._expires,
        }
        return tuple(operation for operation, wanted in needed.items() if wanted)

    @property
    def _expires(self) -> bool:
        """Whether a rule for passwords depends on how old those in use are."""
        return any(self.password_policy.get(rule) for rule in ("max_age", "hard_expiry"))

    def operations_of(self, user: str) -> tuple[str, ...]:
        """What a plan must have read of this user, however the name is written."""
        return self._operations_of.get(user.lower(), ())

    def as_spelled_in(self, account: AccountState) -> "Desired":
        """The same, with every name that it refers to written as in the account.

        IAM tells names apart without regard to case. What is to be made keeps its own name.
        """
        users, roles = Spelling(account.users), Spelling(account.roles)
        made = {group.name: group for group in self.groups if group.make}
        groups = Spelling({**made, **account.groups})
        found = replace(
            self,
            groups=tuple(g if g.make else _as_known(g, groups) for g in self.groups),
            users=tuple(
                _with_groups(user if user.make else _as_known(user, users), groups)
                for user in self.users
            ),
            roles=tuple(_as_known(role, roles) for role in self.roles),
            absent_users=_spelled(self.absent_users, users),
            absent_groups=_spelled(self.absent_groups, groups),
        )
        if all(map(is_arn, self.attached_policies)):
            return found
        return replace(
            found,
            groups=tuple(_with_arns(one, account) for one in found.groups),
            users=tuple(_with_arns(one, account) for one in found.users),
            roles=tuple(_with_arns(one, account) for one in found.roles),
        )

    def operations_of_member(self, groups: Collection[str]) -> tuple[str, ...]:
        """What a plan must have read of whoever is in these groups."""
        demanding = self._demanding
        named = bool(demanding) and any(name.lower() in demanding for name in groups)
        return OF_MEMBERS if named else ()

    @cached_property
    def _demanding(self) -> frozenset[str]:
        """The groups that are to demand MFA, in lower case."""
        return frozenset(group.name.lower() for group in self.groups if group.demands_mfa)

    @cached_property
    def _operations_of(self) -> Mapping[str, tuple[str, ...]]:
        of_users = {user.name.lower(): user.operations for user in self.users}
        return of_users | {name.lower(): OF_LEAVERS for name in self.absent_users}

    def hand_over_of(self, name: str) -> str:
        """Where new credentials of a user go; empty for a private file."""
        named = (user.hand_over for user in self.users if user.name.lower() == name.lower())
        return next(named, "")


def _spelled(names: Iterable[str], known: Spelling) -> tuple[str, ...]:
    """Each name once, as it is known."""
    return tuple(dict.fromkeys(known.of(name) for name in names))


def _as_known(one: Named, known: Spelling) -> Named:
    """With its name as it is known, where it must be there already."""
    return replace(one, name=known.of(one.name))


def _with_arns(one: Named, account: AccountState) -> Named:
    return replace(one, attached_policies=as_arns(account, one.attached_policies))


def _with_groups(user: DesiredUser, groups: Spelling) -> DesiredUser:
    absent = replace(user.absent, groups=_spelled(user.absent.groups, groups))
    return replace(user, groups=_spelled(user.groups, groups), absent=absent)
