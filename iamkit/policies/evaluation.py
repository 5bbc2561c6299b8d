"""AWS's evaluation logic: whether a request is allowed, denied, or depends on what is not known.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from iamkit.account import JSON
from iamkit.policies.conditions import Test, read_conditions
from iamkit.policies.patterns import action_pattern, matches_resource
from iamkit.policies.principals import Grip, grip_of, grip_unless_named
from iamkit.policies.request import Request
from iamkit.policies.statements import statements_of, texts_of
from iamkit.policies.truth import Truth, all_of, any_of

Effect = Literal["allowed", "explicit deny", "implicit deny", "depends"]
Kind = Literal[
    "identity-based policy",
    "permissions boundary",
    "session policy",
    "service control policy",
    "resource control policy",
    "resource-based policy",
]
"""The kinds of policies, in the words of AWS's messages."""

_PERSONAL = ("aws:principal", "aws:user")
_DELEGATING = ("kms:",)
_ASSUMING = ("sts:assumerole", "sts:assumerolewithsaml", "sts:assumerolewithwebidentity")


@dataclass(frozen=True, eq=False)
class Statement:
    """One statement, ready to be asked.

    Attributes:
        policy: the name of the policy in which it stands.
        name: its Sid, or its number counted from 1.
        variables: whether its policy's version knows policy variables.
    """

    policy: str
    name: str
    allows: bool
    variables: bool
    element: JSON = field(repr=False)
    tests: tuple[Test, ...] = field(repr=False)

    def __str__(self) -> str:
        return f"{self.policy} > {self.name}" if self.policy else self.name

    def matches(self, request: Request) -> Truth:
        """Whether it applies to a request, its principal aside."""
        if not self.names_action(request.action):
            return False
        return all_of((self._names_resource(request), self._conditions_hold(request)))

    def names_action(self, action: str) -> bool:
        """Whether its ``Action`` or ``NotAction`` covers an action."""
        inverted = "NotAction" in self.element
        patterns = texts_of(self.element, "NotAction" if inverted else "Action")
        named = any(
            pattern == "*" or action_pattern(pattern).fullmatch(action) for pattern in patterns
        )
        return named != inverted

    def _names_resource(self, request: Request) -> Truth:
        inverted = "NotResource" in self.element
        patterns = texts_of(self.element, "NotResource" if inverted else "Resource")
        if not patterns:  # a trust policy has no Resource: it is about the role itself
            return True
        if "*" in patterns:
            return not inverted
        if request.resource is None:
            return frozenset({"resource"})
        lookup = request.lookup if self.variables else None
        named = any_of(matches_resource(pattern, request.resource, lookup) for pattern in patterns)
        if isinstance(named, frozenset):
            return named
        return named != inverted

    @cached_property
    def is_personal(self) -> bool:
        """Whether it may say something else to one principal than to another."""
        keys = [test.key.lower() for test in self.tests]
        return "${" in str(self.element) or any(key.startswith(_PERSONAL) for key in keys)

    def _conditions_hold(self, request: Request) -> Truth:
        return all_of(test.holds(request.lookup) for test in self.tests)


def read_statements(document: JSON, policy: str = "") -> tuple[Statement, ...]:
    """The statements of a policy, ready to be asked.

    Args:
        document: the policy; it is not checked (``check_policy`` does).
        policy: what to call it in answers.
    """
    variables = document.get("Version") == "2012-10-17"
    return tuple(
        Statement(
            policy=policy,
            name=str(element.get("Sid") or f"statement {number}"),
            allows=element.get("Effect") == "Allow",
            variables=variables,
            element=element,
            tests=read_conditions(element.get("Condition"), variables=variables),
        )
        for number, element in enumerate(statements_of(document), 1)
    )


@dataclass(frozen=True, eq=False)
class Unread(Statement):
    """What a policy whose text was not read may say: it may allow, and it may deny."""

    def matches(self, _: Request) -> Truth:
        """It may apply to any request."""
        return frozenset({f"the text of {self.policy}, which was not read"})

    def names_action(self, _: str) -> bool:
        """It may name any action."""
        return True


def unread(policy: str) -> tuple[Statement, ...]:
    """The statements of a policy whose text was not read, by which nothing is certain."""
    return tuple(Unread(policy, "unread", allows, False, {}, ()) for allows in (True, False))


Text = JSON | tuple[Statement, ...]
"""A policy as its document, or as ``read_statements`` has read it already."""


