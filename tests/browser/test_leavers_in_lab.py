"""Somebody leaves in JupyterLab, by clicks: stopped, aged, deleted."""

import os

from browser.conftest import (
    front,
    open_notebook,
    run_through,
    serious_violations,
    use_theme,
    wait_for_text,
)

from iamkit.aws.read import read_account

PICTURES = os.environ.get("IAMKIT_TEST_PICTURES")
"""A folder for pictures of the page, for who wants to look at it."""


def test_a_user_leaves_in_two_stages_by_clicks(page, lab_with, sandbox, session):
    """Picked from the list, stopped by Apply, aged, and deleted by the next Apply.

    With nothing that is hard to see, in both themes.
    """
    iam = session.iam
    iam.create_group(GroupName="dev")
    for name in ("dave", "davina", "erin"):
        iam.create_user(UserName=name, Tags=[{"Key": "team", "Value": "web"}])
        iam.add_user_to_group(UserName=name, GroupName="dev")
    iam.create_access_key(UserName="dave")
    lab = lab_with({"environment": "sandbox", "account_id": "000000000000"})
    open_notebook(page, lab, "11_leavers")
    run_through(page)
    wait_for_text(page, "Nobody is named who leaves")
    front(page).get_by_placeholder("a part of the name").fill("dav")
    front(page).locator("select option", has_text="davina").wait_for()
    front(page).locator(".widget-select select").select_option("dave")
    front(page).locator("button:enabled", has_text="Leaves").click()
    wait_for_text(page, "nothing of theirs works from now on")
    front(page).locator("summary", has_text="dave:").first.click()
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        use_theme(page, theme)
        assert serious_violations(page) == []
        if PICTURES:
            front(page).screenshot(path=f"{PICTURES}/leavers-{theme[-5:].strip()}.png")
    page.wait_for_timeout(1_200)  # a plan that has just changed is not applied
    front(page).locator("button:enabled", has_text="Apply: ").click()
    wait_for_text(page, "can be deleted in 30 days")
    assert "iamkit-left" in read_account(session).users["dave"].inline_policies

    sandbox.age(31)
    front(page).get_by_role("button", name="Read the account again").click()
    wait_for_text(page, "nothing was used since")
    page.wait_for_timeout(1_200)
    if PICTURES:
        front(page).screenshot(path=f"{PICTURES}/leavers-two.png")
    front(page).locator("button:enabled", has_text="Apply: ").click()
    wait_for_text(page, "What makes them again")
    users = read_account(session).users
    assert "dave" not in users
    assert "davina" in users
