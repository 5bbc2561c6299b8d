"""The whole guide in JupyterLab, by clicks and keys, on a practice account of its own."""

import json
import re
import signal
import time
from itertools import product

import psutil
import pytest
import yaml
from browser.conftest import (
    FRONT,
    choose_in_menu,
    front,
    open_notebook,
    reload_notebook,
    run_through,
    serious_violations,
    use_theme,
    wait_for_text,
    wait_until_ready,
)
from paths import GUIDE
from samples import scaled

from iamkit.aws.read import read_account
from iamkit.notebook.pages.studio import studio_policy
from iamkit.parameters.models import NOTEBOOKS
from iamkit.parameters.yaml_file import read_parameters
from iamkit.plan.changes import make_plan
from iamkit.plan.wanted import desired_of, held_policy

WIDTHS = scaled([1280], [1920, 1280, 1024, 800, 600, 400])
"""Pixels of the window."""
STORED = "The new credentials are kept here"


@pytest.fixture
def lab(lab_with, sandbox):
    """JupyterLab on the notebooks with the guide's parameters, and an empty account."""
    sandbox.set_page_size(1000)
    return lab_with(yaml.safe_load(GUIDE.read_text()))


def press_apply(page, summary):
    """Press Apply with the keyboard, and wait until the account was read again."""
    button = front(page).locator(f'button:has-text("Apply: {summary}")')
    button.focus()
    page.wait_for_timeout(1200)  # as long as somebody needs to read
    page.keyboard.press("Enter")
    wait_for_text(page, "✔ Verified: read again")


def field(page, label):
    """The input of a field, by its label."""
    return front(page).get_by_label(label, exact=True)


def save(page):
    page.keyboard.press("Control+s")
    page.wait_for_function(f"() => !({FRONT}).context.model.dirty")


def test_the_whole_guide_by_clicks_and_keys(page, lab, sandbox, session, guide, lab_folder):
    """Each notebook plans, changes nothing before Apply, applies, verifies; no secret shows."""
    open_notebook(page, lab, "02_admin_group")
    run_through(page)
    assert read_account(session).users == {}  # Run All changes nothing
    press_apply(page, "5 to create")
    wait_for_text(page, STORED)
    assert set(read_account(session).users) == {"alice"}
    wait_for_text(page, "as in the account")
    save(page)
    reload_notebook(page, "02_admin_group")
    wait_for_text(page, STORED)  # a reload loses nothing of what was applied

    open_notebook(page, lab, "03_dev_group")
    run_through(page)
    group = field(page, "Developers' group")
    group.fill("the devs")
    wait_for_text(page, "Not to be applied: dev_group")
    page.wait_for_timeout(300)
    assert front(page).locator('button:has-text("Apply")').first.is_disabled()
    group.fill("dev")
    press_apply(page, "2 to create")

    open_notebook(page, lab, "04_users")
    run_through(page)
    wait_for_text(page, "bob and carol will be able to see most of Amazon EC2")
    front(page).locator('button:has-text("Add a user")').click()
    page.keyboard.type("dave")
    page.keyboard.press("Tab")
    press_apply(page, "9 to create")
    for said in ("What each key may do", "A page for each user", "Next: 05_account_alias"):
        assert said in front(page).inner_text()
    assert set(read_account(session).users) == {"alice", "bob", "carol", "dave"}

    open_notebook(page, lab, "05_account_alias")
    run_through(page)
    press_apply(page, "1 to create")
    assert read_account(session).alias == "maestrodev"

    open_notebook(page, lab, "06_audit_users")
    run_through(page)
    wait_for_text(page, "Everything that was asked for was read")
    for name in ("alice", "bob", "carol", "dave"):
        assert front(page).locator(f'th button:text-is("{name}")').count() > 0

    open_notebook(page, lab, "07_policy_studio")
    run_through(page)
    press_apply(page, "1 to create")
    assert "teamPolicy" in read_account(session).groups["dev"].inline_policies
    choose_in_menu(page, "File", "Save All")
    page.wait_for_timeout(2_000)
    assert_no_secret_is_left(page, sandbox, session, lab_folder)


def assert_no_secret_is_left(page, sandbox, session, folder):
    """No secret is in a page, a notebook, a checkpoint, the browser, the workspace, the history."""
    stored = [secret.reveal() for secret in session.store.secrets()]
    secrets = {*stored, *sandbox.secrets(), sandbox.secret_access_key}
    assert len(stored) == 5  # three keys, two passwords
    everywhere = {"page": page.content(), "browser": browser_storage(page)}
    for tab in page.context.pages:
        everywhere[tab.url] = tab.content()
    for path in (path for path in folder.rglob("*") if path.is_file()):
        everywhere[str(path)] = path.read_bytes().decode(errors="replace")
    assert any("history.sqlite" in place for place in everywhere)
    assert any("checkpoint" in place for place in everywhere)
    assert any(place.endswith("04_users.ipynb") for place in everywhere)
    for place, text in everywhere.items():
        for secret in secrets:
            assert secret not in text, f"a secret is in {place}"
            assert json.dumps(secret)[1:-1] not in text, f"a secret is in {place}"


