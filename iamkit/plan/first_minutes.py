"""The first ten minutes of a user, walked by the evaluator before anybody signs in.

Sign in, change the password if it must be changed, enrol an MFA device, sign in again with it, and
begin to work; and a program's first call with a plain key. Each step is judged by the account's own
policies and by its password policy; an organization's policies are not seen. Whether somebody may
sign in at all hangs on the password alone.
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_passwords_enable-user-change.html
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

from iamkit.account.state import AccountState, User
from iamkit.plan.change import Change
from iamkit.policies.actions.catalogue import Catalogue, load_catalogue, union
from iamkit.policies.evaluation.engine import evaluate
from iamkit.policies.evaluation.exact import Decision
from iamkit.policies.evaluation.holdings import Holding, Holdings
from iamkit.policies.evaluation.layers import Policies
from iamkit.policies.evaluation.personal import settle
from iamkit.policies.evaluation.reach import Grants
from iamkit.policies.evaluation.request import Principal, Request
from iamkit.policies.grammar.statements import Statement, read_statements, unread
from iamkit.policies.self_management import OF_DEVICES, OF_KEYS, OF_MFA
from iamkit.text import few, listed

StepName = Literal[
    "sign in", "change the password", "enrol MFA", "sign in with MFA", "work", "work with a key"
]
Outcome = Literal["done", "not needed", "stops", "cannot be told"]
Shown = Literal["with MFA", "without MFA", "not told", "plain key"]
"""How a request shows MFA; a plain access key cannot show any."""

RULES, DEVICES = "GetAccountPasswordPolicy", "ListMFADevices"
"""What a first sign-in hangs on beside the policies: the operations that tell it."""
RULES_IN_WORDS = "the account's password policy"
_SESSION: Mapping[str, Any] = {
    "aws:ViaAWSService": "false",
    "aws:CalledVia": None,
    "aws:FederatedProvider": None,
    "aws:SecureTransport": "true",
}
_CONTEXT: Mapping[Shown, Mapping[str, Any]] = {
    "with MFA": {**_SESSION, "aws:MultiFactorAuthPresent": "true"},
    "without MFA": {
        **_SESSION,
        "aws:MultiFactorAuthPresent": "false",
        "aws:MultiFactorAuthAge": None,
    },
    "not told": _SESSION,
    "plain key": {
        **_SESSION,
        "aws:MultiFactorAuthPresent": None,
        "aws:MultiFactorAuthAge": None,
        "aws:TokenIssueTime": None,
    },
}
"""What is known of a request; every other key is unknown, and what hangs on it cannot be told.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-multifactorauthpresent
"""
OWN = (
    *OF_DEVICES,
    *OF_KEYS,
    *OF_MFA,
    "iam:*ServiceSpecificCredential*",
    "iam:*SigningCertificate*",
    "iam:*SSHPublicKey*",
    "iam:ChangePassword",
    "iam:DeactivateMFADevice",
    "iam:GetAccountPasswordPolicy",
    "iam:GetAccountSummary",
    "iam:GetLoginProfile",
    "iam:GetUser",
    "iam:ListVirtualMFADevices",
    "sts:GetCallerIdentity",
    "sts:GetSessionToken",
)
"""What concerns one's own credentials, and so is not yet work."""


@dataclass(frozen=True)
class Step:
    """One step and how it ends.

    Attributes:
        name: what is done.
        outcome: ``done``; ``not needed``; ``stops``; or ``cannot be told``.
        reason: why it stops, cannot be told, or is left out; of work the first action that is
            allowed.
    """

    name: StepName
    outcome: Outcome
    reason: str = ""


@dataclass(frozen=True)
class FirstMinutes:
    """How far somebody gets.

    Attributes:
        user: the name.
        steps: in their order, up to the first that stops.
        is_program: whether there is a key and no password, so that nobody can show MFA.
    """

    user: str
    steps: tuple[Step, ...]
    is_program: bool = False

    @property
    def stop(self) -> Step | None:
        """The step that surely stops; that of a key counts where there is no other way in."""
        return next((step for step in self._counting if step.outcome == "stops"), None)

    @property
    def unknown(self) -> tuple[Step, ...]:
        """The steps of which it cannot be told, unless another surely stops."""
        if self.stop:
            return ()
        return tuple(step for step in self._counting if step.outcome == "cannot be told")

    @property
    def _counting(self) -> tuple[Step, ...]:
        keys = "work with a key"
        return tuple(step for step in self.steps if self.is_program or step.name != keys)

    def outcome_of(self, name: StepName) -> Outcome | None:
        """How one of the steps ends; None if it was not reached, or is none of theirs."""
        return next((step.outcome for step in self.steps if step.name == name), None)


