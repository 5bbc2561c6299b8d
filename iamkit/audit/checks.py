"""What is checked: one small function each, over one table.

A check returns, for each row of its table, whether it fails: True, False, or a missing value where
that cannot be told. pandas' nullable booleans carry the last through ``&``, ``|`` and ``~``, so
that what was not read comes out as unknown and never as fine. Its texts do not: a missing one is
unequal to all. So a row of whose ``data``, all texts, nothing is known is unknown whatever a check
returns.

One's own check, in a notebook::

    @iamkit.check("team-tag", "Every user has a team tag", data=["tags"])
    def has_no_team(users, limits):
        return ~users.tags.str.contains("team=")
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import pandas as pd

from iamkit.audit.remedies import (
    DELETE_GROUP,
    DELETE_POLICY,
    GIVE_SUPPORT,
    JOIN,
    MOVE,
    PASSWORD_RULES,
    SWITCH_OFF,
    TAKE_CLOUDSHELL,
    Remedy,
)
from iamkit.parameters.thresholds import Thresholds

Table = Literal["account", "users", "access_keys", "groups", "roles", "policies"]
Fails = Callable[[pd.DataFrame, Thresholds], Any]

CIS_VERSIONS = ("3.0", "4.0.1", "5.0", "6.0", "7.0")
"""Of the CIS AWS Foundations Benchmark; a check names its item in each."""


@dataclass(frozen=True, kw_only=True)
class Check:
    """A check, and what to say about it.

    Attributes:
        id: in lower case with dashes; waivers name it.
        title: what is expected.
        table: the table over whose rows ``fails`` says.
        data: the columns that decide it.
        cis: its item in each of ``CIS_VERSIONS``; empty if CIS has none.
        rationale: why it matters.
        action: what to do, in a few words.
        remedy: what ends it; or, where a person must do it, commands that help, in which
            ``{column}`` stands for the row's value.
        by_hand: why a person must do it.
        reading: the reading taken where well-known tools disagree.
    """

    id: str
    title: str
    severity: str
    table: Table
    fails: Fails
    data: tuple[str, ...]
    cis: tuple[str, ...] = ()
    rationale: str = ""
    action: str = ""
    remedy: str | Remedy = ""
    by_hand: str = ""
    reading: str = ""

    @property
    def way(self) -> Literal["direct", "needs a choice", "by hand"]:
        """How it is mended."""
        if isinstance(self.remedy, str):
            return "by hand"
        return "needs a choice" if self.remedy.choice else "direct"

    @property
    def cis_items(self) -> str:
        """Such as ``v3.0 1.10, v7.0 2.10``."""
        pairs = zip(CIS_VERSIONS, self.cis, strict=False)
        return ", ".join(f"v{version} {item}" for version, item in pairs if item != "-")


CHECKS: dict[str, Check] = {}
"""All checks by id; ``check`` adds to them."""


def check(
    name: str,
    title: str,
    *,
    severity: str = "medium",
    table: Table = "users",
    data: Sequence[str] = (),
    cis: str = "",
    rationale: str = "",
    action: str = "",
    remedy: str | Remedy = "",
    by_hand: str = "",
    reading: str = "",
) -> Callable[[Fails], Fails]:
    """Declare a check, by the attributes of ``Check``; one of the same id takes the other's place.

    ``cis`` has its items with spaces between, ``-`` for none; ``action`` is the title without it.

    Returns:
        What declares a function that takes the table and the thresholds, and returns a boolean
        Series with the table's index.
    """

    def declare(fails: Fails) -> Fails:
        CHECKS[name] = Check(
            id=name,
            title=title,
            severity=severity,
            table=table,
            fails=fails,
            data=tuple(data),
            cis=tuple(cis.split()),
            rationale=rationale,
            action=action or title,
            remedy=remedy,
            by_hand=by_hand,
            reading=reading,
        )
        return fails

    return declare


_OF_PATHS = (
    "Paths of calls over all policies together, with denies, the boundary and conditions, to users "
    "and roles that are there; what depends on a condition counts. Service control policies are "
    "not seen."
)
_of_account, _of_keys, _of_policies = (
    partial(check, table="account"),
    partial(check, table="access_keys"),
    partial(check, table="policies"),
)


_STUDIO = "07_policy_studio"  # a test holds the names to the table; that loads pydantic
_RULES = "08_sign_in_rules"
_ROTATE = "10_rotate_keys"
_LEAVE = "11_leavers"


# The account and its root


@_of_account(
    "root-access-key",
    "The root has no access key",
    severity="critical",
    data=["root_access_key"],
    cis="1.4 1.4 1.3 2.3 2.4",
    rationale="Nothing can restrict the root; whoever has its key has the account.",
    action="Delete the root's access keys, signed in as root",
    by_hand="Only the root itself can delete them.",
    reading="Only the root itself can delete them: console, Security credentials.",
)
def root_access_key(account: pd.DataFrame, _: Thresholds) -> Any:
    """AccountAccessKeysPresent of GetAccountSummary."""
    return account.root_access_key


@_of_account(
    "root-mfa",
    "The root signs in with MFA",
    severity="critical",
    data=["root_mfa", "root_password", "root_access_key"],
    cis="1.5 1.5 1.4 2.4 2.5",
    rationale="A password alone would protect everything.",
    action="Turn on MFA for the root, signed in as root",
    by_hand="Only the root itself can register a device.",
    reading="A root without a password and a key, as central root access leaves it, needs none; "
    "where AWS does not tell of its password, it has one.",
)
def root_mfa(account: pd.DataFrame, _: Thresholds) -> Any:
    """AccountMFAEnabled of GetAccountSummary, unless there is nothing to protect."""
    return ~account.root_mfa & ~_root_is_bare(account)


@_of_account(
    "root-hardware-mfa",
    "The root's MFA device is hardware",
    data=["root_mfa", "root_mfa_virtual", "root_password", "root_access_key"],
    cis="1.6 1.6 1.5 2.5 2.6",
    rationale="A phone is copied, restored and lost more easily than a key in a safe.",
    action="Give the root a passkey or hardware token in place of the virtual device",
    by_hand="Somebody must hold the device.",
    reading="A root without MFA fails here too, unless it has no password and no key; a passkey "
    "counts as hardware.",
)
def root_hardware_mfa(account: pd.DataFrame, _: Thresholds) -> Any:
    """No virtual device is assigned to the root."""
    return (~account.root_mfa | account.root_mfa_virtual) & ~_root_is_bare(account)


def _root_is_bare(account: pd.DataFrame) -> Any:
    """Whether the root is known to have no password and no key."""
    return (~account.root_password & ~account.root_access_key).fillna(False)


@_of_account(
    "root-used",
    "The root is not used for daily work",
    severity="high",
    data=["root_last_used", "root_idle_days"],
    cis="1.7 1.7 1.6 2.6 2.7",
    rationale="What the root does cannot be restricted, and hardly be told apart from a theft.",
    action="Work as an IAM user or role; keep the root's password in a safe",
    by_hand="It is a habit, not a setting.",
    reading="CIS gives no number of days; tools take from 1 to 90.",
)
def root_used(account: pd.DataFrame, limits: Thresholds) -> Any:
    """Its password or a key was used within ``root_days``."""
    return account.root_used & (account.root_idle_days < limits.root_days)


@_of_account(
    "password-length",
    "Passwords have at least 14 characters",
    data=["password_min_length"],
    cis="1.8 1.8 1.7 2.7 2.8",
    rationale="Short passwords are guessed.",
    action=f"Raise the minimum length in the password policy, with {_RULES}",
    remedy=PASSWORD_RULES,
    reading="An account without a policy of its own has AWS's default, 8.",
)
def password_length(account: pd.DataFrame, limits: Thresholds) -> Any:
    """The policy asks for fewer than ``password_length``."""
    return account.password_min_length < limits.password_length


@_of_account(
    "password-reuse",
    "Former passwords are refused",
    severity="low",
    data=["password_reuse"],
    cis="1.9 1.9 1.8 2.8 2.9",
    rationale="A password that leaked once must not come back.",
    action=f"Refuse the last 24 passwords in the password policy, with {_RULES}",
    remedy=PASSWORD_RULES,
)
def password_reuse(account: pd.DataFrame, limits: Thresholds) -> Any:
    """The policy remembers fewer than ``password_reuse``."""
    return account.password_reuse < limits.password_reuse


@_of_account(
    "support-role",
    "A role may open support cases",
    severity="low",
    data=["support_roles"],
    cis="1.17 1.17 1.16 2.16 2.15",
    rationale="In an incident somebody must be able to call AWS without being administrator.",
    action="Attach AWSSupportAccess to a role for incidents",
    remedy=GIVE_SUPPORT,
    reading="A role is asked for; a group or user with the policy does not count.",
)
def support_role(account: pd.DataFrame, _: Thresholds) -> Any:
    """No role has AWSSupportAccess."""
    return account.support_roles == 0


@_of_account(
    "expired-certificates",
    "Expired server certificates are removed",
    data=["expired_certificates"],
    cis="1.19 1.19 1.18 2.18 2.17",
    rationale="One that is deployed by mistake makes a site fail.",
    action="Delete them",
    remedy="aws iam delete-server-certificate --server-certificate-name=NAME",
    by_hand="What is still served with one would break; its key is gone for good.",
)
def expired_certificates(account: pd.DataFrame, _: Thresholds) -> Any:
    """One in IAM is past its end."""
    return account.expired_count > 0


@_of_account(
    "access-analyzer",
    "IAM Access Analyzer is on",
    severity="low",
    data=["analyzers"],
    cis="1.20 1.20 1.19 2.19 2.18",
    rationale="It tells what others can reach in the account.",
    action="Create an analyzer in each region",
    remedy="aws accessanalyzer create-analyzer --analyzer-name=account --type=ACCOUNT",
    by_hand="It belongs into each region that is used.",
    reading="Only the session's region is read; CIS asks for each region in use.",
)
def access_analyzer(account: pd.DataFrame, _: Thresholds) -> Any:
    """There is no active analyzer of external access."""
    return account.analyzers == 0


@_of_account(
    "cloudshell-full",
    "AWSCloudShellFullAccess is attached to nobody",
    data=["cloudshell_full"],
    cis="1.22 1.22 1.21 2.21 2.20",
    rationale="It lets files be carried in and out through the browser, with sudo.",
    action="Detach it, and give a policy without file transfer",
    remedy=TAKE_CLOUDSHELL,
    reading="Users, groups and roles all count.",
)
def cloudshell_full(account: pd.DataFrame, _: Thresholds) -> Any:
    """Somebody has it."""
    return account.cloudshell_full != ""


# Users


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
    reading=_OF_PATHS,
)
def escalation(users: pd.DataFrame, _: Thresholds) -> Any:
    """A path is open for who is no administrator, or depends on the circumstances alone."""
    return users.escalations != ""


@check(
    "role-escalation",
    "No role can make itself administrator",
    severity="high",
    table="roles",
    data=["escalations"],
    rationale="Whoever may use such a role is as strong as an administrator.",
    action="Take away or narrow down the statements that are named",
    by_hand="What the policy is for, its owner knows.",
    reading=_OF_PATHS,
)
def role_escalation(roles: pd.DataFrame, _: Thresholds) -> Any:
    """The same of a role's sessions."""
    return roles.escalations != ""


