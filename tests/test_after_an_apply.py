"""What must succeed after an apply is tried before it; if it still fails, the changes are told."""

import json
import os
import subprocess
import sys
import time
from contextlib import nullcontext, suppress
from dataclasses import replace
from pathlib import Path

import pytest
from paths import GUIDE
from storage.disks import small_disk

from iamkit.aws.apply import apply_plan
from iamkit.aws.journal import Journal
from iamkit.aws.read import read_account
from iamkit.credentials import CredentialStore
from iamkit.errors import AwsError, HandoverError, PartlyApplied, StorageError
from iamkit.plan.changes import make_plan
from iamkit.plan.desired import Desired, DesiredUser
from iamkit.storage.home import ends_with_the_job

IAMKIT = str(Path(sys.executable).parent / "iamkit")
GROUP = ["run", "03_dev_group", "-f", str(GUIDE), "--apply", "-p", "run_as", ""]
ADMIN = ["run", "02_admin_group", "-f", str(GUIDE), "--apply"]


def iamkit(*arguments, cwd):
    return subprocess.run(
        [IAMKIT, *arguments], capture_output=True, text=True, cwd=cwd, timeout=120, check=False
    )


def rows(*lines):
    return lambda path: path.write_text("\r\n".join(lines))


def make_sparse(path):
    with path.open("wb") as file:
        file.truncate(50_000_000)


FOREIGN = {
    "notes.csv": rows("name,team", "bob,dev", "al,qa"),
    "one.csv": rows("name,team", "bob,dev"),
    "empty.csv": rows(),
    "folder.csv": lambda path: path.mkdir(),
    "link.csv": lambda path: path.symlink_to("/no/where"),
    "away.csv": lambda path: path.symlink_to("/etc/passwd"),
    "pipe.csv": os.mkfifo,
    "large.csv": make_sparse,
    "binary.csv": lambda path: path.write_bytes(b"\xff\x00\xfe" * 99),
    "quote.csv": lambda path: path.write_text('"User name","Pass'),
    "bob_accessKeys_AKIA1.csv": rows("User name,Password", "bob,secret"),
    "folder.json": lambda path: path.mkdir(),
    "link.json": lambda path: path.symlink_to("/no/where"),
    "list.json": lambda path: path.write_text("[1, 2]"),
    "deep.json": lambda path: path.write_text("[" * 100_000),
    "digest.json": lambda path: path.write_text('{"digest": []}'),
}
"""What is not iamkit's, in the folder of credentials."""


@pytest.fixture
def store(tmp_path):
    """A credential store that was in use."""
    store = CredentialStore(tmp_path / "account")
    store.preflight()
    return store


@pytest.mark.parametrize("name", FOREIGN)
def test_a_foreign_file_among_the_credentials_is_found_first(name, store):
    """What is tried before the first call names it, with what to do; nothing is changed."""
    path = store.folder / "credentials" / name
    FOREIGN[name](path)
    with pytest.raises(HandoverError) as error:
        store.preflight()
    assert str(path) in str(error.value)
    assert "Move it away" in str(error.value)
    assert "Nothing was changed in AWS" in str(error.value)


@pytest.mark.parametrize("text", ["", "{}", "[]", "[" * 100_000, "\xff"])
def test_a_foreign_intent_is_found_first(text, store):
    """A hand-over of which nobody can tell what it was is no traceback."""
    path = store.folder / "intents" / "alice.json"
    path.write_text(text)
    with pytest.raises(HandoverError, match="not as iamkit wrote it.*Nothing was changed in AWS"):
        store.preflight()


@pytest.mark.parametrize("name", ["credentials", "intents"])
def test_a_folder_that_cannot_be_listed_is_not_empty(name, store):
    """Hidden is not absent: where a file is in its place, no secret could be looked for."""
    (store.folder / name).rmdir()
    (store.folder / name).write_text("")
    with pytest.raises(HandoverError, match="cannot be read"):
        store.check_files()


