"""From the account as it is to what is wanted: a plan of changes, each one API call.

Planning is pure: it knows nothing of AWS's libraries, and a dry run is a plan that nobody applied.
"""

import re
import shlex
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal, TypeVar

from iamkit.account.state import JSON, AccessKey, AccountState, Group, User, UserDetail
from iamkit.errors import InputError, UnsafePlan
from iamkit.parameters.hand_over import describe_way
from iamkit.parameters.iam_names import near_names, spellings
from iamkit.plan.desired import Desired, DesiredGroup, DesiredPolicy, DesiredUser, Part
from iamkit.plan.operations import OPERATIONS
from iamkit.policies import count_characters, same_policy
from iamkit.policies.grammar.document import to_json
from iamkit.policies.grammar.quotas import QUOTAS

Verb = Literal["create", "update", "replace", "delete"]
Kind = Literal["user", "group", "account alias"]
Named = TypeVar("Named", User, Group)
GROUPS_PER_USER = 10
ATTACHED_POLICIES = 10
PER_ACCOUNT = {"user": 5_000, "group": 500}
"""How many there may be, where AWS grants what it grants at most.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
"""


@dataclass(frozen=True, kw_only=True)
class Change:
    """One API call: the boto3 method and its arguments, without any secret.

    Attributes:
        verb: what it does; ``replace`` and ``delete`` are destructive.
        operation: the boto3 method, such as ``create_group``; one of ``OPERATIONS``.
        arguments: its arguments; a policy document is given as an object.
        kind: of what it touches: a user with all that is theirs, a group, or the account.
        name: of the user or group, or the account's alias.
        origin: the parameter that it comes from; empty for none.
        before: what is there now, where the change would overwrite or remove it and it can be read.
        reason: why, where the arguments do not say it.
        heals: whether it only removes what an interrupted run of ours left behind.
        service: boto3's name of the service.
    """

    verb: Verb
    operation: str
    arguments: JSON
    kind: Kind
    name: str
    origin: str = ""
    before: Any = None
    reason: str = ""
    heals: bool = False
    service: str = "iam"

    @property
    def destructive(self) -> bool:
        """Whether something is lost that people may rely on."""
        return self.verb in ("replace", "delete") and not self.heals

    @property
    def part(self) -> Part:
        """What of the user, group or account it touches."""
        return OPERATIONS[self.operation].part

    @property
    def target(self) -> str:
        """What it touches, in words: ``user alice``."""
        return f"{self.kind} {self.name}"

    @property
    def inverse(self) -> Desired | None:
        """The desired state that takes it back; None if there is none, and ``no_way_back`` why."""
        way_back = OPERATIONS[self.operation].way_back
        return None if isinstance(way_back, str) else way_back(self.arguments, self.before)

    @property
    def no_way_back(self) -> str:
        """Why it cannot be taken back; empty if it can."""
        way_back = OPERATIONS[self.operation].way_back
        return way_back if isinstance(way_back, str) else ""

    @property
    def command(self) -> str:
        """The same call as an ``aws`` command that a shell runs as it stands."""
        return " ".join(["aws", self.service, _kebab(self.operation), *_options(self)])


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
    changes += _plan_alias(current.alias, wanted)
    for name in wanted.absent_users:
        if name in current.users:
            changes += _delete_user(current.users[name], wanted.origins.get("absent_users", ""))
    for name in wanted.absent_groups:
        if name in current.groups:
            staying = (u for u in current.users.values() if u.name not in wanted.absent_users)
            members = [user.name for user in staying if name in user.groups]
            origin = wanted.origins.get("absent_groups", "")
            changes += _delete_group(current.groups[name], members, origin)
    absent = list(_not_there(current, wanted))
    return Plan(
        account_id=current.account_id,
        desired=desired,
        changes=tuple(changes),
        notes=(*_notes(current, desired), *(said for said, _ in absent)),
        doubts=tuple(said for said, near in absent if near),
        blockers=tuple(_blockers(current, wanted)),
    )


