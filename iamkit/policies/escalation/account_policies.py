"""All policies of an account as the paths look at them, and what was answered by them."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from iamkit.account.state import JSON, Group, Role, User
from iamkit.policies.actions.catalogue import Catalogue, union
from iamkit.policies.escalation.catalogue import escalating_actions
from iamkit.policies.escalation.questions import Question, tests_of
from iamkit.policies.evaluation.exact import Decision, evaluate_exactly
from iamkit.policies.evaluation.holdings import Holdings
from iamkit.policies.evaluation.layers import Policies
from iamkit.policies.evaluation.paths import Path, text_of
from iamkit.policies.evaluation.reach import Grants
from iamkit.policies.evaluation.request import Principal, Request
from iamkit.policies.grammar.build import allow, policy
from iamkit.policies.grammar.statements import (
    Statement,
    read_statements,
    statements_of,
    texts_of,
    unread,
)
from iamkit.policies.grammar.three_valued import Truth, any_of

Context = tuple[tuple[str, Any], ...]
"""Context keys with their values; None for one that is known to be absent."""
AskedFor = tuple[str, str, tuple[str, ...]]
"""A test of a condition: its operator, the key in lower case, the values."""

EVERYTHING: JSON = policy(allow("*"))
ANYBODY = read_statements(
    {"Statement": {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}},
    "its new trust policy",
)
"""The trust policy that somebody writes who lets itself in."""


@dataclass(frozen=True, eq=False)
class Held:
    """One policy on its way to somebody, as far as paths have to do with it.

    Attributes:
        path: how it comes.
        statements: those about some action of a path, each with its actions; of a policy that was
            not read that it may deny or allow.
        allowed: the actions that it allows somewhere.
        denied: the actions that it denies on everything, always.
        denies: whether it denies anything.
    """

    path: Path
    statements: tuple[tuple[Statement, int], ...]
    allowed: int
    denied: int
    denies: bool


class AccountPolicies:
    """All policies of an account, and what was answered by them.

    Args:
        holdings: what the account's users and roles hold.
    """

    def __init__(self, holdings: Holdings) -> None:
        self.holdings, self.state = holdings, holdings.state
        self.catalogue: Catalogue = holdings.catalogue
        self.decided: dict[object, Decision] = {}
        self.asked: dict[object, Question] = {}
        self.alike: dict[object, int] = {}
        self.callers: dict[tuple[str, str], Any] = {}
        self.administrators_policies: list[str] = []
        self._of_grants: dict[int, tuple[Grants, Held]] = {}
        self._of_documents: dict[tuple[int, str], Held] = {}
        self._trust: dict[str, tuple[Statement, ...]] = {}
        self._services: dict[tuple[str, str], Truth] = {}
        self._asked_by_trust: dict[str, tuple[AskedFor, ...]] = {}

    def held(self, grants: Grants) -> Held:
        """A policy that somebody holds."""
        if id(grants) not in self._of_grants:
            found = _held(grants.path, grants.statements)
            self._of_grants[id(grants)] = grants, found  # so that no other gets its id
        return self._of_grants[id(grants)][1]

    def written(self, document: JSON, name: str) -> Held:
        """A policy that is written on the way."""
        key = id(document), name
        if key not in self._of_documents:
            statements = read_statements(document, name)
            about = tuple((s, self.catalogue.about(s)) for s in statements)
            self._of_documents[key] = _held(Path("", "inline", name, document), about)
        return self._of_documents[key]

    @cached_property
    def trusted(self) -> frozenset[str]:
        """Whom the account's trust policies name, by ARN or otherwise."""
        return frozenset(name for names in self._trusted.values() for name in names)

    @cached_property
    def has_personal_trust(self) -> bool:
        """Whether a trust policy may treat people differently whom it does not name."""
        return any(s.is_personal for role in self.state.roles.values() for s in self.trust(role))

    @cached_property
    def users(self) -> dict[str, User]:
        """The users by the last parts of their ARNs."""
        return {tail_of(user): user for _, user in sorted(self.state.users.items())}

    @cached_property
    def roles(self) -> dict[str, Role]:
        """The roles by the last parts of their ARNs."""
        return {tail_of(role): role for _, role in sorted(self.state.roles.items())}

    def asked_by_trust(self, key: str) -> tuple[AskedFor, ...]:
        """The tests in trust policies of context keys that begin so."""
        if key not in self._asked_by_trust:
            self._asked_by_trust[key] = tuple(
                test
                for role in self.state.roles.values()
                for statement in self.trust(role)
                for test in tests_of(statement, key)
            )
        return self._asked_by_trust[key]

    def may_trust(self, role: Role, arn: str) -> bool:
        """Whether a role's trust policy may let somebody of the account in, by the names in it."""
        names = self._trusted[role.name]
        return arn in names or not self._everyone.isdisjoint(names)

    def trusts_service(self, role: Role, service: str) -> Truth:
        """Whether a service may assume a role, for this account."""
        if (role.name, service) not in self._services:
            names = [service, f"{service}.cn"] if self.state.partition == "aws-cn" else [service]
            self._services[role.name, service] = any_of(self._lets_in(role, n) for n in names)
        return self._services[role.name, service]

    def _lets_in(self, role: Role, service: str) -> Truth:
        request = Request(
            principal=Principal(service),
            action="sts:AssumeRole",
            resource=self.arn_of(role),
            context={**dict(self.moment), "aws:SourceAccount": self.state.account_id},
            complete=False,
        )
        return truth_of(evaluate_exactly(request, Policies(resource=self.trust(role))))

    @cached_property
    def _everyone(self) -> frozenset[str]:
        """How a trust policy names the whole account."""
        return frozenset({"*", self.state.account_id, self.arn("root", "", "")})

    @cached_property
    def _trusted(self) -> dict[str, set[str]]:
        """By role whom its trust policy names; ``*`` if it may be anybody."""
        return {
            name: {n for statement in self.trust(role) for n in _named_by(statement)}
            for name, role in self.state.roles.items()
        }

    def arn(self, kind: str, name: str, path: str = "/") -> str:
        """The ARN of something of IAM's in this account."""
        return f"arn:{self.state.partition}:iam::{self.state.account_id}:{kind}{path}{name}"

    def arn_of(self, entity: User | Group | Role) -> str:
        """The ARN of an entity, as it was read or as it must be."""
        kind = type(entity).__name__.lower()
        return entity.arn or self.arn(kind, entity.name, entity.path)

    @cached_property
    def administrators_policy(self) -> str:
        """The ARN of AWS's policy that allows everything."""
        return f"arn:{self.state.partition}:iam::aws:policy/AdministratorAccess"

    @cached_property
    def texts_about_iam(self) -> dict[str, JSON]:
        """The managed policies that may allow all of IAM, at a glance, by their ARNs."""
        found = {arn: text_of(managed.document) for arn, managed in self.state.policies.items()}
        return {arn: text for arn, text in sorted(found.items()) if text and _is_about_iam(text)}

    @cached_property
    def assuming(self) -> int:
        """The action ``sts:AssumeRole``, as a bit of the catalogue."""
        return self.catalogue.matching("sts:AssumeRole")

    @cached_property
    def moment(self) -> Context:
        """The time of the reading, as far as it is known: what has ended then is closed."""
        at = self.state.read_at
        if at is None:
            return ()
        return (("aws:CurrentTime", at.isoformat()), ("aws:EpochTime", str(int(at.timestamp()))))

    def older_versions(self, arn: str) -> list[tuple[str, JSON | None]]:
        """The versions of a policy but the default one; one without a text if they lack."""
        managed = self.state.policies.get(arn)
        if managed is None:
            return [("", None)]
        if len(managed.other_versions) < managed.versions - 1:
            return [("", None)]
        return [(one.id, text_of(one.document)) for one in managed.other_versions]

    def trust(self, role: Role) -> tuple[Statement, ...]:
        """The statements of a role's trust policy."""
        if role.name not in self._trust:
            text = text_of(role.trust_policy)
            lacking = f"the trust policy of role {role.name}, which was not read"
            name = f"trust policy of {role.name}"
            self._trust[role.name] = (
                unread(name, lacking) if text is None else read_statements(text, name)
            )
        return self._trust[role.name]