def browser_storage(page):
    """All that the page's origin keeps in the browser, as text."""
    return page.evaluate(
        """async () => {
          const kept = [{...localStorage}, {...sessionStorage}];
          for (const {name} of await indexedDB.databases()) {
            const database = await new Promise(resolve => {
              const request = indexedDB.open(name);
              request.onsuccess = () => resolve(request.result);
            });
            for (const store of database.objectStoreNames) {
              kept.push(await new Promise(resolve => {
                const request = database.transaction(store).objectStore(store).getAll();
                request.onsuccess = () => resolve(request.result);
              }));
            }
            database.close();
          }
          return JSON.stringify(kept);
        }"""
    )


TYPED = {
    "02_admin_group": ("First administrator", "ann", "admin_user", "ann"),
    "03_dev_group": ("Developers' group", "look", "dev_group", "look"),
    "04_users": ("user name of bob", "ben", "users", None),
    "05_account_alias": ("Name in the sign-in address", "our-team", "account_alias", "our-team"),
    "07_policy_studio": ("Name", "ourPolicy", "policy_name", "ourPolicy"),
    "08_sign_in_rules": ("Characters, at least", "20", "password_rules", None),
}


COMMANDS = """text => [...document.querySelectorAll('.iamkit-workbench details pre')]
  .some(pre => pre.textContent.startsWith('aws iam') && pre.textContent.includes(text))"""
"""Whether the plan's commands hold a text."""


def test_what_was_clicked_and_its_file_give_one_plan(page, lab, session, guide, tmp_path):
    """For each notebook, the values saved by a click lead to the very plan that the page shows."""
    session.iam.create_group(GroupName="dev")
    for name, (label, text, parameter, value) in TYPED.items():
        open_notebook(page, lab, name)
        run_through(page)
        field(page, label).fill(text)
        page.keyboard.press("Tab")
        page.wait_for_function(COMMANDS, arg=text)
        file = tmp_path / f"{name}.yaml"
        field(page, "Parameters file").fill(str(file))
        front(page).locator('button:has-text("Save these values to it")').click()
        wait_for_text(page, f"{name}.yaml: wrote")
        shown = front(page).locator(".jupyter-widgets details:has-text('aws iam commands') pre")
        commands = tuple(shown.first.text_content().splitlines())
        saved = read_parameters(file)
        if value:
            assert saved.values[parameter] == value
        assert commands == commands_of(saved.for_notebook(name, {"run_as": ""}), session)


def commands_of(parameters, session):
    desired = desired_of(parameters)
    if hasattr(parameters, "policy_choices"):
        desired = held_policy(parameters, studio_policy(parameters, session))
    return make_plan(read_account(session, desired), desired).commands


def test_killing_the_kernel_in_an_apply_and_coming_back_finishes_it(page, lab, sandbox, session):
    """The page says where it was cut off; run again, the plan holds what is left, and no more."""
    open_notebook(page, lab, "02_admin_group")
    run_through(page)
    sandbox.set_faults([{"action": "AddUserToGroup", "kind": "slow", "seconds": 8.0}])
    front(page).locator('button:has-text("Apply: 5 to create")').click()
    wait_for_text(page, "under way · user alice · add user to group")
    time.sleep(1)
    kill_kernels(lab)
    sandbox.clear_faults()
    page.click(".jp-Dialog button.jp-mod-accept")  # it will restart automatically
    wait_until_ready(page, "02_admin_group")
    time.sleep(8)
    run_through(page)
    press_apply(page, re.search(r"Apply: (\d to create)", page.inner_text("body"))[1])
    account = read_account(session, desired_of_admin())
    assert account.users["alice"].groups == {"Admins"}
    assert [key.stored for key in account.access_keys["alice"]] == [True]


def desired_of_admin():
    return desired_of(read_parameters(GUIDE).for_notebook("02_admin_group", {}))


def kill_kernels(lab):
    port = int(lab.rpartition(":")[2])
    running = psutil.process_iter(["cmdline"])  # None of one that has ended
    server = next(p for p in running if f"--port={port}" in (p.info["cmdline"] or []))
    for child in server.children(recursive=True):
        if "ipykernel_launcher" in " ".join(child.cmdline()):
            child.send_signal(signal.SIGKILL)


def test_axe_finds_no_serious_violation(page, lab, session):
    """Labels, roles and contrast hold in every notebook, in the light and in the dark theme."""
    session.iam.create_group(GroupName="dev")
    found = {}
    for name in NOTEBOOKS:
        open_notebook(page, lab, name)
        run_through(page)
        if name == "06_audit_users":
            page.wait_for_selector(".iamkit-audit .scroll[tabindex='0']")
        for theme, width in product(("JupyterLab Light", "JupyterLab Dark"), WIDTHS):
            page.set_viewport_size({"width": width, "height": 1000})
            use_theme(page, theme)
            if violations := serious_violations(page):
                found[f"{name}, {theme}, {width}"] = violations
    assert found == {}
