"""Users as the text of cells: from a CSV file as a spreadsheet saves it, or pasted from one."""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_origin

from iamkit.errors import InputError
from iamkit.names import did_you_mean
from iamkit.parameters import UserRow, UsersParameters, check

Cells = dict[str, str]
"""The text of a user's cells, by column."""
COLUMNS = ("name", "path", "groups", "tags", "access_key", "console_password", "hand_over")
MAX_BYTES = 5_000_000
TRUTH = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False, "": False}
_TAG = re.compile(r'(?:"([^"]*)"|([^=]*?))\s*(?:=\s*(?:"([^"]*)"|(.*)))?')
"""Quotes, which IAM allows in no tag, keep outer spaces, and a = in a key."""


def read_users(path: str) -> list[UserRow]:
    """Read users from a CSV file; no path, no users.

    The header names some of the columns of ``COLUMNS``. Groups are separated by ``;``, tags are
    ``key=value`` separated by ``;``, and what is true or false is yes or no.

    Raises:
        InputError: naming the file, the row and the column that are wrong.
    """
    if not path:
        return []
    file = Path(path).expanduser()
    try:
        with file.open("rb") as opened:
            data = opened.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"users_csv {file}: {error.strerror}. Nothing was changed.") from None
    rows = read_cells(decode_text(data, str(file)), str(file))
    return [check(UserRow, plain_user(cells), f"{file}, row {n}: ") for n, cells in rows.items()]


def with_users_file(parameters: UsersParameters) -> UsersParameters:
    """The parameters with the users of their ``users_csv`` among ``users``.

    Raises:
        InputError: the file is wrong, or a user is given twice.
    """
    more = read_users(parameters.users_csv)
    users = [user.model_dump(exclude_defaults=True) for user in [*parameters.users, *more]]
    given = parameters.model_dump(exclude={"users", "users_csv"})
    return check(UsersParameters, given | {"users": users}) if more else parameters