@dataclass(frozen=True)
class _Subject:
    """A user, a group or the account, of which the planner makes changes.

    Attributes:
        arguments: those that name it in a call.
        origins: by part, the parameter that a change comes from.
    """

    kind: Kind
    name: str
    arguments: JSON
    origins: Mapping[Part, str]

    @property
    def target(self) -> str:
        """In words: ``user alice``."""
        return f"{self.kind} {self.name}"

    def change(
        self, verb: Verb, operation: str, before: Any = None, reason: str = "", **arguments: Any
    ) -> Change:
        """A change of it."""
        part = OPERATIONS[operation].part
        return Change(
            verb=verb,
            operation=operation,
            arguments={**self.arguments, **arguments},
            kind=self.kind,
            name=self.name,
            origin=self.origins.get(part, self.origins.get("existence", "")),
            before=before,
            reason=reason,
        )


def _user(name: str, origins: Mapping[Part, str]) -> _Subject:
    return _Subject("user", name, {"UserName": name}, origins)


def _group(name: str, origins: Mapping[Part, str]) -> _Subject:
    return _Subject("group", name, {"GroupName": name}, origins)


def _check_quotas(current: AccountState, wanted: Desired) -> None:
    """Refuse more users or groups than an account may have; those who leave go after these come.

    Raises:
        InputError: naming the quota.
    """
    for kind, there, named in (
        ("user", current.users, [user.name for user in wanted.users if user.make]),
        ("group", current.groups, [group.name for group in wanted.groups if group.make]),
    ):
        new = len(spellings(named).keys() - spellings(there).keys())
        if new and len(there) + new > PER_ACCOUNT[kind]:
            raise InputError(
                f"The account would have {len(there) + new:,} {kind}s: {len(there):,} that are "
                f"there and {new:,} new; AWS allows {PER_ACCOUNT[kind]:,}. Nothing was changed."
            )


def _plan_group(current: Group | None, desired: DesiredGroup) -> Iterator[Change]:
    subject = _group(desired.name, desired.origins)
    if current is None:
        if not desired.make:
            return
        path = {"Path": desired.path} if desired.path not in (None, "/") else {}
        yield subject.change("create", "create_group", **path)
        current = Group(name=desired.name)
    yield from _plan_policies(subject, current, desired)


def _plan_policies(
    subject: _Subject, current: User | Group, desired: DesiredUser | DesiredGroup
) -> Iterator[Change]:
    """Those that go come first, so that the others have room within the quotas."""
    for name in desired.absent.inline_policies:
        if (document := current.inline_policies.get(name)) is not None:
            operation = f"delete_{subject.kind}_policy"
            yield subject.change("delete", operation, document, PolicyName=name)
    for arn in desired.absent.attached_policies:
        if arn in current.attached_policies:
            yield subject.change("delete", f"detach_{subject.kind}_policy", PolicyArn=arn)
    yield from _plan_inline(
        subject, current, desired.inline_policies, desired.absent.inline_policies
    )
    attached = current.attached_policies - set(desired.absent.attached_policies)
    attached |= set(desired.attached_policies)
    if len(attached) > ATTACHED_POLICIES and desired.attached_policies:
        raise InputError(
            f"{subject.kind.title()} {subject.name} would have {len(attached)} attached policies; "
            f"AWS allows {ATTACHED_POLICIES}. Nothing was changed."
        )
    for arn in desired.attached_policies:
        if arn not in current.attached_policies:
            yield subject.change("create", f"attach_{subject.kind}_policy", PolicyArn=arn)


def _plan_inline(
    subject: _Subject,
    current: User | Group,
    wanted: Mapping[str, JSON],
    absent: Collection[str] = (),
) -> Iterator[Change]:
    """The inline policies that differ; all of a principal's together have one quota."""
    there = {n: d for n, d in current.inline_policies.items() if n not in absent}
    kept = {name: document for name, document in there.items() if name not in wanted}
    size = sum(count_characters(document) for document in [*kept.values(), *wanted.values()])
    quota = QUOTAS[f"{subject.kind}'s inline policies"]
    if wanted and size > quota:
        raise InputError(
            f"The inline policies of {subject.target} would have {size:,} characters; "
            f"AWS allows {quota:,}, white space not counted. Nothing was changed."
        )
    for name, document in wanted.items():
        before = there.get(name)
        if before is not None and same_policy(before, document):
            continue
        yield subject.change(
            "create" if before is None else "update",
            f"put_{subject.kind}_policy",
            before,
            PolicyName=name,
            PolicyDocument=document,
        )