def gets_password(changes: Iterable[Change]) -> tuple[str, ...]:
    """To whom a plan gives a console password, by their names in order."""
    giving = ("create_login_profile", "update_login_profile")
    return tuple(sorted({change.name for change in changes if change.operation in giving}))


def rehearse_first_minutes(
    account: AccountState, users: Iterable[str], catalogue: Catalogue | None = None
) -> tuple[FirstMinutes, ...]:
    """How far each of these users gets in the first ten minutes.

    Args:
        account: with everyone's policies; as it would be after a plan, ``account_after`` gives it.
            What was not read of passwords, devices, keys and the password policy is unknown.
        users: names; who is not in the account is left out.
        catalogue: of AWS's actions; by default the installed one.
    """
    rehearsal = Rehearsal(account, catalogue or load_catalogue())
    return tuple(rehearsal.of(account.users[name]) for name in users if name in account.users)


def say_first_minutes(rehearsed: Iterable[FirstMinutes]) -> list[str]:
    """How far everyone gets, in sentences: one for all who fare alike, who stops first."""
    stopped, unknown, well = dict[str, list[str]](), dict[str, list[str]](), dict[str, list[str]]()
    for one in rehearsed:
        if one.stop:
            stopped.setdefault(_say_stop(one.stop), []).append(one.user)
        elif one.unknown:
            why = "; ".join(dict.fromkeys(step.reason for step in one.unknown))
            said = f"will get in the first minutes cannot be told: {why}"
            unknown.setdefault(said, []).append(one.user)
        else:
            well.setdefault(_say_way(one), []).append(one.user)
    return [
        *(f"{_people(names)} {said}." for said, names in stopped.items()),
        *(f"How far {_people(names)} {said}." for said, names in unknown.items()),
        *(f"{_people(names)} {said}." for said, names in well.items()),
    ]


_STOPS: Mapping[StepName, str] = {
    "sign in": "will not be able to sign in",
    "change the password": "will be stopped at the first sign-in, which wants a new password",
    "enrol MFA": "will be stopped at enrolling MFA, without which no work is allowed",
    "work": "will be able to sign in, and not to work",
    "work with a key": "will not be able to work with an access key, and has no other way in",
}


def _say_stop(step: Step) -> str:
    own = step.name in ("change the password", "enrol MFA") and "denied" not in step.reason
    mend = "; a group of 08_sign_in_rules lets its members" if own else ""
    return f"{_STOPS[step.name]}: {step.reason}{mend}"


def _say_way(one: FirstMinutes) -> str:
    if one.is_program:
        return "will be able to work with the access key"
    way = ["sign in"]
    way += ["choose a password"] if one.outcome_of("change the password") == "done" else []
    way += ["enrol MFA"] if one.outcome_of("enrol MFA") == "done" else []
    alone = one.outcome_of("sign in with MFA") is None
    barred = "; nothing lets them enrol MFA themselves" if alone else ""
    keyless = one.outcome_of("work with a key") == "stops"
    key = "; the access key opens nothing without an MFA code" if keyless else ""
    return f"will be able to {listed([*way, 'begin to work'])}{barred}{key}"


def _people(names: Iterable[str]) -> str:
    return listed(sorted(names))


def has_mfa(account: AccountState, user: User) -> bool | None:
    """Whether somebody has an MFA device; None if it was not read."""
    if account.mfa_devices.get(user.name):
        return True
    if user.name in account.mfa_devices or account.was_read(DEVICES, user.name):
        return False
    row = account.reported(user)
    return row.mfa_active if row else None


def has_key(account: AccountState, user: User) -> bool | None:
    """Whether somebody has an access key that works; None if it was not read."""
    if any(key.status == "Active" for key in account.access_keys.get(user.name, ())):
        return True
    if user.name in account.access_keys or account.was_read("ListAccessKeys", user.name):
        return False
    row = account.reported(user)
    if row is None:
        return None
    active = [key.active for key in row.keys if key]
    return True if True in active else None if None in active else False


def has_password(account: AccountState, user: User) -> bool | None:
    """Whether somebody has a console password; None if it was not read."""
    if user.name in account.login_profiles:
        return account.login_profiles[user.name] is not None
    if account.was_read("GetLoginProfile", user.name):
        return False
    row = account.reported(user)
    return row.password_enabled if row else None


