"""The plan as `aws iam` commands, run by the real AWS CLI."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from iamkit.aws.read import read_account
from iamkit.aws.session import open_session
from iamkit.plan.desired import Desired
from iamkit.plan.wanted import account_alias, admin_group, dev_group, team_users
from iamkit.sandbox import reset_sandbox, sandbox_env

BIN = Path(sys.executable).parent


def without_what_differs_by_nature(state):
    """The account without ids, dates and what our store knows."""
    users = {name: replace(user, id="", created=None) for name, user in state.users.items()}
    theirs = {
        "access_keys": {n: [key.status for key in keys] for n, keys in state.access_keys.items()},
        "login_profiles": {n: bool(profile) for n, profile in state.login_profiles.items()},
        "sources": dict.fromkeys(state.sources),
    }
    groups = {name: replace(group, id="", created=None) for name, group in state.groups.items()}
    return replace(state, users=users, groups=groups, read_at=None, **theirs)


def test_the_commands_give_the_same_account_as_the_apply(
    session, guide, private_home, plan_for, apply_desired
):
    """Each plan of the guide, run by the AWS CLI, leads to the account that applying leads to."""
    steps = (
        admin_group(guide("02_admin_group")),
        dev_group(guide("03_dev_group")),
        team_users(guide("04_users")),
        account_alias(guide("05_account_alias")),
        Desired(absent_users=("carol",)),
    )
    commands = []
    for desired in steps:
        commands += plan_for(desired).commands
        apply_desired(desired, allow_destructive=True)
    applied = read_account(session, every_user=True)

    fresh = reset_sandbox(private_home / "sandbox")
    # The key that the last commands delete has another id in the new account.
    key = "$(aws iam list-access-keys --user-name carol --query AccessKeyMetadata[0].AccessKeyId)"
    script = [
        "set -e",
        sandbox_env(fresh),
        "export AWS_DEFAULT_OUTPUT=text PASSWORD=Practice-1234!",
    ]
    for command in commands:
        words = command.split()
        if "--access-key-id" in words:
            words[words.index("--access-key-id") + 1] = key
        script.append(" ".join(words) if "--access-key-id" in words else command)
    environment = os.environ | {"PATH": f"{BIN}:{os.environ['PATH']}"}
    subprocess.run(["bash", "-c", "\n".join(script)], check=True, env=environment, timeout=110)

    by_commands = read_account(open_session(guide("02_admin_group")), every_user=True)
    assert without_what_differs_by_nature(by_commands) == without_what_differs_by_nature(applied)
