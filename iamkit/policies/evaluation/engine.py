"""AWS's evaluation logic: whether a request is allowed, denied, or depends on what is not known.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from typing import Literal

from iamkit.account.state import JSON
from iamkit.policies.actions.catalogue import Catalogue, load_catalogue
from iamkit.policies.actions.expansion import shortest_patterns
from iamkit.policies.evaluation.principals import Grip, grip_of, grip_unless_named
from iamkit.policies.evaluation.request import Request
from iamkit.policies.evaluation.sets import alike, divided, is_pattern, kinds_of, meet, members_of
from iamkit.policies.grammar.conditions import Test, read_conditions
from iamkit.policies.grammar.patterns import (
    action_pattern,
    expression_for,
    matches_resource,
    resource_expression,
)
from iamkit.policies.grammar.statements import statements_of, texts_of
from iamkit.policies.grammar.three_valued import Truth, all_of, any_of

Effect = Literal["allowed", "allowed in part", "explicit deny", "implicit deny", "depends"]
Kind = Literal[
    "identity-based policy",
    "permissions boundary",
    "session policy",
    "service control policy",
    "resource control policy",
    "VPC endpoint policy",
    "resource-based policy",
]
"""The kinds of policies, in the words of AWS's messages."""

_PERSONAL = ("aws:principal", "aws:user")
_DELEGATING = ("kms:",)
_ASSUMING = ("sts:assumerole", "sts:assumerolewithsaml", "sts:assumerolewithwebidentity")
_WITH_OWN_POLICIES = frozenset(
    "acm-pca apigateway aps athena backup bedrock cloudtrail codeartifact codebuild cloudwatch "
    "dynamodb ecr ecr-public elasticfilesystem es events execute-api geo glacier glue "
    "imagebuilder iot kafka kinesis kms lambda lex logs mediastore network-firewall osis "
    "payment-cryptography pi profile ram redshift-serverless refactor-spaces rekognition "
    "resource-explorer-2 route53 s3 s3-object-lambda s3-outposts s3express s3tables schemas "
    "secretsmanager serverlessrepo ses signer sns sqs ssm ssm-contacts ssm-incidents "
    "verified-access vpc-lattice xray".split()
)
"""Services of which some resources have policies of their own; it may name more than have."""
_NAMED = 4
"""How many patterns a part of a set names; the others are counted."""
_FREE = "sts:getcalleridentity"
"""https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html"""
_WITHOUT_KEY = frozenset(
    "kms:connectcustomkeystore kms:createcustomkeystore kms:createkey kms:deletecustomkeystore "
    "kms:describecustomkeystores kms:disconnectcustomkeystore kms:generaterandom kms:listaliases "
    "kms:listkeys kms:listretirablegrants kms:updatecustomkeystore".split()
)
"""Of KMS's actions those that no key policy decides.

https://docs.aws.amazon.com/kms/latest/developerguide/kms-api-permissions-reference.html
"""


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

    def actions(self, catalogue: Catalogue) -> int:
        """The actions that it is about, as bits of the catalogue."""
        inverted = "NotAction" in self.element
        found = 0
        for pattern in texts_of(self.element, "NotAction" if inverted else "Action"):
            found |= catalogue.matching(pattern)
        return catalogue.everything & ~found if inverted else found

    @cached_property
    def resources(self) -> tuple[str, ...]:
        """The patterns of its ``Resource`` or ``NotResource``."""
        name = "NotResource" if "NotResource" in self.element else "Resource"
        return tuple(texts_of(self.element, name))

    def expressions(self, request: Request) -> Iterator[str]:
        """Its patterns of resources as regular expressions, with this request's variables."""
        for pattern in self.resources:
            variables = self.variables and "${" in pattern
            read = expression_for(pattern, request.lookup) if variables else None
            if pattern != "*" and not (variables and read is None):
                yield read or resource_expression(pattern)

    def _names_resource(self, request: Request) -> Truth:
        inverted, patterns = "NotResource" in self.element, self.resources
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

    reason: str = ""

    def __str__(self) -> str:
        return self.policy

    def matches(self, _: Request) -> Truth:
        """It may apply to any request."""
        return frozenset({self.reason})

    def names_action(self, _: str) -> bool:
        """It may name any action."""
        return True

    def actions(self, catalogue: Catalogue) -> int:
        """It may be about any."""
        return catalogue.everything