class Rehearsal:
    """The first minutes of the users of one account; its policies are read once."""

    def __init__(self, account: AccountState, catalogue: Catalogue) -> None:
        self.account = account
        self._catalogue = catalogue
        self._holdings = Holdings(account, catalogue)
        self._policies: dict[Holding, Policies] = {}
        self._settled: dict[Any, Holding] = {}
        self._worked: dict[Any, Step] = {}

    def of(self, user: User) -> FirstMinutes:
        """How far one of them gets."""
        password, key = has_password(self.account, user), has_key(self.account, user)
        steps = () if password is False and key is not False else tuple(self._at_console(user))
        if key is None:
            lacking = "whether there is an access key was not read"
            steps += (Step("work with a key", "cannot be told", lacking),)
        elif key:
            steps += (self.work(user, "plain key"),)
        return FirstMinutes(user.name, steps, is_program=password is False and key is not False)

    def _at_console(self, user: User) -> Iterator[Step]:
        """The steps of who signs in, up to the first that stops."""
        devices = has_mfa(self.account, user)
        shown: Shown = "not told" if devices is None else "with MFA" if devices else "without MFA"
        yield (entry := self._sign_in(has_password(self.account, user)))
        if entry.outcome != "done":
            return
        yield (change := self._change_password(user, shown))
        if change.outcome == "stops":
            return
        enrolled = self._enrol(user, devices)
        if enrolled.outcome == "stops":
            yield from self._without_mfa(user, enrolled)
        elif enrolled.outcome == "cannot be told":
            yield enrolled
            yield self.work(user, "not told")
        else:
            yield enrolled
            yield Step("sign in with MFA", "done")
            yield self.work(user, "with MFA")

    def _without_mfa(self, user: User, enrolled: Step) -> Iterator[Step]:
        """The steps of who cannot enrol, which stops nobody whose work asks for no MFA."""
        work = self.work(user, "without MFA")
        if work.outcome == "stops" and self.work(user, "with MFA").outcome != "stops":
            yield enrolled
            return
        if work.outcome == "cannot be told":
            yield replace(enrolled, outcome="cannot be told")
        else:
            yield replace(enrolled, outcome="not needed")
        yield work

    def _sign_in(self, password: bool | None) -> Step:
        if password is None:
            return Step("sign in", "cannot be told", "whether there is a password was not read")
        if password:
            return Step("sign in", "done")
        return Step("sign in", "stops", "there is no console password")

    def _change_password(self, user: User, shown: Shown) -> Step:
        name: StepName = "change the password"
        profile = self.account.login_profiles.get(user.name)
        if profile and not profile.reset_required:
            return Step(name, "not needed")
        decision = self._ask(user, "iam:ChangePassword", self._arn(user), shown, self._rule(user))
        step = _step(name, decision, "iam:ChangePassword")
        if step.outcome == "stops" and decision.effect == "implicit deny":
            step = self._unless_by_rule(step, user)
        if profile is None and step.outcome != "done":
            return Step(name, "cannot be told", "whether it must be changed was not read")
        return step

    def _rule(self, user: User) -> tuple[Statement, ...]:
        """What the account's password policy allows its users, as statements.

        https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_passwords_enable-user-change.html
        """
        if not self._knows_rules:
            lacking = f"{RULES_IN_WORDS}, which was not read"
            return tuple(s for s in unread(RULES_IN_WORDS, lacking) if s.allows)
        rules = self.account.password_policy
        if not (rules and rules.users_may_change):
            return ()
        allows = {"Effect": "Allow", "Action": "iam:ChangePassword", "Resource": self._arn(user)}
        return read_statements({"Statement": allows}, RULES_IN_WORDS)

    @property
    def _knows_rules(self) -> bool:
        return self.account.password_policy is not None or self.account.was_read(RULES)

    def _unless_by_rule(self, step: Step, user: User) -> Step:
        """A change that nothing allows, unless the password policy does where a boundary does not.

        Whether a boundary limits what the password policy gives is not documented.
        """
        if self._rule(user) and user.permissions_boundary:
            reason = f"whether a permissions boundary limits what {RULES_IN_WORDS} gives"
            return replace(step, outcome="cannot be told", reason=reason)
        return replace(step, reason=f"{step.reason}, nor does {RULES_IN_WORDS}")

    def _enrol(self, user: User, devices: bool | None) -> Step:
        name: StepName = "enrol MFA"
        if devices:
            return Step(name, "not needed", "there is a device")
        own, steps = self._arn(user), []
        for action, resource in (
            ("iam:CreateVirtualMFADevice", self._arn(user, "mfa")),
            ("iam:EnableMFADevice", own),
            ("iam:ListMFADevices", own),
        ):
            decision = self._ask(user, action, resource, "without MFA")
            if action == "iam:CreateVirtualMFADevice" and decision.effect == "implicit deny":
                anything = f"{resource.rpartition(':')[0]}:mfa/*"
                decision = self._ask(user, action, anything, "without MFA")
            steps.append(_step(name, decision, action))
        found = next((step for step in steps if step.outcome == "stops"), None)
        found = found or next((step for step in steps if step.outcome != "done"), steps[0])
        if devices is None and found.outcome != "done":
            return Step(name, "cannot be told", "whether there is a device was not read")
        return found

    def work(self, user: User, shown: Shown) -> Step:
        """Whether anything beside one's own credentials is allowed.

        Args:
            user: of the account.
            shown: how MFA is shown.
        """
        holding, known = self._as_shown(user, shown)
        if known not in self._worked:
            name: StepName = "work with a key" if shown == "plain key" else "work"
            self._worked[known] = self._work(name, holding)
        return self._worked[known]

    def reach(self, user: User, shown: Shown) -> tuple[int, int]:
        """The actions beside one's own that are surely allowed, and those that perhaps are.

        As bits of the catalogue; nothing is in both.
        """
        found = self._as_shown(user, shown)[0].reach
        own = self._own
        return found.always & ~own, (found.conditional | found.unknown) & ~own

    def _work(self, name: StepName, holding: Holding) -> Step:
        found = holding.reach
        surely, perhaps = found.always & ~self._own, found.possible & ~found.always & ~self._own
        if surely:
            return Step(name, "done", self._catalogue.named(surely & -surely)[0])
        statements = [(s, m) for grants in holding.policies for s, m in grants]
        if perhaps:
            keys = {key for s, mask in statements if mask & perhaps for key in s.condition_keys}
            depends = [*holding.lacking, *sorted(keys)] or ["the policies of resources"]
            return Step(name, "cannot be told", f"it depends on {few(depends)}")
        given = union(mask for s, mask in statements if s.allows) & ~self._own
        if not given:
            return Step(name, "stops", "no policy of theirs allows anything else")
        denying = [str(s) for s, mask in statements if not s.allows and mask & given]
        by = f"denied by {few(denying)}" if denying else "beyond the permissions boundary"
        return Step(name, "stops", f"all that their policies allow is {by}")

    @cached_property
    def _own(self) -> int:
        return self._catalogue.union(OWN)

    def _as_shown(self, user: User, shown: Shown) -> tuple[Holding, Any]:
        """What a user holds in such a request, and what tells it from what others hold."""
        held = self._holdings.of(user)
        lookup = self._request(user, "", None, shown).lookup
        grants = (*held.policies, held.boundary) if held.boundary else held.policies
        keys = sorted({key for one in grants for key in one.keys_of_user})
        known = held, shown, tuple(lookup(key) for key in keys)
        if known not in self._settled:
            self._settled[known] = replace(
                held,
                policies=tuple(_settled(one, lookup) for one in held.policies),
                boundary=held.boundary and _settled(held.boundary, lookup),
            )
        return self._settled[known], known

    def _ask(
        self,
        user: User,
        action: str,
        resource: str,
        shown: Shown,
        rule: tuple[Statement, ...] = (),
    ) -> Decision:
        held = self._holdings.of(user)
        if held not in self._policies:
            bound = held.boundary
            self._policies[held] = Policies(
                identity={grants.name: _statements(grants) for grants in held.policies},
                permissions_boundary=None if bound is None else _statements(bound),
            )
        policies = self._policies[held]
        if rule:
            policies = replace(policies, identity={**policies.identity, RULES_IN_WORDS: rule})
        return evaluate(self._request(user, action, resource, shown), policies)

    def _request(self, user: User, action: str, resource: str | None, shown: Shown) -> Request:
        return Request(
            principal=Principal(self._arn(user), tags=user.tags),
            action=action,
            resource=resource,
            context=_CONTEXT[shown],
            complete=False,
        )

    def _arn(self, user: User, kind: str = "user") -> str:
        """The ARN of a user, or of a virtual device of that name."""
        if kind == "user" and user.arn:
            return user.arn
        path = user.path if kind == "user" else "/"
        account = self.account
        return f"arn:{account.partition}:iam::{account.account_id}:{kind}{path}{user.name}"


def _statements(grants: Grants) -> tuple[Statement, ...]:
    return tuple(statement for statement, _ in grants)


def _settled(grants: Grants, lookup: Any) -> Grants:
    """A policy as it is in such a request."""
    found = ((settle(s, lookup) if not s.unread else s, mask) for s, mask in grants)
    return grants.with_statements((s, mask) for s, mask in found if s)


def _step(name: StepName, decision: Decision, action: str) -> Step:
    match decision.effect:
        case "allowed" | "allowed in part":
            return Step(name, "done")
        case "explicit deny":
            by = few([str(statement) for statement in decision.statements])
            return Step(name, "stops", f"{action} is denied by {by}")
        case "implicit deny":
            return Step(name, "stops", decision.because.removeprefix("because "))
    on = listed(list(decision.depends_on))
    return Step(name, "cannot be told", f"{action} depends on {on}")
