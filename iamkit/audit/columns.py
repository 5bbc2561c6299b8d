"""A table's columns, each one line: its dtype, meaning, value, source and unit.

A row is made from one subject, such as a user with all that was read of it. Where a subject is
asked for what was not read, it raises ``Unread``, and the cell is missing.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
import pandas as pd

from iamkit.account.gaps import DETAILS

DERIVED = "iamkit"
UNKNOWN, NOT_READ = "unknown", "not read"
STAMP = "datetime64[us, UTC]"
SEVERITIES = ("critical", "high", "medium", "low")
"""From the worst on."""

Subject = TypeVar("Subject")


class Unread(Exception):  # noqa: N818 - it is no error
    """What a cell depends on was not read, so that it is missing; the operation is its text."""


class _Unread:
    def __init__(self, operation: str) -> None:
        self._operation = operation

    def __get__(self, subject: object, _: object) -> object:
        if subject is None:
            return self
        raise Unread(self._operation)


def unread(operation: str) -> Any:
    """For an attribute of a subject: it raises ``Unread`` as long as nothing is assigned to it."""
    return _Unread(operation)


@dataclass(frozen=True)
class Column(Generic[Subject]):
    """A column of a table.

    Attributes:
        dtype: a pandas dtype; ``severity`` is the ordered category of ``SEVERITIES``.
        value: what stands in the row of a subject; None, or ``Unread`` raised, if it is missing.
        source: the operation of the API that its values come from, or ``iamkit`` if they are
            derived from others; two that complement each other are joined by `` or ``.
        unit: such as ``days``; times are in UTC.
        never_if: the column that, if it holds something, makes a missing value mean ``never``.
    """

    dtype: str
    meaning: str
    value: Callable[[Subject], Any]
    source: str = DETAILS
    unit: str = ""
    never_if: str = ""

    @property
    def sources(self) -> list[str]:
        """The operations of the API, or ``iamkit``."""
        return self.source.split(" or ")


Schema = Mapping[str, Column[Subject]]
Value = Callable[[Subject], Any]


def text(meaning: str, value: Value[Subject], source: str = DETAILS) -> Column[Subject]:
    """A column of texts."""
    return Column("str", meaning, value, source)


def flag(meaning: str, value: Value[Subject], source: str = DETAILS) -> Column[Subject]:
    """A column of truths."""
    return Column("boolean", meaning, value, source)


def number(
    meaning: str, value: Value[Subject], source: str = DETAILS, unit: str = ""
) -> Column[Subject]:
    """A column of whole numbers."""
    return Column("Int64", meaning, value, source, unit)


def time(
    meaning: str, value: Value[Subject], source: str = DETAILS, never_if: str = ""
) -> Column[Subject]:
    """A column of moments."""
    return Column(STAMP, meaning, value, source, never_if=never_if)


_LABELS = {
    "effective_admin": "Administrator",
    "admin_path": "Administrator by",
    "password_enabled": "Password",
    "mfa_active": "MFA",
    "worst_severity": "Worst",
    "next_action": "What to do",
    "principal": "Who",
    "title": "Expected",
    "resource": "Of what",
    "data": "Evidence",
    "age_hours": "Hours old",
    "remedy": "Commands",
    "waiver": "Accepted",
    "cis": "CIS items",
}
"""Headings of columns whose name says it less well."""
_WRITTEN = {"mfa": "MFA", "arn": "ARN", "id": "ID", "ssh": "SSH", "1": "1", "2": "2"}


def label_of(name: str) -> str:
    """A column's heading in words: ``Key 1 last used``."""
    if name in _LABELS:
        return _LABELS[name]
    words = [_WRITTEN.get(word, word) for word in name.split("_")]
    return " ".join([words[0][:1].upper() + words[0][1:], *words[1:]])


LACKING: Schema[Any] = {
    "unknown": text(
        "what failed, is denied or is stale for this row", lambda row: row.unknown, DERIVED
    ),
    "not_read": text("what nobody asked for, for this row", lambda row: row.not_read, DERIVED),
}
"""By which operations a row's missing values are told apart: their names, with commas between."""


