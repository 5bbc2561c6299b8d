"""A stored key as an AWS profile, for tools that look nowhere else."""

import configparser
import os
import re
from configparser import RawConfigParser
from pathlib import Path

from iamkit.app_mode import refuse_if_only_shown
from iamkit.credentials.files import replace_whole
from iamkit.credentials.stored_files import StoredKey
from iamkit.errors import HandoverError, InputError
from iamkit.storage.reading import read_text

LARGEST = 10_000_000
"""Bytes of a file of profiles."""
MARK = "# written by iamkit; it replaces this section when it hands over a new key"


def write_aws_profile(key: StoredKey, profile: str, file: Path | None = None) -> Path:
    """Write a stored key to an AWS profile; every other line of the file stays as it is.

    The file is that of ``AWS_SHARED_CREDENTIALS_FILE`` without one, or ``~/.aws/credentials``.

    Returns:
        The file.

    Raises:
        HandoverError: the name is not one, or the profile was written by somebody else, or the
            file is a link or cannot be written. Nothing was changed.
        GuardError: this is a page of an app that only shows.
    """
    refuse_if_only_shown("written")
    if not re.fullmatch(r"[A-Za-z0-9_.@+-]{1,64}", profile):
        raise HandoverError(f"{profile!r} is no name for an AWS profile. It was not written.")
    configured = os.environ.get("AWS_SHARED_CREDENTIALS_FILE") or "~/.aws/credentials"
    path = (file or Path(configured)).expanduser()
    if path.is_symlink():
        raise HandoverError(f"{path} is a link, which iamkit does not follow. It was not written.")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        before = read_text(path, LARGEST) if path.exists() else ""
        after = _without_ours(before, profile, path) + _section(key, profile)
        _check_parses(after, path)
        replace_whole(path, after.encode())
    except (OSError, InputError) as error:
        reason = getattr(error, "strerror", None) or "it is no text file"
        raise HandoverError(f"{path} cannot be written ({reason}); it is as it was.") from None
    return path


def _section(key: StoredKey, profile: str) -> str:
    return (
        f"[{profile}]\n{MARK}\naws_access_key_id = {key.id}\n"
        f"aws_secret_access_key = {key.secret.reveal()}\n"
    )


def _check_parses(text: str, path: Path) -> None:
    """One line that AWS's tools cannot read, or a section twice, makes all profiles unusable."""
    try:
        RawConfigParser().read_string(text)
    except configparser.Error:
        raise HandoverError(
            f"{path} has a line or a section that AWS's tools could not read. Mend it first; it "
            "is as it was."
        ) from None


def _without_ours(text: str, profile: str, path: Path) -> str:
    """The file without our own section of that name."""
    sections = re.split(r"(?m)^(?=[ \t]*\[)", text)
    kept = []
    for section in sections:
        heading, _, body = section.partition("\n")
        if not re.match(rf"\s*\[{re.escape(profile)}\]", heading):
            kept.append(section)
        elif not body.startswith(MARK):
            raise HandoverError(
                f"The profile {profile} in {path} was not written by iamkit. Choose another name "
                "for admin_profile. The file is as it was."
            )
    rest = "".join(kept)
    return rest if not rest or rest.endswith("\n") else rest + "\n"
