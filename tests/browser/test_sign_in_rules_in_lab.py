"""The rules of signing in, and a device of one's own, in JupyterLab by clicks and keys."""

import json
import time

import yaml
from browser.conftest import (
    choose_in_menu,
    front,
    open_notebook,
    run_through,
    serious_violations,
    use_theme,
    wait_for_text,
)
from browser.test_guide_in_lab import browser_storage
from paths import GUIDE

from iamkit.aws.apply import apply_plan
from iamkit.aws.read import read_account
from iamkit.plan.changes import make_plan
from iamkit.plan.wanted import admin_group, dev_group
from iamkit.sandbox.server.one_time_passwords import STEP, totp

BOOK = "08_sign_in_rules"
THEMES = ("JupyterLab Light", "JupyterLab Dark")


def make(session, desired):
    apply_plan(make_plan(read_account(session, desired), desired), session).raise_if_incomplete()


def places_of(page, folder):
    """Everything that is kept or shown, by where it is."""
    everywhere = {"page": page.content(), "browser": browser_storage(page)}
    for path in (path for path in folder.rglob("*") if path.is_file()):
        everywhere[str(path)] = path.read_bytes().decode(errors="replace")
    return everywhere


def test_a_device_is_enrolled_and_its_seed_is_nowhere(
    page, lab_with, lab_folder, sandbox, session, guide
):
    """Broken off once, ended and begun anew; while it is shown, and after, it is in no file.

    With nothing that is hard to see, in both themes.
    """
    make(session, admin_group(guide("02_admin_group")))
    lab = lab_with(yaml.safe_load(GUIDE.read_text()))
    open_notebook(page, lab, BOOK)
    run_through(page)
    begin = front(page).get_by_role("button", name="Enrol a virtual MFA device")
    begin.click()
    wait_for_text(page, "Scan this with the authenticator app")
    seeds = {seed_shown(page)}
    choose_in_menu(page, "File", "Save All")

    run_through(page)  # the QR code is gone, and the device is not
    wait_for_text(page, "an enrolment was broken off")
    front(page).get_by_role("button", name="Delete it").click()
    begin.click()
    wait_for_text(page, "Scan this with the authenticator app")
    for theme in THEMES:
        use_theme(page, theme)
        assert serious_violations(page) == []
    seed = seed_shown(page)
    seeds.add(seed)
    assert len(seeds) == 2
    assert page.evaluate("() => document.querySelector('.iamkit-enrolment canvas').width") > 100
    choose_in_menu(page, "File", "Save All")
    page.wait_for_timeout(2_000)
    shown = places_of(page, lab_folder)
    assert seed in shown.pop("page")  # for the eyes, until the device is enabled
    assert_nowhere(shown, seeds)

    now = int(time.time()) // STEP
    for label, step in (("A code", now - 1), ("The next one", now)):
        front(page).get_by_label(label, exact=True).fill(totp(seed, step))
    page.keyboard.press("Enter")
    wait_for_text(page, "✔ Verified: read again")
    (device,) = session.iam.list_mfa_devices(UserName="alice")["MFADevices"]
    assert device["SerialNumber"].endswith(":mfa/alice")
    choose_in_menu(page, "File", "Save All")
    page.wait_for_timeout(2_000)
    everywhere = places_of(page, lab_folder)
    assert any("checkpoint" in place for place in everywhere)
    assert any(place.endswith(f"{BOOK}.ipynb") for place in everywhere)
    assert_nowhere(everywhere, seeds)


def seed_shown(page):
    """The seed as the page shows it to who cannot scan."""
    return page.locator(".iamkit-enrolment details code").text_content()


def assert_nowhere(everywhere, seeds):
    """No seed is in any of the places, and the search would see it where it is."""
    for place, text in everywhere.items():
        for seed in seeds:
            assert len(seed) >= 32
            assert seed not in text, f"a seed is in {place}"


def test_rules_are_chosen_by_clicks(page, lab_with, sandbox, session, guide, tmp_path):
    """A number, a word; the plan says whom it touches; what is wrong stands at the field."""
    make(session, admin_group(guide("02_admin_group")))
    make(session, dev_group(guide("03_dev_group")))
    lab = lab_with(yaml.safe_load(GUIDE.read_text()))
    open_notebook(page, lab, BOOK)
    run_through(page)
    wait_for_text(page, "Apply: 2 to create")
    length = front(page).get_by_label("Characters, at least", exact=True)
    length.fill("5")
    wait_for_text(page, "password_rules.minimum_password_length")
    length.fill("16")
    wait_for_text(page, "at least 16 characters (now 8)")
    front(page).get_by_label("A symbol", exact=True).select_option("yes")
    wait_for_text(page, "symbols wanted")
    for theme in THEMES:
        use_theme(page, theme)
        assert serious_violations(page) == []
    page.wait_for_timeout(1_200)
    front(page).locator("button:enabled", has_text="Apply: 2 to create").click()
    wait_for_text(page, "✔ Verified: read again")
    rules = read_account(session, operations=("GetAccountPasswordPolicy",)).password_policy
    assert (rules.minimum_length, rules.symbols, rules.reuse_prevention) == (16, True, 24)
    assert "selfManagement" in read_account(session).groups["dev"].inline_policies

    front(page).get_by_label("Expired: locked out", exact=True).select_option("yes")
    front(page).get_by_label("Days until it expires", exact=True).fill("90")
    wait_for_text(page, "1 to replace")
    wait_for_text(page, "What is lost by this")
    file = tmp_path / "team.yaml"
    front(page).get_by_label("Parameters file", exact=True).fill(str(file))
    front(page).locator('button:has-text("Save these values to it")').click()
    wait_for_text(page, "team.yaml: wrote")
    saved = yaml.safe_load(file.read_text())
    assert saved["password_rules"] == {
        "minimum_password_length": 16,
        "require_symbols": True,
        "password_reuse_prevention": 24,
        "allow_users_to_change_password": True,
        "max_password_age": 90,
        "hard_expiry": True,
    }
    assert json.dumps(saved).isascii()
