"""The audit in JupyterLab, in a real browser: by clicks and keys; hostile text stays text."""

import os
from pathlib import Path

import pytest
import yaml
from accounts import ACCOUNT, account_of
from browser.conftest import (
    open_notebook,
    run_all,
    run_through,
    serious_violations,
    use_theme,
    wait_for_text,
)

from iamkit.account.state_file import save_state

ATTACK = "<img src=x onerror=window.hacked=1><script>window.hacked=1</script>"
USERS = [
    {"name": "=1+1,@x", "tags": {"note": ATTACK}, "groups": [], "password": {"used": 1}},
    {"name": ATTACK, "groups": [ATTACK], "tags": {"</script>": ATTACK}, "mfa": False},
    *({"name": f"user{n:03}", "groups": []} for n in range(60)),
]
READ = "Everything that was asked for was read"
COUNT = '[data-table="{}"] .count'


@pytest.fixture
def lab(lab_with, tmp_path):
    """The address of a JupyterLab on a folder whose notebooks audit a hostile account."""
    state = save_state(
        account_of({"users": USERS, "groups": [{"name": ATTACK}]}), tmp_path / "s.json"
    )
    parameters = {"environment": "sandbox", "account_id": ACCOUNT, "state_files": [str(state)]}
    return lab_with(parameters)


def test_hostile_text_runs_nothing_in_jupyterlab(page, lab):
    """Run All, search the users, open the hostile user: no script of theirs, no request out."""
    dialogs, requests = [], []
    page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    page.on("request", lambda request: requests.append(request.url))
    open_notebook(page, lab, "06_audit_users")
    run_all(page)
    wait_for_text(page, READ)
    page.fill('[data-table="users"] input[type=search]', "user059")
    page.wait_for_selector(f'{COUNT.format("users")}:text("1 of 62 users")')
    page.fill(".actions input", ATTACK)
    page.keyboard.press("Enter")
    page.wait_for_function(
        "h => [...document.querySelectorAll('h3')].some(e => e.innerText === h)", arg=ATTACK
    )
    assert page.evaluate("window.hacked") is None
    assert page.locator("img[src=x]").count() == 0
    assert ATTACK in page.inner_text("body")
    assert dialogs == []
    outside = [url for url in requests if not url.startswith((lab, "data:", "blob:"))]
    assert outside == []


@pytest.fixture
def audited(page, lab_with, sandbox):
    """The page of an audit of a company that has just moved in."""
    sandbox.populate(60, 7)
    page.set_viewport_size({"width": 1280, "height": 800})
    lab = lab_with({"environment": "sandbox", "account_id": "000000000000"})
    open_notebook(page, lab, "06_audit_users")
    run_through(page)
    wait_for_text(page, READ)
    return page


def test_a_finding_is_found_by_a_tile_and_accepted(audited, lab_folder):
    """A tile filters, once more it does not; a row opens by keys; its waiver is written down."""
    page = audited

    page.click('[data-tile="no_mfa"]')
    count = page.locator(COUNT.format("findings"))
    number = page.inner_text('[data-tile="no_mfa"] .value')
    assert count.inner_text().startswith(f"{number} of ")
    assert page.get_attribute('[data-tile="no_mfa"]', "aria-pressed") == "true"
    page.click('[data-tile="no_mfa"]')
    assert " of " not in count.inner_text()

    page.click('[data-tile="administrators"]')
    assert page.inner_text(COUNT.format("users")).startswith("4 of 60")
    page.click('[data-table="users"] .bar >> text=Show all')

    # Severity, principal and reason are in view; by keys alone the row opens.
    row = page.locator('[data-table="findings"] tbody tr').nth(2)
    boxes = [row.locator(s).first.bounding_box() for s in (".badge", "th", ".sentence")]
    assert all(box["x"] + box["width"] <= 1280 for box in boxes)
    row.locator(".opener button").focus()
    page.keyboard.press("Enter")
    opened = page.locator('[data-table="findings"] tr.details')
    assert "aws iam" in opened.inner_text()
    before = page.inner_text('[data-tile="urgent"] .value')
    opened.get_by_text("Accept…").click()
    page.keyboard.type("known, and will go")
    page.keyboard.press("Enter")
    wait_for_text(page, "is accepted until")
    assert int(page.inner_text('[data-tile="urgent"] .value')) == int(before) - 1
    written = yaml.safe_load((lab_folder / "team.yaml").read_text())
    assert written["waivers"][-1]["reason"] == "known, and will go"


def test_users_and_earlier_audits_are_a_click_away(audited, sandbox):
    """A name opens a user, another is not there; two audits compare; a table goes along.

    In both themes, at each width, nothing is hard to see.
    """
    page = audited
    name = page.inner_text('[data-table="users"] tbody th >> nth=0')
    page.click('[data-table="users"] tbody th button >> nth=0')
    page.wait_for_selector(f'.panel h3:text-is("{name}")')
    page.fill(".actions input", "zoe")
    page.keyboard.press("Enter")
    wait_for_text(page, "The account has no user 'zoe'")

    sandbox.age(2)
    run_through(page)
    wait_for_text(page, READ)
    page.select_option('[aria-label="Compare with…"]', index=1)
    page.wait_for_selector(".panel >> text=/^Since/")
    with page.expect_download() as download:
        page.select_option('[aria-label="Export…"]', "findings.csv")
    assert "karl.painter" in Path(download.value.path()).read_text()
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        use_theme(page, theme)
        assert serious_violations(page) == []
        for width in (1024, 1280, 1920):
            page.set_viewport_size({"width": width, "height": 900})
            _look(page, f"{theme[-5:].strip()}-{width}")


def _look(page, name):
    """A picture for who looks at it, in the folder that ``IAMKIT_TEST_PICTURES`` names."""
    if folder := os.environ.get("IAMKIT_TEST_PICTURES"):
        page.wait_for_timeout(400)
        page.screenshot(path=f"{folder}/06-{name}.png")
