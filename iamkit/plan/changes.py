"""From the account as it is to what is wanted: a plan of changes, each one API call.

Planning is pure: it knows nothing of AWS's libraries, and a dry run is a plan that nobody applied.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from iamkit.account.api_replies import rules_as_arguments
from iamkit.account.gaps import DETAILS, REPORT
from iamkit.account.state import (
    AccountState,
    Group,
    PasswordPolicy,
    User,
)
from iamkit.errors import InputError, UnsafePlan
from iamkit.parameters.iam_names import TAGS_PER_USER, Spelling, near_names, spellings
from iamkit.plan.change import Change, Kind, Subject, Verb
from iamkit.plan.demanded_mfa import Demand, judge_demand
from iamkit.plan.desired import Desired, Part
from iamkit.plan.holders import (
    create_policy,
    delete_group,
    delete_user,
    key_obstacles,
    plan_group,
    plan_role,
    plan_user,
)
from iamkit.plan.lost_credentials import say_left_alone, say_untold
from iamkit.plan.managed_policies import is_arn, say_unfound
from iamkit.plan.own_policies import plan_absent_policies, policies_by_name, say_in_use
from iamkit.plan.password_rules import whom_rules_touch
from iamkit.plan.preview import account_after
from iamkit.text import listed

__all__ = ["Change", "Kind", "Plan", "Verb", "make_plan"]

Named = TypeVar("Named", User, Group)
PER_ACCOUNT = {"user": 5_000, "group": 500}
"""How many there may be, where AWS grants what it grants at most.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
"""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The changes, in an order in which AWS accepts them, and what a reviewer should know.

    Attributes:
        notes: what was found and is left alone.
        unread: what was not read and the plan depends on; its changes are left out.
        doubts: what cannot be told: ``unread``, and names that must go, are not there, and may be
            slips for names that are.
        blockers: why the plan cannot be applied yet; ``unread`` is among them.
        current: the account that it was made for.
    """

    account_id: str
    desired: Desired
    changes: tuple[Change, ...] = ()
    notes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    blockers: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    current: AccountState = field(default=AccountState(account_id=""), repr=False, compare=False)

    @property
    def destructive(self) -> tuple[Change, ...]:
        """The changes by which something is lost, or access is given back."""
        consent = self.desired.needs_consent
        return tuple(change for change in self.changes if consent or change.destructive)

    @property
    def summary(self) -> str:
        """The counts by verb, and the doubts: ``3 to create, 1 to delete, 1 in doubt``."""
        counts = Counter(change.verb for change in self.changes)
        verbs: tuple[Verb, ...] = ("create", "update", "replace", "delete")
        parts = [f"{counts[verb]} to {verb}" for verb in verbs if counts[verb]]
        parts += [f"{len(self.doubts)} in doubt"] if self.doubts else []
        return ", ".join(parts) or "nothing to do"

    @property
    def refusal(self) -> str:
        """Why it cannot be applied yet: the first reason, and how many more; empty if it can."""
        more = len(self.blockers) - 1
        others = f" ({more} more in the plan.)" if more > 0 else ""
        return f"{self.blockers[0]}{others}" if self.blockers else ""

    @property
    def commands(self) -> tuple[str, ...]:
        """The plan as ``aws iam`` commands for a POSIX shell.

        A console password comes from ``$PASSWORD``; `create-access-key` prints the secret key.
        """
        return tuple(change.command for change in self.changes)

    def raise_if_unsafe(self, *, allow_destructive: bool = False) -> None:
        """Refuse a plan that cannot be applied yet, or that destroys without being allowed to.

        Raises:
            UnsafePlan: naming the first reason, and what to do.
        """
        if self.blockers:
            raise UnsafePlan(f"{self.refusal} Nothing was changed.")
        if self.destructive and not allow_destructive:
            first = self.destructive[0]
            raise UnsafePlan(
                f"{len(self.destructive)} destructive change(s), first: {first.verb} "
                f"{first.target} ({first.reason or first.operation}). "
                "Set allow_destructive to true if that is meant. Nothing was changed."
            )


