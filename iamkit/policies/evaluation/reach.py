"""How far permissions go: what policies allow together, as sets of actions.

A careful upper bound: a ``Deny`` that has a condition, or that names resources, may not bind, so it
takes no action away here, and makes less certain how far one goes. So a user may have less than is
said here, and never more.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

from iamkit.policies.actions.catalogue import Catalogue, union
from iamkit.policies.evaluation.paths import Path
from iamkit.policies.evaluation.sets import alike, divided, kinds_of, members_of
from iamkit.policies.evaluation.special_actions import special_sets
from iamkit.policies.grammar.patterns import ARN_PARTS, Lookup
from iamkit.policies.grammar.statements import Statement, open_variables
from iamkit.policies.grammar.three_valued import Truth, all_of, any_of, opposite

Place = tuple[str, str]
"""An account's partition and number."""
_SCOPES = ("all", "all but", "some")
_Kind = tuple[bool, str, bool]
"""Of statements: whether they allow, on which resources, whether always."""


@dataclass(frozen=True, eq=False)
class Grants:
    """One policy on its way to somebody, with the actions that each of its statements is about."""

    path: Path
    catalogue: Catalogue

    def __iter__(self) -> Iterator[tuple[Statement, int]]:
        return iter(self.statements)

    @cached_property
    def name(self) -> str:
        """Its path in words."""
        return str(self.path)

    @property
    def is_read(self) -> bool:
        """Whether its text was read; if not, its statements may say anything."""
        return self.path.document is not None

    @cached_property
    def statements(self) -> tuple[tuple[Statement, int], ...]:
        """Each with its actions, as bits of the catalogue."""
        return tuple((s, self.catalogue.about(s)) for s in self.path.statements())

    @cached_property
    def masks(self) -> Mapping[_Kind, int]:
        """The actions of all statements of a kind together, as far as their resources fit.

        What ``NotResource`` excepts of another service than the action's own excepts nothing; and
        what names only such resources is about nothing.
        """
        found: dict[_Kind, int] = {}
        for statement, actions in self:
            always = not statement.condition_keys
            for scope, part in _scopes(statement, actions, self.catalogue):
                kind = statement.allows, scope, always
                found[kind] = found[kind] | part if kind in found else part
        return found

    @cached_property
    def denied(self) -> int:
        """What is denied on everything, always, by what was read."""
        return self.masks.get((False, "all", True), 0) if self.is_read else 0

    @cached_property
    def allowing(self) -> int:
        """All that it may allow, on whatever resource."""
        return union(actions for statement, actions in self if statement.allows)

    @property
    def limiting(self) -> tuple[int, int]:
        """The actions limited so that perhaps no resource is left: as a policy, as a boundary."""
        own = bounding = 0
        for (allows, scope, _), actions in self.masks.items():
            if scope != "all":
                own |= 0 if allows and scope == "some" else actions
                bounding |= actions
        return own, bounding

    def about(self, actions: int) -> tuple[Statement, ...]:
        """The statements that are about some of these actions."""
        return tuple(statement for statement, mask in self if mask & actions)


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


def reach_of(
    policies: Sequence[Grants], boundary: Grants | None, catalogue: Catalogue, place: Place
) -> Reach:
    """What policies allow together within a boundary; a summary is never wider than they are.

    Args:
        policies: those that were read.
        boundary: the permissions boundary; None if there is none, or it was not read.
        catalogue: of AWS's actions.
        place: of the account.
    """
    layers = [policies, *([[boundary]] if boundary else [])]
    found = allowed_by(policies)
    if boundary:
        found = _within(found, allowed_by([boundary]))
    limited = union(grants.limiting[0] for grants in policies)
    limited |= boundary.limiting[1] if boundary else 0
    doubtful = (found.some | found.most) & limited
    return _corrected(found, doubtful, layers, catalogue, place) if doubtful else found


@lru_cache(maxsize=8_192)
def by_rules(reach: Reach, catalogue: Catalogue) -> Reach:
    """The same under AWS's own rules: of users who have the same it is one value.

    What can be denied to nobody is everything; what another policy must allow too is under
    conditions.
    """
    special = special_sets(catalogue)
    free, asked = special["free"], special["kms"] | special["sts"]
    given = {name: mask & ~free for name, mask in vars(reach).items()}
    return Reach(
        everything=given["everything"] & ~asked | free,
        most=given["most"] & ~asked,
        some=given["some"] & ~asked,
        conditional=given["conditional"] | reach.always & asked,
        unknown=given["unknown"],
    )


