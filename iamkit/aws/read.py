"""Read the account into one immutable AccountState: what a task needs, every call paged.

What can be read stands in ``sources``. How each operation went is said in the state's ``sources``.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from typing import Any

from iamkit.account.gaps import DETAILS, KINDS, REPORT
from iamkit.account.state import AccessKey, AccountState, Source
from iamkit.aws.call_errors import CALL_ERRORS, STOPS_ALL, code_of, explain_error
from iamkit.aws.journal import find_left_devices
from iamkit.aws.pages import list_pages
from iamkit.aws.session import Session
from iamkit.aws.sources import OF_ACCOUNT, OF_USERS, read_details_of
from iamkit.credentials.stored_files import Intent
from iamkit.errors import AwsError, InputError
from iamkit.parameters.models import DEFAULT_PER_USER
from iamkit.plan.desired import OF_EVERY_USER, Desired

INTERRUPTED = timedelta(minutes=10)
"""How far a lost key's creation may lie from our intent, clocks that differ included."""
READERS = 8
"""Calls that run side by side; IAM throttles at some more."""
PLANNED = (DETAILS, "ListAccountAliases")
"""What is read for a plan and what it means, beside what ``Desired`` needs."""
AUDITED = tuple(name for name, source in OF_ACCOUNT.items() if source.audited)
"""What an audit reads in bulk."""

Progress = Callable[[str, int, int], None]
"""Called with an operation, and how many of how many calls are done."""


def read_account(
    session: Session,
    desired: Desired | None = None,
    *,
    every_user: bool = False,
    operations: Collection[str] = PLANNED,
    of_users: Mapping[str, Collection[str]] | None = None,
    kinds: Collection[str] = KINDS,
    strict: bool = True,
    on_progress: Progress = lambda *_: None,
) -> AccountState:
    """Read of the account what a task needs; nothing that it names is left unread in silence.

    Args:
        session: an open session.
        desired: what is wanted; all that a plan for it depends on is read too.
        every_user: whether to read of all users what is read of those that are wanted.
        operations: some of ``OF_ACCOUNT``.
        of_users: by operation of ``OF_USERS``, the names of the users to call it for.
        kinds: of users, groups, roles and policies, those to describe.
        strict: whether a call that fails ends it; else the state's ``sources`` say so, and
            ``failed_sources`` names it.
        on_progress: called after each bulk call, and while single users are read.

    Raises:
        AwsError: a call failed; without ``strict``, the users themselves could not be read.
    """
    wanted = desired or Desired()
    reading = _Reading(session, strict, on_progress, owned=desired is not None or every_user)
    with ThreadPoolExecutor(READERS) as pool:
        state = reading.read_bulk(pool, dict.fromkeys([*operations, *wanted.operations]), kinds)
        if DETAILS in operations:
            state = reading.read_texts(state, wanted.as_spelled_in(state).attached_policies)
        names: dict[str, set[str]] = {op: set(users) for op, users in (of_users or {}).items()}
        for user, found in state.users.items():
            needed = {*wanted.operations_of(user), *wanted.operations_of_member(found.groups)}
            for operation in needed or (OF_EVERY_USER if every_user else ()):
                names.setdefault(operation, set()).add(user)
        state = reading.read_users(pool, state, names)
    lost = {user.name for user in wanted.as_spelled_in(state).users if user.devices_since}
    return reading.read_left_devices(state, lost) if lost else state


def read_permissions(session: Session) -> AccountState:
    """Read everyone's policies, and nothing else: users, groups, roles, managed policies.

    Raises:
        AwsError: the call failed.
    """
    return read_account(session, operations=(DETAILS,))


def survey_account(
    session: Session,
    per_user: Iterable[str] = DEFAULT_PER_USER,
    on_progress: Progress = lambda *_: None,
) -> AccountState:
    """Read everything that an audit looks at.

    Some ten bulk calls and the pages of GetAccountAuthorizationDetails; then, of ``per_user``,
    one call for each user that has such a thing, or of whom the credential report, which may be
    four hours old, does not know yet.

    Args:
        session: an open session.
        per_user: some of ``parameters.PerUser``; for what is left out, the tables say "not read".
            ``login_profiles`` and ``ssh_public_keys`` cost a call for every user that may have one.
        on_progress: called after each bulk call, and while single users are read.

    Returns:
        The state; ``failed_sources`` names what could not be read.

    Raises:
        AwsError: the users themselves could not be read.
    """
    state = read_account(session, operations=AUDITED, strict=False, on_progress=on_progress)
    return read_each(session, state, per_user, on_progress)