def make_plan(current: AccountState, desired: Desired) -> Plan:
    """Plan the changes from the account, as ``read_account`` reads it, to what is desired.

    Returns:
        The plan; of what was not read it assumes nothing: that blocks it.

    Raises:
        InputError: when a desired name differs from an existing one by case alone, or a
            quota would be exceeded.
    """
    wanted = desired.as_spelled_in(current)
    _check_quotas(current, wanted)
    absent = list(_not_there(current, wanted))
    unread = list(_unread(current, wanted))
    changes = tuple(changes_to(current, wanted))
    demand = demand_of(current, wanted, changes) if not unread else Demand()
    return Plan(
        account_id=current.account_id,
        desired=desired,
        changes=changes,
        notes=(*wanted.notes, *_notes(current, desired), *(said for said, _ in absent)),
        doubts=(*unread, *wanted.doubts, *(said for said, near in absent if near)),
        blockers=(
            *unread,
            *_blockers(current, wanted),
            *say_in_use(current, wanted, changes),
            *(why for user in wanted.users for why in key_obstacles(current, user)),
            *demand.blockers,
        ),
        unread=tuple(unread),
        current=current,
    )


def changes_to(current: AccountState, wanted: Desired) -> Iterator[Change]:
    """The changes alone, in an order in which AWS accepts them; see ``make_plan``.

    Args:
        current: the account; what was not read of it makes no change.
        wanted: with names as they are spelled in the account.

    Raises:
        InputError: as ``make_plan`` does.
    """
    changes = [*_plan_present(current, wanted)]
    changes += _plan_leaving(current, wanted)
    after = account_after(current, changes) if wanted.absent_groups else current
    for name in wanted.absent_groups:
        if name in current.groups:
            members = [user.name for user in after.users.values() if name in user.groups]
            origin = wanted.origins.get("absent_groups", "")
            changes += delete_group(after.groups[name], members, origin)
    yield from changes
    if wanted.absent_policies:
        yield from plan_absent_policies(account_after(current, changes), wanted)


def _plan_present(current: AccountState, wanted: Desired) -> Iterator[Change]:
    """What there should be; what somebody is to have is made first."""
    own = policies_by_name(current)
    yield from (create_policy(policy) for policy in wanted.policies if policy.name not in own)
    for group in wanted.groups:
        yield from plan_group(_find(current.groups, group.name, "group"), group)
    for user in wanted.users:
        there = _find(current.users, user.name, "user")
        known = there is None or not list(_unread_of(current, wanted, user.name))
        yield from plan_user(current, user, known=known)
    if current.was_read("ListAccountAliases"):
        yield from _plan_alias(current.alias, wanted)
    if current.was_read("GetAccountPasswordPolicy"):
        yield from _plan_password_policy(current, wanted)
    for role in wanted.roles:
        yield from plan_role(current.roles.get(role.name), role)


def _plan_leaving(current: AccountState, wanted: Desired) -> Iterator[Change]:
    """The users who should be gone."""
    for name in wanted.absent_users:
        if name in current.users and not list(_unread_of(current, wanted, name)):
            origin = wanted.origins.get("absent_users", "")
            yield from delete_user(current, current.users[name], origin)


def members_of_demand(current: AccountState, wanted: Desired) -> list[str]:
    """The members of the groups that are to demand MFA, by their names."""
    demanding = {group.name for group in wanted.groups if group.demands_mfa}
    return [user.name for user in current.users.values() if user.groups & demanding]


def demand_of(current: AccountState, wanted: Desired, changes: Iterable[Change]) -> Demand:
    """What it means for the members of groups that changes demand MFA of them, if they do."""
    members = members_of_demand(current, wanted)
    if not members:
        return Demand()
    despite = {name for group in wanted.groups for name in group.demanded_despite}
    before = replace(current, users={name: current.users[name] for name in members})
    return judge_demand(before, account_after(before, changes), despite)


