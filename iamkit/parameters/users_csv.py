"""Users as the text of cells: one reader for a file, for what is pasted, dropped or chosen.

It reads what a spreadsheet or the IAM console saves: ``,`` or ``;`` or tabs, UTF-8 or UTF-16,
empty rows and columns around. A column that it does not know is asked back about.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Literal, get_origin

from pydantic import ValidationError

from iamkit.errors import InputError
from iamkit.parameters.checking import all_wrong, check, described
from iamkit.parameters.models import UsersParameters
from iamkit.parameters.user_row import UserRow
from iamkit.storage.reading import decode, read_bytes
from iamkit.text import did_you_mean

Cells = dict[str, str]
"""The text of a user's cells, by column."""
COLUMNS = (
    *("name", "path", "groups", "tags"),
    *("access_key", "console_password", "hand_over", "groups_only"),
)
MAX_BYTES = 5_000_000
MAX_USERS = 5_000
"""Users that an account may have: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""
MAX_ROWS = 4 * MAX_USERS
"""Rows that are looked at, empty ones included."""
WHITE = " \t\r\n\xa0"
TRUTH = {
    **dict.fromkeys(("yes", "true", "1", "y", "x"), True),
    **dict.fromkeys(("no", "false", "0", "n", ""), False),
}
ALSO = {
    "name": "user users user_name username iam_user login",
    "path": "folder user_path",
    "groups": "group group_name group_names user_groups iam_groups",
    "tags": "tag",
    "access_key": "key programmatic_access gets_a_key_for_programs",
    "console_password": "console console_access login_profile may_sign_in_to_the_console",
    "hand_over": "credentials_go_to public_key",
    "groups_only": "in_no_other_group no_other_groups",
    "tag:email": "email e_mail mail email_address e_mail_address",
    "tag:team": "team",
}
WORDS = {word: column for column in ALSO for word in (column, *ALSO[column].split())}
"""What people write above a column, in lower case with ``_`` between words, and what it is."""
FACTS = frozenset(
    """arn user_creation_time password_enabled password_last_used password_last_changed
    password_next_rotation mfa_active password access_key_id secret_access_key console_login_link
    console_login_url console_sign_in_url last_activity mfa password_age console_last_sign_in
    active_key_age access_key_last_used creation_time signing_certs""".split()
)
"""Columns of the console's own downloads that say what is there, or a secret: passed over."""
PASSED_OVER = "passed over"
_FACT = re.compile(r"(?:access_key|cert)_[12]_\w+")
ROOT = "<root_account>"
"""The account's root in a credential report, who is no user."""
_TAG = re.compile(r'(?:"([^"]*)"|([^=]*?))\s*(?:=\s*(?:"([^"]*)"|(.*)))?')
"""Quotes, which IAM allows in no tag, keep outer spaces, and a = in a key."""
_SEPARATOR = re.compile(r"\s*\"?sep=(.)\"?\s*", re.IGNORECASE)
"""A first line by which Excel is told the separator; Excel shows it as no row."""


def with_users_file(parameters: UsersParameters) -> UsersParameters:
    """The parameters with the users of their ``users_csv`` among ``users``.

    Raises:
        InputError: the file is wrong, or a user is given twice.
    """
    more = read_users(parameters.users_csv)
    named = {user.name.lower() for user in parameters.users}
    wrong = [
        f"{parameters.users_csv}, row {number}: name: the user {user.name!r} is in `users` too"
        for number, user in more.items()
        if user.name.lower() in named
    ]
    if wrong:
        raise all_wrong(wrong)
    users = [*parameters.users, *more.values()]
    given = parameters.model_dump(exclude={"users", "users_csv"})
    plain = [user.model_dump(exclude_defaults=True) for user in users]
    return check(UsersParameters, given | {"users": plain}) if more else parameters


def read_users(path: str) -> dict[int, UserRow]:
    """The users of a CSV file by their row's number; no path, no users.

    The header names some of the columns of ``COLUMNS``. Groups are separated by ``;``, tags are
    ``key=value`` separated by ``;``, and what is true or false is yes or no. The words of
    ``WORDS`` stand for a column too, and ``tag:KEY`` is a tag of its own.

    Raises:
        InputError: naming the file, and each row and column that is wrong.
    """
    if not path:
        return {}
    file = Path(path).expanduser()
    data = read_bytes(file, MAX_BYTES, "users_csv")
    users: dict[int, UserRow] = {}
    wrong: list[str] = []
    first: dict[str, int] = {}
    for number, cells in read_cells(decode_text(data, str(file)), str(file)).items():
        try:
            user = users[number] = UserRow.model_validate(plain_user(cells))
        except ValidationError as error:
            wrong += [f"{file}, row {number}: {said}" for said in described(error, UserRow)]
            continue
        twin = first.setdefault(user.name.lower(), number)
        if twin != number:
            said = f"{user.name!r} and {users[twin].name!r} in row {twin} are one user to IAM"
            wrong.append(f"{file}, row {number}: name: {said}, which ignores case")
    if wrong:
        raise all_wrong(wrong)
    return users


