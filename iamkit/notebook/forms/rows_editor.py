"""A table that a person edits: rows of text cells, typed, pasted from a spreadsheet, or dropped.

The browser holds the rows, so that typing never waits for a busy kernel. Python reads what is
pasted or dropped, checks the rows after each change, and notes what each would change.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypedDict

import anywidget
import traitlets

from iamkit.errors import InputError

HERE = Path(__file__).parent
Row = dict[str, str]
"""The text of a row's cells, by the column's name."""


class Column(TypedDict):
    """A column of the table.

    Attributes:
        name: the key of its cells in a row; the first column's cells tell the rows apart.
        label: its heading, in plain words.
        term: what AWS calls it, or the same as the label.
        help: a sentence or two for who wants to know more.
        kind: a list has ``;`` between its items; yes_no is ``yes`` or empty.
        choices: what to offer while somebody types.
    """

    name: str
    label: str
    term: str
    help: str
    kind: Literal["text", "list", "yes_no"]
    choices: list[str]


class Problem(TypedDict):
    """What is wrong in a row, counted from 0; no column means the row as a whole."""

    row: int
    column: str
    message: str


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What rows come to.

    Attributes:
        value: them as plain data; what is wrong in them is left in, for a model to refuse.
        problems: what is wrong.
        notes: a text for each row; None leaves the notes as they are.
    """

    value: list[dict[str, Any]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] | None = None


class RowsEditor(anywidget.AnyWidget):
    """The table; its ``value`` is plain data that changes with every edit.

    Attributes:
        columns: the columns, of type ``Column``.
        rows: the rows as text, as in a CSV file.
        problems: what is wrong, of type ``Problem``; empty when all rows are right.
        notes: a text for each row, such as what it would change.
        value: what the rows come to.
        label: the table's accessible name.
        noun: what a row is, such as user.
        notes_label: the heading of the notes.
        removal: what it means that a row is taken out of the table.
        max_bytes: of a file, no more than one byte above this is read.
    """

    _esm = HERE / "rows_editor.js"
    _css = HERE / "rows_editor.css"

    columns = traitlets.List(traitlets.Dict()).tag(sync=True)
    rows = traitlets.List(traitlets.Dict()).tag(sync=True)
    problems = traitlets.List(traitlets.Dict()).tag(sync=True)
    notes = traitlets.List(traitlets.Unicode()).tag(sync=True)
    label = traitlets.Unicode("Rows").tag(sync=True)
    noun = traitlets.Unicode("row").tag(sync=True)
    notes_label = traitlets.Unicode("What would change").tag(sync=True)
    removal = traitlets.Unicode("").tag(sync=True)
    max_bytes = traitlets.Int(5_000_000).tag(sync=True)
    value = traitlets.List(traitlets.Dict())

    def __init__(
        self,
        *,
        check: Callable[[Sequence[Row]], Checked],
        read_pasted: Callable[[str, str], list[Row]],
        read_file: Callable[[bytes, str], list[Row]],
        **traits: Any,
    ) -> None:
        """Make the table.

        Args:
            check: says what rows come to; raises nothing.
            read_pasted: reads text that was pasted into a column, which is named.
            read_file: reads a file's bytes; the file is named.
            **traits: the attributes above.
        """
        super().__init__(**traits)
        self._check, self._read_pasted, self._read_file = check, read_pasted, read_file
        self.check_rows()
        self.observe(lambda _: self.check_rows(), "rows")
        self.on_msg(lambda _, content, buffers: self.send(self.answer(content, buffers)))

    def check_rows(self) -> None:
        """Check the rows again, as when the account against which they are noted has changed."""
        checked = self._check(self.rows)
        with self.hold_sync():
            self.problems = [dict(problem) for problem in checked.problems]
            if checked.notes is not None:
                self.notes = checked.notes
        self.value = checked.value

    def answer(self, content: Mapping[str, str], buffers: Sequence[bytes]) -> dict[str, Any]:
        """The rows of what was pasted or dropped, for the browser to put in; or what is wrong."""
        try:
            if "file" in content:
                return {"rows": self._read_file(bytes(buffers[0]), content["file"])}
            return {"rows": self._read_pasted(content["text"], content["column"])}
        except InputError as error:
            return {"said": str(error)}
