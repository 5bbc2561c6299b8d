"""From the account as it is to what is wanted: a plan of changes, each one API call.

Planning is pure: it knows nothing of AWS's libraries, and a dry run is a plan that nobody applied.
"""

import re
import shlex
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from iamkit.account import JSON, AccountState, Group, User, UserDetail
from iamkit.desired import Desired, DesiredGroup, DesiredPolicy, DesiredUser
from iamkit.errors import InputError, UnsafePlan
from iamkit.names import SECRETS_MANAGER, near_names, short_key, spellings
from iamkit.policies import count_characters, same_policy
from iamkit.policies.document import to_json
from iamkit.policies.quotas import QUOTAS

Verb = Literal["create", "update", "replace", "delete"]
Named = TypeVar("Named", User, Group)
GROUPS_PER_USER = 10
PER_ACCOUNT = {"user": 5_000, "group": 500}
"""How many there may be, where AWS grants what it grants at most.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
"""


@dataclass(frozen=True, kw_only=True)
class Change:
    """One API call of IAM: the boto3 method and its arguments, without any secret.

    Attributes:
        verb: what it does; ``replace`` and ``delete`` are destructive.
        operation: the boto3 method, such as ``create_group``.
        arguments: its arguments; a policy document is given as an object.
        before: what is there now, where the change would overwrite it.
        reason: why, where the arguments do not say it.
        heals: whether it only removes what an interrupted run of ours left behind.
    """

    verb: Verb
    operation: str
    arguments: JSON
    before: Any = None
    reason: str = ""
    heals: bool = False

    @property
    def destructive(self) -> bool:
        """Whether something is lost that people may rely on."""
        return self.verb in ("replace", "delete") and not self.heals

    @property
    def target(self) -> str:
        """What it touches, in words: ``user alice``."""
        kinds = {
            "UserName": "user",
            "GroupName": "group",
            "AccountAlias": "account alias",
            "SerialNumber": "MFA device",
        }
        argument = next(name for name in kinds if name in self.arguments)
        return f"{kinds[argument]} {self.arguments[argument]}"

    @property
    def command(self) -> str:
        """The same call as an ``aws iam`` command that a shell runs as it stands."""
        return " ".join(["aws", "iam", _kebab(self.operation), *_options(self)])


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The changes, in an order in which AWS accepts them, and what a reviewer should know.

    Attributes:
        notes: what was found and is left alone.
        doubts: names that must go, are not there, and may be slips for names that are.
        blockers: why the plan cannot be applied yet.
    """

    account_id: str
    desired: Desired
    changes: tuple[Change, ...] = ()
    notes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    blockers: tuple[str, ...] = ()

    @property
    def destructive(self) -> tuple[Change, ...]:
        """The changes by which something is lost."""
        return tuple(change for change in self.changes if change.destructive)

    @property
    def summary(self) -> str:
        """The counts by verb, and the doubts: ``3 to create, 1 to delete, 1 in doubt``."""
        counts = Counter(change.verb for change in self.changes)
        verbs: tuple[Verb, ...] = ("create", "update", "replace", "delete")
        parts = [f"{counts[verb]} to {verb}" for verb in verbs if counts[verb]]
        parts += [f"{len(self.doubts)} in doubt"] if self.doubts else []
        return ", ".join(parts) or "nothing to do"

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
            raise UnsafePlan(f"{self.blockers[0]} Nothing was changed.")
        if self.destructive and not allow_destructive:
            first = self.destructive[0]
            raise UnsafePlan(
                f"{len(self.destructive)} destructive change(s), first: {first.verb} "
                f"{first.target} ({first.reason or first.operation}). "
                "Set allow_destructive to true if that is meant. Nothing was changed."
            )


def make_plan(current: AccountState, desired: Desired) -> Plan:
    """Plan the changes that lead from the current account to the desired one.

    Args:
        current: the account, with the details of ``desired.user_names`` read.
        desired: what is wanted; what it does not name is left alone.

    Raises:
        InputError: when a desired name differs from an existing one by case alone, or a
            quota would be exceeded.
    """
    wanted = desired.as_spelled_in(current)
    _check_quotas(current, wanted)
    users, groups = spellings(current.users), spellings(current.groups)
    changes: list[Change] = []
    for group in wanted.groups:
        changes += _plan_group(_find(current.groups, groups, group.name, "group"), group)
    for user in wanted.users:
        changes += _plan_user(_find(current.users, users, user.name, "user"), user)
    for policy in wanted.policies:
        changes += _plan_policy(current, policy)
    changes += _plan_alias(current.alias, wanted.alias)
    for name in wanted.absent_users:
        if name in current.users:
            changes += _delete_user(current.users[name])
    for name in wanted.absent_groups:
        if name in current.groups:
            staying = (u for u in current.users.values() if u.name not in wanted.absent_users)
            members = [user.name for user in staying if name in user.groups]
            changes += _delete_group(current.groups[name], members)
    absent = list(_not_there(current, wanted))
    return Plan(
        account_id=current.account_id,
        desired=desired,
        changes=tuple(changes),
        notes=(*_notes(current, desired), *(said for said, _ in absent)),
        doubts=tuple(said for said, near in absent if near),
        blockers=tuple(_blockers(current, wanted)),
    )


def _check_quotas(current: AccountState, wanted: Desired) -> None:
    """Refuse more users or groups than an account may have; those who leave go after these come.

    Raises:
        InputError: naming the quota.
    """
    for kind, there, named in (
        ("user", current.users, [user.name for user in wanted.users]),
        ("group", current.groups, [group.name for group in wanted.groups]),
    ):
        new = len(spellings(named).keys() - spellings(there).keys())
        if new and len(there) + new > PER_ACCOUNT[kind]:
            raise InputError(
                f"The account would have {len(there) + new:,} {kind}s: {len(there):,} that are "
                f"there and {new:,} new; AWS allows {PER_ACCOUNT[kind]:,}. Nothing was changed."
            )


def _plan_group(current: Group | None, desired: DesiredGroup) -> Iterator[Change]:
    name = {"GroupName": desired.name}
    if current is None:
        yield Change(verb="create", operation="create_group", arguments=name)
        current = Group(name=desired.name)
    yield from _plan_inline("group", current, desired.inline_policies)


def _plan_inline(
    kind: Literal["group", "user"], current: User | Group, wanted: Mapping[str, JSON]
) -> Iterator[Change]:
    """The inline policies that differ; all of a principal's together have one quota."""
    kept = {name: d for name, d in current.inline_policies.items() if name not in wanted}
    size = sum(count_characters(document) for document in [*kept.values(), *wanted.values()])
    quota = QUOTAS[f"{kind}'s inline policies"]
    if size > quota:
        raise InputError(
            f"The inline policies of {kind} {current.name} would have {size:,} characters; "
            f"AWS allows {quota:,}, white space not counted. Nothing was changed."
        )
    for policy_name, document in wanted.items():
        before = current.inline_policies.get(policy_name)
        if before is not None and same_policy(before, document):
            continue
        yield Change(
            verb="create" if before is None else "update",
            operation=f"put_{kind}_policy",
            arguments={
                f"{kind.title()}Name": current.name,
                "PolicyName": policy_name,
                "PolicyDocument": document,
            },
            before=before,
        )


