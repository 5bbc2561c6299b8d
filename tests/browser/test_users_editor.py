"""The table of users in JupyterLab, in a real browser: typed, pasted, dropped, by keyboard."""

import json
import time

import nbformat
import pytest
from browser.conftest import open_notebook, run_through, serious_violations
from nbformat.v4 import new_code_cell, new_notebook

SOURCE = """
import json
from pathlib import Path
from iamkit.account.state import AccountState, User
from iamkit.notebook.forms.users_editor import UsersEditor, note_against
from iamkit.parameters.user_row import UserRow
account = AccountState(account_id="000000000000", users={"bob": User(name="bob")})
users = [UserRow.model_validate(user) for user in json.loads(Path("users.json").read_text())]
editor = UsersEditor(users, ["Admins", "dev", "ops"], note_against(account))
def save(_):
    Path("value.new").write_text(json.dumps([editor.value, editor.problems]))
    Path("value.new").replace("value.json")  # whoever reads it reads all of it
editor.observe(save, ["value", "problems"])
editor
"""
BOB = {"name": "bob", "groups": ["dev"], "access_key": True}
CAROL = {"name": "carol", "path": "/team/", "tags": {"team": "web"}, "groups": ["dev"]}
ATTACK = "<img src=x onerror=window.hacked=1><script>window.hacked=1</script>"
SECONDS = 60


@pytest.fixture
def lab(lab_with):
    """The address of a JupyterLab."""
    return lab_with({"environment": "sandbox", "account_id": "000000000000"})


@pytest.fixture
def editor(page, lab, lab_folder):
    """The table with bob and carol."""
    return Editor(page, lab, lab_folder / "ops" / "notebooks", [BOB, CAROL])


class Editor:
    """The table in the browser, and what Python holds of it."""

    def __init__(self, page, lab, folder, users):
        self.page = page
        self._saved = folder / "value.json"
        self._saved.unlink(missing_ok=True)
        (folder / "users.json").write_text(json.dumps(users))
        cells = [new_code_cell(SOURCE), new_code_cell("pass")]
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        notebook = new_notebook(cells=cells, metadata={"kernelspec": kernel})
        nbformat.write(notebook, folder / "scratch.ipynb")
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        open_notebook(page, lab, "scratch")
        run_through(page)
        page.get_by_role("button", name="Add a user").wait_for()
        page.set_default_timeout(SECONDS * 1000)

    def cell(self, term, name):
        return self.page.get_by_label(f"{term} of {name}", exact=True)

    def paste(self, text):
        """Put text on the clipboard, and press Control and V."""
        self.page.evaluate("text => navigator.clipboard.writeText(text)", text)
        self.page.keyboard.press("Control+v")

    def drop(self, name, text):
        """Let go of a file above the table."""
        self.page.evaluate(
            """([name, text]) => {
              const dataTransfer = new DataTransfer();
              dataTransfer.items.add(new File([text], name));
              const drop = new DragEvent("drop", {dataTransfer, bubbles: true, cancelable: true});
              document.querySelector(".rows-editor table").dispatchEvent(drop);
            }""",
            [name, text],
        )

    def says(self, text):
        self.page.get_by_role("status").filter(has_text=text).wait_for()

    def has(self, *users):
        """Wait until Python's value is this, with nothing wrong in it."""
        self._wait([list(users), []])

    def _wait(self, expected):
        held = None
        for _ in range(SECONDS * 10):
            held = json.loads(self._saved.read_text()) if self._saved.exists() else None
            if held == expected:
                return
            time.sleep(0.1)
        assert held == expected


