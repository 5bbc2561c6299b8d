"""The fields of a form: each is a widget with a label, and reads and takes plain data."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, Literal, get_args, get_origin

import ipywidgets as widgets
from pydantic.fields import FieldInfo

from iamkit.account.state import AccountState
from iamkit.errors import InputError
from iamkit.notebook.forms.users_editor import UsersEditor, note_against, user_columns
from iamkit.notebook.markup import escape
from iamkit.parameters.checking import Model
from iamkit.parameters.field_types import term_of
from iamkit.parameters.user_row import UserRow
from iamkit.parameters.users_csv import cells_of
from iamkit.policies.grammar.document import parse_policy, print_policy

WIDE = "66em"
LABEL = "15em"
INDENT = "15.6em"


class Field:
    """A text field; the other kinds differ in what they show, and how they read and print.

    Attributes:
        widget: what is shown.
        messages: below it: what is wrong with it, or what it would change.
        trait: the name of the widget's attribute that holds what stands in it.
    """

    trait = "value"

    def __init__(self, name: str, about: FieldInfo) -> None:
        self.name, self.about = name, about
        self.messages = widgets.HTML()
        self.widget = self.make(about.title or name)

    def make(self, label: str) -> Any:
        """The widget; it offers what the account has, where it has such things."""
        return widgets.Combobox(ensure_option=False, **_common(label))

    def read(self, raw: Any) -> Any:
        """The plain value of what stands in the widget."""
        return raw.strip()

    def print(self, value: Any) -> Any:
        """What stands in the widget for a plain value."""
        return value

    @property
    def value(self) -> Any:
        """The plain value, for the model to check."""
        return self.read(self.raw)

    @value.setter
    def value(self, value: Any) -> None:
        self.raw = self.print(value)

    @property
    def raw(self) -> Any:
        """What stands in the widget, right or wrong."""
        return getattr(self.widget, self.trait)

    @raw.setter
    def raw(self, raw: Any) -> None:
        setattr(self.widget, self.trait, raw)

    @property
    def problem(self) -> str:
        """What the field itself knows to be wrong; mostly the model knows."""
        return ""

    def compare(self, state: AccountState) -> None:
        """Offer what the account has; a field that itself says what it would change says it."""
        self.widget.options = _names(state, term_of(self.about).name)

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

    def make(self, label: str) -> Any:
        """A box to tick."""
        return widgets.Checkbox(**_common(label))

    def read(self, raw: Any) -> Any:
        """True or false."""
        return raw

    def compare(self, state: AccountState) -> None:
        """Nothing to offer."""


class TextsField(Field):
    """Several names, one a line, and a search that adds one."""

    def make(self, label: str) -> Any:
        """Lines to edit; the search stands above them."""
        self.search = widgets.Combobox(
            placeholder="type to find a name, Enter adds it", **_common("Find")
        )
        self.search.continuous_update = False
        self.search.observe(self._add, "value")
        return widgets.Textarea(rows=2, **_common(label))

    def compare(self, state: AccountState) -> None:
        """Offer what the account has of what the lines name."""
        self.search.options = _names(state, term_of(self.about).name)
        self.search.layout.display = "" if self.search.options else "none"

    def read(self, raw: Any) -> Any:
        """The names."""
        return [line.strip() for line in raw.splitlines() if line.strip()]

    def print(self, value: Any) -> Any:
        """A line for each, and room for them."""
        self.widget.rows = max(2, min(len(value) + 1, 12))
        return "\n".join(value)

    def rows(self) -> list[Any]:
        """The search above the lines."""
        return [self.search, *super().rows()]

    def _add(self, change: Any) -> None:
        name = change["new"].strip()
        if name in self.search.options:
            self.value = [*dict.fromkeys([*self.value, name])]
            self.search.value = ""


class PolicyField(Field):
    """A policy document, as JSON."""

    def make(self, label: str) -> Any:
        """Lines to edit, in letters of one width."""
        area = widgets.Textarea(rows=12, **_common(label))
        area.add_class("iamkit-code")
        return area

    def read(self, raw: Any) -> Any:
        """The document; what is none stays text, of which the model tells what is wrong where."""
        if raw == self._printed:
            return self._document  # as it was written, where printing it would tidy it
        with suppress(InputError):
            return parse_policy(raw)
        return raw

    def print(self, value: Any) -> Any:
        """Its text, and room for it."""
        self._document, self._printed = value, print_policy(value)
        self.widget.rows = max(6, min(self._printed.count("\n") + 2, 24))
        return self._printed

    def compare(self, state: AccountState) -> None:
        """Nothing to offer."""


class UsersField(Field):
    """The team, as a table; see ``UsersEditor``."""

    trait = "rows"

    def make(self, label: str) -> Any:
        """The table."""
        editor = UsersEditor()
        editor.label = label
        return editor

    def read(self, raw: Any) -> Any:  # noqa: ARG002 - the table has read them already
        """The rows, as they stand in the parameters."""
        return self.widget.value

    def print(self, value: Any) -> Any:
        """The rows as text."""
        return [cells_of(user) for user in value]

    @property
    def problem(self) -> str:
        """The first of what is wrong in the table, where it also stands."""
        first = next(iter(self.widget.problems), None)
        return f"row {first['row'] + 1}: {first['message']}" if first else ""

    def compare(self, state: AccountState) -> None:
        """Offer the groups, and say in each row what the user would change."""
        self.widget.columns = user_columns(_names(state, "group"))
        self.widget.note = note_against(state)
        self.widget.check_rows()

    def on_change(self, observer: Callable[[], None]) -> None:
        """Call the observer after each change."""
        self.widget.observe(lambda _: observer(), ["value", "problems"])

    def rows(self) -> list[Any]:
        """The table says its own help."""
        return [widgets.HTML(f"<b>{escape(self.widget.label)}</b>"), self.widget, self.messages]


class GroupField(Field):
    """Several values under one name, each with a field of its own; what is left open is None."""

    def make(self, label: str) -> Any:
        """A line for each value."""
        model: Any = self.about.annotation
        self.parts = {name: self._part(about) for name, about in model.model_fields.items()}
        return widgets.VBox([widgets.HTML(f"<b>{escape(label)}</b>"), *self.parts.values()])

    def _part(self, about: FieldInfo) -> Any:
        common = _common(about.title or "")
        common["layout"] = {"width": "99%", "max_width": "34em"}
        if bool in get_args(about.annotation):
            options = [("as it is", ""), *((word, word) for word in _SAID)]
            return widgets.Dropdown(options=options, tooltip=about.description, **common)
        return widgets.Text(placeholder=f"as it is; {about.description}", **common)

    @property
    def raw(self) -> Any:
        """What stands in each line, by its name."""
        return {name: part.value for name, part in self.parts.items()}

    @raw.setter
    def raw(self, raw: Any) -> None:
        for name, text in raw.items():
            self.parts[name].value = text

    def read(self, raw: Any) -> Any:
        """The values that are said: numbers, true and false; what is no number stays text."""
        said = {name: text.strip() for name, text in raw.items() if text.strip()}
        return {
            name: _SAID[text] if text in _SAID else int(text) if text.isdecimal() else text
            for name, text in said.items()
        }

    def print(self, value: Any) -> Any:
        """A text for each line."""
        plain = value if isinstance(value, dict) else value.model_dump(exclude_none=True)
        words = {True: "yes", False: "no"}
        texts = {n: words[v] if isinstance(v, bool) else str(v) for n, v in plain.items()}
        return {name: texts.get(name, "") for name in self.parts}

    def on_change(self, observer: Callable[[], None]) -> None:
        """Call the observer after each change of a line."""
        for part in self.parts.values():
            part.observe(lambda _: observer(), "value")

    def compare(self, state: AccountState) -> None:
        """Nothing to offer."""


_SAID = {"yes": True, "no": False}


class ChoiceField(Field):
    """One of a few words."""

    def make(self, label: str) -> Any:
        """A list to choose from."""
        return widgets.Dropdown(options=list(get_args(self.about.annotation)), **_common(label))

    def read(self, raw: Any) -> Any:
        """The word."""
        return raw

    def compare(self, state: AccountState) -> None:
        """Nothing to offer."""


def field_of(name: str, value: Any, about: FieldInfo) -> Field:
    """The field for a parameter, of a kind that its value has."""
    kind = Field
    if about.annotation == list[UserRow]:
        kind = UsersField
    elif isinstance(value, Model):
        kind = GroupField
    elif get_origin(about.annotation) is Literal:
        kind = ChoiceField
    elif isinstance(value, bool):
        kind = CheckField
    elif isinstance(value, dict):
        kind = PolicyField
    elif isinstance(value, list):
        kind = TextsField
    field = kind(name, about)
    field.value = value
    return field


def _names(state: AccountState, term: str) -> list[str]:
    """The names of what an account has, by what IAM calls it; none of what is not listed here."""
    policies = {p.name for p in (*state.policies.values(), *state.aws_policies.values())}
    known: dict[str, Iterable[str]] = {
        "group": state.groups,
        "user": state.users,
        "users": state.users,
        "managed policies": policies,
    }
    return sorted(known.get(term, ()))


def _common(label: str) -> dict[str, Any]:
    return {
        "description": label,
        "style": {"description_width": LABEL},
        "layout": {"width": "99%", "max_width": WIDE},
    }
