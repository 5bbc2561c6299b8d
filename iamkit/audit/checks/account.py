"""The account itself and its root."""

from functools import partial
from typing import Any

import pandas as pd

from iamkit.audit.checks.registry import check
from iamkit.audit.remedies import GIVE_SUPPORT, PASSWORD_RULES, TAKE_CLOUDSHELL
from iamkit.parameters.thresholds import Thresholds

_RULES = "08_sign_in_rules"
_of_account = partial(check, table="account")


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
