"""The audit: everyone in the account as pandas tables, and what to do about it.

``Audit`` makes each table once, when it is first asked for. The functions beside it are for who
wants a single table.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cached_property

import pandas as pd

from iamkit.account.gaps import Gaps
from iamkit.account.state import ROOT_USER, AccountState
from iamkit.audit import schema, tables
from iamkit.audit.checks import CHECKS, Check, check
from iamkit.audit.findings import find, waivers_table
from iamkit.parameters.models import Thresholds, Waiver
from iamkit.policies.actions.catalogue import load_catalogue
from iamkit.policies.evaluation.holdings import Holdings

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
    "audit_users",
    "check",
]

DEFAULTS = Thresholds.model_validate({})


class Audit:
    """An account under audit; every table is a plain DataFrame, described in ``audit.schema``.

    Args:
        state: the account, as ``survey_account`` or ``load_state`` read it.
        thresholds: from when on to mind.
        waivers: the findings that somebody has accepted.
        now: the moment for which ages in days are told, in UTC; when the account was read
            without it.
    """

    def __init__(
        self,
        state: AccountState,
        thresholds: Thresholds = DEFAULTS,
        waivers: Iterable[Waiver] = (),
        now: datetime | None = None,
    ) -> None:
        self.state = state
        self.thresholds = thresholds
        self._waivers = tuple(waivers)
        self.now = now or state.read_at or datetime.now(UTC)

    @cached_property
    def users(self) -> pd.DataFrame:
        """One row per user: ``schema.USERS``."""
        of_users = [c.id for c in CHECKS.values() if c.table in ("users", "access_keys")]
        found = self.findings
        failing = found[(found["status"] == "fail") & found["check"].isin(of_users)]
        by_user = failing.groupby("principal", sort=False, observed=True)  # the worst come first
        first = by_user.first()
        names = self._users["user"]
        actions = first["check"].map({name: one.action for name, one in CHECKS.items()})
        severity = pd.Categorical(
            names.map(first["severity"].astype("str")), categories=schema.SEVERITIES, ordered=True
        )
        unknown = found[(found["status"] == "unknown") & found["check"].isin(of_users)]
        untold = names.map(unknown["principal"].value_counts()).fillna(0).astype("Int64")
        told = [f"{n} checks cannot be told" if n else "" for n in untold]
        return self._users.assign(
            findings=names.map(by_user.size()).fillna(0).astype("Int64"),
            findings_unknown=untold,
            worst_severity=severity,
            next_action=pd.Series(
                [actions.get(n, word) for n, word in zip(names, told, strict=True)], dtype="str"
            ),
        )

    @cached_property
    def access_keys(self) -> pd.DataFrame:
        """One row per access key: ``schema.ACCESS_KEYS``."""
        return tables.keys_table(self.state, self._people, self.now)

    @cached_property
    def groups(self) -> pd.DataFrame:
        """One row per group: ``schema.GROUPS``."""
        return tables.groups_table(self.state, self._rights)

    @cached_property
    def policies(self) -> pd.DataFrame:
        """One row per policy: ``schema.POLICIES``."""
        return tables.policies_table(self.state, self.gaps)

    @cached_property
    def memberships(self) -> pd.DataFrame:
        """One row per user in a group: ``schema.MEMBERSHIPS``."""
        return tables.memberships_table(self.state)

    @cached_property
    def account(self) -> pd.DataFrame:
        """One row for the account and its root: ``schema.ACCOUNT``."""
        return tables.account_table(self.state, self.gaps, self.now)

    @cached_property
    def sources(self) -> pd.DataFrame:
        """What was read, when, and what not: ``schema.SOURCES``."""
        return tables.sources_table(self.state, self.now)

    @cached_property
    def findings(self) -> pd.DataFrame:
        """What is to be done, the worst first: ``schema.FINDINGS``."""
        keys = self.access_keys
        checked = {
            "account": self.account,
            "users": self._users,
            "access_keys": keys[keys["user"] != ROOT_USER],  # the root's are of root-access-key
            "groups": self.groups,
            "policies": self.policies,
        }
        return find(
            CHECKS.values(),
            checked,
            state=self.state,
            limits=self.thresholds,
            waivers=self._waivers,
            now=self.now,
            unlisted=self._unlisted,
        )

    @property
    def _unlisted(self) -> dict[str, str]:
        """By table, the kinds of which more may be there than it has rows."""
        rows_of = {
            "users": {"users"},
            "access_keys": {"users"},
            "groups": {"groups"},
            "policies": {"policies", "users", "groups", "roles"},
        }
        lacking = {table: kinds & self.gaps.kinds for table, kinds in rows_of.items()}
        return {table: ", ".join(sorted(kinds)) for table, kinds in lacking.items() if kinds}

    @cached_property
    def waivers(self) -> pd.DataFrame:
        """Every waiver: check, principal, reason, until, state, findings."""
        return waivers_table(self._waivers, self.findings, self.now)

    def permissions(self, users: Iterable[str] | None = None) -> pd.DataFrame:
        """What users may do, by service and access level: ``schema.PERMISSIONS``.

        Args:
            users: their names; everyone without it, which is millions of rows in a large account.
        """
        return tables.permissions_table(self.state, self._rights, users)

    def group_levels(self, group: str) -> list[str]:
        """The access levels that a group is known to give its members, in order of their names."""
        return self._rights.levels(group)

    @cached_property
    def _users(self) -> pd.DataFrame:
        """The users without what findings add, for the checks."""
        return tables.users_table(self.state, self._people, self._rights, self.now)

    @cached_property
    def _people(self) -> list[tables.Person]:
        return tables.join_people(self.state, self.gaps)

    @cached_property
    def gaps(self) -> Gaps:
        """What the account names and nobody described."""
        return self._rights.gaps

    @cached_property
    def _rights(self) -> Holdings:
        return Holdings(self.state, load_catalogue())


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
