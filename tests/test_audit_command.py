"""``iamkit audit``, whole: exit codes, formats, files of the AWS CLI, hostile text in a browser."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from accounts import NOW, account_of
from paths import GUIDE

from iamkit.account.state import Source
from iamkit.account.state_file import load_state, save_state
from iamkit.audit import Audit
from iamkit.aws.read import survey_account
from iamkit.sandbox import sandbox_env

BIN = Path(sys.executable).parent
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
OLD_KEY = {"name": "ann", "keys": [{"id": "AKIA1", "age": 91, "used": 1}]}


def iamkit(*arguments, cwd):
    """One run of the command."""
    return subprocess.run(
        [BIN / "iamkit", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=120,
        check=False,
    )


def aws_cli(sandbox, command):
    """What ``aws iam COMMAND`` prints, pointed at the sandbox as a user would point it."""
    script = f"{sandbox_env(sandbox)}\n{BIN}/aws iam {command}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def saved(tmp_path):
    """The file of a small state with one finding of medium severity for its user."""
    return save_state(account_of({"users": [OLD_KEY]}), tmp_path / "state.json")


@pytest.mark.parametrize(
    ("severity", "code"), [("critical", 0), ("high", 0), ("medium", 3), ("low", 3)]
)
def test_the_exit_code_is_3_at_or_above_a_severity(iamkit_here, saved, tmp_path, severity, code):
    """And 0 below it."""
    # Only the user's finding is of medium severity or worse.
    fine = account_of(
        {
            "users": [OLD_KEY],
            "summary": {"AccountMFAEnabled": 1},
            "analyzers": ["a"],
            "rules": {"minimum_length": 14, "reuse_prevention": 24},
            "root": {},
        }
    )
    save_state(fine, saved)
    done = iamkit_here("audit", "--state", saved, "--fail-on", severity, cwd=tmp_path)
    assert done.returncode == code, done.stderr
    assert "key-rotation" in done.stdout


def test_what_could_not_be_read_is_exit_code_1_and_a_named_line(iamkit_here, tmp_path):
    """Also where nothing was found: an incomplete audit is not fine."""
    sources = {"GetCredentialReport": Source(status="unknown", at=NOW, note="denied")}
    state = account_of({})
    state = type(state)(**{**vars(state), "sources": {**state.sources, **sources}})
    path = save_state(state, tmp_path / "state.json")
    done = iamkit_here("audit", "--state", path, cwd=tmp_path)
    assert done.returncode == 1
    assert "could not be read: GetCredentialReport (denied)" in done.stdout


@pytest.mark.parametrize(
    "form", ["csv", "json", "junit", "sarif", "codequality", "markdown", "parquet", "html"]
)
def test_each_format_is_written_for_its_owner_alone(iamkit_here, saved, tmp_path, form):
    """To the file that is named, with nothing else beside it."""
    output = tmp_path / f"out.{form}"
    done = iamkit_here(
        "audit", "--state", saved, "--format", form, "--output", output, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert output.stat().st_mode & 0o777 == 0o600
    assert output.stat().st_size > 200
    assert {path.name for path in tmp_path.iterdir()} == {output.name, "state.json"}


def test_an_audit_of_the_account_is_kept_and_compared(sandbox, tmp_path):
    """Read, saved, something done, read again: the difference is told."""
    sandbox.populate(5, 7)
    mine = tmp_path / "sandbox.yaml"
    mine.write_text(GUIDE.read_text())
    first = iamkit("audit", "-f", mine, "--save-state", "before.json", cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    sandbox.age(2)
    aws_cli(sandbox, "create-user --user-name zoe")
    second = iamkit("audit", "-f", mine, "--compare", "before.json", cwd=tmp_path)
    assert second.returncode == 0, second.stderr
    assert "user zoe came" in second.stdout
    assert "finding new: low no-group zoe" in second.stdout
    assert "are still there" in second.stdout


def test_what_the_aws_cli_saved_is_enough(sandbox, session, tmp_path):
    """Both files as they were printed, by somebody with no kit; the tables are the same."""
    sandbox.set_weather("calm")
    sandbox.populate(30, 7)
    live = Audit(survey_account(session, per_user=()))
    for command in ("get-account-authorization-details", "get-credential-report"):
        (tmp_path / f"{command}.json").write_text(aws_cli(sandbox, command))
    files = [
        tmp_path / f"get-{n}.json" for n in ("account-authorization-details", "credential-report")
    ]
    done = iamkit(
        "audit", "--state", files[0], "--state", files[1], "--format", "json", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    users = json.loads(done.stdout)["users"]
    assert [user["user"] for user in users] == live.users["user"].tolist()
    theirs = Audit(load_state(*files), now=live.now)
    shared = ["groups", "password_enabled", "mfa_active", "key_1_age_days", "effective_admin"]
    for column in shared:
        assert theirs.users[column].equals(live.users[column]), column


def test_nothing_to_audit_and_files_of_two_kinds_are_said_in_a_line(iamkit_here, tmp_path):
    """No traceback."""
    done = iamkit_here("audit", cwd=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    (tmp_path / "x").write_text("x")
    done = iamkit_here("audit", "--state", "x", cwd=tmp_path)
    assert done.returncode == 1
    assert "neither JSON nor" in done.stderr


@pytest.mark.skipif(not BROWSER, reason="NOT CHECKED: no Chromium on this machine")
def test_hostile_names_and_tags_run_nothing_in_the_report(tmp_path):
    """In Chromium: no dialog, no script of theirs, no request; the tables work all the same."""
    from playwright.sync_api import sync_playwright

    attack = "<img src=x onerror=window.hacked=1><script>window.hacked=1</script>"
    users = [
        {"name": "=1+1,@x", "tags": {"note": attack}, "groups": [], "password": {"used": 1}},
        {"name": attack, "groups": [attack], "tags": {"</script>": attack}, "mfa": False},
        *({"name": f"user{n:03}", "groups": []} for n in range(60)),
    ]
    case = {"users": users, "groups": [{"name": attack}]}
    state = save_state(account_of(case), tmp_path / "state.json")
    done = iamkit("audit", "--state", state, "--format", "html", "--output", "a.html", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        page = browser.new_page()
        requests, problems = [], []
        page.on("request", lambda request: requests.append(request.url))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("dialog", lambda dialog: problems.append(dialog.message))
        page.goto((tmp_path / "a.html").as_uri())
        page.wait_for_selector(".iamkit-audit input[type=search]")
        assert attack in page.inner_text("body")
        page.fill('[data-table="users"] input[type=search]', "user059")
        page.wait_for_selector('[data-table="users"] .count:text("1 of 62 users")')
        assert page.evaluate("window.hacked") is None
        assert page.evaluate("document.querySelectorAll('img[src=x]').length") == 0
        browser.close()
    assert problems == []
    outside = [url for url in requests if not url.startswith(("file:", "data:", "blob:"))]
    assert outside == []


def test_unknown_is_no_success_under_fail_on(iamkit_here, tmp_path):
    """Checks that could not be told are 1, findings beside them 3; both are said."""
    unread = {"sources": {"GetAccountSummary": "unknown", "GetCredentialReport": "not read"}}
    state = save_state(account_of({"users": [OLD_KEY], **unread}), tmp_path / "state.json")
    done = iamkit_here("audit", "--state", state, "--fail-on", "critical", cwd=tmp_path)
    assert done.returncode == 1
    assert "checks at or above critical could not be told" in done.stderr
    done = iamkit_here("audit", "--state", state, "--fail-on", "low", cwd=tmp_path)
    assert done.returncode == 3
    assert "findings at or above low" in done.stderr
    assert "could not be told" in done.stderr
