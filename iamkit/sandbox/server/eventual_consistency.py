"""Eventual consistency: for some seconds, looks do not see what was made a moment ago.

https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from iamkit.sandbox.server.account import Account
from iamkit.sandbox.server.moto_patches import clock


def is_unknown(thing: Any, seconds: float) -> bool:
    """Whether a user, group, role, policy or key is still too young to be seen."""
    if not seconds:
        return False
    age = clock.now() - thing.create_date.replace(tzinfo=None)  # AWS's own policies have a zone
    return bool(age < timedelta(seconds=seconds))


@contextmanager
def as_seen(account: Account, seconds: float) -> Iterator[None]:
    """The account as a look sees it, for one block under the account's lock."""
    if not seconds:
        yield
        return
    iam = account.iam
    names = ("users", "groups", "roles", "managed_policies", "instance_profiles")
    whole = {name: getattr(iam, name) for name in names}
    keys = {user.name: user.access_keys for user in iam.users.values()}
    members = {group.name: group.users for group in iam.groups.values()}
    try:
        for name, things in whole.items():
            seen = {key: one for key, one in things.items() if not is_unknown(one, seconds)}
            setattr(iam, name, seen)
        for user in iam.users.values():
            user.access_keys = [k for k in user.access_keys if not is_unknown(k, seconds)]
        for group in iam.groups.values():
            group.users = [user for user in group.users if not is_unknown(user, seconds)]
        yield
    finally:
        for name, things in whole.items():
            setattr(iam, name, things)
        for user in iam.users.values():
            user.access_keys = keys[user.name]
        for group in iam.groups.values():
            group.users = members[group.name]
