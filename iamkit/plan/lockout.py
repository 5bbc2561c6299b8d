"""Whether a plan would leave nobody who can administer the account, or bar the caller's own way.

Before is judged against after, and credentials too: permissions without a key or a password open
no door. The root does not count. Whom a role lets in, from here, another account or a directory,
cannot be told: a role that administers does so *perhaps*, the caller's own surely.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from hashlib import sha256
from typing import Any, TypeVar

from iamkit.account.state import AccountState, CallerIdentity, Role, User
from iamkit.plan.change import Change
from iamkit.plan.changes import make_plan
from iamkit.plan.first_minutes import loses_device
from iamkit.plan.merging import merge
from iamkit.plan.password_rules import is_locked_out
from iamkit.plan.preview import account_after
from iamkit.policies.actions.catalogue import load_catalogue, union
from iamkit.policies.evaluation.holdings import Holding, Holdings
from iamkit.policies.evaluation.shown_mfa import RequestsOfUsers, Shown
from iamkit.policies.grammar.document import to_json
from iamkit.policies.grammar.statements import read_statements
from iamkit.text import few

HARMLESS = frozenset(
    "create_user create_group create_access_key create_login_profile "
    "create_account_alias delete_account_alias update_account_password_policy "
    "delete_account_password_policy".split()
)
"""Calls that take no permission and no credential from anybody who works today."""


OF_WHO_WORKS = ("add_user_to_group", "tag_user")
"""Calls that take nothing from a user whom the same plan makes. A policy may decide by a tag."""
READS = ("iam:GetAccountAuthorizationDetails", "iam:ListAccessKeys", "iam:GetLoginProfile")
"""What it takes to see that a plan was applied, and to take it back."""
ENROLLING = ("iam:CreateVirtualMFADevice", "iam:EnableMFADevice")
"""What it takes to register a virtual MFA device."""
Named = TypeVar("Named", User, Role)


class Grade(IntEnum):
    """How surely somebody can do something."""

    NOT = 0
    PERHAPS = 1
    SURELY = 2


@dataclass(frozen=True)
class Caller:
    """Who applies.

    Attributes:
        user: the name of the user; empty for the root and for a role's session.
        key_id: of the access key that signs the calls.
        role: the name of the role whose session it is; empty for none.
    """

    user: str
    key_id: str
    role: str = ""

    @property
    def name(self) -> str:
        """In words."""
        return f"role {self.role}" if self.role else self.user

    def of(self, account: AccountState) -> User | Role | None:
        """The caller in an account; None for the root, and for one who is not there."""
        return account.users.get(self.user) or account.roles.get(self.role)


def caller_of(identity: CallerIdentity, key_id: str) -> Caller:
    """The caller, as a plan's changes may name them."""
    kind, _, path = identity.arn.rpartition(":")[2].partition("/")
    role = path.partition("/")[0] if kind == "assumed-role" else ""
    return Caller(path.rpartition("/")[2] if kind == "user" else "", key_id, role)


def may_lock_out(current: AccountState, changes: Iterable[Change]) -> bool:
    """Whether a plan takes something away at all, so that it is worth a look."""
    there = current.users.keys()
    return locks_passwords(changes := list(changes)) or any(
        change.operation not in HARMLESS
        and not (change.operation in OF_WHO_WORKS and change.name not in there)
        and not (change.verb == "create" and _only_allows(change))
        for change in changes
    )


def locks_passwords(changes: Iterable[Change]) -> bool:
    """Whether who has let a password expire is locked out by a plan, or may be sooner."""
    return any(change.arguments.get("HardExpiry") for change in changes)


def administrators(account: AccountState) -> list[str]:
    """The users who can administer the account, or perhaps can; the surest first, by name."""
    grades = {user.name: grade for user, grade in _graded(account, account.users.values())}
    return sorted((n for n, grade in grades.items() if grade), key=lambda n: (-grades[n], n))


def find_lockout(
    current: AccountState, changes: Sequence[Change], caller: Caller
) -> tuple[str, ...]:
    """Why a plan had better not be applied: sentences; none if it locks nobody out.

    Args:
        current: with everyone's policies, and the access keys and passwords of those whom
            ``administrators`` names, as far as they could be read.
        changes: of the plan.
        caller: who would apply it.
    """
    after = account_after(current, changes)
    return (
        *_no_administrator(current, after, changes, caller),
        *_own_way(current, after, changes, caller),
    )


def somebody_stays(current: AccountState, changes: Sequence[Change], caller: Caller) -> bool:
    """Whether after a plan somebody surely can administer the account."""
    after = account_after(current, changes)
    return any(grade is Grade.SURELY for _, grade in _whole(after, caller, loses_device(changes)))


def consent_to(account_id: str, changes: Iterable[Change]) -> str:
    """The words by which a plan is allowed to lock out, good for these changes alone."""
    said = [[c.service, c.operation, {**c.arguments}, c.before] for c in changes]
    return f"{account_id}/{sha256(to_json({'changes': said}).encode()).hexdigest()[:12]}"


def _only_allows(change: Change) -> bool:
    """Whether it adds a policy of one's own that denies nothing."""
    document = change.arguments.get("PolicyDocument")
    return document is not None and "Deny" not in to_json(document)


