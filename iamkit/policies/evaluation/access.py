"""Who can do what in an account: the evaluator over everyone, as pandas tables.

What is not in an account's state is said to be not read: the organization's policies, the own
policies of resources other than roles, and so on (``Layers``). Who assumes a role is not followed.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import pandas as pd

from iamkit.account.gaps import DETAILS
from iamkit.account.state import AccountState, Role, User
from iamkit.errors import InputError
from iamkit.policies.actions.catalogue import Catalogue, load_catalogue
from iamkit.policies.evaluation.engine import evaluate
from iamkit.policies.evaluation.exact import Decision
from iamkit.policies.evaluation.holdings import Holding, Holdings
from iamkit.policies.evaluation.layers import OWN, Layers, Policies
from iamkit.policies.evaluation.matrix import (
    UNTOLD,
    PermissionMatrix,
    known_actions,
    masks_of,
    typed,
)
from iamkit.policies.evaluation.paths import text_of
from iamkit.policies.evaluation.reach import Grants
from iamkit.policies.evaluation.request import Principal, Request
from iamkit.policies.evaluation.special_actions import FREE
from iamkit.policies.grammar.patterns import account_in, is_pattern
from iamkit.policies.grammar.statements import Statement, read_statements, unread
from iamkit.text import did_you_mean, few

WHO_CAN = ("principal", "kind", "answer", "reach", "part", "path", "depends_on", "not_read")
WHAT_CAN = ("service", "level", "action", "reach", "path")
NOBODYS = "no policy is needed"
"""The path of the account's own credentials, and of an action that is free to all."""


