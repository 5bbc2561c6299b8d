"""Plan what users and groups should have, and what they should no longer have."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from iamkit.account.state import (
    JSON,
    AccessKey,
    AccountState,
    Group,
    ManagedPolicy,
    MfaDevice,
    Role,
    User,
)
from iamkit.errors import InputError
from iamkit.parameters.hand_over import describe_way
from iamkit.plan.change import Change, Subject, Verb, holder_subject, subject_of
from iamkit.plan.desired import (
    KEY_OFF,
    DesiredGroup,
    DesiredHolder,
    DesiredPolicy,
    DesiredRole,
    DesiredUser,
    Part,
)
from iamkit.plan.lost_credentials import lost_devices, when_forgotten
from iamkit.plan.managed_policies import is_arn
from iamkit.policies import count_characters, same_policy
from iamkit.policies.grammar.quotas import QUOTAS

GROUPS_PER_USER = 10
ATTACHED_POLICIES = 10
SESSIONS_AT_ONCE = 5
RESERVED = ("/aws-service-role/", "/aws-reserved/")
"""Paths of roles that AWS keeps for itself."""


def plan_group(current: Group | None, desired: DesiredGroup) -> Iterator[Change]:
    """What makes a group as it is wanted; None for one that is not there."""
    subject = subject_of(desired)
    if current is None:
        if not desired.make:
            return
        path = {"Path": desired.path} if desired.path not in (None, "/") else {}
        yield subject.change("create", "create_group", **path)
        current = Group(name=desired.name)
    yield from _plan_policies(subject, current, desired)


def plan_role(current: Role | None, desired: DesiredRole) -> Iterator[Change]:
    """What gives a role the policies that are wanted.

    Raises:
        InputError: it is AWS's own, which nobody of the account can change.
    """
    if current is None:
        return
    if current.path.startswith(RESERVED):
        raise InputError(f"Role {current.name} is AWS's own, and not to be changed.")
    yield from _plan_policies(subject_of(desired), current, desired)


def delete_policy(policy: ManagedPolicy, origin: str) -> Iterator[Change]:
    """Remove a managed policy of the account, after its older versions.

    https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeletePolicy.html
    """
    origins: Mapping[Part, str] = {"existence": origin}
    subject = Subject("policy", policy.name, {"PolicyArn": policy.arn}, origins)
    for version in policy.other_versions:
        yield subject.change("delete", "delete_policy_version", VersionId=version.id)
    facts = ("name", "path", "document", "description")
    yield subject.change("delete", "delete_policy", {f: getattr(policy, f) for f in facts})


def create_policy(wanted: DesiredPolicy) -> Change:
    """Make a managed policy of the account."""
    described = {"Description": wanted.description} if wanted.description else {}
    arguments = {"PolicyName": wanted.name, "Path": wanted.path, **described}
    subject = Subject("policy", wanted.name, arguments, {})
    return subject.change("create", "create_policy", PolicyDocument=wanted.document)


def _plan_policies(
    subject: Subject, current: User | Group | Role, desired: DesiredHolder
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
    for arn in filter(is_arn, desired.attached_policies):
        if arn not in current.attached_policies:
            yield subject.change("create", f"attach_{subject.kind}_policy", PolicyArn=arn)


def _plan_inline(
    subject: Subject,
    current: User | Group | Role,
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
            f"The inline policies of {subject.kind} {subject.name} would have {size:,} characters; "
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


def plan_user(account: AccountState, desired: DesiredUser, *, known: bool) -> Iterator[Change]:
    """What makes a user as they are wanted.

    Args:
        account: as it was read.
        desired: the user.
        known: whether all was read of them that their credentials depend on; if not, these are
            left out.
    """
    current = account.users.get(desired.name)
    subject = subject_of(desired)
    if current is None:
        if not desired.make:
            return
        facts: dict[str, Any] = {} if desired.path in (None, "/") else {"Path": desired.path}
        facts |= {"Tags": _tag_list(desired.tags)} if desired.tags else {}
        yield subject.change("create", "create_user", **facts)
        current = User(name=desired.name, tags=desired.tags)
    else:
        if known:  # before the tags that say since when they are off
            yield from _delete_keys(subject, account, desired)
        yield from _update_user(subject, current, desired)
    yield from _plan_groups(subject, current, desired)
    yield from _plan_policies(subject, current, desired)
    yield from _plan_boundary(subject, current, desired)
    if known:
        yield from _plan_credentials(subject, account, desired)


def _plan_groups(subject: Subject, current: User, desired: DesiredUser) -> Iterator[Change]:
    others = current.groups - set(desired.groups) if desired.groups_only else ()
    named = dict.fromkeys([*desired.absent.groups, *sorted(others)])
    leaving = [group for group in named if group in current.groups]
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


def _plan_boundary(subject: Subject, current: User, desired: DesiredUser) -> Iterator[Change]:
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


def _update_user(subject: Subject, current: User, desired: DesiredUser) -> Iterator[Change]:
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
    subject: Subject, account: AccountState, desired: DesiredUser
) -> Iterator[Change]:
    yield from _plan_lost_devices(subject, account, desired)
    profile = account.login_profiles.get(desired.name)
    old = when_forgotten(account, desired)
    if profile and (desired.absent.password or old):
        reason = f"made on {old:%Y-%m-%d at %H:%M} UTC" if old else ""
        yield subject.change("delete", "delete_login_profile", None, reason)
    wanted = desired.console_password or desired.password_since
    if wanted and (profile is None or old):
        reason = describe_way("password", desired.hand_over)
        yield subject.change(
            "create", "create_login_profile", None, reason, PasswordResetRequired=True
        )
    if not any(key_obstacles(account, desired)):
        yield from _plan_keys(subject, account.access_keys.get(desired.name, ()), desired)
    yield from _revoke_sessions(subject, account, desired)


def _plan_keys(
    subject: Subject, keys: Collection[AccessKey], desired: DesiredUser
) -> Iterator[Change]:
    for key in keys:
        status = desired.key_status.get(key.id, key.status)
        if status != key.status:
            yield subject.change(
                "update", "update_access_key", key.status, AccessKeyId=key.id, Status=status
            )
    if not (desired.access_key or desired.another_key):
        return
    for key in keys:
        if key.orphan:
            lost = "an interrupted run made it, its secret is lost, nobody used it"
            for change in _delete_key(subject, key, lost):
                yield replace(change, heals=True)
    whole = sum(not key.orphan for key in keys)
    if (desired.access_key and not whole) or (desired.another_key and whole == 1):
        reason = describe_way("key", desired.hand_over)
        yield subject.change("create", "create_access_key", None, reason)


def _plan_lost_devices(
    subject: Subject, account: AccountState, desired: DesiredUser
) -> Iterator[Change]:
    """Take away the devices that should be absent, and those that are lost.

    Of a virtual one that an interrupted apply has deactivated, what is left is to delete it.
    """
    lost = {*desired.absent.mfa_devices, *lost_devices(account, desired)}
    there = account.mfa_devices.get(desired.name, ())
    yield from _plan_devices(subject, [d.serial for d in there if d.serial in lost])
    if desired.devices_since:
        for serial in account.left_devices.get(desired.name, ()):
            yield _delete_device(subject, serial)


def _delete_keys(subject: Subject, account: AccountState, desired: DesiredUser) -> Iterator[Change]:
    if any(key_obstacles(account, desired)):
        return
    for key in account.access_keys.get(desired.name, ()):
        if key.id in desired.absent.access_keys:
            yield subject.change("delete", "delete_access_key", key.status, AccessKeyId=key.id)


def key_obstacles(account: AccountState, desired: DesiredUser) -> Iterator[str]:
    """Why a user's keys stay as they are, though somebody wants it otherwise."""
    name = desired.name
    if name not in account.users or not account.was_read("ListAccessKeys", name):
        return
    keys = {key.id: key for key in account.access_keys.get(name, ())}
    if desired.another_key and all(key.orphan for key in keys.values()):
        yield f"User {name} has no access key, so there is none beside which to make another."
    tags = {key.lower() for key in account.users[name].tags}
    for key_id in desired.absent.access_keys:
        if key_id in keys and keys[key_id].status != "Inactive":
            yield f"Access key {key_id} of {name} is active, so it is not deleted."
        elif key_id in keys and f"{KEY_OFF}{key_id}".lower() not in tags:
            yield (
                f"User {name} has no tag {KEY_OFF}{key_id}, so nobody can tell since when that key "
                "is inactive, and it is not deleted."
            )
    used = account.key_uses.get(name, {})
    for key_id, known in desired.last_used.items():
        if key_id in keys and key_id in used and used[key_id].at != known:
            yield f"Access key {key_id} of {name} was used since its fate was decided."
    today = account.read_at.date().isoformat() if account.read_at else ""
    there = account.users[name].tags
    for tag, day in desired.tags.items():
        if tag.lower().startswith(KEY_OFF) and day < today and there.get(tag) != day:
            yield f"The tag {tag} of {name} should say {day}, and today is {today}: plan it anew."


