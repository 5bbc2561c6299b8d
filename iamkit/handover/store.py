"""The credential store of one account: what AWS shows once is on disk before all else.

A key's hand-over, and what a crash leaves at each step:

1. an intent is on disk: the user and the key ids before. *Nothing happened yet.*
2. the key is made in AWS. *The next run finds a key that is not in the intent's list, not in the
   store, and was never used: it is ours and worthless, and is deleted.*
3. the secret is written to a staged file. *A whole one is promoted, a part of one is removed.*
4. it gets its name, and the intent is dropped.
"""

import csv
import io
import json
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, unquote

from iamkit.errors import HandoverError
from iamkit.handover.files import (
    check_room,
    link_into_place,
    private_folder,
    replace_whole,
    store_whole,
    sync_folder,
)
from iamkit.handover.lock import exclusive_lock
from iamkit.handover.secret import Secret

KEY_HEADER = ["User name", "Access key ID", "Secret access key"]
PASSWORD_HEADER = ["User name", "Password", "Console sign-in URL"]
FORMULA = ("=", "+", "-", "@")
"""What a spreadsheet takes for the beginning of a formula; IAM allows it in a name."""


class NotCreated(Exception):  # noqa: N818 - it says what is certain
    """Raised by the caller's ``create``: AWS refused, so there certainly is no key."""


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """Where a new credential is, never what it is."""

    user: str
    what: str
    where: Path
    key_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class StoredKey:
    """An access key in the store."""

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


class CredentialStore:
    """The credentials that iamkit handed over for one account, as files for their owner alone.

    Attributes:
        folder: the account's folder; nothing is made in it before it is needed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._credentials = folder / "credentials"
        self._intents = folder / "intents"

    def preflight(self) -> None:
        """Check, before any call to AWS, that a credential can be kept.

        Raises:
            HandoverError: what is wrong with the folder, and how to mend it.
        """
        for folder in (self.folder, self._credentials, self._intents):
            private_folder(folder)
        check_room(self._credentials)

    def lock(self) -> AbstractContextManager[None]:
        """Hold the account's lock while changing it.

        Raises:
            LockedError: another process holds it; its number and since when.
        """
        return exclusive_lock(self.folder / "lock")

    def recover(self) -> list[str]:
        """Finish what a killed run left, under the lock.

        Returns:
            What was done, a sentence each.
        """
        said = []
        for staged in sorted(self._credentials.glob(".*.new")):
            path = staged.with_name(staged.name[1 : -len(".new")])
            if _is_whole(staged.read_bytes()) and not path.exists():
                link_into_place(staged, path)
                said.append(f"A credential that an interrupted run had received is in {path}.")
            else:
                staged.unlink()
        for intent in self.pending():
            if any(key.id not in intent.keys_before for key in self.keys_of(intent.user)):
                self.drop_intent(intent.user)
        return said

    def pending(self) -> tuple[Intent, ...]:
        """The hand-overs that began and have not ended."""
        return tuple(_read_intent(path) for path in sorted(self._intents.glob("*.json")))

    def drop_intent(self, user: str) -> None:
        """Forget that a hand-over to the user began."""
        self._intent_of(user).unlink(missing_ok=True)
        sync_folder(self._intents)

    def hand_over_key(
        self,
        user: str,
        keys_before: frozenset[str],
        create: Callable[[], tuple[str, Secret]],
        delete: Callable[[str], None],
    ) -> Receipt:
        """Make an access key and store its secret before anything else happens.

        Args:
            user: whose key.
            keys_before: the ids of the keys that the user has already.
            create: makes the one call to AWS, with no retry, and returns id and secret. It
                raises NotCreated if there certainly is no key.
            delete: deletes a key again.

        Raises:
            NotCreated: as ``create`` raised it.
            HandoverError: the secret could not be stored; what became of the key.
            Exception: any other of ``create``; the next run finds out what happened.
        """
        self._write_intent(user, keys_before)
        with _held_back_signals():
            try:
                key_id, secret = create()
            except NotCreated:
                self.drop_intent(user)
                raise
            path = self._credentials / f"{_file_name(user)}_accessKeys_{key_id}.csv"
            try:
                store_whole(path, _csv(KEY_HEADER, [_no_formula(user), key_id, secret.reveal()]))
            except OSError as error:
                raise self._undo(user, key_id, delete, error) from None
            self.drop_intent(user)
        return Receipt(user=user, what="access key", where=path, key_id=key_id)

    def hand_over_password(
        self, user: str, password: Secret, sign_in_url: str, set_password: Callable[[Secret], None]
    ) -> Receipt:
        """Store a console password, and set it after.

        Raises:
            HandoverError: it could not be stored, and was not set.
            Exception: as ``set_password`` raised it; the password stays stored, as AWS may have
                taken it.
        """
        path = self._credentials / f"{_file_name(user)}_credentials.csv"
        line = [_no_formula(user), password.reveal(), sign_in_url]
        try:
            replace_whole(path, _csv(PASSWORD_HEADER, line))
        except OSError as error:
            raise HandoverError(
                f"The password of {user} cannot be stored in {path} ({error.strerror}), so it "
                "was not set."
            ) from None
        set_password(password)
        return Receipt(user=user, what="console password", where=path)

    def keys_of(self, user: str) -> tuple[StoredKey, ...]:
        """The stored keys of a user, newest first."""
        paths = self._credentials.glob("*_accessKeys_*.csv")
        newest = sorted(paths, key=lambda path: path.stat().st_mtime_ns, reverse=True)
        keys = (_read_key(path) for path in newest if _user_of(path) == user)
        return tuple(keys)

    def stored_key_ids(self) -> frozenset[str]:
        """The ids of all stored keys."""
        paths = self._credentials.glob("*_accessKeys_*.csv")
        return frozenset(path.stem.rpartition("_")[2] for path in paths)

    def secrets(self) -> tuple[Secret, ...]:
        """Every secret in the store, for the search for leaks."""
        rows = [_row(path) for path in self._credentials.glob("*.csv")]
        return tuple(
            Secret(row["Secret access key"] if "Secret access key" in row else row["Password"])
            for row in rows
        )

    def forget_key(self, user: str, key_id: str) -> None:
        """Remove the file of a key that is no more."""
        path = self._credentials / f"{_file_name(user)}_accessKeys_{key_id}.csv"
        path.unlink(missing_ok=True)

    def _write_intent(self, user: str, keys_before: frozenset[str]) -> None:
        path = self._intent_of(user)
        known = keys_before | {key.id for key in self.keys_of(user)}
        now = datetime.now(UTC).isoformat()
        facts = {"user": user, "keys_before": sorted(known), "started": now}
        try:
            replace_whole(path, json.dumps(facts).encode())
        except OSError as error:
            raise HandoverError(
                f"{path} cannot be written ({error.strerror}), so no key was made for {user}."
            ) from None

    def _intent_of(self, user: str) -> Path:
        return self._intents / f"{_file_name(user)}.json"

    def _undo(
        self, user: str, key_id: str, delete: Callable[[str], None], error: OSError
    ) -> HandoverError:
        reason = f"The secret of key {key_id} of {user} could not be stored ({error.strerror})"
        try:
            delete(key_id)
        except Exception:  # noqa: BLE001 - its text could hold anything
            return HandoverError(
                f"{reason}, and the key could not be deleted again. The next run does so; or "
                f"delete {key_id} by hand."
            )
        self.drop_intent(user)
        return HandoverError(f"{reason}, so the key was deleted again. Make room and run again.")


@contextmanager
def _held_back_signals() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM wait until a new secret is on disk."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _file_name(user: str) -> str:
    """A user's name as a file name that cannot escape, collide, or look like an option."""
    name = quote(user, safe="@+=,")  # letters, digits and _.-~ are safe to quote() anyway
    return f"%{ord(name[0]):02X}{name[1:]}" if name[:1] in ("-", ".", "~") else name


