"""A change as a planner makes it, for tests of what comes after."""

from iamkit.plan.changes import Change

NAMED_BY = {"UserName": "user", "GroupName": "group", "AccountAlias": "account alias"}


def change(verb, operation, before=None, reason="", **arguments):
    """A change of what its arguments name first: a user, a group, or the account's alias."""
    argument = next(name for name in NAMED_BY if name in arguments)
    return Change(
        verb=verb,
        operation=operation,
        arguments=arguments,
        kind=NAMED_BY[argument],
        name=arguments[argument],
        before=before,
        reason=reason,
    )
