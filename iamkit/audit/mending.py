"""From findings that somebody ticks to one desired state."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from iamkit.audit.checks import CHECKS
from iamkit.audit.columns import NOT_READ, UNKNOWN
from iamkit.audit.facts import Facts
from iamkit.audit.findings import Finding
from iamkit.audit.remedies import Case
from iamkit.errors import InputError
from iamkit.plan.desired import Desired
from iamkit.plan.merging import merge
from iamkit.text import did_you_mean, few


@dataclass(frozen=True, kw_only=True)
class Mend:
    """A finding that should end, by its check, principal and resource; none stands for several.

    Attributes:
        choice: the group or role, where the remedy needs one.
    """

    check: str
    principal: str
    resource: str = ""
    choice: str = ""

    def __str__(self) -> str:
        return " ".join(part for part in (self.check, self.principal, self.resource) if part)


def wanted_by(
    facts: Facts,
    found: Iterable[Finding],
    mends: Iterable[Mend],
    spared: Collection[str] = (),
) -> Desired:
    """What is wanted of the account if these findings are to end.

    A finding that is not there any more needs nothing: it was mended. What denies stays: a policy
    by which AWS or somebody barred a user is no permission of theirs.

    Args:
        facts: the audit.
        found: its findings.
        mends: those that should end.
        spared: users whom no mend may touch: the caller, and whose key the notebooks use.

    Raises:
        InputError: a check or a principal that there is not, a finding that cannot be told or that
            a person must end, a choice that lacks, or a user who is spared.
    """
    by_name = {(one.check.id, one.principal, one.resource): one for one in found}
    wanted = []
    for mend in mends:
        finding = by_name.get((mend.check, mend.principal, mend.resource))
        if finding is None:
            _check_named(facts, mend)
            continue
        desired = _wanted(facts, finding, mend, spared)
        if touched := {user.name for user in desired.users} & set(spared):
            raise InputError(f"{mend}: {few(touched)} is who applies, or whose key is used.")
        wanted.append(desired)
    return merge(wanted)


def _check_named(facts: Facts, mend: Mend) -> None:
    """Refuse a user whom the account does not have: no mend deletes one, so it is a slip.

    Raises:
        InputError: naming what is near.
    """
    users = facts.state.users
    if mend.check not in CHECKS:
        raise InputError(f"{mend}: there is no such check{did_you_mean(mend.check, CHECKS) or '.'}")
    of_users = CHECKS[mend.check].table in ("users", "access_keys")
    if of_users and mend.principal not in users:
        hint = did_you_mean(mend.principal, users) or "; take it out if they are gone."
        missing = facts.gaps.say_missing(mend.principal, "users")
        raise InputError(f"{mend}. {missing}{hint}")


def _wanted(facts: Facts, finding: Finding, mend: Mend, spared: Collection[str]) -> Desired:
    remedy = finding.check.remedy
    if isinstance(remedy, str):
        raise InputError(f"{mend}: a person must do it. {finding.check.by_hand}".rstrip())
    if finding.status == "unknown":
        raise InputError(f"{mend}: it cannot be told, so it is not mended.")
    if finding.check.table in ("users", "access_keys") and mend.principal in spared:
        raise InputError(
            f"{mend}: {mend.principal} is who applies, or whose key is used (run_as); let somebody "
            "else do it."
        )
    if finding.row.get("key") in (UNKNOWN, NOT_READ):
        raise InputError(f"{mend}: the key's id was not read, so it is not mended.")
    if remedy.choice and not mend.choice:
        raise InputError(f"{mend}: choose a {remedy.choice} (choice).")
    there = facts.state.groups if remedy.choice == "group" else facts.state.roles
    if remedy.choice and mend.choice not in there:
        raise InputError(
            f"{mend}: there is no {remedy.choice} {mend.choice!r}"
            f"{did_you_mean(mend.choice, there) or '.'}"
        )
    return remedy.wanted(
        Case(
            row=finding.row,
            state=facts.state,
            thresholds=facts.thresholds,
            choice=mend.choice,
        )
    )
