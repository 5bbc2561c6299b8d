"""What users and roles hold, and by which path; in three values, for not all may have been read.

An unconditional ``Deny`` on everything and a permissions boundary take away; service control
policies are not seen. What hangs on a text that was not read cannot be told.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from iamkit.account.gaps import Gaps, find_gaps
from iamkit.account.state import AccountState, Role, User
from iamkit.policies.actions.catalogue import Catalogue, union
from iamkit.policies.evaluation.paths import Path, boundary_path, group_paths, own_paths
from iamkit.policies.evaluation.reach import (
    Grants,
    Place,
    Reach,
    allowed_by,
    by_rules,
    reach_of,
)
from iamkit.policies.evaluation.special_actions import KEPT
from iamkit.policies.grammar.statements import Statement


@dataclass(frozen=True)
class Restrictions:
    """What takes away from all paths of a user."""

    denied: int
    bound: int

    def of(self, actions: int) -> int:
        """What is left of some actions."""
        return actions & ~self.denied & self.bound


@dataclass(frozen=True, eq=False)
class Holding:
    """All that a user holds; users whose policies are the same share one.

    Attributes:
        policies: those that reach it, own ones first, then group by group.
        boundary: the permissions boundary; None if there is none.
        place: the account's partition and number.
    """

    catalogue: Catalogue
    policies: tuple[Grants, ...]
    boundary: Grants | None
    place: Place

    @cached_property
    def restrictions(self) -> Restrictions:
        """What takes away from all of them; a boundary that was not read lets all through."""
        denied = union(grants.denied for grants in self.policies)
        if self._bound is None:
            return Restrictions(denied, self.catalogue.everything)
        return Restrictions(denied, _allowed(self._bound) & ~self._bound.denied)

    @cached_property
    def lacking(self) -> tuple[str, ...]:
        """What was not read, and may decide what it is allowed."""
        policies = [*self.policies, *([self.boundary] if self.boundary else [])]
        return tuple(grants.path.lacking for grants in policies if not grants.is_read)

    @cached_property
    def admin_path(self) -> str | None:
        """By which it may call all of IAM on everything; empty if it may not, None if unknown.

        Who may do that may give itself whatever it lacks. Several paths may give it together. A
        path without its text may give it; a boundary without its text may keep it.
        """
        if self._bound_is_unread and self._unbound_admin_path != "":
            return None
        return self._unbound_admin_path

    @cached_property
    def _unbound_admin_path(self) -> str | None:
        """The same as far as no boundary that was not read takes away."""
        iam = self.restrictions.of(self.catalogue.of_service("iam"))
        if iam != self.catalogue.of_service("iam"):
            return ""
        together, through = 0, []
        for statement, actions in self._allowing_widely():
            here = actions & iam
            if here == iam:
                return _told(statement)
            if here & ~together:
                together |= here
                through.append(_told(statement))
        if together == iam:
            return " + ".join(through)
        return "" if self._is_read else None

    @property
    def reach(self) -> Reach:
        """What it is allowed, and how far; what hangs on a text that was not read is unknown.

        By the account's policies and by AWS's own rules: what only a key's policy or a role's
        trust policy gives is under conditions.
        """
        if not self._is_read:
            found = Reach(unknown=self._may)
        else:
            found = self._reach_by((*self.policies, _kept(self.catalogue)))
            found = Reach(unknown=found.known) if self._bound_is_unread else found
        return by_rules(found, self.catalogue)

    @property
    def reach_as_read(self) -> Reach:
        """By the account's policies alone, as if what was not read said nothing."""
        return self._reach_by([grants for grants in self.policies if grants.is_read])

    def _reach_by(self, policies: Sequence[Grants]) -> Reach:
        return reach_of(policies, self._bound, self.catalogue, self.place)

    @cached_property
    def _is_read(self) -> bool:
        """Whether all policies were read, the boundary aside."""
        return all(grants.is_read for grants in self.policies)

    @property
    def _bound(self) -> Grants | None:
        """The boundary, if there is one and it was read."""
        return self.boundary if self.boundary and self.boundary.is_read else None

    @property
    def _bound_is_unread(self) -> bool:
        return self._bound is not self.boundary

    @property
    def _may(self) -> int:
        """What a policy that was not read could still allow."""
        bound = allowed_by([self._bound]).known if self._bound else self.catalogue.everything
        return bound & ~self.restrictions.denied

    def _allowing_widely(self) -> Iterator[tuple[Statement, int]]:
        """The statements that were read and allow on all resources, or all but some."""
        for grants in self.policies:
            for statement, actions in grants if grants.is_read else ():
                if statement.allows and statement.scope != "some":
                    yield statement, actions


class Holdings:
    """What every user and role of an account holds.

    Policies are read once, and users with the same policies share what follows from them.
    """

    def __init__(self, state: AccountState, catalogue: Catalogue) -> None:
        self.state = state
        self.catalogue = catalogue
        self._read: dict[tuple[int, str], Grants] = {}
        self._alike: dict[Any, Grants] = {}
        self._shared: dict[Any, Holding] = {}
        self._of_groups: dict[str, tuple[Grants, ...]] = {}

    @cached_property
    def gaps(self) -> Gaps:
        """What the account's state names and does not describe."""
        return find_gaps(self.state)

    def of(self, who: User | Role) -> Holding:
        """What a user or a role holds."""
        policies = self._grants(own_paths(who, self.state))
        for name in sorted(who.groups) if isinstance(who, User) else ():
            if name not in self._of_groups:
                self._of_groups[name] = self._grants(group_paths(name, self.state))
            policies += self._of_groups[name]
        bound = boundary_path(who, self.state)
        boundary = None if bound is None else self._grants([bound])[0]
        if (policies, boundary) not in self._shared:
            place = self.state.partition, self.state.account_id
            held = Holding(self.catalogue, policies, boundary, place)
            self._shared[policies, boundary] = held
        return self._shared[policies, boundary]

    def of_group(self, name: str) -> Holding:
        """What the members of a group hold by it."""
        return self.of(User(name="", groups=frozenset([name])))

    def levels(self, group: str) -> list[str]:
        """The access levels that a group is known to give its members, in order of names."""
        holding = self.of_group(group)
        given = union(_allowed(grants) for grants in holding.policies if grants.is_read)
        allowed = holding.restrictions.of(given)
        return sorted(n for n, mask in self.catalogue.levels.items() if mask & allowed)

    def _grants(self, paths: Iterable[Path]) -> tuple[Grants, ...]:
        """Each policy read once; those that say the same on the same path are one."""
        found = []
        for path in paths:
            key = id(path.document), str(path)  # the state keeps the document alive
            if key not in self._read:
                grants = Grants(path, self.catalogue)
                self._read[key] = self._alike.setdefault((key[1], grants.statements), grants)
            found.append(self._read[key])
        return tuple(found)


@cache
def _kept(catalogue: Catalogue) -> Grants:
    """What AWS keeps for itself, as a policy that everyone has."""
    return Grants(Path("", "inline", "AWS's own", KEPT), catalogue)


def _allowed(grants: Grants) -> int:
    """What a policy allows anywhere, whatever it denies."""
    return union(actions for statement, actions in grants if statement.allows)


def _told(statement: Statement) -> str:
    """A statement with its path, and the keys of its conditions."""
    keys = ", ".join(statement.condition_keys)
    return f"{statement} (if {keys})" if keys else str(statement)
