"""Forms: their value is plain data, and what was clicked and what was written are one plan."""

import pytest
from accounts import READ

from iamkit.account.state import AccountState
from iamkit.aws.read import read_account
from iamkit.errors import InputError
from iamkit.notebook.forms import form_state as keeping
from iamkit.notebook.forms.form import Form
from iamkit.parameters.yaml_file import read_parameters
from iamkit.plan.changes import make_plan
from iamkit.plan.wanted import (
    account_alias,
    admin_group,
    desired_of,
    dev_group,
    sign_in_rules,
    team_users,
)


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch):
    """Each test begins as a new kernel does."""
    monkeypatch.setattr(keeping, "_KEPT", {})


EMPTY = AccountState(account_id="000000000000", sources=READ)
STEPS = {
    "02_admin_group": admin_group,
    "03_dev_group": dev_group,
    "04_users": team_users,
    "05_account_alias": account_alias,
}
CLICKED = {
    "02_admin_group": ("admin_user", "bob", "bob"),
    "03_dev_group": ("dev_group", "look", "look"),
    "04_users": (
        "users",
        [{"name": "dave", "groups": "dev"}],
        [{"name": "dave", "groups": ["dev"]}],
    ),
    "05_account_alias": ("account_alias", "my-team", "my-team"),
}


def compared(form, session):
    """The form, compared with the account as the workbench does it."""
    form.compare(make_plan(read_account(session, form.desired()), form.desired()))
    return form


@pytest.mark.parametrize("notebook", STEPS)
def test_an_untouched_form_is_the_parameters(notebook, guide):
    """What the parameters say is what the form holds, policies and users included."""
    parameters = guide(notebook)
    assert Form(parameters).value == parameters


@pytest.mark.parametrize("notebook", STEPS)
def test_what_was_clicked_and_what_was_written_give_one_plan(notebook, guide):
    """Filling a field and writing the value into the file lead to the same plan."""
    field, typed, written = CLICKED[notebook]
    form = Form(guide(notebook))
    form.fields[field].raw = typed
    clicked = make_plan(EMPTY, STEPS[notebook](form.value))
    assert clicked == make_plan(EMPTY, STEPS[notebook](guide(notebook, **{field: written})))
    assert clicked != make_plan(EMPTY, STEPS[notebook](guide(notebook)))


@pytest.mark.parametrize(
    ("notebook", "field", "typed", "said"),
    [
        ("02_admin_group", "admin_user", "a b", "a space"),
        ("02_admin_group", "admin_policy", '{"Version": "2012-10-17"}', "Statement is missing"),
        ("02_admin_group", "admin_policy", "{Version: '2012-10-17', Statement: []}", "it is YAML"),
        ("02_admin_group", "admin_policy", "{", "not JSON"),
        ("04_users", "users", [{"name": "a"}, {"name": "A"}], "ignores case"),
        ("05_account_alias", "account_alias", "A", "a-z"),
    ],
)
def test_a_wrong_field_says_so_beside_itself(notebook, field, typed, said, guide):
    """The message stands beside the field, escaped, and the value cannot be taken."""
    form = Form(guide(notebook))
    form.fields[field].raw = typed
    assert said in form.fields[field].messages.value
    others = [f.messages.value for name, f in form.fields.items() if name != field]
    assert not any(said in other for other in others)
    with pytest.raises(InputError, match="Mend it in the form"):
        _ = form.value
    form.reset()
    assert form.value == guide(notebook)


def test_hostile_text_is_escaped_in_a_message(guide):
    """What was typed does not become markup."""
    form = Form(guide("02_admin_group"))
    form.fields["admin_user"].value = "<img src=x onerror=alert(1)>"
    assert "<img" not in form.fields["admin_user"].messages.value


def test_a_form_asks_neither_for_the_account_nor_for_permission(guide):
    """Who acts, where and whether is set in the parameters, not clicked in passing."""
    fields = Form(guide("04_users")).fields
    assert set(fields) == {"users"}


