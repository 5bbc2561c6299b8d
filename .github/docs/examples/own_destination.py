# ruff: noqa: INP001
"""A destination of one's own: a file in a folder of the user's own, such as a share."""

from pathlib import Path

from iamkit.credentials.credential import Credential, What
from iamkit.credentials.files import write_new
from iamkit.errors import HandoverError


class OwnFolder:
    """Keeps a credential in the folder that bears the user's name."""

    can_read = False  # it is the user's, so a record is kept in its place

    def __init__(self, shares: Path) -> None:
        self._shares = shares

    def check(self, user: str, what: What) -> None:
        """Check that the user has a folder."""
        if not (self._shares / user).is_dir():
            raise HandoverError(f"{user} has no folder for the {what}. Nothing was changed.")

    def keep(self, credential: Credential) -> Path:
        """Write the file; it is on disk when this returns."""
        path = self._shares / credential.user / f"{credential.stem}.csv"
        write_new(path, credential.as_csv())
        return path
