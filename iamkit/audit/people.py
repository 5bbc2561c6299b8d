"""A user with all that was read of it, from which its rows are made."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from iamkit.account.gaps import DETAILS, REPORT
from iamkit.account.state import (
    ROOT_USER,
    AccessKey,
    AccountState,
    Credential,
    LoginProfile,
    MfaDevice,
    ReportedKey,
    ReportRow,
    User,
)
from iamkit.audit.cells import days, latest
from iamkit.audit.columns import NOT_READ, UNKNOWN, Unread, unread
from iamkit.audit.facts import Facts
from iamkit.policies.escalation.wording import say_escalations

LISTED = "ListAccessKeys"
USER_SOURCES = (
    REPORT,
    LISTED,
    "ListMFADevices",
    "GetLoginProfile",
    "ListSSHPublicKeys",
    "ListSigningCertificates",
    "ListServiceSpecificCredentials",
    "ListVirtualMFADevices",
)


_OWN: Mapping[str, tuple[str, str, Any]] = {
    "GetLoginProfile": ("login_profile", "login_profiles", None),
    "ListMFADevices": ("devices", "mfa_devices", ()),
    "ListSSHPublicKeys": ("ssh_public_keys", "ssh_public_keys", ()),
    "ListSigningCertificates": ("signing_certificates", "signing_certificates", ()),
    "ListServiceSpecificCredentials": ("service_credentials", "service_credentials", ()),
}
"""By operation, a person's attribute, the account's field, and what stands there for nothing."""


@dataclass(frozen=True)
class Key:
    """An access key, from what ListAccessKeys and the credential report say of it.

    Attributes:
        slot: 1 or 2, as in the report; a key that is not in it takes the slot that is left.
        id: None where the report alone knows of it.
        reported: its row in the report, or None if that is older than the key or lacks.
    """

    slot: int
    id: str | None
    active: bool | None
    created: datetime | None
    reported: ReportedKey | None

    @property
    def status(self) -> str | None:
        """As IAM calls it."""
        return None if self.active is None else "Active" if self.active else "Inactive"

    @property
    def rotated(self) -> datetime | None:
        """From when its age counts."""
        return self.reported.last_rotated if self.reported else self.created

    @property
    def report(self) -> ReportedKey:
        """What the report says; ``Unread`` if it does not know the key."""
        if self.reported is None:
            raise Unread(REPORT)
        return self.reported


class Person:
    """A user with what single calls and the report say; what was not read raises ``Unread``.

    Attributes:
        known: the user; where no details describe it, with what the report tells.
        row: its row in the credential report; None if that lacks, or is of another user.
        lacks: the operations whose values it lacks, each ``unknown`` or ``not read``.
        user: as GetAccountAuthorizationDetails describes it.
        report: its row in the credential report.
        login_profile: the console password, or None if there is none.
    """

    user: User = unread(DETAILS)
    report: ReportRow = unread(REPORT)
    login_profile: LoginProfile | None = unread("GetLoginProfile")
    devices: tuple[MfaDevice, ...] = unread("ListMFADevices")
    ssh_public_keys: tuple[Credential, ...] = unread("ListSSHPublicKeys")
    signing_certificates: tuple[Credential, ...] = unread("ListSigningCertificates")
    service_credentials: tuple[Credential, ...] = unread("ListServiceSpecificCredentials")

    def __init__(
        self, facts: Facts, known: User, row: ReportRow | None, lacks: Mapping[str, str]
    ) -> None:
        self.facts, self.known, self.row, self.lacks = facts, known, row, lacks
        state = facts.state
        self.name = name = known.name
        if name in state.users:
            self.user = known
        if row:
            self.report = row
        for operation, (own, field, none) in _OWN.items():
            if operation not in lacks:
                setattr(self, own, getattr(state, field).get(name, none))

    @property
    def unknown(self) -> str:
        """The operations that failed, were denied or are stale."""
        described = self.name in self.facts.state.users
        hangs = described and DETAILS not in self.lacks and self.escalations is None
        return _named({**({DETAILS: UNKNOWN} if hangs else {}), **self.lacks}, UNKNOWN)

    @property
    def not_read(self) -> str:
        """The operations that nobody asked for."""
        return _named(self.lacks, NOT_READ)

    @cached_property
    def keys(self) -> tuple[Key, ...]:
        """The access keys, by their slot."""
        listed = self.facts.state.access_keys.get(self.name)
        if listed is None:
            return _reported_keys(self.report)
        return _merge(listed, self.row.keys if self.row else (None, None))

    @cached_property
    def slots(self) -> dict[int, "HeldKey"]:
        """The access keys with their user, by their slot."""
        return {key.slot: HeldKey(self, key) for key in self.keys}

    @property
    def active_keys(self) -> int | None:
        """How many keys are active; None if one does not tell."""
        active = [key.active for key in self.keys]
        return None if None in active else sum(bool(one) for one in active)

    @property
    def mfa_active(self) -> bool | None:
        """Whether there is a device; a call for this user is fresher than the report."""
        devices = self.facts.state.mfa_devices.get(self.name)
        return self.report.mfa_active if devices is None else bool(devices)

    @property
    def password_enabled(self) -> bool | None:
        """Whether there is a console password."""
        return self.row.password_enabled if self.row else self.login_profile is not None

    @property
    def password_changed(self) -> datetime | None:
        """When the password was set."""
        if self.row:
            return self.row.password_last_changed
        return self.login_profile.created if self.login_profile else None

    @property
    def password_reset_required(self) -> bool:
        """Whether it must be changed at the next sign-in."""
        return self.login_profile.reset_required if self.login_profile else False

    @cached_property
    def admin_path(self) -> str | None:
        """By which it is an administrator; empty if it is none, None if that is not known."""
        return self.facts.rights.of(self.user).admin_path

    @cached_property
    def escalations(self) -> str | None:
        """The ways to become an administrator, of who is none; None if that is not known."""
        return (
            ""
            if self.admin_path
            else say_escalations(self.facts.escalation, f"user {self.user.name}")
        )

    @cached_property
    def last_activity(self) -> datetime | None:
        """The last use of password or keys that the report knows."""
        return last_use(self.report)


@dataclass(frozen=True, eq=False)
class HeldKey:
    """An access key and whose it is; of a user whose keys nobody knows without the key."""

    person: Person
    found: Key | None

    @property
    def key(self) -> Key:
        """The key itself."""
        if self.found is None:
            raise Unread(LISTED)
        return self.found

    @property
    def now(self) -> datetime:
        """The moment for which ages are told."""
        return self.person.facts.now

    @property
    def age(self) -> int | None:
        """Days since it was rotated."""
        return days(self.now, self.key.rotated or self.key.created)

    @property
    def idle(self) -> int | None:
        """Days since it was used; one that is newer than the report cannot be idle for longer."""
        key, made = self.key, self.person.facts.report_made
        if key.reported is None and made and key.created and key.created > made:
            return days(self.now, key.created)
        return days(self.now, key.report.last_used or key.report.last_rotated)

    @property
    def is_newest(self) -> bool | None:
        """Whether it is the youngest of the active keys."""
        if any(key.active is None for key in self.person.keys):
            return None
        active = [key for key in self.person.keys if key.active]
        youngest = max(active, key=lambda k: (k.rotated is not None, k.rotated), default=None)
        return self.key is youngest

    @property
    def unknown(self) -> str:
        """What failed; all that is the user's where the keys are not known."""
        if self.found is None:
            return self.person.unknown
        names = _of_keys(self.person.unknown)
        if self.found.reported is None and REPORT not in self.person.lacks:
            names.append(REPORT)
        return ", ".join(names)

    @property
    def not_read(self) -> str:
        """What nobody asked for."""
        return ", ".join(_of_keys(self.person.not_read)) if self.found else self.person.not_read