def test_an_apply_finds_a_foreign_file_first(session):
    """Nothing is changed, under plain papermill too."""
    session.store.preflight()
    FOREIGN["notes.csv"](session.folder / "credentials" / "notes.csv")
    plan = make_plan(read_account(session, WANTED), WANTED)
    with pytest.raises(HandoverError, match="Nothing was changed in AWS"):
        apply_plan(plan, session)
    assert session.iam.list_users()["Users"] == []


def test_a_foreign_file_is_found_before_a_notebook_runs(sandbox, session, tmp_path):
    """The search for secrets could not be made after the apply, so that is tried before."""
    session.store.preflight()
    path = session.folder / "credentials" / "notes.csv"
    FOREIGN["notes.csv"](path)
    done = iamkit(*ADMIN, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.strip() == (
        f"iamkit: {path} is not as iamkit wrote it. Move it away, and run again. Nothing was run."
    )
    assert session.iam.list_groups()["Groups"] == []


@pytest.mark.parametrize("name", ["notes.txt", ".DS_Store", "alice.csv.age"])
def test_what_bears_no_name_of_ours_is_left_alone(name, store):
    """A note beside the credentials disturbs nobody."""
    (store.folder / "credentials" / name).write_text("anything")
    store.preflight()


WANTED = Desired(users=(DesiredUser(name="alice", access_key=True),))


@pytest.mark.parametrize("kind", ["a file", "a link", "open", "full"])
def test_a_journal_that_cannot_be_written_is_found_first(kind, session):
    """Its folder is checked like that of the credentials, with room for every change."""
    session.store.preflight()
    folder = session.folder / "journal"
    make = {
        "a file": lambda: folder.write_text(""),
        "a link": lambda: folder.symlink_to("/no/where"),
        "open": lambda: (folder.mkdir(), folder.chmod(0o755)),
        "full": lambda: folder.mkdir(mode=0o700),
    }
    plan = make_plan(read_account(session, WANTED), WANTED)
    with small_disk(folder, "size=16k") if kind == "full" else nullcontext():
        if kind != "full":
            make[kind]()
        with pytest.raises(StorageError, match=f"{folder}.*Nothing was changed"):
            apply_plan(plan, session)
    assert session.iam.list_users()["Users"] == []


@pytest.mark.parametrize("line", range(1, 5))
def test_a_journal_that_fails_on_the_way_hides_no_change(line, session, monkeypatch):
    """What was made counts as made, what is left is named, and the journal is to blame."""
    real, written = Journal._write, []

    def write(self, number, event, facts):
        written.append(event)
        if len(written) >= line:
            raise OSError(28, "No space left on device")
        real(self, number, event, facts)

    monkeypatch.setattr(Journal, "_write", write)
    wanted = Desired(users=(DesiredUser(name="alice"), DesiredUser(name="bob")))
    outcome = apply_plan(make_plan(read_account(session, wanted), wanted), session)
    made = {user["UserName"] for user in session.iam.list_users()["Users"]}
    assert {change.arguments["UserName"] for change in outcome.done} == made
    assert len(made) == line // 2
    error = AwsError if len(made) != 1 else PartlyApplied
    with pytest.raises(error, match=r"journal cannot be written \(No space left") as raised:
        outcome.raise_if_incomplete()
    assert ("Nothing was changed" in str(raised.value)) == (not made)


def start(sandbox, tmp_path, arguments):
    """A run whose second call is slow, when it is at it."""
    sandbox.set_faults([{"action": "PutGroupPolicy", "kind": "slow", "seconds": 3.0}])
    process = subprocess.Popen(
        [IAMKIT, *arguments],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while "CreateGroup" not in {call["action"] for call in sandbox.calls()}:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return process


def finish(process):
    out, err = process.communicate(timeout=60)
    print(out, err)
    assert "Traceback" not in err
    assert "2 of 2 changes" in out
    return process.returncode, err.strip()


def journal_of(session):
    return max((session.folder / "journal").glob("*.jsonl"))


def test_a_disk_that_fills_up_during_an_apply(sandbox, session, tmp_path):
    """The changes and the journal come first, and the report is kept beside the state."""
    with small_disk(tmp_path / "out", "size=4m") as disk:
        process = start(sandbox, tmp_path, [*GROUP, "--output", str(disk)])
        with suppress(OSError):
            (disk / "ballast").write_bytes(b"x" * 8_000_000)
        code, said = finish(process)
    assert code == 1
    made = f"2 of 2 changes were made; journal: {journal_of(session)}. But the report could not be "
    assert said.startswith(f"{made}kept in {disk} (No space left on device); it is in ")
    kept = Path(said.split("it is in ")[1].split()[0].rstrip("."))
    executed = json.loads((kept / "03_dev_group.ipynb").read_text())
    assert executed["metadata"]["papermill"]
    assert len(session.iam.list_groups()["Groups"]) == 1


def test_a_foreign_file_that_comes_during_an_apply(sandbox, session, tmp_path):
    """A report that cannot be searched for secrets is not kept; the changes are told anyway."""
    session.store.preflight()
    process = start(sandbox, tmp_path, [*GROUP, "--output", "out"])
    path = session.folder / "credentials" / "notes.csv"
    FOREIGN["notes.csv"](path)
    code, said = finish(process)
    assert code == 1
    assert said.startswith(f"2 of 2 changes were made; journal: {journal_of(session)}. But the ")
    assert str(path) in said
    assert list((tmp_path / "out").iterdir()) == []


CI = {
    "no CI": ({}, False),
    "an empty CI": ({"CI": ""}, False),
    "CI=false": ({"CI": "false"}, False),
    "CI": ({"CI": "true"}, True),
    "a kept home": ({"CI": "1", "IAMKIT_HOME": "/srv/iamkit"}, False),
    "a home in the job's folder": (
        {"CI": "true", "IAMKIT_HOME": "/job/x/iamkit", "RUNNER_TEMP": "/job/x"},
        True,
    ),
    "a home in the checkout": (
        {"CI": "true", "IAMKIT_HOME": "/job/.iamkit", "CI_PROJECT_DIR": "/job"},
        True,
    ),
    "a home among temporary files": ({"CI": "true", "IAMKIT_HOME": "/tmp/iamkit"}, True),
}


def set_environment(monkeypatch, given):
    for name in ("CI", "IAMKIT_HOME", "RUNNER_TEMP", "GITHUB_WORKSPACE", "CI_PROJECT_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("tempfile.tempdir", "/tmp")
    for name, value in given.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("case", CI)
def test_what_ends_with_a_job(case, monkeypatch):
    """A state folder is kept if somebody set it, outside the folders that end with the job."""
    given, ends = CI[case]
    set_environment(monkeypatch, given)
    assert ends_with_the_job() == ends


@pytest.mark.parametrize("what", ["access_key", "console_password"])
def test_ci_gives_no_credential_to_a_file_that_is_thrown_away(what, session, monkeypatch):
    """On a live account it is refused before the first call, with the two ways on."""
    wanted = Desired(users=(DesiredUser(name="alice", **{what: True}),))
    plan = make_plan(read_account(session, wanted), wanted)
    set_environment(monkeypatch, {"CI": "true"})
    live = replace(session, environment="aws")
    with pytest.raises(HandoverError) as error:
        apply_plan(plan, live)
    for word in ("alice", "hand_over", "IAMKIT_HOME", "Nothing was changed"):
        assert word in str(error.value)
    assert session.iam.list_users()["Users"] == []
    set_environment(monkeypatch, {"CI": "true", "IAMKIT_HOME": "/srv/iamkit"})
    apply_plan(plan, live).raise_if_incomplete()


def test_ci_may_encrypt_and_may_practise(session, monkeypatch):
    """An encrypted file can be carried away, and in the practice account nothing can be lost."""
    from ways import PUBLIC_KEY

    set_environment(monkeypatch, {"CI": "true"})
    for name, hand_over, environment in (("al", PUBLIC_KEY, "aws"), ("bo", "", "sandbox")):
        wanted = Desired(users=(DesiredUser(name=name, access_key=True, hand_over=hand_over),))
        plan = make_plan(read_account(session, wanted), wanted)
        apply_plan(plan, replace(session, environment=environment)).raise_if_incomplete()
