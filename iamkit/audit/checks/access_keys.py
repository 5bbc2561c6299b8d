"""Access keys."""

from functools import partial
from typing import Any

import pandas as pd

from iamkit.audit.checks.registry import check
from iamkit.audit.remedies import SWITCH_OFF
from iamkit.parameters.thresholds import Thresholds

_ROTATE = "10_rotate_keys"
_of_keys = partial(check, table="access_keys")


@_of_keys(
    "setup-key",
    "No access key is made at a user's set-up",
    severity="low",
    data=["password_enabled", "used", "age_days"],
    cis="1.11 1.11 1.10 2.10 -",
    rationale="A key that nobody asked for lies around.",
    action="Deactivate the key; delete it when nobody has missed it",
    remedy=SWITCH_OFF,
    reading="As CIS writes: a password enabled, and an active key that was never used. Others "
    "look for a key made within seconds of the user.",
)
def setup_key(keys: pd.DataFrame, limits: Thresholds) -> Any:
    """Never used, beside a password; on its first day it may still be."""
    old_enough = keys.age_days >= limits.setup_days
    return keys.password_enabled & keys.active & ~keys.used & old_enough


@_of_keys(
    "unused-key",
    "Access keys that nobody uses are deactivated",
    data=["last_used", "last_rotated", "idle_days"],
    cis="1.12 1.12 1.11 2.11 2.11",
    rationale="Nobody notices when an unused credential is stolen.",
    action="Deactivate the key; delete it when nobody has missed it",
    remedy=SWITCH_OFF,
    reading="As CIS writes: a key that was never used counts from when it was rotated, and 45 "
    "days are too many. Some tools pass it at any age.",
)
def unused_key(keys: pd.DataFrame, limits: Thresholds) -> Any:
    """Active, and idle for ``unused_days`` or longer; a younger key cannot be."""
    idle = (keys.idle_days >= limits.unused_days) & (keys.age_days >= limits.unused_days)
    return keys.active & idle


@_of_keys(
    "second-key",
    "A user has one active access key",
    severity="low",
    data=["active_keys", "age_days"],
    cis="1.13 1.13 1.12 2.12 -",
    rationale="Two are for the days of a rotation.",
    action=f"Finish the rotation ({_ROTATE}): deactivate the older key",
    remedy=SWITCH_OFF,
    reading="The older of two active keys is named.",
)
def second_key(keys: pd.DataFrame, _: Thresholds) -> Any:
    """Active beside a younger one."""
    return keys.active & (keys.active_keys > 1) & ~keys.newest


@_of_keys(
    "key-rotation",
    "Access keys are rotated within 90 days",
    data=["last_rotated", "age_days"],
    cis="1.14 1.14 1.13 2.13 2.12",
    rationale="The longer a key lives, the more copies of it there are.",
    action=f"Rotate it with {_ROTATE}: a new key, the change-over, this one off",
    remedy="aws iam create-access-key --user-name={user}\n"
    "aws iam update-access-key --user-name={user} --access-key-id={key} --status=Inactive",
    by_hand=f"It takes days: {_ROTATE} waits until the new key is in use.",
    reading="Full days count: 90 days and some hours are 90, which is within.",
)
def key_rotation(keys: pd.DataFrame, limits: Thresholds) -> Any:
    """Active, and older than ``rotation_days``."""
    return keys.active & (keys.age_days > limits.rotation_days)
