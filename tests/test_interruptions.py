"""Runs that are disturbed: by signals, by another run, by the disk, by the environment."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from paths import GUIDE, ROOT

from iamkit.credentials import CredentialStore

IAMKIT = str(Path(sys.executable).parent / "iamkit")
ADMIN = ["run", "02_admin_group", "-f", str(GUIDE), "--apply"]


def iamkit(*arguments, cwd, **environment):
    return subprocess.run(
        [IAMKIT, *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=os.environ | environment,
        timeout=120,
        check=False,
    )


def keys_in_aws(session):
    listed = session.iam.list_access_keys(UserName="alice")["AccessKeyMetadata"]
    return [key["AccessKeyId"] for key in listed]


def wait_for_call(sandbox, action):
    """Wait until the call before the slow one was answered."""
    deadline = time.monotonic() + 30
    while action not in {call["action"] for call in sandbox.calls()}:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(0.3)


def finish(session, tmp_path):
    """One more run: all is done, and there is one key, the stored one."""
    done = iamkit(*ADMIN, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    store = CredentialStore(session.folder)
    assert keys_in_aws(session) == [store.keys_of("alice")[0].id]
    assert store.pending() == ()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_in_the_middle_of_an_apply(sandbox, session, tmp_path, number, code):
    """52: the call under way is finished, what is left is named, and a re-run goes on."""
    sandbox.set_faults([{"action": "CreateUser", "kind": "slow", "seconds": 2.0}])
    process = subprocess.Popen(
        [IAMKIT, *ADMIN], cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    wait_for_call(sandbox, "PutGroupPolicy")
    process.send_signal(number)
    _, said = process.communicate(timeout=30)
    assert process.returncode == code
    assert "3 change(s) were made, 2 are left (user alice)" in said
    assert "Traceback" not in said
    journal = max((session.folder / "journal").iterdir())
    events = [json.loads(line)["event"] for line in journal.read_text().splitlines()]
    assert events == ["before", "after"] * 3
    finish(session, tmp_path)


@pytest.mark.parametrize("victim", ["papermill", "kernel"])
def test_a_kill_in_the_middle_of_an_apply(sandbox, session, tmp_path, victim, killed):
    """53: papermill by SIGTERM or its kernel by SIGKILL, while a key is made; a re-run heals."""
    sandbox.set_faults([{"action": "CreateAccessKey", "kind": "slow", "seconds": 3.0}])
    command = [sys.executable, "-m", "papermill", str(ROOT / "notebooks/02_admin_group.ipynb")]
    command += [str(tmp_path / "out.ipynb"), "-f", str(GUIDE), "-y", "dry_run: false"]
    process = subprocess.Popen(command, env=killed, stderr=subprocess.DEVNULL)
    wait_for_call(sandbox, "AddUserToGroup")
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    if victim == "papermill":
        process.send_signal(signal.SIGTERM)
    else:
        os.kill(int(children[0]), signal.SIGKILL)
    process.wait(30)
    assert process.returncode != 0
    deadline = time.monotonic() + 15
    while any(Path(f"/proc/{child}/cmdline").exists() for child in children):
        assert time.monotonic() < deadline, "the kernel lives on"
        time.sleep(0.1)
    time.sleep(3)  # until the sandbox has acted on the call that was under way
    sandbox.clear_faults()
    finish(session, tmp_path)


def test_an_orphan_key_is_found_at_the_start(sandbox, session, tmp_path):
    """54: after a lost reply the run exits 4 and says so; the next one leaves the stored key."""
    sandbox.set_faults([{"action": "CreateAccessKey", "kind": "drop_after", "times": 1}])
    lost = iamkit(*ADMIN, cwd=tmp_path)
    assert lost.returncode == 4
    assert "the next run replaces it" in lost.stderr
    assert len(keys_in_aws(session)) == 1
    finish(session, tmp_path)


def test_two_runs_at_once(sandbox, session, tmp_path):
    """51: the second is told which process holds the lock, and changes nothing."""
    store = CredentialStore(session.folder)
    store.preflight()
    with store.lock():
        second = iamkit(*ADMIN, cwd=tmp_path)
    assert second.returncode == 1
    assert f"process {os.getpid()} holds the lock since" in second.stderr
    assert "Nothing was changed" in second.stderr
    assert session.iam.list_groups()["Groups"] == []


@pytest.mark.parametrize(("options", "said"), [("ro", "Read-only"), ("size=16k", "No space left")])
def test_a_disk_that_takes_no_credential(sandbox, session, tmp_path, options, said):
    """40: a read-only or full disk is found before any call that changes something."""
    folder = session.folder / "credentials"
    folder.mkdir(mode=0o700)
    mount = ["mount", "-t", "tmpfs", "-o", f"{options},mode=0700", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("A FULL DISK WAS NOT TRIED: mounting a small tmpfs needs root")
    try:
        if options != "ro":
            (folder / "ballast").write_bytes(b"x" * 8_000)
        done = iamkit(*ADMIN, cwd=tmp_path)
    finally:
        subprocess.run(["umount", str(folder)], check=True)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Nothing was changed in AWS" in done.stderr
    assert session.iam.list_groups()["Groups"] == []


@pytest.mark.parametrize("name", ["=1+1,@x", "a,b", "CON", "-rf", "."])
def test_a_name_that_is_legal_and_hostile(sandbox, session, tmp_path, name):
    """9, 10, 11: what IAM allows is made, and its file neither escapes nor is a formula."""
    done = iamkit(*ADMIN, "-p", "admin_user", name, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    [key] = session.store.keys_of(name)
    assert key.path.parent == session.folder / "credentials"
    assert key.path.name[0] not in "-."
    assert key.path.read_text().splitlines()[1].lstrip('"')[0] not in "=+-@"


def test_an_expired_sso_session(tmp_path):
    """42: the message says to sign in again."""
    config = tmp_path / "config"
    config.write_text(
        "[profile team]\nsso_session = team\nsso_account_id = 111122223333\nsso_role_name = r\n"
        "[sso-session team]\nsso_region = us-east-1\n"
        "sso_start_url = https://example.awsapps.com/start\n"
    )
    file = tmp_path / "team.yaml"
    file.write_text("environment: aws\naccount_id: '111122223333'\nprofile: team\n")
    done = iamkit(
        "run",
        "01_credentials",
        "-f",
        str(file),
        cwd=tmp_path,
        HOME=str(tmp_path),
        IAMKIT_HOME=str(tmp_path),
        AWS_CONFIG_FILE=str(config),
    )
    assert done.returncode == 1
    assert "aws sso login" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_left_over_endpoint(tmp_path):
    """49: an endpoint variable is named, and nothing is sent."""
    file = tmp_path / "team.yaml"
    file.write_text("environment: aws\naccount_id: '111122223333'\n")
    environment = {"AWS_ENDPOINT_URL_IAM": "http://127.0.0.1:9", "IAMKIT_HOME": str(tmp_path)}
    done = iamkit("run", "01_credentials", "-f", str(file), cwd=tmp_path, **environment)
    assert done.returncode == 1
    assert "AWS_ENDPOINT_URL_IAM is set" in done.stderr
    assert "Nothing was sent" in done.stderr


def test_a_proxy_beside_the_sandbox(sandbox, tmp_path):
    """50: a proxy that answers nobody does not disturb a run on the sandbox."""
    proxy = "http://127.0.0.1:9"
    environment = {"HTTP_PROXY": proxy, "http_proxy": proxy, "NO_PROXY": "", "no_proxy": ""}
    done = iamkit(*ADMIN, cwd=tmp_path, **environment)
    assert done.returncode == 0, done.stderr
