"""The audit in JupyterLab, in a real browser: hostile text stays text, tables and fields work."""

import pytest
from accounts import ACCOUNT, account_of
from browser.conftest import open_notebook, run_all, wait_for_text

from iamkit.account.state_file import save_state

ATTACK = "<img src=x onerror=window.hacked=1><script>window.hacked=1</script>"
USERS = [
    {"name": "=1+1,@x", "tags": {"note": ATTACK}, "groups": [], "password": {"used": 1}},
    {"name": ATTACK, "groups": [ATTACK], "tags": {"</script>": ATTACK}, "mfa": False},
    *({"name": f"user{n:03}", "groups": []} for n in range(60)),
]


@pytest.fixture
def lab(lab_with, tmp_path):
    """The address of a JupyterLab on a folder whose notebooks audit a hostile account."""
    state = save_state(
        account_of({"users": USERS, "groups": [{"name": ATTACK}]}), tmp_path / "s.json"
    )
    parameters = {"environment": "sandbox", "account_id": ACCOUNT, "state_files": [str(state)]}
    return lab_with(parameters)


def test_hostile_text_runs_nothing_in_jupyterlab(page, lab):
    """Run All, search the users, choose the hostile user: no script of theirs, no request out."""
    dialogs, requests = [], []
    page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    page.on("request", lambda request: requests.append(request.url))
    open_notebook(page, lab, "06_audit_users")
    run_all(page)
    wait_for_text(page, "Everything that was asked for was read")
    page.fill(".dt-search input >> nth=0", "user059")
    wait_for_text(page, "filtered from")
    chosen = page.locator(".jupyter-widgets input[list]")
    chosen.fill(ATTACK)
    chosen.press("Enter")
    page.wait_for_function(
        "h => [...document.querySelectorAll('h3')].some(e => e.innerText === h)", arg=ATTACK
    )
    assert page.evaluate("window.hacked") is None
    assert page.locator("img[src=x]").count() == 0
    assert ATTACK in page.inner_text("body")
    assert dialogs == []
    outside = [url for url in requests if not url.startswith((lab, "data:", "blob:"))]
    assert outside == []