def _revoke_sessions(
    subject: Subject, account: AccountState, desired: DesiredUser
) -> Iterator[Change]:
    """End sessions of ``aws login``, so many in a call as AWS takes.

    https://docs.aws.amazon.com/boto3/latest/reference/services/signin.html
    """
    live = {session.arn for session in account.sign_in_sessions.get(desired.name, ())}
    ending = [arn for arn in desired.absent.sign_in_sessions if arn in live]
    everyone = f"arn:{account.partition}:iam::{account.account_id}:*"
    of_account = replace(subject, arguments={"principalArn": everyone})
    for first in range(0, len(ending), SESSIONS_AT_ONCE):
        some = ending[first : first + SESSIONS_AT_ONCE]
        change = of_account.change("update", "batch_revoke_sessions", sessionArns=some)
        yield replace(change, service="signin")


def delete_user(account: AccountState, user: User, origin: str) -> Iterator[Change]:
    """Remove what a user owns, in the order that DeleteUser demands, and then the user.

    Their permissions boundary stays to the end and goes with them.

    https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteUser.html
    """
    name, subject = user.name, holder_subject("user", user.name, {"existence": origin})
    bound = user.permissions_boundary
    delete = partial(subject.change, "delete")
    for group in sorted(user.groups):
        yield delete("remove_user_from_group", GroupName=group)
    for key in account.access_keys.get(name, ()):
        yield from _delete_key(subject, key)
    for one in account.ssh_public_keys.get(name, ()):
        yield delete("delete_ssh_public_key", SSHPublicKeyId=one.id)
    yield from _plan_devices(subject, [d.serial for d in account.mfa_devices.get(name, ())])
    if account.login_profiles.get(name):
        yield delete("delete_login_profile")
    for one in account.signing_certificates.get(name, ()):
        yield delete("delete_signing_certificate", CertificateId=one.id)
    for one in account.service_credentials.get(name, ()):
        yield delete("delete_service_specific_credential", ServiceSpecificCredentialId=one.id)
    for policy, document in user.inline_policies.items():
        yield delete("delete_user_policy", document, PolicyName=policy)
    for arn in sorted(user.attached_policies):
        yield delete("detach_user_policy", PolicyArn=arn)
    facts = {"path": user.path, "tags": dict(user.tags), "permissions_boundary": bound}
    yield delete("delete_user", {fact: value for fact, value in facts.items() if value})


