"""An account's state in files: our own, and what the AWS CLI prints without any of our code."""

import json
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from iamkit.account.api_replies import read_date
from iamkit.account.dump import Report, is_details, join_dump, read_content, read_report
from iamkit.account.state import AccountState
from iamkit.errors import InputError
from iamkit.storage.private_files import write_whole
from iamkit.text import parse_json

FORMAT = "iamkit account state 1"


def save_state(state: AccountState, path: Path | str) -> Path:
    """Write a state as JSON, to a new file that takes the place of another by that name.

    The same state gives the same text. Only the file's owner may read it: it holds no secret, but
    who may do what in the account.

    Raises:
        InputError: the file cannot be written.
    """
    path = Path(path)
    try:
        write_whole(path, format_state(state, indent=1))
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}.") from None
    return path


def format_state(state: AccountState, indent: int | None = None) -> str:
    """A state as JSON; the same state gives the same text."""
    content = {"format": FORMAT, "state": state}
    return json.dumps(content, default=_plain, ensure_ascii=False, indent=indent)


def parse_state(text: str) -> AccountState:
    """Read what ``format_state`` wrote.

    Raises:
        ValueError: it is no such text.
    """
    content = parse_json(text)
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ValueError("This is no account state.")
    state: AccountState = _at("state", _reader(AccountState), content.get("state"))
    return state


def load_state(*paths: Path | str) -> AccountState:
    """Read one file that ``save_state`` wrote, or files that the AWS CLI printed.

    The AWS CLI's are ``aws iam get-account-authorization-details``, in pages or not, and beside it
    ``aws iam get-credential-report``, in the forms that ``iamkit.account.dump`` reads. They do not
    say when they were read: that is taken from the report, or from the file's date. What they lack
    is told by ``failed_sources``.

    Raises:
        InputError: naming the file and what is wrong with it.
    """
    states: list[AccountState] = []
    pages: list[tuple[Path, dict[str, Any]]] = []
    reports: list[Report] = []
    for path in map(Path, paths):
        content = read_content(path)
        if isinstance(content, dict) and content.get("format") == FORMAT:
            states.append(_validated(path, content))
        elif details := [one for one in _listed(content) if is_details(one)]:
            pages += [(path, page) for page in details]
        elif isinstance(content, str) or (isinstance(content, dict) and "Content" in content):
            reports.append(read_report(path, content))
        else:
            raise InputError(
                f"{path} is neither a state of iamkit's nor the AWS CLI's "
                "get-account-authorization-details or get-credential-report."
            )
    if len(states) == 1 == len(paths):
        return states[0]
    if states or not pages or len(reports) > 1:
        raise InputError(
            "Give one file of iamkit's, or those of get-account-authorization-details and at most "
            "one of get-credential-report."
        )
    return join_dump(pages, reports[0] if reports else ({}, None))


def _listed(content: Any) -> list[Any]:
    """The AWS CLI's ``yaml-stream`` is a list of pages."""
    return content if isinstance(content, list) else [content]


class _Damaged(ValueError):  # noqa: N818 - it says where
    """A value that is not of its type; the arguments are the names that lead to it."""


def _validated(path: Path, content: dict[str, Any]) -> AccountState:
    try:
        state: AccountState = _at("state", _reader(AccountState), content.get("state"))
    except _Damaged as error:
        raise InputError(f"{path} is a damaged account state, at {error.args}.") from None
    return state


def _at(name: str, read: Callable[[Any], Any], value: Any) -> Any:
    try:
        return read(value)
    except _Damaged as error:
        raise _Damaged(name, *error.args) from None
    except (ValueError, TypeError, AttributeError):
        raise _Damaged(name) from None


@cache
def _reader(kind: Any) -> Callable[[Any], Any]:
    """What makes of a value of JSON one of a type that ``iamkit.account.state`` uses."""
    make: Any = kind
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        readers = {field.name: _reader(hints[field.name]) for field in fields(kind)}

        def read_fields(value: Any) -> Any:
            known = readers.keys() & value.keys()
            return make(**{name: _at(name, readers[name], value[name]) for name in known})

        return read_fields
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Mapping:
        read = _reader(inner[1])
        return lambda value: {name: _at(name, read, one) for name, one in value.items()}
    if origin in (tuple, frozenset):
        read, size = _reader(inner[0]), 2 if inner[1:] == inner[:1] else None
        return lambda value: origin(map(read, _listed_whole(value, size)))
    if origin is UnionType:
        read = _reader(inner[0])
        return lambda value: None if value is None else read(value)
    return read_date if kind is datetime else lambda value: _one_of(kind, inner, value)


def _listed_whole(value: Any, size: int | None) -> list[Any]:
    """A list; of so many if there is a size, as of a user's two keys in the report."""
    if not isinstance(value, list) or len(value) != (len(value) if size is None else size):
        raise _Damaged
    return value


def _one_of(kind: Any, words: tuple[str, ...], value: Any) -> Any:
    """A text, number or truth; of ``Literal`` one of its words."""
    if kind is not Any and not (value in words if words else type(value) is kind):
        raise _Damaged
    return value


def _plain(value: Any) -> object:
    """What JSON lacks: sets, in order, dates, and what ``iamkit.account.state`` has."""
    if isinstance(value, datetime):
        return value.isoformat()
    return sorted(value) if isinstance(value, frozenset) else dict(vars(value))
