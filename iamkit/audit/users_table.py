"""``audit_users``: one row per user, in the order of their names, but for what findings add."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from iamkit.account.gaps import REPORT
from iamkit.account.state import Credential, ReportedCertificate
from iamkit.audit.cells import any_of, days, in_order, policy_names, truth
from iamkit.audit.columns import LACKING, Column, Schema, Value, flag, number, text, time
from iamkit.audit.keys_table import ACCESS_KEYS, EITHER
from iamkit.audit.people import HeldKey, Person

DEVICES = "ListVirtualMFADevices or ListMFADevices"
PROFILE = "GetLoginProfile"
NO_CERTIFICATE = ReportedCertificate(active=False)
_OF_KEYS = (
    "key status created last_rotated age_days last_used last_used_service last_used_region"
).split()
"""Of a key's columns in ``ACCESS_KEYS``, those that stand in its user's row too."""


def _key(slot: int) -> Iterator[tuple[str, Column[Person]]]:
    for name in _OF_KEYS:
        column: Column[Any] = ACCESS_KEYS[name]
        never_if = column.never_if and f"key_{slot}_{column.never_if}"
        value = _in_slot(slot, column.value, "" if column.dtype == "str" else None)
        yield (
            f"key_{slot}_{'id' if name == 'key' else name}",
            replace(column, value=value, never_if=never_if),
        )


def _in_slot(slot: int, value: Value[HeldKey], nothing: Any) -> Value[Person]:
    """A key's value for its user, or nothing if the slot is empty."""

    def cell(person: Person) -> Any:
        held = person.slots.get(slot)
        return value(held) if held else nothing

    return cell


def _certificate(slot: int, ordinal: str) -> Iterator[tuple[str, Column[Person]]]:
    def reported(person: Person) -> ReportedCertificate:
        return person.report.certificates[slot - 1] or NO_CERTIFICATE

    yield (
        f"cert_{slot}_active",
        flag(f"{ordinal} signing certificate", lambda p: reported(p).active, REPORT),
    )
    yield (
        f"cert_{slot}_last_rotated",
        time("when it was uploaded or changed", lambda p: reported(p).last_rotated, REPORT),
    )


def _in_words(found: tuple[Credential, ...]) -> str:
    return ", ".join(
        (f"{one.service}: " if one.service else "")
        + f"{one.id} ({one.status}"
        + (f", until {one.expires:%Y-%m-%d}" if one.expires else "")
        + ")"
        for one in found
    )


def _through_groups(person: Person) -> str | None:
    groups, found = person.user.groups, person.facts.group_policies
    if not groups <= found.keys():
        return None
    return ", ".join(text for group in sorted(groups) for text in found[group])


def _tagged(person: Person, key: str) -> str:
    """The value of a tag, whose key IAM tells apart by no case; empty without it."""
    return next((value for name, value in person.user.tags.items() if name.lower() == key), "")


def _never_used(person: Person) -> bool | None:
    row = person.report
    return False if person.last_activity else any_of([row.password_enabled, any(row.keys)])


