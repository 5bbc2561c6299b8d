"""The accounts in moto's hands, with what moto has no place for: their roots and their lock."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from threading import RLock
from typing import Any

from iamkit.sandbox.server.call import Caller, account_of, root_of
from iamkit.sandbox.server.errors import no_such_entity
from iamkit.sandbox.server.moto_patches import (
    ACCOUNT_ID,
    backends,
    clock,
    iam_models,
    sts_models,
)
from iamkit.sandbox.server.paging import Pager
from iamkit.sandbox.server.sessions import Session


@dataclass(frozen=True)
class Credential:
    """An active credential: its secret, its session token if it is temporary, and whose it is.

    Not all temporary ones may call IAM.
    """

    secret: str = field(repr=False)
    caller: Caller
    key: Any = field(repr=False)
    token: str | None = field(default=None, repr=False)
    expires: datetime | None = None
    calls_iam: bool = True


@dataclass
class Report:
    """A credential report: when it was asked for, and what the account was at that moment."""

    asked_at: datetime
    content: str = field(repr=False)


@dataclass
class Access:
    """That somebody called a service: when, and in which region."""

    at: datetime
    region: str


class Account:
    """One of the sandbox's accounts.

    Attributes:
        id: its 12 digits.
        root: its root, as a caller.
        lock: held by everyone who reads or changes an account, so that a rule and the change that
            it allows are one step; one for all, because moto's chance and time are the process's.
        created: naive UTC, like all times here.
        root_keys: the access keys of the account's root, by id.
        root_mfa: whether the root signs in with MFA.
        root_last_used: when the root's password was last used.
        report: the last credential report.
        sessions: the temporary credentials that are no role's, by key id.
        sign_ins: the sessions of ``aws login``, by the UUID of each.
        accessed: of the id of each user and role, when it last called each service.
        jobs: reports on last accesses, by id.
        token_version: of the tokens that STS's global endpoint gives, 1 or 2.
        deletion_tasks: the tasks that deleted service-linked roles.
        undescribed: ARNs of the groups and policies of a twin of which its state has the name
            alone; the details of the account do not tell of them.
        authorizes: whether every call is held against the caller's policies.
        accounts: all of them, itself among them.
        pager: cuts its lists to pages.
        drawn: how much the last call drew, where that is known.
    """

    def __init__(self, account_id: str = ACCOUNT_ID, accounts: "Accounts | None" = None) -> None:
        self.id = account_id
        self.root = root_of(account_id)
        self.accounts = Accounts() if accounts is None else accounts
        self.lock = self.accounts.lock
        self.created = clock.now()
        self.root_keys: dict[str, Any] = {}
        self.root_mfa = False
        self.root_last_used: datetime | None = None
        self.report: Report | None = None
        self.sessions: dict[str, Session] = {}
        self.sign_ins: dict[str, Any] = {}
        self.accessed: dict[str, dict[str, Access]] = {}
        self.jobs: dict[str, Any] = {}
        self.token_version = 1
        self.deletion_tasks: set[str] = set()
        self.undescribed: set[str] = set()
        self.authorizes = False
        self.pager = Pager(os.urandom(16))
        self.drawn = ""

    @property
    def wants_answers(self) -> bool:
        """Whether anybody waits for the answers to calls."""
        return self.accounts.wants_answers

    @property
    def judges(self) -> bool:
        """Whether calls are held against the rules."""
        return self.accounts.judges

    @property
    def iam(self) -> Any:
        """Moto's IAM of this account."""
        return iam_models.iam_backends[self.id]["aws"]

    @property
    def sts(self) -> Any:
        """Moto's STS of this account."""
        return sts_models.sts_backends[self.id]["aws"]

    def user(self, name: str) -> Any:
        """A user.

        Raises:
            Refused: NoSuchEntity.
        """
        return _found(self.iam.users, "user", name)

    def group(self, name: str) -> Any:
        """A group.

        Raises:
            Refused: NoSuchEntity.
        """
        return _found(self.iam.groups, "group", name)

    def role(self, name: str) -> Any:
        """A role.

        Raises:
            Refused: NoSuchEntity.
        """
        roles = {role.name: role for role in self.iam.roles.values()}
        return _found(roles, "role", name)

    def role_by_arn(self, arn: str) -> Any:
        """A role, or None."""
        return next((role for role in self.iam.roles.values() if role.arn == arn), None)

    def policy(self, arn: str) -> Any:
        """A managed policy, AWS's own included.

        Raises:
            Refused: NoSuchEntity.
        """
        policy = self.iam.managed_policies.get(arn)
        if policy is None:
            raise no_such_entity(f"Policy {arn} does not exist or is not attachable.")
        return policy

    @property
    def local_policies(self) -> list[Any]:
        """The managed policies that are the customer's own."""
        own = f"arn:aws:iam::{self.id}:"
        return [p for arn, p in self.iam.managed_policies.items() if arn.startswith(own)]

    def neighbours_have_alias(self, alias: str) -> bool:
        """Whether another account has an alias."""
        others = (one for one in self.accounts.values() if one is not self)
        return any(alias in other.iam.account_aliases for other in others)

    def groups_of(self, user: Any) -> list[Any]:
        """The groups that a user is in."""
        return [group for group in self.iam.groups.values() if user in group.users]

    def users_bounded_by(self, arn: str) -> list[Any]:
        """The users and roles that have a policy as their permissions boundary."""
        everyone = (*self.iam.users.values(), *self.iam.roles.values())
        return [one for one in everyone if arn in (one.permissions_boundary or {}).values()]

    def create_root_key(self, values: Mapping[str, str] | None = None) -> Any:
        """A new access key of the account's root, with some values if they are given."""
        make: Any = iam_models.AccessKey
        key = make(user_name=None, prefix="AKIA", account_id=self.id)
        vars(key).update(values or {})
        self.root_keys[key.access_key_id] = key
        return key

    def key(self, key_id: str) -> Any:
        """An access key of the root, of a user or of a session of a role; None if unknown."""
        sessions = (r.access_key for r in self.sts.assumed_roles if r.access_key_id == key_id)
        known = self.root_keys.get(key_id) or self.iam.access_keys.get(key_id)
        return known or next(sessions, None)

    def credential(self, key_id: str) -> Credential | None:
        """The credential of a key id; None if it is unknown or inactive."""
        if key := self.root_keys.get(key_id):
            return _active(key, self.root)
        if session := self.sessions.get(key_id):
            return self._of_session(session)
        key = self.iam.access_keys.get(key_id)
        if key is not None and key.user_name is not None:
            user = self.iam.users.get(key.user_name)
            return user and _active(key, Caller(user.arn, user.id, user.name))
        return next(
            (_temporary(r) for r in self.sts.assumed_roles if r.access_key_id == key_id), None
        )

    def user_of(self, session: Session) -> Any:
        """The user who asked for a session; None if it was the root, or if the user is gone."""
        return next((u for u in self.iam.users.values() if u.id == session.user_id), None)

    def _of_session(self, session: Session) -> Credential | None:
        user, key = self.user_of(session), session.key
        if session.user_id and user is None:
            return None
        caller = Caller(user.arn, user.id, user.name) if user else self.root
        if session.name:
            arn = f"arn:aws:sts::{self.id}:federated-user/{session.name}"
            caller = Caller(arn, f"{self.id}:{session.name}")
        return Credential(
            secret=key.secret_access_key,
            caller=replace(caller, session=key.access_key_id),
            key=key,
            token=session.token,
            expires=session.expires.replace(tzinfo=UTC),
            calls_iam=session.calls_iam,
        )

    def secrets(self) -> Iterator[str]:
        """Every secret access key, session token, password and MFA seed in the account."""
        for key in (*self.root_keys.values(), *self.iam.access_keys.values()):
            if key.secret_access_key:
                yield key.secret_access_key
        for user in self.iam.users.values():
            if user.password:
                yield user.password
            for one in user.service_credentials.values():
                yield one.get("ServicePassword") or one["ServiceCredentialSecret"]
        yield from (role.session_token for role in self.sts.assumed_roles)
        yield from (session.token for session in self.sessions.values())
        yield from (session.refresh_token for session in self.sign_ins.values())
        yield from (d.base32_string_seed for d in self.iam.virtual_mfa_devices.values())


