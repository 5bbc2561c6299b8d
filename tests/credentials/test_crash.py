"""A hand-over that is killed at any step is whole again after one more run."""

import json
import signal
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from paths import ROOT
from samples import scaled
from ways import PUBLIC_KEY, WAYS, keeper_of, read_kept

from iamkit.credentials import CredentialStore, Secret

FRESH = "fresh" * 8

# The account is a file: the keys that AWS has. The child kills itself at one step.
CHILD = """
import json, os, signal, sys
from pathlib import Path
from iamkit.credentials import CredentialStore, Secret
from ways import keeper_of

folder, account, step, way = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4]
steps = []

def reached(moment):
    steps.append(moment)
    made = "before create" in steps  # until then there is nothing to lose
    if step == str(len(steps)) or (made and step == moment):
        os.kill(os.getpid(), signal.SIGKILL)

def killing(function):
    def call(*arguments, **options):
        reached(f"before {function.__name__}")
        result = function(*arguments, **options)
        reached(f"after {function.__name__}")
        return result
    return call

def create():
    keys = json.loads(account.read_text())
    keys[f"AKIA{len(keys)}"] = "secret" * 6
    account.write_text(json.dumps(keys))
    return list(keys)[-1], Secret("secret" * 6)

store = CredentialStore(folder)
keeper = keeper_of(store, way, sys.argv[5])
if way == "elsewhere":
    keeper.keep = killing(keeper.keep)
with store.lock():
    for name in ("open", "write", "fsync", "link", "unlink", "replace"):
        setattr(os, name, killing(getattr(os, name)))
    before = frozenset(json.loads(account.read_text()))
    store.hand_over_key("alice", before, killing(create), lambda _: None, keeper)
print("whole")
"""


def kill_at(store, account, step, way):
    """Hand a key over in a process that is killed at a step."""
    arguments = [str(store.folder), str(account), str(step), way, PUBLIC_KEY]
    command = [sys.executable, "-c", CHILD, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT / "tests")


def heal_and_finish(store, account, way):
    """What the next run does: recover, delete orphans, make a key if none is left."""
    with store.lock():
        store.recover()
        keys = json.loads(account.read_text())
        for intent in store.pending():
            assert intent.started <= datetime.now(UTC)
            for key in set(keys) - intent.keys_before - store.key_ids():
                del keys[key]
                store.forget_key("alice", key)
        if not keys:

            def create():
                keys["AKIAnew"] = FRESH
                return "AKIAnew", Secret(FRESH)

            keeper = keeper_of(store, way)
            store.hand_over_key("alice", frozenset(), create, lambda _: None, keeper)
        account.write_text(json.dumps(keys))
    return keys


ALL_STEPS = [(way, step) for way, last in WAYS.items() for step in range(1, last + 1)]
KINDS = {
    "private": ("create", "open", "write", "fsync", "link", "unlink"),
    "encrypted": ("create", "open", "write", "fsync", "link", "unlink", "replace"),
    "elsewhere": ("create", "keep", "unlink", "open", "write", "fsync", "replace"),
}
ONE_OF_A_KIND = [(way, f"after {kind}") for way, kinds in KINDS.items() for kind in kinds]


@pytest.mark.parametrize(("way", "step"), scaled(ONE_OF_A_KIND, ALL_STEPS))
def test_a_kill_at_any_step_leaves_one_key_the_kept_one(tmp_path, way, step):
    """SIGKILL at the step, one more run: exactly one key in AWS, and its secret where it should."""
    account = tmp_path / "account.json"
    account.write_text("{}")
    store = CredentialStore(tmp_path / "store")
    store.preflight()
    done = kill_at(store, account, step, way)
    assert done.returncode in scaled([-signal.SIGKILL], [0, -signal.SIGKILL]), done.stderr
    keys = heal_and_finish(store, account, way)
    assert len(keys) == 1
    assert keys == {store.receipts("alice")[0].key_id: read_kept(store, way)}
    assert store.key_ids() == set(keys)
    assert store.pending() == ()
    left = sorted(path.suffix for path in (store.folder / "credentials").iterdir())
    assert (
        left == {"private": [".csv"], "encrypted": [".age", ".json"], "elsewhere": [".json"]}[way]
    )


@pytest.mark.parametrize("way", ["encrypted", "elsewhere"])
def test_no_kill_leaves_a_secret_in_the_clear(tmp_path, way):
    """Whatever the step, what is not meant for a private file is in no file of the store."""
    account = tmp_path / "account.json"
    for step in range(1, WAYS[way], scaled(7, 1)):
        account.write_text("{}")
        store = CredentialStore(tmp_path / str(step))
        store.preflight()
        kill_at(store, account, step, way)
        for path in store.folder.rglob("*"):
            if path.is_file() and path.name != "elsewhere":
                assert b"secretsecret" not in path.read_bytes()


@pytest.mark.parametrize("way", WAYS)
def test_the_kills_reach_every_step(tmp_path, way):
    """The last steps of the test above lie beyond the end, so that no step is left out."""
    account = tmp_path / "account.json"
    account.write_text("{}")
    store = CredentialStore(tmp_path / "store")
    store.preflight()
    assert kill_at(store, account, WAYS[way], way).stdout == "whole\n"
