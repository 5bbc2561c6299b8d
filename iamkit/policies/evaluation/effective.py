"""What a user's policies grant, and by which path: a careful upper bound, statement by statement.

An unconditional ``Deny`` on everything and a permissions boundary take away. A ``Deny`` that has
a condition, or that names resources, may not bind, so it takes no action away here, and makes less
certain how far one goes; service control policies are not seen. So a user may have less than is
said here, and never more. What hangs on a text that was not read cannot be told.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any, Literal

from iamkit.account.state import JSON, AccountState, Group, Role, User
from iamkit.policies.actions.catalogue import Catalogue
from iamkit.policies.evaluation.sets import alike, divided, kinds_of, members_of
from iamkit.policies.grammar.patterns import matches_resource, resource_expression, variables_of
from iamkit.policies.grammar.statements import statements_of, texts_of

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

_VARIABLE = re.compile(r"\$\{[^}]*\}")
_EVERY_OF_A_TYPE = re.compile(r"\*|[\w-]+[/:]\*")
"""The last part of an ARN."""


Scope = Literal["all", "all but", "type", "some"]
"""On which resources a statement is."""


@dataclass(frozen=True)
class Grant:
    """One statement of a policy.

    Attributes:
        actions: as bits of the catalogue.
        scope: ``all`` resources, ``all but`` some (NotResource), all of a ``type``, or ``some``.
        conditions: the condition keys; none if it always holds.
        resources: the patterns of its ``Resource`` or ``NotResource``.
        own: those of the actions whose services the patterns name, and so surely concern.
    """

    name: str
    allows: bool
    actions: int
    scope: "Scope"
    conditions: tuple[str, ...]
    resources: tuple[str, ...] = ()
    own: int = 0


Kind = tuple[bool, str, bool]
"""Of grants: whether they allow, on which resources, whether always."""


class Grants(tuple[Grant, ...]):  # noqa: SLOT001 - it keeps what is asked often
    """The statements of one policy."""

    @cached_property
    def masks(self) -> Mapping[Kind, int]:
        """The actions of all of a kind together."""
        found: dict[Kind, int] = {}
        for grant in self:
            scope = "some" if grant.scope == "type" else grant.scope
            kind = grant.allows, scope, not grant.conditions
            found[kind] = found.get(kind, 0) | grant.actions
        return found

    @cached_property
    def fitting(self) -> int:
        """The actions that are allowed always on resources of their own service."""
        found = 0
        for grant in self:
            if grant.allows and not grant.conditions:
                found |= grant.actions if grant.scope in ("all", "all but") else grant.own
        return found


NOTHING = Grants([Grant("nothing", allows=False, actions=0, scope="all", conditions=())])
"""The statements of a policy that has none: as a permissions boundary it lets nothing through."""


@dataclass(frozen=True)
class Path:
    """A policy on its way to a user.

    Attributes:
        group: the group through which it comes; empty for the user's own.
        kind: ``inline`` or ``attached``; ``unread`` for a group of which nothing was read.
        arn: of an attached policy.
        document: None if its text was not read.
    """

    group: str
    kind: Literal["inline", "attached", "unread"]
    policy: str
    arn: str
    document: JSON | None

    def __str__(self) -> str:
        holder = f"group {self.group}" if self.group else "own"
        return holder if self.kind == "unread" else f"{holder} > {self.kind} {self.policy}"

    @property
    def lacking(self) -> str:
        """What cannot be told without its text."""
        if self.kind == "unread":
            return f"the policies of group {self.group}, which were not read"
        return f"the text of {self}, which was not read"


def compile_policy(document: JSON, catalogue: Catalogue) -> Grants:
    """The statements of an identity policy; what is not understood grants nothing."""
    return Grants(
        _grant(statement, str(statement.get("Sid") or f"statement {number}"), catalogue)
        for number, statement in enumerate(statements_of(document), 1)
    )


def _grant(statement: JSON, name: str, catalogue: Catalogue) -> Grant:
    actions = _actions(statement, catalogue)
    resources = tuple(texts_of(statement, "Resource") + texts_of(statement, "NotResource"))
    return Grant(
        name=name,
        allows=statement.get("Effect") == "Allow",
        actions=actions,
        scope=_scope(statement),
        conditions=_condition_keys(statement),
        resources=resources,
        own=_about(actions, resources, catalogue),
    )


def paths_to(user: User | Role, state: AccountState) -> Iterator[Path]:
    """The policies that a user or role has, own ones first, then group by group.

    A group that nobody described is a path whose policies were not read.
    """
    yield from _paths("", user, state)
    for name in sorted(user.groups) if isinstance(user, User) else ():
        yield from _paths_of_group(name, state)


def text_of(document: JSON | None) -> JSON | None:
    """A policy's document; None if there is none to read, as when no version is the default one."""
    told = document is not None and isinstance(document.get("Statement"), Mapping | list | tuple)
    return document if told else None


