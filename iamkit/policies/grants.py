"""What a user's policies grant, and by which path: a careful upper bound, statement by statement.

An unconditional ``Deny`` on everything and a permissions boundary take away. A ``Deny`` that has
a condition, or that names resources, may not bind, so it takes nothing away here; service control
policies are not seen. So a user may have less than is said here, and never more.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from typing import Any, Literal

from iamkit.account import JSON, AccountState, Group, Role, User
from iamkit.policies.catalogue import Catalogue
from iamkit.policies.statements import statements_of, texts_of

ESCALATIONS: Mapping[str, tuple[str, ...]] = {
    "writes a policy of its own": ("iam:PutUserPolicy",),
    "attaches any policy to itself": ("iam:AttachUserPolicy",),
    "writes a policy of its group": ("iam:PutGroupPolicy",),
    "attaches any policy to its group": ("iam:AttachGroupPolicy",),
    "joins any group": ("iam:AddUserToGroup",),
    "rewrites a managed policy": ("iam:CreatePolicyVersion",),
    "goes back to an older version of a policy": ("iam:SetDefaultPolicyVersion",),
    "makes a key for another user": ("iam:CreateAccessKey",),
    "sets another user's first password": ("iam:CreateLoginProfile",),
    "changes another user's password": ("iam:UpdateLoginProfile",),
    "lets itself assume any role": ("iam:UpdateAssumeRolePolicy", "sts:AssumeRole"),
    "writes a policy of a role it assumes": ("iam:PutRolePolicy", "sts:AssumeRole"),
    "attaches a policy to a role it assumes": ("iam:AttachRolePolicy", "sts:AssumeRole"),
    "runs a function as any role": (
        "iam:PassRole",
        "lambda:CreateFunction",
        "lambda:InvokeFunction",
    ),
    "runs an instance as any role": ("iam:PassRole", "ec2:RunInstances"),
    "runs a stack as any role": ("iam:PassRole", "cloudformation:CreateStack"),
    "runs a task as any role": ("iam:PassRole", "ecs:RegisterTaskDefinition", "ecs:RunTask"),
    "opens a notebook as any role": ("iam:PassRole", "sagemaker:CreateNotebookInstance"),
}
"""Ways by which who is no administrator may become one, with the actions that each needs."""

_EVERY_OF_A_TYPE = re.compile(r"\*|[\w-]+[/:]\*")
"""The last part of an ARN."""


@dataclass(frozen=True)
class Grant:
    """One statement of a policy.

    Attributes:
        actions: as bits of the catalogue.
        scope: ``all`` resources, all of a ``type``, or ``some``.
        conditions: the condition keys; none if it always holds.
    """

    name: str
    allows: bool
    actions: int
    scope: Literal["all", "type", "some"]
    conditions: tuple[str, ...]


Kind = tuple[bool, bool, bool]
"""Of grants: whether they allow, whether on all resources, whether always."""


class Grants(tuple[Grant, ...]):  # noqa: SLOT001 - it keeps what is asked often
    """The statements of one policy."""

    @cached_property
    def masks(self) -> Mapping[Kind, int]:
        """The actions of all of a kind together."""
        found: dict[Kind, int] = {}
        for grant in self:
            kind = grant.allows, grant.scope == "all", not grant.conditions
            found[kind] = found.get(kind, 0) | grant.actions
        return found


NOTHING = Grants([Grant("nothing", allows=False, actions=0, scope="all", conditions=())])
"""The statements of a policy that has none: as a permissions boundary it lets nothing through."""


@dataclass(frozen=True)
class Path:
    """A policy on its way to a user.

    Attributes:
        group: the group through which it comes; empty for the user's own.
        kind: ``inline`` or ``attached``.
        arn: of an attached policy.
    """

    group: str
    kind: Literal["inline", "attached"]
    policy: str
    arn: str
    document: JSON | None

    def __str__(self) -> str:
        holder = f"group {self.group}" if self.group else "own"
        return f"{holder} > {self.kind} {self.policy}"


def compile_policy(document: JSON, catalogue: Catalogue) -> Grants:
    """The statements of an identity policy; what is not understood grants nothing."""
    return Grants(
        Grant(
            name=str(statement.get("Sid") or f"statement {number}"),
            allows=statement.get("Effect") == "Allow",
            actions=_actions(statement, catalogue),
            scope=_scope(statement),
            conditions=_condition_keys(statement),
        )
        for number, statement in enumerate(statements_of(document), 1)
    )


def paths_to(user: User | Role, state: AccountState) -> Iterator[Path]:
    """The policies that a user or role has, own ones first, then group by group."""
    yield from _paths("", user, state)
    for name in sorted(user.groups) if isinstance(user, User) else ():
        if name in state.groups:
            yield from _paths(name, state.groups[name], state)


def _paths(group: str, holder: User | Group | Role, state: AccountState) -> Iterator[Path]:
    for name, document in sorted(holder.inline_policies.items()):
        yield Path(group, "inline", name, "", document)
    for arn in sorted(holder.attached_policies):
        policy = state.policies.get(arn)
        name = policy.name if policy else arn.rpartition("/")[2]
        yield Path(group, "attached", name, arn, policy.document if policy else None)


@dataclass(frozen=True)
class Restrictions:
    """What takes away from all paths of a user."""

    denied: int
    bound: int

    def of(self, actions: int) -> int:
        """What is left of some actions."""
        return actions & ~self.denied & self.bound


@dataclass(frozen=True)
class Reach:
    """The actions that are allowed somehow, told apart by how far that goes; no two overlap.

    Attributes:
        everything: on every resource, always.
        some: always, on some resources.
        conditional: under conditions, or as far as a policy whose text was not read lets it.
    """

    everything: int
    some: int
    conditional: int

    @property
    def possible(self) -> int:
        """All three."""
        return self.everything | self.some | self.conditional


@dataclass(frozen=True)
class Holding:
    """All that a user holds; users whose policies are the same share one.

    Attributes:
        paths: each with its grants; None where the policy's document was not read.
        boundary: the permissions boundary's grants; empty if there is none, None if not read.
    """

    catalogue: Catalogue
    paths: tuple[tuple[Path, Grants | None], ...]
    restrictions: Restrictions
    boundary: Grants | None

    @cached_property
    def admin_path(self) -> str | None:
        """By which it may call all of IAM on everything; empty if it may not, None if unknown.

        Who may do that may give itself whatever it lacks. Several paths may give it together.
        """
        iam = self.restrictions.of(self.catalogue.of_service("iam"))
        if iam != self.catalogue.of_service("iam"):
            return ""
        together, through = 0, []
        for path, grant in self._allowed("all"):
            here = grant.actions & iam
            if here == iam:
                return f"{path} > {grant.name}{_when(grant)}"
            if here & ~together:
                together |= here
                through.append(f"{path} > {grant.name}{_when(grant)}")
        if together == iam:
            return " + ".join(through)
        return None if any(grants is None for _, grants in self.paths) else ""

    @cached_property
    def reach(self) -> Reach:
        """What it is allowed, and how far."""
        own = _reach(found for _, found in self.paths if found)
        unread = any(found is None for _, found in self.paths)
        if self.boundary is None:
            own = Reach(0, 0, own.possible)
        elif self.boundary:
            own = _narrowed(own, _reach([self.boundary]))
        rest = self.catalogue.everything & ~own.possible if unread else 0
        return Reach(own.everything, own.some, own.conditional | rest)

    @cached_property
    def admin_by_own(self) -> bool:
        """Whether the user's own policies alone, inline or attached, make it an administrator."""
        own = tuple((path, grants) for path, grants in self.paths if not path.group)
        return bool(replace(self, paths=own).admin_path)

    @cached_property
    def escalations(self) -> tuple[str, ...]:
        """The ways by which it may become an administrator, with the path of the first action."""
        allowed = list(self._allowed("all", "type"))
        found = 0
        for _, grant in allowed:
            found |= grant.actions
        found = self.restrictions.of(found)
        ways = []
        for way, actions in ESCALATIONS.items():
            wanted = [self.catalogue.matching(action) for action in actions]
            if all(found & mask for mask in wanted):
                path, grant = next((p, g) for p, g in allowed if g.actions & wanted[0])
                ways.append(f"{way} ({path} > {grant.name}{_when(grant)})")
        return tuple(ways)

    def _allowed(self, *scopes: str) -> Iterator[tuple[Path, Grant]]:
        for path, grants in self.paths:
            for grant in grants or ():
                if grant.allows and grant.scope in scopes:
                    yield path, grant


