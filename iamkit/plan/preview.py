"""An account as it would be after a plan, as far as anyone's permissions depend on it."""

from collections.abc import Collection
from dataclasses import replace
from typing import Any, TypeVar

from iamkit.account.state import JSON, AccountState, Group, User
from iamkit.plan.changes import Change

Named = TypeVar("Named", User, Group)


def account_after(current: AccountState, changes: Collection[Change]) -> AccountState:
    """The account with these changes made, in their order.

    Credentials are left as they are, for they permit nothing by themselves; new users have none.
    """
    users, groups = dict(current.users), dict(current.groups)
    new = {change.name for change in changes if change.operation == "create_user"}
    for change in changes:
        if change.kind == "group":
            _make(groups, change, Group)
        elif change.kind == "user":
            _make(users, change, User)
    return replace(
        current,
        users=users,
        groups=groups,
        access_keys={**current.access_keys, **dict.fromkeys(new, ())},
        mfa_devices={**current.mfa_devices, **dict.fromkeys(new, ())},
        login_profiles={**current.login_profiles, **dict.fromkeys(new)},
    )


def _make(holders: dict[str, Named], change: Change, kind: type[Named]) -> None:
    name, given = change.name, change.arguments
    if change.part != "existence":
        holders[name] = replace(holders[name], **_facts(holders[name], change))
    elif change.verb == "delete":
        del holders[name]
    else:
        tags: dict[str, Any] = {"tags": _tags(given)} if "Tags" in given else {}
        holders[name] = replace(kind(name=name, path=given.get("Path", "/")), **tags)


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


def _tags(given: JSON) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in given.get("Tags", ())}


def _changed(names: frozenset[str], name: str, change: Change) -> frozenset[str]:
    return names - {name} if change.verb == "delete" else names | {name}
