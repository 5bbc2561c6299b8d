"""Who can become administrator, and how: the paths walked back from those who are, to a fixpoint.

What is not in an account's state counts as not there: the organization's policies may close what
is open here. Federated users of another account or of an identity provider are not followed.
"""

from collections.abc import Iterator
from functools import cached_property

from iamkit.account.state import AccountState, Role, User
from iamkit.policies.actions.catalogue import load_catalogue
from iamkit.policies.escalation import outcomes_of_oneself, outcomes_of_users  # noqa: F401 - they register
from iamkit.policies.escalation.account_policies import (
    ANYBODY,
    AccountPolicies,
    Context,
    tail_of,
    truth_of,
)
from iamkit.policies.escalation.callers import Caller, caller_of
from iamkit.policies.escalation.catalogue import (
    Call,
    EscalationPath,
    escalating_actions,
    load_paths,
)
from iamkit.policies.escalation.options import OUTCOMES, Aims, Option, Outcome, Then
from iamkit.policies.escalation.outcomes_of_roles import is_reserved
from iamkit.policies.escalation.ways import Reach, Step, Way, by_path, surest
from iamkit.policies.evaluation.exact import Decision
from iamkit.policies.evaluation.holdings import Holdings
from iamkit.policies.grammar.three_valued import Truth, all_of, any_of

_ABOUT_ONE = frozenset("self user role group policy device provider".split())


class Escalation:
    """Who can become administrator in one account.

    Args:
        state: the account.
        holdings: what its users and roles hold, if that was read already.
    """

    def __init__(self, state: AccountState, holdings: Holdings | None = None) -> None:
        self.state = state
        self.account = AccountPolicies(holdings or Holdings(state, load_catalogue()))
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
        return {str(caller): caller for caller in (caller_of(self.account, who) for who in people)}

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
                before is None or truth is True or len(ways) > sum(map(len, known.values()))
            ):
                newer[name] = Reach(truth, _distance(before, truth, distance), by_path(ways))
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
                    self._shared[key] = tuple(surest(options))
                yield from self._shared[key]
            else:
                yield from surest(options)

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
        if option.needs is False:
            return None
        steps: list[Step] = []
        truths: list[Truth] = [option.needs]
        for call in path.calls:
            decision = self._decide(call, caller, option)
            truths.append(truth_of(decision))
            if truths[-1] is False:
                return None
            steps.append(Step(call.action, option.on.get(call.on, "*"), decision.statements))
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

    def lacking(self, caller: Caller) -> list[str]:
        """What was not read that may open a path to a caller."""
        targets = (
            unknown
            for kind, unknown in self._unlisted.items()
            if any(_may_be_about(path, kind, caller) for path, *_ in self._paths_for(caller))
        )
        return [*caller.lacking, *targets]

    @cached_property
    def _unlisted(self) -> dict[str, str]:
        """Of which kinds there may be more than were read."""
        gaps = self.account.holdings.gaps
        kinds = gaps.kinds - {"policies"} | ({"users"} if gaps.users else set())
        return {kind[:-1]: f"which {kind} there are, not all of which were read" for kind in kinds}


_LAST: list[Escalation] = []
"""The account that was searched last: one asks several questions about the same."""


def search_paths(state: AccountState) -> Escalation:
    """An account to be searched, or the last one again."""
    if not _LAST or _LAST[0].state is not state:
        _LAST[:] = [Escalation(state)]
    return _LAST[0]


def _context(call: Call, option: Option) -> Context:
    about = ("iam:PermissionsBoundary", option.boundary)
    return (*option.context, about) if call.within_iam else ()


def _before(found: dict[str, Reach], reach: Reach) -> dict[str, Reach]:
    """Those through whom somebody who was found perhaps may be so surely, and not by itself."""
    return {n: r for n, r in found.items() if r.truth is True or r.distance < reach.distance}


def _distance(before: Reach | None, truth: Truth, distance: int) -> int:
    return (
        before.distance if before and before.truth is not False and truth is not True else distance
    )


def _may_be_about(path: EscalationPath, kind: str, caller: Caller) -> bool:
    """Whether a path may be about others of a kind."""
    calls = [call for call in path.calls if kind in call.on]
    if not calls:
        return kind == "role" and path.service != ""
    return all(caller.names_others(call.action) for call in calls)
