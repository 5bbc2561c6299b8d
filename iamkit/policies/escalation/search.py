"""Who can become administrator, and how: the paths walked back from those who are, to a fixpoint.

What is not in an account's state counts as not there: the organization's policies may close what
is open here. Federated users of another account or of an identity provider are not followed.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import pandas as pd

from iamkit.account.state import ROOT_USER, AccountState, Role, User
from iamkit.policies.escalation.callers import (
    ANYBODY,
    AccountPolicies,
    Caller,
    Context,
    Versions,
    tail_of,
    truth_of,
)
from iamkit.policies.escalation.catalogue import (
    Call,
    EscalationPath,
    escalating_actions,
    load_paths,
)
from iamkit.policies.escalation.outcomes import OUTCOMES, Aims, Option, Outcome, Then, is_reserved
from iamkit.policies.evaluation.exact import Decision
from iamkit.policies.grammar.three_valued import Truth, all_of, any_of

COLUMNS = (
    "principal kind answer path sentence first_call calls targets next depends_on closed_by source"
).split()
Answer = Literal["open", "depends", "cannot be told"]
MOST_TARGETS = 5
"""So many targets of a path are named; the answer is the best of all that were looked at."""
_ABOUT_ONE = frozenset("self user role group policy device provider".split())


@dataclass(frozen=True)
class Step:
    """One call of a way: the action, what it is about, and the statements that allow it."""

    action: str
    resource: str
    allowed_by: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.action} on {self.resource}" if self.resource != "*" else self.action


@dataclass(frozen=True)
class Way:
    """A path that somebody can walk, or perhaps can.

    Attributes:
        path: which one.
        steps: its calls, in their order.
        target: what it is about.
        truth: True if it is open, else what it depends on.
        becomes: who one is then, as ``user ada``; empty for oneself.
        then: how one goes on from there, unless one is administrator.
    """

    path: EscalationPath
    steps: tuple[Step, ...]
    target: str
    truth: Truth
    becomes: str = ""
    then: "Way | None" = None

    @property
    def all_steps(self) -> tuple[Step, ...]:
        """Its own calls, and those by which one goes on as oneself."""
        return self.steps + (self.then.all_steps if self.then else ())


@dataclass
class Reach:
    """How somebody becomes administrator.

    Attributes:
        truth: whether one is or can become administrator.
        distance: how many others one has to become before; 0 for an administrator.
        ways: by path, the best first.
    """

    truth: Truth
    distance: int
    ways: dict[str, list[Way]] = field(default_factory=dict)


class Escalation:
    """Who can become administrator in one account.

    Args:
        state: the account.
        versions: the documents of all versions of its managed policies, by ARN and version; None
            if they were not read.
    """

    def __init__(
        self,
        state: AccountState,
        versions: Versions | None = None,
    ) -> None:
        self.state = state
        self.account = AccountPolicies(state, versions)
        self._now = Aims({}, {})
        self._shared: dict[object, tuple[Way, ...]] = {}
        self._paths = [
            (path, path.actions(self.account.catalogue), OUTCOMES[path.gives])
            for path in load_paths()
        ]
        self._tried: dict[object, list[tuple[EscalationPath, int, Outcome]]] = {}

    @cached_property
    def callers(self) -> dict[str, Caller]:
        """Every user and role, as ``user ada``."""
        people: list[User | Role] = [self.state.users[name] for name in sorted(self.state.users)]
        people += [self.state.roles[name] for name in sorted(self.state.roles)]
        return {str(caller): caller for caller in map(self.account.caller, people)}

    @cached_property
    def reaches(self) -> dict[str, Reach]:
        """Everybody who is, can become or perhaps can become administrator, by ``user ada``."""
        found: dict[str, Reach] = {}
        for name, caller in self.callers.items():
            lacking = frozenset(caller.lacking) or False
            truth = any_of((caller.is_administrator, lacking))
            if truth is not False:
                found[name] = Reach(truth, 0)
        distance, changed = 0, True
        while changed:
            distance += 1
            self._shared.clear()
            changed = self._search(found, distance)
        return found

    def _search(self, found: dict[str, Reach], distance: int) -> bool:
        """Look who reaches those that were found; whether somebody is new or now certain."""
        aims = self._now = self._aims(found)
        newer, nearer = {}, dict[int, Aims]()
        for name, caller in self.callers.items():
            before = found.get(name)
            if before and before.truth is True:
                continue
            if before and before.distance not in nearer:
                nearer[before.distance] = self._aims(_before(found, before))
            near = nearer[before.distance] if before else aims
            ways = tuple(self._ways(caller, found, near))
            truth = any_of((before.truth if before else False, *(way.truth for way in ways)))
            known = before.ways if before else {}
            if truth is not False and (
                before is None or truth is True or len(ways) > _count(known)
            ):
                newer[name] = Reach(truth, _distance(before, truth, distance), _by_path(ways))
        changed = any(name not in found or r.truth is True for name, r in newer.items())
        found.update(newer)
        return changed

    def _aims(self, found: dict[str, Reach]) -> Aims:
        """Those that were found, surest and nearest first."""
        order = sorted(found, key=lambda n: (found[n].truth is not True, found[n].distance, n))
        people = [self.callers[name].who for name in order]
        return Aims(
            {tail_of(who): who for who in people if isinstance(who, User)},
            {tail_of(who): who for who in people if isinstance(who, Role)},
        )

    def _ways(self, caller: Caller, found: dict[str, Reach], aims: Aims) -> Iterator[Way]:
        """All ways of a caller to those that were found, and to other rights of its own."""
        if caller.kind == "role" and is_reserved(caller.who):  # type: ignore[arg-type] # a role
            return
        for path, actions, outcome in self._paths_for(caller):
            options = self._options(path, outcome, caller, found, aims)
            if path.is_about_others and str(caller) not in found:
                key = caller.alike(actions), path.id
                if key not in self._shared:
                    self._shared[key] = tuple(_surest(options))
                yield from self._shared[key]
            else:
                yield from _surest(options)

    def _paths_for(self, caller: Caller) -> list[tuple[EscalationPath, int, Outcome]]:
        """The paths all of whose actions a caller may do somewhere; a role may let it in."""
        key = caller.kind, caller.possible & escalating_actions()
        if key not in self._tried:
            free = self.account.assuming | self.account.catalogue.matching("sts:GetSessionToken")
            self._tried[key] = [
                (path, actions, outcome)
                for path, actions, outcome in self._paths
                if path.who in ("", caller.kind) and not actions & ~caller.possible & ~free
            ]
        return self._tried[key]

    def _options(
        self,
        path: EscalationPath,
        outcome: Outcome,
        caller: Caller,
        found: dict[str, Reach],
        aims: Aims,
    ) -> Iterator[Way]:
        ways = (self._way(path, caller, option, found) for option in outcome(path, caller, aims))
        return (way for way in ways if way)

    def _way(
        self,
        path: EscalationPath,
        caller: Caller,
        option: Option,
        found: dict[str, Reach],
        *,
        further: bool = True,
    ) -> Way | None:
        """How a caller walks a path in one of the ways that the account leaves; None if not."""
        steps, truths = [], [option.needs]
        for call in path.calls:
            decision = self._decide(call, caller, option)
            truths.append(truth_of(decision))
            if truths[-1] is False:
                return None
            by = tuple(str(statement) for statement in decision.statements)
            steps.append(Step(call.action, option.on.get(call.on, "*"), by))
        becomes = option.then if isinstance(option.then, str) else ""
        truth, then = self._then(option.then, found, further=further)
        truth = all_of((*truths, truth))
        if truth is False:
            return None
        return Way(path, tuple(steps), option.target, truth, becomes, then)

    def _decide(self, call: Call, caller: Caller, option: Option) -> Decision:
        resource = option.on.get(call.on, "*")
        if call.action == "sts:AssumeRole":
            assert option.role is not None  # noqa: S101 - such options have one
            opened = call.on in ("role that is opened", "new role")
            own = ANYBODY if opened else self.account.trust(option.role)
            return caller.decide(call.action, resource, (), own)
        about = {resource.split(":", 5)[-1]: resource}
        is_one = call.on in _ABOUT_ONE and resource != "*"
        if is_one and not caller.named(call.action, about):
            return Decision("implicit deny")
        return caller.decide(call.action, resource, _context(call, option))

    def _then(
        self, then: Then, found: dict[str, Reach], *, further: bool
    ) -> tuple[Truth, Way | None]:
        """Whether one is administrator then, or becomes so by one path more."""
        if then is None:
            return True, None
        if isinstance(then, str):
            return (found[then].truth if then in found else False), None
        caller = then()
        if caller.is_administrator is True:
            return True, None
        if not further:
            return caller.is_administrator, None
        best: Way | None = None
        for way in self._own_ways(caller, found):
            if best is None or (way.truth is True and best.truth is not True):
                best = way
        return any_of((caller.is_administrator, best.truth if best else False)), best

    def _own_ways(self, caller: Caller, found: dict[str, Reach]) -> Iterator[Way]:
        """The ways of somebody whose rights were changed: one change more, or somebody else."""
        for path, _, outcome in self._paths_for(caller):
            for option in outcome(path, caller, self._now):
                way = self._way(path, caller, option, found, further=False)
                if way:
                    yield way
                    break

    def table(self) -> pd.DataFrame:
        """Everybody's ways; see ``paths_to_admin``."""
        return pd.DataFrame(list(self._rows()), columns=COLUMNS).astype("str")

    def _rows(self) -> Iterator[tuple[str, ...]]:
        for name, caller in self.callers.items():
            reach = self.reaches.get(name)
            if reach and reach.distance == 0 and reach.truth is True:
                continue
            for ways in reach.ways.values() if reach else ():
                yield self._row(caller, ways)
            if caller.lacking and not (reach and reach.truth is True):
                yield _untold(caller.who.name, caller.kind, caller.lacking)
        for name in sorted(self.state.report):
            if name not in self.state.users and name != ROOT_USER:
                yield _untold(name, "user", [f"the policies of user {name}, which were not read"])

    def _row(self, caller: Caller, ways: list[Way]) -> tuple[str, ...]:
        way = ways[0]
        truth = any_of(w.truth for w in ways)
        return (
            caller.who.name,
            caller.kind,
            "open" if truth is True else "depends",
            way.path.id,
            self.sentence(caller, way),
            str(way.steps[0]),
            "; ".join(f"{n}. {step}" for n, step in enumerate(way.all_steps, 1)),
            ", ".join(dict.fromkeys(w.target for w in ways)),
            way.becomes,
            "" if isinstance(truth, bool) else ", ".join(sorted(truth)),
            _closed_by(way),
            way.path.source,
        )

    def sentence(self, caller: Caller, way: Way) -> str:
        """What somebody can do, and who is administrator then."""
        said = f"{caller.who.name} can {way.path.name.format(target=way.target)}"
        if way.then:
            said += f", then {way.then.path.name.format(target=way.then.target)}"
        reach = self.reaches.get(way.becomes)
        who = "which" if way.becomes.startswith("role ") else "who"
        if reach and reach.distance == 0:
            perhaps = "perhaps " if reach.truth is not True else ""
            said += f", {who} is {perhaps}an administrator"
        elif reach and reach.ways:
            onward = next(iter(reach.ways.values()))[0]
            said += f", {who} can {onward.path.name.format(target=onward.target)}"
        return f"{said}."


