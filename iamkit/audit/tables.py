"""What users hold, in three values."""

from dataclasses import replace

from iamkit.account.gaps import Gaps
from iamkit.account.state import AccountState, User
from iamkit.policies.actions.catalogue import Catalogue
from iamkit.policies.evaluation.effective import Holdings


class Rights:
    """What users hold, in three values: what hangs on something undescribed is not known.

    Args:
        state: the account.
        gaps: what it does not describe.
        catalogue: of all actions.
    """

    def __init__(self, state: AccountState, gaps: Gaps, catalogue: Catalogue) -> None:
        described = {a: p for a, p in state.policies.items() if a not in gaps.policies}
        self.gaps = gaps
        self.holdings = Holdings(replace(state, policies=described), catalogue)

    def admin_path(self, user: User) -> str | None:
        """By which a user may call all of IAM on everything; empty if it may not, None if unknown.

        A boundary that was not described may take it away; a policy or group may give it.
        """
        holding = self.holdings.of(user)
        path = holding.admin_path
        if path and self.gaps.bounds(user):
            return None
        iam = holding.catalogue.of_service("iam")
        if path == "" and self.gaps.grants_of(user) and holding.restrictions.of(iam) == iam:
            return None
        return path

    def escalations(self, user: User) -> str | None:
        """The ways to become an administrator, of who is none; None if that is not known."""
        path = self.admin_path(user)
        if path:
            return ""
        ways = "; ".join(self.holdings.of(user).escalations)
        unsure = self.gaps.bounds(user) if ways else self.gaps.grants_of(user)
        return None if unsure else ways

    def levels(self, group: str) -> list[str]:
        """The access levels that a group is known to give its members, in order of names."""
        holding = self.holdings.of(User(name="", groups=frozenset([group])))
        allowed = 0
        for _, grants in holding.paths:
            for grant in grants or ():
                allowed |= grant.actions if grant.allows else 0
        allowed = holding.restrictions.of(allowed)
        return sorted(n for n, mask in holding.catalogue.levels.items() if mask & allowed)