def _plan_policy(current: AccountState, desired: DesiredPolicy) -> Iterator[Change]:
    existing: Mapping[str, User | Group] = current.groups
    if desired.kind == "user":
        existing = current.users
    holder = existing.get(desired.holder)
    if holder is not None:
        yield from _plan_inline(desired.kind, holder, {desired.name: desired.document})


def _plan_user(current: User | None, desired: DesiredUser) -> Iterator[Change]:
    name = {"UserName": desired.name}
    if current is None:
        arguments = name | ({"Path": desired.path} if desired.path not in (None, "/") else {})
        tags = {"Tags": _tag_list(desired.tags)} if desired.tags else {}
        yield Change(verb="create", operation="create_user", arguments=arguments | tags)
        current = User(name=desired.name, tags=desired.tags, detail=UserDetail())
    else:
        yield from _update_user(current, desired)
    groups = current.groups | set(desired.groups)
    if len(groups) > GROUPS_PER_USER:
        raise InputError(
            f"User {desired.name} would be in {len(groups)} groups; AWS allows {GROUPS_PER_USER}. "
            "Nothing was changed."
        )
    for group in desired.groups:
        if group not in current.groups:
            arguments = {"GroupName": group} | name
            yield Change(verb="create", operation="add_user_to_group", arguments=arguments)
    yield from _plan_credentials(_detail(current), desired)


