"""The audit in JupyterLab, in a real browser: hostile text stays text, tables and fields work."""

import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import urlopen

import pytest
import yaml
from accounts import ACCOUNT, account_of

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
ATTACK = "<img src=x onerror=window.hacked=1><script>window.hacked=1</script>"
TOKEN = "only-for-this-test"
USERS = [
    {"name": "=1+1,@x", "tags": {"note": ATTACK}, "groups": [], "password": {"used": 1}},
    {"name": ATTACK, "groups": [ATTACK], "tags": {"</script>": ATTACK}, "mfa": False},
    *({"name": f"user{n:03}", "groups": []} for n in range(60)),
]


@pytest.fixture
def lab(tmp_path):
    """The address of a JupyterLab on a folder whose notebooks audit a hostile account."""
    if not BROWSER:
        pytest.skip("NOT CHECKED: no Chromium on this machine")
    state = account_of({"users": USERS, "groups": [{"name": ATTACK}]}).save(tmp_path / "s.json")
    parameters = {"environment": "sandbox", "account_id": ACCOUNT, "state_files": [str(state)]}
    file = tmp_path / "team.yaml"
    file.write_text(yaml.safe_dump(parameters))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [Path(sys.executable).parent / "iamkit", "lab", "--folder", tmp_path / "ops"]
    options = ["--no-browser", f"--port={port}", "--allow-root"]
    options += [f"--IdentityProvider.token={TOKEN}"]
    environment = os.environ | {"HOME": str(tmp_path), "IAMKIT_HOME": str(tmp_path / "home")}
    log = (tmp_path / "lab.log").open("w")
    server = subprocess.Popen(
        [*command, "-f", file, "--", *options], env=environment, stdout=log, stderr=log
    )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_for(f"{address}/api/status?token={TOKEN}", server)
        yield address
    finally:
        server.terminate()
        server.wait(30)
        log.close()


def _wait_for(url, server):
    for _ in range(240):
        assert server.poll() is None, "JupyterLab ended"
        try:
            with urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.25)
    raise AssertionError("JupyterLab did not answer")


def test_hostile_text_runs_nothing_in_jupyterlab(lab):
    """Run All, search the users, choose the hostile user: no script of theirs, no request out."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        dialogs, requests = [], []
        page.on("dialog", lambda dialog: dialogs.append(dialog.message))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(f"{lab}/lab/tree/notebooks/06_audit_users.ipynb?token={TOKEN}")
        page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
        page.wait_for_selector(
            '[data-status="idle"], .jp-Notebook-ExecutionIndicator', timeout=60_000
        )
        page.wait_for_timeout(3_000)
        page.click('.lm-MenuBar-itemLabel:text-is("Run")')
        page.click('.lm-Menu-itemLabel:text-is("Run All Cells")')
        page.wait_for_function(
            "document.body.innerText.includes('Everything that was asked for was read')",
            timeout=90_000,
        )
        page.fill(".dt-search input >> nth=0", "user059")
        page.wait_for_function("document.body.innerText.includes('filtered from')")
        chosen = page.locator(".jupyter-widgets input[list]")
        chosen.fill(ATTACK)
        chosen.press("Enter")
        page.wait_for_function(
            "h => [...document.querySelectorAll('h3')].some(e => e.innerText === h)", arg=ATTACK
        )
        assert page.evaluate("window.hacked") is None
        assert page.locator("img[src=x]").count() == 0
        assert ATTACK in page.inner_text("body")
        browser.close()
    assert dialogs == []
    outside = [url for url in requests if not url.startswith((lab, "data:", "blob:"))]
    assert outside == []
