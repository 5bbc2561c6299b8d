"""How somebody becomes administrator, in words."""

from dataclasses import dataclass

from iamkit.policies.escalation.search import Escalation
from iamkit.policies.escalation.ways import Way
from iamkit.policies.grammar.three_valued import Truth

MOST_TOLD = 3
"""So many paths of somebody are told in a sentence."""


def say_way(found: Escalation, way: Way) -> str:
    """What somebody does, behind "can", and who is administrator then."""
    said = way.path.name.format(target=way.target)
    if way.then:
        said += f", then {way.then.path.name.format(target=way.then.target)}"
    reach = found.reaches.get(way.becomes)
    who = "which" if way.becomes.startswith("role ") else "who"
    if reach and reach.distance == 0:
        perhaps = "perhaps " if reach.truth is not True else ""
        said += f", {who} is {perhaps}an administrator"
    elif reach and reach.ways:
        onward = next(iter(reach.ways.values()))[0]
        said += f", {who} can {onward.path.name.format(target=onward.target)}"
    return said


def say_escalations(found: Escalation, name: str) -> str | None:
    """How somebody who is no administrator by one statement can become one; empty if not.

    Args:
        found: the account, searched.
        name: as ``user ada``.

    Returns:
        Each with its calls and the statements without which it is closed. None if it hangs on what
        was not read; what hangs on the circumstances of a call is told, with what it depends on.
    """
    caller, reach = found.callers[name], found.reaches.get(name)
    if reach and reach.is_there:
        return "is an administrator by several statements together"
    if reach and reach.told:
        said = [_in_full(found, way) for way in reach.told]
        more = f"; and {len(said) - MOST_TOLD} more" if len(said) > MOST_TOLD else ""
        return "; ".join(said[:MOST_TOLD]) + more
    return None if reach or found.lacking(caller) else ""


@dataclass(frozen=True)
class PathsChange:
    """What a change of an account makes of somebody's paths, as ``say_way`` says them.

    Attributes:
        opened: those that were not open before, with what they depend on.
        closed: those that were open, or may have been.
        others: how many stay.
        surely: whether one that is opened depends on nothing.
    """

    opened: tuple[str, ...]
    closed: tuple[str, ...]
    others: int
    surely: bool


def compare_paths(before: Escalation, after: Escalation) -> dict[str, PathsChange]:
    """Whose paths a change opens or closes, by ``user ada``.

    Who is an administrator afterwards, or is gone, is not listed.
    """
    found = {}
    for name in after.callers:
        if (reach := after.reaches.get(name)) and reach.is_there:
            continue
        had, has = _best_ways(before, name), _best_ways(after, name)
        new = [
            way
            for path, way in has.items()
            if path not in had or (way.truth is True and had[path].truth is not True)
        ]
        closed = [say_way(before, way) for path, way in had.items() if path not in has]
        if new or closed:
            found[name] = PathsChange(
                opened=tuple(say_way(after, way) + _say_depends(way) for way in new),
                closed=tuple(closed),
                others=len(has) - len(new),
                surely=any(way.truth is True for way in new),
            )
    return found


def _best_ways(found: Escalation, name: str) -> dict[str, Way]:
    """The first way of each path, the open ones first."""
    reach = found.reaches.get(name)
    return {path: ways[0] for path, ways in reach.ways.items()} if reach else {}


def _say_depends(way: Way) -> str:
    return "" if way.truth is True else f" (it depends on {name_unknown(way.truth)})"


def name_unknown(truth: Truth) -> str:
    """What an answer depends on, in order; empty if it is certain."""
    return "" if isinstance(truth, bool) else ", ".join(sorted(truth))


def _in_full(found: Escalation, way: Way) -> str:
    calls = ", ".join(dict.fromkeys(step.action for step in way.all_steps))
    depends = "" if way.truth is True else f", depends on {name_unknown(way.truth)}"
    closed = f"; closed without {' or '.join(way.closed_by)}" if way.closed_by else ""
    return f"{say_way(found, way)} ({calls}{depends}{closed})"
