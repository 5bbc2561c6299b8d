"""What the files of a credential store say: each is as iamkit wrote it, or it is an error."""

import csv
import io
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from iamkit.credentials.credential import What, is_whole_csv, read_user_name, split_stem
from iamkit.credentials.record import Record, read_record
from iamkit.credentials.secret import Secret
from iamkit.errors import HandoverError, InputError
from iamkit.storage.reading import decode, read_bytes
from iamkit.text import parse_json

LARGEST = 1_000_000
"""Bytes of a file in the store; the largest that iamkit writes has a few thousand."""
AWAY = "Move it away, and run again."


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """Where a new credential is, never what it is.

    Attributes:
        where: a file, or the ARN of a secret in AWS.
        key_id: the id of an access key; empty for a password.
    """

    user: str
    what: What
    where: Path | str
    key_id: str = ""


@dataclass(frozen=True, kw_only=True)
class StoredKey:
    """An access key in the store that can be read."""

    user: str
    id: str
    secret: Secret
    path: Path

    @property
    def is_new(self) -> bool:
        """Whether it was stored in the last two minutes, so that AWS may not know it everywhere."""
        return time.time() - self.path.stat().st_mtime < 120


@dataclass(frozen=True, kw_only=True)
class Intent:
    """A key's hand-over that began and has not ended.

    Attributes:
        keys_before: the ids of the keys that the user had in AWS or in the store.
        started: in UTC.
    """

    user: str
    keys_before: frozenset[str]
    started: datetime


def key_id_of(path: Path) -> str:
    """The key id in a file's name; empty for a password."""
    return split_stem(path.stem)[1]


def where_of(path: Path) -> Path | str:
    """Where a credential is that has this file: there, or where its record says."""
    return read_own_record(path).where if _is_record(path) else path


def _is_record(path: Path) -> bool:
    return path.suffix == ".json"


def is_whole(path: Path, data: bytes) -> bool:
    """Whether a staged file was written to its end; of an encrypted one nobody can tell."""
    if _is_record(path):
        with suppress(HandoverError):
            return bool(read_record(data, ""))
    return path.suffix == ".csv" and is_whole_csv(data)


def files_in(folder: Path) -> list[Path]:
    """What is in a folder, in order; nothing if it is not there yet.

    Raises:
        HandoverError: nobody can tell, which does not mean that there is nothing.
    """
    try:
        return sorted(folder.iterdir())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise HandoverError(f"{folder} cannot be read: {error.strerror}.") from None


def read_stored(path: Path) -> bytes:
    """A file of the store; a link is none.

    Raises:
        HandoverError: it cannot be read.
    """
    try:
        if path.is_symlink():
            raise _foreign(path)
        return read_bytes(path, LARGEST, end=AWAY)
    except InputError as error:
        raise HandoverError(str(error)) from None


def _row(path: Path) -> dict[str, str]:
    try:
        text = decode(read_stored(path), str(path))
        rows = list(csv.DictReader(io.StringIO(text, newline=""), restval="", strict=True))
    except (InputError, csv.Error):
        raise _foreign(path) from None
    if len(rows) != 1:
        raise _foreign(path)
    return rows[0]


def secret_in(path: Path) -> Secret:
    """The secret key or password of a file.

    Raises:
        HandoverError: there is none.
    """
    row = _row(path)
    text = row.get("Secret access key") or row.get("Password")
    if not text:
        raise _foreign(path)
    return Secret(text)


def _foreign(path: Path) -> HandoverError:
    return HandoverError(f"{path} is not as iamkit wrote it. {AWAY}")


def read_key(path: Path) -> StoredKey:
    """The access key of a file, which must be the one that its name says.

    Raises:
        HandoverError: it is not as iamkit wrote it.
    """
    row = _row(path)
    user, key_id = read_user_name(row.get("User name", "")), row.get("Access key ID", "")
    if not user or not key_id:
        raise _foreign(path)
    if (user, key_id) != split_stem(path.stem):
        raise HandoverError(f"{path} holds another key than its name says. Move it away.")
    return StoredKey(user=user, id=key_id, secret=secret_in(path), path=path)


def read_own_record(path: Path) -> Record:
    """A record, which must be of the credential that its name says.

    Raises:
        HandoverError: it is not as iamkit wrote it.
    """
    record = read_record(read_stored(path), str(path))
    if record.stem != path.stem:
        raise HandoverError(f"{path} records another credential than its name says. Move it away.")
    return record


def read_intent(path: Path) -> Intent:
    """What a file says of a hand-over that began.

    Raises:
        HandoverError: it is not as iamkit wrote it.
    """
    try:
        facts = parse_json(read_stored(path))
        return Intent(
            user=facts["user"],
            keys_before=frozenset(facts["keys_before"]),
            started=datetime.fromisoformat(facts["started"]),
        )
    except (ValueError, KeyError, TypeError):
        raise _foreign(path) from None