def unread(policy: str, reason: str = "") -> tuple[Statement, ...]:
    """The statements of a policy whose text was not read, by which nothing is certain.

    Args:
        policy: what to call it.
        reason: what an answer then depends on; by default the policy's text.
    """
    why = reason or f"the text of {policy}, which was not read"
    return tuple(Unread(policy, "unread", allows, False, {}, (), why) for allows in (True, False))


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
        vpc_endpoint: of the VPC endpoint through which the request comes; None if through none.
        resource: the resource's own policy, such as a bucket's, a key's or a role's trust policy.

    A layer that was not read is ``unread(its name)`` in the place of its document.
    """

    identity: Mapping[str, Text] = field(default_factory=dict)
    permissions_boundary: Text | None = None
    session: Mapping[str, Text] | None = None
    service_control: Sequence[Mapping[str, Text]] = ()
    resource_control: Sequence[Mapping[str, Text]] = ()
    vpc_endpoint: Text | None = None
    resource: Text | None = None

    def read(self) -> "Policies":
        """The same, each as ``read_statements`` read it, once for many requests."""
        bound, endpoint, own = self.permissions_boundary, self.vpc_endpoint, self.resource
        return Policies(
            identity=_each_read(self.identity),
            permissions_boundary=None if bound is None else _read(bound, "permissions boundary"),
            session=None if self.session is None else _each_read(self.session),
            service_control=[_each_read(level) for level in self.service_control],
            resource_control=[_each_read(level) for level in self.resource_control],
            vpc_endpoint=None if endpoint is None else _read(endpoint, "VPC endpoint policy"),
            resource=None if own is None else _read(own, "resource policy"),
        )

    @cached_property
    def statements(self) -> tuple[Statement, ...]:
        """Those of all layers, the resource's own policy among them."""
        found = [statement for _, layer in self.layers for statement in layer]
        return (*found, *self.resource_statements)

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
        if self.vpc_endpoint is not None:
            yield "VPC endpoint policy", _read(self.vpc_endpoint, "VPC endpoint policy")


def _read(text: Text, name: str) -> tuple[Statement, ...]:
    return text if isinstance(text, tuple) else read_statements(text, name)


def _each_read(texts: Mapping[str, Text]) -> dict[str, tuple[Statement, ...]]:
    return {name: _read(text, name) for name, text in texts.items()}


def _read_all(texts: Mapping[str, Text]) -> tuple[Statement, ...]:
    return tuple(statement for name, text in texts.items() for statement in _read(text, name))


ABSENT: tuple[Statement, ...] = ()
"""A policy that is known not to be there."""
ORGANIZATION = "the organization's policies (service and resource control policies)"
SESSION = "the policies of role sessions"
ENDPOINT = "the policy of a VPC endpoint"
OWN = "the resource's own policy"


@dataclass(frozen=True, kw_only=True)
class Layers:
    """The policies beside an account's own, each given, known to be absent, or not read.

    Attributes:
        service_control: as in ``Policies``; ``()`` if there are none, None if they were not read.
        resource_control: likewise.
        session: what is passed to the sessions of roles; ``{}`` for nothing, None if not known.
        vpc_endpoint: ``ABSENT`` if no request comes through one, None if it was not read.
        resource: the resource's own policy; ``ABSENT`` if it has none, None if it was not read.
    """

    service_control: Sequence[Mapping[str, Text]] | None = None
    resource_control: Sequence[Mapping[str, Text]] | None = None
    session: Mapping[str, Text] | None = None
    vpc_endpoint: Text | None = None
    resource: Text | None = None

    def applied(self, policies: Policies, kind: str) -> Policies:
        """The policies of one principal with those layers that were given.

        Args:
            policies: as far as they are of the account.
            kind: ``user``, ``role`` or ``root``.
        """
        return replace(
            policies,
            service_control=self.service_control or (),
            resource_control=self.resource_control or (),
            session=(self.session or None) if kind == "role" else None,
            vpc_endpoint=self.vpc_endpoint or None,
            resource=policies.resource or self.resource or None,
        )

    def not_read(self, action: str, kind: str) -> tuple[str, ...]:
        """The layers that were not read, and may bear on an action of a user, role or root."""
        found = []
        if self.service_control is None or self.resource_control is None:
            found.append(ORGANIZATION)
        if self.session is None and kind == "role":
            found.append(SESSION)
        if self.vpc_endpoint is None:
            found.append(ENDPOINT)
        if self.resource is None and _may_have_own_policy(action):
            found.append(OWN)
        return () if action.lower() == _FREE else tuple(found)


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


