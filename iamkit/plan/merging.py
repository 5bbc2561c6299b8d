"""Several desired states as one: where two contradict each other, the later one holds."""

from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from typing import Any, TypeVar

from iamkit.plan.desired import (
    Absent,
    Desired,
    DesiredGroup,
    DesiredPolicy,
    DesiredRole,
    DesiredUser,
)

Named = TypeVar("Named", DesiredGroup, DesiredUser, DesiredRole)
KINDS = ("groups", "users", "roles", "policies")
SAID = ("notes", "doubts")
HELD = frozenset([*KINDS, *(f"absent_{kind}" for kind in KINDS), *SAID])
"""The fields of ``Desired`` that name things or say something; all others hold one value each."""


def merge(states: Iterable[Desired]) -> Desired:
    """What all of them want together; who should be gone needs nothing else."""
    found: dict[str, Any] = {
        field.name: getattr(Desired(), field.name) for field in fields(Desired)
    }
    for kind in KINDS:
        found[kind], found[f"absent_{kind}"] = {}, {}  # by name, so that a thousand take no longer
    for state in states:
        _add(found, state)
    for kind in KINDS:
        found[kind] = tuple(found[kind].values())
        found[f"absent_{kind}"] = tuple(found[f"absent_{kind}"])
    found.pop("absent_roles")  # a plan makes and deletes none
    return Desired(**found)


def _add(found: dict[str, Any], other: Desired) -> None:
    """Add what a state wants to what was found of those before it."""
    for name in found.keys() - HELD:
        found[name] = getattr(other, name) or found[name]
    for name in SAID:
        found[name] = tuple(dict.fromkeys([*found[name], *getattr(other, name)]))
    for kind in KINDS:
        wanted, gone = found[kind], found[f"absent_{kind}"]
        for name in getattr(other, f"absent_{kind}", ()):
            gone[name] = None
            wanted.pop(name, None)
        for one in getattr(other, kind):
            there = wanted.get(one.name)
            mixed = there and not isinstance(one, DesiredPolicy)
            wanted[one.name] = _holder(there, one) if mixed else one
            gone.pop(one.name, None)
    if other.alias:
        found["absent_alias"] = None
    if other.absent_alias:
        found["alias"] = None
    if other.password_policy:
        found["absent_password_policy"] = False
    if other.absent_password_policy:
        found["password_policy"] = {}


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
        given["another_key"] = one.another_key or other.another_key
        given["key_status"] = {**one.key_status, **other.key_status}
        given["last_used"] = {**one.last_used, **other.last_used}
        given["hand_over"] = other.hand_over or one.hand_over
    origins = {**one.origins, **other.origins}
    return replace(one, **given, absent=Absent(**absent), origins=origins)


def _without(some: Any, gone: Iterable[str], new: Any) -> Any:
    """What was given and is not gone, and what is given anew: by name, or names alone."""
    if isinstance(some, Mapping):
        return {key: value for key, value in some.items() if key not in gone} | dict(new)
    return tuple(dict.fromkeys([*(name for name in some if name not in gone), *new]))
