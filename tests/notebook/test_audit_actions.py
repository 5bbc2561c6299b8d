"""What a person does with an audit, through the view's messages: accept, compare, export, open."""

import base64
import json
import re

import pytest
import yaml
from accounts import ACCOUNT, account_of

from iamkit.audit import Audit
from iamkit.audit.history import keep_state, list_kept
from iamkit.notebook.pages.audit_actions import EXPORTS, Actions
from iamkit.notebook.pages.audit_tables import findings_table, to_view, users_table
from iamkit.notebook.pages.audit_view import AuditView, page_of
from iamkit.parameters.files import CURRENT
from iamkit.parameters.models import AuditUsersParameters

KEY = {"id": "AKIA1", "age": 91, "used": 1}
ATTACK = "</script><script>alert(1)</script>"
CASE = {
    "users": [
        {"name": "ann", "keys": [KEY], "tags": {"Team": "data"}, "groups": ["a", "b"]},
        {"name": ATTACK},
    ]
}
ACCEPT = {"do": "accept", "check": "key-rotation", "principal": "ann", "until": "2027-01-31"}
FILE = f"""\
# who looks after it
environment: sandbox
account_id: "{ACCOUNT}"
waivers:
  - check: no-group  # known
    principal: bob
    reason: a robot
    until: "2027-01-01"
"""


@pytest.fixture
def acted(tmp_path, monkeypatch):
    """A view on an audit whose parameters stand in a file, and what was drawn last."""
    file = tmp_path / "team.yaml"
    file.write_text(FILE)
    monkeypatch.setenv(CURRENT, str(file))
    audit = Audit(account_of(CASE))
    keep_state(Audit(account_of({"users": [{"name": "bob"}]})), tmp_path / "audits")
    given = {"environment": "sandbox", "account_id": ACCOUNT}
    parameters = AuditUsersParameters.model_validate(given)
    drawn = []
    view = AuditView()
    kept = list_kept(tmp_path / "audits")
    actions = Actions(audit, parameters, kept, drawn.append)
    view.actions = actions.by_word
    return view, file, drawn, actions


def test_an_accepted_finding_is_a_waiver_in_the_file(acted):
    """Behind those that are there, comments kept; the audit is drawn again without the finding."""
    view, file, drawn, _ = acted
    said = view.answer(ACCEPT | {"reason": "replaced next week"})
    assert not said.get("wrong"), said
    assert "# who looks after it" in file.read_text()
    checks = [one["check"] for one in yaml.safe_load(file.read_text())["waivers"]]
    assert checks == ["no-group", "key-rotation"]
    found = drawn[-1].findings
    assert set(found.loc[found["check"] == "key-rotation", "status"]) == {"waived"}


@pytest.mark.parametrize("wrong", [{"reason": ""}, {"reason": "soon", "until": "soon"}])
def test_a_waiver_without_a_reason_or_a_day_is_not_written(acted, wrong):
    """What is wrong is said, and the file is as it was."""
    view, file, drawn, _ = acted
    said = view.answer(ACCEPT | wrong)
    assert said["wrong"]
    assert "Nothing was written" in said["said"]
    assert file.read_text() == FILE
    assert drawn == []


def test_an_app_writes_no_waiver(acted, monkeypatch):
    """Who sees a page is not who runs it."""
    view, file, _, _ = acted
    monkeypatch.setenv("VOILA_BASE_URL", "/")
    assert view.answer(ACCEPT | {"reason": "known"})["wrong"]
    assert file.read_text() == FILE


def test_a_kept_state_is_compared(acted):
    """Who came and who went since, escaped."""
    view, _, _, actions = acted
    (kept,) = actions.offered["kept"]
    shown = view.answer({"do": "compare", "kept": kept["id"]})["shown"]
    assert "bob" in shown
    assert ATTACK not in shown
    assert view.answer({"do": "compare", "kept": "../x"})["wrong"]


@pytest.mark.parametrize("name", EXPORTS)
def test_each_export_is_a_file(acted, name):
    """With the account in its name, for the browser to save."""
    view, _, _, _ = acted
    file = view.answer({"do": "export", "what": name})["file"]
    assert file["name"] == f"{ACCOUNT}-{name}"
    assert len(base64.b64decode(file["content"])) > 100


def test_a_user_is_opened_and_one_who_is_not_there_is_named(acted):
    """Messages that nobody knows, and those before the account is read, are answered too."""
    view, _, _, _ = acted
    assert "<h3>ann</h3>" in view.answer({"do": "user", "name": "ann"})["shown"]
    assert "no user 'zoe'" in view.answer({"do": "user", "name": "zoe"})["said"]
    assert view.answer({"do": "x"})["wrong"]
    assert AuditView().answer({"do": "user", "name": "ann"})["wrong"]


def test_the_view_is_data_that_ends_no_script():
    """In a page the JSON stands in a script; a name there can neither end it nor begin another."""
    view = to_view(Audit(account_of(CASE)))
    page = page_of(view)
    (data,) = re.findall(r"<script type='application/json'[^>]*>(.*?)</script>", page, re.DOTALL)
    assert json.loads(data) == json.loads(json.dumps(view))
    assert "<script>alert" not in page


def test_tables_have_words_for_headings():
    """Each column once, with its values as people say them; the team is the tag's."""
    audit = Audit(account_of(CASE))
    columns = {column["name"]: column for column in users_table(audit)["columns"]}
    assert [columns[n]["label"] for n in ("mfa_active", "effective_admin", "user")] == [
        "MFA",
        "Administrator",
        "User",
    ]
    assert set(columns["mfa_active"]["values"]) <= {"yes", "no", "unknown"}
    assert "data" in columns["team"]["values"]
    for table in (users_table(audit), findings_table(audit)):
        assert len({column["label"] for column in table["columns"]}) == len(table["columns"])
        assert len({len(column["codes"]) for column in table["columns"]}) == 1
