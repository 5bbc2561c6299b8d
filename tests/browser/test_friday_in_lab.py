"""A Friday in JupyterLab: what an operations person is asked for, from the start page on."""

import os

import yaml
from browser.conftest import front, open_notebook, run_through, wait_for_text, wait_until_ready
from paths import GUIDE
from test_lost_and_forgotten import devices_in_aws, enrol

from iamkit.aws.apply import apply_plan
from iamkit.aws.read import read_account
from iamkit.aws.session import open_session
from iamkit.plan.changes import make_plan
from iamkit.plan.desired import Desired, DesiredGroup
from iamkit.plan.wanted import account_alias, admin_group, dev_group, team_users

PICTURES = os.environ.get("IAMKIT_TEST_PICTURES")
"""A folder for pictures of each step, for who wants to look at them."""


def take(page, name):
    """A picture of the notebook in front, if somebody wants one."""
    if PICTURES:
        front(page).screenshot(path=f"{PICTURES}/{name}.png")


def follow(page, name):
    """Click on a step of the start page, which opens its notebook and runs it."""
    open_notebook(page, page.url.partition("/lab")[0], "00_start_here")
    front(page).get_by_role("link", name=name).first.click()
    wait_until_ready(page, name)


def apply(page, name):
    """Press Apply, and wait until it is verified."""
    page.wait_for_timeout(1_200)  # a plan that has just changed is not applied
    take(page, f"{name}-plan")
    front(page).locator("button:enabled", has_text="Apply: ").click()
    front(page).get_by_text("Verified").first.wait_for()
    take(page, f"{name}-done")


def test_five_wishes_on_a_friday(page, lab_with, sandbox, session, guide):
    """A new key, a forgotten password and a lost phone, another team, somebody who has left."""
    for desired in (
        admin_group(guide("02_admin_group")),
        dev_group(guide("03_dev_group")),
        team_users(guide("04_users")),
        account_alias(guide("05_account_alias")),
        Desired(groups=(DesiredGroup(name="ops"),)),
    ):
        plan = make_plan(read_account(session, desired), desired)
        apply_plan(plan, session).raise_if_incomplete()
    enrol(session.iam, "bob")
    session.iam.create_user(UserName="dave")
    sandbox.age(100)
    lab = lab_with(yaml.safe_load(GUIDE.read_text()))
    open_notebook(page, lab, "00_start_here")
    run_through(page)
    wait_for_text(page, "users with a key older than 90 days")
    take(page, "start")

    follow(page, "10_rotate_keys")
    front(page).locator(".widget-checkbox", has_text="bob").locator("input:enabled").check()
    apply(page, "key")
    assert len(session.iam.list_access_keys(UserName="bob")["AccessKeyMetadata"]) == 2

    follow(page, "12_lost_and_forgotten")
    who = front(page).get_by_placeholder("type a name")
    who.fill("bob")
    who.press("Enter")
    wait_for_text(page, "Forgot the password of")
    for number in range(2):
        front(page).locator(".widget-checkbox input").nth(number).check()
    front(page).get_by_text("Apply: 1 to create, 3 to delete").wait_for()
    apply(page, "lost")
    assert devices_in_aws(session) == []

    follow(page, "04_users")
    front(page).get_by_label("groups of carol", exact=True).fill("ops")
    front(page).get_by_label("no other groups of carol", exact=True).check()
    front(page).get_by_text("leaves dev").first.wait_for()
    apply(page, "team")
    assert read_account(session).users["carol"].groups == {"ops"}

    follow(page, "11_leavers")
    front(page).get_by_placeholder("a part of the name").fill("dave")
    front(page).locator(".widget-select select").select_option("dave")
    front(page).locator("button:enabled", has_text="Leaves").click()
    wait_for_text(page, "nothing of theirs works from now on")
    apply(page, "left")

    open_notebook(page, lab, "00_start_here")
    run_through(page)
    wait_for_text(page, "1 user stopped, with days of grace left: dave (30 more)")
    take(page, "evening")
    assert open_session(guide("04_users")).identity.arn.endswith("user/alice")
