"""An account's state in files: our own, and what the AWS CLI prints without any of our code."""

import base64
import binascii
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from iamkit.account import AccountState, ReportRow, Source
from iamkit.credential_report import COLUMNS, parse_credential_report
from iamkit.errors import InputError
from iamkit.files import write_privately
from iamkit.replies import read_date, read_details
from iamkit.text import TOO_DEEP, NestedTooDeep, parse_json

FORMAT = "iamkit account state 1"
DETAILS, REPORT = "GetAccountAuthorizationDetails", "GetCredentialReport"
LARGEST = 1_000_000_000
"""Bytes; 5,000 users take some 20 million."""


def save_state(state: AccountState, path: Path) -> Path:
    """Write a state as JSON, to a new file that takes the place of another by that name.

    The same state gives the same text. Only the file's owner may read it.

    Raises:
        InputError: the file cannot be written.
    """
    content = {"format": FORMAT, "state": _adapter().dump_python(state)}
    text = json.dumps(content, default=_plain, ensure_ascii=False, indent=1)
    try:
        write_privately(path, text)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}.") from None
    return path


def load_state(*paths: Path) -> AccountState:
    """Read one file that ``save_state`` wrote, or files that the AWS CLI printed.

    The AWS CLI's are ``aws iam get-account-authorization-details`` and, beside it,
    ``aws iam get-credential-report``, the latter as printed or as the CSV that is in it. They do
    not say when they were read: that is taken from the report, or from the file's date.

    Raises:
        InputError: naming the file and what is wrong with it.
    """
    found: dict[str, list[Any]] = {"state": [], "details": [], "report": []}
    for path in paths:
        kind, content = _recognise(path)
        found[kind].append((path, content))
    states, details, reports = found.values()
    if len(states) == 1 == len(paths):
        return states[0][1]  # type: ignore[no-any-return]
    if states or len(details) != 1 or len(reports) > 1:
        raise InputError(
            "Give one file of iamkit's, or one of get-account-authorization-details and at most "
            "one of get-credential-report."
        )
    return _state_of(*details[0], *(reports[0][1] if reports else ({}, None)))


def _recognise(path: Path) -> tuple[str, Any]:
    try:
        if path.stat().st_size > LARGEST:
            raise InputError(f"{path} is far larger than any account.")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise InputError(f"{path} is not text in UTF-8.") from None
    if text.startswith(",".join(COLUMNS[:3])):
        made = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        return "report", (_parsed(path, text), made)
    try:
        content = parse_json(text)
    except NestedTooDeep:
        raise InputError(f"{path} is {TOO_DEEP}, so it is no account.") from None
    except ValueError:
        raise InputError(f"{path} is neither JSON nor a credential report.") from None
    return _recognise_json(path, content if isinstance(content, dict) else {})


def _recognise_json(path: Path, content: dict[str, Any]) -> tuple[str, Any]:
    if content.get("format") == FORMAT:
        try:
            return "state", _adapter().validate_python(content["state"])
        except (ValidationError, KeyError) as error:
            where = error.errors()[0]["loc"] if isinstance(error, ValidationError) else "state"
            raise InputError(f"{path} is a damaged account state, at {where}.") from None
    if "UserDetailList" in content:
        if content.get("IsTruncated"):
            raise InputError(f"{path} is one page of several; print it without --max-items.")
        return "details", content
    if "Content" in content:
        try:
            text = base64.b64decode(content["Content"], validate=True).decode()
            made = read_date(content.get("GeneratedTime"))
        except (binascii.Error, ValueError, TypeError):
            raise InputError(f"{path} is a damaged credential report.") from None
        return "report", (_parsed(path, text), made)
    raise InputError(
        f"{path} is neither a state of iamkit's nor the AWS CLI's get-account-authorization-"
        "details or get-credential-report."
    )


def _parsed(path: Path, text: str) -> dict[str, ReportRow]:
    try:
        return parse_credential_report(text)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _state_of(
    path: Path, details: dict[str, Any], report: Mapping[str, ReportRow], made: datetime | None
) -> AccountState:
    try:
        users, groups, roles, policies = read_details([details])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{path} is damaged: {type(error).__name__} {error}.") from None
    arns = [user.arn for user in users.values()] + [group.arn for group in groups.values()]
    arns += [role.arn for role in roles.values()] + [row.arn for row in report.values()]
    accounts = {arn.split(":")[4] for arn in arns if arn.count(":") >= 5}
    if len(accounts) != 1:
        found = ", ".join(sorted(accounts)) or "none"
        raise InputError(f"The files must be of one account; found: {found}.")
    read_at = made or datetime.fromtimestamp(path.stat().st_mtime, UTC)
    sources = {DETAILS: Source(status="read", at=read_at)}
    if report:
        sources[REPORT] = Source(status="read", at=made)
    return AccountState(
        account_id=accounts.pop(),
        partition=arns[0].split(":")[1],
        users=users,
        groups=groups,
        roles=roles,
        policies=policies,
        report=report,
        read_at=read_at,
        sources=sources,
    )


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
