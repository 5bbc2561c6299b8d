"""Several desired states as one: where two contradict each other, the later one holds."""

from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from functools import reduce
from typing import Any, TypeVar

from iamkit.plan.desired import Absent, Desired, DesiredGroup, DesiredRole, DesiredUser

Named = TypeVar("Named", DesiredGroup, DesiredUser, DesiredRole)


def merge(states: Iterable[Desired]) -> Desired:
    """What all of them want together; who should be gone needs nothing else."""
    return reduce(_merged, states, Desired())


def _merged(one: Desired, other: Desired) -> Desired:
    found: dict[str, Any] = {
        field.name: getattr(other, field.name) or getattr(one, field.name)
        for field in fields(Desired)
    }
    found["roles"] = _holders(one.roles, other.roles)
    for kind in ("users", "groups", "policies"):
        some, others = getattr(one, kind), getattr(other, kind)
        wanted = {holder.name for holder in others}
        gone = [*getattr(one, f"absent_{kind}"), *getattr(other, f"absent_{kind}")]
        gone = list(dict.fromkeys(name for name in gone if name not in wanted))
        found[f"absent_{kind}"] = tuple(gone)
        merged = {p.name: p for p in (*some, *others)}.values() if kind == "policies" else ()
        found[kind] = tuple(h for h in merged or _holders(some, others) if h.name not in gone)
    if other.alias:
        found["absent_alias"] = None
    if other.absent_alias:
        found["alias"] = None
    if other.password_policy:
        found["absent_password_policy"] = False
    if other.absent_password_policy:
        found["password_policy"] = {}
    return Desired(**found)


def _holders(some: Iterable[Named], others: Iterable[Named]) -> tuple[Named, ...]:
    found = {holder.name: holder for holder in some}
    for holder in others:
        there = found.get(holder.name)
        found[holder.name] = _holder(there, holder) if there else holder
    return tuple(found.values())


def _holder(one: Named, other: Named) -> Named:
    """One of whom both are wanted: a part that is given is no longer absent, and vice versa."""
    absent: dict[str, Any] = {}
    given: dict[str, Any] = {"make": one.make or other.make}
    given["path"] = one.path if other.path is None else other.path
    for field in fields(Absent):
        name = {"password": "console_password"}.get(field.name, field.name)
        gone: Any = getattr(one.absent, field.name)
        going: Any = getattr(other.absent, field.name)
        if isinstance(going, bool):
            wanted = getattr(other, name, None)
            absent[field.name] = going or (gone and not wanted)
            if hasattr(one, name) and (wanted or going):
                given[name] = wanted or (False if name == "console_password" else None)
            continue
        new: Any = getattr(other, name, ())
        absent[field.name] = tuple(dict.fromkeys([*(g for g in gone if g not in new), *going]))
        if hasattr(one, name):
            given[name] = _without(getattr(one, name), going, new)
    if isinstance(one, DesiredUser) and isinstance(other, DesiredUser):
        given["groups_only"] = one.groups_only or other.groups_only
        for since in ("password_since", "devices_since"):
            moments = (getattr(one, since), getattr(other, since))
            given[since] = max((moment for moment in moments if moment), default=None)
        given["lost_serials"] = other.lost_serials or one.lost_serials
        given["access_key"] = one.access_key or other.access_key
        given["key_status"] = {**one.key_status, **other.key_status}
        given["hand_over"] = other.hand_over or one.hand_over
    origins = {**one.origins, **other.origins}
    return replace(one, **given, absent=Absent(**absent), origins=origins)


def _without(some: Any, gone: Iterable[str], new: Any) -> Any:
    """What was given and is not gone, and what is given anew: by name, or names alone."""
    if isinstance(some, Mapping):
        return {key: value for key, value in some.items() if key not in gone} | dict(new)
    return tuple(dict.fromkeys([*(name for name in some if name not in gone), *new]))
