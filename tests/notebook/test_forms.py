"""Forms: their value is plain data, and what was clicked and what was written are one plan."""

import pytest

from iamkit.account import AccountState
from iamkit.desired import account_alias, admin_group, dev_group, team_users
from iamkit.errors import InputError
from iamkit.notebook.forms import Form
from iamkit.plan import make_plan

EMPTY = AccountState(account_id="000000000000")
STEPS = {
    "02_admin_group": admin_group,
    "03_dev_group": dev_group,
    "04_users": team_users,
    "05_account_alias": account_alias,
}
CLICKED = {
    "02_admin_group": ("admin_user", "bob", "bob"),
    "03_dev_group": ("dev_group", "look", "look"),
    "04_users": ("users", "- name: dave\n  groups: [dev]", [{"name": "dave", "groups": ["dev"]}]),
    "05_account_alias": ("account_alias", "my-team", "my-team"),
}


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
    form.fields[field].value = typed
    clicked = make_plan(EMPTY, STEPS[notebook](form.value))
    assert clicked == make_plan(EMPTY, STEPS[notebook](guide(notebook, **{field: written})))
    assert clicked != make_plan(EMPTY, STEPS[notebook](guide(notebook)))


@pytest.mark.parametrize(
    ("notebook", "field", "typed", "said"),
    [
        ("02_admin_group", "admin_user", "a b", "a space"),
        ("02_admin_group", "admin_policy", "{Version: '2012-10-17'}", "Statement is missing"),
        ("02_admin_group", "admin_policy", "{", "not JSON"),
        ("04_users", "users", "- name: a\n- name: A", "ignores case"),
        ("05_account_alias", "account_alias", "A", "a-z"),
    ],
)
def test_a_wrong_field_says_so_beside_itself(notebook, field, typed, said, guide):
    """The message stands beside the field, escaped, and the value cannot be taken."""
    form = Form(guide(notebook))
    form.fields[field].value = typed
    assert said in form.messages[field].value
    others = [m.value for name, m in form.messages.items() if name != field]
    assert not any(said in other for other in others)
    with pytest.raises(InputError, match="Mend it in the form above"):
        _ = form.value
    form.fields[field].value = form._field(field, getattr(guide(notebook), field)).value
    assert form.value == guide(notebook)


def test_hostile_text_is_escaped_in_a_message(guide):
    """What was typed does not become markup."""
    form = Form(guide("02_admin_group"))
    form.fields["admin_user"].value = "<img src=x onerror=alert(1)>"
    assert "<img" not in form.messages["admin_user"].value


def test_a_form_asks_neither_for_the_account_nor_for_permission(guide):
    """Who acts, where and whether is set in the parameters, not clicked in passing."""
    fields = Form(guide("04_users")).fields
    assert set(fields) == {"users", "users_csv", "remove_users"}
