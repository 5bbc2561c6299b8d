"""The policy simulator: what policies would say to calls that nobody makes.

https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_testing-policies.html
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from moto.core.responses import ActionResult

from iamkit.account.state import JSON
from iamkit.policies.evaluation.engine import Decision, Policies, evaluate_exactly
from iamkit.policies.evaluation.request import Principal, Request
from iamkit.policies.grammar.patterns import variables_of
from iamkit.policies.grammar.statements import Statement
from iamkit.sandbox.server.caller_policies import (
    boundary_of,
    own_policies,
    read_document,
    user_policies,
)
from iamkit.sandbox.server.errors import Refused, no_such_entity
from iamkit.sandbox.server.iam.base import IamAnswers
from iamkit.sandbox.server.policy_grammar import check_document

_NOBODY = "arn:aws:iam::{}:user/nobody"
_OF_CALLER = frozenset(
    {"aws:username", "aws:userid", "aws:PrincipalArn", "aws:PrincipalType", "aws:PrincipalAccount"}
)
_DECISIONS = {
    "allowed": "allowed",
    "explicit deny": "explicitDeny",
    "implicit deny": "implicitDeny",
    "depends": "implicitDeny",
}
_AWSS_OWN = "arn:aws:iam::aws:policy/"


@dataclass(frozen=True)
class _Simulation:
    """The policies of a simulation, its caller, and the context that it is given."""

    policies: Policies
    caller: str
    context: Mapping[str, Any]
    account_id: str

    def result(self, action: str, resource: str) -> dict[str, Any]:
        """One of ``EvaluationResults``."""
        decision = self._decide(self.policies, action, resource)
        found: dict[str, Any] = {
            "EvalActionName": action,
            "EvalResourceName": resource,
            "EvalDecision": _DECISIONS[decision.effect],
            "MatchedStatements": [_matched(statement) for statement in decision.statements],
            "MissingContextValues": sorted(self._missing(action)),
        }
        bound = self.policies.permissions_boundary
        if bound is not None:
            within = self._decide(Policies(identity={"": bound}), action, resource).allowed
            found["PermissionsBoundaryDecisionDetail"] = {"AllowedByPermissionsBoundary": within}
        return found

    def _decide(self, policies: Policies, action: str, resource: str) -> Decision:
        return evaluate_exactly(
            Request(
                principal=Principal(self.caller or _NOBODY.format(self.account_id)),
                action=action,
                resource=resource,
                context=self.context,
                complete=True,
                unknown=frozenset() if self.caller else _OF_CALLER - self.context.keys(),
            ),
            policies,
        )

    def _missing(self, action: str) -> set[str]:
        """The keys that the statements about an action want, and nobody gave."""
        given = {key.lower() for key in self.context}
        known = {key.lower() for key in _OF_CALLER} if self.caller else set()
        keys = {
            key
            for statement in self.policies.statements
            if statement.names_action(action)
            for key in _wanted(statement)
        }
        return {key for key in keys if key.lower() not in given | known}


class SimulationAnswers(IamAnswers):
    """The answers of the simulator."""

    def simulate_custom_policy(self) -> ActionResult:
        """https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulateCustomPolicy.html."""
        return self._simulate({}, None, self._get_param("CallerArn", ""))

    def simulate_principal_policy(self) -> ActionResult:
        """https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html."""
        arn = self._get_param("PolicySourceArn")
        own, bound = self._policies_of(arn)
        caller = arn if ":user/" in arn else ""
        return self._simulate(own, bound, self._get_param("CallerArn", caller))

    def _policies_of(self, arn: str) -> tuple[dict[str, JSON], JSON | None]:
        iam = self.account.iam
        for user in iam.users.values():
            if user.arn == arn:
                return user_policies(self.account, user), boundary_of(self.account, user)
        for group in iam.groups.values():
            if group.arn == arn:
                return own_policies("group", group), None
        if role := self.account.role_by_arn(arn):
            return own_policies("role", role), boundary_of(self.account, role)
        raise no_such_entity(f"The entity with ARN {arn} cannot be found.")

    def _simulate(self, own: dict[str, JSON], bound: JSON | None, caller: str) -> ActionResult:
        if self._get_param("PolicyExclusionList") or self._get_param(
            "OrderedOrganizationPolicyInputList"
        ):
            raise NotImplementedError
        bounds = self._documents("PermissionsBoundaryPolicyInputList")
        text = self._get_param("ResourcePolicy")
        if text and not caller:
            raise _invalid_input("A resource policy wants a CallerArn.")
        if caller and not re.fullmatch(rf"arn:aws:iam::{self.account.id}:user/.+", caller):
            raise _invalid_input(f"{caller} is no user of this account.")
        policies = Policies(
            identity={**own, **self._documents("PolicyInputList")},
            permissions_boundary=next(iter(bounds.values()), bound),
            resource=_checked(text, "trust") if text else None,
        )
        simulation = _Simulation(policies, caller, self._context(), self.account.id)
        resources = self._get_param("ResourceArns") or ["*"]
        results = [simulation.result(a, r) for a in self._actions() for r in resources]
        return ActionResult({"EvaluationResults": results})

    def _documents(self, name: str) -> dict[str, JSON]:
        texts = self._get_param(name, [])
        return {f"{name}.{n}": _checked(text, "simulated") for n, text in enumerate(texts, 1)}

    def _actions(self) -> list[str]:
        actions: list[str] = self._get_param("ActionNames")
        for action in actions:
            if not re.fullmatch(r"[\w-]+:\w+", action):
                raise _invalid_input(f"Invalid Action: {action}")
        return actions

    def _context(self) -> dict[str, Any]:
        entries = self._get_param("ContextEntries", [])
        return {e.get("ContextKeyName", ""): e.get("ContextKeyValues", []) for e in entries}


def _checked(text: str, kind: Any) -> JSON:
    try:
        check_document(text, kind)
        return read_document(text)
    except (Refused, ValueError) as error:
        raise _invalid_input(str(error)) from None


def _invalid_input(text: str) -> Refused:
    return Refused("InvalidInput", 400, text)


def _wanted(statement: Statement) -> Iterator[str]:
    """The context keys of a statement's conditions and variables."""
    for test in statement.tests:
        yield test.key
        for value in test.values:
            yield from variables_of(value) if test.variables else ()
    for pattern in statement.resources if statement.variables else ():
        yield from variables_of(pattern)


def _matched(statement: Statement) -> dict[str, Any]:
    return {"SourcePolicyId": statement.policy, "SourcePolicyType": _type_of(statement.policy)}


def _type_of(policy: str) -> str:
    """The kind of a policy, from the name that it bears here."""
    if policy.startswith("arn:"):
        return "aws-managed" if policy.startswith(_AWSS_OWN) else "user-managed"
    if policy == "resource policy":
        return "resource"
    kind = policy.partition("_")[0]
    return kind if kind in ("user", "group", "role") else "none"
