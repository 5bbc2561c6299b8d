"""Who can do what in an account: the evaluator over everyone, as pandas tables.

What is not in an account's state is not seen: service and resource control policies, and the own
policies of resources other than roles. Who assumes a role is not followed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from iamkit.account import JSON, AccountState, Role, User
from iamkit.errors import InputError
from iamkit.names import did_you_mean
from iamkit.policies.catalogue import Catalogue, load_catalogue
from iamkit.policies.evaluation import (
    Decision,
    Policies,
    Statement,
    evaluate,
    read_statements,
    unread,
)
from iamkit.policies.grants import Holding, Holdings, Path, Reach, paths_to
from iamkit.policies.request import Principal, Request

WHO_CAN = ("principal", "kind", "answer", "reach", "path", "depends_on")
WHAT_CAN = ("service", "level", "action", "reach", "path")
REACHES = ("nothing", "under conditions", "some resources", "everything")
"""How far a permission goes, from the least."""


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
        self._statements: dict[tuple[int, str], tuple[Statement, ...]] = {}

    def who_can(
        self, action: str, resource: str | None = None, context: Mapping[str, Any] | None = None
    ) -> pd.DataFrame:
        """Who may do an action; see ``who_can``."""
        name = known_action(action, self.catalogue)
        root = f"arn:{self.state.partition}:iam::{self.state.account_id}:root"
        found = [(root, "root", Decision("allowed"))]
        found += self._askers(name, resource, context or {})
        rows = [
            (who, kind, decision.effect, *_how(decision, resource)) for who, kind, decision in found
        ]
        return _typed(pd.DataFrame(rows, columns=list(WHO_CAN)))

    def what_can(self, name: str) -> pd.DataFrame:
        """What a user or role may do; see ``what_can``."""
        who: User | Role | None = self.state.users.get(name) or self.state.roles.get(name)
        if who is None:
            hint = did_you_mean(name, [*self.state.users, *self.state.roles]) or "."
            raise InputError(f"The account has no user or role {name!r}{hint}")
        holding = self._holdings.of(who)
        rows = []
        for reach, mask in _masks(holding.reach):
            for action in self.catalogue.named(mask):
                paths = [
                    f"{path} > {grant.name}"
                    for path, grants in holding.paths
                    for grant in grants or ()
                    if grant.allows and grant.actions & self.catalogue.matching(action)
                ]
                service, level = action.partition(":")[0], self.catalogue.level_of(action)
                rows.append((service, level, action, reach, " + ".join(paths)))
        frame = pd.DataFrame(rows, columns=list(WHAT_CAN)).sort_values("action", ignore_index=True)
        return _typed(frame)

    @cached_property
    def matrix(self) -> "PermissionMatrix":
        """How far each user may do each action."""
        reaches = {who.name: held.reach for kind, who, held in self._everyone if kind == "user"}
        return PermissionMatrix(self.catalogue, reaches)

    def _askers(
        self, action: str, resource: str | None, context: Mapping[str, Any]
    ) -> Iterator[tuple[str, str, Decision]]:
        """Everyone who surely or perhaps may; who hold the same are asked once if they may be."""
        shared: dict[int, Decision] = {}
        trust = self._trust_policy(action, resource)
        bit = self.catalogue.matching(action)
        for kind, who, holding in self._everyone:
            if not trust and not holding.reach.possible & bit:
                continue
            decision = shared.get(id(holding))
            if decision is None:
                policies, personal = self._policies(who, action, trust)
                decision = evaluate(self._request(who, action, resource, context), policies)
                if not personal:
                    shared[id(holding)] = decision
            if decision.effect in ("allowed", "depends"):
                yield who.name, kind, decision

    @cached_property
    def _everyone(self) -> list[tuple[str, User | Role, Holding]]:
        found: list[tuple[str, User | Role]] = []
        found += [("user", self.state.users[name]) for name in sorted(self.state.users)]
        found += [("role", self.state.roles[name]) for name in sorted(self.state.roles)]
        return [(kind, who, self._holdings.of(who)) for kind, who in found]

    def _policies(self, who: User | Role, action: str, trust: JSON | None) -> tuple[Policies, bool]:
        """The statements that name an action; and whether they may treat people differently."""
        identity = {}
        for path in paths_to(who, self.state):
            found = tuple(s for s in self._read(path) if s.names_action(action))
            if found:
                identity[str(path)] = found
        boundary = self._boundary(who)
        statements = [s for found in (*identity.values(), boundary or ()) for s in found]
        personal = bool(trust) or any(s.is_personal for s in statements)
        return Policies(identity=identity, permissions_boundary=boundary, resource=trust), personal

    def _boundary(self, who: User | Role) -> tuple[Statement, ...] | None:
        arn = who.permissions_boundary
        if arn is None:
            return None
        policy = self.state.policies.get(arn)
        name = arn.rpartition("/")[2]
        document = policy.document if policy else None
        return self._read(Path("", "attached", f"boundary {name}", arn, document))

    def _read(self, path: Path) -> tuple[Statement, ...]:
        if path.document is None:
            return unread(str(path))
        key = id(path.document), str(path)
        if key not in self._statements:  # the state keeps the document alive
            self._statements[key] = read_statements(path.document, str(path))
        return self._statements[key]

    def _trust_policy(self, action: str, resource: str | None) -> JSON | None:
        if not action.startswith("sts:AssumeRole"):
            return None
        return next((r.trust_policy for r in self.state.roles.values() if r.arn == resource), None)

    def _request(
        self, who: User | Role, action: str, resource: str | None, context: Mapping[str, Any]
    ) -> Request:
        known: dict[str, Any] = {"aws:userid": who.id or None}
        if isinstance(who, User):
            known |= {f"aws:PrincipalTag/{key}": value for key, value in who.tags.items()}
        return Request(
            principal=Principal(who.arn),
            action=action,
            resource=resource,
            context={**known, **context},
            complete=False,
        )


@dataclass(frozen=True)
class PermissionMatrix:
    """How far each user may do each action: users by all of AWS.

    Attributes:
        reaches: by user, as bits of the catalogue; users who hold the same share one.
    """

    catalogue: Catalogue
    reaches: Mapping[str, Reach]

    def who(self, action: str) -> pd.DataFrame:
        """The users who may do an action: ``user``, and ``reach`` as one of ``REACHES``."""
        bit = self.catalogue.matching(known_action(action, self.catalogue))
        rows = [
            (user, reach)
            for user, found in self.reaches.items()
            for reach, mask in _masks(found)
            if mask & bit
        ]
        return _typed(pd.DataFrame(rows, columns=["user", "reach"]))

    def counts(self) -> pd.DataFrame:
        """By user, how many actions it may do in each way: a column for each of ``REACHES``."""
        rows = [[mask.bit_count() for _, mask in _masks(found)] for found in self.reaches.values()]
        users = pd.Index(list(self.reaches), name="user", dtype="str")
        return pd.DataFrame(rows, index=users, columns=list(REACHES[:0:-1]), dtype="int64")

    def to_numpy(self) -> Any:
        """As numbers of ``REACHES``: an array of uint8, users by the catalogue's actions."""
        size = len(self.catalogue.actions)
        numbers = np.zeros((len(self.reaches), size), dtype=np.uint8)
        first: dict[int, int] = {}
        for row, found in enumerate(self.reaches.values()):
            same = first.setdefault(id(found), row)
            if same != row:
                numbers[row] = numbers[same]
                continue
            for reach, mask in _masks(found):
                numbers[row] += np.uint8(REACHES.index(reach)) * _unpacked(mask, size)
        return numbers