class Holdings:
    """What every user of an account holds.

    Policies are compiled once, and users with the same policies share what follows from them.
    """

    def __init__(self, state: AccountState, catalogue: Catalogue) -> None:
        self.state = state
        self.catalogue = catalogue
        self._compiled: dict[int, Grants] = {}
        self._shared: dict[Any, Holding] = {}
        self._of_groups: dict[str, tuple[tuple[Path, Grants | None], ...]] = {}

    def of(self, user: User | Role) -> Holding:
        """What a user or a role holds."""
        own = tuple(sorted((name, id(d)) for name, d in user.inline_policies.items()))
        groups = user.groups if isinstance(user, User) else frozenset[str]()
        key = (own, user.attached_policies, groups, user.permissions_boundary)
        if key not in self._shared:
            self._shared[key] = self._hold(user)
        return self._shared[key]

    def _hold(self, user: User | Role) -> Holding:
        paths = self._read("", user)
        for name in sorted(user.groups) if isinstance(user, User) else ():
            if name in self.state.groups:
                if name not in self._of_groups:
                    self._of_groups[name] = self._read(name, self.state.groups[name])
                paths += self._of_groups[name]
        denied = 0
        for _, grants in paths:
            denied |= _denied(grants or NOTHING)
        restrictions = Restrictions(denied, self._bound(user))
        return Holding(self.catalogue, paths, restrictions, self._boundary(user))

    def _read(
        self, group: str, holder: User | Group | Role
    ) -> tuple[tuple[Path, Grants | None], ...]:
        paths = _paths(group, holder, self.state)
        return tuple((path, self._grants(path.document)) for path in paths)

    def _boundary(self, user: User | Role) -> Grants | None:
        if user.permissions_boundary is None:
            return Grants()
        policy = self.state.policies.get(user.permissions_boundary)
        found = self._grants(policy.document) if policy else None
        return NOTHING if found == () else found

    def _bound(self, user: User | Role) -> int:
        """What the permissions boundary lets through; all if its document was not read."""
        policy = self.state.policies.get(user.permissions_boundary or "")
        if policy is None:
            return self.catalogue.everything
        grants = self._grants(policy.document) or NOTHING
        allowed = 0
        for grant in grants:
            allowed |= grant.actions if grant.allows else 0
        return allowed & ~_denied(grants)

    def _grants(self, document: JSON | None) -> Grants | None:
        if document is None:
            return None
        if id(document) not in self._compiled:  # the state keeps the document alive
            self._compiled[id(document)] = compile_policy(document, self.catalogue)
        return self._compiled[id(document)]