def _update_user(current: User, desired: DesiredUser) -> Iterator[Change]:
    name = {"UserName": desired.name}
    if desired.path not in (None, current.path):
        yield Change(
            verb="update",
            operation="update_user",
            arguments=name | {"NewPath": desired.path},
            before=current.path,
        )
    tags = {key: value for key, value in desired.tags.items() if current.tags.get(key) != value}
    if tags:
        before = {key: current.tags[key] for key in tags if key in current.tags}
        yield Change(
            verb="update" if before else "create",
            operation="tag_user",
            arguments=name | {"Tags": _tag_list(tags)},
            before=before or None,
        )


def _plan_credentials(detail: UserDetail, desired: DesiredUser) -> Iterator[Change]:
    name = {"UserName": desired.name}
    if desired.console_password and not detail.has_login_profile:
        arguments = name | {"PasswordResetRequired": True}
        yield Change(
            verb="create",
            operation="create_login_profile",
            arguments=arguments,
            reason=_way("password", desired.hand_over),
        )
    if not desired.access_key:
        return
    for key in detail.access_keys:
        if key.orphan:
            yield from _delete_key(
                desired.name,
                key.id,
                reason="an interrupted run made it, its secret is lost, nobody used it",
                heals=True,
            )
    if all(key.orphan for key in detail.access_keys):
        yield Change(
            verb="create",
            operation="create_access_key",
            arguments=name,
            reason=_way("key", desired.hand_over),
        )


def _way(what: str, hand_over: str) -> str:
    """Where a new credential goes, in words; nothing for the usual private file."""
    if not hand_over:
        return ""
    if hand_over == SECRETS_MANAGER:
        return f"the {what} goes to AWS Secrets Manager"
    return f"the {what} goes encrypted to {short_key(hand_over)}"


def _plan_alias(current: str | None, desired: str | None) -> Iterator[Change]:
    if desired in (None, current):
        return
    yield Change(
        verb="create" if current is None else "replace",
        operation="create_account_alias",
        arguments={"AccountAlias": desired},
        before=current,
        reason="" if current is None else f"would replace {current}, whose address stops working",
    )


def _delete_user(user: User) -> Iterator[Change]:
    """Remove what a user owns, in the order that DeleteUser demands, and then the user.

    https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteUser.html
    """
    detail = _detail(user)
    delete = _deleter(UserName=user.name)
    for group in sorted(user.groups):
        yield delete("remove_user_from_group", GroupName=group)
    for key in detail.access_keys:
        yield from _delete_key(user.name, key.id)
    yield from _delete_devices(detail, delete)
    if detail.has_login_profile:
        yield delete("delete_login_profile")
    owned = (
        ("delete_signing_certificate", "CertificateId", detail.signing_certificates),
        (
            "delete_service_specific_credential",
            "ServiceSpecificCredentialId",
            detail.service_specific_credentials,
        ),
        ("delete_user_policy", "PolicyName", tuple(user.inline_policies)),
        ("detach_user_policy", "PolicyArn", tuple(sorted(user.attached_policies))),
    )
    for operation, argument, values in owned:
        for value in values:
            yield delete(operation, **{argument: value})
    if user.permissions_boundary:
        yield delete("delete_user_permissions_boundary")
    yield delete("delete_user")


