"""An account as it would be after a plan, as far as anyone's permissions depend on it."""

from collections.abc import Iterable
from dataclasses import replace
from typing import TypeVar

from iamkit.account import AccountState, Group, User
from iamkit.plan import Change

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
        given = change.arguments
        match change.operation:
            case "create_group":
                groups[given["GroupName"]] = Group(name=given["GroupName"])
            case "create_user":
                path = given.get("Path", "/")
                users[given["UserName"]] = User(name=given["UserName"], path=path)
            case "delete_group":
                del groups[given["GroupName"]]
            case "delete_user":
                del users[given["UserName"]]
            case "delete_user_permissions_boundary":
                user = users[given["UserName"]]
                users[user.name] = replace(user, permissions_boundary=None)
            case "add_user_to_group" | "remove_user_from_group":
                user, group = users[given["UserName"]], frozenset([given["GroupName"]])
                joins = change.operation == "add_user_to_group"
                member = user.groups | group if joins else user.groups - group
                users[user.name] = replace(user, groups=member)
            case _ if "UserName" in given:
                users[given["UserName"]] = _with_policies(users[given["UserName"]], change)
            case _ if "GroupName" in given:
                groups[given["GroupName"]] = _with_policies(groups[given["GroupName"]], change)
    return replace(current, users=users, groups=groups)


def _with_policies(holder: Holder, change: Change) -> Holder:
    """The holder with a policy put, deleted or detached, if the change is of that kind."""
    given = change.arguments
    inline = {n: d for n, d in holder.inline_policies.items() if n != given.get("PolicyName")}
    if "PolicyDocument" in given:
        inline[given["PolicyName"]] = given["PolicyDocument"]
    attached = holder.attached_policies - {given.get("PolicyArn", "")}
    return replace(holder, inline_policies=inline, attached_policies=attached)