def tail_of(who: User | Role) -> str:
    """The last part of an ARN: ``user/team/ada``."""
    return f"{'user' if isinstance(who, User) else 'role'}{who.path}{who.name}"


def truth_of(decision: Decision) -> Truth:
    """An answer as a truth; of a set whether some of it is allowed."""
    if decision.effect in ("allowed", "allowed in part"):
        return True
    return frozenset(decision.depends_on) if decision.effect == "depends" else False


def _held(path: Path, statements: tuple[tuple[Statement, int], ...]) -> Held:
    mask = escalating_actions()
    return Held(
        path=path,
        statements=tuple(pair for pair in statements if pair[1] & mask),
        allowed=union(actions for s, actions in statements if s.allows),
        denied=union(actions for s, actions in statements if _denies_all(s)),
        denies=any(not s.allows for s, _ in statements),
    )


def _denies_all(statement: Statement) -> bool:
    if statement.allows or statement.unread or statement.tests:
        return False
    return statement.everywhere


def _is_about_iam(document: JSON) -> bool:
    return any(
        "NotAction" in statement
        or any(p == "*" or p[:4].lower() in ("iam:", "*:*") for p in texts_of(statement, "Action"))
        for statement in statements_of(document)
    )


def _named_by(statement: Statement) -> Iterator[str]:
    if statement.unread or statement.not_principal:
        yield "*"
    else:
        yield from (name for kind, name in statement.principals if kind == "AWS")
