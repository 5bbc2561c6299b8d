"""What a sandbox weighs that has seen many writes, and how long it takes to be there again.

Beside plain moto, which makes the same calls in a child of this process and keeps no journal:
``make bench`` prints seconds, megabytes and their ratios, measured in one run. Seconds are the
processor's, because a start takes as long on a busy machine as the others let it.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measuring import write_users

from iamkit.sandbox import start_sandbox, stop_sandbox

sys.path.insert(0, str(Path(__file__).parent.parent))
WRITES = 20_000
PEER = """
import sys, time
begun = time.process_time()
import moto.iam
print("import", time.process_time() - begun)
import boto3
from moto import mock_aws
calls, begun = int(sys.argv[1]) // 4, time.process_time()
with mock_aws(config={"iam": {"load_aws_managed_policies": True}}):
    iam = boto3.client("iam", "us-east-1", aws_access_key_id="x", aws_secret_access_key="y")
    for number in range(calls):
        name = f"user{number}"
        iam.create_user(UserName=name)
        iam.create_access_key(UserName=name)
        iam.create_login_profile(UserName=name, Password="Secret-Pass-1")
        iam.update_user(UserName=name, NewPath="/team/")
    print("calls", time.process_time() - begun)
    print("memory", open("/proc/self/status").read().partition("VmRSS:")[2].split()[0])
"""
"""Plain moto, doing what the sandbox did; its memory in KiB."""


def megabytes(pid):
    """The memory that a process holds (RSS)."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) / 1024


def start(state):
    """Seconds that a sandbox takes until it answers, and its memory; it is stopped again."""
    begun = os.times()
    sandbox = start_sandbox(state)  # waits for a child, which leaves the server behind
    ended = os.times()
    memory = megabytes(sandbox.pid)
    stop_sandbox(state)
    return sum(ended[2:4]) - sum(begun[2:4]), memory


def fill(state):
    """A journal of many writes; seconds to make them in this process."""
    from sandbox_world import World

    begun = time.process_time()
    world = World(state)
    write_users(world, WRITES)
    return time.process_time() - begun


def main():
    """Measure, and print."""
    done = subprocess.run(
        [sys.executable, "-c", PEER, str(WRITES)], capture_output=True, text=True, check=True
    )
    peer = {name: float(value) for name, value in map(str.split, done.stdout.splitlines())}
    with tempfile.TemporaryDirectory() as folder:
        empty, light = start(Path(folder) / "empty")
        made = fill(Path(folder) / "full")
        again, heavy = start(Path(folder) / "full")
        journal = sum(p.stat().st_size for p in (Path(folder) / "full").glob("*")) / 1024**2
    memory = peer["memory"] / 1024
    print(f"import moto.iam: {peer['import']:.2f} s; an empty sandbox: {empty:.2f} s")
    print(f"{WRITES:,} writes, journalled: {made:.1f} s; plain moto: {peer['calls']:.1f} s")
    print(f"a start after them: {again:.1f} s, {again / peer['calls']:.2f} of plain moto's calls")
    print(f"memory, empty: {light:.0f} MB; after them: {heavy:.0f} MB")
    print(f"of plain moto's {memory:.0f} MB: {heavy / memory:.2f}; on the disk: {journal:.0f} MB")


if __name__ == "__main__":
    main()
