"""Hidden is not out of reach: what writes or applies refuses where it acts, in an app that shows.

A visitor of a page can send every message of its widgets, without the page.
"""

from dataclasses import replace
from pathlib import Path

import pytest

from iamkit.app_mode import APP_APPLIES
from iamkit.audit import Audit
from iamkit.aws.apply import apply_plan
from iamkit.aws.journal import Journal
from iamkit.aws.read import read_account
from iamkit.credentials import Secret, write_aws_profile
from iamkit.credentials.stored_files import StoredKey
from iamkit.errors import GuardError, UnsafePlan
from iamkit.notebook.forms import form_state as keeping
from iamkit.notebook.forms.form import Form
from iamkit.notebook.forms.form_state import keeping_row
from iamkit.notebook.pages import policy as policy_page
from iamkit.notebook.pages.audit import save_audit
from iamkit.notebook.pages.policy import save_policy
from iamkit.notebook.pages.profile import write_profile
from iamkit.notebook.pages.welcome import write_welcome_pages
from iamkit.notebook.review.review import Review
from iamkit.notebook.review.workbench import Workbench
from iamkit.parameters.yaml_writer import save_parameters
from iamkit.plan.changes import make_plan
from iamkit.plan.wanted import account_alias, dev_group
from iamkit.policies import allow, policy

BACK = "Back to the notebook's parameters"


@pytest.fixture(autouse=True)
def _nothing_kept(monkeypatch):
    """Forms begin with their parameters, and leave nothing to those of other tests."""
    monkeypatch.setattr(keeping, "_KEPT", {})


@pytest.fixture
def app(monkeypatch):
    """Make this process a page of an app, which applies or only shows."""

    def begin(applies="no"):
        monkeypatch.setenv("VOILA_KERNEL_ID", "0f")
        monkeypatch.setenv("SERVER_SOFTWARE", "voila/0.5.13")
        monkeypatch.setenv(APP_APPLIES, applies)

    return begin


def send(widget, **data):
    """What a widget's page, or who pretends to be it, sends over its comm."""
    widget._handle_msg({"content": {"data": data}, "buffers": []})


def set_value(widget, **state):
    """A message that gives a widget another state."""
    send(widget, method="update", state=state, buffer_paths=[])


def click(button):
    """A click on a button that may be hidden or shut: the message says only that it was."""
    send(button, method="custom", content={"event": "click"})


def plan_of(session, desired):
    """The plan from the account as it is."""
    return make_plan(read_account(session, desired), desired)


def panel_of(session, plan, form=None):
    """A review's panel, of which nothing is displayed."""
    return Workbench(Review(plan, session, form=form))


@pytest.mark.parametrize("applies", ["no", "yes"])
def test_a_forged_click_writes_no_parameters_file(guide, tmp_path, app, applies):
    """Neither where the app only shows nor where it applies: the path is the visitor's."""
    form, file = Form(guide("05_account_alias")), tmp_path / "any" / "where.yaml"
    row = keeping_row(form.save, form.reset, "9em")
    (path, save, _), said = row.children[0].children, row.children[1]
    app(applies)
    set_value(path, value=str(file))
    assert path.value == str(file)
    click(save)
    assert "writes no parameters files" in said.value
    with pytest.raises(GuardError, match="Nothing was written"):
        save_parameters(file, {"environment": "sandbox", "account_id": "000000000000"})
    assert not file.parent.exists()


def test_in_an_app_saving_is_not_offered(guide, app):
    """What would be refused is no widget of the page."""
    app("yes")
    form = Form(guide("05_account_alias"))
    row = keeping_row(form.save, form.reset, "9em")
    assert [part.description for part in row.children[0].children] == [BACK]


def test_a_forged_click_applies_nothing(session, guide, app):
    """The plan is shown, its button is shut, a click is sent, and the account is as it was."""
    app()
    panel = panel_of(session, plan_of(session, dev_group(guide("03_dev_group"))))
    set_value(panel.apply, disabled=False)
    click(panel.apply)
    panel.wait()
    assert "switched off in this app" in panel.status.value
    assert read_account(session).groups == {}
    assert panel.review.outcome is None


def test_an_app_that_applies_applies(session, guide, app):
    """The same click is one of a person who may."""
    app("yes")
    panel = panel_of(session, plan_of(session, dev_group(guide("03_dev_group"))))
    click(panel.apply)
    panel.wait()
    assert "dev" in read_account(session).groups


