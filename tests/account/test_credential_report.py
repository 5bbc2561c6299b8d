"""The credential report, as AWS writes it and as it may come to look."""

from datetime import UTC, datetime

import pytest

from iamkit.account.credential_report import COLUMNS, parse_credential_report
from iamkit.account.state import ReportedCertificate, ReportedKey
from iamkit.errors import InputError

DATE = "2026-01-02T03:04:05+00:00"
MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
NONE = ["false", "N/A", "N/A", "N/A", "N/A"]
ROOT = [
    *("<root_account>", "arn:aws:iam::111122223333:root", DATE, "not_supported"),
    *("no_information", "not_supported", "not_supported", "true", *NONE, *NONE),
    *("false", "N/A", "false", "N/A"),
]


def row(**cells):
    """A user's row in which nothing is set but these cells."""
    usual = dict(zip(COLUMNS, ROOT, strict=True)) | {
        "user": "ann",
        "arn": "arn:aws:iam::111122223333:user/ann",
        "password_enabled": "false",
        **dict.fromkeys(COLUMNS[4:7], "N/A"),
        "mfa_active": "false",
    }
    return [(usual | cells)[name] for name in COLUMNS]


def report(*rows, header=COLUMNS):
    """The text of a report; a cell with a comma is quoted."""
    quoted = [[f'"{c}"' if "," in c else c for c in cells] for cells in (header, *rows)]
    return "\n".join(",".join(cells) for cells in quoted) + "\n"


def test_the_roots_row_is_read():
    """What is not supported for the root is not known, and what it lacks is none."""
    root = parse_credential_report(report(ROOT))["<root_account>"]
    assert root.password_enabled is None
    assert root.password_last_used is None
    assert root.mfa_active is True
    assert root.keys == (None, None)


def test_a_password_that_was_never_used_has_no_date():
    """``no_information`` is never used; a last change of N/A is not known."""
    cells = {"password_enabled": "true", "password_last_used": "no_information"}
    found = parse_credential_report(report(row(**cells)))["ann"]
    assert found.password_enabled is True
    assert (found.password_last_used, found.password_last_changed) == (None, None)


def test_keys_and_certificates_are_read_from_both_slots():
    """An inactive key has a date all the same; the second may be there without the first."""
    cells = {
        "access_key_2_active": "false",
        "access_key_2_last_rotated": DATE,
        "access_key_2_last_used_date": DATE,
        "access_key_2_last_used_service": "s3",
        "cert_1_active": "true",
        "cert_1_last_rotated": DATE,
    }
    found = parse_credential_report(report(row(**cells)))["ann"]
    used = ReportedKey(active=False, last_rotated=MOMENT, last_used=MOMENT, last_used_service="s3")
    assert found.keys == (None, used)
    certificate = ReportedCertificate(active=True, last_rotated=MOMENT)
    assert found.certificates == (certificate, None)


def test_a_comma_in_a_name_does_not_shift_the_columns():
    """IAM allows commas in names, and the CSV quotes them."""
    name = "=1+1,@x"
    arn = f"arn:aws:iam::111122223333:user/{name}"
    found = parse_credential_report(report(row(user=name, arn=arn)))[name]
    assert found.arn == arn
    assert found.mfa_active is False


def test_columns_that_aws_adds_are_left_out():
    """Columns go by their names, not by their number."""
    header = ["brand_new", *COLUMNS, "newer"]
    text = report(["x", *row(mfa_active="true"), "y"], header=header)
    assert parse_credential_report(text)["ann"].mfa_active is True


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_line_endings_and_a_byte_order_mark_do_no_harm(ending, mark):
    """As editors and spreadsheets save them."""
    text = mark + report(row()).replace("\n", ending)
    assert list(parse_credential_report(text)) == ["ann"]


def test_what_is_no_report_is_said_to_be_none():
    """The missing column is named."""
    with pytest.raises(InputError, match="no column user"):
        parse_credential_report("<html></html>")


@pytest.mark.parametrize("cells", [{"mfa_active": "maybe"}, {"user_creation_time": "yesterday"}])
def test_a_cell_that_cannot_be_read_names_its_row(cells):
    """Nothing is guessed."""
    with pytest.raises(InputError, match="Row 3"):
        parse_credential_report(report(ROOT, row(**cells)))


def test_a_row_that_is_cut_off_names_itself():
    """A download that broke in the middle."""
    with pytest.raises(InputError, match="Row 2"):
        parse_credential_report(report(row())[:-60])
