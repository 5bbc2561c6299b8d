"""The start page in JupyterLab, in a real browser: filled when it opens, and where one left off."""

import pytest
import yaml
from browser.conftest import TOKEN, front, running_lab, wait_for_text
from paths import GUIDE

IN_FRONT = "path => window.jupyterapp?.shell.currentWidget?.context?.path === path"
IS_OPEN = """path => [...window.jupyterapp.shell.widgets('main')]
  .some(tab => tab.context?.path === path)"""
SETTLED = """async () => {
  for (const tab of window.jupyterapp.shell.widgets('main')) {
    await tab.sessionContext?.ready;
    await tab.sessionContext?.session?.kernel?.info;
  }
  return true;
}"""
"""A server that is told to end while a kernel starts does not end."""
IN_VIEW = """() => [...document.querySelectorAll('.jp-NotebookPanel:not(.lm-mod-hidden) button')]
  .filter(button => button.innerText.includes('Apply: 5'))
  .some(button => button.getBoundingClientRect().bottom < innerHeight)"""
REMEMBERED = """async path => {
  const workspace = await window.jupyterapp.serviceManager.workspaces.fetch('default');
  return JSON.stringify(workspace.data['layout-restorer:data']).includes(path);
}"""


@pytest.fixture
def parameters():
    """The guide's."""
    return yaml.safe_load(GUIDE.read_text())


def path_of(name):
    return f"notebooks/{name}.ipynb"


def open_first(page, lab):
    """What `iamkit lab` opens in a browser."""
    page.goto(f"{lab}/?token={TOKEN}")
    page.wait_for_function(IN_FRONT, arg=path_of("00_start_here"))
    wait_for_text(page, "begin here")


def click_step(page, name):
    """A click on a step's link; wait until its notebook is in front."""
    page.click(f'.jp-OutputArea a:has-text("{name}")')
    page.wait_for_function(IN_FRONT, arg=path_of(name))


def test_it_opens_filled_trusted_and_unasked_and_a_step_opens_with_a_click(
    page, sandbox, private_home, parameters, tmp_path
):
    """Without running a cell: the account, where to begin, the most urgent; then a click."""
    with running_lab(tmp_path, parameters, private_home) as lab:
        open_first(page, lab)
        wait_for_text(page, "SANDBOX, nothing here is real")
        assert "The root has no access key" in page.inner_text("body")
        marked = page.locator('li[aria-current="step"]')
        assert "01_credentials" in marked.inner_text()
        width = marked.evaluate("item => getComputedStyle(item).borderLeftWidth")
        assert width == "5px", "what is not trusted is shown without its style"
        assert page.locator(".jp-Dialog").count() == 0
        assert page.locator(".jp-DirListing-item").first.inner_text() == "00_start_here.ipynb"
        click_step(page, "02_admin_group")
        page.wait_for_function(SETTLED)


def test_from_the_start_page_to_a_change_and_on_by_clicks_alone(
    page, sandbox, session, private_home, parameters, tmp_path
):
    """A step that is clicked arrives filled; what was typed stays; the next one is a click away."""
    page.set_viewport_size({"width": 1280, "height": 800})
    with running_lab(tmp_path, parameters, private_home) as lab:
        open_first(page, lab)
        click_step(page, "01_credentials")
        wait_for_text(page, "in force")
        front(page).get_by_role("link", name="02_admin_group").click()
        apply = front(page).get_by_role("button", name="Apply: 5 to create")
        apply.wait_for()
        page.wait_for_function(IN_VIEW)
        assert session.iam.list_users()["Users"] == [], "a click on a step changes nothing"
        front(page).get_by_label("First administrator", exact=True).fill("ann")
        page.click('.lm-TabBar-tabLabel:has-text("00_start_here")')
        click_step(page, "02_admin_group")
        page.wait_for_function(SETTLED)
        page.wait_for_timeout(1500)  # in which it would run
        name = front(page).get_by_label("First administrator", exact=True)
        assert name.input_value() == "ann"
        name.fill("alice")
        page.keyboard.press("Tab")
        wait_for_text(page, "alice will be able to do everything")
        page.wait_for_timeout(1200)  # as long as somebody needs to read
        apply.click()
        wait_for_text(page, "✔ Verified: read again")
        front(page).get_by_role("link", name="00_start_here").locator("visible=true").click()
        marked = front(page).locator('li[aria-current="step"]')
        marked.filter(has_text="03_dev_group").wait_for()  # it has looked again
        click_step(page, "03_dev_group")
        front(page).get_by_role("button", name="Apply: 2 to create").wait_for()
        page.wait_for_function(SETTLED)


def test_a_link_runs_no_notebook_but_a_step_of_the_kit(
    page, sandbox, private_home, parameters, tmp_path
):
    """Whatever a link in some notebook asks of the command, by name or by a path."""
    execute = """name => window.jupyterapp.commands.execute('iamkit:open-notebook', {name})
      .then(() => 'opened', error => error.message)"""
    with running_lab(tmp_path, parameters, private_home) as lab:
        open_first(page, lab)
        for name in ("evil.ipynb", "../evil.ipynb", "03_dev_group.ipynb/../evil.ipynb"):
            assert page.evaluate(execute, name) == "This link leads to no step of the kit."
        assert page.evaluate(execute, "03_dev_group.ipynb") == "opened"
        page.wait_for_function(IN_FRONT, arg=path_of("03_dev_group"))
        page.wait_for_function(SETTLED)


def test_a_second_start_has_the_tabs_of_the_last_time(
    page, sandbox, private_home, parameters, tmp_path
):
    """The notebook that was open is there again, and the start page is in front."""
    with running_lab(tmp_path, parameters, private_home) as lab:
        open_first(page, lab)
        click_step(page, "03_dev_group")
        page.wait_for_function(REMEMBERED, arg=path_of("03_dev_group"))
        page.wait_for_function(SETTLED)
    with running_lab(tmp_path, parameters, private_home) as lab:
        open_first(page, lab)
        page.wait_for_function(IS_OPEN, arg=path_of("03_dev_group"))
        page.wait_for_function(SETTLED)
        page.wait_for_function(IN_FRONT, arg=path_of("00_start_here"))