def _unread(current: AccountState, wanted: Desired) -> Iterator[str]:
    """What a plan depends on and was not read, each with the reason if one is known."""
    for operation in wanted.operations:
        source = current.source(operation)
        if not current.was_read(operation):
            yield source.note or f"{operation} was not read."
        elif operation == DETAILS and source.lacking & set(wanted.kinds):
            yield source.note or f"Not all {listed(wanted.kinds)} were read."
    users = dict.fromkeys([*(user.name for user in wanted.users), *wanted.absent_users])
    users |= dict.fromkeys(members_of_demand(current, wanted))
    reasons = (why for n in users if n in current.users for why in _unread_of(current, wanted, n))
    yield from dict.fromkeys(reasons)


def _unread_of(current: AccountState, wanted: Desired, user: str) -> Iterator[str]:
    groups = current.users[user].groups
    for operation in (*wanted.operations_of(user), *wanted.operations_of_member(groups)):
        if not current.was_read(operation, user):
            yield current.source(operation).note or f"{operation} was not read of user {user}."


def _check_quotas(current: AccountState, wanted: Desired) -> None:
    """Refuse more users, groups or tags of a user than AWS allows; who leaves goes after these.

    Raises:
        InputError: naming the quota.
    """
    for user in wanted.users:
        had = current.users[user.name].tags if user.name in current.users else {}
        tags = spellings([*had]).keys() - spellings(user.absent.tags).keys()
        tags |= spellings([*user.tags]).keys()
        if user.tags and len(tags) > TAGS_PER_USER:
            raise InputError(
                f"User {user.name} would have {len(tags)} tags; AWS allows {TAGS_PER_USER}. "
                "Nothing was changed."
            )
    for kind, there, named in (
        ("user", current.users, [user.name for user in wanted.users if user.make]),
        ("group", current.groups, [group.name for group in wanted.groups if group.make]),
    ):
        if all(name in there for name in named):
            continue
        new = len(spellings(named).keys() - spellings(there).keys())
        if new and len(there) + new > PER_ACCOUNT[kind]:
            raise InputError(
                f"The account would have {len(there) + new:,} {kind}s: {len(there):,} that are "
                f"there and {new:,} new; AWS allows {PER_ACCOUNT[kind]:,}. Nothing was changed."
            )


def _plan_alias(current: str | None, desired: Desired) -> Iterator[Change]:
    origin = desired.origins.get("alias", "")

    def change(verb: Verb, operation: str, alias: str, reason: str = "") -> Change:
        subject = Subject("account alias", alias, {"AccountAlias": alias}, {"alias": origin})
        return subject.change(verb, operation, current, reason)

    if desired.alias not in (None, current):
        old = f"would replace {current}, whose address stops working" if current else ""
        yield change("replace" if current else "create", "create_account_alias", desired.alias, old)
    elif current and current == desired.absent_alias:
        yield change("delete", "delete_account_alias", current)


def _plan_password_policy(current: AccountState, wanted: Desired) -> Iterator[Change]:
    """AWS replaces the policy whole, so a change carries it whole.

    https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateAccountPasswordPolicy.html
    """
    there = current.password_policy
    origins: Mapping[Part, str] = {"password policy": wanted.origins.get("password_policy", "")}
    subject = Subject("password policy", current.account_id, {}, origins)
    before = rules_as_arguments(there) if there else None
    if wanted.absent_password_policy and there:
        yield subject.change("delete", "delete_account_password_policy", before)
    elif wanted.password_policy:
        after = replace(there or PasswordPolicy(), **wanted.password_policy)  # type: ignore[arg-type]
        if after != there and not _unread_for_age(current, wanted):
            loss = whom_rules_touch(current, there, after).reason
            verb: Verb = "replace" if loss else "update" if there else "create"
            operation = "update_account_password_policy"
            yield subject.change(verb, operation, before, loss, **rules_as_arguments(after))