@dataclass(frozen=True, kw_only=True)
class Policies:
    """The policies that apply to a request, each as its document or as ``read_statements`` read it.

    Attributes:
        identity: of the user and its groups, or of the role: documents by name.
        permissions_boundary: None if the principal has none.
        session: what was passed when the session began; None if nothing was.
        service_control: by level, from the organization's root down to the account, the documents
            of each level; none if the account is in no organization, or its management account.
        resource_control: by level, likewise.
        resource: the resource's own policy, such as a bucket's, a key's or a role's trust policy.
    """

    identity: Mapping[str, Text] = field(default_factory=dict)
    permissions_boundary: Text | None = None
    session: Mapping[str, Text] | None = None
    service_control: Sequence[Mapping[str, Text]] = ()
    resource_control: Sequence[Mapping[str, Text]] = ()
    resource: Text | None = None

    @cached_property
    def layers(self) -> tuple[tuple[Kind, tuple[Statement, ...]], ...]:
        """The statements of each layer that must allow, in the order of AWS's evaluation."""
        return tuple(self._layers())

    @cached_property
    def resource_statements(self) -> tuple[Statement, ...]:
        """The statements of the resource's own policy."""
        return _read(self.resource or {}, "resource policy")

    def _layers(self) -> Iterator[tuple[Kind, tuple[Statement, ...]]]:
        for level in self.resource_control:
            yield "resource control policy", _read_all(level)
        for level in self.service_control:
            yield "service control policy", _read_all(level)
        yield "identity-based policy", _read_all(self.identity)
        if self.permissions_boundary is not None:
            yield "permissions boundary", _read(self.permissions_boundary, "permissions boundary")
        if self.session is not None:
            yield "session policy", _read_all(self.session)


def _read(text: Text, name: str) -> tuple[Statement, ...]:
    return text if isinstance(text, tuple) else read_statements(text, name)


def _read_all(texts: Mapping[str, Text]) -> tuple[Statement, ...]:
    return tuple(statement for name, text in texts.items() for statement in _read(text, name))


@dataclass(frozen=True)
class Decision:
    """The answer.

    Attributes:
        effect: ``allowed``, ``explicit deny``, ``implicit deny``, or ``depends``.
        statements: those that decided it; of ``depends`` those that may.
        depends_on: context keys, or ``resource``, that are not known and matter; sorted.
        because: why it is refused, in AWS's words.
    """

    effect: Effect
    statements: tuple[Statement, ...] = ()
    depends_on: tuple[str, ...] = ()
    because: str = ""

    @property
    def allowed(self) -> bool:
        """Whether it is certainly allowed."""
        return self.effect == "allowed"

    def __str__(self) -> str:
        names = ", ".join(str(statement) for statement in self.statements)
        if self.depends_on:
            return f"depends on {', '.join(self.depends_on)} ({names})"
        return f"{self.effect}: {names or self.because}"


def evaluate(request: Request, policies: Policies) -> Decision:
    """Decide a request as AWS does.

    An explicit deny in any policy refuses. Else every layer that applies must allow: the identity
    policies, the permissions boundary, the session policy, every level of service and resource
    control policies. The resource's own policy may allow within the account by itself, and must
    allow across accounts; how far it reaches depends on how it names the principal.

    Args:
        request: who wants to do what, and what is known of the circumstances.
        policies: all that apply; a kind that is left out counts as not there.
    """
    return _Evaluation(request, policies).decide()