def who_can(
    state: AccountState,
    action: str,
    resource: str | None = None,
    context: Mapping[str, Any] | None = None,
) -> pd.DataFrame:
    """Everyone in the account who may do an action, or perhaps may.

    Args:
        state: the account.
        action: such as ``s3:GetObject``; case is ignored.
        resource: its ARN; without it the question is about any resource.
        context: context keys that are known, such as ``{"aws:MultiFactorAuthPresent": "true"}``;
            every other key is unknown.

    Returns:
        A row for the root, for each user and each role: ``principal`` (a name; of the root its
        ARN), ``kind`` (root, user, role), ``answer`` (allowed, or depends), ``reach`` (one of
        ``REACHES``), ``path`` (the policies and statements that decide), ``depends_on``.

    Raises:
        InputError: AWS has no such action.
    """
    return _access(state).who_can(action, resource, context)


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


def known_action(action: str, catalogue: Catalogue) -> str:
    """An action as AWS writes it.

    Raises:
        InputError: AWS has none of that name, or it is a pattern.
    """
    found = catalogue.named(catalogue.matching(action))
    if len(found) == 1 and not set(action) & set("*?"):
        return found[0]
    if set(action) & set("*?"):
        raise InputError(
            f"{action!r} names {len(found):,} actions; ask for one, such as s3:GetObject."
        )
    hint = did_you_mean(action, catalogue.actions) or "."
    raise InputError(f"AWS has no action {action!r}{hint}")


_LAST: list[Access] = []
"""The account that was asked about last: one asks several questions about the same."""


def _access(state: AccountState) -> Access:
    if not _LAST or _LAST[0].state is not state:
        _LAST[:] = [Access(state)]
    return _LAST[0]


def _how(decision: Decision, resource: str | None) -> tuple[str, str, str]:
    """How far a permission goes, by which path, and what it depends on."""
    path = " + ".join(str(s) for s in decision.statements) or "the account's own credentials"
    if decision.allowed:
        reach = "everything" if resource in (None, "*") else "some resources"
    else:
        reach = "some resources" if decision.depends_on == ("resource",) else "under conditions"
    return reach, path, ", ".join(decision.depends_on)


def _masks(reach: Reach) -> tuple[tuple[str, int], ...]:
    """From the farthest."""
    return (
        (REACHES[3], reach.everything),
        (REACHES[2], reach.some),
        (REACHES[1], reach.conditional),
    )


def _unpacked(mask: int, size: int) -> Any:
    data = np.frombuffer(mask.to_bytes(size // 8 + 1, "little"), dtype=np.uint8)
    return np.unpackbits(data, count=size, bitorder="little")


def _typed(frame: pd.DataFrame) -> pd.DataFrame:
    """Texts as ``str``; ``reach`` as an ordered category."""
    typed = frame.astype("str")
    if "reach" in typed:
        typed["reach"] = pd.Categorical(typed["reach"], categories=REACHES, ordered=True)
    return typed