class Accounts(dict[str, Account]):
    """The accounts side by side, by their ids.

    Attributes:
        lock: theirs.
        root_secret: signs for the root of every account but the main one; its key id is its id.
        wants_answers: whether anybody waits for the answers to calls; not while the accounts are
            brought back, when all of their calls were allowed and answered before.
        judges: whether calls are held against the rules; not one that was taken before, when the
            accounts are brought back.
    """

    def __init__(self) -> None:
        super().__init__()
        self.lock = RLock()
        self.root_secret = ""
        self.wants_answers = True
        self.judges = True

    def begin(self, account_id: str) -> Account:
        """An account with nothing in it, whatever was in it before."""
        backends.forget(account_id)
        self[account_id] = Account(account_id, self)
        return self[account_id]

    def role_by_arn(self, arn: str) -> Any:
        """A role of any account, or None."""
        account = self.get(account_of(arn))
        return account and account.role_by_arn(arn)

    def key(self, key_id: str) -> tuple[Account | None, Any]:
        """An access key with the account that it is of; None for both if it is unknown."""
        found = ((account, account.key(key_id)) for account in self.values())
        return next((pair for pair in found if pair[1]), (None, None))

    def credential(self, key_id: str) -> tuple[Account | None, Credential | None]:
        """The credential of a key id, and the account that it is of if that is there already."""
        if is_other_account(key_id):
            return self.get(key_id), Credential(self.root_secret, root_of(key_id), None)
        found = ((account, account.credential(key_id)) for account in self.values())
        return next((pair for pair in found if pair[1]), (None, None))


def is_other_account(text: str) -> bool:
    """Whether a text is the id of an account beside the main one."""
    return len(text) == 12 and text.isascii() and text.isdigit() and text != ACCOUNT_ID


def _found(entities: Any, kind: str, name: str) -> Any:
    entity = entities.get(name)
    if entity is None:
        raise no_such_entity(f"The {kind} with name {name} cannot be found.")
    return entity


def _active(key: Any, caller: Caller) -> Credential | None:
    """None if it is inactive, or a twin's, whose keys have no secret."""
    signs = key.status == "Active" and key.secret_access_key
    return Credential(key.secret_access_key, caller, key) if signs else None


def _temporary(role: Any) -> Credential:
    return Credential(
        secret=role.secret_access_key,
        caller=Caller(role.arn, role.user_id, session=role.access_key_id),
        key=role.access_key,
        token=role.session_token,
        expires=role.expiration.replace(tzinfo=UTC),
    )
