"""The table in which a person says which users should exist."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any, Literal, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from iamkit.account.state import AccountState
from iamkit.notebook.forms.rows_editor import Checked, Column, Problem, Row, RowsEditor
from iamkit.parameters.checking import describe
from iamkit.parameters.iam_names import check_no_twins
from iamkit.parameters.models import UserRow, term_of
from iamkit.parameters.users_csv import (
    COLUMNS,
    MAX_BYTES,
    cells_of,
    decode_text,
    kind_of,
    plain_user,
    read_cells,
    read_pasted_cells,
    tidy_cells,
)

HOW = {
    "text": "",
    "list": "Put a ; between several.",
    "tags": "As key=value, with a ; between several.",
    "yes_no": "",
}
EXPECTED = {"bool_type": "yes or no", "dict_type": "key=value;key=value, each key once"}
"""What a cell should have held, by pydantic's word for what is wrong."""


def edit_users(
    users: Sequence[UserRow],
    groups: Sequence[str] = (),
    note: Callable[[UserRow], str] | None = None,
) -> RowsEditor:
    """A table of users to edit; its ``value`` is what stands in the parameters as ``users``.

    Args:
        users: who is in it at first.
        groups: the account's groups, to choose from.
        note: says of a user who is right what they would change; such as ``note_against``.
    """
    return RowsEditor(
        check=partial(check_users, note=note),
        read_pasted=_read_pasted,
        read_file=_read_file,
        columns=user_columns(groups),
        rows=[cells_of(user) for user in users],
        label="Users who should exist",
        noun="user",
        removal="This removes no user from the account.",
        max_bytes=MAX_BYTES,
    )


def user_columns(groups: Sequence[str] = ()) -> list[Column]:
    """The columns of the users' table, one for each column of their CSV file.

    Args:
        groups: the account's groups, to choose from.
    """
    return [_column(name, groups if name == "groups" else _words_of(name)) for name in COLUMNS]


def check_users(rows: Iterable[Row], note: Callable[[UserRow], str] | None = None) -> Checked:
    """What rows of users come to, what is wrong in which cell, and what each would change.

    An empty row is no user, and not wrong. A wrong row stands in the value as it is.
    """
    value: list[dict[str, Any]] = []
    problems: list[Problem] = []
    notes: list[str] = []
    first: dict[str, tuple[int, str]] = {}
    for number, row in enumerate(rows):
        cells = tuple(row.get(name, "").strip() for name in COLUMNS)
        user, wrong = _read(cells)
        notes.append(note(user) if user and note else "")
        if not any(cells):
            continue
        plain = user.model_dump(exclude_defaults=True) if user else _plain(cells)
        value.append(plain)
        name = plain["name"]
        twin_row, twin = first.setdefault(name.lower(), (number, name)) if name else (number, name)
        if twin_row != number:
            wrong = {**wrong, "name": _twins(twin, name, twin_row)}
        problems += [Problem(row=number, column=c, message=m) for c, m in wrong.items()]
    return Checked(value=value, problems=problems, notes=notes if note else None)


def note_against(account: AccountState) -> Callable[[UserRow], str]:
    """Says of a user what they would change in an account.

    Whether a key or a password is there is only known of users of whom that was read.
    """
    lower = {name.lower(): name for name in account.users}

    def note(user: UserRow) -> str:
        there = account.users.get(user.name)
        if there is None:
            twin = lower.get(user.name.lower())
            return f"the account has {twin}, the same name to IAM" if twin else "new"
        name = there.name
        member = {group.lower() for group in there.groups}
        joins = [group for group in user.groups if group.lower() not in member]
        tags = [key for key, text in user.tags.items() if there.tags.get(key) != text]
        parts = [f"joins {', '.join(joins)}"] if joins else []
        if user.path not in (None, there.path):
            parts.append(f"moves from {there.path} to {user.path}")
        if tags:
            parts.append(f"tags {', '.join(tags)}")
        has_keys, has_password = account.access_keys.get(name), account.login_profiles.get(name)
        if user.access_key and account.was_read("ListAccessKeys", name) and not has_keys:
            parts.append("gets an access key")
        known = account.was_read("GetLoginProfile", name)
        if user.console_password and known and not has_password:
            parts.append("may sign in")
        return "; ".join(parts) or "as in the account"

    return note


def _column(name: str, choices: Iterable[str]) -> Column:
    words = name.replace("_", " ")
    field, kind = UserRow.model_fields[name], kind_of(name)
    term, about = term_of(field), field.description or words
    return Column(
        name=name,
        label=field.title or words.capitalize(),
        term=term.name or words,
        help=" ".join(filter(None, (f"{about[:1].upper()}{about[1:]}.", HOW[kind], term.more))),
        kind="list" if kind == "tags" else kind,
        choices=list(choices),
    )


def _words_of(name: str) -> tuple[str, ...]:
    """The words that a field takes, if it takes only some."""
    annotation = UserRow.model_fields[name].annotation
    kinds = (annotation, *get_args(annotation))
    literals = [kind for kind in kinds if getattr(kind, "__origin__", None) is Literal]
    return tuple(word for kind in literals for word in get_args(kind) if word)


@lru_cache(maxsize=20_000)
def _read(cells: tuple[str, ...]) -> tuple[UserRow | None, Mapping[str, str]]:
    """A row's user, or else what is wrong by column."""
    try:
        return UserRow.model_validate(_plain(cells)), {}
    except ValidationError as error:
        wrong: dict[str, str] = {}
        for problem in error.errors(include_url=False):
            wrong.setdefault(str(problem["loc"][0]), _said(problem))
        return None, wrong


def _plain(cells: tuple[str, ...]) -> dict[str, Any]:
    return plain_user(dict(zip(COLUMNS, cells, strict=True)))


def _said(problem: ErrorDetails) -> str:
    expected = EXPECTED.get(problem["type"])
    if expected:
        return f"expected {expected}, got {str(problem['input'])[:40]!r}"
    return describe({**problem, "loc": ()}, UserRow)


def _twins(first: str, second: str, row: int) -> str:
    try:
        check_no_twins("user", [first, second])
    except ValueError as error:
        return f"{error}; the other is in row {row + 1}"
    return ""


def _read_pasted(text: str, column: str) -> list[Row]:
    rows = read_pasted_cells(text, column)
    return [tidy_cells(cells) for cells in rows.values()]


def _read_file(data: bytes, name: str) -> list[Row]:
    rows = read_cells(decode_text(data, name), name)
    return [tidy_cells(cells) for cells in rows.values()]
