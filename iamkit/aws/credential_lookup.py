"""Where botocore looks for credentials, which source is in force, and why.

The order is botocore's: the first complete source wins.
https://boto3.amazonaws.com/v1/documentation/api/latest/guide/credentials.html
"""

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import botocore.session
from botocore.exceptions import BotoCoreError

from iamkit.aws.credential_place import profile_in_force
from iamkit.aws.session import Session
from iamkit.errors import InputError
from iamkit.storage.reading import read_text

if TYPE_CHECKING:
    import pandas as pd

LARGEST = 100_000
"""Bytes of an old credential file, which has two lines."""
SOURCES = (
    ("env", "environment variables", "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
    ("assume-role", "profile with a role", "role_arn in ~/.aws/config"),
    ("assume-role-with-web-identity", "web identity", "AWS_WEB_IDENTITY_TOKEN_FILE, as CI has it"),
    ("sso", "IAM Identity Center", "sso_session in ~/.aws/config, after aws sso login"),
    ("shared-credentials-file", "shared credentials file", "~/.aws/credentials"),
    ("login", "console sign-in", "login_session in ~/.aws/config, after aws login"),
    ("custom-process", "credential process", "credential_process in ~/.aws/config"),
    ("config-file", "config file", "keys in ~/.aws/config"),
    ("ec2-credentials-file", "the old credential file", "AWS_CREDENTIAL_FILE"),
    ("boto-config", "boto 2 config", "/etc/boto.cfg or ~/.boto"),
    ("container-role", "container role", "AWS_CONTAINER_CREDENTIALS_..., in ECS and EKS"),
    ("iam-role", "instance role", "the metadata service of EC2"),
)
"""botocore's name of each source, ours, and where it looks, in its order."""
SIGNS = {
    "env": ["AWS_ACCESS_KEY_ID"],
    "assume-role": ["role_arn"],
    "assume-role-with-web-identity": ["AWS_WEB_IDENTITY_TOKEN_FILE"],
    "sso": ["sso_session", "sso_start_url"],
    "shared-credentials-file": ["aws_access_key_id"],
    "login": ["login_session"],
    "custom-process": ["credential_process"],
    "ec2-credentials-file": ["AWS_CREDENTIAL_FILE"],
    "container-role": [f"AWS_CONTAINER_CREDENTIALS_{end}_URI" for end in ("RELATIVE", "FULL")],
}
"""By botocore's name of a source, the variables or settings of the profile that tell of it."""


@dataclass(frozen=True, kw_only=True)
class OldCredentialFile:
    """What an ``AWS_CREDENTIAL_FILE`` of the retired command line tools holds.

    Attributes:
        key_id: its access key id; the secret is checked to be there and not kept.
        open_to_others: whether others on this machine can read it.
    """

    path: Path
    key_id: str
    open_to_others: bool


def credential_sources(session: Session) -> "pd.DataFrame":
    """Every source of credentials, in the order in which botocore asks them.

    Returns:
        A DataFrame with the str columns ``source``, ``where``, ``found`` and ``used``.
    """
    import pandas as pd  # noqa: PLC0415 - most notebooks do without, and it takes 0.3 s

    profile, _ = profile_in_force(session.clients.profile)
    found = _found(os.environ, botocore.session.Session(), profile)
    in_force = session.clients.method
    rows = [(session.source, "iamkit", "yes", "in force")] if in_force == "explicit" else []
    for method, source, where in SOURCES:
        used = "in force" if method == in_force else "not asked"
        if method in found and used != "in force":
            used = "found, but not in force"
        rows.append((source, where, found.get(method, "no"), used))
    return pd.DataFrame(rows, columns=["source", "where", "found", "used"], dtype="str")


def read_old_credential_file(path: str) -> OldCredentialFile | None:
    """Read a file with ``AWSAccessKeyId=`` and ``AWSSecretKey=`` lines.

    Args:
        path: the file; empty takes ``AWS_CREDENTIAL_FILE``, and None comes back if that is unset.

    Raises:
        InputError: the file cannot be read, or lacks a line; its content is not repeated.
    """
    name = path or os.environ.get("AWS_CREDENTIAL_FILE", "")
    if not name:
        return None
    file = Path(name).expanduser()
    lines = read_text(file, LARGEST, "credential_file").splitlines()
    mode = file.stat().st_mode
    values = dict(line.split("=", 1) for line in lines if "=" in line)
    values = {name.strip(): value.strip() for name, value in values.items()}
    for wanted in ("AWSAccessKeyId", "AWSSecretKey"):
        if not values.get(wanted):
            raise InputError(f"credential_file {file}: the line {wanted}=... is missing.")
    others = bool(mode & (stat.S_IRWXG | stat.S_IRWXO))
    return OldCredentialFile(path=file, key_id=values["AWSAccessKeyId"], open_to_others=others)


def _found(environ: Mapping[str, str], session: Any, name: str) -> dict[str, str]:
    """The sources that are there, told from variables and files alone, with no call."""
    try:
        profile = session.full_config.get("profiles", {}).get(name, {})
    except BotoCoreError:  # a file that does not parse, which the sandbox ignores
        profile = {}
    named = [(method, sign) for method, signs in SIGNS.items() for sign in signs]
    return {
        method: f"yes, {sign}"
        for method, sign in named
        if (environ if sign.isupper() else profile).get(sign)
    }
