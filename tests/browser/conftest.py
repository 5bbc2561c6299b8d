"""JupyterLab in a real browser: one for all tests of a worker, as new before each of them."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from urllib.request import Request, urlopen

import axe_playwright_python
import pytest
import yaml
from playwright.sync_api import Error as BrowserError, sync_playwright

from iamkit.notebook.launch.lab import prepare_folder

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
TOKEN = "only-for-this-test"
AXE = Path(axe_playwright_python.__file__).parent / "axe.min.js"
PATIENCE = 240
"""Seconds: other tests run beside, on few processors."""
STEADY = 4
"""Times in a row, a quarter of a second apart, that a notebook is found in front."""
FRONT = """[...window.jupyterapp?.shell.widgets('main') ?? []]
  .find(widget => widget.isVisible && widget.context?.path.endsWith('.ipynb'))"""
"""The notebook in front, for JavaScript; JupyterLab's own word for it depends on the focus."""
CELLS = f"({FRONT})?.content.widgets.filter(cell => cell.model.type === 'code') ?? []"
READY = f"""async name => {{
  await window.jupyterapp?.restored;  // until then tabs of an earlier time may come to the front
  const panel = [...window.jupyterapp?.shell.widgets('main') ?? []]
    .find(widget => widget.context?.path.endsWith(name + '.ipynb'));
  if (!panel) return false;
  await panel.context.ready;
  await panel.sessionContext.ready;
  await panel.sessionContext.session.kernel.info;
  const was = {FRONT} === panel;
  window.jupyterapp.shell.activateById(panel.id);
  return was && window.jupyterapp.shell.currentWidget === panel;
}}"""
"""Whether a notebook, its session and its kernel are ready: an indicator that says idle may not
know of a kernel yet, and what is run then is lost."""
OPEN = "async path => { await jupyterapp.commands.execute('docmanager:open', {path}); }"
"""It gives nothing back: what it gives would be read as a whole, with all that hangs on it."""
CLEAR = f"() => ({CELLS}).forEach(cell => cell.model.clearExecution())"
STARTED = f"""() => ({CELLS}).some(cell =>
  cell.model.executionState === 'running' || cell.model.executionCount)"""
RAN = f"""() => {{
  const cells = {CELLS};
  const errors = cells.flatMap(cell => cell.model.outputs.toJSON())
    .filter(output => output.output_type === 'error');
  if (errors.length) return errors[0].traceback.join('\\n');
  const ran = cell => cell.model.executionState === 'idle' && cell.model.executionCount;
  return cells.length && cells.every(ran) && 'all';
}}"""
"""Whether all cells ran: ``all``, or the first error."""
STATES = f"""() => ({CELLS}).map(cell => `${{cell.model.executionState}} `
  + `${{cell.model.executionCount}} ${{cell.model.sharedModel.getSource().slice(0, 60)}}`)
  .join('; ')"""
"""How far each cell is, for who wonders why it takes so long."""


@pytest.fixture
def page():
    """A page of headless Chromium; without Chromium the test is skipped, and in CI it fails."""
    if not BROWSER:
        assert not os.environ.get("CI"), "CI HAS NO CHROMIUM"
        pytest.skip("NOT CHECKED: no Chromium on this machine")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1600, "height": 1000})
        page.set_default_timeout(PATIENCE * 1000)
        yield page
        browser.close()


@contextmanager
def running_lab(folder, parameters, home):
    """The address of a JupyterLab of its own, whose notebooks hold these parameters.

    Args:
        folder: an empty folder for everything that it writes.
        parameters: as in a parameters file.
        home: the kit's state folder.
    """
    file = write_parameters(folder, parameters)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [Path(sys.executable).parent / "iamkit", "lab", "--folder", folder / "ops"]
    options = ["--no-browser", f"--port={port}", "--allow-root"]
    options += [f"--IdentityProvider.token={TOKEN}", "--LabApp.expose_app_in_browser=True"]
    with (
        tempfile.TemporaryDirectory(prefix="lab-") as sockets,
        (folder / "lab.log").open("w") as log,
    ):
        environment = {
            "HOME": str(folder),
            "IAMKIT_HOME": str(home),
            "JUPYTER_RUNTIME_DIR": sockets,
        }
        server = subprocess.Popen(
            [*command, "-f", file, "--", *options],
            env=os.environ | environment,
            stdout=log,
            stderr=log,
        )
        address = f"http://127.0.0.1:{port}"
        try:
            _wait_for(f"{address}/api/status?token={TOKEN}", server)
            yield address
        finally:
            server.terminate()
            try:
                server.wait(60)
            except subprocess.TimeoutExpired:
                server.kill()


def write_parameters(folder, parameters):
    """The parameters file of a lab's folder, with these parameters."""
    file = folder / "team.yaml"
    file.write_text(yaml.safe_dump(parameters, sort_keys=False))
    return file


