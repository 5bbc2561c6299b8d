"""An account's state in files: our own, and what the AWS CLI prints without any of our code."""

import json
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from iamkit.account.dump import Report, is_details, join_dump, read_content, read_report
from iamkit.account.state import AccountState
from iamkit.errors import InputError
from iamkit.storage.private_files import write_whole

FORMAT = "iamkit account state 1"


def save_state(state: AccountState, path: Path | str) -> Path:
    """Write a state as JSON, to a new file that takes the place of another by that name.

    The same state gives the same text. Only the file's owner may read it: it holds no secret, but
    who may do what in the account.

    Raises:
        InputError: the file cannot be written.
    """
    content = {"format": FORMAT, "state": _adapter().dump_python(state)}
    path = Path(path)
    text = json.dumps(content, default=_plain, ensure_ascii=False, indent=1)
    try:
        write_whole(path, text)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}.") from None
    return path


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


def _validated(path: Path, content: dict[str, Any]) -> AccountState:
    try:
        return _adapter().validate_python(content["state"])
    except (ValidationError, KeyError) as error:
        where = error.errors()[0]["loc"] if isinstance(error, ValidationError) else "state"
        raise InputError(f"{path} is a damaged account state, at {where}.") from None


def _plain(value: object) -> object:
    """What JSON lacks: sets, in order, and dates."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, frozenset):
        return sorted(value)
    return dict(value) if isinstance(value, Mapping) else value


@cache
def _adapter() -> TypeAdapter[AccountState]:
    return TypeAdapter(AccountState)