def boundary_path(who: User | Role, state: AccountState) -> Path | None:
    """The permissions boundary of a user or role; None if it has none."""
    arn = who.permissions_boundary
    if arn is None:
        return None
    policy = state.policies.get(arn)
    name = f"boundary {arn.rpartition('/')[2]}"
    return Path("", "attached", name, arn, text_of(policy.document) if policy else None)


def _paths_of_group(name: str, state: AccountState) -> Iterator[Path]:
    if name in state.groups:
        yield from _paths(name, state.groups[name], state)
    else:
        yield Path(name, "unread", "", "", None)


def _paths(group: str, holder: User | Group | Role, state: AccountState) -> Iterator[Path]:
    for name, document in sorted(holder.inline_policies.items()):
        yield Path(group, "inline", name, "", text_of(document))
    for arn in sorted(holder.attached_policies):
        policy = state.policies.get(arn)
        name = policy.name if policy else arn.rpartition("/")[2]
        yield Path(group, "attached", name, arn, text_of(policy.document) if policy else None)


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
        most: always, on every resource but some.
        some: always, on some resources.
        conditional: under conditions, or perhaps on no resource.
        unknown: it cannot be told, because a policy's text was not read.
    """

    everything: int = 0
    most: int = 0
    some: int = 0
    conditional: int = 0
    unknown: int = 0

    @property
    def always(self) -> int:
        """What needs no condition, on at least some resource."""
        return self.everything | self.most | self.some

    @property
    def known(self) -> int:
        """What is allowed somehow, by what was read."""
        return self.always | self.conditional

    @property
    def possible(self) -> int:
        """All of them."""
        return self.known | self.unknown


@dataclass(frozen=True)
class Holding:
    """All that a user holds; users whose policies are the same share one.

    Attributes:
        paths: each with its grants; None where the policy's document was not read.
        boundary: the permissions boundary's grants; empty if there is none, None if not read.
        place: the account's partition and number.
    """

    catalogue: Catalogue
    paths: tuple[tuple[Path, Grants | None], ...]
    restrictions: Restrictions
    boundary: Grants | None
    place: tuple[str, str]

    @cached_property
    def admin_path(self) -> str | None:
        """By which it may call all of IAM on everything; empty if it may not, None if unknown.

        Who may do that may give itself whatever it lacks. Several paths may give it together. A
        path without its text may give it; a boundary without its text may keep it.
        """
        if self.boundary is None and self._admin_path != "":
            return None
        return self._admin_path

    @cached_property
    def _admin_path(self) -> str | None:
        """The same as far as no boundary that was not read takes away."""
        iam = self.restrictions.of(self.catalogue.of_service("iam"))
        if iam != self.catalogue.of_service("iam"):
            return ""
        together, through = 0, []
        for path, grant in self._allowed("all", "all but"):
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
        """What it is allowed, and how far; what hangs on a text that was not read is unknown."""
        read = self.reach_as_read
        if self.boundary is None:
            return Reach(unknown=read.known if self._is_read else self._may)
        if not self._is_read:
            return Reach(unknown=self._may)
        return read

    @cached_property
    def reach_as_read(self) -> Reach:
        """The same, as if what was not read neither allowed nor denied anything."""
        read = [grants for _, grants in self.paths if grants]
        return _reach(read, self.boundary, self.catalogue, self.place)

    @cached_property
    def lacking(self) -> tuple[str, ...]:
        """What was not read, and may decide what it is allowed."""
        found = [path.lacking for path, grants in self.paths if grants is None]
        if self.boundary is None:
            found.append("the text of its permissions boundary, which was not read")
        return tuple(found)

    @property
    def _is_read(self) -> bool:
        return all(grants is not None for _, grants in self.paths)

    @property
    def _may(self) -> int:
        """What a policy that was not read could still allow."""
        bound = _allowed_by([self.boundary]).known if self.boundary else self.catalogue.everything
        return bound & ~self.restrictions.denied

    @cached_property
    def admin_by_own(self) -> bool:
        """Whether the user's own policies alone, inline or attached, make it an administrator."""
        own = tuple((path, grants) for path, grants in self.paths if not path.group)
        return bool(replace(self, paths=own).admin_path)

    @cached_property
    def escalations(self) -> tuple[str, ...]:
        """The ways by which it may become an administrator, with the path of the first action."""
        allowed = list(self._allowed("all", "all but", "type"))
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
        paths = self._read(_paths("", user, self.state))
        for name in sorted(user.groups) if isinstance(user, User) else ():
            if name not in self._of_groups:
                self._of_groups[name] = self._read(_paths_of_group(name, self.state))
            paths += self._of_groups[name]
        denied = 0
        for _, grants in paths:
            denied |= _denied(grants or NOTHING)
        restrictions = Restrictions(denied, self._bound(user))
        place = self.state.partition, self.state.account_id
        return Holding(self.catalogue, paths, restrictions, self._boundary(user), place)

    def _read(self, paths: Iterable[Path]) -> tuple[tuple[Path, Grants | None], ...]:
        return tuple((path, self._grants(path.document)) for path in paths)

    def _boundary(self, user: User | Role) -> Grants | None:
        path = boundary_path(user, self.state)
        if path is None:
            return Grants()
        found = self._grants(path.document)
        return NOTHING if found == () else found

    def _bound(self, user: User | Role) -> int:
        """What the permissions boundary lets through; all if its document was not read."""
        grants = self._boundary(user)
        if not grants:
            return self.catalogue.everything
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