def join_people(facts: Facts) -> list[Person]:
    """Every user with all that was read of it, in the order of their names."""
    state = facts.state
    known = dict(state.users)
    for name in facts.gaps.users:
        row = state.report.get(name)
        known[name] = User(name=name, arn=row.arn, created=row.created) if row else User(name=name)
    return [_person(known[name], facts) for name in sorted(known)]


def join_root(facts: Facts) -> Person | None:
    """The root, if the report tells of it; nobody can list its keys."""
    row = facts.state.report.get(ROOT_USER)
    if row is None:
        return None
    return Person(facts, User(name=ROOT_USER), row, {LISTED: NOT_READ})


def last_use(row: ReportRow) -> datetime | None:
    """When a password or key was last used, as far as the report says."""
    return latest([row.password_last_used, *(key.last_used for key in row.keys if key)])


def _person(user: User, facts: Facts) -> Person:
    state, gaps = facts.state, facts.gaps
    row = state.reported(user)
    lacking = _lacking(user, row, state)
    lacks: dict[str, str] = {one: state.why_unknown(one, user.name) for one in lacking}
    if user.name not in state.users or gaps.grants_of(user) or gaps.bounds(user):
        lacks = {DETAILS: UNKNOWN, **lacks}
    return Person(facts, user, row, lacks)


