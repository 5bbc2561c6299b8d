"""Credentials that this machine cannot read again: encrypted files, records, and what is found."""

import base64
import csv
import errno
import io
import os
import re
from urllib.parse import quote

import pyrage
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from hypothesis import given, strategies as st
from ways import IDENTITY, PUBLIC_KEY, Elsewhere, keeper_of

from iamkit.account.state import PasswordPolicy
from iamkit.credentials import CredentialStore, Fingerprint, Secret, make_password
from iamkit.credentials.fingerprint import DigestSearch
from iamkit.errors import HandoverError

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
URL = "https://team.signin.aws.amazon.com/console"


@pytest.fixture
def store(tmp_path):
    """An empty store in a private folder."""
    store = CredentialStore(tmp_path / "account")
    store.preflight()
    return store


def hand_over(store, keeper, user="alice", key_id="AKIA1", delete=lambda _: None):
    create = lambda: (key_id, Secret(SECRET))  # noqa: E731
    return store.hand_over_key(user, frozenset(), create, delete, keeper)


def ssh_keys(kind):
    """A new private key of SSH as its file, and its public key as a line."""
    if kind == "ssh-ed25519":
        private = ed25519.Ed25519PrivateKey.generate()
    else:
        private = rsa.generate_private_key(65537, 2048)
    coding = serialization.Encoding
    data = private.private_bytes(
        coding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    public = private.public_key().public_bytes(coding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return data, public.decode()


def rows(data):
    return list(csv.DictReader(io.StringIO(data.decode(), newline="")))


def test_an_encrypted_key_opens_for_its_owner_alone(store):
    """The owner's key gives the file that a private one would be; another's does not."""
    receipt = hand_over(store, store.keeper(PUBLIC_KEY))
    assert receipt.where.name == "alice_accessKeys_AKIA1.csv.age"
    assert receipt.where.stat().st_mode & 0o777 == 0o600
    data = receipt.where.read_bytes()
    assert data.startswith(b"age-encryption.org/v1")
    [row] = rows(pyrage.decrypt(data, [IDENTITY]))
    assert (row["User name"], row["Secret access key"]) == ("alice", SECRET)
    with pytest.raises(pyrage.DecryptError):
        pyrage.decrypt(data, [pyrage.x25519.Identity.generate()])


@pytest.mark.parametrize("kind", ["ssh-ed25519", "ssh-rsa"])
@pytest.mark.parametrize("comment", ["", " alice@laptop"])
def test_a_key_can_be_encrypted_to_an_ssh_key(store, kind, comment):
    """Who has no age key gives the public key that they have for SSH."""
    private, public = ssh_keys(kind)
    keeper = store.keeper(public + comment)
    keeper.check("alice", "access key")
    data = hand_over(store, keeper).where.read_bytes()
    [row] = rows(pyrage.decrypt(data, [pyrage.ssh.Identity.from_buffer(private)]))
    assert row["Secret access key"] == SECRET


@pytest.mark.parametrize("way", ["encrypted", "elsewhere"])
def test_the_secret_is_in_the_clear_nowhere(store, monkeypatch, way):
    """Nothing that is written, not even for a moment, holds the secret or the password."""
    written = []
    real = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: written.append(bytes(data)) or real(fd, data))
    keeper = keeper_of(store, way)
    hand_over(store, keeper)
    store.hand_over_password("alice", Secret("Pass-" + "w" * 20), URL, lambda _: None, keeper)
    assert len(written) >= 3
    assert not [data for data in written if SECRET.encode() in data or b"wwww" in data]


@pytest.mark.parametrize("way", ["encrypted", "elsewhere"])
def test_a_key_that_cannot_be_read_is_known_all_the_same(store, way):
    """Its id, its owner and its place are known, and it is none of the keys that can be used."""
    receipt = hand_over(store, keeper_of(store, way))
    assert store.keys_of("alice") == ()
    assert store.key_ids() == store.key_ids("alice") == {"AKIA1"}
    assert store.key_ids("bob") == frozenset()
    [record] = store.records("alice")
    assert (record.what, record.key_id, record.where) == (
        "access key",
        "AKIA1",
        str(receipt.where),
    )
    assert SECRET not in repr(record) + repr(receipt)
    [found] = store.receipts("alice")
    assert (found.what, str(found.where)) == ("access key", str(receipt.where))
    assert store.pending() == ()
    assert store.secrets() == ()
    store.forget_key("alice", "AKIA1")
    assert list((store.folder / "credentials").iterdir()) == []


def test_a_user_who_is_named_like_a_file_is_not_taken_for_another(store):
    """Names that look like the names of our own files lead to nobody else's credentials."""
    for number, user in enumerate(["a_accessKeys_AKIA9", "a_credentials", "a.json", "a"]):
        hand_over(store, store.keeper(PUBLIC_KEY), user, f"AKIA{number}")
        store.hand_over_password(user, Secret("Pass-" + "w" * 20), URL, lambda _: None)
    for number, user in enumerate(["a_accessKeys_AKIA9", "a_credentials", "a.json", "a"]):
        assert store.key_ids(user) == {f"AKIA{number}"}
        assert {receipt.what for receipt in store.receipts(user)} == {
            "access key",
            "console password",
        }
    assert store.key_ids() == {"AKIA0", "AKIA1", "AKIA2", "AKIA3"}


@pytest.mark.parametrize("bad", ["age1" + "q" * 58, "ssh-rsa " + "A" * 80])
def test_a_public_key_with_a_slip_is_found_before_anything_is_made(store, bad):
    """What has the form of a key and is none is named with whose it is."""
    with pytest.raises(HandoverError, match="hand_over of alice.*Nothing was changed"):
        store.keeper(bad).check("alice", "access key")


@pytest.mark.parametrize("ending", [".csv.age", ".json"])
def test_a_key_of_which_no_record_can_be_kept_is_deleted_again(store, monkeypatch, ending):
    """When the disk takes the file or the record no more, neither is left, nor the key."""
    deleted = []
    real = os.open

    def full(path, *arguments):
        if "credentials" in str(path) and str(path).endswith(f"{ending}.new"):
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(path, *arguments)

    monkeypatch.setattr(os, "open", full)
    with pytest.raises(HandoverError, match="No space left.*deleted again"):
        hand_over(store, store.keeper(PUBLIC_KEY), delete=deleted.append)
    assert deleted == ["AKIA1"]
    assert store.pending() == ()
    assert list((store.folder / "credentials").iterdir()) == []


def test_a_keeper_that_fails_has_the_key_deleted_again(store):
    """What it says is passed on, and nothing is pending."""
    deleted = []
    keeper = Elsewhere(store.folder)

    def refuse(_):
        raise HandoverError("It is full.")

    keeper.keep = refuse
    with pytest.raises(HandoverError, match=r"\(It is full\), so the key was deleted again"):
        hand_over(store, keeper, delete=deleted.append)
    assert deleted == ["AKIA1"]
    assert store.pending() == ()
    with pytest.raises(HandoverError, match="It is full.*was not set"):
        store.hand_over_password("alice", Secret("Pass-123456789"), URL, lambda _: None, keeper)


@pytest.mark.parametrize("ways", [("private", "encrypted"), ("encrypted", "private")])
def test_a_password_that_goes_another_way_leaves_nothing_of_the_older_one(store, ways):
    """The file of a password that no longer counts is not left behind."""
    for way in ways:
        keeper = keeper_of(store, way)
        receipt = store.hand_over_password("al", Secret("Pass-123456789"), URL, print, keeper)
    [found] = store.receipts("al")
    assert str(found.where) == str(receipt.where)
    endings = {path.suffix for path in (store.folder / "credentials").iterdir()}
    assert endings == ({".csv"} if ways[1] == "private" else {".age", ".json"})


def test_a_record_that_says_something_else_is_refused(store):
    """A record under another's name, or one that is none, is named."""
    hand_over(store, store.keeper(PUBLIC_KEY))
    [path] = (store.folder / "credentials").glob("*.json")
    other = path.with_name("bob_accessKeys_AKIA1.json")
    path.rename(other)
    with pytest.raises(HandoverError, match="another credential than its name says"):
        store.records("bob")
    other.write_text("{}")
    with pytest.raises(HandoverError, match="not as iamkit wrote it"):
        store.records("bob")


FORMS = {
    "plain": lambda secret: f"x{secret}y",
    "in a URL": lambda secret: quote(secret, safe=""),
    "in a URL in lower case": lambda secret: re.sub(
        "%..", lambda code: code.group().lower(), quote(secret, safe="")
    ),
    "as base64": lambda secret: base64.b64encode(secret.encode()).decode(),
    "as base64 behind one character": lambda s: base64.b64encode(f"a{s}b".encode()).decode(),
    "as base64 behind two": lambda s: base64.urlsafe_b64encode(f"ab{s}c".encode()).decode(),
    "in quotes": lambda secret: f'{{"key": "{secret}"}}',
    "in a tag": lambda secret: f"<td>{secret}</td>",
    "before a line's end as JSON": lambda secret: f'"{secret}\\n"',
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", ["key", "password"])
def test_a_secret_is_found_by_its_digest(form, kind):
    """However it is written, and wherever in a text; a text without it is clean."""
    secret = SECRET if kind == "key" else make_password(PasswordPolicy()).reveal()
    search = DigestSearch([Fingerprint.of("another" * 6), Fingerprint.of(secret)])
    for clean in (SECRET[:-1], secret[1:], secret.swapcase(), "plain words " * 40, "q" * 9_000):
        assert not search.finds_in(clean)
    assert search.finds_in(f"some words {'a' * 999} before {FORMS[form](secret)} and behind")


@given(st.text("abcXYZ019+/", min_size=40, max_size=40), st.text("abc/+ .<", max_size=30))
def test_every_key_is_found_and_no_other(secret, around):
    """The search by digest and the search by text agree."""
    search = DigestSearch([Fingerprint.of(secret)])
    assert search.finds_in(around + secret + around)
    assert search.finds_in(around + secret[1:]) == (secret in around + secret[1:])


def test_digests_tell_no_secret():
    """Nothing of the secret is in them, and the same secret has others each time."""
    one, other = Fingerprint.of(SECRET), Fingerprint.of(SECRET)
    assert not [text for text in (SECRET[:6], SECRET[-6:]) if text in repr(one)]
    assert {form[2] for form in one.forms}.isdisjoint(form[2] for form in other.forms)
