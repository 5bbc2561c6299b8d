"""Twins: sandboxes filled from the saved state of an account, each in a folder of its own."""

import re
from pathlib import Path

from iamkit.account.state import AccountState
from iamkit.errors import SandboxError
from iamkit.sandbox.client import Sandbox
from iamkit.sandbox.process import reset_sandbox


def twin_folder(home: Path, account_id: str) -> Path:
    """The state folder of the twin of an account, beside that of the practice account.

    Raises:
        SandboxError: it is no account's id.
    """
    if not re.fullmatch("[0-9]{12}", account_id):
        raise SandboxError(f"{account_id!r} is no account's id, which has 12 digits.")
    return home / "twins" / account_id


def list_twins(home: Path) -> list[str]:
    """The ids of the accounts that have a twin beside the practice account, in order."""
    folders = (home / "twins").glob("*")
    return sorted(folder.name for folder in folders if re.fullmatch("[0-9]{12}", folder.name))


def load_twin(folder: Path, state: AccountState) -> tuple[Sandbox, list[str]]:
    """A sandbox whose account is a twin of the one whose state was saved.

    What was in the sandbox of that folder is gone.

    Args:
        folder: the twin's state folder.
        state: of an account in the partition ``aws``.

    Returns:
        The twin, and what could not be carried over, a sentence each.

    Raises:
        SandboxError: the account is of another partition, or the sandbox did not start.
    """
    if state.partition != "aws":
        raise SandboxError(
            f"The sandbox has accounts of the partition aws, not of {state.partition}. Nothing "
            "was changed."
        )
    twin = reset_sandbox(folder).account(state.account_id)
    return twin, twin.load(state)
