"""The states that audits keep by themselves: which stay, which go, what they tell."""

import stat
from datetime import UTC, datetime, timedelta

import pytest
from accounts import NOW, account_of
from hypothesis import given, settings, strategies as st
from samples import scaled

from iamkit.audit import Audit
from iamkit.audit.history import (
    LATEST,
    WEEKS,
    keep_state,
    kept_before,
    let_go,
    list_kept,
    load_audit,
)
from iamkit.audit.numbers import count_numbers
from iamkit.errors import InputError
from iamkit.notebook.pages.audit_changes import describe_history

KEY = {"name": "ann", "keys": [{"id": "AKIA1", "age": 91, "used": 1}]}


def audit_at(at, *users):
    """An audit of an account that was read at a moment."""
    state = account_of({"users": list(users)})
    return Audit(type(state)(**{**vars(state), "read_at": at}))


@settings(max_examples=scaled(40, 1_000), deadline=None)
@given(st.lists(st.integers(0, 900), max_size=80, unique=True))
def test_the_latest_and_the_last_of_each_week_stay(days):
    """Whatever was kept; nothing of the last ten goes, and no week within the year loses all."""
    moments = [NOW - timedelta(days=day, hours=1) for day in days]
    gone = set(let_go(moments))
    stay = [at for at in moments if at not in gone]
    assert gone.isdisjoint(sorted(moments)[-LATEST:])
    recent = {m for m in moments if m >= max(moments, default=NOW) - timedelta(weeks=WEEKS)}
    weeks = {at.isocalendar()[:2] for at in recent}
    assert weeks <= {at.isocalendar()[:2] for at in stay}
    assert len(stay) <= LATEST + WEEKS + 1
    assert set(let_go(stay)) == set()


def test_a_state_is_kept_for_its_owner_alone_with_its_numbers(tmp_path):
    """And read again it is the same audit."""
    folder = tmp_path / "account" / "audits"
    audit = audit_at(NOW, KEY)
    kept = keep_state(audit, folder)
    assert list_kept(folder) == [kept]
    assert kept.numbers["keys_to_rotate"] == 1
    assert {path.stat().st_mode & 0o077 for path in [folder, *folder.iterdir()]} == {0}
    assert stat.S_ISDIR(folder.stat().st_mode)
    assert load_audit(kept, audit).findings.equals(audit.findings)


def test_what_the_rule_lets_go_is_deleted(tmp_path):
    """State and numbers; what is no state of ours stays."""
    (tmp_path / "a").mkdir(mode=0o700)
    other = tmp_path / "a" / "notes.json"
    other.write_text("{}")
    start = datetime(2026, 1, 5, tzinfo=UTC)
    for hours in range(LATEST + 3):
        keep_state(audit_at(start + timedelta(hours=hours)), tmp_path / "a")
    assert len(list_kept(tmp_path / "a")) == LATEST
    assert len(list((tmp_path / "a").iterdir())) == 2 * LATEST + 1
    assert other.exists()


def test_the_state_of_some_days_ago_is_the_nearest_before(tmp_path):
    """The earliest where all are later; none where none is kept."""
    for days in (20, 8, 1):
        keep_state(audit_at(NOW - timedelta(days=days)), tmp_path / "a")
    kept = list_kept(tmp_path / "a")
    week = NOW - timedelta(days=7)
    assert kept_before(kept, week).at == NOW - timedelta(days=8)
    assert kept_before(kept, NOW - timedelta(days=90)).at == NOW - timedelta(days=20)
    assert kept_before([], week) is None


def test_a_folder_that_is_not_ours_alone_is_refused(tmp_path):
    """A state tells who may do what in the account."""
    open_folder = tmp_path / "open"
    open_folder.mkdir(mode=0o755)
    with pytest.raises(InputError, match="others can look into it"):
        keep_state(audit_at(NOW), open_folder)


def test_the_line_of_the_last_weeks(tmp_path):
    """One point a week, its last audit; nothing before there is an earlier audit."""
    now = audit_at(NOW, KEY)
    assert describe_history(now, []) == ""
    for days in (15, 14, 8):
        keep_state(audit_at(NOW - timedelta(days=days)), tmp_path / "a")
    markup = describe_history(now, list_kept(tmp_path / "a"))
    assert markup.count('scope="col" class="number">') == 2
    assert "11-10" in markup
    assert "11-16" in markup


def test_no_number_is_whole_while_users_lack():
    """An unread account has no small numbers, but numbers with a sign that there may be more."""
    audit = Audit(account_of({"users": [KEY], "sources": {"GetCredentialReport": "unknown"}}))
    numbers = {number.id: number for number in count_numbers(audit)}
    assert numbers["no_mfa"].unknown == 1
    assert "unknown" in numbers["no_mfa"].text