def _plan_policy(current: AccountState, desired: DesiredPolicy) -> Iterator[Change]:
    existing: Mapping[str, User | Group] = current.groups
    if desired.kind == "user":
        existing = current.users
    holder = existing.get(desired.holder)
    if holder is not None:
        subject = (_user if desired.kind == "user" else _group)(desired.holder, {})
        yield from _plan_inline(subject, holder, {desired.name: desired.document})


def _plan_user(current: User | None, desired: DesiredUser) -> Iterator[Change]:
    subject = _user(desired.name, desired.origins)
    if current is None:
        if not desired.make:
            return
        facts: dict[str, Any] = {} if desired.path in (None, "/") else {"Path": desired.path}
        facts |= {"Tags": _tag_list(desired.tags)} if desired.tags else {}
        yield subject.change("create", "create_user", **facts)
        current = User(name=desired.name, tags=desired.tags, detail=UserDetail())
    else:
        yield from _update_user(subject, current, desired)
    yield from _plan_groups(subject, current, desired)
    yield from _plan_policies(subject, current, desired)
    yield from _plan_boundary(subject, current, desired)
    yield from _plan_credentials(subject, _detail(current), desired)


def _plan_groups(subject: _Subject, current: User, desired: DesiredUser) -> Iterator[Change]:
    leaving = [group for group in desired.absent.groups if group in current.groups]
    groups = (current.groups - set(leaving)) | set(desired.groups)
    if desired.groups and len(groups) > GROUPS_PER_USER:
        raise InputError(
            f"User {desired.name} would be in {len(groups)} groups; AWS allows {GROUPS_PER_USER}. "
            "Nothing was changed."
        )
    for group in leaving:
        yield subject.change("delete", "remove_user_from_group", GroupName=group)
    for group in desired.groups:
        if group not in current.groups:
            yield subject.change("create", "add_user_to_group", GroupName=group)


def _plan_boundary(subject: _Subject, current: User, desired: DesiredUser) -> Iterator[Change]:
    before = current.permissions_boundary
    if desired.absent.permissions_boundary and before:
        yield subject.change("delete", "delete_user_permissions_boundary", before)
    elif desired.permissions_boundary not in (None, before):
        yield subject.change(
            "update" if before else "create",
            "put_user_permissions_boundary",
            before,
            PermissionsBoundary=desired.permissions_boundary,
        )


def _update_user(subject: _Subject, current: User, desired: DesiredUser) -> Iterator[Change]:
    if desired.path not in (None, current.path):
        yield subject.change("update", "update_user", current.path, NewPath=desired.path)
    going = {k: current.tags[k] for k in desired.absent.tags if k in current.tags}
    if going:
        yield subject.change("delete", "untag_user", going, TagKeys=list(going))
    tags = {key: value for key, value in desired.tags.items() if current.tags.get(key) != value}
    if tags:
        before = {key: current.tags[key] for key in tags if key in current.tags}
        verb: Verb = "update" if before else "create"
        yield subject.change(verb, "tag_user", before or None, Tags=_tag_list(tags))


def _plan_credentials(
    subject: _Subject, detail: UserDetail, desired: DesiredUser
) -> Iterator[Change]:
    yield from _plan_devices(subject, detail, desired.absent.mfa_devices)
    if desired.absent.password and detail.has_login_profile:
        yield subject.change("delete", "delete_login_profile")
    if desired.console_password and not detail.has_login_profile:
        reason = describe_way("password", desired.hand_over)
        yield subject.change(
            "create", "create_login_profile", None, reason, PasswordResetRequired=True
        )
    for key in detail.access_keys:
        status = desired.key_status.get(key.id, key.status)
        if status != key.status:
            yield subject.change(
                "update", "update_access_key", key.status, AccessKeyId=key.id, Status=status
            )
    if not desired.access_key:
        return
    for key in detail.access_keys:
        if key.orphan:
            lost = "an interrupted run made it, its secret is lost, nobody used it"
            for change in _delete_key(subject, key, lost):
                yield replace(change, heals=True)
    if all(key.orphan for key in detail.access_keys):
        reason = describe_way("key", desired.hand_over)
        yield subject.change("create", "create_access_key", None, reason)