def read_each(
    session: Session,
    state: AccountState,
    per_user: Iterable[str],
    on_progress: Progress = lambda *_: None,
) -> AccountState:
    """The state with what single users have, of ``per_user``, as ``survey_account`` says."""
    asked = {op: one for op, one in OF_USERS.items() if one.word in set(per_user)}
    names = {
        operation: [user.name for user in state.users.values() if one.may_have(state, user)]
        for operation, one in asked.items()
    }
    return read_more(session, state, names, on_progress)


def read_more(
    session: Session,
    state: AccountState,
    of_users: Mapping[str, Collection[str]],
    on_progress: Progress = lambda *_: None,
    *,
    owned: bool = False,
) -> AccountState:
    """The state with what single users have, so far as it was not read; it tells what fails.

    With ``owned`` each access key bears what our own store knows of it.
    """
    reading = _Reading(session, strict=False, on_progress=on_progress, owned=owned)
    with ThreadPoolExecutor(READERS) as pool:
        return reading.read_users(pool, state, of_users)


@dataclass
class _Reading:
    """Calls that may fail, each on its own, and how they went.

    Attributes:
        owned: whether to tell of each access key what our own store knows.
    """

    session: Session
    strict: bool
    on_progress: Progress
    owned: bool = False
    _stopped: set[str] = field(default_factory=set)

    def read_bulk(
        self, pool: ThreadPoolExecutor, operations: Collection[str], kinds: Collection[str]
    ) -> AccountState:
        """The account as the bulk calls tell it."""
        in_order = [operation for operation in OF_ACCOUNT if operation in operations]
        calls = {pool.submit(self._bulk, operation, kinds): operation for operation in in_order}
        found = {}
        for done, future in enumerate(as_completed(calls), 1):
            self.on_progress(calls[future], done, len(calls))
            found[calls[future]] = future.result()
        identity = self.session.identity
        state = AccountState(
            account_id=identity.account_id,
            partition=identity.partition,
            alias=None if "ListAccountAliases" in operations else self.session.alias,
            read_at=datetime.now(UTC),
            sources={operation: found[operation][0] for operation in sorted(found)},
        )
        for operation in sorted(in_order, key=lambda operation: operation != DETAILS):
            source, reply = found[operation]
            state = OF_ACCOUNT[operation].put(state, reply) if source.status == "read" else state
        return state

    def read_texts(self, state: AccountState, arns: Iterable[str]) -> AccountState:
        """The state with the texts of these policies of AWS's, of which nobody has made use yet.

        One that cannot be read stays without, and what hangs on it is unknown.
        """
        for arn in arns:
            listed = state.aws_policies.get(arn)
            if listed is None or arn in state.policies:
                continue
            try:
                reply = self.session.iam.get_policy_version(
                    PolicyArn=arn, VersionId=listed.default_version
                )
            except CALL_ERRORS:
                continue
            read = replace(listed, document=reply["PolicyVersion"]["Document"])
            state = replace(state, policies={**state.policies, arn: read})
        return state

    def read_left_devices(self, state: AccountState, users: Collection[str]) -> AccountState:
        """The state with the virtual devices that an interrupted apply left of these users.

        Raises:
            AwsError: a journal tells of one, and whether it is still there cannot be told.
        """
        found = find_left_devices(self.session.folder)
        told = {name: found[name] for name in users if name in found}
        if not told:
            return state
        try:
            listed = list_pages(
                self.session,
                "list_virtual_mfa_devices",
                "VirtualMFADevices",
                AssignmentStatus="Unassigned",
            )
        except CALL_ERRORS as error:
            raise explain_error(error, "ListVirtualMFADevices") from None
        there = {device["SerialNumber"] for device in listed}
        left = {n: tuple(s for s in serials if s in there) for n, serials in told.items()}
        return replace(state, left_devices=left)

    def _bulk(self, operation: str, kinds: Collection[str]) -> tuple[Source, Any]:
        """How a call went, and what it told."""
        row, at = OF_ACCOUNT[operation], datetime.now(UTC)
        read = partial(read_details_of, kinds=kinds) if operation == DETAILS else row.read
        try:
            reply = read(self.session)
        except (*CALL_ERRORS, AwsError, InputError) as error:
            failure = _explained(error, operation, row.service)
            if self.strict or operation == DETAILS:
                raise failure from None
            return Source(status="unknown", at=at, note=str(failure)), None
        lacking = frozenset(KINDS) - set(kinds) if operation == DETAILS else frozenset()
        made: Any = reply
        at = made[1] if operation == REPORT else at
        return Source(status="read", at=at, lacking=lacking), reply

    def read_users(
        self, pool: ThreadPoolExecutor, state: AccountState, of_users: Mapping[str, Iterable[str]]
    ) -> AccountState:
        """The state with what single users have, as far as that was not read yet."""
        for operation, users in of_users.items():
            names = sorted(name for name in users if not state.was_read(operation, name))
            state = self._read_each(pool, state, operation, names)
        return state

    def _read_each(
        self, pool: ThreadPoolExecutor, state: AccountState, operation: str, names: list[str]
    ) -> AccountState:
        found: dict[str, Any] = {}
        notes: list[str] = []
        one = partial(self._user, operation, notes)
        for done, (name, reply) in enumerate(zip(names, pool.map(one, names), strict=True), 1):
            self.on_progress(operation, done, len(names))
            if reply is not _FAILED:
                found[name] = reply
        before = state.source(operation)
        asked = frozenset(names) | (before.asked or frozenset())
        source = Source(
            status="unknown" if operation in self._stopped else "read",
            at=datetime.now(UTC),
            note=notes[0] if notes else "",
            missing=(before.missing | set(names)) - set(found),
            asked=None if before.status == "read" and before.asked is None else asked,
        )
        of_field = OF_USERS[operation].field
        more: dict[str, Any] = {of_field: {**getattr(state, of_field), **found}}
        sources = dict(sorted({**state.sources, operation: source}.items()))
        return replace(state, **more, sources=sources)

    def _user(self, operation: str, notes: list[str], name: str) -> Any:
        """What a user has; ``_FAILED`` if the call failed, or others like it were refused."""
        if operation in self._stopped:
            return _FAILED
        try:
            reply = OF_USERS[operation].read(self.session, name)
            if self.owned and operation == "ListAccessKeys":
                reply = tuple(self._as_stored(name, key) for key in reply)
        except (*CALL_ERRORS, AwsError) as error:
            failure = _explained(error, operation)
            if self.strict:
                raise failure from None
            if code_of(error) in STOPS_ALL:
                self._stopped.add(operation)
            notes.append(str(failure))
            return _FAILED
        return reply

    @cached_property
    def _stored(self) -> frozenset[str]:
        return self.session.store.key_ids()

    @cached_property
    def _interrupted(self) -> Mapping[str, Intent]:
        return {intent.user: intent for intent in self.session.store.pending()}

    def _as_stored(self, user: str, key: AccessKey) -> AccessKey:
        """A key with what our own store knows of it."""
        stored, begun = key.id in self._stored, self._interrupted.get(user)
        orphan = (
            begun is not None
            and not stored
            and key.id not in begun.keys_before
            and key.created is not None
            and abs(key.created - begun.started) < INTERRUPTED
            and _never_used(self.session, key.id)
        )
        return replace(key, stored=stored, orphan=orphan)


_FAILED = object()


def _explained(error: Exception, operation: str, service: str = "iam") -> AwsError | InputError:
    if isinstance(error, AwsError | InputError):
        return error
    return explain_error(error, operation, service)


def _never_used(session: Session, key_id: str) -> bool:
    try:
        reply = session.iam.get_access_key_last_used(AccessKeyId=key_id)
    except CALL_ERRORS as error:
        raise explain_error(error, "GetAccessKeyLastUsed") from None
    return "LastUsedDate" not in reply["AccessKeyLastUsed"]
