"""``audit.account``, one row for the account and its root; ``audit.sources``, what was read."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from iamkit.account.gaps import DETAILS, REPORT, judge_sources
from iamkit.account.state import ROOT_USER, PasswordPolicy, ReportRow, Source
from iamkit.audit.cells import any_of, days, hours
from iamkit.audit.columns import (
    DERIVED,
    LACKING,
    NOT_READ,
    UNKNOWN,
    Column,
    Schema,
    Unread,
    flag,
    number,
    text,
    time,
)
from iamkit.audit.facts import Facts
from iamkit.audit.people import USER_SOURCES, last_use

SUMMARY, RULES = "GetAccountSummary", "GetAccountPasswordPolicy"
ALIASES, ANALYZERS = "ListAccountAliases", "ListAnalyzers"
CERTIFICATES, DEVICES = "ListServerCertificates", "ListVirtualMFADevices"
ACCOUNT_SOURCES = (REPORT, SUMMARY, RULES, ALIASES, ANALYZERS, CERTIFICATES, DEVICES)


@dataclass(frozen=True, eq=False)
class Account:
    """The account and its root; what was not read raises ``Unread``."""

    facts: Facts

    @property
    def alias(self) -> str:
        """The alias; empty if there is none."""
        return self.facts.state.alias or self.facts.require(ALIASES).alias or ""

    @property
    def root(self) -> ReportRow:
        """The root's row in the report."""
        if ROOT_USER not in self.facts.state.report:
            raise Unread(REPORT)
        return self.facts.state.report[ROOT_USER]

    def of_root(self, count: str, reported: Callable[[ReportRow], bool | None]) -> bool | None:
        """What the summary says of the root; it is fresher than the report (four hours old).

        Central root access takes the password away; reports before it say ``not_supported``.
        https://docs.aws.amazon.com/IAM/latest/UserGuide/id_root-user-access-management.html
        """
        present = self.facts.state.summary.get(count)
        return reported(self.root) if present is None else bool(present)

    @property
    def rules(self) -> PasswordPolicy:
        """The rules for passwords; AWS's own if the account has none."""
        return self.facts.require(RULES).password_policy or PasswordPolicy()

    @cached_property
    def expired(self) -> list[str]:
        """The server certificates past their end."""
        found = self.facts.require(CERTIFICATES).server_certificates
        return [one.id for one in found if one.expires and one.expires <= self.facts.now]

    @property
    def support_roles(self) -> int:
        """How many roles may open support cases."""
        arn = self._aws_policy("AWSSupportAccess")
        roles = self.facts.require_all("roles").roles.values()
        return sum(arn in role.attached_policies for role in roles)

    @property
    def cloudshell_full(self) -> str | None:
        """Who has AWSCloudShellFullAccess."""
        arn = self._aws_policy("AWSCloudShellFullAccess")
        holders = self.facts.state.holders()
        names = ", ".join(holder for holder, entity in holders if arn in entity.attached_policies)
        return names or (None if self.facts.gaps.holders else "")

    def _aws_policy(self, name: str) -> str:
        return f"arn:{self.facts.state.partition}:iam::aws:policy/{name}"

    @property
    def unknown(self) -> str:
        """What failed or does not tell of the root; the details if there may be more to them."""
        state, gaps = self.facts.state, self.facts.gaps
        no_root = state.source(REPORT).status == "read" and ROOT_USER not in state.report
        lacking = [REPORT] * no_root + [DETAILS] * bool(gaps.kinds or gaps.holders)
        return ", ".join([*self._with(UNKNOWN), *lacking])

    @property
    def not_read(self) -> str:
        """What nobody asked for."""
        return ", ".join(self._with(NOT_READ))

    def _with(self, status: str) -> list[str]:
        return [op for op in ACCOUNT_SOURCES if self.facts.state.source(op).status == status]


def _has_key(root: ReportRow) -> bool | None:
    return any_of(key.active for key in root.keys if key)


ACCOUNT: Schema[Account] = {
    "account_id": text("12 digits", lambda a: a.facts.state.account_id, "GetCallerIdentity"),
    "alias": text("account alias", lambda a: a.alias, ALIASES),
    "users": number(
        "how many there are",
        lambda a: len(a.facts.require_all("users").users) + len(a.facts.gaps.users),
    ),
    "groups": number(
        "how many there are",
        lambda a: len(a.facts.require_all("groups").groups) + len(a.facts.gaps.groups),
    ),
    "roles": number("how many there are", lambda a: len(a.facts.require_all("roles").roles)),
    "root_access_key": flag(
        "the root has an access key",
        lambda a: a.of_root("AccountAccessKeysPresent", _has_key),
        SUMMARY,
    ),
    "root_password": flag(
        "the root has a password",
        lambda a: a.of_root("AccountPasswordPresent", lambda r: r.password_enabled),
        f"{SUMMARY} or {REPORT}",
    ),
    "root_mfa": flag(
        "the root signs in with MFA",
        lambda a: a.of_root("AccountMFAEnabled", lambda r: r.mfa_active),
        SUMMARY,
    ),
    "root_mfa_virtual": flag(
        "its device is a virtual one",
        lambda a: ROOT_USER in a.facts.require(DEVICES).mfa_devices,
        DEVICES,
    ),
    "root_last_used": time(
        "last use of its password or keys", lambda a: last_use(a.root), REPORT, "account_id"
    ),
    "root_idle_days": number(
        "since then", lambda a: days(a.facts.now, last_use(a.root)), REPORT, "days"
    ),
    "root_used": flag("was ever used", lambda a: bool(last_use(a.root)), REPORT),
    "password_min_length": number("characters, at least", lambda a: a.rules.minimum_length, RULES),
    "password_reuse": number(
        "former passwords that are refused", lambda a: a.rules.reuse_prevention or 0, RULES
    ),
    "support_roles": number("roles that may open support cases", lambda a: a.support_roles),
    "analyzers": number(
        "active external access analyzers",
        lambda a: len(a.facts.require(ANALYZERS).analyzers),
        ANALYZERS,
    ),
    "expired_certificates": text(
        "server certificates past their end", lambda a: ", ".join(a.expired), CERTIFICATES
    ),
    "expired_count": number("how many they are", lambda a: len(a.expired), CERTIFICATES),
    "cloudshell_full": text("who has AWSCloudShellFullAccess", lambda a: a.cloudshell_full),
    **LACKING,
}
"""``audit.account``: one row for the account and its root."""


@dataclass(frozen=True)
class SourceRow:
    """How one operation was read."""

    name: str
    source: Source
    now: datetime


SOURCES: Schema[SourceRow] = {
    "source": text("the operation of the API", lambda s: s.name),
    "status": Column(
        "category",
        "read, in part, not read, unknown",
        lambda s: "in part" if s.source.in_part else s.source.status,
    ),
    "at": time("the moment for which its values hold", lambda s: s.source.at),
    "age_hours": Column(
        "Float64", "how old they are", lambda s: hours(s.now, s.source.at), DERIVED, "hours"
    ),
    "users_missing": number(
        "users for whom it is unknown, as far as they are known", lambda s: len(s.source.missing)
    ),
    "note": text("why", lambda s: s.source.note),
}
"""``audit.sources``: one row per operation that an audit reads."""


def all_sources(facts: Facts) -> Iterator[SourceRow]:
    """Every operation that an audit reads, in order, whether it was read or not."""
    judged = judge_sources(facts.state)
    for name in sorted({*facts.state.sources, *USER_SOURCES, *ACCOUNT_SOURCES, DETAILS}):
        yield SourceRow(name, judged.get(name, facts.state.source(name)), facts.now)