def test_a_field_says_what_it_would_change(session, guide):
    """Beside each field stands what differs from the account; nothing does after the apply."""
    parameters = guide("03_dev_group")
    form = compared(Form(parameters), session)
    assert "create group" in form.fields["dev_group"].messages.value
    assert "put group policy" in form.fields["dev_policy"].messages.value
    assert "Amazon EC2" in form.fields["dev_policy"].messages.value
    session.iam.create_group(GroupName="dev")
    compared(form, session)
    assert "as in the account" in form.fields["dev_group"].messages.value
    assert "put group policy" in form.fields["dev_policy"].messages.value


def test_pickers_offer_what_the_account_has(session, guide):
    """Groups and users of the account stand to choose from."""
    session.iam.create_group(GroupName="ops")
    session.iam.create_user(UserName="zoe")
    form = compared(Form(guide("02_admin_group")), session)
    assert form.fields["admin_group"].widget.options == ("ops",)
    assert form.fields["admin_user"].widget.options == ("zoe",)


def test_the_users_table_says_what_each_would_change(session, guide):
    """A user who is there and joins a group is told from one who is new."""
    session.iam.create_user(UserName="bob")
    form = compared(Form(guide("04_users")), session)
    bob, carol = form.fields["users"].widget.notes
    assert bob.startswith("joins dev")
    assert carol == "new"


def test_values_survive_running_the_cell_again(guide):
    """What was filled in stands in the next form with the same parameters, right or wrong.

    What is wrong ends no cell: it stands there again when the form is shown.
    """
    form = Form(guide("03_dev_group"))
    form.fields["dev_group"].raw = "look"
    assert Form(guide("03_dev_group")).value.dev_group == "look"
    form.fields["dev_policy"].raw = "{"
    again = Form(guide("03_dev_group"))
    assert again.kept
    assert again.value == guide("03_dev_group")
    again.make_widget()
    assert again.fields["dev_group"].raw == "look"
    assert again.fields["dev_policy"].raw == "{"
    again.reset()
    assert again.value == guide("03_dev_group")
    assert not Form(guide("03_dev_group", dev_group="other")).kept


@pytest.mark.parametrize("notebook", STEPS)
def test_what_was_clicked_can_be_saved_and_gives_the_same_plan(notebook, guide, tmp_path):
    """Saved into a parameters file, the clicked values make the plan that the form makes."""
    field, typed, _ = CLICKED[notebook]
    form = Form(guide(notebook))
    form.fields[field].raw = typed
    file = tmp_path / "team.yaml"
    assert file.name in form.save(file)
    saved = read_parameters(file).for_notebook(notebook, {})
    assert make_plan(EMPTY, desired_of(saved)) == make_plan(EMPTY, form.desired())
    assert "stand in it already" in form.save(file)


RULES = "08_sign_in_rules"


def test_several_values_under_one_name_are_a_line_each(guide):
    """What is empty stays as it is; a number, yes and no are what they say."""
    form = Form(guide(RULES))
    assert form.value == guide(RULES)
    form.fields["password_rules"].raw = {
        "minimum_password_length": " 20 ",
        "password_reuse_prevention": "",
        "require_symbols": "no",
        "allow_users_to_change_password": "yes",
        "max_password_age": "0",
    }
    form.fields["mfa"].raw = "demanded"
    rules = {
        "minimum_password_length": 20,
        "require_symbols": False,
        "allow_users_to_change_password": True,
        "max_password_age": 0,
    }
    assert form.value == guide(RULES, password_rules=rules, mfa="demanded")
    assert sign_in_rules(form.value).password_policy == {
        "minimum_length": 20,
        "symbols": False,
        "users_may_change": True,
        "max_age": None,
    }


@pytest.mark.parametrize("typed", ["x", "5", "129", "14.5", "-1", "²"])
def test_a_line_that_is_wrong_is_named(guide, typed):
    """With the parameter and the line; the others are as they were."""
    form = Form(guide(RULES))
    form.fields["password_rules"].raw = {"minimum_password_length": typed}
    with pytest.raises(InputError, match=r"password_rules\.minimum_password_length"):
        _ = form.value
    assert "minimum_password_length" in form.fields["password_rules"].messages.value