def decode_text(data: bytes, where: str) -> str:
    """The text of a CSV file: UTF-8, or UTF-16 with or without a byte order mark.

    Raises:
        InputError: more than ``MAX_BYTES`` are given, or they are not text.
    """
    if len(data) > MAX_BYTES:
        raise InputError(f"{where}: larger than 5 MB, so hardly a list of users.")
    mark = {"<": b"\xff\xfe", ">": b"\xfe\xff"}.get(_utf16_without_mark(data), b"")
    return decode(mark + data, where)


def _utf16_without_mark(data: bytes) -> str:
    """The byte order of UTF-16 in Latin letters, by where its zeros are; empty if it is none."""
    even, odd = data[:4000:2], data[1:4000:2]
    for order, letters, zeros in (("<", even, odd), (">", odd, even)):
        if len(data) % 2 == 0 and zeros.count(0) > 0.7 * len(zeros) and not letters.count(0):
            return order
    return ""


def read_cells(text: str, where: str) -> dict[int, Cells]:
    """The cells of a CSV file with a header, row by row; whether they are right is not asked.

    Returns:
        the given cells of each row that is not empty, by the row's number as a spreadsheet
        counts them, the header included.

    Raises:
        InputError: naming each row that has no such form.
    """
    text, delimiter = _separated(text, ",;\t")
    return _under_header(_records(text, delimiter, where), where)


def read_pasted_cells(text: str, column: str) -> dict[int, Cells]:
    """As ``read_cells``, of what a spreadsheet copies: tabs between cells, a header or none.

    Names alone are rows too, and so is the text of a CSV file. Without a header the columns are
    in the order of ``COLUMNS``, and only pasting into the first ``column`` is understood.
    """
    where = "The pasted text"
    if len(text) > MAX_BYTES:
        raise InputError(f"{where}: larger than 5 MB, so hardly a list of users.")
    text, delimiter = _separated(text, "\t;,")  # in a name a comma is a letter
    records = _records(text, delimiter, where)
    first = next((number for number, record in records.items() if any(record)), 0)
    if not first or any(map(_meaning, records[first])):
        return _under_header(records, where)
    if column != COLUMNS[0]:
        raise all_wrong([f"{where}: rows without a header go into the column `{COLUMNS[0]}`"])
    width = max(len(_trimmed(record)) for record in records.values())
    if width > len(COLUMNS):
        said = f"{width} columns, and there are {len(COLUMNS)}; a header row says which is which"
        raise all_wrong([f"{where}, row {first}: {said}"])
    return _rows(dict(enumerate(COLUMNS[:width])), records, where)


def plain_user(cells: Mapping[str, str]) -> dict[str, Any]:
    """A user as it stands in the parameters; what no user has is left for the model to refuse."""
    given: dict[str, Any] = {"name": cells.get("name", "").strip()}
    for name in COLUMNS[1:]:
        if text := cells.get(name, "").strip():
            given[name] = _MEANT[kind_of(name)](text)
    return given


def cells_of(user: UserRow) -> Cells:
    """The text of a user's cells, of which ``plain_user`` makes the same user again."""
    return {name: _cell(getattr(user, name)) for name in COLUMNS}


def tidy_cells(cells: Mapping[str, str]) -> Cells:
    """The same cells, trimmed, with yes or nothing for a truth and one ``;`` between items."""
    return {name: _tidy(kind_of(name), cells[name].strip()) for name in COLUMNS if name in cells}


Kind = Literal["text", "list", "tags", "yes_no"]
_KINDS: Mapping[Any, Kind] = {bool: "yes_no", list: "list", dict: "tags"}


def kind_of(column: str) -> Kind:
    """What a column's cells hold, by the type of the user's field."""
    annotation = UserRow.model_fields[column].annotation
    return _KINDS.get(get_origin(annotation) or annotation, "text")


def _separated(text: str, separators: str) -> tuple[str, str]:
    """The text without a line that tells its separator, and the separator.

    Where no line tells it, it is the one by which the first row names the most columns; of
    several, the first of those that are given.
    """
    text = text.removeprefix("\ufeff")
    first, _, rest = text.partition("\n")
    if told := _SEPARATOR.fullmatch(first):
        return rest, told[1]
    return text, max(separators, key=lambda separator: _count_known(text, separator))


def _count_known(text: str, delimiter: str) -> int:
    """How many columns the first row that is not empty names, if the separator is this one."""
    try:
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        first = next((row for row in islice(rows, MAX_ROWS) if any(map(str.strip, row))), [])
    except csv.Error:
        return 0
    return sum(bool(_meaning(cell)) for cell in first)


def _records(text: str, delimiter: str, where: str) -> dict[int, list[str]]:
    """The cells of each row by its number, without white space around them."""
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        found = enumerate(islice(rows, MAX_ROWS), 1)
        records = {number: [cell.strip(WHITE) for cell in row] for number, row in found}
        more = next(rows, None) is not None
    except csv.Error as error:
        raise InputError(f"{where}, row {rows.line_num}: {error}. Nothing was changed.") from None
    if more or sum(map(any, records.values())) > MAX_USERS + 1:
        said = f"more than {MAX_USERS:,} rows, and an account may have {MAX_USERS:,} users"
        raise all_wrong([f"{where}: {said}"])
    return records


