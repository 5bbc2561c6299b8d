"""A hand-over that is killed at any step is whole again after one more run."""

import json
import signal
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from iamkit.handover import CredentialStore, Secret

# The account is a file: the keys that AWS has. The child kills itself at one step.
CHILD = """
import json, os, signal, sys
from pathlib import Path
from iamkit.handover import CredentialStore, Secret

folder, account, step = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
steps = 0

def reached(*_):
    global steps
    steps += 1
    if steps == step:
        os.kill(os.getpid(), signal.SIGKILL)

def killing(function):
    def call(*arguments, **options):
        reached()
        result = function(*arguments, **options)
        reached()
        return result
    return call

def create():
    keys = json.loads(account.read_text())
    keys[f"AKIA{len(keys)}"] = "secret" * 6
    account.write_text(json.dumps(keys))
    return list(keys)[-1], Secret("secret" * 6)

store = CredentialStore(folder)
with store.lock():
    for name in ("open", "write", "fsync", "link", "unlink", "replace"):
        setattr(os, name, killing(getattr(os, name)))
    before = frozenset(json.loads(account.read_text()))
    store.hand_over_key("alice", before, killing(create), lambda _: None)
print("whole")
"""


def heal_and_finish(store, account):
    """What the next run does: recover, delete orphans, make a key if none is left."""
    with store.lock():
        store.recover()
        keys = json.loads(account.read_text())
        for intent in store.pending():
            assert intent.started <= datetime.now(UTC)
            for key in set(keys) - intent.keys_before - store.stored_key_ids():
                del keys[key]
        if not keys:

            def create():
                keys["AKIAnew"] = "fresh"
                return "AKIAnew", Secret("fresh")

            store.hand_over_key("alice", frozenset(), create, lambda _: None)
        account.write_text(json.dumps(keys))
    return keys


@pytest.mark.parametrize("step", range(1, 49))
def test_a_kill_at_any_step_leaves_one_key_the_stored_one(tmp_path, step):
    """SIGKILL at the step, one more run: exactly one key in AWS, and its secret in the store."""
    account = tmp_path / "account.json"
    account.write_text("{}")
    store = CredentialStore(tmp_path / "store")
    store.preflight()
    command = [sys.executable, "-c", CHILD, str(store.folder), str(account), str(step)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    keys = heal_and_finish(store, account)
    assert len(keys) == 1
    [stored] = store.keys_of("alice")
    assert keys == {stored.id: stored.secret.reveal()}
    assert store.pending() == ()
    assert not list((store.folder / "credentials").glob(".*"))


def test_the_kills_reach_every_step(tmp_path):
    """The last steps of the test above lie beyond the end, so that no step is left out."""
    account = tmp_path / "account.json"
    account.write_text("{}")
    store = CredentialStore(tmp_path / "store")
    store.preflight()
    command = [sys.executable, "-c", CHILD, str(store.folder), str(account)]
    assert subprocess.run([*command, "48"], capture_output=True, check=True).stdout == b"whole\n"
