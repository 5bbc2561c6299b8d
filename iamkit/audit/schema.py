"""What the audit's tables hold: each column with its dtype, meaning, unit and source."""

from collections.abc import Mapping
from typing import Any

from iamkit.account.gaps import REPORT
from iamkit.audit.account_table import ACCOUNT, SOURCES
from iamkit.audit.columns import SEVERITIES, Schema, in_words, tell_cells
from iamkit.audit.findings import FINDINGS
from iamkit.audit.groups_table import GROUPS, MEMBERSHIPS
from iamkit.audit.keys_table import ACCESS_KEYS
from iamkit.audit.permissions_table import PERMISSIONS
from iamkit.audit.policies_table import POLICIES
from iamkit.audit.priorities import STANDING
from iamkit.audit.roles_table import ROLES
from iamkit.audit.users_table import PEOPLE

__all__ = ["FINDINGS", "REPORT", "SEVERITIES", "SOURCES", "TABLES", "USERS"]
__all__ += ["Schema", "in_words", "tell_cells"]

USERS: Schema[Any] = {**PEOPLE, **STANDING}
"""``audit_users``: one row per user, in the order of their names."""

TABLES: Mapping[str, Schema[Any]] = {
    "users": USERS,
    "access_keys": ACCESS_KEYS,
    "groups": GROUPS,
    "roles": ROLES,
    "policies": POLICIES,
    "memberships": MEMBERSHIPS,
    "permissions": PERMISSIONS,
    "account": ACCOUNT,
    "findings": FINDINGS,
    "sources": SOURCES,
}
"""Every table by the name of ``Audit``'s attribute."""
