"""The sandbox's memory: what was acknowledged survives, whatever happens to the process."""

import hashlib
import json
import os
import signal
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from samples import scaled
from sandbox_world import World

from iamkit.errors import SandboxError
from iamkit.sandbox import (
    find_sandbox,
    process,
    reset_sandbox,
    restore_sandbox,
    start_sandbox,
    stop_sandbox,
)
from iamkit.sandbox.journal import Journal

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


@pytest.mark.real_start
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
    """An entry whose answer is not the one that was acknowledged stops the start, which says so."""
    client_of(started).create_user(UserName="alice")
    stop_sandbox(state)
    path = state / "account.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    lines[-1]["seed"] = "00"
    write_chained(path, lines)
    with pytest.raises(
        SandboxError, match=r"(?s)did not start: Change 3 .*differently.*server\.log"
    ):
        start_sandbox(state)
    restored = restore_sandbox(state)
    assert (restored.changes, restored.lost) == (2, 1)
    assert client_of(start_sandbox(state)).list_users()["Users"] == []


def write_chained(path, lines):
    """Write a journal whose hashes are right, whatever is in it."""
    chain = ""
    with path.open("wb") as file:
        for line in lines:
            line.pop("chain", None)
            text = json.dumps(line).encode()[:-1]
            chain = hashlib.sha256(chain.encode() + text).hexdigest()
            file.write(text + f', "chain": "{chain}"}}\n'.encode())


@pytest.fixture
def three(tmp_path):
    """A journal of an account with three users, in a state folder."""
    world = World(tmp_path / "state")
    for name in ("alice", "bob", "carol"):
        world.query("iam", "CreateUser", UserName=name)
    return tmp_path / "state" / "account.jsonl"


def users_of(path):
    return sorted(World(path.parent).life.account.iam.users)


def lines_of(path):
    return path.read_bytes().splitlines(keepends=True)


def test_every_byte_that_changes_is_noticed(three):
    """Whichever byte it is, of whichever line: the journal is refused, or the byte means nothing.

    A last line without its end is one that a crash cut off, as long as it is not whole.
    """
    data = three.read_bytes()
    step = scaled(61, 1)
    places = [*range(0, len(data), step), *range(len(data) - 3, len(data))]
    for place in places:
        three.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        with pytest.raises(SandboxError, match=r"damaged|made with"):
            Journal.open(three)


def test_every_line_that_is_missing_is_noticed(three):
    """A line that is gone, twice there, or in another's place."""
    lines = lines_of(three)
    for number in range(len(lines) - 1):
        for wrong in (
            lines[:number] + lines[number + 1 :],
            lines[: number + 1] + lines[number:],
            [*lines[:number], lines[number + 1], lines[number], *lines[number + 2 :]],
        ):
            three.write_bytes(b"".join(wrong))
            with pytest.raises(SandboxError, match="damaged"):
                Journal.open(three)


def test_a_crash_may_cut_the_last_line_anywhere(three):
    """What was acknowledged before it is there, and what comes after it is chained to that."""
    data = three.read_bytes()
    last = len(lines_of(three)[-1])
    for cut in range(1, last + 1, scaled(97, 1)):
        three.write_bytes(data[:-cut])
        memory = Journal.open(three)
        assert memory.count == (4 if cut == 1 else 3)
    three.write_bytes(data[:-1])
    assert users_of(three) == ["alice", "bob", "carol"]
    three.write_bytes(data[:-2])
    world = World(three.parent)
    world.query("iam", "CreateUser", UserName="dave")
    assert users_of(three) == ["alice", "bob", "dave"]


def test_restore_goes_back_to_the_last_line_that_is_whole(three):
    """The damaged journal is kept beside it, and it is said how much is lost."""
    data = three.read_bytes()
    damaged = data.replace(lines_of(three)[3], lines_of(three)[3].replace(b"seed", b"seeb"))
    three.write_bytes(damaged)
    restored = restore_sandbox(three.parent)
    assert (restored.changes, restored.lost) == (2, 2)
    assert restored.kept == three.with_name("account.damaged-1.jsonl")
    assert restored.kept.read_bytes() == damaged
    assert stat.S_IMODE(three.stat().st_mode) == stat.S_IMODE(restored.kept.stat().st_mode) == 0o600
    assert users_of(three) == ["alice"]
    again = restore_sandbox(three.parent)
    assert (again.kept, again.changes, again.lost) == (None, 2, 0)


def test_restore_has_nothing_to_go_back_to(tmp_path, three):
    """Without an account, or with one of which not even the beginning is whole."""
    with pytest.raises(SandboxError, match="no practice account"):
        restore_sandbox(tmp_path / "nothing")
    three.write_bytes(b"x" + three.read_bytes())
    with pytest.raises(SandboxError, match="damaged in line 1"):
        restore_sandbox(three.parent)


def test_a_journal_of_the_first_format_is_chained_from_now_on(tmp_path, journals):
    """Its own lines have no hashes; what is added guards them as well."""
    journals.put("format_1_write_first", tmp_path / "state")
    path = tmp_path / "state" / "account.jsonl"
    world = World(path.parent)
    world.query("iam", "CreateUser", UserName="bob")
    assert users_of(path) == ["alice", "bob"]
    text = path.read_bytes()
    path.write_bytes(text.replace(b'"alice"', b'"alicf"').replace(b'"seed": "', b'"seed": "0', 1))
    with pytest.raises(SandboxError, match="damaged"):
        Journal.open(path)


def test_another_iamkit_may_read_it(three):
    """The answers are compared, so what comes out the same is the same."""
    lines = [json.loads(line) for line in lines_of(three)]
    lines[0]["versions"]["iamkit"] = "0.0.1"
    write_chained(three, lines)
    assert users_of(three) == ["alice", "bob", "carol"]
    lines[-1]["digest"] = "0" * 64
    write_chained(three, lines)
    with pytest.raises(SandboxError, match="Change 4 .* differently"):
        World(three.parent)


def test_the_start_waits_and_says_how_far_it_is(three, monkeypatch):
    """However long it takes: a minute is no limit, and each word is passed on."""
    world = World(three.parent)
    for number in range(300):
        world.query("iam", "CreateUser", UserName=f"user-{number}")
        world.query(
            "iam", "CreateLoginProfile", UserName=f"user-{number}", Password="Secret-Pass-1"
        )
    monkeypatch.setattr(process, "SILENT_SECONDS", 0.001)
    told = []
    try:
        start_sandbox(three.parent, progress=lambda done, total: told.append((done, total)))
    finally:
        monkeypatch.undo()
        stop_sandbox(three.parent)
    assert told == sorted(told)
    assert {total for _, total in told} <= {604}


def test_a_start_that_is_killed_says_so(three, monkeypatch):
    """The reason is the signal; the account is as it was."""
    run = process._run

    def killed(*arguments):
        started = run(*arguments)
        started.kill()
        return started

    monkeypatch.setattr(process, "_run", killed)
    with pytest.raises(SandboxError, match="killed by SIGKILL"):
        start_sandbox(three.parent)
    assert users_of(three) == ["alice", "bob", "carol"]


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
