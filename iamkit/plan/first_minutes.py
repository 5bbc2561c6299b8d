"""The first ten minutes of a user, walked by the evaluator before anybody signs in.

Sign in, change the password if it must be changed, enrol an MFA device, sign in again with it, and
begin to work; and a program's first call with a plain key. Each step is judged by the account's own
policies and by its password policy; an organization's policies are not seen. Whether somebody may
sign in at all hangs on the password alone.
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_passwords_enable-user-change.html
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from iamkit.account.state import AccountState, User
from iamkit.account.ways_in import has_key, has_mfa, has_password
from iamkit.plan.change import Change
from iamkit.policies.actions.catalogue import Catalogue, load_catalogue, union
from iamkit.policies.evaluation.exact import Decision
from iamkit.policies.evaluation.holdings import Holding
from iamkit.policies.evaluation.shown_mfa import RequestsOfUsers, Shown
from iamkit.policies.grammar.statements import Statement, read_statements, unread
from iamkit.policies.self_management import OF_DEVICES, OWN_CREDENTIALS
from iamkit.text import few, listed

StepName = Literal[
    "sign in", "change the password", "enrol MFA", "sign in with MFA", "work", "work with a key"
]
Outcome = Literal["done", "not needed", "stops", "cannot be told"]
RULES = "GetAccountPasswordPolicy"
RULES_IN_WORDS = "the account's password policy"


@dataclass(frozen=True)
class Step:
    """One step and how it ends.

    Attributes:
        name: what is done.
        outcome: ``done``; ``not needed``; ``stops``; or ``cannot be told``.
        reason: why it stops, cannot be told, or is left out; of work that is done an action that is
            allowed; of an enrolment that is done what is in the way of beginning it again.
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


def loses_device(changes: Iterable[Change]) -> tuple[str, ...]:
    """From whom a plan takes an MFA device, by their names in order; who is deleted is left out."""
    changes = tuple(changes)
    gone = {change.name for change in changes if change.operation == "delete_user"}
    taken = {change.name for change in changes if change.operation == "deactivate_mfa_device"}
    return tuple(sorted(taken - gone))


def begins_anew(changes: Iterable[Change]) -> tuple[str, ...]:
    """Who has first minutes before them again, for a password or without a device, in order."""
    changes = tuple(changes)
    return tuple(sorted({*gets_password(changes), *loses_device(changes)}))


def say_beginning(
    after: AccountState, changes: Sequence[Change], catalogue: Catalogue | None = None
) -> list[str]:
    """How far those get who get a password, lose a device, or are new with a key alone.

    A program that may work is what everybody expects, and not said.

    Args:
        after: the account as it would be after the changes.
        changes: of a plan.
        catalogue: of AWS's actions; by default the installed one.
    """
    made = {change.name for change in changes if change.operation == "create_user"}
    keys = {change.name for change in changes if change.operation == "create_access_key"}
    names = sorted({*begins_anew(changes), *(made & keys)})
    rehearsed = rehearse_first_minutes(after, names, catalogue)
    return say_first_minutes(r for r in rehearsed if r.stop or r.unknown or not r.is_program)


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
    "work": "will have nothing to work with once signed in",
    "work with a key": "will not be able to work with an access key, and has no other way in",
}


def _say_stop(step: Step) -> str:
    own = step.name in ("change the password", "enrol MFA") and "denied" not in step.reason
    mend = "; 08_sign_in_rules lets them" if own else ""
    return f"{_STOPS[step.name]}: {step.reason}{mend}"


def _say_way(one: FirstMinutes) -> str:
    if one.is_program:
        return "will be able to work with the access key"
    has_device = one.outcome_of("enrol MFA") == "not needed" and one.outcome_of("sign in with MFA")
    way = ["sign in with MFA" if has_device else "sign in"]
    way += ["choose a password"] if one.outcome_of("change the password") == "done" else []
    way += ["enrol MFA"] if one.outcome_of("enrol MFA") == "done" else []
    alone = one.outcome_of("sign in with MFA") is None
    barred = "; nothing lets them enrol MFA themselves" if alone else ""
    keyless = one.outcome_of("work with a key") == "stops"
    key = "; the access key opens nothing without an MFA code" if keyless else ""
    left = [s.reason for s in one.steps if s.name == "enrol MFA" and s.outcome == "done"]
    leftover = "".join(f"; {reason}" for reason in left if reason)
    return f"will be able to {listed([*way, 'begin to work'])}{barred}{leftover}{key}"


def _people(names: Iterable[str]) -> str:
    return listed(sorted(names))