def _delete_devices(detail: UserDetail, delete: Callable[..., Change]) -> Iterator[Change]:
    for ssh_key in detail.ssh_public_keys:
        yield delete("delete_ssh_public_key", SSHPublicKeyId=ssh_key)
    for serial in detail.mfa_devices:
        yield delete("deactivate_mfa_device", SerialNumber=serial)
        if serial.startswith("arn:"):  # a virtual device; a hardware one has a plain number
            arguments = {"SerialNumber": serial}
            yield Change(verb="delete", operation="delete_virtual_mfa_device", arguments=arguments)


def _delete_group(group: Group, members: list[str]) -> Iterator[Change]:
    delete = _deleter(GroupName=group.name)
    for member in members:
        yield delete("remove_user_from_group", UserName=member)
    for policy in group.inline_policies:
        yield delete("delete_group_policy", PolicyName=policy)
    for arn in sorted(group.attached_policies):
        yield delete("detach_group_policy", PolicyArn=arn)
    yield delete("delete_group")


def _delete_key(
    user: str, key_id: str, reason: str = "", *, heals: bool = False
) -> Iterator[Change]:
    """Deactivate first: what still uses the key fails in a way that can be undone."""
    arguments = {"UserName": user, "AccessKeyId": key_id}
    yield Change(
        verb="update",
        operation="update_access_key",
        arguments=arguments | {"Status": "Inactive"},
        reason=reason,
        heals=heals,
    )
    yield Change(
        verb="delete",
        operation="delete_access_key",
        arguments=arguments,
        reason=reason,
        heals=heals,
    )


def _deleter(**subject: str) -> Callable[..., Change]:
    def delete(operation: str, **arguments: str) -> Change:
        return Change(verb="delete", operation=operation, arguments=subject | arguments)

    return delete


def _find(
    existing: Mapping[str, Named], spelled: Mapping[str, str], name: str, kind: str
) -> Named | None:
    twin = spelled.get(name.lower(), name)
    if twin != name:
        raise InputError(
            f"The account has a {kind} {twin!r}, and IAM ignores case: {name!r} cannot be made "
            f"beside it. Write it as {twin!r}, or choose another name. Nothing was changed."
        )
    return existing.get(name)


def _notes(current: AccountState, desired: Desired) -> Iterator[str]:
    for user in desired.users:
        found = current.users.get(user.name)
        keys = found.detail.access_keys if found and found.detail else ()
        if user.access_key and keys and not any(key.stored or key.orphan for key in keys):
            listed = ", ".join(key.id for key in keys)
            yield (
                f"User {user.name} already has {len(keys)} access key(s), {listed}, not in this "
                "store: left as they are, and no other is made."
            )
    for names, existing in (
        (desired.absent_users, spellings(current.users)),
        (desired.absent_groups, spellings(current.groups)),
    ):
        for name in names:
            if existing.get(name.lower(), name) != name:
                yield f"{name} is written {existing[name.lower()]} in the account."


def _not_there(current: AccountState, wanted: Desired) -> Iterator[tuple[str, list[str]]]:
    """Of each name that must go and is not there, what to say, and the names that are near."""
    for kind, parameter, names, existing in (
        ("User", "remove_users", wanted.absent_users, current.users),
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
    for policy in desired.policies:
        if policy.holder not in (current.groups if policy.kind == "group" else current.users):
            yield f"{policy.kind.title()} {policy.holder} is not there; make it first."


def _detail(user: User) -> UserDetail:
    if user.detail is None:
        raise ValueError(f"the details of user {user.name} were not read")
    return user.detail


def _tag_list(tags: Any) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _kebab(name: str) -> str:
    """``SSHPublicKeyId`` and ``create_user`` as the AWS CLI writes them."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", name)
    return words.replace("_", "-").lower()


def _options(change: Change) -> Iterator[str]:
    for argument, value in change.arguments.items():
        option = f"--{_kebab(argument)}"
        if value is True:
            yield option
        else:
            text = shlex.quote(value if isinstance(value, str) else to_json(value))
            yield f"{option}={text}" if text.startswith("-") else f"{option} {text}"
    if change.operation == "create_login_profile":
        yield '--password "$PASSWORD"'