def paths_to_admin(state: AccountState, versions: Versions | None = None) -> pd.DataFrame:
    """Who of an account's users and roles can become administrator, and by which calls.

    Every path is judged by all policies of a principal together, with its denies, its permissions
    boundary and its conditions at the moment of the reading. Who is an administrator already is not
    listed. What the organization's policies forbid is not known here.

    Args:
        state: the account.
        versions: the documents of all versions of its managed policies, by ARN and version.

    Returns:
        A row for each principal and path, as ``str``: ``principal`` (a name), ``kind`` (user,
        role), ``answer`` (``open``, ``depends``, or ``cannot be told`` where a policy was not
        read), ``path`` (an id of the table of paths), ``sentence``, ``first_call``, ``calls`` (all
        in their order), ``targets``, ``next`` (who one is then, if somebody else), ``depends_on``,
        ``closed_by`` (the statements without which the first target is out of reach), ``source``.
    """
    return Escalation(state, versions).table()


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


def _context(call: Call, option: Option) -> Context:
    about = ("iam:PermissionsBoundary", option.boundary)
    return (*option.context, about) if call.within_iam else ()


def _before(found: dict[str, Reach], reach: Reach) -> dict[str, Reach]:
    """Those through whom somebody who was found perhaps may be so surely, and not by itself."""
    return {n: r for n, r in found.items() if r.truth is True or r.distance < reach.distance}