def evaluate(request: Request, policies: Policies) -> Decision:
    """Decide a request as AWS does; about a set, whether all of it, some or none is allowed.

    A wildcard in the action or the resource makes the question one about a set: about all actions
    of that name, and all resources of the caller's account (or of the account that the ARN names)
    that they may be about. An action that has no resources is asked about ``*`` alone.

    What AWS never leaves out counts as not read if it is: the key policy of a KMS key, the trust
    policy of a role that is assumed. ``sts:GetCallerIdentity`` can be denied to nobody.
    https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html

    Args:
        request: who wants to do what, and what is known of the circumstances.
        policies: all that apply; another kind that is left out counts as not there.
    """
    if is_pattern(request.action) or is_pattern(request.resource):
        return _SetEvaluation(request, policies).decide()
    if request.action.lower() == _FREE and request.principal.kind != "anonymous":
        return Decision("allowed")
    return evaluate_exactly(request, _with_own_policy(request.action, policies))


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
    return _Evaluation(request, policies).decide()


def _with_own_policy(action: str, policies: Policies) -> Policies:
    """The policies with what AWS never leaves out."""
    name = action.lower()
    if policies.resource is not None or not _is_delegated(name):
        return policies
    kind = "key policy" if name.startswith("kms:") else "role's trust policy"
    return replace(policies, resource=unread(kind, f"the {kind}, which was not read"))


def _may_have_own_policy(action: str) -> bool:
    """Whether what an action is about may have a policy of its own, beside a role's trust policy.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_aws-services-that-work-with-iam.html
    """
    service = action.partition(":")[0].lower()
    return is_pattern(service) or service in _WITH_OWN_POLICIES


def _is_delegated(action: str) -> bool:
    """Whether identity policies count only as far as the resource's own policy lets them."""
    return action in _ASSUMING or (action.startswith(_DELEGATING) and action not in _WITHOUT_KEY)


