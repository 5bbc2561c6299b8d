"""The account as plain DataFrames: real dtypes, a documented schema, a stable order.

Each function is pure; what the columns mean is in ``iamkit.audit.schema``.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from iamkit.account import (
    ROOT_USER,
    AccessKey,
    AccountState,
    Credential,
    Group,
    ReportedKey,
    ReportRow,
    User,
)
from iamkit.audit import schema
from iamkit.audit.schema import NOT_READ, REPORT, UNKNOWN, make_frame
from iamkit.policies.grants import Grant, Holding, Holdings, Path, Restrictions
from iamkit.policies.review import review_document


@dataclass(frozen=True)
class Key:
    """An access key, from what ListAccessKeys and the credential report say of it.

    Attributes:
        id: ``not read`` or ``unknown`` where the report alone knows of it.
        reported: its row in the report, or None if that is older than the key or lacks.
    """

    id: str
    active: bool
    created: datetime | None
    reported: ReportedKey | None

    @property
    def status(self) -> str:
        """As IAM calls it."""
        return "Active" if self.active else "Inactive"

    @property
    def rotated(self) -> datetime | None:
        """From when its age counts."""
        return self.reported.last_rotated if self.reported else self.created

    @property
    def last_used(self) -> datetime | None:
        """When it was last used, as far as the report says."""
        return self.reported.last_used if self.reported else None


@dataclass(frozen=True)
class Person:
    """A user with what single calls and the report say, and what is not known.

    Attributes:
        keys: None if nobody knows.
    """

    user: User
    row: ReportRow | None
    keys: tuple[Key, ...] | None
    unknown: tuple[str, ...]
    not_read: tuple[str, ...]

    @property
    def password_enabled(self) -> bool | None:
        """Whether it has a console password; None if nobody knows."""
        return self.row.password_enabled if self.row else None


def join_people(state: AccountState) -> list[Person]:
    """Every user with all that was read of it, in the order of their names."""
    return [_person(state.users[name], state) for name in sorted(state.users)]


def users_table(
    state: AccountState, people: Iterable[Person], holdings: Holdings, now: datetime
) -> pd.DataFrame:
    """One row per user: the columns of ``schema.USERS`` but those that findings add."""
    columns = dict(list(schema.USERS.items())[:-3])
    group_policies = {name: _group_policies(group) for name, group in state.groups.items()}
    made = state.source(REPORT).at
    common = (made, _hours(now, made), state.read_at)
    return make_frame(
        columns,
        (
            _user_row(
                person,
                state,
                holdings=holdings,
                now=now,
                group_policies=group_policies,
                common=common,
            )
            for person in people
        ),
    )


def keys_table(state: AccountState, people: Iterable[Person], now: datetime) -> pd.DataFrame:
    """One row per access key, the root's included: the columns of ``schema.ACCESS_KEYS``."""
    rows: list[list[Any]] = []
    made = state.source(REPORT).at
    for person in people:
        rows += [_key_row(person, key, now, made) for key in person.keys or ()]
    root = state.report.get(ROOT_USER)
    for key in _reported_keys(root, "not told by AWS") if root else ():
        person = Person(User(name=ROOT_USER), root, (key,), (), ())
        rows.append(_key_row(person, key, now, made))
    return make_frame(schema.ACCESS_KEYS, rows)


def groups_table(state: AccountState, holdings: Holdings) -> pd.DataFrame:
    """One row per group: the columns of ``schema.GROUPS``."""
    members = _members(state)
    return make_frame(
        schema.GROUPS,
        (
            [
                group.name,
                group.path,
                group.arn,
                group.created,
                len(members.get(name, ())),
                _listed(group.inline_policies),
                _policy_names(group.attached_policies),
                _truth(holdings.of(User(name="", groups=frozenset([name]))).admin_path),
            ]
            for name, group in sorted(state.groups.items())
        ),
    )


def memberships_table(state: AccountState) -> pd.DataFrame:
    """One row per user in a group: the columns of ``schema.MEMBERSHIPS``."""
    members = _members(state)
    pairs = ((group, user) for group in sorted(members) for user in members[group])
    return make_frame(schema.MEMBERSHIPS, pairs)