def _plan_alias(current: str | None, desired: Desired) -> Iterator[Change]:
    origin = desired.origins.get("alias", "")

    def change(verb: Verb, operation: str, alias: str, reason: str = "") -> Change:
        subject = _Subject("account alias", alias, {"AccountAlias": alias}, {"alias": origin})
        return subject.change(verb, operation, current, reason)

    if desired.alias not in (None, current):
        old = f"would replace {current}, whose address stops working" if current else ""
        yield change("replace" if current else "create", "create_account_alias", desired.alias, old)
    elif current and current == desired.absent_alias:
        yield change("delete", "delete_account_alias", current)


def _delete_user(user: User, origin: str) -> Iterator[Change]:
    """Remove what a user owns, in the order that DeleteUser demands, and then the user.

    https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteUser.html
    """
    detail = _detail(user)
    subject = _user(user.name, {"existence": origin})
    delete = partial(subject.change, "delete")
    for group in sorted(user.groups):
        yield delete("remove_user_from_group", GroupName=group)
    for key in detail.access_keys:
        yield from _delete_key(subject, key)
    for ssh_key in detail.ssh_public_keys:
        yield delete("delete_ssh_public_key", SSHPublicKeyId=ssh_key)
    yield from _plan_devices(subject, detail, detail.mfa_devices)
    if detail.has_login_profile:
        yield delete("delete_login_profile")
    for certificate in detail.signing_certificates:
        yield delete("delete_signing_certificate", CertificateId=certificate)
    for credential in detail.service_specific_credentials:
        operation = "delete_service_specific_credential"
        yield delete(operation, ServiceSpecificCredentialId=credential)
    for name, document in user.inline_policies.items():
        yield delete("delete_user_policy", document, PolicyName=name)
    for arn in sorted(user.attached_policies):
        yield delete("detach_user_policy", PolicyArn=arn)
    if user.permissions_boundary:
        yield delete("delete_user_permissions_boundary", user.permissions_boundary)
    yield delete("delete_user", user.path)


def _plan_devices(subject: _Subject, detail: UserDetail, absent: Iterable[str]) -> Iterator[Change]:
    for serial in absent:
        if serial in detail.mfa_devices:
            yield subject.change("delete", "deactivate_mfa_device", SerialNumber=serial)
            if serial.startswith("arn:"):  # a virtual device; a hardware one has a plain number
                device = replace(subject, arguments={"SerialNumber": serial})
                yield device.change("delete", "delete_virtual_mfa_device")


def _delete_group(group: Group, members: list[str], origin: str) -> Iterator[Change]:
    origins: Mapping[Part, str] = {"existence": origin}
    for member in members:
        yield _user(member, origins).change(
            "delete", "remove_user_from_group", GroupName=group.name
        )
    delete = partial(_group(group.name, origins).change, "delete")
    for name, document in group.inline_policies.items():
        yield delete("delete_group_policy", document, PolicyName=name)
    for arn in sorted(group.attached_policies):
        yield delete("detach_group_policy", PolicyArn=arn)
    yield delete("delete_group", group.path)


def _delete_key(subject: _Subject, key: AccessKey, reason: str = "") -> Iterator[Change]:
    """Deactivate first: what still uses the key fails in a way that can be undone."""
    named = {"AccessKeyId": key.id}
    yield subject.change(
        "update", "update_access_key", key.status, reason, **named, Status="Inactive"
    )
    yield subject.change("delete", "delete_access_key", key.status, reason, **named)


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
    for kind, named, existing in (
        ("Group", desired.groups, current.groups),
        ("User", desired.users, current.users),
    ):
        for one in named:
            if not one.make and one.name not in existing:
                yield f"{kind} {one.name} is not there; make it first."
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
        if isinstance(value, bool):
            yield option if value else f"--no-{_kebab(argument)}"
        else:
            text = shlex.quote(value if isinstance(value, str) else to_json(value))
            yield f"{option}={text}" if text.startswith("-") else f"{option} {text}"
    if change.operation == "create_login_profile":
        yield '--password "$PASSWORD"'