class Access:
    """Who can do what in one account, read once and asked often.

    Args:
        state: the account.
        catalogue: of AWS's actions; by default the installed one.
    """

    def __init__(self, state: AccountState, catalogue: Catalogue | None = None) -> None:
        self.state = state
        self.catalogue = catalogue or load_catalogue()
        self._holdings = Holdings(state, self.catalogue)
        self._lacking: set[str] = set()

    def who_can(
        self,
        action: str,
        resource: str | None = None,
        context: Mapping[str, Any] | None = None,
        layers: Layers | None = None,
    ) -> pd.DataFrame:
        """Who may do an action; see ``who_can``."""
        question = _Question(
            action=known_actions(action, self.catalogue),
            resource=known_resource(resource),
            context=context or {},
            layers=layers or Layers(),
        )
        found = [self._root(question), *self._askers(question), *self._undescribed()]
        not_read = {
            kind: ", ".join(question.layers.not_read(question.action, kind))
            for kind in ("root", "user", "role")
        }
        rows = [
            (who, kind, *self._how(decision, question), not_read[kind])
            for who, kind, decision in found
            if decision.effect not in ("explicit deny", "implicit deny")
        ]
        return typed(pd.DataFrame(rows, columns=list(WHO_CAN)))

    def what_can(self, name: str) -> pd.DataFrame:
        """What a user or role may do; see ``what_can``."""
        who: User | Role | None = self.state.users.get(name) or self.state.roles.get(name)
        if who is None:
            hint = did_you_mean(name, [*self.state.users, *self.state.roles]) or "."
            missing = self._holdings.gaps.say_missing(name, "users", "roles")
            raise InputError(f"{missing}{hint}")
        holdings = self._holdings
        holding = holdings.of_user(who) if isinstance(who, User) else holdings.of(who)
        rows = []
        for reach, mask in masks_of(holding.reach):
            for action in self.catalogue.named(mask):
                paths = [
                    str(statement)
                    for grants in holding.policies
                    for statement in grants.about(self.catalogue.matching(action))
                    if statement.allows and grants.is_read
                ]
                paths += holding.lacking if reach == UNTOLD else ()
                service, level = action.partition(":")[0], self.catalogue.level_of(action)
                rows.append((service, level, action, reach, " + ".join(paths) or NOBODYS))
        frame = pd.DataFrame(rows, columns=list(WHAT_CAN)).sort_values("action", ignore_index=True)
        return typed(frame)

    @cached_property
    def matrix(self) -> "PermissionMatrix":
        """How far each user may do each action."""
        users = (self.state.users[name] for name in sorted(self.state.users))
        reaches = {user.name: self._holdings.of_user(user).reach for user in users}
        return PermissionMatrix(self.catalogue, reaches)

    def _root(self, question: "_Question") -> tuple[str, str, Decision]:
        """What the account's root may do: no policy of its users limits it."""
        arn = f"arn:{self.state.partition}:iam::{self.state.account_id}:root"
        policies = Policies(resource=self._own_policy(question))
        policies = question.layers.applied(policies, "root")
        return arn, "root", evaluate(_request(Principal(arn), question, {}), policies)

    def _askers(self, question: "_Question") -> Iterator[tuple[str, str, Decision]]:
        """Everyone who may be allowed; whom the same statements concern are asked once."""
        shared: dict[Any, Decision] = {}
        own = self._own_policy(question)
        actions = self.catalogue.matching(question.action)
        free = actions & self.catalogue.matching(FREE)
        named = self._trusted if question.assumes else frozenset()
        about = cache(lambda grants: grants.about(actions))
        for kind, who, holding in self._everyone:
            direct = free or question.has_own_policy(own) or named & {who.arn, "*"}
            if not (direct or any(grants.allowing & actions for grants in holding.policies)):
                continue
            self._lacking.update(holding.lacking)
            policies = question.layers.applied(_policies(holding, about, own), kind)
            personal = policies.resource or any(s.is_personal for s in policies.statements)
            bounded = policies.permissions_boundary is not None
            key = kind, *((who.name,) if personal else (bounded, *map(id, policies.statements)))
            if key not in shared:
                principal, known = _principal(who)
                shared[key] = evaluate(_request(principal, question, known), policies)
            yield who.name, kind, shared[key]

    def _undescribed(self) -> Iterator[tuple[str, str, Decision]]:
        """Users whom the credential report knows, and of whom nothing else was read."""
        for name in self._holdings.gaps.users:
            lacking = f"the policies of user {name}, which were not read"
            self._lacking.add(lacking)
            yield name, "user", Decision("depends", depends_on=(lacking,))

    @cached_property
    def _everyone(self) -> list[tuple[str, User | Role, Holding]]:
        found: list[tuple[str, User | Role]] = []
        found += [("user", self.state.users[name]) for name in sorted(self.state.users)]
        found += [("role", self.state.roles[name]) for name in sorted(self.state.roles)]
        return [(kind, who, self._holdings.of(who)) for kind, who in found]

    def _own_policy(self, question: "_Question") -> tuple[Statement, ...] | None:
        """The own policy of what is asked about, where it decides; None if it does not here.

        A role's trust policy decides who assumes it, and what is another account's allows nobody
        by this account's policies alone.
        """
        if question.layers.resource is not None:
            return None
        resource = question.resource or ""
        if account_in(resource) not in ("", self.state.account_id):
            kind = "trust policy" if question.assumes else "own policy"
            return unread(kind, f"the {kind} of {resource}, which was not read")
        if not question.assumes:
            return None
        if not resource or is_pattern(resource):
            return unread("trust policies", "the trust policy of each role")
        role = next((role for role in self.state.roles.values() if role.arn == resource), None)
        text = text_of(role.trust_policy) if role else None
        if text is not None:
            return read_statements(text, "trust policy")
        lacking = f"the trust policy of {resource}, which was not read"
        self._lacking.add(lacking)
        return unread("trust policy", lacking)

    @cached_property
    def _trusted(self) -> frozenset[str]:
        """Whom the account's trust policies name, by ARN or as everyone; of a session the role."""
        named = {
            "*" if statement.not_principal else name
            for role in self.state.roles.values()
            for statement in read_statements(text_of(role.trust_policy) or {})
            for kind, name in statement.principals
            if kind == "AWS"
        }
        sessions = {name.split("/")[1] for name in named if ":assumed-role/" in name}
        return frozenset(named | {r.arn for r in self.state.roles.values() if r.name in sessions})

    def _how(self, decision: Decision, question: "_Question") -> tuple[str, str, str, str, str]:
        """The answer, how far it goes, on which part, by which path, and what it depends on."""
        path = " + ".join(dict.fromkeys(str(s) for s in decision.statements)) or NOBODYS
        depends_on = ", ".join(decision.depends_on)
        if self._lacking & set(decision.depends_on):
            return UNTOLD, UNTOLD, decision.part, path, depends_on
        if decision.effect == "depends" and decision.depends_on != ("resource",):
            reach = "under conditions"
        else:
            whole = question.resource in (None, "*") and decision.allowed
            reach = "everything" if whole else "some resources"
        return decision.effect, reach, decision.part, path, depends_on


@dataclass(frozen=True)
class _Question:
    """What is asked of everyone."""

    action: str
    resource: str | None
    context: Mapping[str, Any]
    layers: Layers

    @property
    def assumes(self) -> bool:
        """Whether it is who may assume a role."""
        return self.action.startswith("sts:AssumeRole")

    def has_own_policy(self, own: tuple[Statement, ...] | None) -> bool:
        """Whether a policy of the resource was given or is known, which may allow by itself."""
        one = self.resource is not None and not is_pattern(self.resource)
        return bool(self.layers.resource) or (own is not None and one)