PEOPLE: Schema[Person] = {
    "user": text("the user's name", lambda p: p.name),
    "account_id": text(
        "the account, 12 digits", lambda p: p.facts.state.account_id, "GetCallerIdentity"
    ),
    "user_id": text(
        "the unique id, which a later user of that name does not have", lambda p: p.user.id
    ),
    "path": text("IAM path", lambda p: p.user.path),
    "arn": text("ARN", lambda p: p.known.arn),
    "created": time("when the user was created", lambda p: p.known.created),
    "tags": text(
        "key=value, in the order of the keys",
        lambda p: ", ".join(f"{key}={value}" for key, value in sorted(p.user.tags.items())),
    ),
    "team": text("the value of the tag team", lambda p: _tagged(p, "team")),
    "groups": text("the groups, in order", lambda p: in_order(p.user.groups)),
    "inline_policies": text(
        "names of the user's own inline policies", lambda p: in_order(p.user.inline_policies)
    ),
    "attached_policies": text(
        "names of the policies attached to the user",
        lambda p: policy_names(p.user.attached_policies),
    ),
    "group_policies": text("what comes through groups, as group: policy", _through_groups),
    "permissions_boundary": text(
        "the boundary's policy, by name",
        lambda p: (p.user.permissions_boundary or "").rpartition("/")[2],
    ),
    "effective_admin": flag("may call all of IAM on everything", lambda p: truth(p.admin_path)),
    "admin_path": text(
        "group, policy and statement that make an administrator", lambda p: p.admin_path
    ),
    "escalations": text(
        "how a user can become administrator: what it does (by which calls; without which "
        "statements not)",
        lambda p: p.escalations,
    ),
    "password_enabled": flag(
        "has a console password", lambda p: p.password_enabled, f"{REPORT} or {PROFILE}"
    ),
    "password_last_used": time(
        "last sign-in to the console",
        lambda p: p.report.password_last_used,
        REPORT,
        "password_enabled",
    ),
    "password_last_changed": time(
        "when the password was set", lambda p: p.password_changed, REPORT
    ),
    "password_next_rotation": time(
        "when it must be changed", lambda p: p.report.password_next_rotation, REPORT
    ),
    "password_reset_required": flag(
        "must change it at the next sign-in", lambda p: p.password_reset_required, PROFILE
    ),
    "password_age_days": number(
        "since the password was set",
        lambda p: days(p.facts.now, p.password_changed),
        REPORT,
        "days",
    ),
    "password_idle_days": number(
        "since the last sign-in or, if there was none, since it was set",
        lambda p: days(p.facts.now, p.report.password_last_used or p.password_changed),
        REPORT,
        "days",
    ),
    "days_to_rotation": number(
        "until the password must be changed",
        lambda p: days(p.report.password_next_rotation, p.facts.now),
        REPORT,
        "days",
    ),
    "first_login_pending": flag(
        "has a password and never signed in",
        lambda p: bool(p.report.password_enabled and p.report.password_last_used is None),
        REPORT,
    ),
    "mfa_active": flag("has an MFA device", lambda p: p.mfa_active, f"{REPORT} or ListMFADevices"),
    "mfa_devices": text(
        "serial numbers", lambda p: ", ".join(one.serial for one in p.devices), DEVICES
    ),
    "mfa_kinds": text(
        "virtual, hardware, passkey", lambda p: in_order({one.kind for one in p.devices}), DEVICES
    ),
    "mfa_since": time(
        "the first device's date",
        lambda p: min((one.enabled for one in p.devices if one.enabled), default=None),
        DEVICES,
    ),
    "active_keys": number("access keys that are active", lambda p: p.active_keys, EITHER),
    **dict(_key(1)),
    **dict(_key(2)),
    **dict(_certificate(1, "first")),
    **dict(_certificate(2, "second")),
    "certificates": text(
        "ids of the signing certificates",
        lambda p: _in_words(p.signing_certificates),
        "ListSigningCertificates",
    ),
    "ssh_public_keys": text(
        "id (status)", lambda p: _in_words(p.ssh_public_keys), "ListSSHPublicKeys"
    ),
    "service_credentials": text(
        "service: id (status, expiry)",
        lambda p: _in_words(p.service_credentials),
        "ListServiceSpecificCredentials",
    ),
    "last_activity": time(
        "last use of password or keys", lambda p: p.last_activity, REPORT, "user"
    ),
    "idle_days": number(
        "since then, or since the user was created",
        lambda p: days(p.facts.now, p.last_activity or p.known.created),
        REPORT,
        "days",
    ),
    "never_used": flag("has credentials, and none was ever used", _never_used, REPORT),
    "report_made": time(
        "when AWS made the credential report", lambda p: p.facts.report_made, REPORT
    ),
    "report_age_hours": Column(
        "Float64", "how old its values are", lambda p: p.facts.report_age, REPORT, "hours"
    ),
    "read_at": time("when the rest was read", lambda p: p.facts.state.read_at),
    **LACKING,
}
