"""The table in which a person says which users should exist: typed, pasted, or dropped as a file.

The browser holds the rows, so that typing never waits for a busy kernel. Python reads what is
pasted or dropped, checks the rows after each change, and notes what each would change.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, TypedDict

import anywidget
import traitlets
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from iamkit.account.state import AccountState
from iamkit.errors import InputError
from iamkit.parameters.checking import describe
from iamkit.parameters.field_types import term_of
from iamkit.parameters.iam_names import check_no_twins
from iamkit.parameters.user_row import UserRow
from iamkit.parameters.users_csv import (
    COLUMNS,
    MAX_BYTES,
    Cells,
    cells_of,
    decode_text,
    kind_of,
    plain_user,
    read_cells,
    read_pasted_cells,
    tidy_cells,
)

HERE = Path(__file__).parent
HOW = {
    "list": "Put a ; between several.",
    "tags": "As key=value, with a ; between several.",
}
"""How the cells of a kind of column are filled in."""
EXPECTED = {"bool_type": "yes or no", "dict_type": "key=value;key=value, each key once"}
"""What a cell should have held, by pydantic's word for what is wrong."""


class Problem(TypedDict):
    """What is wrong in a row, counted from 0."""

    row: int
    column: str
    message: str


class Checked(NamedTuple):
    """What rows come to.

    Attributes:
        value: them as plain data; what is wrong in them is left in, for a model to refuse.
        problems: what is wrong.
        notes: a text for each row.
    """

    value: list[dict[str, Any]]
    problems: list[Problem]
    notes: list[str]


class UsersEditor(anywidget.AnyWidget):
    """The table; its ``value`` is what stands in the parameters as ``users``.

    Attributes:
        columns: as ``user_columns`` has them.
        rows: the users' cells, as in a CSV file.
        problems: what is wrong, of type ``Problem``; empty when all rows are right.
        notes: a text for each row: what the user would change.
        value: what the rows come to.
        label: the table's accessible name.
        noun: what a row is.
        notes_label: the heading of the notes.
        removal: what it means that a row is taken out of the table.
        max_bytes: of a file, no more than one byte above this is read.
        note: says of a user who is right what they would change; such as ``note_against``.
    """

    _esm = HERE / "rows_editor.js"
    _css = HERE / "rows_editor.css"

    columns = traitlets.List(traitlets.Dict()).tag(sync=True)
    rows = traitlets.List(traitlets.Dict()).tag(sync=True)
    problems = traitlets.List(traitlets.Dict()).tag(sync=True)
    notes = traitlets.List(traitlets.Unicode()).tag(sync=True)
    label = traitlets.Unicode("Users who should exist").tag(sync=True)
    noun = traitlets.Unicode("user").tag(sync=True)
    notes_label = traitlets.Unicode("What would change").tag(sync=True)
    removal = traitlets.Unicode("This removes no user from the account.").tag(sync=True)
    max_bytes = traitlets.Int(MAX_BYTES).tag(sync=True)
    value = traitlets.List(traitlets.Dict())

    def __init__(
        self,
        users: Iterable[UserRow] = (),
        groups: Sequence[str] = (),
        note: Callable[[UserRow], str] = lambda _: "",
    ) -> None:
        super().__init__(columns=user_columns(groups), rows=[cells_of(user) for user in users])
        self.note = note
        self.check_rows()
        self.observe(lambda _: self.check_rows(), "rows")
        self.on_msg(lambda _, content, buffers: self.send(self.answer(content, buffers)))

    def check_rows(self) -> None:
        """Check the rows again, as when the account against which they are noted has changed."""
        checked = check_users(self.rows, self.note)
        with self.hold_sync():
            self.problems = [dict(problem) for problem in checked.problems]
            self.notes = checked.notes
        self.value = checked.value

    def answer(self, content: Mapping[str, str], buffers: Sequence[bytes]) -> dict[str, Any]:
        """The rows of what was pasted or dropped, for the browser to put in; or what is wrong."""
        try:
            if name := content.get("file"):
                rows = read_cells(decode_text(bytes(buffers[0]), name), name)
            else:
                rows = read_pasted_cells(content["text"], content["column"])
        except InputError as error:
            return {"said": str(error)}
        return {"rows": [tidy_cells(cells) for cells in rows.values()]}


def user_columns(groups: Sequence[str] = ()) -> list[dict[str, Any]]:
    """The columns of the users' table, those of their CSV file.

    Each has a ``name``, a ``label`` in plain words, AWS's ``term`` for it, a ``help`` of a sentence
    or two, its ``kind`` (text, list or yes_no) and the ``choices`` to offer, such as ``groups``.
    """
    return [_column(name, groups if name == "groups" else ()) for name in COLUMNS]


def check_users(rows: Iterable[Cells], note: Callable[[UserRow], str] = lambda _: "") -> Checked:
    """What rows of users come to, what is wrong in which cell, and what each would change.

    An empty row is no user, and not wrong. A wrong row stands in the value as it is.
    """
    value: list[dict[str, Any]] = []
    problems: list[Problem] = []
    notes: list[str] = []
    first: dict[str, tuple[int, str]] = {}
    for number, row in enumerate(rows):
        cells = tuple(row.get(column, "").strip() for column in COLUMNS)
        user, wrong = _read(cells)
        notes.append(note(user) if user else "")
        if not any(cells):
            continue
        plain = user.model_dump(exclude_defaults=True) if user else _plain(cells)
        value.append(plain)
        name = plain["name"]
        twin_row, twin = first.setdefault(name.lower(), (number, name))
        if name and twin_row != number:
            wrong = {**wrong, "name": _twins(twin, name, twin_row)}
        problems += [Problem(row=number, column=c, message=m) for c, m in wrong.items()]
    return Checked(value, problems, notes)


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
        wanted = {group.lower() for group in user.groups}
        leaves = sorted(group for group in there.groups if group.lower() not in wanted)
        parts += [f"leaves {', '.join(leaves)}"] if leaves and user.groups_only else []
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


def _column(name: str, choices: Iterable[str]) -> dict[str, Any]:
    words = name.replace("_", " ")
    field, kind = UserRow.model_fields[name], kind_of(name)
    term, about = term_of(field), field.description or words
    told = (f"{about[:1].upper()}{about[1:]}.", HOW.get(kind), term.more)
    return {
        "name": name,
        "label": field.title or words.capitalize(),
        "term": term.name or words,
        "help": " ".join(filter(None, told)),
        "kind": "list" if kind == "tags" else kind,
        "choices": list(choices),
    }


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