def _reach(
    policies: list[Grants], boundary: Grants | None, catalogue: Catalogue, place: tuple[str, str]
) -> Reach:
    """What policies allow together within a boundary; a summary is never wider than they are."""
    found = _allowed_by(policies)
    if boundary:
        found = _within(found, _allowed_by([boundary]))
    layers = [[grant for grants in policies for grant in grants], list(boundary or ())]
    for layer in (policies, [boundary] if boundary else []):
        found = _fitted(found, layer)
    doubtful = (found.some | found.most) & _limited(layers)
    return _corrected(found, doubtful, layers, catalogue, place) if doubtful else found


def _allowed_by(policies: Iterable[Grants]) -> Reach:
    """What policies allow together; a deny that may bind makes what it names less certain."""
    masks: dict[Kind, int] = {}
    for grants in policies:
        for kind, mask in grants.masks.items():
            masks[kind] = masks.get(kind, 0) | mask
    allowed, denied = _by_scope(masks, allows=True), _by_scope(masks, allows=False)
    possible = _any(allowed) & ~denied["all", True]
    surely = allowed["all", True] | allowed["all but", True] | allowed["some", True]
    unsure = denied["all", False] | denied["all but", False] | denied["some", False]
    always = surely & possible & ~unsure
    whole = allowed["all", True] & always & ~denied["all but", True]
    everything = whole & ~denied["some", True]
    most = (whole | (allowed["all but", True] & always & ~_any(denied))) & ~everything
    some = always & ~everything & ~most
    return Reach(everything, most, some, possible & ~always)


def _by_scope(masks: Mapping[Kind, int], *, allows: bool) -> dict[tuple[str, bool], int]:
    return {
        (scope, always): masks.get((allows, scope, always), 0)
        for scope in _SCOPES
        for always in (True, False)
    }


def _any(masks: Mapping[tuple[str, bool], int]) -> int:
    found = 0
    for mask in masks.values():
        found |= mask
    return found


def _within(own: Reach, boundary: Reach) -> Reach:
    """What is left within a permissions boundary."""
    possible = own.known & boundary.known
    everything = own.everything & boundary.everything
    always = own.always & boundary.always
    most = (own.everything & boundary.most) | (own.most & boundary.everything)
    return Reach(everything, most, always & ~everything & ~most, possible & ~always)


def _fitted(found: Reach, policies: list[Grants]) -> Reach:
    """What is found, where statements on another service's resources allow perhaps nothing."""
    fitting = 0 if policies else found.some
    for grants in policies:
        fitting |= grants.fitting
    stray = found.some & ~fitting
    return replace(found, some=found.some & fitting, conditional=found.conditional | stray)


def _limited(layers: list[list[Grant]]) -> int:
    """The actions that statements limit so that perhaps no resource is left.

    What is excepted of the resources of other services than the action's own limits nothing.
    """
    found = 0
    for layer, grants in enumerate(layers):
        for grant in grants:
            if grant.scope != "all" and grant.allows == (grant.scope == "all but"):
                found |= grant.own
            elif grant.scope != "all" and (layer or not grant.allows):
                found |= grant.actions
    return found


def _about(actions: int, resources: tuple[str, ...], catalogue: Catalogue) -> int:
    """Those of some actions whose services' resources are named; all where they may be any."""
    services = {":".join(pattern.split(":")[2:3]) or "*" for pattern in resources}
    if any(set(service) & set("*?$") for service in services):
        return actions
    found = 0
    for service in services:
        found |= actions & catalogue.of_service(service)
    return found