def decode_text(data: bytes, where: str) -> str:
    """The text of a CSV file.

    Args:
        data: its first ``MAX_BYTES + 1`` bytes.
        where: what to call it in an error.

    Raises:
        InputError: it is too large, or not UTF-8.
    """
    if len(data) > MAX_BYTES:
        raise InputError(f"{where}: larger than 5 MB, so hardly a list of users.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise InputError(f"{where}: not UTF-8 text; save it as CSV UTF-8. Nothing was changed.")
    return text


def read_cells(text: str, where: str, names: Mapping[str, str] | None = None) -> dict[int, Cells]:
    """Read the rows of a CSV file with a header; whether their cells are right is not asked.

    Args:
        text: the file's text.
        where: what to call it in an error.
        names: more names of columns, in lower case with ``_`` for a space.

    Returns:
        the given cells of each row that is not empty, by the row's number; the header is row 1.

    Raises:
        InputError: naming the row that has no such form.
    """
    return _under_header(_records(text, ",", where), where, names or {})


def read_pasted_cells(
    text: str, column: str, names: Mapping[str, str] | None = None
) -> dict[int, Cells]:
    """Read rows as a spreadsheet copies them: separated by tabs, with or without a header.

    Names alone are rows too, and so is the text of a CSV file. Without a header the columns are
    in the order of ``COLUMNS``, and only pasting into the first is understood.

    Args:
        text: what was copied.
        column: the column into which it was pasted.
        names: more names of columns, as for ``read_cells``.

    Returns:
        the given cells of each row that is not empty, by the row's number.

    Raises:
        InputError: naming the row that has no such form.
    """
    where = "The pasted text"
    if len(text) > MAX_BYTES:
        raise InputError(f"{where}: larger than 5 MB, so hardly a list of users.")
    names, text = names or {}, text.lstrip("\r\n")
    first = text.split("\n", 1)[0]
    is_csv = "\t" not in first and _is_header(first.split(","), names)  # a name may have a comma
    records = _records(text, "," if is_csv else "\t", where)
    if not records or _is_header(records[0], names):
        return _under_header(records, where, names)
    if column != COLUMNS[0]:
        raise InputError(
            f"{where}: rows without a header go into the column `{COLUMNS[0]}`. "
            "Nothing was changed."
        )
    width = len(records[0])
    if width > len(COLUMNS):
        raise InputError(
            f"{where}, row 1: {width} columns, and there are {len(COLUMNS)}; "
            "a header row says which is which. Nothing was changed."
        )
    return _rows(COLUMNS[:width], enumerate(records, 1), where)


def plain_user(cells: Mapping[str, str]) -> dict[str, Any]:
    """A user as it stands in the parameters; what no user has is left for the model to refuse."""
    given: dict[str, Any] = {"name": cells.get("name", "").strip()}
    for name in COLUMNS[1:]:
        if text := cells.get(name, "").strip():
            match kind_of(name):
                case "yes_no":
                    given[name] = TRUTH.get(text.lower(), text)
                case "list":
                    given[name] = _items(text)
                case "tags":
                    given[name] = _tags(text)
                case "text":
                    given[name] = text
    return given


def cells_of(user: UserRow) -> Cells:
    """The text of a user's cells, of which ``plain_user`` makes the same user again."""
    return {name: _cell(getattr(user, name)) for name in COLUMNS}


def tidy_cells(cells: Mapping[str, str]) -> Cells:
    """The same cells, trimmed, with yes or nothing for a truth and one ``;`` between items."""
    return {name: _tidy(kind_of(name), cells[name].strip()) for name in COLUMNS if name in cells}


def kind_of(column: str) -> Literal["text", "list", "tags", "yes_no"]:
    """What a column's cells hold, by the type of the user's field."""
    annotation = UserRow.model_fields[column].annotation
    kinds: dict[Any, Literal["list", "tags", "yes_no"]]
    kinds = {bool: "yes_no", list: "list", dict: "tags"}
    return kinds.get(get_origin(annotation) or annotation, "text")


def _records(text: str, delimiter: str, where: str) -> list[list[str]]:
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        return list(rows)
    except csv.Error as error:
        raise InputError(f"{where}, row {rows.line_num}: {error}. Nothing was changed.") from None


def _under_header(
    records: Sequence[Sequence[str]], where: str, names: Mapping[str, str]
) -> dict[int, Cells]:
    header = [_column(cell, names) for cell in records[0]] if records else []
    _check_header(header, where)
    rows = _rows(header, enumerate(records[1:], 2), where)
    if not rows:
        raise InputError(f"{where}: it has a header and no users. Nothing was changed.")
    return rows


def _rows(
    header: Sequence[str], records: Iterable[tuple[int, Sequence[str]]], where: str
) -> dict[int, Cells]:
    rows = {}
    for number, record in records:
        if not any(cell.strip() for cell in record):
            continue
        if len(record) != len(header):
            raise InputError(
                f"{where}, row {number}: {len(record)} columns, and {len(header)} are expected. "
                "Nothing was changed."
            )
        rows[number] = dict(zip(header, (cell.strip() for cell in record), strict=True))
    return rows


def _column(cell: str, names: Mapping[str, str]) -> str:
    name = "_".join(cell.lower().split())
    return names.get(name, name)


def _is_header(cells: Sequence[str], names: Mapping[str, str]) -> bool:
    return any(_column(cell, names) in COLUMNS for cell in cells)


def _check_header(header: list[str], where: str) -> None:
    if len(header) == 1 and ";" in header[0]:
        raise InputError(f"{where}: the columns are separated by ; and should be by a comma.")
    for name in header:
        if name not in COLUMNS:
            hint = did_you_mean(name, COLUMNS) or f"; known are {', '.join(COLUMNS)}"
            raise InputError(f"{where}, row 1: unknown column {name!r}{hint}. Nothing was changed.")
    if "name" not in header or len(set(header)) != len(header):
        raise InputError(f"{where}, row 1: the header wants a column `name`, and each column once.")


def _items(text: str) -> list[str]:
    return [item.strip() for item in re.split(r"[;\r\n]", text) if item.strip()]


def _tags(text: str) -> dict[str, str] | str:
    """The tags; the text as it is if a key is in it twice."""
    tags: dict[str, str] = {}
    items = _items(text)
    for item in items:
        if match := _TAG.fullmatch(item):
            key, plain_key, value, plain_value = match.groups()
            tags[plain_key if key is None else key] = (
                (plain_value or "") if value is None else value
            )
    return tags if len(tags) == len(items) else text


def _cell(value: object) -> str:
    match value:
        case bool():
            return "yes" if value else ""
        case list():
            return ";".join(value)
        case dict():
            return ";".join(f"{_quoted(k, '=')}={_quoted(v)}" for k, v in value.items())
    return "" if value is None else str(value)


def _quoted(text: str, special: str | None = None) -> str:
    return f'"{text}"' if text != text.strip() or (special and special in text) else text


def _tidy(kind: str, text: str) -> str:
    if kind == "yes_no":
        truth = TRUTH.get(text.lower())
        return text if truth is None else "yes" if truth else ""
    return ";".join(_items(text)) if kind in ("list", "tags") else text