def _policies(
    holding: Holding,
    about: Callable[[Grants], tuple[Statement, ...]],
    own: tuple[Statement, ...] | None,
) -> Policies:
    """What concerns some actions of all that somebody holds."""
    boundary = holding.boundary
    return Policies(
        identity={g.name: found for g in holding.policies if (found := about(g))},
        permissions_boundary=None if boundary is None else about(boundary),
        resource=own,
    )


def _principal(who: User | Role) -> tuple[Principal, dict[str, Any]]:
    """Who asks, and what of its context is known: of a role, which has many sessions, nothing."""
    if isinstance(who, Role):
        return Principal(who.arn), {}
    return Principal(who.arn, tags=who.tags), {"aws:userid": who.id} if who.id else {}


def _request(principal: Principal, question: _Question, known: Mapping[str, Any]) -> Request:
    return Request(
        principal=principal,
        action=question.action,
        resource=question.resource,
        context={**known, **question.context},
        complete=False,
    )


def who_can(
    state: AccountState,
    action: str,
    resource: str | None = None,
    context: Mapping[str, Any] | None = None,
    layers: Layers | None = None,
) -> pd.DataFrame:
    """Everyone in the account who may do an action, or perhaps may.

    Args:
        state: the account.
        action: such as ``s3:GetObject``; case is ignored. With wildcards it is all such actions.
        resource: its ARN, or with wildcards a set of them; ``*`` is all in this account. Without
            it the question is about one resource that is not told.
        context: context keys that are known, such as ``{"aws:MultiFactorAuthPresent": "true"}``;
            every other key is unknown.
        layers: the organization's policies and others that are not in the account's state.

    Returns:
        A row for the root, for each user and each role, as ``str``: ``principal`` (a name; of the
        root its ARN), ``kind`` (root, user, role), ``answer`` (``allowed``, ``allowed in part``,
        ``depends``, or ``cannot be told`` if a policy of this account was not read), ``reach`` (a
        category, one of ``REACHES``), ``part`` (of a set, the part that is meant; empty for all of
        it), ``path`` (the policies and statements that decide), ``depends_on``, ``not_read`` (the
        layers that nobody read; the answer holds as far as they say nothing else).

    Raises:
        InputError: AWS has no such action, or the resource is no ARN.
    """
    return _access(state).who_can(action, resource, context, layers)


def gaps_in(state: AccountState, answers: pd.DataFrame) -> list[str]:
    """What could not be read and may decide the answers of ``who_can``, in sentences.

    Args:
        state: the account.
        answers: what ``who_can`` said of it.
    """
    said = []
    source = state.source(DETAILS)
    if source.failed:
        why = f" ({source.note})" if source.note else ""
        said.append(f"Not everyone's policies were read{why}. Others may be allowed too.")
    untold = sorted(answers.loc[answers["answer"] == UNTOLD, "principal"])
    if untold:
        said.append(f"It {UNTOLD} for {few(untold, 5)}: what decides was not read; see depends_on.")
    return said


def for_reading(answers: pd.DataFrame) -> tuple[str, pd.DataFrame]:
    """What ``who_can`` said as a person reads it: what holds for all rows once, and before them.

    Returns:
        A line that names the layers that nobody read (empty if there are none), and the table
        without them and without columns in which nothing stands.
    """
    layers = dict.fromkeys(
        layer for text in answers["not_read"] for layer in text.split(", ") if layer
    )
    names = sorted(layers, key=lambda name: name == OWN)
    more = ", which may also allow others" if OWN in layers else ""
    head = f"Not read, and may refuse what is allowed here: {', '.join(names)}{more}."
    empty = [name for name in ("part", "depends_on") if not answers[name].any()]
    return head if layers else "", answers.drop(columns=["not_read", *empty])


def what_can(state: AccountState, user: str) -> pd.DataFrame:
    """All that a user or a role may do, or perhaps may.

    Returns:
        A row for each action: ``service``, ``level``, ``action``, ``reach`` (one of ``REACHES``),
        ``path`` (the statements that allow it).

    Raises:
        InputError: there is no such user or role.
    """
    return _access(state).what_can(user)


def permission_matrix(state: AccountState) -> PermissionMatrix:
    """How far each user of the account may do each of AWS's actions."""
    return _access(state).matrix


def known_resource(resource: str | None) -> str | None:
    """A resource as it is asked about; None for one that is not told.

    Raises:
        InputError: it is neither an ARN nor ``*``.
    """
    is_arn = resource is not None and resource.startswith("arn:") and resource.count(":") >= 5
    if resource and resource != "*" and not is_arn:
        raise InputError(f"{resource!r} is no ARN, such as arn:aws:s3:::reports/may.csv.")
    return resource or None


_LAST: list[Access] = []
"""The account that was asked about last: one asks several questions about the same."""


def _access(state: AccountState) -> Access:
    if not _LAST or _LAST[0].state is not state:
        _LAST[:] = [Access(state)]
    return _LAST[0]
