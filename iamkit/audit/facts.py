"""What the rows of several tables depend on, found once."""

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cached_property

from iamkit.account.gaps import DETAILS, REPORT, Gaps
from iamkit.account.state import AccountState, Group
from iamkit.audit.cells import hours
from iamkit.audit.columns import Unread
from iamkit.parameters.thresholds import Thresholds, Waiver
from iamkit.policies.actions.catalogue import load_catalogue
from iamkit.policies.escalation.search import Escalation
from iamkit.policies.evaluation.holdings import Holdings

DEFAULTS = Thresholds()


class Facts:
    """An account at a moment, and what follows from it; ``Audit`` says more."""

    def __init__(
        self,
        state: AccountState,
        thresholds: Thresholds = DEFAULTS,
        waivers: Iterable[Waiver] = (),
        now: datetime | None = None,
    ) -> None:
        self.state = state
        self.thresholds = thresholds
        self.given_waivers = tuple(waivers)
        self.now = now or state.read_at or datetime.now(UTC)

    @cached_property
    def rights(self) -> Holdings:
        """What users and roles hold."""
        return Holdings(self.state, load_catalogue())

    @cached_property
    def escalation(self) -> Escalation:
        """Who can become administrator."""
        return Escalation(self.state, self.rights)

    @property
    def gaps(self) -> Gaps:
        """What the account names and nobody described."""
        return self.rights.gaps

    @cached_property
    def members(self) -> dict[str, list[str]]:
        """By group, the users who name it, in order; groups that nobody described too."""
        members: dict[str, list[str]] = {}
        for name in sorted(self.state.users):
            for group in self.state.users[name].groups:
                members.setdefault(group, []).append(name)
        return members

    @cached_property
    def group_policies(self) -> dict[str, list[str]]:
        """By group, what its members get through it, as ``group: policy``."""
        return {name: _policies_of(group) for name, group in self.state.groups.items()}

    @cached_property
    def report_made(self) -> datetime | None:
        """When AWS made the credential report."""
        return self.state.source(REPORT).at

    @cached_property
    def report_age(self) -> float | None:
        """How old the report is, in hours."""
        return hours(self.now, self.report_made)

    def require(self, operation: str) -> AccountState:
        """The account, of which an operation was read.

        Raises:
            Unread: it was not.
        """
        if self.state.source(operation).status != "read":
            raise Unread(operation)
        return self.state

    def require_all(self, kind: str) -> AccountState:
        """The account, of which all users, groups or roles are known.

        Raises:
            Unread: there may be more.
        """
        if kind in self.gaps.kinds:
            raise Unread(DETAILS)
        return self.state


def _policies_of(group: Group) -> list[str]:
    names = [*group.inline_policies, *(arn.rpartition("/")[2] for arn in group.attached_policies)]
    return [f"{group.name}: {name}" for name in sorted(names)]
