"""Where a new credential goes, before anything else happens: to its keeper, and nowhere else."""

from iamkit.credentials.aws_profile import write_aws_profile
from iamkit.credentials.credential import Credential, What
from iamkit.credentials.destinations import Destination
from iamkit.credentials.fingerprint import Fingerprint
from iamkit.credentials.passwords import make_password
from iamkit.credentials.record import Record
from iamkit.credentials.secret import Secret
from iamkit.credentials.store import CredentialStore, NotCreated
from iamkit.credentials.stored_files import Intent, Receipt, StoredKey

__all__ = [
    "Credential",
    "CredentialStore",
    "Destination",
    "Fingerprint",
    "Intent",
    "NotCreated",
    "Receipt",
    "Record",
    "Secret",
    "StoredKey",
    "What",
    "make_password",
    "write_aws_profile",
]
