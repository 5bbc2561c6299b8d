"""Where a new credential can be kept: one small interface, and the keepers that are files.

A third keeper, AWS Secrets Manager, is in ``iamkit.aws.secrets_manager``.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pyrage

from iamkit.credentials.credential import Credential, What
from iamkit.credentials.files import replace_whole, store_whole
from iamkit.errors import HandoverError
from iamkit.parameters.hand_over import short_key


class Destination(Protocol):
    """Keeps credentials, each durably before anything else happens."""

    @property
    def can_read(self) -> bool:
        """Whether this machine can read again what was kept, so that no record is needed."""

    def check(self, user: str, what: What) -> None:
        """Check, before anything is changed, that a credential could be kept.

        Raises:
            HandoverError: it could not; what is wrong, and how to mend it.
        """

    def keep(self, credential: Credential) -> Path | str:
        """Keep a credential; when this returns, it is safe.

        Returns:
            Where it is: a file, or the ARN of a secret in AWS.

        Raises:
            OSError: the file could not be written.
            HandoverError: it may not have been kept; why, in a text without the secret.
        """


@dataclass(frozen=True)
class PrivateFile:
    """A file for its owner alone; the account's folder was checked by the store."""

    folder: Path
    can_read = True

    def check(self, user: str, what: What) -> None:
        """There is no more to check."""

    def keep(self, credential: Credential) -> Path:
        """Write the file."""
        return _store(self.folder / f"{credential.stem}.csv", credential, credential.as_csv())


@dataclass(frozen=True)
class EncryptedFile:
    """The same file, encrypted to its recipient's public key before it reaches the disk.

    https://age-encryption.org/v1
    """

    folder: Path
    public_key: str
    can_read = False

    def check(self, user: str, what: What) -> None:
        """Check the public key with the library that will encrypt to it."""
        try:
            self._encrypt(b"")
        except HandoverError as error:
            raise HandoverError(
                f"hand_over of {user}: the {what} cannot go to its owner, because {error}. Ask "
                "for the public key again. Nothing was changed."
            ) from None

    def keep(self, credential: Credential) -> Path:
        """Encrypt the file in memory, and write what came out."""
        data = self._encrypt(credential.as_csv())
        return _store(self.folder / f"{credential.stem}.csv.age", credential, data)

    def _encrypt(self, data: bytes) -> bytes:
        kind = pyrage.ssh if self.public_key.startswith("ssh-") else pyrage.x25519
        try:
            encrypted: bytes = pyrage.encrypt(data, [kind.Recipient.from_str(self.public_key)])
        except (pyrage.RecipientError, pyrage.EncryptError) as error:
            text = f"{short_key(self.public_key)} is no key to encrypt to ({error})"
            raise HandoverError(text) from None
        return encrypted


def file_for(folder: Path, hand_over: str) -> Destination:
    """The keeper of files in a folder: private ones, or encrypted to a public key."""
    return EncryptedFile(folder, hand_over) if hand_over else PrivateFile(folder)


def _store(path: Path, credential: Credential, data: bytes) -> Path:
    """A key's file is new, as each key is; a password's takes the place of an older one's."""
    (store_whole if credential.key_id else replace_whole)(path, data)
    return path
