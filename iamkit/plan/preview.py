"""An account as it would be after a plan, as far as anyone's permissions depend on it."""

from collections.abc import Iterable
from dataclasses import replace
from typing import TypeVar

from iamkit.account.state import AccountState, Group, User
from iamkit.plan.changes import Change

Holder = TypeVar("Holder", User, Group)


def account_after(current: AccountState, changes: Iterable[Change]) -> AccountState:
    """The account with these changes made, in their order.

    Credentials are left as they are: they permit nothing by themselves.

    Args:
        current: the account as it was read.
        changes: those of a plan for it.
    """
    users, groups = dict(current.users), dict(current.groups)
    for change in changes:
        if change.kind == "group":
            _change_group(groups, change)
        elif change.kind == "user":
            _change_user(users, change)
    return replace(current, users=users, groups=groups)


def _change_group(groups: dict[str, Group], change: Change) -> None:
    name, given = change.name, change.arguments
    match change.operation:
        case "create_group":
            groups[name] = Group(name=name, path=given.get("Path", "/"))
        case "delete_group":
            del groups[name]
        case _:
            groups[name] = _with_policies(groups[name], change)


def _change_user(users: dict[str, User], change: Change) -> None:
    name, given = change.name, change.arguments
    match change.operation:
        case "create_user":
            tags = {tag["Key"]: tag["Value"] for tag in given.get("Tags", ())}
            users[name] = User(name=name, path=given.get("Path", "/"), tags=tags)
        case "delete_user":
            del users[name]
        case _:
            users[name] = _with_facts(_with_policies(users[name], change), change)


def _with_facts(user: User, change: Change) -> User:
    """The user with another path, tags, groups or boundary, if the change is of that kind."""
    given = change.arguments
    match change.part:
        case "path":
            return replace(user, path=given["NewPath"])
        case "tags":
            going = given.get("TagKeys", ())
            kept = {key: value for key, value in user.tags.items() if key not in going}
            given_now = {tag["Key"]: tag["Value"] for tag in given.get("Tags", ())}
            return replace(user, tags=kept | given_now)
        case "membership":
            return replace(user, groups=_changed(user.groups, given["GroupName"], change))
        case "permissions boundary":
            return replace(user, permissions_boundary=given.get("PermissionsBoundary"))
    return user


def _with_policies(holder: Holder, change: Change) -> Holder:
    """The holder with a policy more, another or fewer, if the change is of that kind."""
    given = change.arguments
    match change.part:
        case "inline policy":
            name, document = given["PolicyName"], given.get("PolicyDocument")
            kept = {n: d for n, d in holder.inline_policies.items() if n != name}
            return replace(holder, inline_policies=kept | ({name: document} if document else {}))
        case "attached policy":
            attached = _changed(holder.attached_policies, given["PolicyArn"], change)
            return replace(holder, attached_policies=attached)
    return holder


def _changed(names: frozenset[str], name: str, change: Change) -> frozenset[str]:
    return names - {name} if change.verb == "delete" else names | {name}
