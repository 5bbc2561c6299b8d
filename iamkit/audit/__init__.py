"""The audit: everyone in the account as pandas tables, and what to do about it.

``Audit`` makes each table once, when it is first asked for. The functions beside it are for who
wants a single table.
"""

from collections.abc import Iterable
from datetime import datetime
from functools import cached_property
from typing import Any

import pandas as pd

from iamkit.account.state import ROOT_USER, AccountState
from iamkit.audit.account_table import ACCOUNT, SOURCES, Account, all_sources
from iamkit.audit.checks import CHECKS, Check, Table, check
from iamkit.audit.columns import Columns, make_frame
from iamkit.audit.facts import DEFAULTS, Facts
from iamkit.audit.findings import FINDINGS, Finding, Tally, find, tally, waivers_table
from iamkit.audit.groups_table import GROUPS, MEMBERSHIPS, all_groups, all_memberships
from iamkit.audit.keys_table import ACCESS_KEYS, held_keys
from iamkit.audit.people import HeldKey, Person, join_people, join_root
from iamkit.audit.permissions_table import permissions_of
from iamkit.audit.policies_table import POLICIES, all_policies
from iamkit.audit.priorities import STANDING, standings
from iamkit.audit.roles_table import ROLES, all_roles
from iamkit.audit.users_table import PEOPLE
from iamkit.parameters.thresholds import Thresholds, Waiver

__all__ = [
    "CHECKS",
    "Audit",
    "Check",
    "audit_access_keys",
    "audit_findings",
    "audit_groups",
    "audit_memberships",
    "audit_permissions",
    "audit_policies",
    "audit_roles",
    "audit_users",
    "check",
]


class Audit(Facts):
    """An account under audit; every table is a plain DataFrame, described in ``audit.schema``.

    Args:
        state: the account, as ``survey_account`` or ``load_state`` read it.
        thresholds: from when on to mind.
        waivers: the findings that somebody has accepted.
        now: the moment for which ages in days are told, in UTC; when the account was read
            without it.
    """

    def of(self, state: AccountState) -> "Audit":
        """Another state of the account, audited with the same thresholds and waivers."""
        return Audit(state, self.thresholds, self.given_waivers)

    @cached_property
    def users(self) -> pd.DataFrame:
        """One row per user: ``schema.USERS``."""
        found = make_frame(STANDING, standings(self.findings, self._users["user"]))
        return pd.concat([self._users, found], axis="columns")

    @cached_property
    def access_keys(self) -> pd.DataFrame:
        """One row per access key, the root's included: ``schema.ACCESS_KEYS``."""
        root = join_root(self)
        return make_frame(ACCESS_KEYS, held_keys([*self.people, *([root] if root else [])]))

    @cached_property
    def groups(self) -> pd.DataFrame:
        """One row per group: ``schema.GROUPS``."""
        return make_frame(GROUPS, all_groups(self))

    @cached_property
    def roles(self) -> pd.DataFrame:
        """One row per role: ``schema.ROLES``."""
        return make_frame(ROLES, all_roles(self))

    @cached_property
    def policies(self) -> pd.DataFrame:
        """One row per policy: ``schema.POLICIES``."""
        return make_frame(POLICIES, all_policies(self))

    @cached_property
    def memberships(self) -> pd.DataFrame:
        """One row per user in a group: ``schema.MEMBERSHIPS``."""
        return make_frame(MEMBERSHIPS, all_memberships(self))

    @cached_property
    def account(self) -> pd.DataFrame:
        """One row for the account and its root: ``schema.ACCOUNT``."""
        return make_frame(ACCOUNT, [Account(self)])

    @cached_property
    def sources(self) -> pd.DataFrame:
        """What was read, when, and what not: ``schema.SOURCES``."""
        return make_frame(SOURCES, all_sources(self))

    @cached_property
    def findings(self) -> pd.DataFrame:
        """What is to be done, the worst first: ``schema.FINDINGS``."""
        return make_frame(FINDINGS, self.found)

    @cached_property
    def found(self) -> list[Finding]:
        """The same as values, for ``wanted_by``."""
        return find(CHECKS.values(), self._checked, self)

    def find(self, checks: Iterable[Check]) -> pd.DataFrame:
        """What some checks find, over the tables that they look at alone."""
        return make_frame(FINDINGS, find(checks, self._checked, self))

    def tally(self, check: Check) -> Tally:
        """Count what a check finds, from as little as it looks at: most need no way to power."""
        tables: dict[str, Any] = {"users": self.user_columns, "access_keys": self._key_columns}
        try:
            return tally(check, tables[check.table], self)
        except (AttributeError, KeyError):  # of another table, or it does more with it
            return tally(check, self._checked(check.table), self)

    @cached_property
    def user_columns(self) -> Columns[Person]:
        """The table of the users without what findings add, of which no column is made yet."""
        return Columns(PEOPLE, self.people)

    @cached_property
    def _key_columns(self) -> Columns[HeldKey]:
        return Columns(ACCESS_KEYS, held_keys(self.people))

    def _checked(self, table: Table) -> pd.DataFrame:
        """A table as checks see it."""
        if table == "users":
            return self._users
        found: pd.DataFrame = getattr(self, table)
        # The root's keys are root-access-key's business.
        return found[found["user"] != ROOT_USER] if table == "access_keys" else found

    @cached_property
    def waivers(self) -> pd.DataFrame:
        """Every waiver: check, principal, reason, until, state, findings."""
        return waivers_table(self, self.findings)

    def permissions(self, users: Iterable[str] | None = None) -> pd.DataFrame:
        """What users may do, by service and access level: ``schema.PERMISSIONS``.

        Args:
            users: their names; everyone without it, which is millions of rows in a large account.
        """
        return permissions_of(self, users)

    @cached_property
    def _users(self) -> pd.DataFrame:
        """The users without what findings add, for the checks."""
        return make_frame(PEOPLE, self.people)

    @cached_property
    def people(self) -> list[Person]:
        """Every user with all that was read of it."""
        return join_people(self)


