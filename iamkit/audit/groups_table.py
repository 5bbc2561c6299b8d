"""``audit_groups`` and ``audit_memberships``.

A group that a user names and nobody described is a row too, in which the rest is missing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter

from iamkit.account.gaps import DETAILS
from iamkit.account.state import Group
from iamkit.audit.cells import in_order, policy_names, truth
from iamkit.audit.columns import LACKING, Schema, Unread, flag, number, text, time
from iamkit.audit.facts import Facts


@dataclass(frozen=True, eq=False)
class Membership:
    """A group by its name, with who is in it."""

    facts: Facts
    name: str

    @property
    def group(self) -> Group:
        """The group as it was described."""
        if self.name not in self.facts.state.groups:
            raise Unread(DETAILS)
        return self.facts.state.groups[self.name]

    @property
    def known(self) -> int:
        """How many users are known to be in it."""
        return len(self.facts.members.get(self.name, ()))

    @property
    def members(self) -> int:
        """How many users are in it."""
        if "users" in self.facts.gaps.holders:
            raise Unread(DETAILS)
        return self.known

    @cached_property
    def admin_path(self) -> str | None:
        """By which it makes an administrator; empty if it does not, None if that is not known."""
        return self.facts.rights.of_group(self.name).admin_path

    @property
    def unknown(self) -> str:
        """The details, if a part of them lacks that the row speaks of."""
        gaps, described = self.facts.gaps, self.name in self.facts.state.groups
        unsure = "users" in gaps.holders or self.admin_path is None or not described
        return DETAILS if unsure else ""


GROUPS: Schema[Membership] = {
    "group": text("the group's name", lambda g: g.name),
    "path": text("IAM path", lambda g: g.group.path),
    "arn": text("ARN", lambda g: g.group.arn),
    "created": time("when it was created", lambda g: g.group.created),
    "members": number("users in it", lambda g: g.members),
    "inline_policies": text("names", lambda g: in_order(g.group.inline_policies)),
    "attached_policies": text("names", lambda g: policy_names(g.group.attached_policies)),
    "effective_admin": flag("makes its members administrators", lambda g: truth(g.admin_path)),
    "empty": flag("nobody is in it", lambda g: not (g.known or g.members)),
    "unknown": LACKING["unknown"],
}
"""``audit_groups``: one row per group, in the order of their names."""

MEMBERSHIPS: Schema[tuple[str, str]] = {
    "group": text("the group's name", itemgetter(0)),
    "user": text("the user's name", itemgetter(1)),
}
"""``audit_memberships``: one row per user in a group, by group and user."""


def all_groups(facts: Facts) -> Iterator[Membership]:
    """Every group that is described or named, in order."""
    for name in sorted({*facts.state.groups, *facts.gaps.groups}):
        yield Membership(facts, name)


def all_memberships(facts: Facts) -> Iterator[tuple[str, str]]:
    """Every group's members, in order, as group and user."""
    for group in sorted(facts.members):
        for user in facts.members[group]:
            yield group, user
