"""The search for a request that one policy allows and another does not.

What is not known yet of a request is unknown to the evaluator too, so that a part of the search
ends as soon as the evaluator says that nothing in it can be a witness. All of it ended: there is
none. What is found is asked once more, as a whole request.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property, lru_cache

from iamkit.account.state import JSON
from iamkit.policies.actions.catalogue import (
    describe_action,
    load_catalogue,
    resource_arns,
)
from iamkit.policies.comparison.values import Choices, Values, choices_for, instance_of
from iamkit.policies.evaluation.engine import Decision, Policies, evaluate, evaluate_exactly
from iamkit.policies.evaluation.request import Principal, Request
from iamkit.policies.evaluation.sets import kinds_of, members_of
from iamkit.policies.evaluation.special_actions import is_free
from iamkit.policies.grammar.conditions import Test
from iamkit.policies.grammar.patterns import (
    ANY,
    ARN_PARTS,
    NO_COLON,
    account_in,
    expression_for,
    is_pattern,
    resource_expression,
    variables_of,
)
from iamkit.policies.grammar.statements import Statement, read_statements
from iamkit.policies.grammar.three_valued import Truth, all_of, opposite
from iamkit.policies.lint.condition_keys import TAG_KEYS, has_key, is_session_key, type_of
from iamkit.policies.lint.resources import fits

PERSONAL = frozenset("aws:username aws:principalarn aws:principaltype aws:principalaccount".split())
"""Keys that only the choice of the caller decides."""
_MOST = 5_000
"""So many requests are tried; usual policies take some dozens."""
_MFA, _MFA_AGE = "aws:multifactorauthpresent", "aws:multifactorauthage"
_REGION = "aws:requestedregion"
_REFUSED = ("explicit deny", "implicit deny")
_FIRST = ("iam", "sts", "kms", "secretsmanager", "s3", "ec2")


_Step = Callable[[Request], Request | None]


@dataclass(kw_only=True)
class Search:
    """One question: is there a request that ``new`` allows, and ``old`` does not?

    Attributes:
        new: a policy's statements.
        old: another's; None if whatever is allowed counts.
        resource: the set of resources that is asked about, as a pattern.
        now: a moment before which no request is made any more; None for none.
        open: why it cannot be told, as far as the search has come upon a reason.
    """

    new: tuple[Statement, ...]
    old: tuple[Statement, ...] | None
    resource: str = "*"
    now: datetime | None = None
    open: dict[str, None] = field(default_factory=dict)
    _left: int = _MOST
    _partition: str = "aws"

    def find(self, actions: Iterable[str]) -> Request | None:
        """A request with one of these actions; None if the search has found none."""
        asked = set(actions)
        found = (self._find(asked, partition) for partition in self._partitions)
        return next(filter(None, found), None)

    def _find(self, actions: Iterable[str], partition: str) -> Request | None:
        """The same by callers and on resources of one partition."""
        self._partition = partition
        for alike in self._by_statements(actions):
            if self._judge(self._request(alike[0])) is False:
                continue  # on no resource, in no circumstances
            for action in self._representatives(alike):
                found = self._with_resource(self._request(action))
                if found:
                    return found
        return None

    def _request(self, action: str) -> Request:
        """One of which nothing but the action is known yet."""
        caller = Principal(f"arn:{self._partition}:iam::{self._account}:user/alice")
        return Request(
            principal=caller, action=action, context={}, complete=False, unknown=PERSONAL
        )

    @cached_property
    def _statements(self) -> tuple[Statement, ...]:
        return (*self.new, *(self.old or ()))

    @cached_property
    def _texts(self) -> tuple[str, ...]:
        texts = (text for statement in self._statements for text in statement.resources)
        return (self.resource, *texts)

    @cached_property
    def _accounts(self) -> tuple[str, ...]:
        """The accounts that the policies name, the caller's first, and one that they do not."""
        values = (v for s in self._statements for test in s.tests for v in test.values)
        named = [*map(account_in, self._texts), *(v for v in values if re.fullmatch(r"\d{12}", v))]
        found = dict.fromkeys(filter(None, named)) or {"111122223333": None}
        other = next(n for n in ("444455556666", "777788889999", "123456789012") if n not in found)
        return (*found, other)

    @property
    def _account(self) -> str:
        return self._accounts[0]

    @cached_property
    def _partitions(self) -> tuple[str, ...]:
        found = (re.match(r"arn:(aws[\w-]*):", text) for text in self._texts)
        return tuple(dict.fromkeys(match[1] for match in found if match)) or ("aws",)

    def _by_statements(self, actions: Iterable[str]) -> Iterable[list[str]]:
        """The actions by which statements name them, those that say most first."""
        found: dict[tuple[bool, ...], list[str]] = {}
        for action in sorted(actions, key=_weight):
            named = tuple(statement.names_action(action) for statement in self._statements)
            found.setdefault((*named, is_free(action)), []).append(action)
        return found.values()

    def _representatives(self, actions: Iterable[str]) -> Iterator[str]:
        """Of actions with the same resources and condition keys the one that says most."""
        keys = {test.key for statement in self._statements for test in statement.tests}
        seen = set()
        for action in actions:
            kinds = kinds_of(action, self._partition, self._account)
            found = describe_action(action)
            known = frozenset(key for key in keys if _has(action, key))
            alike = kinds, found and found.resource_types, known
            if alike not in seen:
                seen.add(alike)
                yield action

    def _about(self, action: str) -> list[Statement]:
        return [s for s in self._statements if s.names_action(action)]

    def _with_resource(self, request: Request) -> Request | None:
        """Choose what the resources' variables need, then each resource that stands for others."""
        about = self._about(request.action)
        for name in _variables(text for s in about if s.variables for text in s.resources):
            if isinstance(request.lookup(name), frozenset):
                self.open[name] = None  # its value may be part of what other patterns name
                return self._branch(request, name, self._with_resource)
        seen = set()
        found = dict.fromkeys(self._resources(request, about))
        for there in sorted((replace(request, resource=r) for r in found), key=_is_made_up):
            named = (s.names_resource(there.resource, there.lookup) for s in about)
            alike = (account_in(str(there.resource)), *named)
            witness = self._with_conditions(there) if alike not in seen else None
            seen.add(alike)
            if witness and not _is_made_up(witness):
                return witness
            if witness:
                self.open[f"whether {witness.action} is ever about {witness.resource}"] = None
        return None

    def _resources(self, request: Request, about: Sequence[Statement]) -> Iterator[str]:
        if not is_pattern(self.resource):
            yield self.resource
            return
        kinds = self._kinds(request.action)
        wanted = resource_expression(self.resource)
        if kinds == ():
            yield from ("*",) if re.fullmatch(wanted, "*") else ()
            return
        expressions = {e for s in about for e in s.expressions(request.lookup)}
        others = tuple(sorted(expressions))
        members = members_of(self.resource, kinds, (*others, *kinds))
        if members == ():  # no resource of the action, but a question all the same
            members = members_of(self.resource, (), others)
        if members is None:
            self.open["the resources are too many to tell apart"] = None
        for text in self._plain_resources(request, about):
            if re.fullmatch(wanted, text) and any(re.fullmatch(kind, text) for kind in kinds):
                yield text
        yield from members or ()

    def _kinds(self, action: str) -> tuple[str, ...]:
        """The ARNs that an action may be about, in all accounts that are spoken of."""
        if describe_action(action) is None:
            begin = f"arn:{self._partition}:{re.escape(action.partition(':')[0])}:{NO_COLON}:"
            return (r"\*", *(f"{begin}{account}:{ANY}" for account in ("", *self._accounts)))
        found = (kinds_of(action, self._partition, account) or () for account in self._accounts)
        return tuple(dict.fromkeys(kind for several in found for kind in several))

    def _plain_resources(self, request: Request, about: Sequence[Statement]) -> Iterator[str]:
        """ARNs that read like one: the policies' own, and those of the action's resource types."""
        for text in (self.resource, *(t for s in about for t in s.resources)):
            filled = expression_for(text, request.lookup) if "${" in text else None
            if text != "*" and filled is None:
                parts = text.split(":", ARN_PARTS - 1)
                if len(parts) == ARN_PARTS:
                    places = (self._partition, parts[2], "eu-west-1", self._account)
                    parts[1:5] = [
                        place if part == "*" else part
                        for part, place in zip(parts[1:5], places, strict=True)
                    ]
                yield instance_of(":".join(parts))
        found, service = describe_action(request.action), request.action.partition(":")[0].lower()
        own = {"Partition": self._partition, "Account": self._account, "Region": "eu-west-1"}
        forms = (
            resource_arns(service).get(kind, "") for kind in (found.resource_types if found else ())
        )
        for form in sorted(forms, key=len):
            yield re.sub(r"\$\{(\w+)\}", lambda name: own.get(name[1], "example"), form)

    def _with_conditions(self, request: Request) -> Request | None:
        """Choose what the evaluator asks for, until it knows enough."""
        verdict = self._judge(request)
        if verdict is False:
            return None
        if verdict is True:
            return self._witness(request)
        about = self._about(request.action)
        tests = [test for s in about for test in s.tests]
        keys = {test.key.lower() for test in tests}
        keys |= {name.lower() for test in tests for name in _variables(test.values)}
        named = sorted(verdict, key=str.lower)
        key = next((name for name in named if name.lower() in keys), None)
        if key is None:
            self.open |= dict.fromkeys(named)
            return None
        values = (v for test in self._tests(key, about) if test.variables for v in test.values)
        for name in _variables(values):
            if name != key and isinstance(request.lookup(name), frozenset):
                return self._branch(request, name, self._with_conditions)
        return self._branch(request, key, self._with_conditions)

    def _judge(self, request: Request) -> Truth:
        """Whether the new policy allows it and the old one does not, as far as it is known."""
        self._left -= 1
        if self._left < 0:
            self.open["the policies are too many-sided to try all that they tell apart"] = None
            return False
        if is_free(request.action):
            return self.old is None
        got = evaluate_exactly(request, policies_with(self.new, request.principal))
        if self.old is None or got.effect in _REFUSED:
            return _truth(got)
        had = evaluate_exactly(request, policies_with(self.old, request.principal))
        return all_of((_truth(got), opposite(_truth(had))))

    def _branch(self, request: Request, key: str, go_on: _Step) -> Request | None:
        """Try each value of a key."""
        about = self._about(request.action)
        tests = self._tests(key, about)
        service = request.action.partition(":")[0].lower()
        if key.lower() in PERSONAL:
            return self._with_callers(request, key, tests, go_on)
        choices = choices_for(key, tests, request.lookup, service, self.now)
        if not _has(request.action, key):
            absent: tuple[Values, ...] = (None,)
            choices = Choices(absent, complete=False)
            self.open[f"{key}, which the catalogue does not know for {request.action}"] = None
        elif not choices.complete:
            self.open[key] = None
        for values in choices.values:
            given = None if values is None else values[0] if len(values) == 1 else list(values)
            found = go_on(replace(request, context={**(request.context or {}), key: given}))
            if found:
                return found
        return None

    def _with_callers(
        self, request: Request, key: str, tests: Sequence[Test], go_on: _Step
    ) -> Request | None:
        """Try users and roles, in place of a key that only they decide."""
        self.open[key] = None
        for caller in self._callers(key, tests, request):
            found = go_on(replace(request, principal=caller, unknown=frozenset()))
            if found:
                return found
        return None

    def _callers(self, key: str, tests: Sequence[Test], request: Request) -> Iterator[Principal]:
        begin, account = f"arn:{self._partition}:", self._account
        named = choices_for(key, tests, lambda name: frozenset({name}), "iam", None).values
        for (name,) in (values for values in named if values):
            known = re.fullmatch(
                r"arn:[^:*?]+:iam::(\d{12}):(user|role)/(?:[^*?]*/)?([^/*?]+)", name
            )
            if key.lower() == "aws:username" and re.fullmatch(r"[\w+=,.@-]{1,64}", name, re.ASCII):
                yield Principal(f"{begin}iam::{account}:user/{name}")
            elif key.lower() == "aws:principalaccount" and re.fullmatch(r"\d{12}", name):
                yield Principal(f"{begin}iam::{name}:user/alice")
            elif known and known[2] == "user":
                yield Principal(name)
            elif known:
                session = f"{begin}sts::{known[1]}:assumed-role/{known[3]}/session"
                yield Principal(session, issuer=name)
        yield request.principal
        yield Principal(f"{begin}sts::{account}:assumed-role/example/session")

    def _tests(self, key: str, about: Iterable[Statement]) -> list[Test]:
        """The conditions on a key, and those that name it as a variable."""
        return [
            test
            for statement in about
            for test in statement.tests
            if test.key.lower() == key.lower()
            or key.lower() in map(str.lower, _variables(test.values))
        ]

    def _witness(self, request: Request) -> Request | None:
        """The request with nothing left open, if the whole evaluator says the same of it."""
        whole = replace(request, complete=True, unknown=frozenset())
        for one in (_made_consistent(whole), whole):
            if self._shows(one) and _is_consistent(one):
                return one
        self.open[f"{request.action} on {request.resource}"] = None
        return None

    def _shows(self, request: Request) -> bool:
        if not evaluate(request, policies_with(self.new, request.principal)).allowed:
            return False
        if self.old is None:
            return True
        return evaluate(request, policies_with(self.old, request.principal)).effect in _REFUSED


