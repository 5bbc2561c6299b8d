"""What one principal of an account may call, three-valued, asked often and cheaply.

Policies are read once. A question is answered from the statements about its action alone, and
principals for whom these are the same share the answer.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from iamkit.account.state import JSON, AccountState, Group, Role, User
from iamkit.policies.actions.catalogue import load_catalogue
from iamkit.policies.escalation.catalogue import escalating_actions
from iamkit.policies.evaluation.engine import evaluate
from iamkit.policies.evaluation.exact import Decision, evaluate_exactly
from iamkit.policies.evaluation.layers import Policies
from iamkit.policies.evaluation.paths import Path, boundary_path, paths_to, text_of
from iamkit.policies.evaluation.request import Principal, Request
from iamkit.policies.grammar.build import allow, policy
from iamkit.policies.grammar.statements import (
    Statement,
    read_statements,
    statements_of,
    texts_of,
    unread,
)
from iamkit.policies.grammar.three_valued import Truth, all_of, any_of

Versions = Mapping[str, Mapping[str, JSON]]
"""The documents of managed policies: by ARN, by version."""
Context = tuple[tuple[str, Any], ...]
"""Context keys with their values; None for one that is known to be absent."""
Masked = tuple[tuple[int, Statement], ...]
"""Statements, each with the actions that it is about."""

AskedFor = tuple[str, str, tuple[str, ...]]
"""A test of a condition: its operator, the key in lower case, the values."""

EVERYTHING: JSON = policy(allow("*"))
ANYBODY = read_statements(
    {"Statement": {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}},
    "its new trust policy",
)
"""The trust policy that somebody writes who lets itself in."""
UNLIMITED: Context = (("iam:PermissionsBoundary", None),)
_NOT_ASKED = frozenset({"sts:GetSessionToken"})
"""https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html#API_GetSessionToken"""
_PROBES: Mapping[str, str] = {
    "iam:CreateUser": "user",
    "iam:AttachUserPolicy": "user",
    "iam:PutUserPolicy": "user",
    "iam:CreateAccessKey": "user",
    "iam:CreateLoginProfile": "user",
    "iam:AddUserToGroup": "group",
    "iam:AttachGroupPolicy": "group",
    "iam:AttachRolePolicy": "role",
    "iam:PutRolePolicy": "role",
    "iam:UpdateAssumeRolePolicy": "role",
    "iam:CreatePolicyVersion": "policy",
}
"""What an administrator may do, with what it is about: whatever there is of that kind."""


class AccountPolicies:
    """All policies of an account, and what was answered by them.

    Args:
        state: the account.
        versions: the documents of all versions of managed policies; None if they were not read.
    """

    def __init__(
        self,
        state: AccountState,
        versions: Versions | None = None,
    ) -> None:
        self.state = state
        self.versions = versions or _versions_of(state)
        self.catalogue = load_catalogue()
        self.decided: dict[object, Decision] = {}
        self._read: dict[tuple[int, str], Masked] = {}
        self._kept: list[JSON] = []
        self._trust: dict[str, tuple[Statement, ...]] = {}
        self._services: dict[tuple[str, str], Truth] = {}
        self._callers: dict[tuple[str, str], Caller] = {}
        self._asked_by_trust: dict[str, tuple[AskedFor, ...]] = {}

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

    def caller(self, who: User | Role) -> "Caller":
        """A user or role as it was read."""
        key = type(who).__name__, who.name
        if key not in self._callers:
            self._callers[key] = Caller(self, who)
        return self._callers[key]

    def asked_by_trust(self, key: str) -> "tuple[AskedFor, ...]":
        """The tests in trust policies of context keys that begin so."""
        if key not in self._asked_by_trust:
            self._asked_by_trust[key] = tuple(
                test
                for role in self.state.roles.values()
                for statement in self.trust(role)
                for test in tests_of(statement, key)
            )
        return self._asked_by_trust[key]

    def may_trust(self, role: Role, caller: "Caller") -> bool:
        """Whether a role's trust policy may let a caller in, by the names in it."""
        names = self._trusted[role.name]
        account = {"*", self.state.account_id, self.arn("root", "", "")}
        return caller.arn in names or bool(names & account)

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
    def administrators_policies(self) -> list[str]:
        """The ARNs of the managed policies that surely make an administrator, that one first."""
        nobody = Caller(self, Role(name="nobody", arn=self.arn("role", "nobody")))
        found = [self.administrators_policy]
        for arn, managed in sorted(self.state.policies.items()):
            document = text_of(managed.document)
            if document is not None and arn not in found and _is_about_iam(document):
                with_it = nobody.changed(added=((managed.name, document),))
                if with_it.is_administrator is True:
                    found.append(arn)
        return found

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

    def read(self, document: JSON | None, name: str, lacking: str) -> Masked:
        """The statements of a policy; of one that was not read that it may deny or allow."""
        if document is None:
            everything = self.catalogue.everything
            return tuple((everything, statement) for statement in unread(name, lacking))
        key = id(document), name
        if key not in self._read:
            self._kept.append(document)  # so that no other document gets its id
            self._read[key] = tuple(
                (self.catalogue.about(statement), statement)
                for statement in read_statements(document, name)
            )
        return self._read[key]

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


