"""The audit's notebook: headless from a saved state, what it keeps, and when it fails."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from accounts import ACCOUNT, NOW, account_of
from removals import remove

from iamkit.account.state import Source
from iamkit.account.state_file import save_state
from iamkit.audit import Audit
from iamkit.audit.mending import Mend, wanted_by
from iamkit.errors import AwsError, InputError
from iamkit.notebook.pages.audit import require_complete, save_audit
from iamkit.notebook.pages.audit_actions import Actions
from iamkit.notebook.pages.audit_user import describe_user, show_user
from iamkit.parameters.models import AuditUsersParameters
from iamkit.policies import allow, policy
from iamkit.policies.evaluation.access import what_can

IAMKIT = Path(sys.executable).parent / "iamkit"
KEY = {"id": "AKIA1", "age": 91, "used": 1}
CASE = {"users": [{"name": "<b>ann", "keys": [KEY], "tags": {"a": "<i>"}}, {"name": "bob"}]}


def run(tmp_path, state, **parameters):
    """``iamkit run 06_audit_users`` on a saved state; the exit code, what it said, its page."""
    saved = save_state(state, tmp_path / "state.json")
    given = {"environment": "sandbox", "account_id": ACCOUNT, "state_files": [str(saved)]}
    file = tmp_path / "team.yaml"
    file.write_text(json.dumps(given | parameters))
    command = [IAMKIT, "run", "06_audit_users", "-f", file, "--output", tmp_path / "runs"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    page = tmp_path / "runs" / "06_audit_users.html"
    return done.returncode, done.stderr, page.read_text()


def test_a_saved_state_is_audited_headless_and_kept(tmp_path):
    """The page has the numbers, the pictures and the tables; the folder has the files."""
    ann, bob = CASE["users"]
    strong = bob | {"inline": {"p": policy(allow("iam:PutUserPolicy"))}}
    state = account_of({"users": [ann, strong]})
    code, said, page = run(tmp_path, state, save_to="kept", user="bob")
    assert code == 0, said
    assert "SAVED, account 111122223333" in page
    assert page.count("data:image/svg+xml;base64,") == 4 + 2  # of the paths one for each theme
    assert "1 users and roles can make themselves administrator." in page
    assert "bob can write itself an inline policy that allows everything." in page
    assert "Access keys are rotated within 90 days" in page
    assert "<b>ann" not in page
    kept = {path.name for path in (tmp_path / "kept").iterdir()}
    assert kept == {"state.json", "users.csv", "access_keys.csv", "findings.csv", "audit.json"}
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "kept").iterdir()} == {0o600}


def test_what_has_changed_is_shown(tmp_path):
    """Against a state that was saved earlier."""
    before = save_state(account_of({"users": [{"name": "bob"}]}), tmp_path / "before.json")
    code, said, page = run(tmp_path, account_of(CASE), compare_to=str(before))
    assert code == 0, said
    assert "1 users came" in page


def test_an_incomplete_audit_fails_and_its_page_is_kept(tmp_path):
    """Exit code 1, and the line that names what could not be read."""
    state = account_of(CASE)
    sources = {**state.sources, "ListAccessKeys": Source(status="unknown", at=NOW, note="denied")}
    code, said, page = run(tmp_path, type(state)(**{**vars(state), "sources": sources}))
    assert code == 1
    assert "The audit is incomplete. could not be read: ListAccessKeys (denied)" in said
    assert "could not be read: ListAccessKeys (denied)" in page


def test_the_state_of_another_account_is_refused(tmp_path):
    """The parameters name the account."""
    code, said, _ = run(tmp_path, account_of(CASE), account_id="444455556666")
    assert code == 1
    assert "is of account 111122223333, the parameters say 444455556666" in said


def test_a_user_in_full_is_escaped_and_has_its_commands():
    """Findings with their remedy, permissions with their path, everything with its source."""
    markup, text = describe_user(Audit(account_of(CASE)), "<b>ann")
    assert "<b>ann" not in markup
    assert "&lt;b&gt;ann" in markup
    assert "--access-key-id=AKIA1 --status=Inactive" in markup
    assert "GetCredentialReport" in markup
    assert "key_1_age_days: 91" in text


def test_a_user_who_is_not_there_is_named():
    """As the parameters spelled it."""
    with pytest.raises(InputError, match="no user 'zoe'"):
        show_user(Audit(account_of(CASE)), "zoe")


def test_who_was_not_read_is_not_said_to_be_absent():
    """Where not all users were read, no answer says that there is none."""
    partly = remove("the last page")
    audit = Audit(partly)
    given = AuditUsersParameters(environment="sandbox", account_id=ACCOUNT)
    unsure = "Whether the account has a user 'zoe' cannot be told"
    with pytest.raises(InputError, match=unsure):
        show_user(audit, "zoe")
    actions = Actions(audit, given, [], lambda _: None)
    with pytest.raises(InputError, match=unsure):
        actions.user({"name": "zoe"})
    with pytest.raises(InputError, match="a user or role 'zoe' cannot be told"):
        what_can(partly, "zoe")
    with pytest.raises(InputError, match=unsure):
        wanted_by(audit, audit.found, [Mend(check="unused-key", principal="zoe")])


def test_complete_and_incomplete():
    """Nobody takes what was not read for fine."""
    require_complete(Audit(account_of(CASE)))
    failed = account_of(CASE | {"sources": {"GetCredentialReport": "unknown"}})
    with pytest.raises(AwsError, match="GetCredentialReport"):
        require_complete(Audit(failed))


def test_a_folder_that_cannot_be_written_is_said(tmp_path):
    """With the parameter that names it."""
    (tmp_path / "file").write_text("")
    given = {"environment": "sandbox", "account_id": ACCOUNT, "save_to": str(tmp_path / "file")}
    with pytest.raises(InputError, match="save_to"):
        save_audit(Audit(account_of(CASE)), AuditUsersParameters.model_validate(given))
