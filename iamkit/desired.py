"""What a notebook wants of the account: only what it owns, everything else is left alone."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

from iamkit.account import JSON, AccountState
from iamkit.names import spellings
from iamkit.parameters import (
    AccountAliasParameters,
    AdminGroupParameters,
    DevGroupParameters,
    NotebookParameters,
    PolicyStudioParameters,
    UsersParameters,
)


@dataclass(frozen=True, kw_only=True)
class DesiredGroup:
    """A group that should exist, with these inline policies."""

    name: str
    inline_policies: Mapping[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class DesiredUser:
    """A user who should exist, with these tags and in these groups.

    Attributes:
        path: the IAM path, or None to leave it as it is (``/`` for a new user).
        access_key: whether the user should have an access key.
        console_password: whether the user should be able to sign in to the console.
        hand_over: where new credentials go: empty for a private file, an age or SSH public key, or
            ``secretsmanager``.
    """

    name: str
    path: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    groups: tuple[str, ...] = ()
    access_key: bool = False
    console_password: bool = False
    hand_over: str = ""


@dataclass(frozen=True, kw_only=True)
class DesiredPolicy:
    """An inline policy that a group or user should have, who must be there already."""

    kind: Literal["group", "user"]
    holder: str
    name: str
    document: JSON


@dataclass(frozen=True, kw_only=True)
class Desired:
    """What should be, and by name what should no longer be. Nothing is deleted by omission."""

    groups: tuple[DesiredGroup, ...] = ()
    users: tuple[DesiredUser, ...] = ()
    policies: tuple[DesiredPolicy, ...] = ()
    alias: str | None = None
    absent_users: tuple[str, ...] = ()
    absent_groups: tuple[str, ...] = ()

    @property
    def user_names(self) -> tuple[str, ...]:
        """The users whose details a plan depends on."""
        return tuple(user.name for user in self.users) + self.absent_users

    def concerns(self, user: str) -> bool:
        """Whether a plan depends on the details of this user, however the name is written."""
        return user.lower() in self._concerned

    def removes(self, user: str) -> bool:
        """Whether this user must go, however the name is written."""
        return user.lower() in spellings(self.absent_users)

    def as_spelled_in(self, account: AccountState) -> "Desired":
        """The same, with every name that it refers to written as in the account.

        IAM tells names apart without regard to case. What is to be made keeps its own name.
        """
        users = spellings(account.users)
        groups = spellings(group.name for group in self.groups) | spellings(account.groups)
        holders = {"user": users, "group": groups}
        return replace(
            self,
            users=tuple(replace(u, groups=_spelled(u.groups, groups)) for u in self.users),
            policies=tuple(
                replace(p, holder=holders[p.kind].get(p.holder.lower(), p.holder))
                for p in self.policies
            ),
            absent_users=_spelled(self.absent_users, users),
            absent_groups=_spelled(self.absent_groups, groups),
        )

    @cached_property
    def _concerned(self) -> frozenset[str]:
        return frozenset(name.lower() for name in self.user_names)

    def hand_over_of(self, name: str) -> str:
        """Where new credentials of a user go; empty for a private file."""
        return next((user.hand_over for user in self.users if user.name == name), "")


def _spelled(names: Iterable[str], known: Mapping[str, str]) -> tuple[str, ...]:
    """Each name once, as it is known."""
    return tuple(dict.fromkeys(known.get(name.lower(), name) for name in names))


def admin_group(parameters: AdminGroupParameters) -> Desired:
    """The administrators' group with its policy, and the first admin with a key."""
    group = DesiredGroup(
        name=parameters.admin_group,
        inline_policies={parameters.admin_policy_name: parameters.admin_policy},
    )
    admin = DesiredUser(name=parameters.admin_user, groups=(group.name,), access_key=True)
    return Desired(groups=(group,), users=(admin,))


def dev_group(parameters: DevGroupParameters) -> Desired:
    """The developers' group, which may only look at EC2."""
    policies = {parameters.dev_policy_name: parameters.dev_policy}
    return Desired(groups=(DesiredGroup(name=parameters.dev_group, inline_policies=policies),))


def team_users(parameters: UsersParameters) -> Desired:
    """The team's users, and those who have left it."""
    users = tuple(
        DesiredUser(
            name=row.name,
            path=row.path,
            tags=row.tags,
            groups=tuple(row.groups),
            access_key=row.access_key,
            console_password=row.console_password,
            hand_over=row.hand_over,
        )
        for row in parameters.users
    )
    return Desired(users=users, absent_users=tuple(parameters.remove_users))


def account_alias(parameters: AccountAliasParameters) -> Desired:
    """The account's alias, which makes the sign-in address one that people remember."""
    return Desired(alias=parameters.account_alias)


def desired_of(parameters: NotebookParameters) -> Desired:
    """What a notebook's parameters alone want of the account; nothing, if it only looks."""
    match parameters:
        case AdminGroupParameters():
            return admin_group(parameters)
        case DevGroupParameters():
            return dev_group(parameters)
        case UsersParameters():
            return team_users(parameters)
        case AccountAliasParameters():
            return account_alias(parameters)
    return Desired()


def held_policy(parameters: PolicyStudioParameters, document: JSON) -> Desired:
    """A policy of the studio as an inline policy of its holder.

    Nothing, if it has no holder, or if nothing is chosen and the document is empty.
    """
    kind, _, name = parameters.policy_holder.partition(" ")
    if kind not in ("group", "user") or not document:
        return Desired()
    wanted = DesiredPolicy(
        kind="group" if kind == "group" else "user",
        holder=name,
        name=parameters.policy_name,
        document=document,
    )
    return Desired(policies=(wanted,))
