"""One row per user: plain DataFrames with real dtypes and a stable order."""

import pandas as pd

from iamkit.account import AccountState, User

USER_DTYPES = {
    "user": "str",
    "path": "str",
    "created": "datetime64[us, UTC]",
    "groups": "str",
    "policies": "str",
    "tags": "str",
    "console_password": "boolean",
    "access_keys": "str",
    "active_keys": "Int64",
    "oldest_key_days": "Int64",
}


def audit_users(state: AccountState) -> pd.DataFrame:
    """Everyone in the account as a table, in the order of their names.

    Args:
        state: an account; where a user's details were not read, the cells are missing (NA).

    Returns:
        A DataFrame with the columns and dtypes of ``USER_DTYPES``: ``policies`` lists the user's
        own, inline and attached; ``access_keys`` the ids with their status; ``oldest_key_days``
        is the age in days, at the time of reading, of the oldest key that is active.
    """
    rows = [_row(user, state) for _, user in sorted(state.users.items())]
    frame = pd.DataFrame(rows, columns=list(USER_DTYPES))
    frame["created"] = pd.to_datetime(frame["created"], utc=True)
    return frame.astype(USER_DTYPES)


def _row(user: User, state: AccountState) -> list[object]:
    arns = [arn.rpartition("/")[2] for arn in user.attached_policies]
    return [
        user.name,
        user.path,
        user.created,
        ", ".join(sorted(user.groups)),
        ", ".join(sorted([*user.inline_policies, *arns])),
        ", ".join(f"{key}={value}" for key, value in sorted(user.tags.items())),
        *_credentials(user, state),
    ]


def _credentials(user: User, state: AccountState) -> list[object]:
    if user.detail is None:
        return [pd.NA] * 4
    keys = user.detail.access_keys
    active = [key for key in keys if key.status == "Active"]
    now = state.read_at
    ages = [(now - key.created).days for key in active if now and key.created]
    return [
        user.detail.has_login_profile,
        ", ".join(f"{key.id} ({key.status})" for key in keys),
        len(active),
        max(ages) if ages else pd.NA,
    ]
