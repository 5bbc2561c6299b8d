"""The sandbox's memory: what was acknowledged survives, whatever happens to the process."""

import json
import os
import signal
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from samples import scaled

from iamkit.errors import SandboxError
from iamkit.sandbox import find_sandbox, reset_sandbox, start_sandbox, stop_sandbox

ROUNDS = scaled(2, 20)


def write_until_it_dies(client, writer):
    """Make users with keys one after the other; answer what was acknowledged."""
    done = []
    try:
        for number in range(10_000):
            name = f"w{writer}-{number}"
            client.create_user(UserName=name)
            done.append((name, None, None))
            key = client.create_access_key(UserName=name)["AccessKey"]
            done.append((name, key["AccessKeyId"], key["SecretAccessKey"]))
    except (BotoCoreError, ClientError):
        return done


def test_nothing_acknowledged_is_lost_by_kill_9(state, client_of):
    """With 16 writers under way, a killed sandbox comes back with all that it had acknowledged."""
    for kill in range(ROUNDS):
        sandbox = start_sandbox(state)
        clients = [client_of(sandbox) for _ in range(16)]
        with ThreadPoolExecutor(16) as pool:
            writers = [
                pool.submit(write_until_it_dies, client, f"{kill}-{number}")
                for number, client in enumerate(clients)
            ]
            while len(sandbox.calls()) < 60 + 20 * kill:
                pass
            os.kill(sandbox.pid, signal.SIGKILL)
            acknowledged = [done for writer in writers for done in writer.result()]
        again = start_sandbox(state)
        assert (again.instance, again.endpoint_url) == (sandbox.instance, sandbox.endpoint_url)
        users = client_of(again).get_paginator("list_users").paginate().build_full_result()
        names = {user["UserName"] for user in users["Users"]}
        assert len(acknowledged) > 30
        assert {name for name, _, _ in acknowledged} <= names
        keys = [(key_id, secret) for _, key_id, secret in acknowledged if key_id]
        for key in keys[:: max(1, len(keys) // 10)]:
            arn = client_of(again, "sts", key).get_caller_identity()["Arn"]
            assert arn.split("/")[-1] in names


def test_a_stopped_sandbox_comes_back_as_it_was(started, state, client_of):
    """Ids, keys, passwords, policies, aliases and buckets are there after a stop and a start."""
    iam = client_of(started)
    iam.create_user(UserName="alice", Tags=[{"Key": "team", "Value": "ops"}])
    iam.create_login_profile(UserName="alice", Password="Secret-Pass-1")
    key = iam.create_access_key(UserName="alice")["AccessKey"]
    iam.create_group(GroupName="dev")
    iam.add_user_to_group(GroupName="dev", UserName="alice")
    iam.create_account_alias(AccountAlias="iamkit-test")
    client_of(started, "s3").create_bucket(Bucket="iamkit-test")
    before = iam.get_account_authorization_details(Filter=["User", "Group"])
    assert stop_sandbox(state)
    assert find_sandbox(state) is None
    again = start_sandbox(state)
    iam = client_of(again)
    after = iam.get_account_authorization_details(Filter=["User", "Group"])
    assert before["UserDetailList"] == after["UserDetailList"]
    assert before["GroupDetailList"] == after["GroupDetailList"]
    assert iam.list_account_aliases()["AccountAliases"] == ["iamkit-test"]
    assert [b["Name"] for b in client_of(again, "s3").list_buckets()["Buckets"]] == ["iamkit-test"]
    alice = client_of(again, key=(key["AccessKeyId"], key["SecretAccessKey"]))
    alice.change_password(OldPassword="Secret-Pass-1", NewPassword="Other-Pass-2")


def test_the_memory_is_private(started, state):
    """The file that holds the account's secrets can be read by its owner alone."""
    mode = (state / "account.jsonl").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


def test_a_last_line_that_was_cut_off_is_forgotten(started, state, client_of):
    """What a crash cut off was never acknowledged, and does not stand in the way."""
    client_of(started).create_user(UserName="alice")
    stop_sandbox(state)
    with (state / "account.jsonl").open("ab") as file:
        file.write(b'{"at": "2026-01-01T00:00')
    iam = client_of(start_sandbox(state))
    assert [user["UserName"] for user in iam.list_users()["Users"]] == ["alice"]
    iam.create_user(UserName="bob")
    stop_sandbox(state)
    assert len(client_of(start_sandbox(state)).list_users()["Users"]) == 2


def change_line(path, number, **changes):
    lines = path.read_text().splitlines()
    lines[number] = json.dumps({**json.loads(lines[number]), **changes})
    path.write_text("\n".join(lines) + "\n")


def test_a_memory_of_other_versions_is_refused(started, state):
    """Who comes with another moto is told so, and how to begin anew."""
    stop_sandbox(state)
    stamp = {"format": 1, "iamkit": "0.0.1", "moto": "5.0.0"}
    change_line(state / "account.jsonl", 0, versions=stamp)
    with pytest.raises(SandboxError, match=r"made with iamkit 0.0.1 and moto 5.0.0.*reset"):
        start_sandbox(state)
    assert reset_sandbox(state).instance != started.instance


def test_a_memory_that_comes_out_differently_is_refused(started, state, client_of):
    """A deed whose answer is not the one that was acknowledged stops the start."""
    client_of(started).create_user(UserName="alice")
    stop_sandbox(state)
    change_line(state / "account.jsonl", 2, seed="00")
    with pytest.raises(SandboxError, match=r"server\.log"):
        start_sandbox(state)
    assert "came out differently" in (state / "server.log").read_text()


def test_a_damaged_memory_is_refused(started, state):
    """A line that is no JSON is an error, not an empty account."""
    stop_sandbox(state)
    path = state / "account.jsonl"
    path.write_bytes(b"garbage\n" + path.read_bytes())
    with pytest.raises(SandboxError, match="damaged"):
        start_sandbox(state)


def test_reset_forgets(started, state, client_of):
    """A reset account is empty, has another root key, and stays so after a restart."""
    client_of(started).create_user(UserName="alice")
    new = reset_sandbox(state)
    assert new.access_key_id != started.access_key_id
    stop_sandbox(state)
    again = start_sandbox(state)
    assert again.access_key_id == new.access_key_id
    assert client_of(again).list_users()["Users"] == []