class _Evaluation:
    """One request before the policies."""

    def __init__(self, request: Request, policies: Policies) -> None:
        self.request = request
        self.kind = request.principal.kind
        self.bounded = policies.permissions_boundary is not None
        self.matched: list[tuple[Kind, list[tuple[Statement, Truth]]]] = [
            (kind, self._match(self._about(kind, statements)))
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
        if isinstance(statement, Unread):
            return Grip.DIRECT
        if "NotPrincipal" in element:
            always = self.bounded and not statement.allows
            return grip_unless_named(element["NotPrincipal"], principal, always=always)
        return grip_of(element.get("Principal"), principal, allows=statement.allows)

    def _applies(self, kind: Kind) -> bool:
        """Whether a layer binds this principal at all.

        https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps.html
        """
        if kind in ("resource control policy", "VPC endpoint policy"):
            return True
        if kind == "service control policy":
            return self.kind not in ("service", "anonymous")
        return self.kind not in ("root", "service", "anonymous")

    def _about(self, kind: Kind, statements: Iterable[Statement]) -> Iterable[Statement]:
        """The statements of a layer that are about the caller, where they name principals."""
        named = kind == "VPC endpoint policy"
        return [s for s in statements if self._grip(s)] if named else statements

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
        controls = self._layers(
            "resource control policy", "service control policy", "VPC endpoint policy"
        )
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
        return _is_delegated(self.request.action.lower())

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

    def allowing(self, *, sure: bool) -> Iterator[list[Statement]]:
        """By layer the statements that allow, or that may; a resource's own in another's stead.

        Within the account the resource's own policy allows beside the identity policies; across
        accounts, and where it must delegate, both must.
        """
        own = [s for s, truth, _ in self.resource if s.allows and (truth is True or not sure)]
        abroad = self.request.owner != self.request.principal.account
        both = abroad or (self.has_resource_policy and self._wants_delegation())
        for kind, matched in self.matched:
            found = [s for s, truth in matched if s.allows and (truth is True or not sure)]
            yield found + own if kind == "identity-based policy" and not both else found
        if both or self.kind in ("service", "anonymous"):
            yield own

    def denying(self, *, sure: bool) -> Iterator[Statement]:
        """The statements that deny, or that may."""
        return (s for _, s, truth in self._denies() if truth is True or (truth and not sure))

    def _lacking(self, ways: list[list[tuple[str, list[tuple[Statement, Truth]]]]]) -> str:
        """The first layer of the usual way that does not allow."""
        for kind, allows in ways[-1]:
            if any_of(truth for _, truth in allows) is False:
                return f"because no {kind} allows the {self.request.action} action"
        return f"because no policy allows the {self.request.action} action"


@dataclass(frozen=True)
class _Asked:
    """One member of a set, answered."""

    action: str
    evaluation: _Evaluation
    decision: Decision


class _SetEvaluation:
    """A set of actions, resources or both before the policies, by members that stand for others.

    Actions that the same statements name, and resources that the same patterns match, have the
    same answer: one of each is asked.
    """

    def __init__(self, request: Request, policies: Policies) -> None:
        self.request, self.policies = request, policies.read()
        self._catalogue = load_catalogue()
        self._place = request.principal.partition, self._account()
        self._asked = [
            (mask, [self._ask(action, member) for member in self._members(action)])
            for mask, action in self._actions()
        ]

    def decide(self) -> Decision:
        """The one answer that all members' answers come to."""
        asked = [one.decision for _, members in self._asked for one in members]
        effects = {decision.effect for decision in asked}
        depends_on = sorted({name for decision in asked for name in decision.depends_on})
        best = _best(effects)
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

    def _account(self) -> str:
        parts = (self.request.resource or "").split(":", 5)
        named = parts[4] if len(parts) == 6 and parts[4].isdigit() else ""
        return named or self.request.resource_account or self.request.principal.account

    def _actions(self) -> Iterator[tuple[int, str]]:
        """Sets of actions that are answered alike, each with one of them."""
        pattern = self.request.action
        found = self._catalogue.matching(pattern)
        if not is_pattern(pattern) or not found:
            yield found, pattern
            return
        cuts = [statement.actions(self._catalogue) for statement in self.policies.statements]
        cuts += [_special(self._catalogue)[kind] for kind in ("kms", "sts", "free")]
        if self.request.resource is not None:
            cuts += alike(found, self._catalogue, *self._place)
        for mask in divided(found, cuts):
            yield mask, self._catalogue.named(mask & -mask)[0]

    def _members(self, action: str) -> tuple[str | None, ...]:
        """Resources of the set of which each stands for those that are answered alike."""
        resource = self.request.resource
        if not is_pattern(resource):
            return (resource,)
        assert resource is not None  # noqa: S101 - for the type checker; a pattern is a text
        kinds = kinds_of(action, *self._place)
        if kinds == () and resource == "*":
            return (resource,)
        request = replace(self.request, action=action)
        statements = [s for s in self.policies.statements if s.names_action(action)]
        others = tuple(sorted({text for s in statements for text in s.expressions(request)}))
        split = (*others, *(kinds or ()))
        found = members_of(resource, kinds or (), split)
        if found == ():  # no resource of the action, but a question all the same
            found = members_of(resource, (), others)
        return (None,) if found is None else found

    def _ask(self, action: str, resource: str | None) -> _Asked:
        request = replace(self.request, action=action, resource=resource)
        free = action.lower() == _FREE and request.principal.kind != "anonymous"
        evaluation = _Evaluation(request, _with_own_policy(action, self.policies))
        return _Asked(action, evaluation, Decision("allowed") if free else evaluation.decide())

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
            _say_actions(mask, self._catalogue) + (f" on {part}" if part else "")
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
        return f"{text}, but not {_listed(denied)}" if denied else text

    def _say_layer(self, layer: list[tuple[_Asked, list[Statement]]], *, sure: bool) -> str:
        """Where the statements of a layer allow together; empty if that is the whole set."""
        said: dict[str, None] = {}
        for asked, statements in layer:
            for statement in statements:
                said |= dict.fromkeys(self._say_statement(statement, asked, sure=sure))
        return "" if "" in said else _listed(said)

    def _say_statement(self, statement: Statement, asked: _Asked, *, sure: bool) -> list[str]:
        """The patterns by which a statement covers a member; an empty one for the whole set."""
        resource, asked_for = str(self.request.resource), asked.evaluation.request
        if "NotResource" in statement.element:
            met = meet(resource, statement.resources)
            return [f"all but {_listed(met)}" if met else ""]
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
            if "NotResource" in statement.element:
                found.append(f"outside {_listed(statement.resources)}")
            else:
                met = meet(str(self.request.resource), statement.resources)
                found += [str(self.request.resource)] if met is None else met
        return list(dict.fromkeys(found))


def _best(effects: set[Effect]) -> Effect:
    order: tuple[Effect, ...] = ("allowed", "depends", "implicit deny", "explicit deny")
    return next(effect for effect in order if effect in effects)


@cache
def _special(catalogue: Catalogue) -> Mapping[str, int]:
    """The actions for which AWS has rules of their own."""
    keyless = assumed = 0
    for name in _WITHOUT_KEY:
        keyless |= catalogue.matching(name)
    for name in _ASSUMING:
        assumed |= catalogue.matching(name)
    keyed = catalogue.of_service("kms") & ~keyless
    return {"kms": keyed, "sts": assumed, "free": catalogue.matching(_FREE)}


def _say_actions(mask: int, catalogue: Catalogue) -> str:
    return _listed(shortest_patterns(mask, catalogue))


def _listed(texts: Iterable[str]) -> str:
    """The first few, and how many more there are."""
    given = list(texts)
    more = [f"{len(given) - _NAMED} more"] if len(given) > _NAMED + 1 else []
    return ", ".join([*(given[:_NAMED] if more else given), *more])
