"""States in files: our own, and what the AWS CLI prints."""

import base64
import json
import stat

import pytest
from accounts import account_of

from iamkit.account.state_file import FORMAT, load_state, save_state
from iamkit.errors import InputError


@pytest.fixture
def state():
    """A state with a bit of everything."""
    keys = [{"id": "AKIA1", "age": 10, "used": 1}]
    user = {"name": "=1+1,@x", "keys": keys, "tags": {"n": "<img src=x>"}, "groups": ["b", "a"]}
    return account_of({"users": [user], "root": {"used": 1}, "summary": {"Users": 1}})


def test_a_state_survives_being_saved(state, tmp_path):
    """Value for value; the same state gives the same text, for its owner alone."""
    path = save_state(state, tmp_path / "a.json")
    assert load_state(path) == state
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert save_state(state, tmp_path / "b.json").read_bytes() == path.read_bytes()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "neither JSON nor"),
        ("[1]", "neither a state of iamkit's"),
        ('{"format": "iamkit account state 1"}', "damaged account state"),
        ('{"format": "iamkit account state 1", "state": {"account_id": 7}}', "damaged"),
        ('{"Content": "%%%"}', "damaged credential report"),
        ('{"UserDetailList": [{"UserName": "a"}], "Policies": []}', "damaged"),
    ],
)
def test_what_is_no_state_is_refused_in_a_line(text, said, tmp_path):
    """The file and what is wrong with it."""
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(InputError, match=said) as error:
        load_state(path)
    assert str(path) in str(error.value)


def test_two_accounts_and_none_are_refused(tmp_path):
    """Nobody would know of which the audit tells."""
    path = tmp_path / "x.json"
    path.write_text('{"UserDetailList": [], "IsTruncated": true}')
    with pytest.raises(InputError, match="of one account; found: none"):
        load_state(path)


def test_a_report_alone_is_not_enough(state, tmp_path):
    """It does not tell who is in which group."""
    content = base64.b64encode(b"user,arn,user_creation_time\n").decode()
    path = tmp_path / "report.json"
    path.write_text(json.dumps({"Content": content}))
    with pytest.raises(InputError, match="no credential report"):
        load_state(path)
    with pytest.raises(InputError, match="Give one file"):
        load_state(save_state(state, tmp_path / "a"), save_state(state, tmp_path / "b"))


def test_a_file_that_is_not_there_is_named(tmp_path):
    """With the system's word for it."""
    with pytest.raises(InputError, match="No such file"):
        load_state(tmp_path / "none.json")


def test_a_file_of_an_earlier_version_is_read(tmp_path):
    """What has gone from the model since is passed over, and what has come is as if unread."""
    path = tmp_path / "old.json"
    user = {"name": "ann", "detail": {"access_keys": [{"id": "AKIA1"}], "has_login_profile": True}}
    source = {"status": "read", "at": None, "note": "", "missing": ["ann"], "lacking": []}
    state = {
        "account_id": "111122223333",
        "users": {"ann": user},
        "password_policy": {"minimum_length": 12, "max_age": 90},
        "policies": {
            "p": {"arn": "arn:aws:iam::111122223333:policy/p", "name": "p", "versions": 3}
        },
        "sources": {"ListAccessKeys": source},
    }
    path.write_text(json.dumps({"format": FORMAT, "state": state}))
    old = load_state(path)
    assert old.users["ann"].name == "ann"
    assert not old.was_read("ListAccessKeys", "ann")
    assert old.was_read("ListAccessKeys", "ben")
    assert (old.password_policy.minimum_length, old.password_policy.hard_expiry) == (12, None)
    assert old.policies["p"].other_versions == ()