def _no_administrator(
    before: AccountState, after: AccountState, changes: Sequence[Change], caller: Caller
) -> Iterator[str]:
    had, has = dict(_whole(before, caller)), dict(_whole(after, caller, loses_device(changes)))
    most_before = max(had.values(), default=Grade.NOT)
    most_after = max(has.values(), default=Grade.NOT)
    if most_after >= most_before:
        return
    now = few([name for name, grade in had.items() if grade is most_before])
    if most_after is Grade.NOT:
        yield f"Nobody would be left who can administer the account; now it is {now}."
        return
    perhaps = few([name for name, grade in has.items() if grade is most_after])
    yield (
        f"Whether anybody would be left who can administer the account cannot be told: now it is "
        f"{now}; {perhaps} perhaps could."
    )


def _whole(
    account: AccountState, caller: Caller, lost: Collection[str] = ()
) -> Iterator[tuple[str, Grade]]:
    """Who can come in and administer the account, and how surely; some have lost an MFA device."""
    for user, grade in _graded(account, account.users.values()):
        able = min(grade, _without_device(account, user)) if user.name in lost else grade
        both = min(able, _credentials(account, user.name))
        if both:
            yield user.name, both
    for role, grade in _graded(account, account.roles.values()):
        both = min(grade, Grade.SURELY if role.name == caller.role else _open_to(role))
        if both:
            yield f"role {role.name}", both


def _graded(account: AccountState, holders: Iterable[Named]) -> Iterator[tuple[Named, Grade]]:
    """Users or roles with how surely their permissions let them administer the account."""
    catalogue = load_catalogue()
    iam = catalogue.of_service("iam")
    holdings, known = Holdings(account, catalogue), dict[Any, Grade]()
    for one in holders:
        holding = _held(holdings, one)
        same = holding.policies, holding.boundary
        if same not in known:
            known[same] = _grade(holding, iam)
        yield one, known[same]


def _held(holdings: Holdings, one: User | Role) -> Holding:
    """What somebody holds; of a user the name and the tags decide what hangs on them."""
    return holdings.of_user(one) if isinstance(one, User) else holdings.of(one)


def _without_device(account: AccountState, user: User) -> Grade:
    """How surely a user can administer whose MFA device went, and who may not register another."""
    if not account.was_read("ListMFADevices", user.name) or account.mfa_devices.get(user.name):
        return Grade.SURELY
    catalogue = load_catalogue()
    requests, iam = RequestsOfUsers(account, catalogue), catalogue.of_service("iam")
    enrolling = union(catalogue.matching(action) for action in ENROLLING)
    has_key = any(key.status == "Active" for key in account.access_keys.get(user.name, ()))
    ways: tuple[Shown, ...] = ("without MFA", "plain key") if has_key else ("without MFA",)
    held = [requests.holding(user, way) for way in ways]
    if any(not enrolling & ~holding.reach.possible for holding in held):
        return Grade.SURELY
    return max(_grade(holding, iam) for holding in held)


def _open_to(role: Role) -> Grade:
    """Whether people may come in by a role; those that services alone take are for no people."""
    allowing = [s for s in read_statements(role.trust_policy) if s.allows]
    kinds = {kind for one in allowing for kind, _ in one.principals}
    by_services = kinds == {"Service"} and not any(one.not_principal for one in allowing)
    return Grade.NOT if by_services else Grade.PERHAPS


def _grade(holding: Holding, actions: int) -> Grade:
    """How surely all of these actions are allowed, on everything."""
    reach = holding.reach if holding.lacking else holding.reach_as_read
    if not actions & ~reach.everything:
        return Grade.SURELY
    may = reach.everything | reach.most | reach.conditional | reach.unknown
    return Grade.NOT if actions & ~may else Grade.PERHAPS


def _credentials(account: AccountState, user: str) -> Grade:
    """How surely somebody has a key or a password that works."""
    if any(key.status == "Active" for key in account.access_keys.get(user, ())):
        return Grade.SURELY
    if account.login_profiles.get(user):
        over = is_locked_out(account, user)
        return Grade.PERHAPS if over is None else Grade.NOT if over else Grade.SURELY
    asked = ("ListAccessKeys", "GetLoginProfile")
    read = all(account.was_read(operation, user) for operation in asked)
    return Grade.NOT if read else Grade.PERHAPS


def _own_way(
    before: AccountState, after: AccountState, changes: Sequence[Change], caller: Caller
) -> Iterator[str]:
    """What the caller would lose of what is needed to go on, and to come back."""
    was, stays = caller.of(before), caller.of(after)
    if was is None:
        return
    if stays is None:
        yield f"You, {caller.name}, would be gone before the plan's end."
        return
    if any(_switches_off(change, caller.key_id) for change in changes):
        yield f"Your own access key {caller.key_id} would stop working before the plan's end."
    catalogue = load_catalogue()
    back = make_plan(after, merge(c.inverse for c in reversed(changes) if c.inverse)).changes
    had, has = _held(Holdings(before, catalogue), was), _held(Holdings(after, catalogue), stays)
    lost = [
        action
        for action in (*sorted({_action(change) for change in (*changes, *back)}), *READS)
        if _grade(has, catalogue.matching(action)) < _grade(had, catalogue.matching(action))
    ]
    if lost:
        yield (
            f"You, {caller.name}, would no longer surely be allowed what is needed to go on or "
            f"back: {few(lost)}."
        )


def _switches_off(change: Change, key_id: str) -> bool:
    given = change.arguments
    return given.get("AccessKeyId") == key_id and (
        change.operation == "delete_access_key" or given.get("Status") == "Inactive"
    )


def _action(change: Change) -> str:
    """The action that a call needs, as policies name it."""
    return f"{change.service}:{''.join(word.capitalize() for word in change.operation.split('_'))}"
