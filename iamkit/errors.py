"""What can go wrong, said to the user in one or two lines.

Every message names what is wrong, in which field or call, what to do about it, and whether
anything was changed. None holds a secret.
"""

from collections.abc import Sequence
from pathlib import Path


class IamkitError(Exception):
    """The root of the kit's errors: its text is meant for the user, as it is."""

    exit_code = 1

    def _render_traceback_(self) -> list[str]:
        """IPython shows this in place of a traceback, so that a cell's error is two lines too."""
        return [f"{type(self).__name__}: {self}"]


class InputError(IamkitError):
    """A parameter, a name, a policy or a file is not what was expected.

    Attributes:
        places: of mistakes in a file, the file, the line from 1 (0 for it as a whole), and what is
            wrong there.
    """

    places: Sequence[tuple[Path, int, str]] = ()


class GuardError(IamkitError):
    """The target is not the one that was meant: another account, endpoint or kind of credential."""


class AwsError(IamkitError):
    """A call failed; the message names it and what to do."""


class PartlyApplied(AwsError):  # noqa: N818 - a word for the user, not for Python
    """Some changes were made and others not; the message names both."""

    exit_code = 4


class UnsafePlan(IamkitError):  # noqa: N818 - Terraform's and octoDNS's word
    """The plan holds destructive changes that nobody allowed."""


class Lockout(UnsafePlan):
    """The plan would leave nobody who can administer the account, or bar the caller's own way.

    Attributes:
        consent: the words by which this very plan is allowed all the same.
    """

    def __init__(self, text: str, consent: str = "") -> None:
        super().__init__(text)
        self.consent = consent


class StalePlan(IamkitError):  # noqa: N818
    """The account is no longer the one for which the plan was made."""


class NotVerified(IamkitError):  # noqa: N818
    """After an apply, the account still differs from what was wanted."""


class HandoverError(IamkitError):
    """A credential could not be stored; the message says what became of it in AWS."""


class StorageError(IamkitError):
    """A file or folder of iamkit's own cannot be used.

    Attributes:
        path: which.
        reason: why not, in words.
    """

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}. Nothing was changed.")
        self.path = path
        self.reason = reason


class LockedError(IamkitError):
    """Another process is applying a plan to the same account."""


class SandboxError(IamkitError):
    """The sandbox could not be started, found or trusted."""


class SecretLeak(IamkitError):  # noqa: N818
    """A secret was found where none may be; what held it was removed."""
