# ruff: noqa: INP001, T201
"""The first CreateUser acts, and its reply is lost."""

from pathlib import Path

from iamkit.sandbox import start_sandbox, stop_sandbox

sandbox = start_sandbox(Path("state"))  # endpoint_url, access_key_id, secret_access_key
sandbox.set_faults([{"action": "CreateUser", "kind": "drop_after", "times": 1}])
print(sandbox.endpoint_url, sandbox.calls())  # action, caller, outcome, seconds of every call
stop_sandbox(Path("state"))
