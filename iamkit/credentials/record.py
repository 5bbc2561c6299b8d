"""Records of credentials that this machine cannot read: whose, which, where, and no secret."""

import json
from dataclasses import asdict, dataclass
from typing import Self

from iamkit.credentials.credential import Credential, What, stem_of
from iamkit.credentials.fingerprint import Fingerprint
from iamkit.errors import HandoverError
from iamkit.text import parse_json


@dataclass(frozen=True, kw_only=True)
class Record:
    """That a credential was handed over.

    Attributes:
        key_id: the id of an access key; empty for a password.
        where: where it is: a file, or the ARN of a secret in AWS.
        digest: by which its secret would be recognised.
    """

    user: str
    what: What
    key_id: str
    where: str
    digest: Fingerprint

    @classmethod
    def of(cls, credential: Credential, where: str) -> Self:
        """The record of a credential that was kept."""
        digest, key_id = Fingerprint.of(credential.secret.reveal()), credential.key_id
        return cls(
            user=credential.user, what=credential.what, key_id=key_id, where=where, digest=digest
        )

    @property
    def stem(self) -> str:
        """The name of its file, without an ending."""
        return stem_of(self.user, self.key_id)

    def to_json(self) -> bytes:
        """The record as it stands in its file."""
        return json.dumps(asdict(self)).encode()


def read_record(data: bytes, where: str) -> Record:
    """A record from its file.

    Raises:
        HandoverError: it is none.
    """
    try:
        facts = parse_json(data)
        return Record(**facts | {"digest": Fingerprint.from_data(facts["digest"])})
    except (ValueError, KeyError, TypeError, AttributeError):
        raise HandoverError(
            f"{where} is not as iamkit wrote it. Move it away, and run again."
        ) from None