def policies_table(state: AccountState) -> pd.DataFrame:
    """One row per managed policy that was read, and per inline policy: ``schema.POLICIES``."""
    holders: dict[str, list[str]] = {}
    bounds: dict[str, list[str]] = {}
    inline: list[tuple[str, str, Any]] = []
    for holder, entity in state.holders():
        for arn in entity.attached_policies:
            holders.setdefault(arn, []).append(holder)
        if bound := getattr(entity, "permissions_boundary", None):
            bounds.setdefault(bound, []).append(holder)
        inline += [(name, holder, document) for name, document in entity.inline_policies.items()]
    rows = []
    for arn, policy in state.policies.items():
        kind = "aws" if policy.is_aws_managed else "customer"
        held, bounded = holders.get(arn, []), bounds.get(arn, [])
        names = [*held, *(f"bounds {name}" for name in bounded)]
        found = [_some(names), len(names), len(bounded), *review_document(policy.document)]
        rows.append([policy.name, kind, "", arn, policy.updated, *found, ""])
    for arn in sorted(set(holders) - set(state.policies)):
        found = [_some(holders[arn]), len(holders[arn]), 0, None, "", None, ""]
        rows.append([arn.rpartition("/")[2], "customer", "", arn, None, *found, schema.DETAILS])
    for name, holder, document in inline:
        rows.append(
            [name, "inline", holder, "", None, holder, 1, 0, *review_document(document), ""]
        )
    rows.sort(key=lambda row: (row[1], row[0], row[2], row[3]))
    return make_frame(schema.POLICIES, rows)


def account_table(state: AccountState, now: datetime) -> pd.DataFrame:
    """One row for the account and its root: the columns of ``schema.ACCOUNT``."""
    rules, root, read = state.password_policy, state.report.get(ROOT_USER), state.source
    has_rules = read("GetAccountPasswordPolicy").status == "read"
    minimum = (rules.minimum_length if rules else 8) if has_rules else None
    reuse = ((rules.reuse_prevention if rules else None) or 0) if has_rules else None
    used = [root.password_last_used, *(k.last_used for k in root.keys if k)] if root else []
    last = max((moment for moment in used if moment), default=None)
    mfa_virtual = None
    if read("ListVirtualMFADevices").status == "read":
        mfa_virtual = ROOT_USER in state.mfa_devices
    expired = [c.id for c in state.server_certificates if c.expires and c.expires <= now]
    has_certificates = read("ListServerCertificates").status == "read"
    shell = f"arn:{state.partition}:iam::aws:policy/AWSCloudShellFullAccess"
    support = f"arn:{state.partition}:iam::aws:policy/AWSSupportAccess"
    shells = [holder for holder, entity in state.holders() if shell in entity.attached_policies]
    unknown, not_read = _gaps(state, _ACCOUNT_SOURCES)
    row = [
        state.account_id,
        state.alias or "",
        len(state.users),
        len(state.groups),
        len(state.roles),
        _root_has_key(state, root),
        _root_has_mfa(state, root),
        mfa_virtual,
        last,
        _days(now, last),
        bool(last) if root else None,
        minimum,
        reuse,
        sum(support in role.attached_policies for role in state.roles.values()),
        len(state.analyzers) if read("ListAnalyzers").status == "read" else None,
        ", ".join(expired),
        len(expired) if has_certificates else None,
        ", ".join(shells),
        unknown,
        not_read,
    ]
    return make_frame(schema.ACCOUNT, [row])


def sources_table(state: AccountState, now: datetime) -> pd.DataFrame:
    """One row per operation that an audit reads: the columns of ``schema.SOURCES``."""
    names = sorted({*state.sources, *_USER_SOURCES, *_ACCOUNT_SOURCES, schema.DETAILS})
    return make_frame(
        schema.SOURCES,
        (
            [name, s.status, s.at, _hours(now, s.at), len(s.missing), s.note]
            for name, s in ((name, state.source(name)) for name in names)
        ),
    )


def permissions_table(
    state: AccountState, holdings: Holdings, users: Iterable[str] | None = None
) -> pd.DataFrame:
    """What each user may do, by service and access level: ``schema.PERMISSIONS``.

    Args:
        state: the account.
        holdings: what its users hold.
        users: the users to look at; all without it, which may be millions of rows.
    """
    names = sorted(state.users if users is None else users)
    cells: dict[tuple[int, Restrictions], pd.DataFrame] = {}
    parts = []
    for name in names:
        holding = holdings.of(state.users[name])
        for path, grants in holding.paths:
            key = (id(path.document), holding.restrictions)
            if key not in cells:
                cells[key] = _cells(grants or (), holding.restrictions, holdings)
            parts.append((name, path, cells[key]))
    return _joined(parts)