@dataclass(frozen=True, kw_only=True)
class Changes:
    """What a path changes of a principal's policies.

    Attributes:
        added: policies by name.
        without: the policies that are gone, as ``str(Path)``.
        boundary: what stands in the place of its permissions boundary; None if nothing changes.
        mfa: whether it has signed in with MFA.
    """

    added: tuple[tuple[str, JSON], ...] = ()
    without: frozenset[str] = frozenset()
    boundary: JSON | None = None
    mfa: bool = False


UNCHANGED = Changes()


class Caller:
    """A user or role, as it is or as a path has changed it.

    Args:
        account: its account's policies.
        who: the principal.
        changes: what differs from what was read.
    """

    def __init__(
        self, account: AccountPolicies, who: User | Role, changes: Changes = UNCHANGED
    ) -> None:
        self.account, self.who, self.changes = account, who, changes
        self.kind = "user" if isinstance(who, User) else "role"
        self.arn, self.tail = account.arn_of(who), tail_of(who)
        self.lacking: list[str] = []
        self._identity = tuple(self._read_identity())
        self._boundary = self._read_boundary()
        self._asked: dict[str, _Asked] = {}

    def __str__(self) -> str:
        return f"{self.kind} {self.who.name}"

    def changed(self, **changes: Any) -> "Caller":
        """The same principal with more changes; ``who`` may stand in its place."""
        who = changes.pop("who", self.who)
        return Caller(self.account, who, replace(self.changes, **changes))

    def with_everything(self, *, without: Iterable[str] = ()) -> "Caller":
        """The same with a policy that allows everything."""
        return self.changed(
            added=(*self.changes.added, ("everything", EVERYTHING)),
            without=self.changes.without | frozenset(without),
        )

    @cached_property
    def is_unlimited(self) -> bool:
        """Whether nothing takes away from what it is allowed."""
        return self._boundary is None and all(s.allows for _, s in self._identity)

    def paths(self) -> Iterator[Path]:
        """Its policies that are still there."""
        gone = self.changes.without
        return (p for p in paths_to(self.who, self.account.state) if str(p) not in gone)

    def policy_arn(self, path: Path) -> str:
        """The ARN of one of its attached policies."""
        state = self.account.state
        group = state.groups.get(path.group)
        attached = group.attached_policies if group else self.who.attached_policies
        names = {
            state.policies[a].name if a in state.policies else a.split("/")[-1]: a for a in attached
        }
        return names[path.policy]

    @cached_property
    def possible(self) -> int:
        """The actions that it may be allowed somewhere, by what was read."""
        limit = self.account.catalogue.everything
        return _possible(self._identity) & (limit if self._boundary is None else self._limit)

    def alike(self, actions: int) -> object:
        """What is equal for callers who can do some actions to the same others."""
        ids, personal = self._statements_of_paths
        named = bool(actions & self.account.assuming) and self._is_told_apart
        own = self.kind == "role" or named or bool(actions & personal)
        return self.changes.mfa, ids, self.arn if own else ""

    @cached_property
    def _is_told_apart(self) -> bool:
        """Whether a trust policy may treat it otherwise than the rest of the account."""
        return self.arn in self.account.trusted or self.account.has_personal_trust

    @cached_property
    def _statements_of_paths(self) -> tuple[tuple[int, ...], int]:
        """The ids of the statements about actions of paths, and the actions of personal ones."""
        mask, personal = escalating_actions(), 0
        found = [(m, s) for m, s in (*self._identity, *(self._boundary or ())) if m & mask]
        for actions, statement in found:
            personal |= actions if statement.is_personal else 0
        return (int(self._boundary is not None), *(id(s) for _, s in found)), personal

    def asks(self, key: str) -> Iterator[AskedFor]:
        """Its tests of context keys that begin so: operator, key in lower case, values."""
        for _, statement in self._identity:
            yield from tests_of(statement, key)

    def is_asked(self, action: str, key: str) -> bool:
        """Whether one of its statements about an action tests a context key."""
        asked = self._about(action)
        statements = (*asked.identity, *(asked.boundary or ()))
        return any(True for s in statements for _ in tests_of(s, key))

    def denies(self, path: Path) -> bool:
        """Whether one of its policies has a deny."""
        if path.document is None:
            return False
        return any(not s.allows for _, s in self.account.read(path.document, str(path), ""))

    def named(self, action: str, among: Mapping[str, Any]) -> Mapping[str, Any]:
        """Those of some things of IAM's on which it may be allowed, by their ARNs' last parts."""
        names = self._about(action).named
        if names is None:
            return among
        exact, beginnings = names
        if beginnings:
            return {t: v for t, v in among.items() if t in exact or t.startswith(beginnings)}
        return {tail: among[tail] for tail in sorted(exact) if tail in among}

    def decide(
        self,
        action: str,
        resource: str,
        context: Context = (),
        own: tuple[Statement, ...] | None = None,
    ) -> Decision:
        """Whether it may do an action on a resource.

        Args:
            action: one action.
            resource: an ARN; ``*`` for whichever there is in the account.
            context: what is known of the call.
            own: the statements of the trust policy of the role that is assumed.
        """
        asked = self._about(action)
        if action in _NOT_ASKED:
            return _NO if asked.denies else _YES
        if not asked.possible and own is None:
            return _NO
        if asked.plain and own is None:
            return asked.plain
        arn = self.arn if asked.personal or (own is not None and self._is_told_apart) else ""
        key = action, resource, context, id(own), asked.ids, self.changes.mfa, arn
        if key not in self.account.decided:
            request = Request(
                principal=self._principal,
                action=action,
                resource=resource,
                context={**self._known, **dict(context)},
                complete=False,
            )
            policies = Policies(
                identity={"identity": asked.identity},
                permissions_boundary=asked.boundary,
                resource=own,
            )
            self.account.decided[key] = evaluate(request, policies)
        return self.account.decided[key]

    def may(self, action: str, resource: str, context: Context = ()) -> Truth:
        """The same as a truth; of a set of resources whether it may on any."""
        return truth_of(self.decide(action, resource, context))

    @cached_property
    def is_administrator(self) -> Truth:
        """Whether it may call all of IAM, and manage whatever there is or will be."""
        iam = self.account.catalogue.of_service("iam")
        if self.possible & iam != iam:
            return False
        attached = ("iam:PolicyARN", self.account.administrators_policy)
        return all_of(
            self.may(
                action, self.account.arn(kind, "whatever-there-will-be"), (*UNLIMITED, attached)
            )
            for action, kind in _PROBES.items()
        )

    def _about(self, action: str) -> "_Asked":
        if action not in self._asked:
            bit = self.account.catalogue.matching(action)
            identity = tuple(s for mask, s in self._identity if mask & bit)
            boundary = None
            if self._boundary is not None:
                boundary = tuple(s for mask, s in self._boundary if mask & bit)
            name = self.who.name if self.kind == "user" else ""
            self._asked[action] = _Asked(bool(self.possible & bit), identity, boundary, name)
        return self._asked[action]

    def _read_identity(self) -> Iterator[tuple[int, Statement]]:
        for path in self.paths():
            found = self.account.read(path.document, str(path), path.lacking)
            if path.document is None:  # what it may allow is told once, not path by path
                self.lacking.append(path.lacking)
                yield from ((mask, s) for mask, s in found if not s.allows)
            else:
                yield from found
        for name, document in self.changes.added:
            yield from self.account.read(document, name, "")

    def _read_boundary(self) -> Masked | None:
        if self.changes.boundary is not None:
            return self.account.read(self.changes.boundary, "its new permissions boundary", "")
        path = boundary_path(self.who, self.account.state)
        if path is None:
            return None
        lacking = f"the text of the permissions boundary of {self}, which was not read"
        return self.account.read(path.document, str(path), lacking)

    @cached_property
    def _limit(self) -> int:
        return _possible(self._boundary or ())

    @cached_property
    def _principal(self) -> Principal:
        return Principal(self.arn, tags=self.who.tags if isinstance(self.who, User) else None)

    @cached_property
    def _known(self) -> dict[str, Any]:
        known = dict(self.account.moment)
        if isinstance(self.who, User) and self.who.id:
            known["aws:userid"] = self.who.id
        if self.changes.mfa:
            known |= {"aws:MultiFactorAuthPresent": "true", "aws:MultiFactorAuthAge": "0"}
        return known