def _truth(decision: Decision) -> Truth:
    if decision.effect in _REFUSED:
        return False
    return True if decision.allowed else frozenset(decision.depends_on)


def policies_with(own: JSON | tuple[Statement, ...], principal: Principal) -> Policies:
    """An identity policy by itself: the resource's own leaves the answer to the caller's account.

    So an answer is about the policy, and not about what others may add to it.
    """
    statements = own if isinstance(own, tuple) else read_statements(own)
    root = f"arn:{principal.partition}:iam::{principal.account}:root"
    left_to_account = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": root}, "Action": "*", "Resource": "*"}
        ],
    }
    return Policies(identity={"policy": statements}, resource=left_to_account)


def _made_consistent(request: Request) -> Request:
    """The same request, with what its circumstances bring along: MFA's age, the ARN's region."""
    context, parts = dict(request.context or {}), str(request.resource).split(":", ARN_PARTS - 1)
    given = {key.lower(): value for key, value in context.items()}
    if given.get(_MFA_AGE) is not None and given.get(_MFA) is None:
        context = {key: value for key, value in context.items() if key.lower() != _MFA}
        context["aws:MultiFactorAuthPresent"] = "true"
    if given.get(_REGION) is not None and len(parts) == ARN_PARTS and parts[3]:
        parts[3] = str(given[_REGION])
    return replace(request, context=context, resource=":".join(parts))


