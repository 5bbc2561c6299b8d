"""The credential store of one account: what AWS shows once is on disk before all else.

A key's hand-over, and what a crash leaves at each step:

1. an intent is on disk: the user and the key ids before. *Nothing happened yet.*
2. the key is made in AWS. *The next run finds a key that is not in the intent's list, not in the
   store, and was never used: it is ours and worthless, and is deleted.*
3. the secret is written to a staged file. *A whole one is promoted, a part of one is removed.*
4. it gets its name, and the intent is dropped.

What the next run cannot read, an encrypted file or a secret in AWS, counts when its record is on
disk, which is written last before the intent is dropped. *Without a record the key is one of which
nobody knows whether its secret was kept: it is deleted like that of 2, and the new one takes its
place, in AWS as a new version of the same secret.*
"""

import json
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from iamkit.app_mode import refuse_if_only_shown
from iamkit.credentials.credential import Credential, What, file_name, split_stem, stem_of
from iamkit.credentials.destinations import Destination, file_for
from iamkit.credentials.files import private_folder, replace_whole
from iamkit.credentials.fingerprint import Fingerprint
from iamkit.credentials.record import Record
from iamkit.credentials.secret import Secret
from iamkit.credentials.stored_files import (
    AWAY,
    Intent,
    Receipt,
    StoredKey,
    files_in,
    is_whole,
    key_id_of,
    read_intent,
    read_key,
    read_own_record,
    read_stored,
    secret_in,
    where_of,
)
from iamkit.errors import HandoverError, StorageError
from iamkit.storage.lock import exclusive_lock
from iamkit.storage.private_files import link_into_place, sync_folder
from iamkit.storage.reading import kind_of

BLOCK = 4_096
"""Bytes that a small file takes of a disk, and with it its record or its intent."""


class NotCreated(Exception):  # noqa: N818 - it says what is certain
    """Raised by the caller's ``create``: AWS refused, so there certainly is no key."""


