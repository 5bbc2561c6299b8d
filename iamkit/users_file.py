"""Users from a CSV file, as a spreadsheet saves it."""

import csv
import io
from pathlib import Path

from iamkit.errors import InputError
from iamkit.names import did_you_mean
from iamkit.parameters import UserRow, check

COLUMNS = ("name", "path", "groups", "tags", "access_key", "console_password")
MAX_BYTES = 5_000_000
TRUTH = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False, "": False}


def read_users(path: str) -> list[UserRow]:
    """Read users from a CSV file; no path, no users.

    The header names some of the columns ``name, path, groups, tags, access_key,
    console_password``. Groups are separated by ``;``, tags are ``key=value`` separated by ``;``,
    and the last two are yes or no.

    Raises:
        InputError: naming the file, the row and the column that are wrong.
    """
    if not path:
        return []
    file = Path(path).expanduser()
    rows = csv.reader(io.StringIO(_text(file)), strict=True)
    try:
        header = [name.strip().lower() for name in next(rows, [])]
        _check_header(header, file)
        users = [
            _user(header, row, f"{file}, row {n}") for n, row in enumerate(rows, 2) if any(row)
        ]
    except csv.Error as error:
        raise InputError(f"{file}, row {rows.line_num}: {error}. Nothing was changed.") from None
    if not users:
        raise InputError(f"{file}: it has a header and no users. Nothing was changed.")
    return users


def _text(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            data = opened.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"users_csv {file}: {error.strerror}. Nothing was changed.") from None
    if len(data) > MAX_BYTES:
        raise InputError(f"{file}: larger than 5 MB, so hardly a list of users.")
    if b"\0" in data:
        raise InputError(f"{file}: not UTF-8 text; save it as CSV UTF-8. Nothing was changed.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{file}: not UTF-8 text; save it as CSV UTF-8.") from None


def _check_header(header: list[str], file: Path) -> None:
    if len(header) == 1 and ";" in header[0]:
        raise InputError(f"{file}: the columns are separated by ; and should be by a comma.")
    for name in header:
        if name not in COLUMNS:
            hint = did_you_mean(name, dict.fromkeys(COLUMNS)) or f"; known are {', '.join(COLUMNS)}"
            raise InputError(f"{file}, row 1: unknown column {name!r}{hint}. Nothing was changed.")
    if "name" not in header or len(set(header)) != len(header):
        raise InputError(f"{file}, row 1: the header wants a column `name`, and each column once.")


def _user(header: list[str], row: list[str], where: str) -> UserRow:
    if len(row) != len(header):
        raise InputError(f"{where}: {len(row)} columns, the header has {len(header)}.")
    cells = {name: cell.strip() for name, cell in zip(header, row, strict=True)}
    given: dict[str, object] = {"name": cells["name"], "path": cells.get("path") or None}
    given["groups"] = _list(cells.get("groups", ""))
    pairs = [pair.partition("=") for pair in _list(cells.get("tags", ""))]
    given["tags"] = {key.strip(): value.strip() for key, _, value in pairs}
    for name in ("access_key", "console_password"):
        given[name] = TRUTH.get(cells.get(name, "").lower(), cells.get(name))
    return check(UserRow, given, f"{where}: ")


def _list(text: str) -> list[str]:
    return [item.strip() for item in text.split(";") if item.strip()]
