"""Remedies that depend on more than the row of a finding."""

from dataclasses import replace

from iamkit.account.api_replies import rules_as_arguments
from iamkit.account.state import AccountState, PasswordPolicy
from iamkit.parameters.thresholds import Thresholds
from iamkit.text import aws_command


def mend_password_policy(state: AccountState, limits: Thresholds) -> str:
    """The command that gives the account all rules that it has, and those that are asked for.

    AWS replaces them whole: what a command does not name falls back to AWS's default. So it is
    the same command for each of them, and one that was not read is not written over.
    https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateAccountPasswordPolicy.html
    """
    if not state.was_read("GetAccountPasswordPolicy"):
        return "# it was not read, and AWS replaces it whole:\naws iam get-account-password-policy"
    rules = state.password_policy or PasswordPolicy()
    mended = replace(
        rules,
        minimum_length=max(rules.minimum_length, limits.password_length),
        reuse_prevention=max(rules.reuse_prevention or 0, limits.password_reuse),
    )
    return aws_command("iam", "update_account_password_policy", rules_as_arguments(mended))
