"""The credential report: AWS's table of everybody's credentials, up to four hours old.

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_getting-report.html
"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from iamkit.account.api_replies import read_date
from iamkit.account.state import ReportedCertificate, ReportedKey, ReportRow
from iamkit.errors import InputError

COLUMNS = (
    "user arn user_creation_time password_enabled password_last_used password_last_changed "
    "password_next_rotation mfa_active access_key_1_active access_key_1_last_rotated "
    "access_key_1_last_used_date access_key_1_last_used_region access_key_1_last_used_service "
    "access_key_2_active access_key_2_last_rotated access_key_2_last_used_date "
    "access_key_2_last_used_region access_key_2_last_used_service cert_1_active "
    "cert_1_last_rotated cert_2_active cert_2_last_rotated"
).split()
NOTHING = frozenset({"", "N/A", "no_information", "not_supported"})
"""What stands in place of a value: not applicable, never used, not for the root."""


def parse_credential_report(text: str) -> dict[str, ReportRow]:
    """The rows of a credential report by user name; columns that AWS added since are left out.

    Raises:
        InputError: it is no credential report, or a row of it cannot be read.
    """
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    lacking = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
    if lacking:
        raise InputError(f"This is no credential report: it has no column {lacking[0]}.")
    rows = {}
    for number, cells in enumerate(reader, 2):
        try:
            row = _row(cells)
        except (ValueError, TypeError, AttributeError):
            raise InputError(f"Row {number} of the credential report cannot be read.") from None
        rows[row.user] = row
    return rows


def format_credential_report(rows: Iterable[ReportRow]) -> str:
    """A credential report that ``parse_credential_report`` reads as these rows."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(map(_cells, rows))
    return text.getvalue()


def _row(cells: Mapping[str, str]) -> ReportRow:
    return ReportRow(
        user=cells["user"],
        arn=cells["arn"],
        created=_date(cells["user_creation_time"]),
        password_enabled=_flag(cells["password_enabled"]),
        password_last_used=_date(cells["password_last_used"]),
        password_last_changed=_date(cells["password_last_changed"]),
        password_next_rotation=_date(cells["password_next_rotation"]),
        mfa_active=_flag(cells["mfa_active"]),
        keys=(_key(cells, "access_key_1"), _key(cells, "access_key_2")),
        certificates=(_certificate(cells, "cert_1"), _certificate(cells, "cert_2")),
    )


def _key(cells: Mapping[str, str], slot: str) -> ReportedKey | None:
    active, rotated = _flag(cells[f"{slot}_active"]), _date(cells[f"{slot}_last_rotated"])
    if active is False and rotated is None:
        return None
    return ReportedKey(
        active=active,
        last_rotated=rotated,
        last_used=_date(cells[f"{slot}_last_used_date"]),
        last_used_region=_text(cells[f"{slot}_last_used_region"]),
        last_used_service=_text(cells[f"{slot}_last_used_service"]),
    )


def _certificate(cells: Mapping[str, str], slot: str) -> ReportedCertificate | None:
    active, rotated = _flag(cells[f"{slot}_active"]), _date(cells[f"{slot}_last_rotated"])
    if active is False and rotated is None:
        return None
    return ReportedCertificate(active=active, last_rotated=rotated)


def _text(cell: str) -> str:
    return "" if cell in NOTHING else cell


def _date(cell: str) -> datetime | None:
    return None if cell in NOTHING else read_date(cell)


def _flag(cell: str) -> bool | None:
    if cell in NOTHING:
        return None
    if cell.lower() not in ("true", "false"):
        raise ValueError(cell)
    return cell.lower() == "true"


def _cells(row: ReportRow) -> Iterator[str]:
    yield from (row.user, row.arn, _cell(row.created), _cell(row.password_enabled))
    yield from map(
        _cell, (row.password_last_used, row.password_last_changed, row.password_next_rotation)
    )
    yield _cell(row.mfa_active)
    for key in row.keys:
        if key is None:
            yield from ("false", *["N/A"] * 4)
        else:
            yield from (_cell(key.active), _cell(key.last_rotated), _cell(key.last_used))
            yield from (key.last_used_region or "N/A", key.last_used_service or "N/A")
    for one in row.certificates:
        yield from (_cell(one.active), _cell(one.last_rotated)) if one else ("false", "N/A")


def _cell(value: datetime | bool | None) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    return "N/A" if value is None else str(value).lower()
