"""Reading a whole account: how many calls, and what becomes of those that fail."""

import dataclasses

import pytest

from iamkit.account.gaps import failed_sources
from iamkit.account.state_file import load_state, save_state
from iamkit.audit import Audit, schema
from iamkit.audit.exports import table_of
from iamkit.audit.schema import TABLES, in_words
from iamkit.aws.read import survey_account
from iamkit.errors import AwsError

USERS = 60
BULK = 16


@pytest.fixture
def company(sandbox, session):
    """A company in calm weather with AWS's own pages, and an open session with it."""
    sandbox.set_weather("calm")
    sandbox.set_page_size(1_000)
    sandbox.populate(USERS, 7)
    return session


def calls_of(sandbox, work):
    """What some work returns, and the actions that it called."""
    before = len(sandbox.calls())
    result = work()
    return result, [call["action"] for call in sandbox.calls()[before:]]


def test_an_account_is_read_in_the_fewest_calls(company, sandbox):
    """16 and the pages, and one for each user that has keys; none for a user that has none."""
    state, actions = calls_of(sandbox, lambda: survey_account(company))
    with_keys = sum(any(row.keys) for name, row in state.report.items() if name in state.users)
    assert actions.count("ListAccessKeys") == with_keys < USERS / 2
    pages = actions.count("GetAccountAuthorizationDetails")
    assert pages == 1
    assert len(actions) <= BULK + pages + with_keys
    assert len(state.users) == USERS
    assert not failed_sources(state)


def test_single_calls_can_be_switched_off(company, sandbox):
    """The column then says that it was not read, and no call is made for a single user."""
    state, actions = calls_of(sandbox, lambda: survey_account(company, per_user=()))
    assert "ListAccessKeys" not in actions
    keys = Audit(state).access_keys
    ours = keys[keys["user"] != "<root_account>"]
    assert ours["key"].isna().all()
    assert set(in_words(ours, schema.ACCESS_KEYS)["key"]) == {"not read"}
    assert ours["age_days"].notna().all()
    assert not failed_sources(state)


def test_pages_make_no_difference(company, sandbox):
    """Pages of two give the same users, groups and policies."""
    whole = survey_account(company, per_user=())
    sandbox.set_page_size(2)
    paged = survey_account(company, per_user=())
    for name in ("users", "groups", "roles", "policies", "mfa_devices", "report"):
        assert getattr(paged, name) == getattr(whole, name), name


def test_progress_is_told(company):
    """Each bulk call, and each user for whom a call is made."""
    told = []
    survey_account(company, on_progress=lambda *step: told.append(step))
    assert {name for name, _, _ in told} >= {"GetCredentialReport", "ListAccessKeys"}
    assert all(done <= total for _, done, total in told)


@pytest.mark.parametrize(
    ("action", "source"),
    [
        ("GenerateCredentialReport", "GetCredentialReport"),
        ("GetCredentialReport", "GetCredentialReport"),
        ("GetAccountSummary", "GetAccountSummary"),
        ("GetAccountPasswordPolicy", "GetAccountPasswordPolicy"),
        ("ListAccountAliases", "ListAccountAliases"),
        ("ListVirtualMFADevices", "ListVirtualMFADevices"),
        ("ListServiceSpecificCredentials", "ListServiceSpecificCredentials"),
        ("ListServerCertificates", "ListServerCertificates"),
        ("ListAccessKeys", "ListAccessKeys"),
        ("GET /analyzer", "ListAnalyzers"),
    ],
)
def test_a_call_that_is_denied_is_unknown_and_the_rest_is_read(company, sandbox, action, source):
    """The source is named with the permission that lacks; nothing else is missing."""
    sandbox.set_faults([{"action": action, "kind": "access_denied"}])
    state = survey_account(company)
    assert source in failed_sources(state)
    assert failed_sources(state)[source].status == "unknown"
    assert "denied" in failed_sources(state)[source].note
    assert len(state.users) == USERS
    audit = Audit(state)
    told = audit.sources.set_index("source").loc[source]
    assert told["status"] == "unknown"
    assert len(audit.users) == USERS


