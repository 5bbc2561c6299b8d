"""Accounts from a few words of JSON: ages in days before one moment, everything else as usual."""

from datetime import UTC, datetime, timedelta

from iamkit.account.state import (
    ROOT_USER,
    AccessKey,
    AccountState,
    Credential,
    Group,
    ManagedPolicy,
    MfaDevice,
    PasswordPolicy,
    ReportedKey,
    ReportRow,
    Role,
    Source,
    User,
)

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
ACCOUNT = "111122223333"
TEAM = "team"
"""The group of users for whom a case names none; it has the policies that the case gives it."""
SOURCES = (
    "GetAccountAuthorizationDetails GetCredentialReport GetAccountSummary ListAccessKeys "
    "GetAccountPasswordPolicy ListAccountAliases ListVirtualMFADevices ListAnalyzers "
    "ListServerCertificates ListMFADevices ListServiceSpecificCredentials ListSigningCertificates"
).split()

READ = {
    name: Source(status="read", at=NOW)
    for name in (*SOURCES, "GetLoginProfile", "ListSSHPublicKeys")
}
"""That all was read, of everybody."""


def ago(days):
    """A moment so many days before now; None for never."""
    return None if days is None else NOW - timedelta(days=days)


def account_of(case):
    """The state of an account that a case describes; a case names only what it is about.

    Groups that a user names and the case does not describe are empty, but ``undescribed_groups``.
    """
    given = {"sources": {}, "users": [], "groups": [], "policies": [], "roles": [], **case}
    unread = given["sources"]
    sources = {
        name: Source(status=unread.get(name, "read"), at=NOW)
        for name in SOURCES
        if unread.get(name) != "not read"
    }
    described = {one["name"] for one in given["groups"]} | set(given.get("undescribed_groups", ()))
    named = {name for one in given["users"] for name in one.get("groups", ["team"])}
    given["groups"] = [*given["groups"], *({"name": name} for name in sorted(named - described))]
    has_report = "GetCredentialReport" not in unread
    rows = [_row(one) for one in given["users"] if one.get("in_report", True)]
    rows += [_root(given["root"])] if "root" in given else []
    keys = {
        one["name"]: tuple(_key(key) for key in one.get("keys", ()))
        for one in given["users"]
        if "ListAccessKeys" not in unread and not one.get("keys_failed")
    }
    devices = {
        one["name"]: (MfaDevice(serial=one["mfa_serial"]),)
        for one in given["users"]
        if "mfa_serial" in one
    }
    if given.get("root", {}).get("mfa_virtual"):
        devices[ROOT_USER] = (MfaDevice(serial=f"arn:aws:iam::{ACCOUNT}:mfa/root"),)
    return AccountState(
        account_id=ACCOUNT,
        read_at=NOW,
        users={one["name"]: _user(one) for one in given["users"]},
        groups={
            one["name"]: Group(
                name=one["name"],
                inline_policies=one.get("inline", {}),
                attached_policies=frozenset(one.get("attached", ())),
            )
            for one in given["groups"]
        },
        roles={
            one["name"]: Role(
                name=one["name"],
                arn=f"arn:aws:iam::{ACCOUNT}:role/{one['name']}",
                inline_policies=one.get("inline", {}),
                attached_policies=frozenset(one.get("attached", ())),
                trust_policy=one.get("trust", {}),
            )
            for one in given["roles"]
        },
        policies={one["arn"]: _policy(one) for one in given["policies"]},
        report={row.user: row for row in rows} if has_report else {},
        summary=given.get("summary", {}),
        access_keys=keys,
        mfa_devices=devices,
        password_policy=PasswordPolicy(**given["rules"]) if "rules" in given else None,
        server_certificates=tuple(
            Credential(id=one["id"], expires=ago(-one["expires_in"]))
            for one in given.get("server_certificates", ())
        ),
        analyzers=tuple(given.get("analyzers", ())),
        sources=sources,
    )


def _user(one):
    return User(
        name=one["name"],
        id=one.get("id", f"AIDA{one['name']}"),
        arn=f"arn:aws:iam::{ACCOUNT}:user/{one['name']}",
        created=ago(one.get("created", 400)),
        tags=one.get("tags", {}),
        groups=frozenset(one.get("groups", [TEAM])),
        inline_policies=one.get("inline", {}),
        attached_policies=frozenset(one.get("attached", ())),
        permissions_boundary=one.get("boundary"),
    )


def _policy(one):
    return ManagedPolicy(
        arn=one["arn"], name=one["arn"].rpartition("/")[2], document=one["document"]
    )


def _key(one):
    return AccessKey(
        id=one["id"],
        status="Active" if one.get("active", True) else "Inactive",
        created=ago(one["age"]),
    )


def _row(one):
    password = one.get("password")
    reported = [_reported(key) for key in one.get("keys", ()) if key.get("in_report", True)]
    return ReportRow(
        user=one["name"],
        arn=f"arn:aws:iam::{ACCOUNT}:user/{one['name']}",
        created=ago(one.get("created", 400)),
        password_enabled=password is not None,
        password_last_used=ago((password or {}).get("used")),
        password_last_changed=ago((password or {}).get("changed")),
        password_next_rotation=None,
        mfa_active=one.get("mfa", True),
        keys=tuple([*reported, None, None][:2]),
        certificates=(None, None),
    )


def _reported(one):
    return ReportedKey(
        active=one.get("active", True),
        last_rotated=ago(one["age"]),
        last_used=ago(one.get("used")),
        last_used_service="s3" if one.get("used") is not None else "",
    )


def _root(one):
    return ReportRow(
        user=ROOT_USER,
        arn=f"arn:aws:iam::{ACCOUNT}:root",
        created=ago(2000),
        password_enabled=None,
        password_last_used=ago(one.get("used")),
        password_last_changed=None,
        password_next_rotation=None,
        mfa_active=one.get("mfa", True),
        keys=(
            _reported({"age": 900, "used": one.get("key_used")}) if one.get("key") else None,
            None,
        ),
        certificates=(None, None),
    )
