"""Where a new credential goes, before anything else happens: private files, and nowhere else."""

from iamkit.handover.passwords import make_password
from iamkit.handover.profile import write_aws_profile
from iamkit.handover.secret import Secret
from iamkit.handover.store import CredentialStore, Intent, NotCreated, Receipt, StoredKey

__all__ = [
    "CredentialStore",
    "Intent",
    "NotCreated",
    "Receipt",
    "Secret",
    "StoredKey",
    "make_password",
    "write_aws_profile",
]