def levels_of(holdings: Holdings, group: str) -> list[str]:
    """The access levels that a group gives its members, in the order of their names."""
    holding = holdings.of(User(name="", groups=frozenset([group])))
    allowed = 0
    for _, grants in holding.paths:
        for grant in grants or ():
            allowed |= grant.actions if grant.allows else 0
    allowed = holding.restrictions.of(allowed)
    return sorted(n for n, mask in holdings.catalogue.levels.items() if mask & allowed)


# Users


_USER_SOURCES = (
    REPORT,
    "ListAccessKeys",
    "ListMFADevices",
    "GetLoginProfile",
    "ListSSHPublicKeys",
    "ListSigningCertificates",
    "ListServiceSpecificCredentials",
    "ListVirtualMFADevices",
)
_ACCOUNT_SOURCES = (
    REPORT,
    "GetAccountSummary",
    "GetAccountPasswordPolicy",
    "ListAccountAliases",
    "ListAnalyzers",
    "ListServerCertificates",
    "ListVirtualMFADevices",
)


def _person(user: User, state: AccountState) -> Person:
    row = state.reported(user)
    return Person(user, row, _keys_of(user, row, state), *_lacking(user, row, state))


def _lacking(
    user: User, row: ReportRow | None, state: AccountState
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The operations whose values this user lacks: unknown, and not read."""
    name = user.name
    lacks = {
        REPORT: row is None,
        "ListAccessKeys": name not in state.access_keys and (row is None or any(row.keys)),
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
    unknown = tuple(op for op, lack in lacks.items() if lack and _word(state, op) == UNKNOWN)
    not_read = tuple(op for op, lack in lacks.items() if lack and _word(state, op) == NOT_READ)
    return unknown, not_read


def _word(state: AccountState, operation: str) -> str:
    return NOT_READ if state.source(operation).status == "not read" else UNKNOWN


def _keys_of(user: User, row: ReportRow | None, state: AccountState) -> tuple[Key, ...] | None:
    listed = state.access_keys.get(user.name)
    if listed is None:
        return _reported_keys(row, _word(state, "ListAccessKeys")) if row else None
    reported = [key for key in row.keys if key] if row else []
    return tuple(_merge(key, reported, alone=len(listed) == 1) for key in listed)


def _merge(key: AccessKey, reported: list[ReportedKey], *, alone: bool) -> Key:
    """A listed key with its row in the report, which is told by the date alone."""
    found = next((r for r in reported if r.last_rotated == key.created), None)
    if found is None and alone and len(reported) == 1 and key.created:
        one = reported[0].last_rotated  # "rotated" may be later than created, never earlier
        found = reported[0] if one is None or one > key.created else None
    return Key(key.id, key.status == "Active", key.created, found)


def _reported_keys(row: ReportRow | None, word: str) -> tuple[Key, ...]:
    return tuple(Key(word, key.active, None, key) for key in (row.keys if row else ()) if key)


def _user_row(
    person: Person,
    state: AccountState,
    *,
    holdings: Holdings,
    now: datetime,
    group_policies: Mapping[str, list[str]],
    common: tuple[Any, ...],
) -> list[Any]:
    user, row = person.user, person.row
    holding = holdings.of(user)
    through = [text for group in sorted(user.groups) for text in group_policies.get(group, ())]
    return [
        user.name,
        state.account_id,
        user.id,
        user.path,
        user.arn,
        user.created,
        ", ".join(f"{key}={value}" for key, value in sorted(user.tags.items())),
        _listed(user.groups),
        _listed(user.inline_policies),
        _policy_names(user.attached_policies),
        ", ".join(through),
        (user.permissions_boundary or "").rpartition("/")[2],
        _truth(holding.admin_path),
        holding.admin_path,
        _escalations(holding),
        *_password_cells(person, state, now),
        *_mfa_cells(person, state),
        *_key_cells(person, now),
        *_certificate_cells(row),
        _credential_text(state.signing_certificates, person, "ListSigningCertificates"),
        _credential_text(state.ssh_public_keys, person, "ListSSHPublicKeys"),
        _credential_text(state.service_credentials, person, "ListServiceSpecificCredentials"),
        *_activity_cells(person, now),
        *common,
        ", ".join(person.unknown),
        ", ".join(person.not_read),
    ]


def _escalations(holding: Holding) -> str | None:
    """The ways, but for an administrator; None if a policy of them was not read."""
    if holding.admin_path:
        return ""
    return "; ".join(holding.escalations) or (None if holding.admin_path is None else "")


def _password_cells(person: Person, state: AccountState, now: datetime) -> list[Any]:
    row, name = person.row, person.user.name
    enabled = row.password_enabled if row else None
    used = row.password_last_used if row else None
    changed = row.password_last_changed if row else None
    rotation = row.password_next_rotation if row else None
    reset: bool | None = None
    if name in state.login_profiles:
        profile = state.login_profiles[name]
        reset = profile.reset_required if profile else False
        if row is None:
            enabled = profile is not None
            changed = profile.created if profile else None
    elif enabled is False:
        reset = False
    known = row is not None
    return [
        enabled,
        used,
        changed,
        rotation,
        reset,
        _days(now, changed),
        _days(now, used or changed) if known else None,
        _days(rotation, now) if rotation else None,
        bool(enabled and used is None) if known else None,
    ]


def _mfa_cells(person: Person, state: AccountState) -> list[Any]:
    devices = state.mfa_devices.get(person.user.name)
    active = person.row.mfa_active if person.row else None
    if devices is not None:  # a call for this user is fresher than the report
        active = bool(devices)
    if devices is None and active is not False:
        word = UNKNOWN if "ListMFADevices" in person.unknown else NOT_READ
        return [active, word, word, None]
    devices = devices or ()
    return [
        active,
        ", ".join(device.serial for device in devices),
        ", ".join(sorted({device.kind for device in devices})),
        min((device.enabled for device in devices if device.enabled), default=None),
    ]


def _key_cells(person: Person, now: datetime) -> list[Any]:
    if person.keys is None:
        word = UNKNOWN if "ListAccessKeys" in person.unknown else NOT_READ
        return [None, *([word, word, None, None, None, None, None, None] * 2)]
    cells: list[Any] = [sum(key.active for key in person.keys)]
    for slot in range(2):
        if slot >= len(person.keys):
            cells += ["", "", None, None, None, None, "", ""]
            continue
        key = person.keys[slot]
        cells += [
            key.id,
            key.status,
            key.created,
            key.reported.last_rotated if key.reported else None,
            _days(now, key.rotated or key.created),
            key.last_used,
            key.reported.last_used_service if key.reported else "",
            key.reported.last_used_region if key.reported else "",
        ]
    return cells


def _certificate_cells(row: ReportRow | None) -> list[Any]:
    cells: list[Any] = []
    for certificate in row.certificates if row else (None, None):
        active = certificate.active if certificate else False
        cells += [active if row else None, certificate.last_rotated if certificate else None]
    return cells


def _credential_text(
    found: Mapping[str, tuple[Credential, ...]], person: Person, operation: str
) -> str:
    for word, listed in ((UNKNOWN, person.unknown), (NOT_READ, person.not_read)):
        if operation in listed:
            return word
    return ", ".join(
        (f"{one.service}: " if one.service else "")
        + f"{one.id} ({one.status}"
        + (f", until {one.expires:%Y-%m-%d}" if one.expires else "")
        + ")"
        for one in found.get(person.user.name, ())
    )


def _activity_cells(person: Person, now: datetime) -> list[Any]:
    row = person.row
    if row is None:
        return [None, None, None]
    used = [row.password_last_used, *(key.last_used for key in row.keys if key)]
    last = max((moment for moment in used if moment), default=None)
    has_credentials = bool(row.password_enabled) or any(row.keys)
    return [last, _days(now, last or person.user.created), has_credentials and last is None]


# Keys


def _key_row(person: Person, key: Key, now: datetime, made: datetime | None) -> list[Any]:
    active = [k for k in person.keys or () if k.active]
    newest = max(active, key=lambda k: (k.rotated is not None, k.rotated), default=None)
    unknown = [op for op in person.unknown if op in (REPORT, "ListAccessKeys")]
    reported = key.reported
    used: bool | None = bool(reported.last_used) if reported else None
    idle = _days(now, reported.last_used or reported.last_rotated) if reported else None
    if reported is None and REPORT not in unknown and REPORT not in person.not_read:
        unknown.append(REPORT)
    if reported is None and made and key.created and key.created > made:
        idle = _days(now, key.created)  # it cannot be idle for longer than it exists
    return [
        person.user.name,
        key.id,
        key.status,
        key.active,
        key.created,
        reported.last_rotated if reported else None,
        _days(now, key.rotated or key.created),
        key.last_used,
        reported.last_used_service if reported else "",
        reported.last_used_region if reported else "",
        used,
        idle,
        len(active),
        key is newest,
        person.password_enabled,
        ", ".join(unknown),
        ", ".join(op for op in person.not_read if op in (REPORT, "ListAccessKeys")),
    ]


# Account


def _root_has_key(state: AccountState, root: ReportRow | None) -> bool | None:
    if state.summary:
        return bool(state.summary.get("AccountAccessKeysPresent"))
    return any(key and key.active for key in root.keys) if root else None


def _root_has_mfa(state: AccountState, root: ReportRow | None) -> bool | None:
    if state.summary:
        return bool(state.summary.get("AccountMFAEnabled"))
    return root.mfa_active if root else None


def _gaps(state: AccountState, operations: Iterable[str]) -> tuple[str, str]:
    status = {operation: state.source(operation).status for operation in operations}
    unknown = ", ".join(op for op, word in status.items() if word == UNKNOWN)
    return unknown, ", ".join(op for op, word in status.items() if word == NOT_READ)


# Permissions


def _cells(grants: tuple[Grant, ...], limits: Restrictions, holdings: Holdings) -> pd.DataFrame:
    """What one policy leaves a user with, by service and access level."""
    catalogue = holdings.catalogue
    masks = {"any": 0, "all": 0, "always": 0}
    for grant in grants:
        if grant.allows:
            masks["any"] |= grant.actions
            masks["all"] |= grant.actions if grant.scope == "all" else 0
            masks["always"] |= 0 if grant.conditions else grant.actions
    left = {name: limits.of(mask) for name, mask in masks.items()}
    rows = [
        (service, level, cell.bit_count(), total, everywhere, always)
        for service, level, cell, total, everywhere, always in _by_level(left, catalogue)
    ]
    names = ["service", "access_level", "actions", "of", "everywhere", "always"]
    return pd.DataFrame(rows, columns=names)


def _by_level(left: Mapping[str, int], catalogue: Any) -> Iterator[tuple[Any, ...]]:
    for service, (first, end) in catalogue.services.items():
        window = (1 << (end - first)) - 1
        here = {name: mask >> first & window for name, mask in left.items()}
        if not here["any"]:
            continue
        for level, of_level in catalogue.levels.items():
            cell = here["any"] & (mask := of_level >> first & window)
            if cell:
                yield (
                    service,
                    level,
                    cell,
                    mask.bit_count(),
                    bool(here["all"] & mask),
                    bool(here["always"] & mask),
                )


def _joined(parts: list[tuple[str, Path, pd.DataFrame]]) -> pd.DataFrame:
    """The users' cells below each other, by repeating what is small."""
    if not parts:
        return make_frame(schema.PERMISSIONS, [])
    sizes = [len(cells) for _, _, cells in parts]
    body = pd.concat([cells for _, _, cells in parts], ignore_index=True)

    def repeated(values: list[str]) -> Any:
        kinds = sorted(set(values))
        codes = {kind: code for code, kind in enumerate(kinds)}
        numbers = np.repeat([codes[value] for value in values], sizes)
        return pd.Categorical.from_codes(numbers, categories=pd.Index(kinds, dtype="str"))

    resources = body["everywhere"].astype(bool).map({True: "all", False: "some"})
    return pd.DataFrame(
        {
            "user": repeated([user for user, _, _ in parts]),
            "service": body["service"].astype("category"),
            "access_level": body["access_level"].astype("category"),
            "actions": body["actions"].astype("Int64"),
            "of": body["of"].astype("Int64"),
            "resources": resources.astype("category"),
            "conditional": (~body["always"].astype("boolean")),
            "path": repeated([str(path) for _, path, _ in parts]),
        }
    )


# Small things


def _members(state: AccountState) -> dict[str, list[str]]:
    members: dict[str, list[str]] = {}
    for name in sorted(state.users):
        for group in state.users[name].groups:
            members.setdefault(group, []).append(name)
    return members


def _group_policies(group: Group) -> list[str]:
    names = [*group.inline_policies, *(arn.rpartition("/")[2] for arn in group.attached_policies)]
    return [f"{group.name}: {name}" for name in sorted(names)]


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


def _policy_names(arns: Iterable[str]) -> str:
    return _listed(arn.rpartition("/")[2] for arn in arns)


def _some(names: list[str], most: int = 20) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _truth(path: str | None) -> bool | None:
    return None if path is None else bool(path)


def _days(later: datetime | None, earlier: datetime | None) -> int | None:
    return (later - earlier).days if later and earlier else None


def _hours(now: datetime, moment: datetime | None) -> float | None:
    return round((now - moment).total_seconds() / 3600, 2) if moment else None