# Access keys


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


# Groups and policies


@check(
    "empty-group",
    "Every group has members",
    severity="low",
    table="groups",
    data=["members"],
    rationale="Its permissions wait for whoever is put into it.",
    action="Delete the group, or fill it",
    remedy=DELETE_GROUP,
)
def empty_group(groups: pd.DataFrame, _: Thresholds) -> Any:
    """Nobody is."""
    return groups["empty"]


@_of_policies(
    "star-policy",
    "No attached policy allows * on *",
    severity="high",
    data=["full_admin", "attached_to"],
    cis="1.16 1.16 1.15 2.15 2.14",
    rationale="Everything is more than anybody needs every day.",
    action="Detach it, or waive it for the administrators' group",
    by_hand="Who needs what of it, a person must say.",
    reading="AWS's own AdministratorAccess and inline policies count; a boundary does not. A Deny "
    "counts if it takes away the management of permissions. The guide's group of administrators "
    "fails by design, which is what a waiver is for.",
)
def star_policy(policies: pd.DataFrame, _: Thresholds) -> Any:
    """Allows it without a condition, and somebody has it."""
    return policies.full_admin & policies.held


@_of_policies(
    "conditional-star-policy",
    "No attached policy allows * on * under conditions other than MFA",
    data=["full_admin", "full_admin_if", "attached_to"],
    rationale="An address, a tag or an hour is no proof of who calls, and often always true.",
    action="Ask for MFA as well, by Bool, or allow only the actions that are needed",
    by_hand="Who needs what of it, a person must say.",
    reading="A condition that lets only calls with MFA through passes; BoolIfExists does not.",
)
def conditional_star_policy(policies: pd.DataFrame, _: Thresholds) -> Any:
    """Allows it under a condition that a call without MFA may meet, and somebody has it."""
    return ~policies.full_admin & (policies.full_admin_if != "") & policies.held


