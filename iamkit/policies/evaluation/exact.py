"""One action of one principal on one resource before all policies: AWS's evaluation logic.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from iamkit.policies.evaluation.layers import Kind, Policies
from iamkit.policies.evaluation.principals import Grip, grips_of
from iamkit.policies.evaluation.request import Request
from iamkit.policies.evaluation.special_actions import delegating_policy, has_resource_control
from iamkit.policies.grammar.statements import Statement
from iamkit.policies.grammar.three_valued import Truth, all_of, any_of, opposite

Effect = Literal["allowed", "allowed in part", "explicit deny", "implicit deny", "depends"]
_Matched = list[tuple[Statement, Truth]]
"""Statements that apply to the request, or may."""
_CONTROLS = ("resource control policy", "service control policy", "VPC endpoint policy")
_LIMITS = ("permissions boundary", "session policy")
_LINKED = ":role/aws-service-role/"
_Way = list[tuple[Kind, _Matched]]
"""Layers that must all allow, each with the statements that do."""


@dataclass(frozen=True)
class Decision:
    """The answer.

    Attributes:
        effect: ``allowed``, ``explicit deny``, ``implicit deny``, or ``depends``; of a set
            ``allowed in part`` if some of it is allowed, and some is not or depends.
        statements: those that decided it; of ``depends`` those that may.
        depends_on: context keys, ``resource``, or policies that were not read, as far as they
            matter; sorted.
        because: why it is refused, in AWS's words.
        part: which part of a set is allowed, or may be, as the statements write it; empty if it is
            the whole, or nothing.
    """

    effect: Effect
    statements: tuple[Statement, ...] = ()
    depends_on: tuple[str, ...] = ()
    because: str = ""
    part: str = ""

    @property
    def allowed(self) -> bool:
        """Whether it is certainly allowed."""
        return self.effect == "allowed"

    def __str__(self) -> str:
        names = ", ".join(str(statement) for statement in self.statements)
        part = f" on {self.part}" if self.part else ""
        if self.effect == "depends":
            return f"depends on {', '.join(self.depends_on)}{part} ({names})"
        rest = f"; the rest depends on {', '.join(self.depends_on)}" if self.depends_on else ""
        return f"{self.effect}{part}{rest}: {names or self.because}"


def evaluate_exactly(request: Request, policies: Policies) -> Decision:
    """Decide one action on one resource, a wildcard in which is a plain letter.

    An explicit deny in any policy refuses. Else every layer that applies must allow: the identity
    policies, the permissions boundary, the session policy, every level of service and resource
    control policies. The resource's own policy may allow within the account by itself, and must
    allow across accounts; how far it reaches depends on how it names the principal.

    Args:
        request: who wants to do what, and what is known of the circumstances.
        policies: all that apply; a kind that is left out counts as not there.
    """
    return Evaluation(request, policies).decide()


class Evaluation:
    """One request before the policies."""

    def __init__(self, request: Request, policies: Policies) -> None:
        self.request = request
        self.kind = request.principal.kind
        self.bounded = policies.permissions_boundary is not None
        self.matched: list[tuple[Kind, _Matched]] = [
            (kind, self._match(self._about(kind, statements)))
            for kind, statements in policies.layers
            if self._applies(kind)
        ]
        self.delegates = policies.resource is not None and delegating_policy(request.action) != ""
        self.resource = [
            (statement, truth, grip)
            for statement in policies.resource_statements
            for grip in self._grips(statement)
            if (truth := self._matches_caller(statement, grip)) is not False
        ]
        told = request.resource is not None  # what is not told is taken to be the account's own
        kept = policies.kept if told and self.kind != "service" else ()
        self.kept = self._match(kept)

    def decide(self) -> Decision:
        """The answer."""
        denied = any_of(truth for _, _, truth in self._denies())
        if denied is True:
            return self._explicit_deny()
        ways = [
            (way, all_of(any_of(t for _, t in found) for _, found in way)) for way in self._ways()
        ]
        allowed = any_of(truth for _, truth in ways)
        if allowed is False:
            return Decision("implicit deny", because=self._lacking(ways[-1][0]))
        answer = all_of((allowed, opposite(denied)))
        if isinstance(answer, bool):
            sure = [way for way, truth in ways if truth is True]
            granting = (s for way in sure for _, found in way for s, t in found if t is True)
            return Decision("allowed", tuple(dict.fromkeys(granting)))
        open_ = [s for _, s, truth in self._denies()] if denied else []
        for way, truth in ways if allowed is not True else ():
            if truth:
                open_ += [s for _, found in way for s, t in found if t is not True]
        names = {name.lower(): name for name in sorted(answer)}
        return Decision("depends", tuple(dict.fromkeys(open_)), tuple(sorted(names.values())))

    def _grips(self, statement: Statement) -> tuple[Grip, ...]:
        """How a statement of a resource's policy takes hold of the caller; none if it does not."""
        return grips_of(statement, self.request.principal, bounded=self.bounded)

    def _applies(self, kind: Kind) -> bool:
        """Whether a layer binds this principal at all; those of organizations bind no linked role.

        https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps.html
        """
        if kind == "VPC endpoint policy":
            return True
        linked = self.kind == "role" and _LINKED in self.request.principal.arn
        if kind == "resource control policy":
            return not linked and has_resource_control(self.request.action)
        if kind == "service control policy":
            return not linked and self.kind not in ("service", "anonymous")
        return self.kind not in ("root", "service", "anonymous")

    def _about(self, kind: Kind, statements: Iterable[Statement]) -> Iterable[Statement]:
        """The statements of a layer that are about the caller, where they name principals."""
        named = kind == "VPC endpoint policy"
        return [s for s in statements if self._grips(s)] if named else statements

    def _match(self, statements: Iterable[Statement]) -> _Matched:
        return [(s, truth) for s in statements if (truth := self._matches(s)) is not False]

    def _matches(self, statement: Statement) -> Truth:
        request = self.request
        return statement.matches(request.action, request.resource, request.lookup)

    def _matches_caller(self, statement: Statement, grip: Grip) -> Truth:
        """The same of a resource's policy, which may not tell whether it is the caller's."""
        unsure: Truth = True
        if grip is Grip.SESSION:
            unsure = frozenset({"which session of the role it is"})
        elif grip is Grip.UNSURE and not statement.allows:
            unsure = frozenset({"the order in which the service looks at principals"})
        return all_of((self._matches(statement), unsure))

    def _denies(self) -> Iterator[tuple[Kind, Statement, Truth]]:
        for kind, matched in self.matched:
            yield from ((kind, s, truth) for s, truth in matched if not s.allows)
        for statement, truth, _ in self.resource:
            if not statement.allows:
                yield "resource-based policy", statement, truth
        yield from (("rule of AWS's own", s, truth) for s, truth in self.kept)

    def _explicit_deny(self) -> Decision:
        certain = [(kind, s) for kind, s, truth in self._denies() if truth is True]
        kind = certain[0][0]
        article = "an" if kind.startswith("identity") else "a"
        because = f"with an explicit deny in {article} {kind}"
        if kind == "rule of AWS's own":
            because = "because AWS keeps it for itself"
        return Decision("explicit deny", tuple(s for _, s in certain), because=because)

    def _ways(self) -> Iterator[_Way]:
        """The ways to an allow: of each, the layers that must all allow.

        https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html
        """
        layers = [(kind, [one for one in found if one[0].allows]) for kind, found in self.matched]
        controls = [layer for layer in layers if layer[0] in _CONTROLS]
        limits = [layer for layer in layers if layer[0] in _LIMITS]
        own = [layer for layer in layers if layer[0] == "identity-based policy"] + limits
        direct = self._resource_allows(Grip.DIRECT, Grip.SESSION)
        everyone = direct + self._resource_allows(Grip.LIMITED, Grip.ACCOUNT)
        if self.kind in ("service", "anonymous"):
            yield [*controls, ("resource-based policy", direct)]
        elif self.request.owner != self.request.principal.account:
            yield [*controls, *own, ("resource-based policy", everyone)]
        else:
            if self.resource:
                limited = self._resource_allows(Grip.LIMITED)
                yield [*controls, ("resource-based policy", direct)]
                yield [*controls, *limits, ("resource-based policy", limited)]
            if self.delegates:
                own = [*own, ("resource-based policy", everyone)]
            yield [*controls, *own]

    def _resource_allows(self, *grips: Grip) -> _Matched:
        return [(s, truth) for s, truth, found in self.resource if s.allows and found in grips]

    def allowing(self, *, sure: bool) -> Iterator[list[Statement]]:
        """By layer the statements that allow, or that may; a resource's own in another's stead.

        Within the account the resource's own policy allows beside the identity policies; across
        accounts, and where it must delegate, both must.
        """
        own = [s for s, truth, _ in self.resource if s.allows and (truth is True or not sure)]
        abroad = self.request.owner != self.request.principal.account
        both = abroad or self.delegates
        for kind, matched in self.matched:
            found = [s for s, truth in matched if s.allows and (truth is True or not sure)]
            yield found + own if kind == "identity-based policy" and not both else found
        if both or self.kind in ("service", "anonymous"):
            yield own

    def denying(self, *, sure: bool) -> Iterator[Statement]:
        """The statements that deny, or that may."""
        return (s for _, s, truth in self._denies() if truth is True or (truth and not sure))

    def _lacking(self, way: _Way) -> str:
        """The first layer of a way that does not allow."""
        for kind, allows in way:
            if any_of(truth for _, truth in allows) is False:
                return f"because no {kind} allows the {self.request.action} action"
        return f"because no policy allows the {self.request.action} action"
