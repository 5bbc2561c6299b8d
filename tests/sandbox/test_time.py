"""The credential report, the account's summary, ageing, last uses, and a believable company."""

import csv
import io
import json
import time
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError

from iamkit.errors import SandboxError
from iamkit.sandbox import reset_sandbox, start_sandbox, stop_sandbox
from iamkit.sandbox.server.iam.report import MAKING

COLUMNS = 22


def read_report(iam):
    """The rows of a report that is made now, by user."""
    iam.generate_credential_report()
    time.sleep(1.1)
    text = iam.get_credential_report()["Content"].decode()
    return {row["user"]: row for row in csv.DictReader(io.StringIO(text))}


def test_a_report_passes_its_three_states(sandbox, iam, refused):
    """Not present, started, in progress, complete for four hours, expired, and made anew."""
    with refused("ReportNotPresent", 410):
        iam.get_credential_report()
    for _ in range(20):
        asked_at = time.monotonic()
        assert iam.generate_credential_report()["State"] == "STARTED"
        state = iam.generate_credential_report()["State"]
        try:
            early = iam.get_credential_report()
        except ClientError as refusal:
            early = refusal.response["Error"]["Code"], refusal.response["ResponseMetadata"]
        if time.monotonic() - asked_at < MAKING.total_seconds():
            break
        sandbox.age(days=0.2)  # this machine was slower than the report: try again
    assert state == "INPROGRESS"
    assert early[0] == "ReportInProgress"
    assert early[1]["HTTPStatusCode"] == 404
    time.sleep(1.1)
    assert iam.generate_credential_report()["State"] == "COMPLETE"
    first = iam.get_credential_report()["GeneratedTime"]
    iam.create_user(UserName="alice")
    assert iam.generate_credential_report()["State"] == "COMPLETE"
    again = iam.get_credential_report()
    assert again["GeneratedTime"] == first
    assert b"alice" not in again["Content"]
    sandbox.age(days=0.2)
    with refused("ReportExpired", 410):
        iam.get_credential_report()
    assert "alice" in read_report(iam)


def test_a_report_is_true_to_the_account(sandbox, iam):
    """The root comes first, and each cell says what AWS would say."""
    iam.create_user(UserName="alice")
    iam.create_login_profile(UserName="alice", Password="Secret-Pass-1")
    key = iam.create_access_key(UserName="alice")["AccessKey"]["AccessKeyId"]
    iam.create_access_key(UserName="alice")
    iam.create_user(UserName="a,b")
    sandbox.age(days=10)
    signed_in = datetime.now(UTC).replace(microsecond=0) - timedelta(days=3)
    sandbox.set_password_last_used("alice", signed_in)
    sandbox.set_key_last_used(key, signed_in, "s3", "eu-central-1")
    iam.update_access_key(UserName="alice", AccessKeyId=key, Status="Inactive")
    rows = read_report(iam)
    assert list(rows) == ["<root_account>", "alice", "a,b"]
    assert {len(row) for row in rows.values()} == {COLUMNS}
    root, alice, other = rows.values()
    assert root["password_enabled"] == root["password_last_changed"] == "not_supported"
    assert (root["mfa_active"], root["access_key_1_active"]) == ("false", "true")
    said = alice["password_last_used"], alice["access_key_2_last_used_date"]
    assert said == (f"{signed_in:%Y-%m-%dT%H:%M:%SZ}",) * 2
    changed = datetime.fromisoformat(alice["password_last_changed"])
    assert timedelta(days=9.9) < datetime.now(UTC) - changed < timedelta(days=10.1)
    assert alice["access_key_2_active"] == "false"  # behind the active one, as recorded
    assert alice["access_key_2_last_used_service"] == "s3"
    assert alice["access_key_1_active"] == "true"
    assert alice["access_key_1_last_used_date"] == "N/A"
    assert alice["password_next_rotation"] == "N/A"
    assert (other["password_enabled"], other["password_last_used"]) == ("false", "N/A")


def test_a_password_that_was_never_used_has_no_information(iam):
    """It is told apart from a user with no password."""
    iam.create_user(UserName="alice")
    iam.create_login_profile(UserName="alice", Password="Secret-Pass-1")
    iam.update_account_password_policy(MaxPasswordAge=30)
    row = read_report(iam)["alice"]
    assert row["password_last_used"] == "no_information"
    due = datetime.fromisoformat(row["password_next_rotation"])
    assert timedelta(days=29) < due - datetime.now(UTC) < timedelta(days=30)


def test_the_summary_counts(sandbox, iam):
    """GetAccountSummary says what there is, and whether the root has MFA and keys."""
    iam.create_user(UserName="alice")
    sandbox.set_root_mfa(enabled=True)
    summary = iam.get_account_summary()["SummaryMap"]
    assert (summary["Users"], summary["Groups"]) == (1, 0)
    assert (summary["AccountMFAEnabled"], summary["AccountAccessKeysPresent"]) == (1, 1)
    assert (summary["GroupsPerUserQuota"], summary["AccessKeysPerUserQuota"]) == (10, 2)
    assert read_report(iam)["<root_account>"]["mfa_active"] == "true"


def test_everything_grows_older_and_now_stays_now(sandbox, iam):
    """Ageing moves users, keys, groups and policies into the past, once; new ones are new."""
    iam.create_user(UserName="alice")
    iam.create_access_key(UserName="alice")
    iam.create_group(GroupName="dev")
    sandbox.age(days=90)
    iam.create_user(UserName="bob")

    def age(moment):
        return (datetime.now(UTC) - moment) / timedelta(days=1)

    assert age(iam.get_user(UserName="alice")["User"]["CreateDate"]) == pytest.approx(90, abs=0.1)
    assert age(iam.get_user(UserName="bob")["User"]["CreateDate"]) == pytest.approx(0, abs=0.1)
    assert age(iam.get_group(GroupName="dev")["Group"]["CreateDate"]) == pytest.approx(90, abs=0.1)
    keys = iam.list_access_keys(UserName="alice")["AccessKeyMetadata"]
    assert age(keys[0]["CreateDate"]) == pytest.approx(90, abs=0.1)


