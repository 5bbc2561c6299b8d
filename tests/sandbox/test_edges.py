"""Every sandbox command on a home that is not as it should be: one sentence, exit code 1."""

import json
import os
import subprocess
import sys

import pytest
from botocore.exceptions import BotoCoreError
from click.testing import CliRunner
from samples import scaled

from iamkit.__main__ import cli
from iamkit.errors import IamkitError
from iamkit.sandbox import start_sandbox, stop_sandbox

COMMANDS = [
    "start",
    "stop",
    "status",
    "reset",
    "restore",
    "env",
    "populate",
    "age --days 1",
    "weather calm",
]


def file_for_home(home):
    home.write_text("")


def file_for_state(home):
    home.mkdir(mode=0o700)
    (home / "sandbox").write_text("")


def open_state(home):
    home.mkdir(mode=0o700)
    (home / "sandbox").mkdir()
    (home / "sandbox").chmod(0o755)


def link_for_state(home):
    home.mkdir(mode=0o700)
    (home / "sandbox").symlink_to(home / "elsewhere")


def in_state(make):
    """A state folder in which something was made."""

    def broken(home):
        home.mkdir(mode=0o700)
        (home / "sandbox").mkdir(mode=0o700)
        make(home / "sandbox")

    return broken


def huge(path):
    with path.open("wb") as file:
        file.truncate(20 * 1024**3)
    path.chmod(0o600)


def written(path, data):
    path.write_bytes(data)
    path.chmod(0o600)


HOMES = {
    "a file for the home": file_for_home,
    "a file for the folder": file_for_state,
    "a folder that others may read": open_state,
    "a link for the folder": link_for_state,
    "a pipe for the account": in_state(lambda s: os.mkfifo(s / "account.jsonl", 0o600)),
    "a folder for the account": in_state(lambda s: (s / "account.jsonl").mkdir()),
    "a link for the account": in_state(lambda s: (s / "account.jsonl").symlink_to("/dev/zero")),
    "a huge account": in_state(lambda s: huge(s / "account.jsonl")),
    "an account of zeros": in_state(lambda s: written(s / "account.jsonl", bytes(1_000))),
    "an empty account": in_state(lambda s: written(s / "account.jsonl", b"")),
    "an account that others may read": in_state(lambda s: (s / "account.jsonl").write_text("{}\n")),
    "a nested account": in_state(lambda s: written(s / "account.jsonl", b"[" * 60_000 + b"\n")),
    "an account of another moto": in_state(
        lambda s: written(
            s / "account.jsonl",
            b'{"versions": {"format": 1, "iamkit": "0.1.0", "moto": "1.0.0"}}\n',
        )
    ),
    "a pipe for the log": in_state(lambda s: os.mkfifo(s / "server.log", 0o600)),
    "a folder for the log": in_state(lambda s: (s / "server.log").mkdir()),
    "a folder for the lock": in_state(lambda s: (s / "start.lock").mkdir()),
    "a folder for the other lock": in_state(lambda s: (s / "alive.lock").mkdir()),
}


def answer(command, home, monkeypatch):
    """The exit code and the sentence of a command, which may not end in a traceback."""
    monkeypatch.setenv("IAMKIT_HOME", str(home))
    try:
        result = CliRunner().invoke(cli, ["sandbox", *command.split()], standalone_mode=False)
    finally:
        monkeypatch.undo()
    if result.exception is None:
        return result.return_value or 0, result.output
    assert isinstance(result.exception, IamkitError), repr(result.exception)
    return result.exception.exit_code, str(result.exception)


@pytest.mark.parametrize("name", HOMES)
def test_a_broken_home_is_a_sentence(name, tmp_path, monkeypatch):
    """Whatever lies in the way is named, and so is what to do."""
    home = tmp_path / "home"
    HOMES[name](home)
    for command in COMMANDS:
        if command == "reset" and "account" in name and "folder" not in name:
            continue  # it removes what is broken, and does its work
        code, text = answer(command, home, monkeypatch)
        if command == "stop" and code == 0:
            assert text == "No sandbox runs.\n"
            continue
        assert code == 1, (command, text)
        assert 0 < len(text.strip().splitlines()) <= 3, text
        assert "Traceback" not in text


def test_a_damaged_server_file_is_in_nobodys_way(started, state):
    """A sandbox that has ended starts; one that runs is stopped and started, with its account."""
    texts = ("{", "", "[]", '{"instance": 1}', "x" * 2_000_000)
    for text in scaled(texts[:1], texts):
        stop_sandbox(state)
        (state / "server.json").write_text(text)
        (state / "server.json").chmod(0o600)
        again = start_sandbox(state)
        assert again.secret_access_key == started.secret_access_key


FULL = """
import os, sys
os.environ["IAMKIT_HOME"] = sys.argv[1]
sys.argv = ["iamkit", "sandbox", *sys.argv[2:]]
from iamkit.__main__ import main
main()
"""


def iamkit(home, *arguments):
    return subprocess.run(
        [sys.executable, "-c", FULL, str(home), *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 64 KiB, where that can be made."""
    disk = tmp_path / "disk"
    disk.mkdir()
    options = ["-t", "tmpfs", "-o", "size=64k,mode=0700", "tmpfs"]
    made = subprocess.run(["mount", *options, str(disk)], capture_output=True, check=False)
    if made.returncode:
        pytest.skip("no disk can be made here")
    yield disk
    stop_sandbox(disk / "sandbox")
    subprocess.run(["umount", str(disk)], check=True)


def users_until_it_is_full(iam):
    """Make users one after the other; answer those that were acknowledged."""
    names = []
    try:
        for number in range(200):
            iam.create_user(UserName=f"user-{number}")
            names.append(f"user-{number}")
    except BotoCoreError:
        return names
    raise AssertionError("200 users have room on it")


def test_a_full_disk_is_a_sentence(small_disk, client_of):
    """A start on it says so; a change that finds it full is not acknowledged, and all else is."""
    filler = small_disk / "filler"
    filler.write_bytes(bytes(60 * 1024))
    for command in (["start"], ["reset"], ["restore"], ["status"], ["stop"]):
        done = iamkit(small_disk, *command)
        assert "Traceback" not in done.stderr
        assert done.returncode == (0 if command == ["stop"] else 1), done.stderr
    filler.write_bytes(bytes(40 * 1024))
    started = start_sandbox(small_disk / "sandbox")
    names = users_until_it_is_full(client_of(started))
    done = iamkit(small_disk, "start")
    assert done.returncode in (0, 1)
    assert "Traceback" not in done.stderr
    journal = (small_disk / "sandbox" / "account.jsonl").read_bytes().splitlines()
    kept = [json.loads(line) for line in journal if line.endswith(b"}")]
    assert sum(line.get("arguments", {}).get("action") == "CreateUser" for line in kept) >= len(
        names
    )
