"""Does a change grant anything new? Is an access surely not granted? Proved, or shown."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from iamkit.account.state import JSON
from iamkit.errors import InputError
from iamkit.policies.actions.catalogue import load_catalogue
from iamkit.policies.comparison.regions import Region, Universe, find_gains
from iamkit.policies.comparison.witnesses import Search
from iamkit.policies.evaluation.request import Request
from iamkit.policies.evaluation.special_actions import FREE
from iamkit.policies.grammar.elements import action_fault, arn_fault
from iamkit.policies.grammar.patterns import covers, is_pattern, overlap
from iamkit.policies.grammar.statements import read_statements
from iamkit.policies.grammar.validation import judge_existing
from iamkit.text import few

_NOTHING = {"Version": "2012-10-17", "Statement": []}


@dataclass(frozen=True)
class Answer:
    """Whether access is granted.

    Attributes:
        granted: True with a witness; False if it is proved that it is not; None if it cannot be
            told.
        witness: a request that shows it. Context keys that it does not name are absent.
        why: on what it depends, if it cannot be told; else empty.
    """

    granted: bool | None
    witness: Request | None = None
    why: str = ""


def grants_new_access(old: JSON, new: JSON, now: datetime | None = None) -> Answer:
    """Whether an identity policy allows any request that another one does not.

    Each policy is taken by itself, as the only one of its user or role, and the resource's own
    policy leaves the answer to it. Two proofs are tried: each part of what ``new`` allows lies in
    one of ``old``'s; or no request that their statements tell apart is a witness.

    Args:
        old: an identity policy.
        new: another.
        now: for dates in conditions: requests before it are over. Without it they count.

    Raises:
        InputError: one of the two is no identity policy.
    """
    for document in (old, new):
        _check(document)
    universe = Universe(old, new)
    gained = {
        action
        for region, _ in find_gains(universe, old, new)
        for action in universe.named(region.actions)
    }
    search = Search(new=read_statements(new), old=read_statements(old), now=now)
    return _answer(search, gained, _later(universe, old, new, "*"))


def grants_access(
    policy: JSON, action: str, resource: str = "*", now: datetime | None = None
) -> Answer:
    """Whether an identity policy allows an action on a resource, in any circumstances.

    Args:
        policy: an identity policy.
        action: such as ``s3:DeleteObject``; with wildcards any of them.
        resource: an ARN; with wildcards any of them.
        now: as ``grants_new_access`` has it.

    Returns:
        ``granted`` is False only if it is surely not granted.

    Raises:
        InputError: it is no identity policy, or nothing that can be asked about.
    """
    _check(policy)
    if action != "*" and action_fault(action):
        raise InputError(f"{action!r} is no action, such as s3:GetObject or 's3:Get*'.")
    if not_arn := arn_fault(resource):
        raise InputError(not_arn[0])
    catalogue = load_catalogue()
    if is_pattern(action):
        catalogue.known(action)
    universe = Universe(policy, {"Statement": {"Effect": "Allow", "Action": action}})
    mask = universe.matching(action)
    allowed = {
        name
        for region, _ in find_gains(universe, _NOTHING, policy)
        if overlap(region.anything, resource)
        for name in universe.named(region.actions & mask)
    }
    if resource == "*":
        allowed |= {FREE} & set(universe.named(mask))
    search = Search(new=read_statements(policy), old=None, resource=resource, now=now)
    later = _later(universe, _NOTHING, policy, action) if is_pattern(action) else []
    return _answer(search, allowed, later)


def _check(document: JSON) -> None:
    problem = judge_existing(document)
    if problem:
        raise InputError(f"This is no identity policy: {problem.message}")


def _answer(search: Search, actions: set[str], later: list[str]) -> Answer:
    witness = search.find(actions)
    if witness:
        return Answer(granted=True, witness=witness)
    if search.open:
        return Answer(granted=None, why=f"it depends on {few(search.open, 6)}.")
    if later:
        why = (
            f"of the actions in the catalogue of {load_catalogue().date} none is granted, but "
            f"{few(later)} will take in what AWS adds."
        )
        return Answer(granted=None, why=why)
    return Answer(granted=False)


def _later(universe: Universe, old: JSON, new: JSON, action: str) -> list[str]:
    """The patterns of the new policy that may take in actions which the catalogue has not.

    Args:
        universe: of both policies.
        old: what the old policy allows of them does not count.
        new: the policy.
        action: the actions that are asked about.
    """
    found: dict[str, None] = {}
    had, lacked = universe.regions(old, allow=True), universe.regions(old, allow=False)
    denied = universe.regions(new, allow=False)
    for region in universe.regions(new, allow=True):
        for pattern in _open_patterns(region, action):
            if any(_takes(deny, pattern, region) and deny.holds(region) for deny in denied):
                continue
            kept = any(_takes(one, pattern, region) and one.holds(region) for one in had)
            freed = any(
                deny.meets(region)
                and _meets(deny, pattern)
                and not any(_takes_all(other, deny) and other.holds(deny) for other in denied)
                for deny in lacked
            )
            if not kept or freed:
                found[pattern] = None
    return list(found)


def _open_patterns(region: Region, action: str) -> Iterator[str]:
    """The patterns of an ``Allow`` that may name what there is not yet, of the actions asked."""
    statement = region.statement
    if statement.not_action:
        yield f"NotAction {few(statement.actions)}"
        return
    for pattern in statement.actions:
        if is_pattern(pattern) and overlap(pattern.lower(), action.lower()):
            yield action if covers(pattern, action, fold=True) else pattern


def _takes(region: Region, pattern: str, other: Region | None = None) -> bool:
    """Whether a statement names whatever a pattern names."""
    own = region.statement
    if pattern.startswith("NotAction"):
        if not own.not_action:
            return "*" in own.actions
        left_out = other.statement.actions if other else ()
        return all(any(covers(w, n, fold=True) for w in left_out) for n in own.actions)
    if own.not_action:
        return not any(overlap(one.lower(), pattern.lower()) for one in own.actions)
    return any(covers(one, pattern, fold=True) for one in own.actions)


def _takes_all(wide: Region, narrow: Region) -> bool:
    if narrow.statement.not_action:
        return _takes(wide, "NotAction", narrow)
    return all(_takes(wide, pattern) for pattern in narrow.statement.actions)


def _meets(region: Region, pattern: str) -> bool:
    own = region.statement
    if pattern.startswith("NotAction") or own.not_action:
        return True
    return any(overlap(one.lower(), pattern.lower()) for one in own.actions)