def _user_of(path: Path) -> str:
    return unquote(path.name.rpartition("_accessKeys_")[0])


def _csv(header: list[str], row: list[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows([header, row])
    return text.getvalue().encode()


def _is_whole(data: bytes) -> bool:
    """Whether a staged credential was written to its end."""
    lines = data.decode(errors="replace").split("\r\n")
    return len(lines) == 3 and lines[2] == "" and len(next(csv.reader([lines[1]]))) == 3


def _row(path: Path) -> dict[str, str]:
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    if len(rows) != 1:
        raise HandoverError(f"{path} is not as iamkit wrote it. Move it away, and run again.")
    return rows[0]


def _read_key(path: Path) -> StoredKey:
    row = _row(path)
    user = row["User name"].removeprefix("'")
    key_id = row["Access key ID"]
    if user != _user_of(path) or not path.stem.endswith(f"_{key_id}"):
        raise HandoverError(f"{path} holds another key than its name says. Move it away.")
    return StoredKey(user=user, id=key_id, secret=Secret(row["Secret access key"]), path=path)


def _no_formula(text: str) -> str:
    """A name that a spreadsheet does not run; IAM allows no quote in a name."""
    return f"'{text}" if text.startswith(FORMULA) else text


def _read_intent(path: Path) -> Intent:
    facts = json.loads(path.read_text())
    return Intent(
        user=facts["user"],
        keys_before=frozenset(facts["keys_before"]),
        started=datetime.fromisoformat(facts["started"]),
    )
