"""The account as plain DataFrames: real dtypes, a documented schema, a stable order.

Each function is pure; what the columns mean is in ``iamkit.audit.schema``.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from iamkit.account.gaps import Gaps, is_described, judge_sources
from iamkit.account.state import (
    JSON,
    ROOT_USER,
    AccessKey,
    AccountState,
    Credential,
    Group,
    ReportedKey,
    ReportRow,
    Source,
    User,
)
from iamkit.audit import schema
from iamkit.audit.policy_review import review_document
from iamkit.audit.schema import DETAILS, NOT_READ, REPORT, UNKNOWN, make_frame
from iamkit.policies.evaluation.holdings import Holdings, Restrictions
from iamkit.policies.evaluation.reach import Grants


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
    def last_used(self) -> datetime | None:
        """When it was last used, as far as the report says."""
        return self.reported.last_used if self.reported else None


@dataclass(frozen=True)
class Person:
    """A user with what single calls and the report say, and what is not known.

    Attributes:
        described: whether more is known than the credential report says.
        keys: None if nobody knows.
    """

    user: User
    described: bool
    row: ReportRow | None
    keys: tuple[Key, ...] | None
    unknown: tuple[str, ...]
    not_read: tuple[str, ...]

    @property
    def password_enabled(self) -> bool | None:
        """Whether it has a console password; None if nobody knows."""
        return self.row.password_enabled if self.row else None


def join_people(state: AccountState, gaps: Gaps) -> list[Person]:
    """Every user with all that was read of it, in the order of their names."""
    known = dict(state.users) | {name: _reported_user(state.report[name]) for name in gaps.users}
    return [_person(known[name], state, gaps) for name in sorted(known)]


def _reported_user(row: ReportRow) -> User:
    return User(name=row.user, arn=row.arn, created=row.created)


def users_table(
    state: AccountState, people: Iterable[Person], rights: Holdings, now: datetime
) -> pd.DataFrame:
    """One row per user: the columns of ``schema.USERS`` but those that findings add."""
    columns = dict(list(schema.USERS.items())[:-4])
    group_policies = {name: _group_policies(group) for name, group in state.groups.items()}
    made = state.source(REPORT).at
    common = (made, _hours(now, made), state.read_at)
    return make_frame(
        columns,
        (
            _user_row(
                person,
                state,
                rights=rights,
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
        if person.keys is None:
            rows.append(_unread_keys(person))
        rows += [_key_row(person, key, now, made) for key in person.keys or ()]
    root = state.report.get(ROOT_USER)
    for key in _reported_keys(root):
        person = Person(User(name=ROOT_USER), True, root, (key,), (), ("ListAccessKeys",))
        rows.append(_key_row(person, key, now, made))
    return make_frame(schema.ACCESS_KEYS, rows)


def groups_table(state: AccountState, rights: Holdings) -> pd.DataFrame:
    """One row per group: the columns of ``schema.GROUPS``."""
    members, gaps = members_of(state), rights.gaps
    whole = not {"users"} & gaps.holders
    rows = []
    for name in sorted({*state.groups, *gaps.groups}):
        group, count = state.groups.get(name), len(members.get(name, ()))
        path = rights.of_group(name).admin_path
        unsure = not whole or path is None
        rows.append(
            [
                name,
                group.path if group else None,
                group.arn if group else None,
                group.created if group else None,
                count if whole else None,
                _listed(group.inline_policies) if group else None,
                _policy_names(group.attached_policies) if group else None,
                _truth(path),
                False if count else True if whole else None,
                DETAILS if unsure or group is None else "",
            ]
        )
    return make_frame(schema.GROUPS, rows)


def memberships_table(state: AccountState) -> pd.DataFrame:
    """One row per user in a group: the columns of ``schema.MEMBERSHIPS``."""
    members = members_of(state)
    pairs = ((group, user) for group in sorted(members) for user in members[group])
    return make_frame(schema.MEMBERSHIPS, pairs)


def policies_table(state: AccountState, gaps: Gaps) -> pd.DataFrame:
    """One row per managed and per inline policy, and for whose are not known: ``POLICIES``."""
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
    for arn in {*state.policies, *holders, *bounds}:
        policy = state.policies.get(arn)
        held, bounded = holders.get(arn, []), bounds.get(arn, [])
        found = _reviewed(policy.document if policy else {})
        known = [_holders_cells(held, bounded, whole=not gaps.holders), found]
        rows.append(
            [
                policy.name if policy else arn.rpartition("/")[2],
                "aws" if arn.split(":")[4:5] == ["aws"] else "customer",
                "",
                arn,
                policy.updated if policy else None,
                *known[0],
                *found,
                DETAILS if gaps.holders or found[0] is None else "",
            ]
        )
    for name, holder, document in inline:
        found = _reviewed(document)
        lacks = DETAILS if found[0] is None else ""
        rows.append([name, "inline", holder, "", None, holder, 1, 0, True, *found, lacks])
    unread = [*(f"group {n}" for n in gaps.groups), *(f"user {n}" for n in gaps.users)]
    rows += [
        [None, "inline", holder, "", None, holder, None, None, None, *_reviewed({}), DETAILS]
        for holder in unread
    ]
    rows.sort(key=lambda row: (row[1], row[0] or "", row[2], row[3]))
    return make_frame(schema.POLICIES, rows)


def _reviewed(document: JSON) -> tuple[bool | None, str | None, bool | None, str | None]:
    return review_document(document) if is_described(document) else (None, None, None, None)


def _holders_cells(held: list[str], bounded: list[str], *, whole: bool) -> list[Any]:
    """Who has a managed policy, how many they are; where not all holders are known, no number."""
    names = ", ".join([*held, *(f"bounds {name}" for name in bounded)])
    if whole:
        return [names, len(held) + len(bounded), len(bounded), bool(held)]
    return [names or None, None, None, True if held else None]


def account_table(state: AccountState, gaps: Gaps, now: datetime) -> pd.DataFrame:
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
    unknown, not_read = _unread(state, _ACCOUNT_SOURCES)
    if gaps.kinds or gaps.holders:
        unknown = ", ".join(filter(None, [unknown, DETAILS]))
    supporters = sum(support in role.attached_policies for role in state.roles.values())
    row = [
        state.account_id,
        state.alias or ("" if read("ListAccountAliases").status == "read" else None),
        None if "users" in gaps.kinds else len(state.users) + len(gaps.users),
        None if "groups" in gaps.kinds else len(state.groups) + len(gaps.groups),
        None if "roles" in gaps.kinds else len(state.roles),
        _root_has_key(state, root),
        _root_has_password(state, root),
        _root_has_mfa(state, root),
        mfa_virtual,
        last,
        _days(now, last),
        bool(last) if root else None,
        minimum,
        reuse,
        None if "roles" in gaps.kinds else supporters,
        len(state.analyzers) if read("ListAnalyzers").status == "read" else None,
        ", ".join(expired) if has_certificates else None,
        len(expired) if has_certificates else None,
        ", ".join(shells) or (None if gaps.holders else ""),
        unknown,
        not_read,
    ]
    return make_frame(schema.ACCOUNT, [row])


def sources_table(state: AccountState, now: datetime) -> pd.DataFrame:
    """One row per operation that an audit reads: the columns of ``schema.SOURCES``."""
    names = sorted({*state.sources, *_USER_SOURCES, *_ACCOUNT_SOURCES, schema.DETAILS})
    judged = judge_sources(state)
    return make_frame(
        schema.SOURCES,
        (
            [name, _status(s), s.at, _hours(now, s.at), len(s.missing), s.note]
            for name, s in ((name, judged.get(name, state.source(name))) for name in names)
        ),
    )


def _status(source: Source) -> str:
    return "in part" if source.in_part else source.status


def permissions_table(
    state: AccountState, rights: Holdings, users: Iterable[str] | None = None
) -> pd.DataFrame:
    """What each user may do, by service and access level: ``schema.PERMISSIONS``.

    Args:
        state: the account.
        rights: what its users hold.
        users: the users to look at; all without it, which may be millions of rows.
    """
    gaps = rights.gaps
    names = sorted({*state.users, *gaps.users} if users is None else users)
    cells: dict[tuple[Grants, Restrictions], pd.DataFrame] = {}
    parts = []
    for name in names:
        if name not in state.users:
            parts.append((name, "own and groups", UNREAD))
            continue
        user = state.users[name]
        holding = rights.of(user)
        for grants in holding.policies:
            key = (grants, holding.restrictions)
            if key not in cells:
                cells[key] = _cells(*key) if grants.is_read else UNREAD
            parts.append((name, str(grants.path), cells[key]))
        if gaps.bounds(user):
            parts.append((name, f"boundary {user.permissions_boundary}", UNREAD))
    return _joined(parts)


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


def _person(user: User, state: AccountState, gaps: Gaps) -> Person:
    row = state.reported(user)
    described = user.name in state.users
    unknown, not_read = _lacking(user, row, state)
    if not described or gaps.grants_of(user) or gaps.bounds(user):
        unknown = (DETAILS, *unknown)
    return Person(user, described, row, _keys_of(user, row, state), unknown, not_read)


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
    why = {op: state.why_unknown(op, name) for op, lack in lacks.items() if lack}
    unknown = tuple(op for op, word in why.items() if word == UNKNOWN)
    return unknown, tuple(op for op, word in why.items() if word == NOT_READ)


def _keys_of(user: User, row: ReportRow | None, state: AccountState) -> tuple[Key, ...] | None:
    listed = state.access_keys.get(user.name)
    if listed is None:
        return _reported_keys(row) if row else None
    return _merge(listed, row.keys if row else (None, None))


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


def _reported_keys(row: ReportRow | None) -> tuple[Key, ...]:
    keys = enumerate(row.keys if row else (), 1)
    return tuple(Key(slot, None, key.active, None, key) for slot, key in keys if key)


def _user_row(
    person: Person,
    state: AccountState,
    *,
    rights: Holdings,
    now: datetime,
    group_policies: Mapping[str, list[str]],
    common: tuple[Any, ...],
) -> list[Any]:
    user, row = person.user, person.row
    return [
        user.name,
        state.account_id,
        user.id if person.described else None,
        user.path if person.described else None,
        user.arn,
        user.created,
        *(_granted_cells(user, rights, group_policies) if person.described else [None] * 9),
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


def _granted_cells(
    user: User, rights: Holdings, group_policies: Mapping[str, list[str]]
) -> list[Any]:
    """Tags, groups and policies, and what follows from them."""
    through = [text for group in sorted(user.groups) for text in group_policies.get(group, ())]
    held = rights.of(user)
    return [
        ", ".join(f"{key}={value}" for key, value in sorted(user.tags.items())),
        _listed(user.groups),
        _listed(user.inline_policies),
        _policy_names(user.attached_policies),
        None if user.groups & set(rights.gaps.groups) else ", ".join(through),
        (user.permissions_boundary or "").rpartition("/")[2],
        _truth(held.admin_path),
        held.admin_path,
        None if held.escalations is None else "; ".join(held.escalations),
    ]


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
        return [active, None, None, None]
    devices = devices or ()
    return [
        active,
        ", ".join(device.serial for device in devices),
        ", ".join(sorted({device.kind for device in devices})),
        min((device.enabled for device in devices if device.enabled), default=None),
    ]


def _key_cells(person: Person, now: datetime) -> list[Any]:
    if person.keys is None:
        return [None] * 17
    cells: list[Any] = [_active_keys(person.keys)]
    for slot in (1, 2):
        key = next((key for key in person.keys if key.slot == slot), None)
        if key is None:
            cells += ["", "", None, None, None, None, "", ""]
            continue
        cells += [
            key.id,
            key.status,
            key.created,
            key.reported.last_rotated if key.reported else None,
            _days(now, key.rotated or key.created),
            key.last_used,
            key.reported.last_used_service if key.reported else None,
            key.reported.last_used_region if key.reported else None,
        ]
    return cells


def _active_keys(keys: Iterable[Key]) -> int | None:
    active = [key.active for key in keys]
    return None if None in active else sum(bool(one) for one in active)


def _certificate_cells(row: ReportRow | None) -> list[Any]:
    cells: list[Any] = []
    for certificate in row.certificates if row else (None, None):
        active = certificate.active if certificate else False
        cells += [active if row else None, certificate.last_rotated if certificate else None]
    return cells


def _credential_text(
    found: Mapping[str, tuple[Credential, ...]], person: Person, operation: str
) -> str | None:
    if operation in person.unknown or operation in person.not_read:
        return None
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
    never = False if last else _any([row.password_enabled, any(row.keys)])
    return [last, _days(now, last or person.user.created), never]


# Keys


def _key_row(person: Person, key: Key, now: datetime, made: datetime | None) -> list[Any]:
    keys = person.keys or ()
    active = [k for k in keys if k.active]
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
        key.slot,
        key.id,
        key.status,
        key.active,
        key.created,
        reported.last_rotated if reported else None,
        _days(now, key.rotated or key.created),
        key.last_used,
        reported.last_used_service if reported else None,
        reported.last_used_region if reported else None,
        used,
        idle,
        _active_keys(keys),
        key is newest if all(k.active is not None for k in keys) else None,
        person.password_enabled,
        ", ".join(unknown),
        ", ".join(op for op in person.not_read if op in (REPORT, "ListAccessKeys")),
    ]


def _unread_keys(person: Person) -> list[Any]:
    """The row of a user whose keys nobody knows."""
    blank = [None] * (len(schema.ACCESS_KEYS) - 3)
    return [person.user.name, *blank, *map(", ".join, (person.unknown, person.not_read))]


# Account


def _root_has_key(state: AccountState, root: ReportRow | None) -> bool | None:
    """The summary is fresher; the report may be four hours old."""
    if (present := state.summary.get("AccountAccessKeysPresent")) is not None:
        return bool(present)
    return _any(key.active for key in root.keys if key) if root else None


def _root_has_password(state: AccountState, root: ReportRow | None) -> bool | None:
    """Central root access takes the password away; reports before it say ``not_supported``.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_root-user-access-management.html
    """
    if (present := state.summary.get("AccountPasswordPresent")) is not None:
        return bool(present)
    return root.password_enabled if root else None


def _root_has_mfa(state: AccountState, root: ReportRow | None) -> bool | None:
    if (enabled := state.summary.get("AccountMFAEnabled")) is not None:
        return bool(enabled)
    return root.mfa_active if root else None


def _unread(state: AccountState, operations: Iterable[str]) -> tuple[str, str]:
    status = {operation: state.source(operation).status for operation in operations}
    unknown = ", ".join(op for op, word in status.items() if word == UNKNOWN)
    return unknown, ", ".join(op for op, word in status.items() if word == NOT_READ)


# Permissions


def _cells(grants: Grants, limits: Restrictions) -> pd.DataFrame:
    """What one policy leaves a user with, by service and access level."""
    masks = {"any": 0, "all": 0, "always": 0}
    for statement, actions in grants:
        if statement.allows:
            masks["any"] |= actions
            masks["all"] |= actions if statement.scope == "all" else 0
            masks["always"] |= 0 if statement.condition_keys else actions
    left = {name: limits.of(mask) for name, mask in masks.items()}
    rows = [
        (service, level, cell.bit_count(), total, everywhere, always)
        for service, level, cell, total, everywhere, always in _by_level(left, grants.catalogue)
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


UNREAD = pd.DataFrame(
    [(None, None, None, None, None, None)],
    columns=["service", "access_level", "actions", "of", "everywhere", "always"],
)
"""What a policy that nobody described leaves."""


def _joined(parts: list[tuple[str, str, pd.DataFrame]]) -> pd.DataFrame:
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

    resources = body["everywhere"].map({True: "all", False: "some"})
    return pd.DataFrame(
        {
            "user": repeated([user for user, _, _ in parts]),
            "service": body["service"].astype("category"),
            "access_level": body["access_level"].astype("category"),
            "actions": body["actions"].astype("Int64"),
            "of": body["of"].astype("Int64"),
            "resources": resources.astype("category"),
            "conditional": (~body["always"].astype("boolean")),
            "path": repeated([path for _, path, _ in parts]),
            "unknown": repeated([DETAILS if cells is UNREAD else "" for _, _, cells in parts]),
        }
    )


# Small things


def members_of(state: AccountState) -> dict[str, list[str]]:
    """By group, the users who name it, in order; groups that nobody described too."""
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


def _truth(path: str | None) -> bool | None:
    return None if path is None else bool(path)


def _any(values: Iterable[bool | None]) -> bool | None:
    """True if one is; else None if one is not known."""
    found = list(values)
    return True if True in found else None if None in found else False


def _days(later: datetime | None, earlier: datetime | None) -> int | None:
    return (later - earlier).days if later and earlier else None


def _hours(now: datetime, moment: datetime | None) -> float | None:
    return round((now - moment).total_seconds() / 3600, 2) if moment else None