def _surest(ways: Iterable[Way]) -> Iterator[Way]:
    """The first few ways of a path; if some are open, the first few of these."""
    unsure: list[Way] = []
    number = 0
    for way in ways:
        if way.truth is True:
            number += 1
            yield way
        elif len(unsure) < MOST_TARGETS:
            unsure.append(way)
        if number == MOST_TARGETS:
            return
    if not number:
        yield from unsure


def _by_path(ways: Iterable[Way]) -> dict[str, list[Way]]:
    found: dict[str, list[Way]] = {}
    for way in ways:
        found.setdefault(way.path.id, []).append(way)
    for several in found.values():
        several.sort(key=lambda way: way.truth is not True)
    return dict(sorted(found.items(), key=lambda item: item[1][0].truth is not True))


def _count(ways: dict[str, list[Way]]) -> int:
    return sum(map(len, ways.values()))


def _distance(before: Reach | None, truth: Truth, distance: int) -> int:
    return (
        before.distance if before and before.truth is not False and truth is not True else distance
    )


def _closed_by(way: Way) -> str:
    """The statements that allow its calls, each with the calls for which it, or they, must go."""
    said: dict[str, list[str]] = {}
    for step in way.steps:
        if step.allowed_by and not any(
            name.startswith(ANYBODY[0].policy) for name in step.allowed_by
        ):
            said.setdefault(" + ".join(step.allowed_by), []).append(step.action)
    return "; or ".join(f"{where} ({', '.join(actions)})" for where, actions in said.items())


def _untold(name: str, kind: str, lacking: Iterable[str]) -> tuple[str, ...]:
    why = ", ".join(dict.fromkeys(lacking))
    said = f"Whether {name} can become administrator cannot be told."
    row = {"principal": name, "kind": kind, "answer": "cannot be told", "sentence": said}
    row["depends_on"] = why
    return tuple(row.get(column, "") for column in COLUMNS)