def _corrected(
    found: Reach,
    doubtful: int,
    layers: list[list[Grant]],
    catalogue: Catalogue,
    place: tuple[str, str],
) -> Reach:
    """What is found, less the actions of which no resource is left, or perhaps none."""
    wanted = [layer for layer in layers if layer]
    cuts = [grant.actions for layer in wanted for grant in layer]
    lost = perhaps = 0
    for part in divided(doubtful, [*cuts, *alike(doubtful, catalogue, *place)]):
        concerned = tuple(tuple(g for g in layer if g.actions & part) for layer in wanted)
        kinds = kinds_of(catalogue.named(part & -part)[0], *place)
        left = _is_left(concerned, kinds)
        lost |= part if left is False else 0
        perhaps |= part if left is None else 0
    gone = lost | perhaps
    return replace(
        found,
        most=found.most & ~gone,
        some=found.some & ~gone,
        conditional=found.conditional & ~lost | perhaps,
    )


@lru_cache(maxsize=65_536)
def _is_left(layers: tuple[tuple[Grant, ...], ...], kinds: tuple[str, ...] | None) -> bool | None:
    """Whether every layer allows some resource that nothing denies; None if perhaps."""
    patterns = {form(p) for layer in layers for g in layer for p in g.resources for form in _FORMS}
    expressions = sorted(map(resource_expression, patterns))
    members = ("*",) if kinds == () else members_of("*", kinds or (), tuple(expressions))
    if members is None:
        return None
    if any(_is_allowed(layers, member, sure=True) for member in members):
        return True
    return None if any(_is_allowed(layers, member, sure=False) for member in members) else False


def _is_allowed(layers: tuple[tuple[Grant, ...], ...], resource: str, *, sure: bool) -> bool:
    """Whether every layer allows a resource and none denies it: surely, or perhaps."""
    allowed = (
        any(g.allows and not (sure and g.conditions) and _is_on(g, resource, sure=sure) for g in on)
        for on in layers
    )
    denied = (
        not g.allows and (not sure or not g.conditions) and _is_on(g, resource, sure=not sure)
        for on in layers
        for g in on
        if sure or not g.conditions
    )
    return all(allowed) and not any(denied)


def _is_on(grant: Grant, resource: str, *, sure: bool) -> bool:
    """Whether a statement is about a resource; not surely by a variable of which it hangs."""
    inverted = grant.scope == "all but"
    literally = sure != inverted
    form = str if literally else _with_any
    patterns = [p for p in grant.resources if not literally or not _open_variables(p)]
    named = any(matches_resource(form(p), resource, None) is True for p in patterns)
    return named != inverted


def _with_any(pattern: str) -> str:
    """A pattern whose variables may be any text."""
    return _VARIABLE.sub("*", pattern)


_FORMS = (str, _with_any)


def _denied(grants: Grants) -> int:
    """What is denied on everything, always."""
    return grants.masks.get((False, "all", True), 0)


def _actions(statement: JSON, catalogue: Catalogue) -> int:
    named = 0
    for pattern in texts_of(statement, "Action") + texts_of(statement, "NotAction"):
        named |= catalogue.matching(pattern)
    return catalogue.everything & ~named if "NotAction" in statement else named


_SCOPES = ("all", "all but", "some")


def _scope(statement: JSON) -> Scope:
    if "NotResource" in statement:
        return "all but"
    resources = texts_of(statement, "Resource")
    if "*" in resources:
        return "all"
    ends = [text.split(":", 5)[5] for text in resources if text.count(":") >= 5]
    return "type" if any(_EVERY_OF_A_TYPE.fullmatch(end) for end in ends) else "some"


def _condition_keys(statement: JSON) -> tuple[str, ...]:
    """Its condition keys, and the variables without whose values it is on no resource."""
    conditions = statement.get("Condition") or {}
    keys = {str(key) for tests in conditions.values() for key in tests}
    patterns = texts_of(statement, "Resource")
    if all(map(_open_variables, patterns)):
        keys |= {name for pattern in patterns for name in _open_variables(pattern)}
    return tuple(sorted(keys))


def _open_variables(pattern: str) -> list[str]:
    """Its variables but for those that every user has a value for."""
    if "${" not in pattern:
        return []
    return [name for name in variables_of(pattern) if name.lower() not in _OF_EVERY_USER]


_OF_EVERY_USER = ("aws:username", "aws:userid", "aws:principalarn", "aws:principalaccount")


def _when(grant: Grant) -> str:
    return f" (if {', '.join(grant.conditions)})" if grant.conditions else ""
