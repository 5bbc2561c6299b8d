"""Who can become administrator, as a table."""

from collections.abc import Iterable, Iterator
from typing import Literal

import pandas as pd

from iamkit.account.state import AccountState
from iamkit.policies.escalation.callers import Caller
from iamkit.policies.escalation.search import Escalation
from iamkit.policies.escalation.ways import Way
from iamkit.policies.escalation.wording import name_unknown, say_way
from iamkit.policies.grammar.three_valued import any_of

COLUMNS = (
    "principal kind answer path sentence first_call calls targets next depends_on closed_by source"
).split()
Answer = Literal["open", "depends", "cannot be told"]


def paths_to_admin(state: AccountState) -> pd.DataFrame:
    """Who of an account's users and roles can become administrator, and by which calls.

    Every path is judged by all policies of a principal together, with its denies, its permissions
    boundary and its conditions at the moment of the reading. Who is an administrator already is not
    listed. What the organization's policies forbid is not known here.

    Args:
        state: the account.

    Returns:
        A row for each principal and path, as ``str``: ``principal`` (a name), ``kind`` (user,
        role), ``answer`` (``open``, ``depends``, or ``cannot be told`` where a policy was not
        read), ``path`` (an id of the table of paths), ``sentence``, ``first_call``, ``calls`` (all
        in their order), ``targets``, ``next`` (who one is then, if somebody else), ``depends_on``,
        ``closed_by`` (the statements without which the first target is out of reach), ``source``.
    """
    return paths_table(Escalation(state))


def opened_by(before: AccountState, after: AccountState) -> pd.DataFrame:
    """The rows of ``paths_to_admin`` that a change of an account adds, or makes certain."""
    known = paths_to_admin(before)
    keys = set(zip(known["principal"], known["kind"], known["path"], known["answer"], strict=True))
    found = paths_to_admin(after)
    is_new = [
        key not in keys and (*key[:3], "open") not in keys
        for key in zip(
            found["principal"], found["kind"], found["path"], found["answer"], strict=True
        )
    ]
    return found[is_new].reset_index(drop=True)


def paths_table(found: Escalation) -> pd.DataFrame:
    """What ``paths_to_admin`` says of an account that was searched."""
    return pd.DataFrame(list(_rows(found)), columns=COLUMNS).astype("str")


def _rows(found: Escalation) -> Iterator[tuple[str, ...]]:
    for name, caller in found.callers.items():
        reach = found.reaches.get(name)
        if reach and reach.is_there:
            continue
        for ways in reach.ways.values() if reach else ():
            yield _row(found, caller, ways)
        if not (reach and reach.truth is True) and (lacking := found.lacking(caller)):
            yield _untold(caller.who.name, caller.kind, lacking)
    for name in found.account.holdings.gaps.users:
        yield _untold(name, "user", [f"the policies of user {name}, which were not read"])


def _row(found: Escalation, caller: Caller, ways: list[Way]) -> tuple[str, ...]:
    way = ways[0]
    truth = any_of(w.truth for w in ways)
    closed = (f"{where} ({', '.join(calls)})" for where, calls in way.closed_by.items())
    return (
        caller.who.name,
        caller.kind,
        "open" if truth is True else "depends",
        way.path.id,
        f"{caller.who.name} can {say_way(found, way)}.",
        str(way.steps[0]),
        "; ".join(f"{n}. {step}" for n, step in enumerate(way.all_steps, 1)),
        ", ".join(dict.fromkeys(w.target for w in ways)),
        way.becomes,
        name_unknown(truth),
        "; or ".join(closed),
        way.path.source,
    )


def _untold(name: str, kind: str, lacking: Iterable[str]) -> tuple[str, ...]:
    why = ", ".join(dict.fromkeys(lacking))
    said = f"Whether {name} can become administrator cannot be told."
    row = {"principal": name, "kind": kind, "answer": "cannot be told", "sentence": said}
    row["depends_on"] = why
    return tuple(row.get(column, "") for column in COLUMNS)
