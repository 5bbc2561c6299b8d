"""An account as it would be after a plan."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from iamkit.account.api_replies import read_rules
from iamkit.account.state import (
    JSON,
    AccessKey,
    AccountState,
    Group,
    LoginProfile,
    ManagedPolicy,
    Role,
    User,
)
from iamkit.plan.changes import Change

Named = TypeVar("Named", User, Group, Role)


def account_after(current: AccountState, changes: Iterable[Change]) -> AccountState:
    """The account with these changes made, in their order.

    A change that was made already alters nothing. A new user has no credentials. A new access key
    has the id that a journal adds to the change's arguments; that of a plan, which AWS will draw,
    is empty.
    """
    state = current
    for change in changes:
        if change.part == "alias":
            gone = change.verb == "delete"
            state = replace(state, alias=None if gone else change.arguments["AccountAlias"])
        elif change.part == "password policy":
            rules = None if change.verb == "delete" else read_rules(change.arguments)
            state = replace(state, password_policy=rules)
        elif change.kind == "group":
            state = replace(state, groups=_made(state.groups, change, Group))
        elif change.kind == "role":
            state = replace(state, roles=_made(state.roles, change, Role))
        elif change.kind == "policy":
            state = replace(state, policies=_policies(state, change))
        elif change.kind == "user":
            of_users = _credentials(state, change)
            state = replace(state, users=_made(state.users, change, User), **of_users)
    return state


def _made(holders: Mapping[str, Named], change: Change, kind: type[Named]) -> Mapping[str, Named]:
    name, given = change.name, change.arguments
    there = holders.get(name)
    if change.part != "existence":
        return {**holders, name: replace(there, **_facts(there, change))} if there else holders
    if change.verb == "delete":
        return {other: holder for other, holder in holders.items() if other != name}
    tags: dict[str, Any] = {"tags": _tags(given)} if "Tags" in given else {}
    return {name: replace(kind(name=name, path=given.get("Path", "/")), **tags), **holders}


def _policies(state: AccountState, change: Change) -> Mapping[str, ManagedPolicy]:
    given, there = change.arguments, state.policies
    if change.operation == "create_policy":
        path, name = given["Path"], given["PolicyName"]
        arn = f"arn:{state.partition}:iam::{state.account_id}:policy{path}{name}"
        facts = {"document": given["PolicyDocument"], "description": given.get("Description", "")}
        made = ManagedPolicy(arn=arn, name=name, path=path, **facts)
        return there if arn in there else {**there, arn: made}
    arn = given["PolicyArn"]
    if change.operation == "delete_policy" or arn not in there:
        return {key: policy for key, policy in there.items() if key != arn}
    left = tuple(v for v in there[arn].other_versions if v.id != given["VersionId"])
    return {**there, arn: replace(there[arn], other_versions=left, versions=1 + len(left))}


def _facts(holder: Any, change: Change) -> dict[str, Any]:
    """What a change makes of a user or group, by the names of its fields; credentials are none."""
    given, found = change.arguments, dict[str, Any]()
    match change.part:
        case "path":
            found["path"] = given["NewPath"]
        case "tags":
            going = given.get("TagKeys", ())
            kept = {key: value for key, value in holder.tags.items() if key not in going}
            found["tags"] = kept | _tags(given)
        case "membership":
            found["groups"] = _changed(holder.groups, given["GroupName"], change)
        case "permissions boundary":
            found["permissions_boundary"] = given.get("PermissionsBoundary")
        case "inline policy":
            name, document = given["PolicyName"], given.get("PolicyDocument")
            kept = {n: d for n, d in holder.inline_policies.items() if n != name}
            found["inline_policies"] = kept | ({name: document} if document else {})
        case "attached policy":
            attached = _changed(holder.attached_policies, given["PolicyArn"], change)
            found["attached_policies"] = attached
    return found


def _credentials(state: AccountState, change: Change) -> dict[str, Any]:
    """What a change makes of a user's credentials, by the field of the account."""
    if change.part == "existence" and (change.name in state.users) == (change.verb == "delete"):
        return {f: _of_users(getattr(state, f), change, none) for f, none in NOTHING.items()}
    if change.operation not in CREDENTIALS:
        return {}
    field, changed = CREDENTIALS[change.operation]
    of_users: Mapping[str, Any] = getattr(state, field)
    there = of_users.get(change.name)
    made = changed(there, change.arguments)
    if made == () and change.name not in of_users:
        return {}  # of what was not read, the rest is as unknown as before
    if change.operation == "create_login_profile" and there is None:
        made = replace(made, created=state.read_at)
    return {field: {**of_users, change.name: made}}


NOTHING: Mapping[str, Any] = {"access_keys": (), "mfa_devices": (), "login_profiles": None}
"""By field of the account, what stands there for a user without such a thing."""


def _of_users(of_users: Mapping[str, Any], change: Change, nothing: Any) -> Mapping[str, Any]:
    """A field with nothing of a user who is new, and without one who is gone."""
    others = {name: some for name, some in of_users.items() if name != change.name}
    return others if change.verb == "delete" else {**others, change.name: nothing}


def _with_key(keys: tuple[AccessKey, ...] | None, given: JSON) -> tuple[AccessKey, ...]:
    there, made = keys or (), AccessKey(id=given.get("AccessKeyId", ""))
    return there if made.id in {key.id for key in there if key.id} else (*there, made)


def _with_status(keys: tuple[AccessKey, ...] | None, given: JSON) -> tuple[AccessKey, ...]:
    named, status = given["AccessKeyId"], given["Status"]
    return tuple(replace(k, status=status) if k.id == named else k for k in keys or ())


def _without(argument: str, name: str = "id") -> Callable[[Any, JSON], Any]:
    return lambda there, a: tuple(one for one in there or () if getattr(one, name) != a[argument])


CREDENTIALS: Mapping[str, tuple[str, Callable[[Any, JSON], Any]]] = {
    "create_access_key": ("access_keys", _with_key),
    "update_access_key": ("access_keys", _with_status),
    "delete_access_key": ("access_keys", _without("AccessKeyId")),
    "create_login_profile": (
        "login_profiles",
        lambda there, a: (
            there or LoginProfile(reset_required=a.get("PasswordResetRequired", False))
        ),
    ),
    "delete_login_profile": ("login_profiles", lambda *_: None),
    "deactivate_mfa_device": ("mfa_devices", _without("SerialNumber", "serial")),
    "delete_virtual_mfa_device": (
        "left_devices",
        lambda there, a: tuple(serial for serial in there or () if serial != a["SerialNumber"]),
    ),
    "delete_ssh_public_key": ("ssh_public_keys", _without("SSHPublicKeyId")),
    "delete_signing_certificate": ("signing_certificates", _without("CertificateId")),
    "delete_service_specific_credential": (
        "service_credentials",
        _without("ServiceSpecificCredentialId"),
    ),
}
"""By operation, the account's field of users' credentials, and what it makes of a user's."""


def _tags(given: JSON) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in given.get("Tags", ())}


def _changed(names: frozenset[str], name: str, change: Change) -> frozenset[str]:
    return names - {name} if change.verb == "delete" else names | {name}
