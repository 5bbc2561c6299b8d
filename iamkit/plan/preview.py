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
from iamkit.plan.change import Change

Named = TypeVar("Named", User, Group, Role)


def account_after(current: AccountState, changes: Iterable[Change]) -> AccountState:
    """The account with these changes made, in their order.

    A change that was made already alters nothing. A new user has no credentials. A new access key
    has the id that a journal adds to the change's arguments; that of a plan, which AWS will draw,
    is empty.
    """
    draft = _Draft(current)
    for change in changes:
        if change.part == "alias":
            gone = change.verb == "delete"
            draft.plain["alias"] = None if gone else change.arguments["AccountAlias"]
        elif change.part == "password policy":
            rules = None if change.verb == "delete" else read_rules(change.arguments)
            draft.plain["password_policy"] = rules
        elif change.kind == "group":
            _make(draft.own("groups"), change, Group)
        elif change.kind == "role":
            _make(draft.own("roles"), change, Role)
        elif change.kind == "policy":
            _make_policy(draft.own("policies"), current, change)
        elif change.kind == "user":
            _change_credentials(draft, change)
            _make(draft.own("users"), change, User)
    changed: dict[str, Any] = {**draft.plain, **draft.copied}
    return replace(current, **changed)


class _Draft:
    """An account that is being changed; what changes is copied once, however often it does."""

    def __init__(self, account: AccountState) -> None:
        self.account = account
        self.plain: dict[str, Any] = {}
        self.copied: dict[str, dict[str, Any]] = {}

    def own(self, field: str) -> dict[str, Any]:
        """A field of it, by name or ARN, to be changed."""
        if field not in self.copied:
            self.copied[field] = dict(getattr(self.account, field))
        return self.copied[field]


def _make(holders: dict[str, Any], change: Change, kind: type[Named]) -> None:
    name, given = change.name, change.arguments
    there = holders.get(name)
    if change.part != "existence":
        if there:
            holders[name] = replace(there, **_facts(there, change))
    elif change.verb == "delete":
        holders.pop(name, None)
    elif not there:
        tags: dict[str, Any] = {"tags": _tags(given)} if "Tags" in given else {}
        holders[name] = replace(kind(name=name, path=given.get("Path", "/")), **tags)


def _make_policy(policies: dict[str, ManagedPolicy], account: AccountState, change: Change) -> None:
    given = change.arguments
    if change.operation == "create_policy":
        path, name = given["Path"], given["PolicyName"]
        arn = f"arn:{account.partition}:iam::{account.account_id}:policy{path}{name}"
        facts = {"document": given["PolicyDocument"], "description": given.get("Description", "")}
        policies.setdefault(arn, ManagedPolicy(arn=arn, name=name, path=path, **facts))
        return
    arn = given["PolicyArn"]
    if change.operation == "delete_policy" or arn not in policies:
        policies.pop(arn, None)
        return
    left = tuple(v for v in policies[arn].other_versions if v.id != given["VersionId"])
    policies[arn] = replace(policies[arn], other_versions=left, versions=1 + len(left))


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


def _change_credentials(draft: _Draft, change: Change) -> None:
    """What a change makes of a user's credentials."""
    there = change.name in draft.own("users")
    if change.part == "existence" and there == (change.verb == "delete"):
        for field, nothing in NOTHING.items():
            if there:
                draft.own(field).pop(change.name, None)
            else:
                draft.own(field)[change.name] = nothing
    if change.operation in CREDENTIALS:
        field, changed = CREDENTIALS[change.operation]
        of_users = draft.own(field)
        before = of_users.get(change.name)
        made = changed(before, change.arguments)
        if change.operation == "create_login_profile" and before is None:
            made = replace(made, created=draft.account.read_at)
        if made != () or change.name in of_users:  # of what was not read, the rest stays unknown
            of_users[change.name] = made


NOTHING: Mapping[str, Any] = {"access_keys": (), "mfa_devices": (), "login_profiles": None}
"""By field of the account, what stands there for a user without such a thing."""


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
    "batch_revoke_sessions": (
        "sign_in_sessions",
        lambda there, a: tuple(s for s in there or () if s.arn not in a["sessionArns"]),
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
