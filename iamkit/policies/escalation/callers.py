"""What one principal of an account may call, three-valued, asked often and cheaply.

A question is answered from the statements about its action alone, and principals for whom these
are the same share the answer.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from iamkit.account.state import JSON, Role, User
from iamkit.policies.actions.catalogue import union
from iamkit.policies.escalation.account_policies import (
    EVERYTHING,
    AccountPolicies,
    AskedFor,
    Context,
    Held,
    tail_of,
    truth_of,
)
from iamkit.policies.escalation.questions import Question, tests_of
from iamkit.policies.evaluation.engine import evaluate
from iamkit.policies.evaluation.exact import Decision
from iamkit.policies.evaluation.layers import Policies
from iamkit.policies.evaluation.request import Principal, Request
from iamkit.policies.grammar.statements import Statement
from iamkit.policies.grammar.three_valued import Truth, all_of

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
_NO = Decision("implicit deny")
_YES = Decision("allowed")


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

    Attributes:
        policies: those that are still there.
        lacking: what was not read of its policies.
    """

    def __init__(
        self, account: AccountPolicies, who: User | Role, changes: Changes = UNCHANGED
    ) -> None:
        self.account, self.who, self.changes = account, who, changes
        self.kind = "user" if isinstance(who, User) else "role"
        self.arn, self.tail = account.arn_of(who), tail_of(who)
        holding, gone = account.holdings.of(who), changes.without
        self.policies = [
            account.held(grants)
            for grants in holding.policies
            if not gone or str(grants.path) not in gone
        ]
        self.lacking = [held.path.lacking for held in self.policies if held.path.lacking]
        self._added = [account.written(text, name) for name, text in changes.added]
        self._boundary: Held | None = None
        if changes.boundary is not None:
            self._boundary = account.written(changes.boundary, "its new permissions boundary")
        elif holding.boundary:
            self._boundary = account.held(holding.boundary)

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

    @property
    def is_unlimited(self) -> bool:
        """Whether nothing takes away from what it is allowed."""
        return self._boundary is None and not any(held.denies for held in self._identity)

    def policy_arn(self, held: Held) -> str:
        """The ARN of one of its attached policies."""
        state = self.account.state
        group = state.groups.get(held.path.group)
        attached = group.attached_policies if group else self.who.attached_policies
        names = {
            state.policies[a].name if a in state.policies else a.split("/")[-1]: a for a in attached
        }
        return names[held.path.policy]

    @cached_property
    def possible(self) -> int:
        """The actions that it may be allowed somewhere, by what was read."""
        allowed = union(h.allowed for h in self._identity if not h.path.lacking)
        denied = union(h.denied for h in self._identity)
        if self._boundary is not None:
            allowed, denied = allowed & self._boundary.allowed, denied | self._boundary.denied
        return allowed & ~denied

    def alike(self, actions: int) -> object:
        """What is equal for callers who can do some actions to the same others."""
        named = bool(actions & self.account.assuming) and self._is_told_apart
        own = self.kind == "role" or named or bool(actions & self._personal)
        return self.changes.mfa, self._number, self.arn if own else ""

    def asks(self, key: str) -> Iterator[AskedFor]:
        """Its tests of context keys that begin so: operator, key in lower case, values."""
        for statement, _ in self._statements:
            yield from tests_of(statement, key)

    def is_asked(self, action: str, key: str) -> bool:
        """Whether one of its statements about an action tests a context key."""
        return self._about(action).asks(key)

    def named(self, action: str, among: Mapping[str, Any]) -> Mapping[str, Any]:
        """Those of some things of IAM's on which it may be allowed, by their ARNs' last parts."""
        return self._about(action).named(among, self._user_name)

    def names_others(self, action: str) -> bool:
        """Whether it may be allowed an action on something else than itself."""
        return self._about(action).names_others(self.tail, self._user_name)

    def decide(
        self,
        action: str,
        resource: str,
        context: Context = (),
        own: tuple[Statement, ...] | None = None,
    ) -> Decision:
        """Whether it may do an action on a resource.

        Args:
            action: one action of a path.
            resource: an ARN; ``*`` for whichever there is in the account.
            context: what is known of the call.
            own: the statements of the trust policy of the role that is assumed.
        """
        asked = self._about(action)
        if action in _NOT_ASKED:
            return _NO if asked.denies else _YES
        if own is None:
            if not asked.possible:
                return _NO
            if asked.plain:
                return asked.plain
        arn = self.arn if asked.personal or (own is not None and self._is_told_apart) else ""
        known = tuple(pair for pair in context if pair[0].lower() in asked.keys)
        place = asked.matters(resource)
        key = action, place, known, id(own), asked.ids, self.changes.mfa, arn
        if key not in self.account.decided:
            request = Request(
                principal=self._principal,
                action=action,
                resource=resource,
                context={**self._known, **dict(known)},
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
        about: Context = (
            ("iam:PermissionsBoundary", None),
            ("iam:PolicyARN", self.account.administrators_policy),
        )
        return all_of(
            self.may(action, self.account.arn(kind, "whatever-there-will-be"), about)
            for action, kind in _PROBES.items()
        )

    @property
    def _identity(self) -> list[Held]:
        return self.policies + self._added

    @property
    def _user_name(self) -> str:
        return self.who.name if self.kind == "user" else ""

    @cached_property
    def _statements(self) -> list[tuple[Statement, int]]:
        """The statements of its identity policies; what unread ones may allow is told once."""
        return [
            (statement, actions)
            for held in self._identity
            for statement, actions in held.statements
            if not (statement.unread and statement.allows)
        ]

    @cached_property
    def _bounding(self) -> tuple[tuple[Statement, int], ...]:
        return self._boundary.statements if self._boundary else ()

    @cached_property
    def _number(self) -> int:
        """The same for all whose statements about actions of paths are the same."""
        found = (*self._statements, *self._bounding)
        key = self._boundary is not None, len(self._statements), *(id(s) for s, _ in found)
        return self.account.alike.setdefault(key, len(self.account.alike))

    @cached_property
    def _personal(self) -> int:
        """The actions of statements that may say something else to somebody else."""
        found = (*self._statements, *self._bounding)
        return union(actions for statement, actions in found if statement.is_personal)

    @cached_property
    def _is_told_apart(self) -> bool:
        """Whether a trust policy may treat it otherwise than the rest of the account."""
        return self.arn in self.account.trusted or self.account.has_personal_trust

    def _about(self, action: str) -> Question:
        key = self._number, action
        asked = self.account.asked.get(key)
        if asked is None:
            bit = self.account.catalogue.matching(action)
            boundary = None
            if self._boundary is not None:
                boundary = tuple(s for s, mask in self._bounding if mask & bit)
            identity = tuple(s for s, mask in self._statements if mask & bit)
            asked = self.account.asked[key] = Question(identity, boundary)
        return asked

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


def caller_of(account: AccountPolicies, who: User | Role) -> Caller:
    """A user or role as it was read."""
    key = type(who).__name__, who.name
    found: Caller = account.callers.get(key) or account.callers.setdefault(
        key, Caller(account, who)
    )
    return found


def administrators_policies(account: AccountPolicies) -> list[str]:
    """The ARNs of the managed policies that surely make an administrator, AWS's own first."""
    if not account.administrators_policies:
        nobody = Caller(account, Role(name="nobody", arn=account.arn("role", "nobody")))
        found = [account.administrators_policy]
        for arn, text in account.texts_about_iam.items():
            with_it = nobody.changed(added=((arn, text),))
            if arn not in found and with_it.is_administrator is True:
                found.append(arn)
        account.administrators_policies = found
    return account.administrators_policies