def _plan_devices(subject: Subject, serials: Iterable[str]) -> Iterator[Change]:
    """Take away devices that are there."""
    for serial in serials:
        yield subject.change("delete", "deactivate_mfa_device", SerialNumber=serial)
        if MfaDevice(serial=serial).kind == "virtual":  # the others are gone with this
            yield _delete_device(subject, serial)


def _delete_device(subject: Subject, serial: str) -> Change:
    device = replace(subject, arguments={"SerialNumber": serial})
    return device.change("delete", "delete_virtual_mfa_device")


def delete_group(group: Group, members: list[str], origin: str) -> Iterator[Change]:
    """Remove a group, after its members have left it and its policies are gone."""
    origins: Mapping[Part, str] = {"existence": origin}
    for member in members:
        leaver = holder_subject("user", member, origins)
        yield leaver.change("delete", "remove_user_from_group", GroupName=group.name)
    delete = partial(holder_subject("group", group.name, origins).change, "delete")
    for name, document in group.inline_policies.items():
        yield delete("delete_group_policy", document, PolicyName=name)
    for arn in sorted(group.attached_policies):
        yield delete("detach_group_policy", PolicyArn=arn)
    yield delete("delete_group", group.path)


def _delete_key(subject: Subject, key: AccessKey, reason: str = "") -> Iterator[Change]:
    """Deactivate first: what still uses the key fails in a way that can be undone."""
    named = {"AccessKeyId": key.id}
    if key.status != "Inactive":
        yield subject.change(
            "update", "update_access_key", key.status, reason, **named, Status="Inactive"
        )
    yield subject.change("delete", "delete_access_key", key.status, reason, **named)


def _tag_list(tags: Any) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
