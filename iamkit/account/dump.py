"""What the AWS CLI prints of an account, in whatever form somebody brings it.

``aws iam get-account-authorization-details`` as JSON or YAML, whole, in pages or with ``--filter``;
``aws iam get-credential-report`` as JSON, as the CSV in it, or as the base64 in it; in UTF-8, or in
UTF-16 as PowerShell's ``>`` writes it.
"""

import base64
import binascii
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from iamkit.account.api_replies import Details, Reply, read_date, read_details
from iamkit.account.credential_report import COLUMNS, parse_credential_report
from iamkit.account.gaps import DETAILS, KINDS, REPORT, find_gaps
from iamkit.account.state import ROOT_USER, AccountState, ReportRow, Source
from iamkit.errors import InputError
from iamkit.storage.reading import read_text
from iamkit.text import check_yaml, parse_json

LARGEST = 200_000_000
"""Bytes; 5,000 users take some 20 million."""
LISTS = dict(
    zip(KINDS, ("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies"), strict=True)
)
"""By kind, where a page of the details lists it."""
PRACTICE = "000000000000"
"""The practice account, which has no role of AWS's."""

Report = tuple[dict[str, ReportRow], datetime | None]
_YAML = re.compile(rf"(?m)^(- )?({'|'.join(LISTS.values())}|Content|IsTruncated):")
_BASE64 = re.compile(r'"?[A-Za-z0-9+/\s]+={0,2}"?\s*')


def read_content(path: Path) -> Any:
    """What is in a file: of JSON or YAML the value, of a credential report its text.

    Raises:
        InputError: it cannot be read, is no ordinary file, too large, or none of these.
    """
    text = read_text(path, LARGEST)
    if text.startswith(",".join(COLUMNS[:3])):
        return text
    try:
        content = parse_json(text)
    except json.JSONDecodeError:
        content = None
    if content is not None:
        return {"Content": content} if isinstance(content, str) else content
    if _YAML.search(text):
        return _read_yaml(path, text)
    if _BASE64.fullmatch(text) and len(text) > len(COLUMNS):
        return {"Content": text.strip()}
    raise InputError(f"{path} is neither JSON nor YAML nor a credential report.")


def is_details(page: Any) -> bool:
    """Whether this is a page of GetAccountAuthorizationDetails."""
    return isinstance(page, dict) and any(name in page for name in LISTS.values())


def read_report(path: Path, content: Any) -> Report:
    """A credential report and when AWS made it, for its CSV the file's date.

    Raises:
        InputError: it cannot be read.
    """
    made: datetime | None = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    try:
        if not isinstance(content, str):
            made, content = read_date(content.get("GeneratedTime")), _csv_in(content["Content"])
        return parse_credential_report(content), made
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    except (binascii.Error, ValueError, TypeError):
        raise InputError(f"{path} is a damaged credential report.") from None


def join_dump(pages: Sequence[tuple[Path, Reply]], report: Report) -> AccountState:
    """An account of pages of its details and a report; ``sources`` says what they lack.

    Args:
        pages: each with its file.
        report: the rows, and when AWS made it; no rows without a report.

    Raises:
        InputError: a page is damaged, or they are of two accounts or of two moments.
    """
    details = [_details_of(path, page) for path, page in pages]
    _refuse_two_moments(details)
    users, groups, roles, policies = (
        {name: one for part in parts for name, one in part.items()}
        for parts in zip(*details, strict=True)
    )
    rows, made = report
    account_id, partition = _account_of(
        [
            *(one.arn for kind in (users, groups, roles) for one in kind.values()),
            *(policy.arn for policy in policies.values() if not policy.is_aws_managed),
            *(row.arn for row in rows.values()),
        ]
    )
    files = {path for path, _ in pages}
    read_at = made or datetime.fromtimestamp(max(p.stat().st_mtime for p in files), UTC)
    state = AccountState(
        account_id=account_id,
        partition=partition,
        users=users,
        groups=groups,
        roles=roles,
        policies=policies,
        report=rows,
        read_at=read_at,
        sources={DETAILS: Source(status="read", at=read_at)}
        | ({REPORT: Source(status="read", at=made)} if rows else {}),
    )
    return _with_what_lacks(state, [page for _, page in pages])