class Rehearsal:
    """The first minutes of the users of one account; its policies are read once."""

    def __init__(self, account: AccountState, catalogue: Catalogue) -> None:
        self.account = account
        self._catalogue = catalogue
        self._requests = RequestsOfUsers(account, catalogue)
        self._own = catalogue.union(OWN_CREDENTIALS)
        self._worked: dict[tuple[Holding, Shown], Step] = {}

    def of(self, user: User) -> FirstMinutes:
        """How far one of them gets."""
        password, key = has_password(self.account, user), has_key(self.account, user)
        steps = () if password is False and key is not False else tuple(self._at_console(user))
        if key is None:
            lacking = "whether there is an access key was not read"
            steps += (Step("work with a key", "cannot be told", lacking),)
        elif key:
            steps += (self._work(user, "plain key"),)
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
            yield self._work(user, "not told")
        else:
            yield enrolled
            yield Step("sign in with MFA", "done")
            yield self._work(user, "with MFA")

    def _without_mfa(self, user: User, enrolled: Step) -> Iterator[Step]:
        """The steps of who cannot enrol, which stops nobody whose work asks for no MFA."""
        work = self._work(user, "without MFA")
        if work.outcome == "stops" and self._work(user, "with MFA").outcome != "stops":
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
        own = self._requests.arn(user)
        decision = self._requests.ask(user, "iam:ChangePassword", own, shown, self._rule(user))
        step = _step(name, decision, "iam:ChangePassword")
        if step.outcome == "stops" and decision.effect == "implicit deny":
            step = self._unless_by_rule(step, user)
        if profile is None and step.outcome != "done":
            return Step(name, "cannot be told", "whether it must be changed was not read")
        return step

    def _rule(self, user: User) -> Mapping[str, tuple[Statement, ...]]:
        """What the account's password policy allows its users, by its name; nothing if nothing.

        https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_passwords_enable-user-change.html
        """
        if not self._knows_rules:
            lacking = f"{RULES_IN_WORDS}, which was not read"
            return {RULES_IN_WORDS: tuple(s for s in unread(RULES_IN_WORDS, lacking) if s.allows)}
        rules = self.account.password_policy
        if not (rules and rules.users_may_change):
            return {}
        allows = {
            "Effect": "Allow",
            "Action": "iam:ChangePassword",
            "Resource": self._requests.arn(user),
        }
        return {RULES_IN_WORDS: read_statements({"Statement": allows}, RULES_IN_WORDS)}

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
        own, steps = self._requests.arn(user), []
        for action, resource in (
            ("iam:CreateVirtualMFADevice", self._requests.device_arn(user.name)),
            ("iam:EnableMFADevice", own),
            ("iam:ListMFADevices", own),
        ):
            decision = self._requests.ask(user, action, resource, "without MFA")
            if action == "iam:CreateVirtualMFADevice" and decision.effect == "implicit deny":
                named = self._requests.device_arn("*")
                decision = self._requests.ask(user, action, named, "without MFA")
            steps.append(_step(name, decision, action))
        found = next((step for step in steps if step.outcome == "stops"), None)
        found = found or next((step for step in steps if step.outcome != "done"), steps[0])
        if found.outcome == "done":
            return replace(found, reason=self._leftover(user))
        if devices is None:
            return Step(name, "cannot be told", "whether there is a device was not read")
        return found

    def _leftover(self, user: User) -> str:
        """What an interrupted enrolment leaves, if its owner may neither clear nor go round it.

        The device is there then, is nobody's, and its name is taken.
        https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_general.html
        """
        named, other = (self._requests.device_arn(f"{user.name}{end}") for end in ("", "-2"))
        for action, resource in ((OF_DEVICES[1], named), (OF_DEVICES[0], other)):
            effect = self._requests.ask(user, action, resource, "without MFA").effect
            if effect not in ("implicit deny", "explicit deny"):
                return ""
        return "who is interrupted at enrolling MFA needs an administrator to begin again"

    def _work(self, user: User, shown: Shown) -> Step:
        """Whether anything beside one's own credentials is allowed."""
        holding = self._requests.holding(user, shown)
        if (holding, shown) not in self._worked:
            name: StepName = "work with a key" if shown == "plain key" else "work"
            self._worked[holding, shown] = self._judge_work(name, holding)
        return self._worked[holding, shown]

    def _judge_work(self, name: StepName, holding: Holding) -> Step:
        found = holding.reach
        surely, perhaps = found.always & ~self._own, found.possible & ~found.always & ~self._own
        if surely:
            return Step(name, "done", self._catalogue.named(surely & -surely)[0])
        statements = [(s, m) for grants in holding.policies for s, m in grants]
        if perhaps:
            keys = {key for s, mask in statements if mask & perhaps for key in s.condition_keys}
            depends = [*holding.lacking, *sorted(keys)] or ["the policies of resources"]
            return Step(name, "cannot be told", f"their work depends on {few(depends)}")
        given = union(mask for s, mask in statements if s.allows) & ~self._own
        if not given:
            return Step(name, "stops", "no policy of theirs allows anything else")
        denying = [str(s) for s, mask in statements if not s.allows and mask & given]
        by = f"denied by {few(denying)}" if denying else "beyond the permissions boundary"
        return Step(name, "stops", f"all that their policies allow is {by}")


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
