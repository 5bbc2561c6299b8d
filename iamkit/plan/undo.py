"""The way back of an apply: a plan like any other, made against the account as it is now."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

from iamkit.account.state import AccountState
from iamkit.errors import InputError
from iamkit.plan.access_given import deciding_facts
from iamkit.plan.change import Change
from iamkit.plan.changes import Plan, make_plan
from iamkit.plan.desired import Desired
from iamkit.plan.merging import merge
from iamkit.plan.preview import account_after
from iamkit.plan.undo_steps import ASKS, CLOCKS, LAST_USE, Made, UndoStep, judge_step
from iamkit.text import few

Word = Literal["ready", "all"]
Chosen = Word | Collection[int | Word]
"""What to take back: numbers of changes, and words for several of them.

``ready`` are those that give nobody access and are as the apply left them; ``all``, all that have a
way back and give nobody access. What gives access has no word: it is named by its number.
"""
READY: Word = "ready"


@dataclass(frozen=True, kw_only=True)
class Undo:
    """What can be taken back of an apply, the last change first.

    Attributes:
        steps: one a change.
        lost: the numbers that were chosen and have no way back, or none without what was not
            chosen.
        asking: the numbers that are to be named, beside ``all``, to take back all of it.
        current: the account for which it is planned.
        desired: what those that are taken come to.
    """

    steps: tuple[UndoStep, ...]
    lost: tuple[int, ...] = ()
    asking: tuple[int, ...] = ()
    current: AccountState = field(repr=False)
    desired: Desired

    @cached_property
    def plan(self) -> Plan:
        """The way back of those that are taken.

        Raises:
            InputError: together they would break a quota.
        """
        return make_plan(self.current, self.desired)

    def __str__(self) -> str:
        """A line for each change that was made: its number, whether it is taken back, and why."""
        lines = []
        for step in self.steps:
            mark = "[x]" if step.taken else "[ ]"
            lines.append(f"{mark} {step.number:>3}  {step.what}: {step.state}")
            lines += [f"         {step.said}"] if step.said else []
        return "\n".join(lines)

    @property
    def left(self) -> tuple[UndoStep, ...]:
        """Those that stay as they are although something could be said of them."""
        return tuple(s for s in self.steps if not s.taken and s.state != "nothing left")


def way_back_of(made: Iterable[Made]) -> Desired:
    """The desired state that takes back all of it, as far as there is one."""
    inverses = (one.change.inverse for one in reversed(list(made)))
    return merge(inverse for inverse in inverses if inverse)


def uses_to_read(made: Iterable[Made]) -> dict[str, set[str]]:
    """What else must be read to tell whether somebody works with what was made, by operation."""
    return {LAST_USE: {m.change.name for m in made if m.change.operation == "create_access_key"}}


def plan_undo(current: AccountState, made: Sequence[Made], chosen: Chosen = READY) -> Undo:
    """Plan the way back of an apply, against the account as it is now.

    Args:
        current: with all policies, and all that ``way_back_of`` and ``uses_to_read`` need.
        made: the changes of its journal, in their order.
        chosen: see ``Chosen``.

    Raises:
        InputError: a number that is none of them, or one that has no way back.
    """
    numbers = {one for one in _names(chosen) if isinstance(one, int)}
    if unknown := sorted(numbers - {one.number for one in made}):
        raise InputError(f"The journal has no change {few(map(str, unknown))}.")
    judge = UndoJudge(current, made)
    undo = judge.plan(chosen)
    for step in undo.steps:
        if step.number in undo.lost:
            raise InputError(f"Change {step.number} cannot be taken back: {step.said}.")
    whole = judge.plan([one.number for one in made]).steps
    return replace(undo, asking=tuple(s.number for s in whole if s.taken and s.gives))


class UndoJudge:
    """Judges of each change of an apply what can be said of taking it back.

    What is said of a change depends on the account and on those of the later changes that are
    taken back and touch the same things. So a change is judged once for each choice among those,
    and another choice elsewhere costs it nothing.
    """

    def __init__(self, current: AccountState, made: Sequence[Made]) -> None:
        self._current = current
        self._made = [_with_key(current, each) for each in reversed(made)]
        self._ours = {str(one.change.arguments.get("AccessKeyId", "")) for one in self._made}
        self._around = _Surroundings(current, [one.change for one in self._made])
        self._deciding = deciding_facts(current, [one.change for one in self._made])
        self._related = self._relations()
        self._known: dict[tuple[int, ...], UndoStep] = {}

    def plan(self, chosen: Chosen) -> Undo:
        """The way back of what is chosen, as far as it has one; numbers of others count not."""
        chosen = _names(chosen)
        steps, wanted, taken = list[UndoStep](), list[Desired](), dict[int, UndoStep]()
        for one in self._made:
            step = self._judge(one, taken)
            if _is_chosen(step, chosen) and (inverse := one.change.inverse) and step.changes:
                step = taken[one.number] = replace(step, taken=True)
                wanted.append(inverse)
            steps.append(step)
        asks = any(step.state in ASKS for step in taken.values())
        desired = replace(merge(wanted), needs_consent=asks)
        lost = [s.number for s in steps if s.number in chosen and s.state == "no way back"]
        return Undo(steps=tuple(steps), lost=tuple(lost), current=self._current, desired=desired)

    def _judge(self, made: Made, taken: dict[int, UndoStep]) -> UndoStep:
        before = tuple(number for number in self._related[made.number] if number in taken)
        key = (made.number, *before)
        if key not in self._known:
            changes = [change for number in before for change in taken[number].changes]
            state = account_after(self._around.of(made.change), changes)
            self._known[key] = judge_step(state, made, self._ours, self._deciding)
        return self._known[key]

    def _relations(self) -> dict[int, tuple[int, ...]]:
        """By the number of a change, the later ones on which its judgement depends."""
        writers: dict[str, list[int]] = {}
        found = {}
        for position, one in enumerate(self._made):
            later = {n for fact in self._around.read_by(one.change) for n in writers.get(fact, ())}
            found[one.number] = tuple(self._made[n].number for n in sorted(later))
            for fact in self._around.written_by(one.change):
                writers.setdefault(fact, []).append(position)
        return found


def _names(chosen: Chosen) -> frozenset[int | Word]:
    return frozenset([chosen] if isinstance(chosen, str) else chosen)


def _is_chosen(step: UndoStep, chosen: Collection[int | Word]) -> bool:
    if step.number in chosen or (step.state == "ready" and "ready" in chosen):
        return True
    return "all" in chosen and not step.gives


class _Surroundings:
    """What of an account concerns a change, so that judging one does not walk through all."""

    def __init__(self, account: AccountState, changes: Iterable[Change]) -> None:
        self._account = account
        self._users = _by_spelling(account.users)
        self._groups = _by_spelling(account.groups)
        self._of_user: dict[str, set[str]] = {}
        self._members: dict[str, set[str]] = {}
        self._written: dict[str, set[str]] = {}
        for user in account.users.values():
            for group in user.groups:
                self._join(user.name.lower(), group.lower())
        for change in changes:
            if change.part == "membership":
                self._join(change.name.lower(), change.arguments["GroupName"].lower())
            if change.kind == "user":
                written = self._written.setdefault(change.name.lower(), set())
                written.update(_touched_by(change))

    def _join(self, user: str, group: str) -> None:
        self._of_user.setdefault(user, set()).add(group)
        self._members.setdefault(group, set()).add(user)

    def of(self, change: Change) -> AccountState:
        """The account with those users and groups alone that concern a change."""
        name = change.name.lower()
        if change.kind == "user":
            return self._with([name], self._of_user.get(name, ()))
        if change.kind == "group":
            return self._with(self._members.get(name, ()), None)
        return self._account if change.kind == "policy" else self._with((), None)

    def _with(self, users: Iterable[str], groups: Iterable[str] | None) -> AccountState:
        there = self._account
        names = [written for name in users for written in self._users.get(name, ())]
        found: dict[str, Any] = {
            field: {n: getattr(there, field)[n] for n in names if n in getattr(there, field)}
            for field in OF_USERS
        }
        if groups is not None:
            known = [written for name in groups for written in self._groups.get(name, ())]
            found["groups"] = {name: there.groups[name] for name in known}
        return replace(there, **found)

    def read_by(self, change: Change) -> Iterator[str]:
        """The facts by which a change is judged, as words."""
        name = change.name.lower()
        yield f"{change.kind} {name}"
        if change.kind == "user":
            yield from (f"group {group}" for group in self._of_user.get(name, ()))
        if change.kind == "group" and change.part == "existence":
            yield f"members of {name}"
        yield from (f"policy {policy}" for policy in _policies_of(change))
        if change.kind == "policy":
            yield f"holders of {name}"

    def written_by(self, change: Change) -> Iterator[str]:
        """The facts that taking a change back may alter."""
        if change.kind == "user" and change.part == "existence":
            yield from self._written[change.name.lower()]
        yield from _touched_by(change)


OF_USERS = (
    "users",
    "access_keys",
    "mfa_devices",
    "login_profiles",
    "ssh_public_keys",
    "signing_certificates",
    "service_credentials",
    "key_uses",
    "sign_in_sessions",
)
"""The fields of an account that are by user name."""


def _touched_by(change: Change) -> Iterator[str]:
    """The facts that a change alters by itself."""
    yield f"{change.kind} {change.name.lower()}"
    if change.part == "membership":
        yield f"members of {change.arguments['GroupName'].lower()}"
    yield from (f"holders of {policy}" for policy in _policies_of(change))


def _policies_of(change: Change) -> Iterator[str]:
    """The managed policies that a change gives or takes."""
    given = change.arguments
    for arn in (given.get("PolicyArn"), given.get("PermissionsBoundary"), change.before):
        if isinstance(arn, str) and arn.startswith("arn:"):
            yield arn.rpartition("/")[2].lower()


def _by_spelling(names: Iterable[str]) -> dict[str, list[str]]:
    """Names by how they are written in small letters."""
    found: dict[str, list[str]] = {}
    for name in names:
        found.setdefault(name.lower(), []).append(name)
    return found


def _with_key(current: AccountState, made: Made) -> Made:
    """The making of a key that was cut off, with the key that it made, if there is but one."""
    change = made.change
    if change.operation != "create_access_key" or "AccessKeyId" in change.arguments:
        return made
    found = [
        key.id
        for key in current.access_keys.get(change.name, ())
        if (key.stored or key.orphan) and key.created and abs(key.created - made.at) < CLOCKS
    ]
    if len(found) != 1:
        return made
    arguments = {**change.arguments, "AccessKeyId": found[0]}
    return replace(made, change=replace(change, arguments=arguments))