def test_without_the_report_no_user_is_fine(company, sandbox):
    """Nobody passes the checks that need it: each is unknown, or known from single calls."""
    sandbox.set_faults([{"action": "GetCredentialReport", "kind": "access_denied"}])
    audit = Audit(survey_account(company))
    assert audit.users["password_enabled"].isna().all()
    found = audit.findings[audit.findings["check"] == "unused-password"]
    assert len(found) == USERS
    assert set(found["status"]) == {"unknown"}


def test_without_the_users_there_is_no_audit(company, sandbox):
    """An audit of nobody would look fine."""
    sandbox.set_faults([{"action": "GetAccountAuthorizationDetails", "kind": "access_denied"}])
    with pytest.raises(AwsError, match="GetAccountAuthorizationDetails"):
        survey_account(company)


def test_one_user_that_fails_is_unknown_alone(company, sandbox):
    """The others' keys are known, and the summary says for how many they are not."""
    sandbox.set_faults([{"action": "ListAccessKeys", "kind": "garbage", "times": 40}])
    state = survey_account(company)
    source = state.source("ListAccessKeys")
    assert source.status == "read"
    assert 0 < len(source.missing) < len(source.missing | set(state.access_keys))
    rows = Audit(state).users.set_index("user").loc[sorted(source.missing)]
    assert rows["key_1_id"].isna().all()
    assert set(in_words(rows.reset_index(), schema.USERS)["key_1_id"]) == {"unknown"}
    assert rows["unknown"].str.contains("ListAccessKeys").all()


def test_a_user_who_is_newer_than_the_report_is_read_by_single_calls(company, sandbox):
    """The report is made every four hours; a user of today has keys, password and MFA too."""
    survey_account(company)
    company.iam.create_user(UserName="today")
    company.iam.create_access_key(UserName="today")
    company.iam.create_login_profile(UserName="today", Password="Kh4!gzz_qQ7-vvTT")
    per_user = ("access_keys", "mfa_devices", "login_profiles")
    row = Audit(survey_account(company, per_user)).users.set_index("user").loc["today"]
    assert row["key_1_status"] == "Active"
    assert row["password_enabled"]
    assert not row["mfa_active"]
    assert "GetCredentialReport" in row["unknown"]


def test_a_saved_state_gives_the_same_tables_cell_for_cell(company, tmp_path):
    """With no network: the file is all there is."""
    state = survey_account(company)
    again = load_state(save_state(state, tmp_path / "state.json"))
    assert again == state
    one, two = Audit(state), Audit(again)
    for name in TABLES:
        assert table_of(one, name).equals(table_of(two, name)), name


def test_credentials_of_other_kinds_are_read(company):
    """Service-specific credentials in one call for all; SSH keys and passwords where asked for."""
    iam = company.iam
    iam.create_service_specific_credential(
        UserName="nobody", ServiceName="codecommit.amazonaws.com"
    )
    state = survey_account(company, per_user=("login_profiles", "ssh_public_keys"))
    row = Audit(state).users.set_index("user").loc["nobody"]
    assert row["service_credentials"].startswith("codecommit.amazonaws.com: ACCA")
    assert row["ssh_public_keys"] == ""
    assert row["password_reset_required"] is False or not row["password_reset_required"]


def test_the_state_holds_no_secret(company, sandbox, tmp_path):
    """Not one of all secrets of the company is in the file."""
    text = save_state(survey_account(company), tmp_path / "state.json").read_text()
    assert not [secret for secret in sandbox.secrets() if secret in text]


def test_bad_weather_is_ridden_out(company, sandbox):
    """Throttling, lost replies and errors make it slower, and nothing else."""
    calm = survey_account(company)
    sandbox.set_weather("typical")
    rough = survey_account(company)
    plain = dataclasses.replace(rough, read_at=calm.read_at, sources=calm.sources)
    assert not failed_sources(rough)
    assert plain == calm