class _Asked:
    """The statements about one action."""

    def __init__(
        self,
        possible: bool,
        identity: tuple[Statement, ...],
        boundary: tuple[Statement, ...] | None,
        name: str,
    ) -> None:
        self.possible, self.identity, self.boundary = possible, identity, boundary
        statements = (*identity, *(boundary or ()))
        self.ids = (boundary is not None, *map(id, statements))
        self.personal = any(s.is_personal for s in statements)
        self.denies = any(not s.allows for s in statements)
        self._name = name

    @cached_property
    def plain(self) -> Decision | None:
        """The answer for every resource, where each statement allows everything, always."""
        layers = [self.identity] + ([self.boundary] if self.boundary is not None else [])
        if all(layer and all(map(_allows_all, layer)) for layer in layers):
            return Decision("allowed", self.identity)
        return None

    @cached_property
    def named(self) -> tuple[frozenset[str], tuple[str, ...]] | None:
        """The last parts of the ARNs that its allows name: whole ones, and beginnings.

        None if they may name any.
        """
        exact, beginnings = set[str](), set[str]()
        for statement in self.identity:
            if not statement.allows:
                continue
            if statement.unread or statement.not_resource:
                return None
            for pattern in statement.resources:
                tail = pattern.split(":", 5)[-1].replace("${aws:username}", self._name)
                begins = tail.endswith("*")
                if pattern.count(":") < 5 or set(tail[:-1] if begins else tail) & set("*?$"):
                    return None
                if begins:
                    beginnings.add(tail[:-1])
                else:
                    exact.add(tail)
        return frozenset(exact), tuple(sorted(beginnings))


