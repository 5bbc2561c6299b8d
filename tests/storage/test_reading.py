"""One reader for the files that a person names: whatever is there, a text or a sentence."""

import os
import socket
import time

import pytest
from hypothesis import given, strategies as st

from iamkit.errors import InputError
from iamkit.storage.reading import decode, read_bytes, read_text

LIMIT = 1_000


def make_sparse(path):
    with path.open("wb") as file:
        file.truncate(500_000_000)


def make_socket(path):
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(path))


EDGES = {
    "missing": (lambda path: None, "No such file"),
    "a folder": (lambda path: path.mkdir(), "it is a folder, not a file"),
    "a pipe": (os.mkfifo, "it is a pipe, not a file"),
    "a device": (lambda path: path.symlink_to("/dev/zero"), "it is a device, not a file"),
    "a socket": (make_socket, "No such device or address"),
    "a loop": (lambda path: path.symlink_to(path), "Too many levels of symbolic links"),
    "a link that leads nowhere": (lambda path: path.symlink_to("/nowhere"), "No such file"),
    "500 MB": (make_sparse, "larger than 1,000 bytes"),
    "one byte too many": (lambda path: path.write_bytes(b"x" * 1_001), "larger than 1,000 bytes"),
    "Latin-1": (lambda path: path.write_bytes(b"caf\xe9"), "not text in UTF-8"),
    "UTF-16 with no mark": (lambda path: path.write_bytes("a".encode("utf-16-le")), "not text"),
    "half of UTF-16": (lambda path: path.write_bytes(b"\xff\xfea\0b"), "not text in UTF-8"),
}


@pytest.mark.parametrize("edge", EDGES)
def test_what_is_no_readable_text_gets_a_sentence_at_once(edge, tmp_path, monkeypatch):
    """Nothing is waited for, little is read, and the sentence names the file and ends well."""
    monkeypatch.chdir(tmp_path)  # a socket's path may not be long
    path = tmp_path / "f"
    make, said = EDGES[edge]
    begun = time.monotonic()
    make(path if edge != "a socket" else path.relative_to(tmp_path))
    with pytest.raises(InputError) as error:
        read_text(path, LIMIT, "users_csv")
    assert str(error.value).startswith(f"users_csv {path}: ")
    assert said in str(error.value)
    assert str(error.value).endswith("Nothing was changed.")
    assert "\n" not in str(error.value)
    assert time.monotonic() - begun < 1


@pytest.mark.parametrize("name", ["nul\0", "x" * 5_000])
def test_a_name_that_no_file_can_have_gets_a_sentence(name, tmp_path):
    """A name from a parameters file may be any text."""
    with pytest.raises(InputError, match=r"no file has such a name|too long"):
        read_text(tmp_path / name, LIMIT)


TEXT = st.text(st.characters(exclude_characters="\0\ufeff", exclude_categories=["Cs"]))


@given(TEXT, st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]))
def test_a_text_is_read_as_it_was_written(text, encoding):
    """In UTF-8, and in every encoding that a mark names; line ends stay."""
    assert decode(text.encode(encoding), "file") == text


def test_bytes_are_read_up_to_the_limit(tmp_path):
    """A file of just the size that is allowed is read whole."""
    (tmp_path / "file").write_bytes(b"x" * LIMIT)
    assert read_bytes(tmp_path / "file", LIMIT) == b"x" * LIMIT