class CredentialStore:
    """The credentials that iamkit handed over for one account, and records of those elsewhere.

    Attributes:
        folder: the account's folder; nothing is made in it before it is needed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._credentials = folder / "credentials"
        self._intents = folder / "intents"

    def preflight(self, credentials: int = 1) -> None:
        """Check, before any call to AWS, that credentials can be kept, and all be read again.

        Raises:
            HandoverError: what is wrong with the folder or a file in it, and how to mend it.
        """
        for folder in (self.folder, self._intents):
            private_folder(folder)
        private_folder(self._credentials, (3 + credentials) * BLOCK)
        try:
            self.check_files()
        except HandoverError as error:
            raise HandoverError(f"{error} Nothing was changed in AWS.") from None

    def check_files(self) -> None:
        """Read all that is here, so that what iamkit did not write is found before it matters.

        Raises:
            HandoverError: naming a file that is not as iamkit wrote it.
        """
        for look in (self.secrets, self.records, self.pending):
            look()
        for path in self._files(".csv"):
            if key_id_of(path):
                read_key(path)

    def lock(self) -> AbstractContextManager[None]:
        """Hold the account's lock while changing it.

        Raises:
            LockedError: another process holds it; its number and since when.
            StorageError: the folder or the lock in it cannot be used.
        """
        return exclusive_lock(self.folder / "lock")

    def recover(self) -> list[str]:
        """Finish what a killed run left, under the lock.

        Returns:
            What was done, a sentence each.

        Raises:
            HandoverError: something there is not as iamkit wrote it.
            StorageError: the folder cannot be written.
        """
        said = []
        try:
            for path in files_in(self._credentials):
                if path.name.startswith(".") and path.suffix == ".new":
                    said += self._promote(path)
            for intent in self.pending():
                if self.key_ids(intent.user) - intent.keys_before:
                    self.drop_intent(intent.user)
        except OSError as error:
            raise StorageError(self.folder, error.strerror or "it cannot be written") from None
        return said

    def _promote(self, staged: Path) -> list[str]:
        """Give a staged credential its name if it is whole, else remove it."""
        path = staged.with_name(staged.name[1 : -len(".new")])
        if not is_whole(path, read_stored(staged)) or path.exists():
            staged.unlink()
            return []
        link_into_place(staged, path)
        return [f"A credential that an interrupted run had received is in {where_of(path)}."]

    def pending(self) -> tuple[Intent, ...]:
        """The hand-overs that began and have not ended.

        Raises:
            HandoverError: a file of one is not as iamkit wrote it.
        """
        paths = [p for p in files_in(self._intents) if p.suffix == ".json" and p.name[0] != "."]
        return tuple(read_intent(path) for path in paths)

    def drop_intent(self, user: str) -> None:
        """Forget that a hand-over to the user began."""
        self._intent_of(user).unlink(missing_ok=True)
        sync_folder(self._intents)

    def keeper(self, hand_over: str) -> Destination:
        """The keeper of files: private ones, or encrypted to a public key if one is given."""
        return file_for(self._credentials, hand_over)

    def hand_over_key(
        self,
        user: str,
        keys_before: frozenset[str],
        create: Callable[[], tuple[str, Secret]],
        delete: Callable[[str], None],
        keeper: Destination | None = None,
    ) -> Receipt:
        """Make an access key and store its secret before anything else happens.

        Args:
            user: whose key.
            keys_before: the ids of the keys that the user has already.
            create: makes the one call to AWS, with no retry, and returns id and secret. It
                raises NotCreated if there certainly is no key.
            delete: deletes a key again.
            keeper: who keeps the secret; a private file, if nobody is given.

        Raises:
            NotCreated: as ``create`` raised it.
            HandoverError: the secret could not be stored; what became of the key.
            Exception: any other of ``create``; the next run finds out what happened.
        """
        refuse_if_only_shown()
        self._write_intent(user, keys_before)
        with _held_back_signals():
            try:
                key_id, secret = create()
            except NotCreated:
                self.drop_intent(user)
                raise
            credential = Credential(user=user, what="access key", secret=secret, key_id=key_id)
            try:
                receipt = self._keep(credential, keeper or self.keeper(""))
            except (OSError, HandoverError) as error:
                raise self._undo(user, key_id, delete, _reason(error)) from None
            self.drop_intent(user)
        return receipt

    def hand_over_password(
        self,
        user: str,
        password: Secret,
        sign_in_url: str,
        set_password: Callable[[Secret], None],
        keeper: Destination | None = None,
    ) -> Receipt:
        """Store a console password, and set it after.

        Raises:
            HandoverError: it could not be stored, and was not set.
            Exception: as ``set_password`` raised it; the password stays stored, as AWS may have
                taken it.
        """
        refuse_if_only_shown()
        credential = Credential(
            user=user, what="console password", secret=password, sign_in_url=sign_in_url
        )
        try:
            receipt = self._keep(credential, keeper or self.keeper(""))
        except (OSError, HandoverError) as error:
            raise HandoverError(
                f"The password of {user} could not be stored ({_reason(error)}), so it was not set."
            ) from None
        set_password(password)
        return receipt

    def keys_of(self, user: str) -> tuple[StoredKey, ...]:
        """The stored keys of a user that can be read, newest first."""
        return tuple(read_key(path) for path in self._newest(user, ".csv") if key_id_of(path))

    def last_key_at(self, user: str) -> datetime | None:
        """When a key of a user was last handed over, or a hand-over began that has not ended; UTC.

        None if neither is known.
        """
        begun = [intent.started for intent in self.pending() if intent.user == user]
        paths = [*self._newest(user, ".csv"), *self._newest(user, ".json")]
        kept = [datetime.fromtimestamp(p.stat().st_mtime, UTC) for p in paths if key_id_of(p)]
        return max([*begun, *kept], default=None)

    def records(self, user: str | None = None) -> tuple[Record, ...]:
        """What was handed over and cannot be read here, newest first; of one user, or of all."""
        return tuple(read_own_record(path) for path in self._newest(user, ".json"))

    def receipts(self, user: str) -> tuple[Receipt, ...]:
        """What was handed over to a user, and where it is; the newest first."""
        paths = self._newest(user, ".csv", ".json")
        kinds: tuple[What, What] = ("console password", "access key")
        return tuple(
            Receipt(user=user, what=kinds[bool(key)], where=where_of(path), key_id=key)
            for path, key in zip(paths, map(key_id_of, paths), strict=True)
        )

    def key_ids(self, user: str | None = None) -> frozenset[str]:
        """The ids of the keys that were handed over, to a user or to all."""
        return frozenset(map(key_id_of, self._newest(user, ".csv", ".json"))) - {""}

    def secrets(self) -> tuple[Secret, ...]:
        """Every secret that can be read in the store, for the search for leaks.

        Raises:
            HandoverError: a file there is not as iamkit wrote it.
        """
        return tuple(secret_in(path) for path in self._files(".csv"))

    def digests(self) -> tuple[Fingerprint, ...]:
        """By which the secrets are found that cannot be read."""
        return tuple(record.digest for record in self.records())

    def forget_key(self, user: str, key_id: str) -> None:
        """Remove what is here of a key that is no more."""
        for path in self._files_of(stem_of(user, key_id)):
            path.unlink(missing_ok=True)

    def forget_password(self, user: str) -> None:
        """Remove what is here of a password that AWS did not take."""
        for path in self._files_of(stem_of(user)):
            path.unlink(missing_ok=True)

    def _keep(self, credential: Credential, keeper: Destination) -> Receipt:
        """Let a credential be kept; what cannot be read again has a record."""
        where = keeper.keep(credential)
        record = self._credentials / f"{credential.stem}.json"
        if not keeper.can_read:
            replace_whole(record, Record.of(credential, str(where)).to_json())
        for path in self._files_of(credential.stem):  # an older password may have gone another way
            if path != where and (keeper.can_read or path != record):
                path.unlink(missing_ok=True)
        return Receipt(
            user=credential.user, what=credential.what, where=where, key_id=credential.key_id
        )

    def _files_of(self, stem: str) -> list[Path]:
        return [self._credentials / f"{stem}{ending}" for ending in (".csv", ".csv.age", ".json")]

    def _newest(self, user: str | None, *endings: str) -> list[Path]:
        """The files of a user, or of all, the newest first."""
        paths = [path for path in self._files(*endings) if user in (None, split_stem(path.stem)[0])]
        return sorted(paths, key=lambda path: path.stat().st_mtime_ns, reverse=True)

    def _files(self, *endings: str) -> list[Path]:
        """What has such an ending and is no staged file.

        Raises:
            HandoverError: one is a folder, a link or the like.
        """
        listed = files_in(self._credentials)
        paths = [p for p in listed if p.name.endswith(endings) and not p.name.startswith(".")]
        for path in paths:
            if kind := kind_of(path.lstat().st_mode):
                raise HandoverError(f"{path} is {kind}, not a file of iamkit's. {AWAY}")
        return paths

    def _write_intent(self, user: str, keys_before: frozenset[str]) -> None:
        path = self._intent_of(user)
        known = keys_before | self.key_ids(user)
        now = datetime.now(UTC).isoformat()
        facts = {"user": user, "keys_before": sorted(known), "started": now}
        try:
            replace_whole(path, json.dumps(facts).encode())
        except OSError as error:
            raise HandoverError(
                f"{path} cannot be written ({error.strerror}), so no key was made for {user}."
            ) from None

    def _intent_of(self, user: str) -> Path:
        return self._intents / f"{file_name(user)}.json"

    def _undo(
        self, user: str, key_id: str, delete: Callable[[str], None], why: str
    ) -> HandoverError:
        reason = f"The secret of key {key_id} of {user} could not be stored ({why})"
        try:
            delete(key_id)
        except Exception:  # noqa: BLE001 - its text could hold anything
            return HandoverError(
                f"{reason}, and the key could not be deleted again. The next run does so; or "
                f"delete {key_id} by hand."
            )
        self.forget_key(user, key_id)
        self.drop_intent(user)
        return HandoverError(f"{reason}, so the key was deleted again. Mend that and run again.")


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


def _reason(error: OSError | HandoverError) -> str:
    return str(error).rstrip(".") if isinstance(error, HandoverError) else str(error.strerror)
