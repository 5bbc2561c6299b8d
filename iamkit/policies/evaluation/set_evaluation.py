"""A question about a set of actions or resources: whether all of it is allowed, some, or none."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from iamkit.policies.actions.catalogue import load_catalogue
from iamkit.policies.actions.expansion import shortest_patterns
from iamkit.policies.evaluation.exact import Decision, Effect, Evaluation
from iamkit.policies.evaluation.layers import Policies
from iamkit.policies.evaluation.request import Request
from iamkit.policies.evaluation.sets import alike, divided, kinds_of, meet, members_of
from iamkit.policies.evaluation.special_actions import is_free, special_sets
from iamkit.policies.grammar.patterns import is_pattern, matches_resource
from iamkit.policies.grammar.statements import Statement
from iamkit.text import few

_FROM_BEST: tuple[Effect, ...] = ("allowed", "depends", "implicit deny", "explicit deny")
_NAMED = 4
"""How many patterns a part of a set names; the others are counted."""


@dataclass(frozen=True)
class _Asked:
    """One member of a set, answered."""

    evaluation: Evaluation
    decision: Decision


class SetEvaluation:
    """A set of actions, resources or both before the policies, by members that stand for others.

    Actions that the same statements name, and resources that the same patterns match, have the
    same answer: one of each is asked.
    """

    def __init__(self, request: Request, policies: Policies) -> None:
        self.request, self.policies = request, policies
        self._catalogue = load_catalogue()
        self._place = request.principal.partition, request.owner
        self._asked = [(mask, list(self._ask(action))) for mask, action in self._actions()]

    def decide(self) -> Decision:
        """The one answer that all members' answers come to."""
        asked = [one.decision for _, members in self._asked for one in members]
        effects = {decision.effect for decision in asked}
        depends_on = sorted({name for decision in asked for name in decision.depends_on})
        best = next(effect for effect in _FROM_BEST if effect in effects)
        statements = dict.fromkeys(s for d in asked if d.effect == best for s in d.statements)
        if len(effects) == 1 and best != "depends":
            return Decision(best, tuple(statements), because=asked[0].because)
        if best in ("implicit deny", "explicit deny"):
            refused = next(d for d in asked if d.effect == "implicit deny")
            return Decision("implicit deny", because=refused.because)
        denies = dict.fromkeys(
            s for d in asked if d.effect != best for s in d.statements if not s.allows
        )
        effect: Effect = "allowed in part" if best == "allowed" else best
        part = self._say(best) if len(effects) > 1 else ""
        return Decision(effect, (*statements, *denies), tuple(depends_on), part=part)

    def _actions(self) -> Iterator[tuple[int, str]]:
        """Sets of actions that are answered alike, each with one of them."""
        pattern = self.request.action
        found = self._catalogue.matching(pattern)
        if not is_pattern(pattern) or not found:
            yield found, pattern
            return
        cuts = [self._catalogue.about(statement) for statement in self.policies.statements]
        cuts += special_sets(self._catalogue).values()
        if self.request.resource is not None:
            cuts += alike(found, self._catalogue, *self._place)
        for mask in divided(found, cuts):
            yield mask, self._catalogue.named(mask & -mask)[0]

    def _members(self, request: Request, policies: Policies) -> tuple[str | None, ...]:
        """Resources of the set of which each stands for those that are answered alike."""
        resource, action = request.resource, request.action
        if resource is None or not is_pattern(resource):
            return (resource,)
        kinds = kinds_of(action, *self._place)
        if kinds == () and resource == "*":
            return (resource,)
        statements = [s for s in policies.statements if s.names_action(action)]
        others = tuple(sorted({text for s in statements for text in s.expressions(request.lookup)}))
        split = (*others, *(kinds or ()))
        found = members_of(resource, kinds or (), split)
        if found == ():  # no resource of the action, but a question all the same
            found = members_of(resource, (), others)
        return (None,) if found is None else found

    def _ask(self, action: str) -> Iterator[_Asked]:
        """The answers for one action, by the members of the set of resources."""
        same = action == self.request.action
        request = self.request if same else replace(self.request, action=action)
        policies = self.policies.with_own(action)
        free = is_free(action) and request.principal.kind != "anonymous"
        for member in self._members(request, policies):
            evaluation = Evaluation(request.on(member), policies)
            yield _Asked(evaluation, Decision("allowed") if free else evaluation.decide())

    def _say(self, best: Effect) -> str:
        """Which part has the best answer, as the statements write it."""
        said: dict[str, int] = {}
        for mask, members in self._asked:
            there = [one for one in members if one.decision.effect == best]
            if there:
                part = self._say_resources(there, members)
                said[part] = said.get(part, 0) | mask
        if not is_pattern(self.request.action):
            return next(iter(said))
        return "; ".join(
            few(shortest_patterns(mask, self._catalogue), _NAMED) + (f" on {part}" if part else "")
            for part, mask in said.items()
        )

    def _say_resources(self, best: list[_Asked], members: list[_Asked]) -> str:
        """The resources that some members stand for; empty if they are the whole set."""
        if len(best) == len(members) or self.request.resource is None:
            return ""
        sure = best[0].decision.allowed
        parts = [
            said
            for layer in zip(*(one.evaluation.allowing(sure=sure) for one in best), strict=True)
            if (said := self._say_layer(list(zip(best, layer, strict=True)), sure=sure))
        ]
        denies = (s for one in members for s in one.evaluation.denying(sure=not sure))
        denied = self._patterns(denies)
        text = " within ".join(parts) or self.request.resource
        return f"{text}, but not {few(denied, _NAMED)}" if denied else text

    def _say_layer(self, layer: list[tuple[_Asked, list[Statement]]], *, sure: bool) -> str:
        """Where the statements of a layer allow together; empty if that is the whole set."""
        said: dict[str, None] = {}
        for asked, statements in layer:
            for statement in statements:
                said |= dict.fromkeys(self._say_statement(statement, asked, sure=sure))
        return "" if "" in said else few(said, _NAMED)

    def _say_statement(self, statement: Statement, asked: _Asked, *, sure: bool) -> list[str]:
        """The patterns by which a statement covers a member; an empty one for the whole set."""
        resource, asked_for = str(self.request.resource), asked.evaluation.request
        if statement.not_resource:
            met = meet(resource, statement.resources)
            return [f"all but {few(met, _NAMED)}" if met else ""]
        lookup = asked_for.lookup if statement.variables else None
        truths = (
            (pattern, matches_resource(pattern, str(asked_for.resource), lookup))
            for pattern in statement.resources
        )
        covering = [p for p, truth in truths if truth is True or (truth and not sure)]
        met = meet(resource, covering)
        return [""] if met is None or not statement.resources else met

    def _patterns(self, statements: Iterable[Statement]) -> list[str]:
        """Where statements deny, of the set."""
        found: list[str] = []
        for statement in statements:
            if statement.not_resource:
                found.append(f"outside {few(statement.resources, _NAMED)}")
            else:
                met = meet(str(self.request.resource), statement.resources)
                found += [str(self.request.resource)] if met is None else met
        return list(dict.fromkeys(found))