def make_frame(schema: Schema[Subject], subjects: Iterable[Subject]) -> pd.DataFrame:
    """A table with a row for each subject, and the schema's columns and dtypes if there is none."""
    rows = list(subjects)
    return pd.DataFrame(
        {name: _series(column.dtype, _cells(column, rows)) for name, column in schema.items()}
    )


class Columns(Generic[Subject]):
    """A table of which each column is made when it is first asked for, by its name.

    It can no more than checks do: ``table.name``, ``table["name"]``, ``table[["a", "b"]]``.
    """

    def __init__(self, schema: Schema[Subject], subjects: Iterable[Subject]) -> None:
        self._schema, self._rows = schema, list(subjects)
        self._made: dict[str, Any] = {}
        self.index = pd.RangeIndex(len(self._rows))

    def __contains__(self, name: str) -> bool:
        return name in self._schema

    def __getitem__(self, wanted: str | list[str]) -> Any:
        if isinstance(wanted, list):
            return pd.DataFrame({name: self[name] for name in wanted}, index=self.index)
        if wanted not in self._made:
            column = self._schema[wanted]
            self._made[wanted] = pd.Series(_series(column.dtype, _cells(column, self._rows)))
        return self._made[wanted]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self._schema:
            raise AttributeError(name)
        return self[name]


def _cells(column: Column[Subject], rows: list[Subject]) -> list[Any]:
    value, cells = column.value, []
    for row in rows:
        try:
            cells.append(value(row))
        except Unread:
            cells.append(None)
    return cells


def _series(dtype: str, values: Sequence[Any]) -> Any:
    if dtype == STAMP:
        return pd.Series(values, dtype=STAMP)
    if dtype == "severity":
        return pd.Categorical(values, categories=SEVERITIES, ordered=True)
    if dtype == "category":
        return pd.Categorical(values, categories=sorted({v for v in values if v is not None}))
    return pd.Series(values, dtype=dtype)


def in_words(frame: pd.DataFrame, schema: Schema[Any]) -> pd.DataFrame:
    """The table for people and files: every cell is text, and says why it is missing.

    A missing value is ``unknown`` or ``not read`` where the row's columns ``unknown`` and
    ``not_read`` name its source; else what the schema says, or empty. Times are ISO 8601 in UTC.
    """
    told = tell_cells(frame, schema).items()
    return pd.DataFrame({n: pd.Series(texts, frame.index, "str") for n, texts in told})


def tell_cells(frame: pd.DataFrame, schema: Schema[Any]) -> dict[Any, list[str]]:
    """The texts of ``in_words``, by column."""
    nothing: list[Any] = [""] * len(frame)
    lacks = [frame[n].tolist() if n in frame else nothing for n in ("unknown", "not_read")]
    told = {}
    for name in frame:
        column = schema.get(str(name), _UNDESCRIBED)
        texts = told[name] = _texts(frame[name])
        never = _holds(frame[column.never_if]) if column.never_if in frame else nothing
        for place in np.flatnonzero(frame[name].isna()):
            unknown, not_read = (any(s in of[place] for s in column.sources) for of in lacks)
            texts[place] = UNKNOWN if unknown else NOT_READ if not_read else ""
            if not texts[place] and never[place]:
                texts[place] = "never"
    return told


_UNDESCRIBED: Column[Any] = Column("", "", lambda _: None)


def _holds(values: Any) -> list[bool]:
    """Where a column holds something: true, or a text that is not empty."""
    return [bool(value) and value is not pd.NA for value in values.astype("object").fillna("")]


def _texts(values: Any) -> list[str]:
    if values.dtype == STAMP:
        return [f"{text}Z" for text in np.datetime_as_string(values.to_numpy("datetime64[s]"))]
    if values.dtype == "boolean":
        return ["true" if value is True else "false" for value in values.tolist()]
    return [str(value) for value in values.tolist()]