def allowed_by(policies: Iterable[Grants]) -> Reach:
    """What policies allow together; a deny that may bind makes what it names less certain.

    A deny on some resources leaves the others, whatever its conditions; whether there are others
    is for ``reach_of`` to find.
    """
    masks: dict[_Kind, int] = {}
    for grants in policies:
        for kind, mask in grants.masks.items():
            masks[kind] = masks.get(kind, 0) | mask
    allowed, denied = _by_scope(masks, allows=True), _by_scope(masks, allows=False)
    excepted = denied["some", True] | denied["some", False]
    confined = denied["all but", True] | denied["all but", False]
    possible = union(allowed.values()) & ~denied["all", True]
    surely = allowed["all", True] | allowed["all but", True] | allowed["some", True]
    always = surely & possible & ~denied["all", False]
    wide = always & ~confined
    everything = wide & allowed["all", True] & ~excepted
    most = wide & (allowed["all", True] | allowed["all but", True]) & ~everything
    some = always & ~everything & ~most
    return Reach(everything, most, some, possible & ~always)


def _by_scope(masks: Mapping[_Kind, int], *, allows: bool) -> dict[tuple[str, bool], int]:
    return {
        (scope, always): masks.get((allows, scope, always), 0)
        for scope in _SCOPES
        for always in (True, False)
    }


def _within(own: Reach, boundary: Reach) -> Reach:
    """What is left within a permissions boundary."""
    possible = own.known & boundary.known
    everything = own.everything & boundary.everything
    always = own.always & boundary.always
    most = (own.everything & boundary.most) | (own.most & boundary.everything)
    return Reach(everything, most, always & ~everything & ~most, possible & ~always)


def _scopes(statement: Statement, actions: int, catalogue: Catalogue) -> Iterator[tuple[str, int]]:
    """How far a statement goes, with the actions for which it goes that far."""
    if statement.everywhere or not statement.resources:
        yield "all", actions
        return
    fitting = _fitting(catalogue, actions, statement.resources)
    if statement.not_resource:
        yield "all", actions & ~fitting
    yield "all but" if statement.not_resource else "some", fitting


@lru_cache(maxsize=65_536)
def _fitting(catalogue: Catalogue, actions: int, resources: tuple[str, ...]) -> int:
    """Those of some actions that may be about a resource of some patterns."""
    return _part(catalogue, actions, frozenset(map(_service_in, resources)))


@lru_cache(maxsize=8_192)
def _part(catalogue: Catalogue, actions: int, arns: frozenset[str]) -> int:
    return actions & union(map(catalogue.taking, arns))


def _service_in(resource: str) -> str:
    """A pattern with nothing but the service that it names."""
    parts = resource.split(":", ARN_PARTS - 1)
    return f"arn:*:{parts[2]}:*:*:*" if len(parts) == ARN_PARTS else resource


def _corrected(
    found: Reach,
    doubtful: int,
    layers: Sequence[Sequence[Grants]],
    catalogue: Catalogue,
    place: Place,
) -> Reach:
    """What is found, less the actions of which no resource is left, or perhaps none."""
    wanted = [[one for grants in layer for one in grants] for layer in layers]
    wanted = [layer for layer in wanted if layer]
    cuts = [actions for layer in wanted for _, actions in layer]
    lost = perhaps = 0
    for part in divided(doubtful, [*cuts, *alike(doubtful, catalogue, *place)]):
        about = tuple(tuple(s for s, actions in layer if actions & part) for layer in wanted)
        kinds = kinds_of(catalogue.named(part & -part)[0], *place)
        left = _is_left(about, kinds)
        lost |= part if left is False else 0
        perhaps |= part if left is None else 0
    gone = lost | perhaps
    return replace(
        found,
        most=found.most & ~gone,
        some=found.some & ~gone,
        conditional=found.conditional & ~lost | perhaps,
    )


_Layers = tuple[tuple[Statement, ...], ...]


@lru_cache(maxsize=65_536)
def _is_left(layers: _Layers, kinds: tuple[str, ...] | None) -> bool | None:
    """Whether every layer allows some resource that nothing denies; None if perhaps."""
    statements = [s for layer in layers for s in layer]
    others = {text for s in statements for names in _LOOKUPS for text in s.expressions(names)}
    members = ("*",) if kinds == () else members_of("*", kinds or (), tuple(sorted(others)))
    if members is None:
        return None
    left = any_of(_is_allowed(layers, member) for member in members)
    return left if isinstance(left, bool) else None


def _is_allowed(layers: _Layers, resource: str) -> Truth:
    """Whether every layer allows a resource, and none denies it."""
    denied = any_of(_is_on(s, resource) for layer in layers for s in layer if not s.allows)
    allowed = (any_of(_is_on(s, resource) for s in layer if s.allows) for layer in layers)
    return all_of((opposite(denied), *allowed))


def _is_on(statement: Statement, resource: str) -> Truth:
    """Whether a statement is about a resource, whoever asks and under whatever conditions."""
    named = (statement.names_resource(resource, lookup) for lookup in _LOOKUPS)
    truth = all_of(named) if statement.not_resource else any_of(named)
    return all_of((truth, frozenset(statement.condition_keys) or True))


_LOOKUPS: tuple[Lookup, ...] = (
    lambda key: frozenset({key}) if open_variables(f"${{{key}}}") else (f"${{{key}}}",),
    lambda key: frozenset({key}),
)
"""Everyone has a name of their own, which stands for itself here, or may be any."""