def _trimmed(cells: Sequence[str]) -> list[str]:
    """The cells without the empty ones at the end."""
    width = max((number for number, cell in enumerate(cells, 1) if cell), default=0)
    return list(cells[:width])


def _under_header(records: Mapping[int, list[str]], where: str) -> dict[int, Cells]:
    place = next((number for number, record in records.items() if any(record)), 0)
    if not place:
        raise InputError(f"{where}: it is empty; the header wants a column `name`.")
    columns = _columns(records, place, where)
    below = {number: record for number, record in records.items() if number > place}
    rows = _rows(columns, below, where, _trimmed(records[place]))
    if not rows:
        raise InputError(f"{where}: it has a header and no users. Nothing was changed.")
    return rows


def _columns(records: Mapping[int, list[str]], place: int, where: str) -> dict[int, str]:
    """What each column is, by its place; those that are passed over are left out."""
    wrong: list[str] = []
    columns: dict[int, str] = {}
    used = {i for record in records.values() for i, cell in enumerate(record) if cell}
    headings = [*_trimmed(records[place]), *[""] * (max(used) + 1)]
    for index, cell in enumerate(headings):
        column = _meaning(cell)
        if not cell and index in used:
            wrong.append(f"{where}, row {place}: column {index + 1} has values and no heading")
        elif cell and not column:
            wrong.append(f"{where}, row {place}: unknown column {cell[:60]!r}{_what_else(cell)}")
        elif column in columns.values():
            wrong.append(f"{where}, row {place}: {cell[:60]!r} is a second column `{column}`")
        elif column and column != PASSED_OVER:
            columns[index] = column
    if "name" not in columns.values():
        wrong.append(f"{where}, row {place}: the header wants a column `name`, the user's name")
    if wrong:
        raise all_wrong(wrong)
    return columns


def _meaning(heading: str) -> str:
    """What a heading stands for: a column, ``tag:KEY``, ``PASSED_OVER``; empty if not known."""
    kind, colon, key = heading.partition(":")
    if colon and key.strip() and kind.strip().lower() == "tag":
        return f"tag:{key.strip()}"
    word = re.sub(r"[\s_\-]+", "_", heading.lower()).strip("_:*")
    return PASSED_OVER if word in FACTS or _FACT.fullmatch(word) else WORDS.get(word, "")


def _what_else(heading: str) -> str:
    """How to go on with a column that is not known."""
    tag = f"For a tag of that key write tag:{heading[:60]}, or take it out"
    return did_you_mean(heading.lower(), COLUMNS) or f"; known are {', '.join(COLUMNS)}. {tag}"


def _rows(
    columns: Mapping[int, str],
    records: Mapping[int, Sequence[str]],
    where: str,
    header: Sequence[str] = (),
) -> dict[int, Cells]:
    """The cells of each row that is not empty."""
    width = max(len(header), max(columns) + 1)
    rows: dict[int, Cells] = {}
    wrong: list[str] = []
    for number, record in records.items():
        if not any(record) or ROOT in record:
            continue
        if len(record) < width or len(_trimmed(record)) > width:
            said = f"{len(record)} columns, and {width} are expected"
            wrong.append(f"{where}, row {number}: {said}")
        elif header and all(a.lower() == b.lower() for a, b in zip(record, header, strict=False)):
            wrong.append(f"{where}, row {number}: a second header; take it out")
        else:
            cells = {name: record[i] for i, name in columns.items()}
            wrong += [f"{where}, row {number}: {said}" for said in _no_values(cells)]
            rows[number] = _with_tag_columns(cells)
    if wrong:
        raise all_wrong(wrong)
    return rows


def _no_values(cells: Mapping[str, str]) -> Iterable[str]:
    """What in a row is no value: a formula, or several groups with a comma between them."""
    for column, text in cells.items():
        if text.startswith("="):
            yield f"{column}: {text[:40]!r} is a formula; put its value there"
        elif column.startswith("tag:") and ";" in text:
            yield f"{column}: {text[:40]!r}: a tag has no ;"
        elif column == "groups" and "," in text:
            yield f"{column}: {text[:40]!r}: put a ; between several groups, not a comma"


def _with_tag_columns(cells: Mapping[str, str]) -> Cells:
    """The cells, with those of columns that are a tag added to the tags."""
    own = {name: text for name, text in cells.items() if name in COLUMNS}
    keyed = {n.removeprefix("tag:"): t for n, t in cells.items() if n not in COLUMNS and t}
    tags = ";".join(filter(None, (own.get("tags"), _cell(keyed))))
    return own | {"tags": tags} if keyed else own


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


_MEANT: Mapping[str, Callable[[str], Any]] = {
    "text": str,
    "list": _items,
    "tags": _tags,
    "yes_no": lambda text: TRUTH.get(text.lower(), text),
}
"""What the text of a cell means, by the kind of its column."""


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