def _read_yaml(path: Path, text: str) -> Any:
    import yaml  # noqa: PLC0415 - most files are JSON

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        check_yaml(text, loader)
        return yaml.load(text, Loader=loader)  # noqa: S506 - one of the two safe loaders
    except yaml.YAMLError as error:
        where = getattr(error, "problem_mark", None)
        line = f", line {where.line + 1}" if where else ""
        why = getattr(error, "problem", None) or "not YAML"
        raise InputError(f"{path}{line}: this is no YAML that can be read: {why}.") from None


def _csv_in(content: Any) -> str:
    """The CSV of a reply: the AWS CLI prints it as base64, other tools as it is."""
    text = content.decode() if isinstance(content, bytes) else content.strip('"')
    if text.startswith(COLUMNS[0] + ","):
        return str(text)
    return base64.b64decode("".join(text.split()), validate=True).decode("utf-8-sig")


def _details_of(path: Path, page: Reply) -> Details:
    try:
        return read_details([page])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{path} is damaged: {type(error).__name__} {error}.") from None


def _refuse_two_moments(details: Iterable[Details]) -> None:
    """The same user in two files is the same, or the files are of two moments."""
    known: dict[tuple[int, str], Any] = {}
    for part in details:
        kinds: tuple[Mapping[str, Any], ...] = part
        for number, kind in enumerate(kinds):
            for name, one in kind.items():
                if known.setdefault((number, name), one) != one:
                    raise InputError(
                        f"The files describe {name} in two ways: they are of two moments. Give "
                        "those of one."
                    )


def _account_of(arns: list[str]) -> tuple[str, str]:
    """The account and the partition that all ARNs are of."""
    parts = [arn.split(":") for arn in arns if arn.count(":") >= 5]
    accounts = {part[4] for part in parts}
    if len(accounts) != 1:
        found = ", ".join(sorted(accounts)) or "none"
        raise InputError(f"The files must be of one account; found: {found}.")
    return parts[0][4], parts[0][1]


def _with_what_lacks(state: AccountState, pages: list[Reply]) -> AccountState:
    cut = all(_goes_on(page) for page in pages)
    absent = set(KINDS if cut else _kinds_left_out(state, pages))
    if not absent:
        return state
    of = f" of {len(set(state.report) - {ROOT_USER})}" if state.report else ""
    note = (
        f"the list goes on (NextToken): {len(state.users)}{of} users are in it"
        if cut
        else f"no {', '.join(k for k in KINDS if k in absent)} in it: was it made with --filter?"
    )
    source = replace(state.source(DETAILS), lacking=frozenset(absent), note=note)
    return replace(state, sources={**state.sources, DETAILS: source})


def _goes_on(page: Reply) -> bool:
    """Whether another page follows: by ``--no-paginate``, by ``--max-items``."""
    return bool(page.get("IsTruncated") or page.get("NextToken"))


def _kinds_left_out(state: AccountState, pages: list[Reply]) -> Iterable[str]:
    """The kinds that ``--filter`` left out, as far as that shows.

    A kind that is left out is empty, as one is that the account does not have. But every account
    has roles, made for AWS's support; whatever is attached is described with what it is attached
    to; and no users are believed where a credential report tells the same.
    https://docs.aws.amazon.com/awssupport/latest/user/using-service-linked-roles-sup.html
    """
    empty = {kind for kind in KINDS if not getattr(state, kind)}
    missing = {kind for kind, name in LISTS.items() if all(name not in page for page in pages)}
    gaps = find_gaps(state)
    if gaps.groups or gaps.policies or ("roles" in empty and state.account_id != PRACTICE):
        missing |= empty
    if "users" in empty and not state.report:
        missing |= {"users"}
    return missing