def _unread_for_age(current: AccountState, wanted: Desired) -> bool:
    """Whether it cannot be told at all whose password an age would expire."""
    return REPORT in wanted.operations and not current.was_read(REPORT)


def _find(existing: Mapping[str, Named], name: str, kind: str) -> Named | None:
    if name in existing:
        return existing[name]
    twin = spellings(existing).get(name.lower(), name)
    if twin != name:
        raise InputError(
            f"The account has a {kind} {twin!r}, and IAM ignores case: {name!r} cannot be made "
            f"beside it. Write it as {twin!r}, or choose another name. Nothing was changed."
        )
    return None


def _notes(current: AccountState, desired: Desired) -> Iterator[str]:
    for user in desired.users:
        keys = current.access_keys.get(user.name, ())
        if user.access_key and keys and not any(key.stored or key.orphan for key in keys):
            listed = ", ".join(key.id for key in keys)
            yield (
                f"User {user.name} already has {len(keys)} access key(s), {listed}, not in this "
                "store: left as they are, and no other is made."
            )
    yield from (said for user in desired.users for said in say_left_alone(current, user))
    for names, existing in (
        (desired.absent_users, Spelling(current.users)),
        (desired.absent_groups, Spelling(current.groups)),
    ):
        for name in names:
            if (written := existing.of(name)) != name:
                yield f"{name} is written {written} in the account."


def _not_there(current: AccountState, wanted: Desired) -> Iterator[tuple[str, list[str]]]:
    """Of each name that must go and is not there, what to say, and the names that are near."""
    for kind, parameter, names, existing in (
        ("User", "the users to remove", wanted.absent_users, current.users),
        ("Group", "the groups to remove", wanted.absent_groups, current.groups),
    ):
        missing = [name for name in names if name not in existing]
        for name, near in near_names(missing, existing).items():
            said = f"{kind} {name} is to be removed and is not there"
            way = f"Mend the name, or take it out of {parameter} if it is gone."
            yield (f"{said}; near is {', '.join(near)}. {way}" if near else f"{said}."), near


def _blockers(current: AccountState, desired: Desired) -> Iterator[str]:
    known = set(current.groups) | {group.name for group in desired.groups}
    wanted = dict.fromkeys(group for user in desired.users for group in user.groups)
    for group in wanted:
        if group not in known:
            yield f"Group {group} is not there yet: make it first (02_admin_group, 03_dev_group)."
    for kind, named, existing in (
        ("Group", desired.groups, current.groups),
        ("User", desired.users, current.users),
        ("Role", desired.roles, current.roles),
    ):
        for one in named:
            if not one.make and one.name not in existing:
                yield f"{kind} {one.name} is not there; make it first."
    yield from _undescribed_groups(current, desired)
    yield from (said for user in desired.users for said in say_untold(current, user))
    yield from _unfound_policies(current, desired)
    for group in wanted:
        if group in desired.absent_groups:
            yield f"Group {group} is to be deleted, and a user is to be in it: choose one of them."


def _undescribed_groups(current: AccountState, desired: Desired) -> Iterator[str]:
    """Groups that a user would leave because nobody named them, and of which nothing is known."""
    for user in desired.users:
        there = current.users.get(user.name)
        left = there.groups - set(user.groups) if there and user.groups_only else frozenset()
        for group in sorted(left - current.groups.keys()):
            yield (
                f"Group {group}, which {user.name} would leave, was not read, so nobody can tell "
                "what that takes away."
            )


def _unfound_policies(current: AccountState, desired: Desired) -> Iterator[str]:
    """Policies that are to be attached and cannot be told, beside those that the plan makes."""
    if not current.was_read(DETAILS):
        return
    made = {policy.name for policy in desired.policies}
    listed = current.was_read("ListPolicies")
    for one in desired.holders:
        for policy in one.attached_policies:
            if policy.rpartition("/")[2] not in made and (listed or is_arn(policy)):
                yield from say_unfound(current, one.target, policy)
