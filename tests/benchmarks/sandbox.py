"""What the sandbox costs: a write that is acknowledged beside a read, a company, a restart.

Prints ratios and seconds, measured in one run: ``make bench``.
"""

import sys
import tempfile
import time
from pathlib import Path

import boto3
from botocore.config import Config
from measuring import write_users

from iamkit.sandbox import start_sandbox, stop_sandbox

sys.path.insert(0, str(Path(__file__).parent.parent))
CALLS = 300
USERS = 4_600
WRITES = 20_000


def seconds(work):
    """How long some work takes, in seconds."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def replays(folder):
    """How long a journal of many writes takes to be done again, in seconds: briefly, and whole.

    Whole is as it was done the first time, with every answer written and every rule asked; so it
    is for a journal of another iamkit.
    """
    from sandbox_world import World

    from iamkit.sandbox.server import persistent_accounts as life

    world = World(folder)
    write_users(world, WRITES)
    briefly = seconds(world.restart)
    life.versions = dict
    return briefly, seconds(world.restart)


def main():
    """Measure, and print."""
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder) / "sandbox"
        started = seconds(lambda: start_sandbox(state))
        sandbox = start_sandbox(state)
        iam = boto3.client(
            "iam",
            endpoint_url=sandbox.endpoint_url,
            region_name="us-east-1",
            aws_access_key_id=sandbox.access_key_id,
            aws_secret_access_key=sandbox.secret_access_key,
            config=Config(proxies={}),
        )
        names = [f"user{number}" for number in range(CALLS)]
        writes = seconds(lambda: [iam.create_user(UserName=name) for name in names])
        reads = seconds(lambda: [iam.get_user(UserName=name) for name in names])
        populated = seconds(lambda: sandbox.populate(USERS, 7))
        pages = iam.get_paginator("get_account_authorization_details").paginate(
            Filter=["User", "Group", "LocalManagedPolicy"], PaginationConfig={"PageSize": 1_000}
        )
        read = seconds(pages.build_full_result)
        stop_sandbox(state)
        again = seconds(lambda: start_sandbox(state))
        stop_sandbox(state)
        briefly, whole = replays(Path(folder) / "many")
    print(f"an acknowledged write: {writes / reads:.2f} of a read ({1e3 * writes / CALLS:.1f} ms)")
    print(f"{USERS} users move in: {populated:.2f} s; read in pages of 1,000: {read:.2f} s")
    print(f"{WRITES} writes done again: {briefly:.1f} s; whole: {whole:.1f} s")
    print(f"a start: {started:.2f} s; with {CALLS} writes and {USERS} users: {again:.2f} s")


if __name__ == "__main__":
    main()