def test_what_is_typed_is_the_value_and_what_is_wrong_is_said_at_its_cell(editor):
    """A wrong name is marked with its reason, in words; mended, it is the value."""
    editor.cell("user name", "bob").fill("b b")
    editor.cell("groups", "bob").fill("dev;ops")
    name = editor.cell("user name", "b b")
    error = editor.page.locator(".error", has_text="holds a space")
    error.wait_for()
    assert name.get_attribute("aria-invalid") == "true"
    assert name.get_attribute("aria-describedby") == error.get_attribute("id")
    editor.cell("user name", "carol").focus()
    editor.paste("name\tpath\ncarol\t/team/\n")
    editor.says("0 added, 0 replaced, 1 unchanged.")
    editor.says("1 row needs mending")
    name.fill("bea")
    editor.cell("login profile", "b b").check()
    editor.has(
        {"name": "bea", "groups": ["dev", "ops"], "access_key": True, "console_password": True},
        CAROL,
    )
    error.wait_for(state="hidden")
    assert editor.cell("user name", "bea").get_attribute("aria-invalid") is None
    editor.page.get_by_role("cell", name="new").first.wait_for()


def test_rows_are_pasted_from_a_spreadsheet_and_taken_back(editor):
    """Columns in any order, cells with line breaks; a plain text stays a plain paste."""
    editor.cell("groups", "carol").focus()
    editor.paste('Login profile\tUser name\tGroups\r\nYES\tdave\t"ops\ndev"\r\nno\tbob\tops\r\n')
    editor.says("1 added, 1 replaced.")
    bob = {"name": "bob", "groups": ["ops"], "access_key": True}
    dave = {"name": "dave", "groups": ["ops", "dev"], "console_password": True}
    editor.has(bob, CAROL, dave)
    editor.page.get_by_role("button", name="Undo").click()
    editor.says("Taken back: 1 added, 1 replaced.")
    editor.has(BOB, CAROL)
    editor.cell("user name", "carol").focus()
    editor.paste("erin\nfrank\n")
    editor.says("2 added, 0 replaced.")
    editor.has(BOB, CAROL, {"name": "erin"}, {"name": "frank"})
    editor.cell("groups", "erin").focus()
    editor.paste("ops\n")
    editor.page.keyboard.press("Enter")
    editor.has(BOB, CAROL, {"name": "erin", "groups": ["ops"]}, {"name": "frank"})
    editor.paste("ops\ndev")
    editor.says("rows without a header go into the column `name`")
    editor.paste("name\tgrups\ngina\tdev")
    editor.says("unknown column 'grups'; did you mean groups?")
    editor.has(BOB, CAROL, {"name": "erin", "groups": ["ops"]}, {"name": "frank"})


def test_a_csv_file_is_dropped_or_chosen(editor, tmp_path):
    """What is no list of users is said; what is one is put in, wrong cells marked."""
    editor.drop("team.csv", "name,groups,tags\ndave,dev;ops,team=web\n")
    editor.says("1 added, 0 replaced.")
    dave = {"name": "dave", "groups": ["dev", "ops"], "tags": {"team": "web"}}
    editor.has(BOB, CAROL, {"name": "dave", "tags": {"team": "web"}, "groups": ["dev", "ops"]})
    for data, said in (
        ("name\nérin\n".encode("latin-1"), "team.csv: not text in UTF-8"),
        (b"name\n" + b"bob\n" * 1_300_000, "team.csv: larger than 5 MB"),
        (b"name,path\nbob\n", "team.csv, row 2: 1 columns"),
    ):
        file = tmp_path / "team.csv"
        file.write_bytes(data)
        editor.page.get_by_label("Choose a CSV file").set_input_files(file)
        editor.says(said)
    editor.has(BOB, CAROL, dave)
    editor.drop("team.csv", "name,access_key\nerin,maybe\n")
    editor.page.locator(".error", has_text="expected yes or no, got 'maybe'").wait_for()
    editor.cell("access key", "erin").check()
    editor.has(BOB, CAROL, dave, {"name": "erin", "access_key": True})


