"""``audit_policies``: managed policies, then inline ones, by kind, name and holder.

A holder of whom nobody knows which inline policies it has is a row too, with no policy's name.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from iamkit.account.gaps import DETAILS, is_described
from iamkit.account.state import JSON
from iamkit.audit.columns import LACKING, Column, Schema, Unread, flag, number, text, time
from iamkit.audit.facts import Facts
from iamkit.audit.policy_review import Review, review_document
from iamkit.policies.evaluation.reach import Place


@dataclass(frozen=True, eq=False, kw_only=True)
class HeldPolicy:
    """A policy and who has it.

    Attributes:
        name: None for the inline policies of a holder of whom nobody knows them.
        kind: aws, customer or inline.
        holder: of an inline policy, such as ``user ann``.
        document: empty if it is not known.
        held: who has it, as far as that is known.
        bounded: whom it bounds, as far as that is known.
        whole: whether these are all.
        place: the account's partition and number.
    """

    name: str | None
    kind: str
    holder: str = ""
    arn: str = ""
    updated: datetime | None = None
    document: JSON = field(default_factory=dict)
    held: list[str] = field(default_factory=list)
    bounded: list[str] = field(default_factory=list)
    whole: bool = True
    place: Place = ("aws", "")

    @cached_property
    def review(self) -> Review:
        """What it grants."""
        if not is_described(self.document):
            raise Unread(DETAILS)
        return review_document(self.document, self.place)

    @property
    def attached_to(self) -> str | None:
        """Who has it and whom it bounds, in words."""
        names = ", ".join([*self.held, *(f"bounds {name}" for name in self.bounded)])
        return names or ("" if self.whole else None)

    @property
    def is_held(self) -> bool:
        """Whether somebody has it."""
        if self.name is None or not (self.held or self.whole):
            raise Unread(DETAILS)
        return bool(self.held)

    @property
    def unknown(self) -> str:
        """The details, if not all holders are known, or not what it says."""
        return "" if self.whole and is_described(self.document) else DETAILS

    def count(self, number: int) -> int:
        """A number of holders, if all are known."""
        if not self.whole:
            raise Unread(DETAILS)
        return number


POLICIES: Schema[HeldPolicy] = {
    "policy": text("the policy's name", lambda p: p.name),
    "kind": Column("category", "aws (AWS's own), customer, inline", lambda p: p.kind),
    "holder": text("of an inline policy: user x, group x, role x; else empty", lambda p: p.holder),
    "arn": text("ARN; empty for inline policies", lambda p: p.arn),
    "updated": time("when its default version was made", lambda p: p.updated),
    "attached_to": text(
        "users, groups and roles that have it, or whom it bounds", lambda p: p.attached_to
    ),
    "attachments": number("how many they are", lambda p: p.count(len(p.held) + len(p.bounded))),
    "boundaries": number("how many of them it only bounds", lambda p: p.count(len(p.bounded))),
    "held": flag("somebody has it, and is not only bounded by it", lambda p: p.is_held),
    "full_admin": flag("allows * on * unconditionally", lambda p: p.review.full_admin),
    "full_admin_if": text(
        "the condition keys under which it allows * on * to a call without MFA",
        lambda p: p.review.full_admin_if,
    ),
    "full_services": text(
        "services of which it allows everything on everything", lambda p: p.review.full_services
    ),
    "mfa_removable": flag(
        "lets a key without MFA remove or replace MFA devices", lambda p: p.review.mfa_removable
    ),
    "group_denies": text(
        "ARNs of groups that a Deny names, which binds no member", lambda p: p.review.group_denies
    ),
    "unknown": LACKING["unknown"],
}


def all_policies(facts: Facts) -> list[HeldPolicy]:
    """Every policy that is described, attached or inline, in order."""
    found = [*_managed(facts), *_inline(facts)]
    return sorted(found, key=lambda p: (p.kind, p.name or "", p.holder, p.arn))


def _managed(facts: Facts) -> Iterator[HeldPolicy]:
    state = facts.state
    holders: dict[str, list[str]] = {}
    bounds: dict[str, list[str]] = {}
    for holder, entity in state.holders():
        for arn in entity.attached_policies:
            holders.setdefault(arn, []).append(holder)
        if bound := entity.permissions_boundary:
            bounds.setdefault(bound, []).append(holder)
    for arn in {*state.policies, *holders, *bounds}:
        policy = state.policies.get(arn)
        yield HeldPolicy(
            name=policy.name if policy else arn.rpartition("/")[2],
            kind="aws" if arn.split(":")[4:5] == ["aws"] else "customer",
            arn=arn,
            updated=policy.updated if policy else None,
            document=policy.document if policy else {},
            held=holders.get(arn, []),
            bounded=bounds.get(arn, []),
            whole=not facts.gaps.holders,
            place=(state.partition, state.account_id),
        )


def _inline(facts: Facts) -> Iterator[HeldPolicy]:
    for holder, entity in facts.state.holders():
        for name, document in entity.inline_policies.items():
            yield HeldPolicy(
                name=name,
                kind="inline",
                holder=holder,
                document=document,
                held=[holder],
                place=(facts.state.partition, facts.state.account_id),
            )
    gaps = facts.gaps
    for holder in (*(f"group {n}" for n in gaps.groups), *(f"user {n}" for n in gaps.users)):
        yield HeldPolicy(name=None, kind="inline", holder=holder, held=[holder], whole=False)