def _lacking(user: User, row: ReportRow | None, state: AccountState) -> list[str]:
    """The operations whose values this user lacks, but for the details."""
    name = user.name
    lacks = {
        REPORT: row is None,
        LISTED: name not in state.access_keys and (row is None or any(row.keys)),
        "ListMFADevices": name not in state.mfa_devices
        and (row is None or row.mfa_active is not False),
        "GetLoginProfile": name not in state.login_profiles
        and (row is None or row.password_enabled is not False),
        "ListSSHPublicKeys": name not in state.ssh_public_keys,
        "ListSigningCertificates": name not in state.signing_certificates
        and (row is None or any(row.certificates)),
        "ListServiceSpecificCredentials": state.source("ListServiceSpecificCredentials").status
        != "read",
    }
    return [operation for operation, lack in lacks.items() if lack]


def _named(lacks: Mapping[str, str], word: str) -> str:
    return ", ".join(operation for operation, why in lacks.items() if why == word)


def _merge(
    listed: Iterable[AccessKey], reported: tuple[ReportedKey | None, ...]
) -> tuple[Key, ...]:
    """The listed keys with their rows in the report, which are told by the date alone."""
    left = {slot: one for slot, one in enumerate(reported, 1) if one}
    found: dict[int, AccessKey] = {}
    later = []
    for key in sorted(listed, key=lambda key: (str(key.created), key.id)):
        slot = next((n for n in left if n not in found and left[n].last_rotated == key.created), 0)
        if slot:
            found[slot] = key
        else:
            later.append(key)
    rest = [slot for slot in left if slot not in found]
    if len(rest) == 1 == len(later) and later[0].created:
        rotated = left[rest[0]].last_rotated  # it may be later than created, never earlier
        if rotated is None or rotated > later[0].created:
            found[rest[0]] = later.pop()
    keys = [Key(n, k.id, k.status == "Active", k.created, left[n]) for n, k in found.items()]
    free = (n for n in range(1, 2 + len(found) + len(later)) if n not in found)
    keys += [Key(next(free), k.id, k.status == "Active", k.created, None) for k in later]
    return tuple(sorted(keys, key=lambda key: key.slot))


def _reported_keys(row: ReportRow) -> tuple[Key, ...]:
    keys = enumerate(row.keys, 1)
    return tuple(Key(slot, None, key.active, None, key) for slot, key in keys if key)


def _of_keys(operations: str) -> list[str]:
    return [one for one in operations.split(", ") if one in (REPORT, LISTED)]
