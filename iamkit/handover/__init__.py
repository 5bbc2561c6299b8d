"""Where a new credential goes, before anything else happens: to its keeper, and nowhere else."""

from iamkit.handover.credential import Credential, What
from iamkit.handover.digest import Digest
from iamkit.handover.keepers import Keeper
from iamkit.handover.passwords import make_password
from iamkit.handover.profile import write_aws_profile
from iamkit.handover.record import Record
from iamkit.handover.secret import Secret
from iamkit.handover.store import CredentialStore, Intent, NotCreated, Receipt, StoredKey

__all__ = [
    "Credential",
    "CredentialStore",
    "Digest",
    "Intent",
    "Keeper",
    "NotCreated",
    "Receipt",
    "Record",
    "Secret",
    "StoredKey",
    "What",
    "make_password",
    "write_aws_profile",
]
