"""What has changed between two states."""

import pytest
from accounts import account_of

from iamkit.audit.comparison import UNTOLD, compare
from iamkit.audit.exports import describe_changes
from iamkit.errors import InputError

READ = {"Statement": [{"Effect": "Allow", "Action": "sqs:Get*", "Resource": "*"}]}
ALL = {"Statement": [{"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}]}
BEFORE = {
    "users": [{"name": "ann"}, {"name": "bob", "groups": []}, {"name": "eve", "id": "AIDAOLD"}],
    "groups": [{"name": "team", "inline": {"p": READ}}],
}
AFTER = {
    "users": [{"name": "ann"}, {"name": "eve", "id": "AIDANEW"}, {"name": "zoe", "groups": []}],
    "groups": [{"name": "team", "inline": {"p": ALL}}],
}


@pytest.fixture
def changes():
    """From the one to the other."""
    return compare(account_of(BEFORE), account_of(AFTER))


def test_who_came_who_went_and_who_is_another_by_that_name(changes):
    """By the unique id, not by the name alone."""
    found = dict(zip(changes.users["user"], changes.users["change"], strict=True))
    assert found == {"bob": "went", "zoe": "came", "eve": "replaced"}


def test_which_permissions_grew_and_by_which_path(changes):
    """By service and access level, for who stayed."""
    ann = changes.permissions[changes.permissions["user"] == "ann"]
    assert set(ann["change"]) == {"grew"}
    assert set(ann["path"]) == {"group team > inline p"}
    assert "Write" in set(ann["access_level"])
    back = compare(account_of(AFTER), account_of(BEFORE)).permissions
    assert set(back["change"]) == {"shrank"}


def test_findings_are_new_gone_or_still_there(changes):
    """Each with the time of the state that first had it, of the two."""
    found = changes.findings[changes.findings["check"] == "no-group"]
    assert dict(zip(found["principal"], found["change"], strict=True)) == {
        "zoe": "new",
        "bob": "gone",
    }
    assert "still" in set(changes.findings["change"])
    assert changes.findings["since"].notna().all()


def test_the_same_state_has_not_changed():
    """Every finding is still there, and nothing else is told."""
    same = compare(account_of(BEFORE), account_of(BEFORE))
    assert same.users.empty
    assert same.permissions.empty
    assert set(same.findings["change"]) == {"still"}


def test_what_one_of_two_states_did_not_read_is_neither_new_nor_gone():
    """Findings, users and permissions alike, in both directions."""
    unread = {**AFTER, "sources": {"GetCredentialReport": "not read"}, "undescribed_groups": ["x"]}
    unread["users"] = [{"name": "ann", "groups": ["x"]}, *AFTER["users"][1:]]
    user = {"name": "ann", "password": {"used": 90, "changed": 200}, "mfa": False}
    full = account_of({**AFTER, "users": [user, *AFTER["users"][1:]]})
    for found in (compare(full, account_of(unread)), compare(account_of(unread), full)):
        findings = found.findings[found.findings["check"].isin(["console-mfa", "unused-password"])]
        assert set(findings["change"]) == {UNTOLD}
        ann = found.permissions[found.permissions["user"] == "ann"]
        assert UNTOLD in set(ann["change"])
    assert "findings cannot be told" in "\n".join(describe_changes(found))


def test_two_accounts_are_not_compared():
    """Both are named."""
    other = account_of({})
    other = type(other)(**{**vars(other), "account_id": "444455556666"})
    with pytest.raises(InputError, match="111122223333 and 444455556666"):
        compare(account_of({}), other)