def _reach(policies: Iterable[Grants]) -> Reach:
    """What policies allow together; a deny that may bind makes what it names less certain."""
    masks = dict.fromkeys(product((True, False), repeat=3), 0)
    for grants in policies:
        for kind, mask in grants.masks.items():
            masks[kind] |= mask
    possible = masks[True, True, True] | masks[True, False, True]
    possible |= masks[True, True, False] | masks[True, False, False]
    possible &= ~masks[False, True, True]
    doubtful = masks[False, True, False] | masks[False, False, False]
    always = (masks[True, True, True] | masks[True, False, True]) & ~doubtful & possible
    everything = masks[True, True, True] & always & ~masks[False, False, True]
    return Reach(everything, always & ~everything, possible & ~always)


def _narrowed(own: Reach, boundary: Reach) -> Reach:
    """What is left within a permissions boundary."""
    possible = own.possible & boundary.possible
    everything = own.everything & boundary.everything
    always = (own.everything | own.some) & (boundary.everything | boundary.some)
    return Reach(everything, always & ~everything, possible & ~always)


def _denied(grants: Grants) -> int:
    """What is denied on everything, always."""
    return grants.masks.get((False, True, True), 0)


def _actions(statement: JSON, catalogue: Catalogue) -> int:
    named = 0
    for pattern in texts_of(statement, "Action") + texts_of(statement, "NotAction"):
        named |= catalogue.matching(pattern)
    return catalogue.everything & ~named if "NotAction" in statement else named


def _scope(statement: JSON) -> Literal["all", "type", "some"]:
    if "NotResource" in statement:
        return "some" if statement.get("Effect") == "Deny" else "all"
    resources = texts_of(statement, "Resource")
    if "*" in resources:
        return "all"
    ends = [text.split(":", 5)[5] for text in resources if text.count(":") >= 5]
    return "type" if any(_EVERY_OF_A_TYPE.fullmatch(end) for end in ends) else "some"


def _condition_keys(statement: JSON) -> tuple[str, ...]:
    conditions = statement.get("Condition") or {}
    return tuple(sorted({str(key) for tests in conditions.values() for key in tests}))


def _when(grant: Grant) -> str:
    return f" (if {', '.join(grant.conditions)})" if grant.conditions else ""
