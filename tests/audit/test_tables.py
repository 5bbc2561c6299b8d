"""The tables: schema, dtypes, what is unknown, and by which path somebody may do something."""

import pandas as pd
import pytest
from accounts import NOW, account_of

from iamkit.audit import Audit, audit_permissions, audit_users, schema
from iamkit.audit.exports import table_of
from iamkit.audit.schema import TABLES, in_words

EVERYTHING = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
READ_S3 = {"Statement": [{"Effect": "Allow", "Action": "s3:Get*", "Resource": "arn:aws:s3:::a/*"}]}
COMPANY = {
    "users": [
        {
            "name": "ann",
            "groups": ["Admins"],
            "password": {"used": 3, "changed": 30},
            "keys": [{"id": "AKIA1", "age": 100, "used": 2}, {"id": "AKIA2", "age": 5}],
        },
        {"name": "bob", "inline": {"read": READ_S3}, "groups": ["team"], "mfa": False},
        {"name": "new", "in_report": False, "groups": []},
    ],
    "groups": [{"name": "Admins", "inline": {"all": EVERYTHING}}, {"name": "team"}],
    "root": {"used": 400},
    "summary": {"AccountMFAEnabled": 1, "AccountAccessKeysPresent": 0},
}


@pytest.fixture
def audit():
    """An audit of a small company."""
    return Audit(account_of(COMPANY))


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("case", [COMPANY, {}], ids=["company", "empty account"])
def test_a_table_has_the_columns_and_dtypes_of_its_schema(name, case):
    """Whatever the account holds, and if it holds nothing."""
    frame = table_of(Audit(account_of(case)), name)
    assert list(frame) == list(TABLES[name])
    for column, described in TABLES[name].items():
        found = str(frame[column].dtype)
        assert found == {"severity": "category"}.get(described.dtype, described.dtype), column


def test_every_column_is_described():
    """Dtype, meaning, unit, source; days and hours have their unit."""
    for columns in TABLES.values():
        for name, column in columns.items():
            assert column.dtype, name
            assert column.meaning, name
            assert all(column.sources), name
            assert column.unit in ("days", "hours") or not name.endswith(("_days", "_hours")), name


def test_a_users_row_joins_everything(audit):
    """Password, MFA, keys with their ids, last activity."""
    ann = audit.users.set_index("user").loc["ann"]
    assert ann["password_idle_days"] == 3
    assert (ann["key_1_id"], ann["key_1_age_days"], ann["key_2_id"]) == ("AKIA1", 100, "AKIA2")
    assert ann["last_activity"] == NOW - pd.Timedelta(days=2)
    assert ann["active_keys"] == 2
    assert ann["effective_admin"]
    assert ann["admin_path"] == "group Admins > inline all > statement 1"


def test_what_is_not_in_the_report_is_unknown_and_never_fine(audit):
    """A user who is newer than the report: no password, no MFA, no date is claimed."""
    new = audit.users.set_index("user").loc["new"]
    for column in ("password_enabled", "mfa_active", "password_last_used", "never_used"):
        assert pd.isna(new[column]), column
    assert "GetCredentialReport" in new["unknown"]
    words = in_words(audit.users, schema.USERS).set_index("user").loc["new"]
    assert words["password_enabled"] == "unknown"
    assert words["password_reset_required"] == "not read"


def test_what_nobody_asked_for_is_not_read(audit):
    """SSH keys cost a call for every user, and are said to be left out."""
    assert audit.users["ssh_public_keys"].isna().all()
    assert (in_words(audit.users, schema.USERS)["ssh_public_keys"] == "not read").all()
    assert audit.users["not_read"].str.contains("ListSSHPublicKeys").all()


def test_never_is_said_only_of_what_exists(audit):
    """A user without a key never has a key that was ``never`` used."""
    words = in_words(audit.users, schema.USERS).set_index("user")
    assert words.loc["bob", "key_1_last_used"] == ""
    assert words.loc["ann", "key_2_last_used"] == "never"


def test_a_user_of_the_same_name_does_not_inherit_the_rows_of_the_one_before():
    """Deleted and made again since the report: the report's row is of somebody else."""
    state = account_of({"users": [{"name": "ann", "password": {"used": 1, "changed": 2}}]})
    again = account_of({"users": [{"name": "ann", "created": 0.01, "in_report": False}]})
    mixed = type(state)(**{**vars(again), "report": state.report})
    assert pd.isna(audit_users(mixed)["password_enabled"].iloc[0])


def test_keys_meet_their_rows_in_the_report_by_their_dates():
    """A key made since has no row, and does not take the one of a key that was deleted."""
    keys = [
        {"id": "AKIA1", "age": 0.1, "in_report": False},
        {"id": "AKIA2", "age": 300, "used": 7},
    ]
    keys = Audit(account_of({"users": [{"name": "ann", "keys": keys}]})).access_keys
    idle = keys.set_index("key")["idle_days"]
    assert pd.isna(idle["AKIA1"])
    assert idle["AKIA2"] == 7


def test_permissions_tell_the_path_and_whether_on_everything(audit):
    """bob reads one bucket through his own policy."""
    cells = audit.permissions(["bob"])
    row = cells[cells["access_level"] == "Read"].iloc[0]
    assert (row["service"], row["path"]) == ("s3", "own > inline read")
    assert (row["resources"], row["conditional"]) == ("some", False)
    assert 0 < row["actions"] < row["of"]


def test_permissions_leave_out_what_a_boundary_takes_away():
    """Everything, within a boundary of one service, is that service."""
    arn = "arn:aws:iam::111122223333:policy/b"
    only = {"Statement": [{"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}]}
    state = account_of(
        {
            "users": [{"name": "ann", "inline": {"all": EVERYTHING}, "boundary": arn}],
            "policies": [{"arn": arn, "document": only}],
        }
    )
    assert set(audit_permissions(state)["service"]) == {"sqs"}


def test_administrators_have_every_level_of_every_service(audit):
    """The catalogue's services, all of them."""
    cells = audit.permissions(["ann"])
    assert cells["service"].nunique() > 400
    assert (cells["actions"] == cells["of"]).all()


def test_the_root_has_its_own_row_and_is_no_user(audit):
    """It is in the account's table, not among the users."""
    assert "<root_account>" not in set(audit.users["user"])
    assert audit.account["root_idle_days"].iloc[0] == 400


def test_tables_are_the_same_again_and_in_the_order_of_names():
    """Whatever order the account was read in."""
    backwards = {**COMPANY, "users": COMPANY["users"][::-1]}
    one, two = Audit(account_of(COMPANY)), Audit(account_of(backwards))
    for name in TABLES:
        pd.testing.assert_frame_equal(table_of(one, name), table_of(two, name))
