"""The pages for new users, written for the accounts of the sandbox."""

import stat
from pathlib import Path

import pytest
from ways import PUBLIC_KEY

from iamkit.aws.apply import apply_plan
from iamkit.aws.read import read_account
from iamkit.notebook.display import bundle_of
from iamkit.notebook.pages.welcome import NOTHING, write_welcome_pages
from iamkit.plan.changes import make_plan
from iamkit.plan.desired import Desired, DesiredUser

WAYS = {"alice": "", "bob": PUBLIC_KEY, "carol": "secretsmanager", "-rf": "", ".": PUBLIC_KEY}


@pytest.fixture
def team(session):
    """A user for each way, with key and password, as they are in the account."""
    users = [
        DesiredUser(name=name, access_key=True, console_password=True, hand_over=way)
        for name, way in WAYS.items()
    ]
    desired = Desired(users=tuple(users))
    outcome = apply_plan(make_plan(read_account(session, desired), desired), session)
    outcome.raise_if_incomplete()
    return desired


def test_each_user_has_a_page_and_no_page_a_secret(session, sandbox, team):
    """Private files in one folder, whatever the name; every secret of the account is in none."""
    frame = write_welcome_pages(session, team)
    assert frame["user"].tolist() == list(WAYS)
    paths = [Path(file) for file in frame["file"]]
    assert {path.parent for path in paths} == {session.folder / "welcome"}
    assert len(set(paths)) == len(WAYS)
    assert stat.S_IMODE(paths[0].parent.stat().st_mode) == 0o700
    for path in paths:
        assert path.name[0] not in "-."
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        text = path.read_text()
        assert not [secret for secret in sandbox.secrets() if secret in text]
        assert "000000000000" in text
    assert "get-secret-value --region us-east-1" in paths[2].read_text()
    assert "age -d -i key.txt bob_credentials.csv.age" in paths[1].read_text()
    assert "alice_credentials.csv" in paths[0].read_text()
    assert write_welcome_pages(session, team).equals(frame)


def test_a_user_to_whom_nothing_was_handed_over_has_no_page_yet(session):
    """The table says so, and nothing is written."""
    desired = Desired(users=(DesiredUser(name="<b>", access_key=True),))
    frame = write_welcome_pages(session, desired)
    assert frame.to_dict("records") == [{"user": "<b>", "file": NOTHING}]
    assert not (session.folder / "welcome").exists()
    assert "&lt;b&gt;" in bundle_of(frame)["text/html"]
