"""What the audit of 5,000 users costs: beside the bulk reads alone, and beside a loop over users.

Prints calls, ratios and memory, measured in turn in one run: ``make bench``.
"""

import os
import resource
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import replace
from functools import partial

from measuring import seconds

USERS = 5_000
SAVED = 500
LOOPED = 500
ROUNDS = 3


def bulk_reads(iam, analyzer):
    """The bulk calls alone, one after the other, with nothing made of their replies."""
    iam.generate_credential_report()
    iam.get_credential_report()
    for name in (
        "get_account_authorization_details",
        "list_virtual_mfa_devices",
        "list_server_certificates",
    ):
        list(iam.get_paginator(name).paginate(PaginationConfig={"PageSize": 1_000}))
    iam.get_account_summary()
    iam.list_account_aliases()
    iam.list_service_specific_credentials(AllUsers=True)
    analyzer.list_analyzers()
    with suppress(iam.exceptions.NoSuchEntityException):
        iam.get_account_password_policy()


def loop_over_users(iam, names):
    """What scripts do: some calls for every user."""
    for name in names:
        iam.list_groups_for_user(UserName=name)
        iam.list_attached_user_policies(UserName=name)
        iam.list_user_policies(UserName=name)
        iam.list_mfa_devices(UserName=name)
        with suppress(iam.exceptions.NoSuchEntityException):
            iam.get_login_profile(UserName=name)
        iam.list_user_tags(UserName=name)
        for key in iam.list_access_keys(UserName=name)["AccessKeyMetadata"]:
            iam.get_access_key_last_used(AccessKeyId=key["AccessKeyId"])


def command_beside_pandas(state, folder):
    """What ``iamkit audit`` on a saved state of few users takes, whole, by the import of pandas."""
    from iamkit.account.state_file import save_state

    names = list(state.users)[:SAVED]
    by_user = "users report access_keys mfa_devices login_profiles".split()
    kept = {
        field: {name: found[name] for name in names if name in found}
        for field in by_user
        if (found := getattr(state, field))
    }
    saved = save_state(replace(state, **kept), f"{folder}/state.json")
    took = {}
    for arguments in (("-c", "import pandas"), ("-m", "iamkit", "audit", "--state", str(saved))):
        run = partial(
            subprocess.run, [sys.executable, *arguments], stdout=subprocess.DEVNULL, check=False
        )
        took[arguments[0]] = min(seconds(run)[0] for _ in range(2 * ROUNDS))
    return took["-m"] / took["-c"]


def measure(folder):
    """Measure, and print."""
    os.environ["IAMKIT_HOME"] = folder

    from pathlib import Path

    from iamkit.audit import Audit
    from iamkit.aws.audit_run import audit_of, read_audited
    from iamkit.aws.read import survey_account
    from iamkit.aws.session import open_session
    from iamkit.parameters.yaml_file import read_parameters
    from iamkit.sandbox import start_sandbox, stop_sandbox
    from iamkit.storage.home import home_folder

    guide = Path(__file__).parents[2] / "parameters" / "sandbox.yaml"
    state = home_folder() / "sandbox"
    sandbox = start_sandbox(state)
    try:
        sandbox.populate(USERS, 7)
        session = open_session(read_parameters(guide).for_notebook("02_admin_group", {}))
        wanted = read_parameters(guide).for_notebook("06_audit_users", {})
        analyzer = session.clients.make("accessanalyzer")
        survey_account(session, per_user=())  # AWS has made the report
        alone, audited = [], []
        for _ in range(ROUNDS):
            alone.append(seconds(lambda: bulk_reads(session.iam, analyzer))[0])
            before = len(sandbox.calls())
            took, users = seconds(lambda: Audit(survey_account(session, per_user=())).users)
            audited.append(took)
            calls = len(sandbox.calls()) - before
        assert len(users) == USERS
        before = len(sandbox.calls())
        with_ids, audit = seconds(lambda: audit_of(read_audited(session, wanted), wanted))
        key_calls = len(sandbox.calls()) - before
        tables, _ = seconds(lambda: (audit.users, audit.findings))
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        looped, _ = seconds(lambda: loop_over_users(session.iam, list(users["user"][:LOOPED])))
    finally:
        stop_sandbox(state)
    loop = looped * USERS / LOOPED
    ratios = sorted(a / b for a, b in zip(audited, alone, strict=True))
    print(f"{USERS} users, {len(users.columns)} columns, {len(audit.findings)} findings")
    print(f"bulk reads alone: {min(alone):.2f} s; the audit: {min(audited):.2f} s, {calls} calls")
    print(f"audit / bulk reads alone: {min(audited) / min(alone):.2f} (each round: {ratios})")
    print(f"with key ids: {with_ids + tables:.2f} s, {key_calls} calls; tables {tables:.2f} s")
    print(f"loop over users, {LOOPED} of them scaled: {loop:.0f} s")
    print(
        f"loop / audit: {loop / min(audited):.0f}; with key ids: {loop / (with_ids + tables):.0f}"
    )
    print(f"memory, at most: {memory:.0f} MB")
    ratio = command_beside_pandas(audit.state, folder)
    print(f"iamkit audit --state, {SAVED} users / import pandas: {ratio:.2f}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        measure(place)
