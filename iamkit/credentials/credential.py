"""A new credential, and the file that it can become: a name that cannot escape, safe cells."""

import csv
import io
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote, unquote

from iamkit.credentials.secret import Secret

What = Literal["access key", "console password"]
FORMULA = ("=", "+", "-", "@")
"""What a spreadsheet takes for the beginning of a formula; IAM allows it in a name."""


@dataclass(frozen=True, kw_only=True)
class Credential:
    """A new credential, on its way to where it is kept.

    Attributes:
        key_id: the id of an access key; empty for a password.
        sign_in_url: where a password is for; empty for a key.
    """

    user: str
    what: What
    secret: Secret
    key_id: str = ""
    sign_in_url: str = ""

    @property
    def stem(self) -> str:
        """The name of its file, without an ending."""
        return stem_of(self.user, self.key_id)

    @property
    def fields(self) -> dict[str, str]:
        """All of it, the secret too, under the names that the console's own downloads use."""
        secret = self.secret.reveal()
        if self.what == "access key":
            own = {"Access key ID": self.key_id, "Secret access key": secret}
        else:
            own = {"Password": secret, "Console sign-in URL": self.sign_in_url}
        return {"User name": self.user} | own

    def as_csv(self) -> bytes:
        """All of it, the secret too, as a CSV file whose cells no spreadsheet runs."""
        fields = self.fields | {"User name": _no_formula(self.user)}
        text = io.StringIO()
        csv.writer(text).writerows([list(fields), list(fields.values())])
        return text.getvalue().encode()


def read_user_name(cell: str) -> str:
    """The user's name from its cell."""
    return cell.removeprefix("'")


def is_whole_csv(data: bytes) -> bool:
    """Whether a credential's file was written to its end."""
    lines = data.decode(errors="replace").split("\r\n")
    return len(lines) == 3 and lines[2] == "" and len(next(csv.reader([lines[1]]))) == 3


def file_name(user: str) -> str:
    """A user's name as a file name that cannot escape, collide, or look like an option."""
    name = quote(user, safe="@+=,")  # letters, digits and _.-~ are safe to quote() anyway
    return f"%{ord(name[0]):02X}{name[1:]}" if name[:1] in ("-", ".", "~") else name


def stem_of(user: str, key_id: str = "") -> str:
    """The name of a credential's file, without an ending: of a key, or of the password."""
    return f"{file_name(user)}_accessKeys_{key_id}" if key_id else f"{file_name(user)}_credentials"


def split_stem(stem: str) -> tuple[str, str]:
    """The user and the key id of a file's name without its ending; no id for a password."""
    name, _, key_id = stem.rpartition("_accessKeys_")
    if key_id.isalnum():
        return unquote(name), key_id
    return unquote(stem.removesuffix("_credentials")), ""


def _no_formula(text: str) -> str:
    """A name that a spreadsheet does not run; IAM allows no quote in a name."""
    return f"'{text}" if text.startswith(FORMULA) else text