def test_a_click_on_a_plan_that_nobody_has_seen_applies_nothing(session, guide):
    """What is applied is always what was shown: a change and a click at once are not."""
    form = Form(guide("05_account_alias"))
    panel = panel_of(session, plan_of(session, form.desired()), form)
    form.fields["account_alias"].raw = "other-team"
    click(panel.apply)
    panel.wait()
    assert "The plan has just changed" in panel.status.value
    assert read_account(session).alias is None


@pytest.fixture
def live(session):
    """A session that is live to the kit, with an alias that a plan would replace."""
    session.iam.create_account_alias(AccountAlias="old-name")
    return replace(session, environment="aws", alias="old-name")


@pytest.mark.parametrize("typed", ["", "old-nam", "maestrodev"])
def test_a_click_past_the_typed_alias_destroys_nothing(live, guide, typed):
    """On a live account the function that applies asks for it, not the button."""
    panel = panel_of(live, plan_of(live, account_alias(guide("05_account_alias"))))
    set_value(panel.confirmation, value=typed)
    click(panel.apply)
    panel.wait()
    assert "type old-name" in panel.status.value
    assert read_account(live).alias == "old-name"


def test_the_typed_alias_is_checked_where_a_plan_is_applied(live, guide):
    """Whoever calls it for a click must bring what was typed."""
    plan = plan_of(live, account_alias(guide("05_account_alias")))
    with pytest.raises(UnsafePlan, match="type old-name"):
        apply_plan(plan, live, allow_destructive=True, typed="")
    assert read_account(live).alias == "old-name"
    assert apply_plan(plan, live, allow_destructive=True, typed="old-name").done


def test_in_an_app_that_only_shows_nothing_is_applied_or_kept(session, guide, app, tmp_path):
    """Applying, its journal, and the store of credentials refuse by themselves."""
    plan = plan_of(session, dev_group(guide("03_dev_group")))
    key = StoredKey(user="alice", id="AKIAEXAMPLE", secret=Secret("x" * 40), path=tmp_path / "key")
    before = set(session.folder.rglob("*"))
    app()
    refused = (
        lambda: apply_plan(plan, session),
        lambda: Journal(tmp_path),
        lambda: session.store.hand_over_key("alice", frozenset(), pytest.fail, pytest.fail),
        lambda: session.store.hand_over_password("alice", Secret("x"), "", pytest.fail),
        lambda: write_aws_profile(key, "ops", tmp_path / "credentials"),
    )
    for act in refused:
        with pytest.raises(GuardError, match="only shows"):
            act()
    assert list(tmp_path.iterdir()) == []
    assert set(session.folder.rglob("*")) == before


def test_pages_that_only_show_say_what_they_do_not_write(
    session, guide, app, tmp_path, monkeypatch
):
    """The cells that write go on, and tell why nothing was written."""
    said = []
    monkeypatch.setattr(policy_page, "show", said.append)
    monkeypatch.setattr("iamkit.notebook.pages.audit.show", said.append)
    form, audit = Form(guide("04_users")), Audit(read_account(session))
    parameters = guide("06_audit_users", save_to=str(tmp_path / "kept"))
    app()
    save_policy(policy(allow("s3:*")), str(tmp_path / "policy.json"))
    save_audit(audit, parameters)
    pages = write_welcome_pages(session, form.desired())
    assert all("only shows" in text for text in [*said, *pages["file"]])
    assert len(said) == 2
    assert list(tmp_path.iterdir()) == []
    assert not (session.folder / "welcome").exists()


def test_in_an_app_that_only_shows_a_profile_is_not_written(
    session, guide, app, tmp_path, monkeypatch
):
    """Its cell says so, and the file with credentials is not made."""
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    key = StoredKey(user="alice", id="AKIAEXAMPLE", secret=Secret("x" * 40), path=tmp_path / "key")
    monkeypatch.setattr(type(session.store), "keys_of", lambda *_: (key,))
    app()
    assert "only shows" in write_profile(session, guide("02_admin_group", admin_profile="ops"))
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_app_writes_as_before(guide, tmp_path):
    """A notebook in JupyterLab, or in CI, writes its parameters file."""
    form, file = Form(guide("05_account_alias")), tmp_path / "team.yaml"
    assert "wrote" in form.save(Path(file))
    assert file.exists()