def tail_of(who: User | Role) -> str:
    """The last part of an ARN: ``user/team/ada``."""
    return f"{'user' if isinstance(who, User) else 'role'}{who.path}{who.name}"


def truth_of(decision: Decision) -> Truth:
    """An answer as a truth; of a set whether some of it is allowed."""
    if decision.effect in ("allowed", "allowed in part"):
        return True
    return frozenset(decision.depends_on) if decision.effect == "depends" else False


def tests_of(statement: Statement, key: str) -> Iterator[AskedFor]:
    """A statement's tests of context keys that begin so: operator, key in lower case, values."""
    for test in statement.tests:
        if test.key.lower().startswith(key) and test.operator:
            yield test.operator.name, test.key.lower(), test.values


_NO = Decision("implicit deny")
_YES = Decision("allowed")


def _is_about_iam(document: JSON) -> bool:
    """Whether a policy may allow all of IAM, at a glance."""
    return any(
        "NotAction" in statement
        or any(p == "*" or p[:4].lower() in ("iam:", "*:*") for p in texts_of(statement, "Action"))
        for statement in statements_of(document)
    )


def _versions_of(state: AccountState) -> Versions:
    """The versions of the account's policies, as far as all of a policy's were read."""
    return {
        arn: {v.id: v.document for v in policy.other_versions}
        for arn, policy in state.policies.items()
        if policy.other_versions and len(policy.other_versions) == policy.versions - 1
    }


def _named_by(statement: Statement) -> Iterator[str]:
    if statement.unread or statement.not_principal:
        yield "*"
    else:
        yield from (name for kind, name in statement.principals if kind == "AWS")


def _possible(statements: Iterable[tuple[int, Statement]]) -> int:
    """What statements allow somehow, less what they deny on everything, always."""
    allowed = denied = 0
    for mask, statement in statements:
        if statement.allows:
            allowed |= mask
        elif _denies_all(statement):
            denied |= mask
    return allowed & ~denied


def _allows_all(statement: Statement) -> bool:
    return (
        statement.allows
        and not statement.tests
        and "*" in statement.resources
        and (not statement.not_resource)
    )


def _denies_all(statement: Statement) -> bool:
    if statement.unread or statement.tests or statement.not_resource:
        return False
    return "*" in statement.resources
