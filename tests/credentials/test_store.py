"""The credential store: private files, names that cannot escape, and masked secrets."""

import copy
import csv
import errno
import json
import logging
import os
import pickle
import subprocess
import sys

import pytest
from hypothesis import given, strategies as st

from iamkit.account.state import PasswordPolicy
from iamkit.credentials import CredentialStore, NotCreated, Secret, make_password, write_aws_profile
from iamkit.credentials.credential import file_name
from iamkit.errors import HandoverError, LockedError

SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
LEGAL = st.text("abcXYZ019_+=,.@-", min_size=1, max_size=64)


@pytest.fixture
def store(tmp_path):
    """An empty store in a private folder."""
    folder = tmp_path / "account"
    store = CredentialStore(folder)
    store.preflight()
    return store


def hand_over(store, user="alice", key_id="AKIA1"):
    return store.hand_over_key(user, frozenset(), lambda: (key_id, Secret(SECRET)), lambda _: None)


def test_a_secret_shows_itself_only_when_asked():
    """No way of printing, logging, copying or storing a Secret gives its text."""
    secret = Secret(SECRET)
    shown = [repr(secret), str(secret), f"{secret}", f"{secret!r:>50}", format(secret, ">40")]
    shown += [repr([secret]), repr({"a": secret}), str(secret._repr_mimebundle_())]
    shown += [repr(copy.deepcopy(secret)), logging.makeLogRecord({"msg": secret}).getMessage()]
    assert not [text for text in shown if SECRET in text]
    assert not hasattr(secret, "__dict__")
    with pytest.raises(TypeError):
        json.dumps(secret)
    with pytest.raises(TypeError, match="pickled"):
        pickle.dumps(secret)
    assert secret == Secret(SECRET)
    assert secret != Secret("other")
    assert secret.reveal() == SECRET


def test_a_handed_over_key_is_in_a_private_file_and_nowhere_else(store):
    """The key is found again, its file is 0600, and the intent is gone."""
    receipt = hand_over(store)
    assert receipt.where.stat().st_mode & 0o777 == 0o600
    assert SECRET not in repr(receipt)
    [key] = store.keys_of("alice")
    assert (key.id, key.secret.reveal(), key.path) == ("AKIA1", SECRET, receipt.where)
    assert store.pending() == ()
    for path in store.folder.rglob("*"):
        if path.is_file() and path != receipt.where:
            assert SECRET not in path.read_text()


def test_the_newest_key_comes_first(store):
    """After a rotation the newest key is the one that is used."""
    first, second = hand_over(store, key_id="AKIA1"), hand_over(store, key_id="AKIA2")
    os.utime(first.where, (1, 1))
    assert [key.id for key in store.keys_of("alice")] == ["AKIA2", "AKIA1"]
    assert store.key_ids() == {"AKIA1", "AKIA2"}
    store.forget_key("alice", "AKIA2")
    assert not second.where.exists()


@given(LEGAL)
def test_a_file_name_gives_the_user_back(name):
    """Whatever IAM allows as a name is a plain file name that leads back to it."""
    from urllib.parse import unquote

    of_user = file_name(name)
    assert "/" not in of_user
    assert of_user[0] not in "-.~"
    assert unquote(of_user) == name


@given(st.text(min_size=1, max_size=20), st.text(min_size=1, max_size=20))
def test_file_names_neither_collide_nor_escape(a, b):
    """Two names never share a file, and none leaves its folder, whatever is in it."""
    assert "/" not in file_name(a)
    assert "\0" not in file_name(a)
    assert file_name(a) not in (".", "..")
    assert (file_name(a) == file_name(b)) == (a == b)


@pytest.mark.parametrize("user", ["=1+1,@x", "@x", "-rf", "+1", "a,b", "CON", "."])
def test_a_name_that_is_a_formula_is_not_run_by_a_spreadsheet(store, user):
    """A cell never begins as a formula does, and the name is read back as it was."""
    receipt = hand_over(store, user)
    with receipt.where.open(newline="") as file:
        row = list(csv.reader(file))[1]
    assert row[0][0] not in "=+-@"
    assert store.keys_of(user)[0].user == user


def test_a_swapped_file_is_noticed(store):
    """A file that holds another key than its name says is refused."""
    receipt = hand_over(store)
    receipt.where.rename(receipt.where.with_name("alice_accessKeys_AKIA9.csv"))
    with pytest.raises(HandoverError, match="another key"):
        store.keys_of("alice")


def test_a_refused_create_leaves_no_intent(store):
    """When AWS certainly made no key, nothing is pending."""

    def refuse():
        raise NotCreated

    with pytest.raises(NotCreated):
        store.hand_over_key("alice", frozenset(), refuse, lambda _: None)
    assert store.pending() == ()


def test_a_lost_reply_leaves_an_intent(store):
    """When nobody knows whether a key was made, the next run is told to look."""

    def lose():
        raise ConnectionError

    with pytest.raises(ConnectionError):
        store.hand_over_key("alice", frozenset({"AKIA0"}), lose, lambda _: None)
    [intent] = store.pending()
    assert (intent.user, intent.keys_before) == ("alice", {"AKIA0"})


