"""Files that are whole or absent, folders for their owner alone, and locks."""

import errno
import os
import stat
import threading
from pathlib import Path

import pytest
from storage.disks import small_disk

from iamkit.errors import StorageError
from iamkit.storage.folders import check_room, make_folder, private_folder
from iamkit.storage.lock import exclusive_lock
from iamkit.storage.private_files import write_new, write_whole


def test_a_file_is_private_and_takes_the_place_of_an_older_one(tmp_path):
    """Its mode is 0600 unless another is asked for, and nothing else is left in the folder."""
    path = tmp_path / "file"
    path.write_text("old")
    write_whole(path, "nëw")
    assert path.read_bytes() == "nëw".encode()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    write_whole(path, b"open", mode=0o644)
    assert stat.S_IMODE(path.stat().st_mode) & 0o600 == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


def test_a_link_is_replaced_and_not_followed(tmp_path):
    """Who put a link there does not choose where the text goes."""
    (tmp_path / "target").write_text("theirs")
    (tmp_path / "file").symlink_to(tmp_path / "target")
    write_whole(tmp_path / "file", "ours")
    assert (tmp_path / "target").read_text() == "theirs"
    assert (tmp_path / "file").read_text() == "ours"


def test_a_failed_write_leaves_the_older_file_and_nothing_else(tmp_path, monkeypatch):
    """A disk that is full half way through costs nothing that was there."""
    path = tmp_path / "file"
    path.write_text("old")

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_whole(path, "new")
    monkeypatch.undo()
    assert path.read_text() == "old"
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


def test_writers_of_one_file_do_not_disturb_each_other(tmp_path):
    """Whatever the order, one of the texts stands there whole."""
    path = tmp_path / "file"
    texts = [letter * 50_000 for letter in "abcdefgh"]
    failed = []

    def write(text):
        try:
            for _ in range(20):
                write_whole(path, text)
        except OSError as error:
            failed.append(error)

    threads = [threading.Thread(target=write, args=[text]) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert path.read_text() in texts
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


def test_a_new_file_never_takes_the_place_of_another(tmp_path):
    """What is there already stays."""
    (tmp_path / "file").write_text("old")
    with pytest.raises(FileExistsError):
        write_new(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_text() == "old"


FOLDERS = {
    "a file": (lambda path: path.write_text(""), "it is not a folder"),
    "under a file": (lambda path: path.parent.write_text(""), "is not a folder"),
    "a link that leads nowhere": (lambda path: path.symlink_to("/no/where"), "leads nowhere"),
}


@pytest.mark.parametrize("edge", FOLDERS)
def test_what_stands_in_the_way_of_a_folder_is_told(edge, tmp_path):
    """The sentence says what is there, and that nothing was changed."""
    make, said = FOLDERS[edge]
    path = tmp_path / "under" / "it" if edge == "under a file" else tmp_path / "it"
    make(path)
    with pytest.raises(StorageError, match=f"{said}.*Nothing was changed"):
        make_folder(path)
    with pytest.raises(StorageError, match=said):
        private_folder(path)


def test_a_name_that_no_folder_can_have_is_told():
    """A name from a parameters file may be any text."""
    with pytest.raises(StorageError, match="such a name"):
        make_folder(Path("a\0b"))


@pytest.mark.parametrize(("option", "said"), [("ro", "Read-only"), ("size=16k", "No space left")])
def test_a_disk_that_takes_nothing_is_told(option, said, tmp_path):
    """A read-only or a full disk is found by writing, and nothing is left of that."""
    with small_disk(tmp_path / "disk", option) as disk:
        with pytest.raises(StorageError, match=said):
            check_room(disk, 20_000)
        assert list(disk.iterdir()) == []


def test_a_lock_that_cannot_be_written_is_told(tmp_path):
    """A folder in the place of the lock file is no traceback."""
    (tmp_path / "lock").mkdir()
    tmp_path.chmod(0o700)
    with pytest.raises(StorageError, match="Is a directory"), exclusive_lock(tmp_path / "lock"):
        pass