def test_the_day_that_a_tag_says_grows_older(sandbox, private_home, client_of, iam):
    """By whole days, over a restart too; what is no day, or none so long ago, stays as it is."""
    tags = {"off": "2027-01-31", "moment": "2027-01-31 12:00", "team": "web", "first": "0001-01-01"}
    iam.create_user(UserName="bob", Tags=[{"Key": k, "Value": v} for k, v in tags.items()])
    for days in (30, 1.5):
        sandbox.age(days)
    stop_sandbox(private_home / "sandbox")
    iam = client_of(start_sandbox(private_home / "sandbox"))
    found = {t["Key"]: t["Value"] for t in iam.list_user_tags(UserName="bob")["Tags"]}
    assert found == tags | {"off": "2026-12-31"}


def test_commands_that_make_no_sense_are_refused(sandbox):
    """No negative age, no unknown key, no user without a password, no 6,000 users."""
    now = datetime.now(UTC)
    for wrong in (
        lambda: sandbox.age(-1),
        lambda: sandbox.set_key_last_used("AKIAX", now),
        lambda: sandbox.set_password_last_used("nobody", now),
        lambda: sandbox.populate(6_000, 1),
    ):
        with pytest.raises(SandboxError):
            wrong()


def details(sandbox, client_of):
    iam = client_of(sandbox)
    pages = iam.get_paginator("get_account_authorization_details").paginate(
        Filter=["User", "Group", "Role", "LocalManagedPolicy"], PaginationConfig={"PageSize": 1000}
    )
    return pages.build_full_result()


def test_a_company_is_believable_and_the_same_for_a_seed(sandbox, private_home, client_of):
    """Forty users show what audits look for, and the seed gives the same ones again."""
    sandbox.populate(40, 7)
    first = details(sandbox, client_of)
    report = read_report(client_of(sandbox))
    users = {user["UserName"]: user for user in first["UserDetailList"]}
    people = [row for row in report.values() if row["password_enabled"] == "true"]
    assert len(users) == 40
    assert any(row["mfa_active"] == "false" for row in people)
    assert any(row["mfa_active"] == "true" for row in people)
    assert any(row["password_last_used"] == "no_information" for row in people)
    old = (datetime.now(UTC) - timedelta(days=1_000)).isoformat()
    assert any("N/A" != row["access_key_1_last_rotated"] < old for row in report.values())
    assert {"=1+1,@x", "..", "con", "x" * 64} <= users.keys()
    assert users["nobody"]["GroupList"] == []
    assert any("PermissionsBoundary" in user for user in users.values())
    text = json.dumps([user["UserPolicyList"] for user in users.values()])
    for word in ("iam:PutUserPolicy", "iam:PassRole", "NotAction", "Deny", "MultiFactorAuth"):
        assert word in text
    again = reset_sandbox(private_home / "sandbox")
    again.populate(40, 7, root_mfa=True)
    assert client_of(again).get_account_summary()["SummaryMap"]["AccountMFAEnabled"] == 1
    other = details(again, client_of)
    ids = [[user["UserId"] for user in found["UserDetailList"]] for found in (first, other)]
    assert ids[0] == ids[1]
    assert {g["GroupName"] for g in other["GroupDetailList"]} >= {"admins", "empty", "developers"}


def test_a_second_company_moves_in_beside_the_first(sandbox, client_of):
    """Whoever is there stays, and the new ones get names that are free."""
    sandbox.populate(20, 1)
    before = {user["UserName"] for user in details(sandbox, client_of)["UserDetailList"]}
    sandbox.populate(20, 1)
    after = {user["UserName"] for user in details(sandbox, client_of)["UserDetailList"]}
    assert len(after) == 40
    assert before < after


def test_five_thousand_users(sandbox, private_home, client_of):
    """They move in at once, are read in pages of 1,000, and are there after a restart."""
    sandbox.populate(5_000, 7)
    found = details(sandbox, client_of)
    assert len(found["UserDetailList"]) == 5_000
    calls = [c for c in sandbox.calls() if c["action"] == "GetAccountAuthorizationDetails"]
    assert len(calls) == 6
    stop_sandbox(private_home / "sandbox")
    again = start_sandbox(private_home / "sandbox")
    assert len(details(again, client_of)["UserDetailList"]) == 5_000


def test_a_day_in_the_id_of_a_statement_ages(sandbox, iam):
    """Eight digits at the end of a Sid, if they are a day; all else stays as it was written."""
    iam.create_user(UserName="alice")
    ids = ["Left20260301", "Left20269999", "Left2026030", "Other"]
    statements = [
        {"Sid": sid, "Effect": "Deny", "Action": "*", "Resource": "arn:aws:s3:::x20260301"}
        for sid in ids
    ]
    document = {"Version": "2012-10-17", "Statement": statements}
    iam.put_user_policy(UserName="alice", PolicyName="p", PolicyDocument=json.dumps(document))
    sandbox.age(days=1)
    aged = iam.get_user_policy(UserName="alice", PolicyName="p")["PolicyDocument"]
    assert [one["Sid"] for one in aged["Statement"]] == ["Left20260228", *ids[1:]]
    assert {one["Resource"] for one in aged["Statement"]} == {"arn:aws:s3:::x20260301"}
