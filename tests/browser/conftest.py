"""JupyterLab in a real browser: on a folder of its own, with a home of its own."""

import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest
import yaml

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
TOKEN = "only-for-this-test"
PATIENCE = 240
"""Seconds: other tests run beside, on few processors."""
READY = """async () => {
  const panel = window.jupyterapp?.shell.currentWidget;
  if (!panel?.sessionContext) return false;
  await panel.context.ready;
  await panel.sessionContext.ready;
  await panel.sessionContext.session.kernel.info;
  return true;
}"""
"""Whether a notebook, its session and its kernel are ready: an indicator that says idle may not
know of a kernel yet, and what is run then is lost."""
RAN = """() => window.jupyterapp.shell.currentWidget.content.widgets
  .filter(cell => cell.model.type === 'code')
  .every(cell => cell.model.executionState === 'idle' && cell.model.executionCount)"""


@pytest.fixture
def page():
    """A page of headless Chromium; without Chromium the test is skipped, and in CI it fails."""
    if not BROWSER:
        assert not os.environ.get("CI"), "CI HAS NO CHROMIUM"
        pytest.skip("NOT CHECKED: no Chromium on this machine")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1600, "height": 1000})
        page.set_default_timeout(PATIENCE * 1000)
        yield page
        browser.close()


@contextmanager
def running_lab(folder, parameters, home):
    """The address of a JupyterLab whose notebooks hold these parameters.

    Args:
        folder: an empty folder for everything that it writes.
        parameters: as in a parameters file.
        home: the kit's state folder.
    """
    file = folder / "team.yaml"
    file.write_text(yaml.safe_dump(parameters))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [Path(sys.executable).parent / "iamkit", "lab", "--folder", folder / "ops"]
    options = ["--no-browser", f"--port={port}", "--allow-root"]
    options += [f"--IdentityProvider.token={TOKEN}", "--LabApp.expose_app_in_browser=True"]
    environment = os.environ | {"HOME": str(folder), "IAMKIT_HOME": str(home)}
    log = (folder / "lab.log").open("w")
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


def open_notebook(page, lab, name):
    """Open a notebook and wait until it, its session and its kernel are ready."""
    page.goto(f"{lab}/lab/tree/notebooks/{name}.ipynb?token={TOKEN}")
    page.wait_for_selector(".jp-Notebook .jp-Cell")
    page.wait_for_function(READY)


def run_all(page):
    """The menu's Run All Cells; wait until it has begun."""
    page.click('.lm-MenuBar-itemLabel:text-is("Run")')
    page.click('.lm-Menu-itemLabel:text-is("Run All Cells")')
    page.wait_for_function("() => document.querySelector('.jp-InputPrompt')?.innerText !== '[ ]:'")


def run_through(page):
    """Run All Cells, and wait until the last one has ended."""
    run_all(page)
    page.wait_for_function(RAN)


def wait_for_text(page, text, seconds=PATIENCE):
    """Wait until a text stands somewhere on the page."""
    page.wait_for_function(
        "text => document.body.innerText.includes(text)", arg=text, timeout=seconds * 1000
    )


def _wait_for(url, server):
    for _ in range(4 * PATIENCE):
        assert server.poll() is None, "JupyterLab ended"
        try:
            with urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.25)
    raise AssertionError("JupyterLab did not answer")