@pytest.mark.parametrize("undone", [True, False])
def test_a_key_that_cannot_be_stored_is_deleted_again(store, monkeypatch, undone):
    """A full disk after the call deletes the key, or says which key is left; never its secret."""
    deleted = []
    real = os.write

    def full(descriptor, data):
        if b"Secret" in bytes(data):
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(descriptor, data)

    def delete(key_id):
        if not undone:
            raise ConnectionError(SECRET)
        deleted.append(key_id)

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(HandoverError) as error:
        store.hand_over_key("alice", frozenset(), lambda: ("AKIA1", Secret(SECRET)), delete)
    assert SECRET not in str(error.value)
    assert "AKIA1" in str(error.value)
    assert deleted == (["AKIA1"] if undone else [])
    assert len(store.pending()) == (0 if undone else 1)
    assert store.keys_of("alice") == ()


def test_a_full_disk_is_found_before_any_call(tmp_path):
    """On a file system without room the preflight fails, and says that nothing was changed."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k,mode=0700", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("A FULL DISK WAS NOT TRIED: mounting a small tmpfs needs root")
    try:
        (disk / "ballast").write_bytes(b"x" * 60_000)
        with pytest.raises(HandoverError, match="No space left.*Nothing was changed"):
            CredentialStore(disk / "account").preflight()
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_read_only_folder_is_found_before_any_call(tmp_path):
    """In a read-only file system the preflight fails, and says that nothing was changed."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "ro,mode=0700", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("A READ-ONLY DISK WAS NOT TRIED: mounting one needs root")
    try:
        with pytest.raises(HandoverError, match="Read-only.*Nothing was changed"):
            CredentialStore(disk / "account").preflight()
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_an_open_folder_and_a_link_are_refused(tmp_path):
    """A folder that others can look into, or a link, is named with what to do."""
    folder = tmp_path / "account"
    folder.mkdir()
    folder.chmod(0o755)
    with pytest.raises(HandoverError, match="chmod 700"):
        CredentialStore(folder).preflight()
    link = tmp_path / "link"
    link.symlink_to(folder)
    with pytest.raises(HandoverError, match="a link"):
        CredentialStore(link).preflight()


def test_a_second_process_is_told_who_holds_the_lock(store):
    """Another process gets LockedError with the holder's number and since when."""
    script = (
        "import sys; from pathlib import Path; from iamkit.credentials import CredentialStore\n"
        "with CredentialStore(Path(sys.argv[1])).lock(): print('in')"
    )
    command = [sys.executable, "-c", script, str(store.folder)]
    with store.lock():
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert f"process {os.getpid()} holds the lock since 2" in done.stderr
        assert "in" not in done.stdout
        with pytest.raises(LockedError), store.lock():
            pass
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "in\n"


@given(st.integers(6, 128))
def test_a_password_has_every_class_and_the_length_that_is_asked_for(length):
    """A generated password meets any policy, and begins with a letter."""
    text = make_password(PasswordPolicy(minimum_length=length)).reveal()
    assert len(text) == max(20, length)
    assert text[0].isalpha()
    assert any(c.isupper() for c in text)
    assert any(c.islower() for c in text)
    assert any(c.isdigit() for c in text)
    assert any(not c.isalnum() for c in text)


def test_a_password_is_stored_before_it_is_set(store):
    """When the call that sets it is made, the password is already in its file."""
    seen = []

    def set_password(password):
        [path] = store.folder.rglob("*_credentials.csv")
        seen.append(password.reveal() in path.read_text())

    for _ in range(2):  # a second one replaces the first
        receipt = store.hand_over_password("bob", Secret("Pass-1234567"), "https://x", set_password)
    assert seen == [True, True]
    assert receipt.where.stat().st_mode & 0o777 == 0o600


def test_an_aws_profile_is_written_beside_the_others(store, tmp_path):
    """Our section is added and replaced; every other line stays as it was."""
    file = tmp_path / "credentials"
    mine = "# mine\n[default]\naws_access_key_id = X\n"
    file.write_text(mine)
    hand_over(store)
    for _ in range(2):
        write_aws_profile(store.keys_of("alice")[0], "team", file)
    text = file.read_text()
    assert text.startswith(mine)
    assert text.count("[team]") == 1
    assert SECRET in text
    assert file.stat().st_mode & 0o777 == 0o600
    with pytest.raises(HandoverError, match="not written by iamkit"):
        write_aws_profile(store.keys_of("alice")[0], "default", file)
    with pytest.raises(HandoverError, match="no name"):
        write_aws_profile(store.keys_of("alice")[0], "a]\n[b", file)
    assert file.read_text() == text


@pytest.mark.parametrize(
    ("before", "why"),
    [
        ("[team] # of ours\naws_access_key_id = X\n", "not written by iamkit"),
        ("[other]\n[other]\n", "could not read"),
        ("aws_access_key_id = X\n", "could not read"),
        ("[other\n", "could not read"),
    ],
)
def test_a_profile_is_not_added_to_a_file_that_aws_could_not_read(store, tmp_path, before, why):
    """A section twice, or a line that is none, would make every profile in it unusable."""
    file = tmp_path / "credentials"
    file.write_text(before)
    hand_over(store)
    with pytest.raises(HandoverError, match=why) as raised:
        write_aws_profile(store.keys_of("alice")[0], "team", file)
    assert file.read_text() == before
    assert SECRET not in str(raised.value)
