"""The fields of a form: each is a widget with a label, and reads and takes plain data."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

import ipywidgets as widgets
from pydantic.fields import FieldInfo

from iamkit.account.state import AccountState
from iamkit.errors import InputError
from iamkit.notebook.forms.users_editor import edit_users, note_against
from iamkit.notebook.markup import escape
from iamkit.parameters.models import UserRow, term_of
from iamkit.parameters.users_csv import cells_of
from iamkit.policies.grammar.document import parse_policy, print_policy

WIDE = "66em"
LABEL = "15em"
INDENT = "15.6em"


class Field:
    """A text field; the other kinds differ in what they show and how they read.

    Attributes:
        widget: what is shown.
        messages: below it: what is wrong with it, or what it would change.
    """

    def __init__(self, name: str, about: FieldInfo, choices: Iterable[str] = ()) -> None:
        self.name, self.about = name, about
        self.messages = widgets.HTML()
        self.widget = self.make(about.title or name, list(choices))

    def make(self, label: str, choices: list[str]) -> Any:
        """The widget; with choices one that offers those that hold what is typed."""
        if choices:
            return widgets.Combobox(options=choices, ensure_option=False, **_common(label))
        return widgets.Text(**_common(label))

    @property
    def value(self) -> Any:
        """The plain value, for the model to check."""
        return self.widget.value.strip()

    @value.setter
    def value(self, value: Any) -> None:
        self.widget.value = value

    @property
    def raw(self) -> Any:
        """What stands in the widget, right or wrong."""
        return self.widget.value

    @raw.setter
    def raw(self, raw: Any) -> None:
        self.widget.value = raw

    @property
    def problem(self) -> str:
        """What the field itself knows to be wrong; mostly the model knows."""
        return ""

    def compare(self, state: AccountState) -> None:
        """Take note of the account, if the field itself says what it would change."""

    def on_change(self, observer: Callable[[], None]) -> None:
        """Call the observer after each change."""
        self.widget.observe(lambda _: observer(), "value")

    def rows(self) -> list[Any]:
        """What is shown, from top to bottom."""
        term = term_of(self.about).name
        said = (
            f"{escape(self.about.description or '')}{term and f' · in IAM: <i>{escape(term)}</i>'}"
        )
        below = widgets.HTML(f"<small>{said}</small>")
        below.layout.margin = f"0 0 0 {INDENT}"
        self.messages.layout.margin = f"0 0 1em {INDENT}"
        self.messages.layout.max_width = "46em"
        return [self.widget, below, self.messages]


class CheckField(Field):
    """Yes or no."""

    def make(self, label: str, _choices: list[str]) -> Any:
        """A box to tick."""
        return widgets.Checkbox(**_common(label))

    @property
    def value(self) -> Any:
        """True or false."""
        return self.widget.value

    @value.setter
    def value(self, value: Any) -> None:
        self.widget.value = value


class TextsField(Field):
    """Several names, one a line, and a search that adds one."""

    def make(self, label: str, choices: list[str]) -> Any:
        """Lines to edit; the search stands above them."""
        self.search = widgets.Combobox(
            options=choices, placeholder="type to find a name, Enter adds it", **_common("Find")
        )
        self.search.continuous_update = False
        self.search.observe(self._add, "value")
        return widgets.Textarea(rows=2, **_common(label))

    @property
    def value(self) -> Any:
        """The names."""
        return [line.strip() for line in self.widget.value.splitlines() if line.strip()]

    @value.setter
    def value(self, value: Any) -> None:
        self.widget.value = "\n".join(value)
        self.widget.rows = max(2, min(len(value) + 1, 12))

    def rows(self) -> list[Any]:
        """The search above the lines."""
        return [*([self.search] if self.search.options else []), *super().rows()]

    def _add(self, change: Any) -> None:
        name = change["new"].strip()
        if name in self.search.options:
            self.value = [*dict.fromkeys([*self.value, name])]
            self.search.value = ""


class PolicyField(Field):
    """A policy document, as JSON."""

    def make(self, label: str, _choices: list[str]) -> Any:
        """Lines to edit, in letters of one width."""
        area = widgets.Textarea(rows=12, **_common(label))
        area.add_class("iamkit-code")
        return area

    @property
    def value(self) -> Any:
        """The document; what is none stays text, of which the model tells what is wrong where."""
        if self.widget.value == self._printed:
            return self._document  # as it was written, where printing it would tidy it
        with suppress(InputError):
            return parse_policy(self.widget.value)
        return self.widget.value

    @value.setter
    def value(self, value: Any) -> None:
        self._document, self._printed = value, print_policy(value)
        text = self.widget.value = self._printed
        self.widget.rows = max(6, min(text.count("\n") + 2, 24))


class UsersField(Field):
    """The team, as a table; see ``edit_users``."""

    def make(self, label: str, choices: list[str]) -> Any:
        """The table."""
        self._note: Callable[[UserRow], str] | None = None
        editor = edit_users([], choices, note=self._say_note)
        editor.label = label
        return editor

    def _say_note(self, user: UserRow) -> str:
        return self._note(user) if self._note else ""

    @property
    def value(self) -> Any:
        """The rows, as they stand in the parameters."""
        return self.widget.value

    @value.setter
    def value(self, value: Any) -> None:
        self.widget.rows = [cells_of(user) for user in value]

    @property
    def raw(self) -> Any:
        """The rows as text."""
        return self.widget.rows

    @raw.setter
    def raw(self, raw: Any) -> None:
        self.widget.rows = raw

    @property
    def problem(self) -> str:
        """The first of what is wrong in the table, where it also stands."""
        first = next(iter(self.widget.problems), None)
        return f"row {first['row'] + 1}: {first['message']}" if first else ""

    def compare(self, state: AccountState) -> None:
        """Say in each row what the user would change."""
        self._note = note_against(state)
        self.widget.check_rows()

    def on_change(self, observer: Callable[[], None]) -> None:
        """Call the observer after each change."""
        self.widget.observe(lambda _: observer(), ["value", "problems"])

    def rows(self) -> list[Any]:
        """The table says its own help."""
        return [widgets.HTML(f"<b>{escape(self.widget.label)}</b>"), self.widget, self.messages]


def field_of(name: str, value: Any, about: FieldInfo, state: AccountState | None) -> Field:
    """The field for a parameter, which offers what the account has.

    Args:
        name: the parameter's name.
        value: its value in the parameters; the field's kind follows from it.
        about: the parameter's label, meaning and term, as the model has them.
        state: the account, or None if it was not read.
    """
    groups = sorted(state.groups) if state else []
    users = sorted(state.users) if state else []
    field: Field
    if about.annotation == list[UserRow]:
        field = UsersField(name, about, groups)
    elif isinstance(value, bool):
        field = CheckField(name, about)
    elif isinstance(value, dict):
        field = PolicyField(name, about)
    elif isinstance(value, list):
        field = TextsField(name, about, users)
    else:
        picks = {"group": groups, "user": users}
        field = Field(name, about, picks.get(term_of(about).name, ()))
    field.value = value
    if state:
        field.compare(state)
    return field


def _common(label: str) -> dict[str, Any]:
    return {
        "description": label,
        "style": {"description_width": LABEL},
        "layout": {"width": "99%", "max_width": WIDE},
    }