@pytest.fixture(scope="session")
def shared_lab(private_home, tmp_path_factory):
    """The folder and the address of this worker's JupyterLab, started for the first who asks."""
    folder = tmp_path_factory.mktemp("lab")
    parameters = {"environment": "sandbox", "account_id": "000000000000"}
    with running_lab(folder, parameters, private_home) as address:
        yield folder, address


@pytest.fixture
def lab_with(shared_lab, sandbox):
    """A function: parameters to the worker's JupyterLab, as if it had just been started on them.

    Its account is new and empty, no kernel runs, no tab is remembered, and the notebooks are as
    they come, with the parameters filled in.
    """
    folder, address = shared_lab

    def settle(parameters):
        _forget_the_last_test(folder, address)
        prepare_folder(folder / "ops", write_parameters(folder, parameters))
        return address

    return settle


@pytest.fixture
def lab_folder(shared_lab):
    """Where the worker's JupyterLab writes everything; its notebooks are in ``ops/notebooks``."""
    return shared_lab[0]


def _forget_the_last_test(folder, address):
    for session in _ask(address, "api/sessions"):
        _ask(address, f"api/sessions/{session['id']}", "DELETE")
    for workspace in _ask(address, "lab/api/workspaces")["workspaces"]["ids"]:
        _ask(address, f"lab/api/workspaces/{workspace}", "DELETE")
    for path in (folder / "ops").iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def _ask(lab, path, method="GET"):
    headers = {"Authorization": f"token {TOKEN}"}
    with urlopen(Request(f"{lab}/{path}", method=method, headers=headers)) as answer:
        return json.loads(answer.read() or "null")


def open_notebook(page, lab, name):
    """Open a notebook, in the page if it shows this JupyterLab, and wait until it is ready."""
    path = f"notebooks/{name}.ipynb"
    if page.url.startswith(f"{lab}/lab"):
        page.evaluate(OPEN, path)
    else:
        page.goto(f"{lab}/lab/tree/{path}?token={TOKEN}")
    wait_until_ready(page, name)


def wait_until_ready(page, name):
    """Bring a notebook to the front; wait until it stays, and its session and kernel are ready."""
    deadline = time.monotonic() + PATIENCE
    steady = 0
    while steady < STEADY:
        assert time.monotonic() < deadline, f"{name} does not get ready"
        # Unlike wait_for_function, evaluate waits for a promise.
        steady = steady + 1 if page.evaluate(READY, name) else 0
        page.wait_for_timeout(250)


def reload_notebook(page, name):
    """Reload the page, and wait until its notebook is ready.

    JupyterLab opens the notebook of the address once more after it has restored its tabs; what
    somebody opened in between would go behind it again. So the page is waited for to be quiet.
    """
    page.reload()
    page.wait_for_load_state("networkidle")
    wait_until_ready(page, name)


def front(page):
    """The notebook in front; those in other tabs are in the page too."""
    return page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")


def run_all(page):
    """The menu's Run All Cells, on a notebook cleared of what ran before; wait until it began."""
    page.evaluate(CLEAR)
    choose_in_menu(page, "Run", "Run All Cells")
    page.wait_for_function(STARTED)


def choose_in_menu(page, menu, item):
    """Choose from the menu bar; a menu that the page, still moving, has shut is opened again."""
    for _ in range(PATIENCE // 10):
        page.click(f'.lm-MenuBar-itemLabel:text-is("{menu}")')
        try:
            page.click(f'.lm-Menu-itemLabel:text-is("{item}")', timeout=10_000)
        except BrowserError:
            page.keyboard.press("Escape")
        else:
            return
    raise AssertionError(f"The menu {menu} has no {item}.")


def run_through(page):
    """Run All Cells, and wait until the last one has ended."""
    run_all(page)
    try:
        assert page.wait_for_function(RAN).json_value() == "all"
    except BrowserError as error:
        raise AssertionError(page.evaluate(STATES)) from error


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


def use_theme(page, name):
    """Switch JupyterLab's theme: ``JupyterLab Light`` or ``JupyterLab Dark``."""
    page.evaluate("n => jupyterapp.commands.execute('apputils:change-theme', {theme: n})", name)
    light = str("Light" in name).lower()
    page.wait_for_selector(f'body[data-jp-theme-light="{light}"]', state="attached")
    page.wait_for_timeout(500)


def serious_violations(page, selector=".jp-OutputArea-output"):
    """What axe-core finds in the outputs that is serious or worse: a line for each element."""
    if not page.evaluate("() => !!window.axe"):
        page.evaluate(AXE.read_text())
    found = page.evaluate(
        "selector => axe.run({include: [[selector]]}, {resultTypes: ['violations']})", selector
    )
    return [
        f"{violation['id']}: {node['html'][:200]} ({node.get('failureSummary', '')[:300]})"
        for violation in found["violations"]
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]


def pytest_collection_modifyitems(items):
    """Run a test in a browser once more if it fails: a busy machine may starve a real browser.

    The summary names each that needed it; what opens no page has no second chance.
    """
    for item in items:
        if Path(__file__).parent in item.path.parents and "page" in item.fixturenames:
            item.add_marker(pytest.mark.flaky(reruns=1))
