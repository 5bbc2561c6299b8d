"""``audit_roles``: one row per role, in the order of their names."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from iamkit.account.gaps import DETAILS
from iamkit.account.state import Role
from iamkit.audit.cells import in_order, policy_names, truth
from iamkit.audit.columns import LACKING, Schema, flag, text, time
from iamkit.audit.facts import Facts
from iamkit.policies.escalation.wording import say_escalations


@dataclass(frozen=True, eq=False)
class AuditedRole:
    """A role, and what it may do."""

    facts: Facts
    role: Role

    @cached_property
    def admin_path(self) -> str | None:
        """By which it is an administrator; empty if it is none, None if that is not known."""
        return self.facts.rights.of(self.role).admin_path

    @cached_property
    def escalations(self) -> str | None:
        """The ways to become an administrator, of what is none; None if that is not known."""
        return (
            ""
            if self.admin_path
            else say_escalations(self.facts.escalation, f"role {self.role.name}")
        )

    @property
    def unknown(self) -> str:
        """The details, if a part of them lacks that the row speaks of."""
        gaps = self.facts.gaps
        lacks = gaps.grants_of(self.role) or gaps.bounds(self.role) or self.escalations is None
        return DETAILS if lacks else ""


ROLES: Schema[AuditedRole] = {
    "role": text("the role's name", lambda r: r.role.name),
    "path": text("IAM path", lambda r: r.role.path),
    "arn": text("ARN", lambda r: r.role.arn),
    "created": time("when it was created", lambda r: r.role.created),
    "last_used": time("last use within 400 days, as AWS tracks it", lambda r: r.role.last_used),
    "inline_policies": text("names", lambda r: in_order(r.role.inline_policies)),
    "attached_policies": text("names", lambda r: policy_names(r.role.attached_policies)),
    "permissions_boundary": text(
        "the boundary's policy, by name",
        lambda r: (r.role.permissions_boundary or "").rpartition("/")[2],
    ),
    "effective_admin": flag("may call all of IAM on everything", lambda r: truth(r.admin_path)),
    "admin_path": text("policy and statement that make an administrator", lambda r: r.admin_path),
    "escalations": text(
        "how its sessions can become administrator: what they do (by which calls; without which "
        "statements not)",
        lambda r: r.escalations,
    ),
    "unknown": LACKING["unknown"],
}


def all_roles(facts: Facts) -> Iterator[AuditedRole]:
    """Every role, in order."""
    for name in sorted(facts.state.roles):
        yield AuditedRole(facts, facts.state.roles[name])
