"""Users: how they sign in, what they may do."""

from typing import Any

import pandas as pd

from iamkit.audit.checks.registry import OF_PATHS, check
from iamkit.audit.remedies import JOIN, MOVE
from iamkit.parameters.thresholds import Thresholds

_RULES = "08_sign_in_rules"
_LEAVE = "11_leavers"


@check(
    "console-mfa",
    "Who has a console password has MFA",
    severity="high",
    data=["password_enabled", "mfa_active"],
    cis="1.10 1.10 1.9 2.9 2.10",
    rationale="A password that was guessed or fished is enough to come in.",
    action=f"Have them turn on MFA ({_RULES} lets them), or take the password away",
    remedy="# unless they turn on MFA:\naws iam delete-login-profile --user-name={user}",
    by_hand="Only they can enrol a device, and a deleted password does not come back.",
)
def console_mfa(users: pd.DataFrame, _: Thresholds) -> Any:
    """A password and no MFA device."""
    return users.password_enabled & ~users.mfa_active


@check(
    "unused-password",
    "Passwords that nobody uses are taken away",
    data=["password_last_used", "password_last_changed", "password_idle_days"],
    cis="1.12 1.12 1.11 2.11 2.11",
    rationale="Nobody notices when an unused credential is stolen.",
    action=f"Take the password away; who has left goes by {_LEAVE}",
    remedy="aws iam delete-login-profile --user-name={user}",
    by_hand="A password can only be deleted, and does not come back.",
    reading="As CIS writes: one that was never used counts from when it was set, and 45 days "
    "are too many. Some tools pass it at any age.",
)
def unused_password(users: pd.DataFrame, limits: Thresholds) -> Any:
    """Idle for ``unused_days`` or longer."""
    return users.password_enabled & (users.password_idle_days >= limits.unused_days)


@check(
    "direct-permissions",
    "Users have permissions through groups alone",
    severity="low",
    data=["inline_policies", "attached_policies"],
    cis="1.15 1.15 1.14 2.14 2.13",
    rationale="Nobody remembers what was given to one person.",
    action="Put the user into a group that may do it, and take the own policies away",
    remedy=MOVE,
    reading="A permissions boundary grants nothing and does not count. A managed policy that "
    "nobody has then is told by unused-policy.",
)
def direct_permissions(users: pd.DataFrame, _: Thresholds) -> Any:
    """A policy of the user's own, inline or attached."""
    return (users.inline_policies != "") | (users.attached_policies != "")


@check(
    "no-group",
    "Every user is in a group",
    severity="low",
    data=["groups"],
    rationale="A user in no group was forgotten, or has permissions of its own.",
    action=f"Put the user into a group; who has left goes by {_LEAVE}",
    remedy=JOIN,
)
def no_group(users: pd.DataFrame, _: Thresholds) -> Any:
    """In none."""
    return users.groups == ""


@check(
    "password-and-key",
    "A user has a password or a key, not both",
    severity="low",
    data=["password_enabled", "active_keys"],
    rationale="People and programs want different users, with different permissions.",
    action="Give the program a user or role of its own",
    by_hand="Which of the two is a program's, its owner knows.",
)
def password_and_key(users: pd.DataFrame, _: Thresholds) -> Any:
    """Both."""
    return users.password_enabled & (users.active_keys > 0)


@check(
    "admin-by-own",
    "Administrators are so through a group",
    severity="high",
    data=["admin_path"],
    rationale="The members of a group are reviewed; a policy of one's own is overlooked.",
    action="Move the user to the administrators' group, and take its own policy away",
    remedy=MOVE,
    reading="An administrator is who may call all of IAM on everything, also under conditions. A "
    "managed policy that nobody has then is told by unused-policy.",
)
def admin_by_own(users: pd.DataFrame, _: Thresholds) -> Any:
    """An administrator by an inline or attached policy of its own."""
    return users.effective_admin & users.admin_path.str.startswith("own", na=True)


@check(
    "escalation",
    "Nobody can make themselves administrator",
    severity="high",
    data=["escalations"],
    rationale="Who can write their own permissions has them all.",
    action="Take away or narrow down the statements that are named",
    by_hand="What the policy is for, its owner knows.",
    reading=OF_PATHS,
)
def escalation(users: pd.DataFrame, _: Thresholds) -> Any:
    """A path is open for who is no administrator, or depends on the circumstances alone."""
    return users.escalations != ""