class _Evaluation:
    """One request before the policies."""

    def __init__(self, request: Request, policies: Policies) -> None:
        self.request = request
        self.kind = request.principal.kind
        self.bounded = policies.permissions_boundary is not None
        self.matched: list[tuple[Kind, list[tuple[Statement, Truth]]]] = [
            (kind, self._match(statements))
            for kind, statements in policies.layers
            if self._applies(kind)
        ]
        self.has_resource_policy = policies.resource is not None
        self.resource = [
            (statement, truth, grip)
            for statement in policies.resource_statements
            for grip in [self._grip(statement)]
            if grip and (truth := statement.matches(request)) is not False
        ]

    def decide(self) -> Decision:
        denied = any_of(truth for _, _, truth in self._denies())
        if denied is True:
            return self._explicit_deny()
        ways = list(self._ways())
        allowed = any_of(all_of(self._truths(way)) for way in ways)
        if allowed is False:
            return Decision("implicit deny", because=self._lacking(ways))
        if allowed is True and denied is False:
            granting = dict.fromkeys(s for way in ways for s in self._granting(way))
            return Decision("allowed", tuple(granting))
        unknown = (allowed if isinstance(allowed, frozenset) else frozenset()) | (
            denied or frozenset()
        )
        open_ = [s for _, s, truth in self._denies()] if denied else []
        for way in ways if allowed is not True else ():
            if all_of(self._truths(way)):
                open_ += [
                    s for requirement in way for s, truth in requirement[1] if truth is not True
                ]
        names = {name.lower(): name for name in sorted(unknown)}
        return Decision("depends", tuple(dict.fromkeys(open_)), tuple(sorted(names.values())))

    def _grip(self, statement: Statement) -> Grip | None:
        """How a statement of a resource's policy takes hold of the caller; None if it does not."""
        principal, element = self.request.principal, statement.element
        if "NotPrincipal" in element:
            always = self.bounded and not statement.allows
            return grip_unless_named(element["NotPrincipal"], principal, always=always)
        return grip_of(element.get("Principal"), principal, allows=statement.allows)

    def _applies(self, kind: Kind) -> bool:
        """Whether a layer binds this principal at all.

        https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps.html
        """
        if kind == "resource control policy":
            return True
        if kind == "service control policy":
            return self.kind not in ("service", "anonymous")
        return self.kind not in ("root", "service", "anonymous")

    def _match(self, statements: Iterable[Statement]) -> list[tuple[Statement, Truth]]:
        return [(s, truth) for s in statements if (truth := s.matches(self.request)) is not False]

    def _denies(self) -> Iterator[tuple[Kind, Statement, Truth]]:
        for kind, matched in self.matched:
            yield from ((kind, s, truth) for s, truth in matched if not s.allows)
        for statement, truth, grip in self.resource:
            if not statement.allows:
                unsure: Truth = frozenset({"the order in which the service looks at principals"})
                together = all_of((truth, unsure if grip is Grip.UNSURE else True))
                yield "resource-based policy", statement, together

    def _explicit_deny(self) -> Decision:
        certain = [(kind, s) for kind, s, truth in self._denies() if truth is True]
        article = "an" if certain[0][0].startswith("identity") else "a"
        because = f"with an explicit deny in {article} {certain[0][0]}"
        return Decision("explicit deny", tuple(s for _, s in certain), because=because)

    def _ways(self) -> Iterator[list[tuple[str, list[tuple[Statement, Truth]]]]]:
        """The ways to an allow: of each, the layers that must all allow.

        https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html
        """
        controls = self._layers("resource control policy", "service control policy")
        limits = self._layers("permissions boundary", "session policy")
        own = self._layers("identity-based policy") + limits
        given = {grip: self._resource_allows(grip) for grip in Grip}
        everyone = given[Grip.DIRECT] + given[Grip.LIMITED] + given[Grip.ACCOUNT]
        if self.kind in ("service", "anonymous"):
            yield [*controls, ("resource-based policy", given[Grip.DIRECT])]
        elif self.request.owner != self.request.principal.account:
            yield [*controls, *own, ("resource-based policy", everyone)]
        else:
            yield [*controls, ("resource-based policy", given[Grip.DIRECT])]
            yield [*controls, *limits, ("resource-based policy", given[Grip.LIMITED])]
            if self.has_resource_policy and self._wants_delegation():
                own = [*own, ("resource-based policy", everyone)]
            yield [*controls, *own]

    def _wants_delegation(self) -> bool:
        """Whether identity policies count only as far as the resource's own policy lets them.

        https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html
        """
        action = self.request.action.lower()
        return action.startswith(_DELEGATING) or action in _ASSUMING

    def _layers(self, *kinds: Kind) -> list[tuple[str, list[tuple[Statement, Truth]]]]:
        return [
            (kind, [(s, truth) for s, truth in matched if s.allows])
            for kind, matched in self.matched
            if kind in kinds
        ]

    def _resource_allows(self, grip: Grip) -> list[tuple[Statement, Truth]]:
        return [(s, truth) for s, truth, found in self.resource if s.allows and found is grip]

    def _truths(self, way: Iterable[tuple[str, list[tuple[Statement, Truth]]]]) -> list[Truth]:
        return [any_of(truth for _, truth in allows) for _, allows in way]

    def _granting(self, way: list[tuple[str, list[tuple[Statement, Truth]]]]) -> list[Statement]:
        """The statements of a way that surely leads to an allow; none of another way."""
        if all_of(self._truths(way)) is not True:
            return []
        return [s for _, allows in way for s, truth in allows if truth is True]

    def _lacking(self, ways: list[list[tuple[str, list[tuple[Statement, Truth]]]]]) -> str:
        """The first layer of the usual way that does not allow."""
        for kind, allows in ways[-1]:
            if any_of(truth for _, truth in allows) is False:
                return f"because no {kind} allows the {self.request.action} action"
        return f"because no policy allows the {self.request.action} action"