def test_it_is_used_with_the_keyboard_alone(editor):
    """Typed letters go into the cells, and JupyterLab's shortcuts leave its own cells alone."""
    page = editor.page
    cells = page.locator(".jp-Notebook .jp-Cell").count()
    editor.cell("user name", "bob").focus()
    page.keyboard.press("Enter")
    assert editor.cell("user name", "carol").evaluate("e => e === document.activeElement")
    page.keyboard.press("Enter")
    page.keyboard.type("adda")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    page.keyboard.type("dev")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    for key in ("d", "d", "a", "b", "x", "m", "ArrowDown", "Space"):
        page.keyboard.press(key)
    editor.has(BOB, CAROL, {"name": "adda", "groups": ["dev"], "access_key": True})
    remove = page.get_by_role("button", name="Remove bob from this list")
    remove.focus()
    for key in ("d", "d", "Enter"):
        page.keyboard.press(key)
    editor.says("bob is out of this list. This removes no user from the account.")
    editor.has(CAROL, {"name": "adda", "groups": ["dev"], "access_key": True})
    assert page.evaluate("document.activeElement.ariaLabel") == "Remove carol from this list"
    undo = page.get_by_role("button", name="Undo")
    undo.focus()
    outline = undo.evaluate("e => getComputedStyle(e).outlineStyle")
    assert outline == "solid"
    page.keyboard.press("Enter")
    editor.has(BOB, CAROL, {"name": "adda", "groups": ["dev"], "access_key": True})
    page.keyboard.press("Control+s")
    page.wait_for_function("() => !jupyterapp.shell.currentWidget.context.model.dirty")
    assert page.locator(".jp-Notebook .jp-Cell").count() == cells


def test_groups_are_offered_one_after_the_other(editor):
    """In a list, those that are not in it yet are offered behind those that are."""
    groups = editor.cell("groups", "bob")
    groups.fill("dev;")
    offered = f"#{groups.get_attribute('list')} option"
    options = editor.page.locator(offered).evaluate_all("all => all.map(option => option.value)")
    assert options == ["dev;Admins", "dev;ops"]


def test_thousands_of_users_stay_usable(page, lab, lab_folder):
    """A page of fifty is in the document; the others are found, by search or by what is wrong."""
    users = [{"name": f"user{n}", "groups": ["dev"]} for n in range(5_000)]
    editor = Editor(page, lab, lab_folder / "ops" / "notebooks", users)
    editor.says("Rows 1 to 50 of 5,000")
    assert page.locator(".rows-editor tbody tr").count() == 50
    page.get_by_role("button", name="Next").click()
    editor.says("Rows 51 to 100 of 5,000")
    page.get_by_label("Find a user").fill("user4999")
    editor.says("Rows 1 to 1 of 1 found, of 5,000")
    started = time.monotonic()
    editor.cell("user name", "user4999").fill("user 4999")
    page.keyboard.press("Tab")
    editor.says("1 row needs mending")
    assert time.monotonic() - started < 10
    page.get_by_label("Find a user").fill("")
    editor.says("Rows 1 to 50 of 5,000")
    page.get_by_role("button", name="Show only these").click()
    editor.says("Rows 1 to 1 of 1 found, of 5,000")
    editor.cell("user name", "user 4999").fill("last")
    page.keyboard.press("Enter")
    editor.has(*users[:-1], {"name": "last", "groups": ["dev"]})


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_it_can_be_read_and_used_by_everybody(theme, editor):
    """Names of fields, roles and contrast are right, errors and notes included."""
    editor.page.evaluate(
        "theme => jupyterapp.commands.execute('apputils:change-theme', {theme})", theme
    )
    editor.page.wait_for_function("theme => document.body.dataset.jpThemeName === theme", arg=theme)
    editor.cell("user name", "carol").fill("a b")
    editor.page.locator("summary", has_text="Help").click()
    editor.page.locator(".error", has_text="holds a space").wait_for()
    assert serious_violations(editor.page, ".rows-editor") == []
    assert editor.page.locator("th[scope=col]", has_text="login profile").count() == 1


def test_hostile_text_stays_text(editor):
    """Markup in a name, a group or a file's name is shown, and nothing runs."""
    editor.cell("user name", "carol").focus()
    editor.paste(f"name\tgroups\n{ATTACK}\t{ATTACK}")
    editor.says("1 added")
    editor.page.locator(".error", has_text="holds '<'").first.wait_for()
    editor.drop(f"{ATTACK}.csv", "nothing")
    editor.says(ATTACK)
    assert editor.cell("user name", ATTACK).input_value() == ATTACK
    assert editor.page.evaluate("window.hacked") is None
    assert editor.page.locator("img[src=x]").count() == 0