def audit_users(state: AccountState, now: datetime | None = None) -> pd.DataFrame:
    """Everyone in the account, one row per user, in the order of their names.

    Args:
        state: an account; what was not read of it is missing (NA), or a text that says so.
        now: the moment for which ages are told; when the account was read without it.

    Returns:
        The columns and dtypes of ``schema.USERS``.
    """
    return Audit(state, now=now).users


def audit_access_keys(state: AccountState, now: datetime | None = None) -> pd.DataFrame:
    """One row per access key: the columns of ``schema.ACCESS_KEYS``."""
    return Audit(state, now=now).access_keys


def audit_groups(state: AccountState) -> pd.DataFrame:
    """One row per group: the columns of ``schema.GROUPS``."""
    return Audit(state).groups


def audit_roles(state: AccountState) -> pd.DataFrame:
    """One row per role: the columns of ``schema.ROLES``."""
    return Audit(state).roles


def audit_policies(state: AccountState) -> pd.DataFrame:
    """One row per managed or inline policy: the columns of ``schema.POLICIES``."""
    return Audit(state).policies


def audit_memberships(state: AccountState) -> pd.DataFrame:
    """One row per user in a group: the columns of ``schema.MEMBERSHIPS``."""
    return Audit(state).memberships


def audit_permissions(state: AccountState, users: Iterable[str] | None = None) -> pd.DataFrame:
    """One row per user, path, service and access level: the columns of ``schema.PERMISSIONS``."""
    return Audit(state).permissions(users)


def audit_findings(
    state: AccountState,
    thresholds: Thresholds = DEFAULTS,
    waivers: Iterable[Waiver] = (),
    now: datetime | None = None,
) -> pd.DataFrame:
    """What fails, what could not be told and what is waived: the columns of ``schema.FINDINGS``."""
    return Audit(state, thresholds, waivers, now).findings