def _is_consistent(request: Request) -> bool:
    """Whether what it says of MFA can be true together: its age is there if it was given."""
    given = {key.lower(): value for key, value in (request.context or {}).items()}
    return given.get(_MFA_AGE) is None or given.get(_MFA) == "true"


def _is_made_up(request: Request) -> bool:
    """Whether the catalogue has no type of resource for the action that the request's can be of."""
    action, resource = describe_action(request.action), str(request.resource)
    if action is None:
        return False
    if not action.resource_types:
        return resource != "*"
    forms = resource_arns(request.action.partition(":")[0].lower())
    return not any(fits(forms.get(kind, "*"), resource) for kind in action.resource_types)


def _has(action: str, key: str) -> bool:
    """Whether a request for an action may have a context key, as far as the catalogue knows."""
    lowered = key.lower()
    if lowered.startswith("aws:") and lowered.partition("/")[0] not in TAG_KEYS:
        return type_of(key, ()) is not None
    return is_session_key(key) or has_key(action, key)


def _variables(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(name for text in texts for name in variables_of(text)))


@lru_cache(maxsize=65_536)
def _weight(action: str) -> tuple[int, int, int, str]:
    """What says more comes first: by access level, service and length of the name."""
    service = action.partition(":")[0].lower()
    level = load_catalogue().level_of(action)
    order = ("Permissions management", "Write", "Tagging", "Read", "List", "")
    place = _FIRST.index(service) if service in _FIRST else len(_FIRST)
    return order.index(level), place, len(action), action