@_of_policies(
    "unused-policy",
    "Every customer managed policy is attached",
    severity="low",
    data=["attachments", "attached_to"],
    rationale="Nobody reviews a policy that nobody has, until it is attached by mistake.",
    action="Delete the policy",
    remedy=DELETE_POLICY,
    reading="A policy that only bounds somebody is in use.",
)
def unused_policy(policies: pd.DataFrame, _: Thresholds) -> Any:
    """The account's own, and nobody has it, nor is bounded by it."""
    nobody = (policies.attached_to == "").astype("boolean").mask(policies.attached_to.isna())
    return nobody.where(policies.kind == "customer", False)


@_of_policies(
    "full-service",
    "No policy allows everything in CloudTrail or KMS",
    data=["full_services", "attached_to"],
    rationale="With the one a thief stops the log, with the other reads what is encrypted.",
    action=f"Allow only the actions that are needed; {_STUDIO} writes such a policy",
    by_hand="Which of the actions are needed, its owner knows.",
    reading="A policy that allows * on * is told by star-policy alone.",
)
def full_service(policies: pd.DataFrame, _: Thresholds) -> Any:
    """``cloudtrail:*`` or ``kms:*`` on ``*``."""
    return ~policies.full_admin & (policies.full_services != "") & policies.held


@_of_policies(
    "mfa-removable",
    "A stolen key cannot remove the MFA",
    data=["mfa_removable", "attached_to"],
    rationale="Who has the key takes the device away, and then the password is enough.",
    action=f"Allow it only with aws:MultiFactorAuthPresent, by Bool, as {_RULES} does",
    by_hand="The condition belongs into the policy's text.",
    reading="BoolIfExists does not bind: a call with a key has no MFA context at all.",
)
def mfa_removable(policies: pd.DataFrame, _: Thresholds) -> Any:
    """Lets MFA devices be deactivated without MFA."""
    return policies.mfa_removable & policies.held


@_of_policies(
    "group-deny",
    "No Deny names a group",
    data=["group_denies"],
    rationale="A Deny on a group's ARN protects the group itself; its members are not bound.",
    action="Attach the Deny to the group, or name its users",
    by_hand="Whom it was meant to bind, its author knows.",
)
def group_deny(policies: pd.DataFrame, _: Thresholds) -> Any:
    """A group's ARN is a resource of a Deny."""
    return policies.group_denies != ""
