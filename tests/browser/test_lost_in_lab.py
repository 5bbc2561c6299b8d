"""A forgotten password and a lost phone in JupyterLab, by clicks and keys."""

from browser.conftest import (
    front,
    open_notebook,
    run_through,
    serious_violations,
    use_theme,
    wait_for_text,
)
from test_lost_and_forgotten import devices_in_aws, enrol, stored_password

from iamkit.aws.apply import apply_plan
from iamkit.aws.read import read_account
from iamkit.plan.changes import make_plan
from iamkit.plan.desired import Desired, DesiredUser


def test_a_password_and_a_phone_are_replaced_by_clicks(page, lab_with, sandbox, session):
    """Chosen by name, two ticks are one plan; what is lost for good and what follows is said.

    With nothing that is hard to see, in both themes; the password is on no page.
    """
    wanted = Desired(users=(DesiredUser(name="bob", console_password=True),))
    plan = make_plan(read_account(session, wanted), wanted)
    apply_plan(plan, session).raise_if_incomplete()
    old = stored_password(session)
    enrol(session.iam, "bob")
    sandbox.age(2)
    lab = lab_with({"environment": "sandbox", "account_id": "000000000000"})
    open_notebook(page, lab, "12_lost_and_forgotten")
    run_through(page)
    wait_for_text(page, "Nothing is ticked")
    who = front(page).get_by_placeholder("type a name")
    who.fill("bob")
    who.press("Enter")
    wait_for_text(page, "Forgot the password of")
    ticks = front(page).locator(".widget-checkbox input")
    ticks.nth(0).check()
    ticks.nth(1).check()
    wait_for_text(page, "Apply: 1 to create, 3 to delete")
    wait_for_text(page, "There is no undo for this")
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        use_theme(page, theme)
        assert serious_violations(page) == []
    button = front(page).locator("button:enabled", has_text="Apply: 1 to create")
    button.wait_for()
    page.wait_for_timeout(1_200)  # a plan that has just changed is not applied
    button.click()
    wait_for_text(page, "Verified")
    wait_for_text(page, "has no MFA device any more")
    assert (devices_in_aws(session), stored_password(session) == old) == ([], False)
    assert stored_password(session) not in page.content()
