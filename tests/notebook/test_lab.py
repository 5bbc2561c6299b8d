"""Before JupyterLab opens: the folder, its environment, and the start page that is filled."""

import json
import os
import re

import nbformat
import pytest
from IPython.core.interactiveshell import InteractiveShell
from nbformat.sign import NotebookNotary
from paths import GUIDE, ROOT
from traitlets.config import Config

from iamkit.notebook import cell_errors
from iamkit.notebook.input_notebook import declared_parameters
from iamkit.notebook.launch.lab import (
    EXTENSIONS,
    START,
    is_checkout,
    offer_notebooks,
    prepare_environment,
    prepare_folder,
    prepare_start_page,
)
from iamkit.notebook.links import LAB
from iamkit.notebook.runs.prefill import fill_page
from iamkit.notebook.versions import say_other
from iamkit.parameters.files import CURRENT
from iamkit.parameters.models import NOTEBOOKS
from iamkit.parameters.yaml_file import current_parameters_file


@pytest.fixture
def page(sandbox, tmp_path, monkeypatch):
    """The start page of a folder of its own, with Jupyter's data there too."""
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "jupyter"))
    monkeypatch.delenv(CURRENT, raising=False)
    return prepare_folder(tmp_path / "ops", None) / "notebooks" / START


def shown(page):
    """All that the page shows, as text."""
    cells = json.loads(page.read_text())["cells"]
    return json.dumps([cell.get("outputs") for cell in cells], ensure_ascii=False)


def edit(page, old, new):
    text = page.read_text()
    assert old in text
    page.write_text(text.replace(old, new))


def test_the_page_is_filled_in_place_and_trusted(page, tmp_path):
    """Twice in a row: what it shows, signed, private, with no trace of papermill."""
    blank = json.loads(page.read_text())
    for _ in range(2):
        assert fill_page(page) is None
    assert "0 of 5 parts of the setup are there" in shown(page)
    assert page.stat().st_mode & 0o777 == 0o600
    filled = json.loads(page.read_text())
    assert [c["source"] for c in filled["cells"]] == [c["source"] for c in blank["cells"]]
    assert [c["metadata"] for c in filled["cells"]] == [c["metadata"] for c in blank["cells"]]
    assert "papermill" not in page.read_text()
    with NotebookNotary(data_dir=str(tmp_path / "jupyter")) as notary:
        assert notary.check_signature(nbformat.read(page, as_version=4))


def test_a_failure_is_on_the_page_in_place_of_what_was_there(page):
    """The words of the error, on the page and in the terminal; nothing is raised."""
    fill_page(page)
    edit(page, '000000000000\\"', '111122223333\\"')
    said = []
    prepare_start_page(page.parent, said.append)
    assert "the parameters say 111122223333 (account_id)" in said[-1]
    assert "the parameters say 111122223333 (account_id)" in shown(page)
    assert "parts of the setup are there" not in shown(page)


def test_a_page_that_takes_too_long_is_given_up(page):
    """After the time that it has, with a word of why."""
    edit(page, "iamkit.show_urgent(start)", "__import__('time').sleep(60)")
    problem = fill_page(page, patience=12)
    assert problem == "It was not done within 12 s in cell 8 (urgent)."
    assert problem in shown(page)
    assert "parts of the setup are there" in shown(page)


def test_a_secret_never_gets_onto_the_page(page, sandbox):
    """What was executed is thrown away, and the page says why it is empty."""
    secret = sandbox.secret_access_key
    edit(page, "iamkit.show_urgent(start)", f"print('{secret[:20]}' + '{secret[20:]}')")
    assert "A secret is in cell 8 (urgent)" in fill_page(page)
    assert "A secret is in cell 8 (urgent)" in shown(page)
    assert secret not in page.read_text()


def test_a_page_that_is_broken_keeps_nothing_from_opening(page):
    """It is said, and the file stays as it is."""
    page.write_text("no notebook")
    said = []
    prepare_start_page(page.parent, said.append)
    assert "is not a notebook" in said[-1]
    assert page.read_text() == "no notebook"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("iamkit.show_urgent(start)", "open('{mark}', 'w')"),
        ("account_id: str", "account_id: open('{mark}', 'w')"),
        ('account_id: str = \\"000000000000\\"', "account_id: str = open('{mark}', 'w').name"),
        ("· Start here", "· Start here <img src=x onerror=alert(1)>"),
    ],
)
def test_a_page_of_somebody_elses_is_not_run_unasked(page, tmp_path, old, new):
    """A folder can come from anybody: before it is looked at nothing of it runs or is trusted."""
    edit(page, old, new.replace("{mark}", str(tmp_path / "ran")))
    before, said = page.read_text(), []
    prepare_start_page(page.parent, said.append)
    assert "not the kit's own" in said[-1]
    assert page.read_text() == before
    assert not (tmp_path / "ran").exists()


def test_the_command_of_links_opens_the_kits_steps():
    """Each notebook of the kit has such a name as the command takes; a path is none."""
    script = EXTENSIONS / "iamkit" / "static" / "open_notebook.js"
    step = re.compile(re.search(r"STEP = /(.+)/;", script.read_text())[1])
    assert all(step.search(f"{name}.ipynb") for name in NOTEBOOKS)
    for other in ("evil.ipynb", "../03_dev_group.ipynb", "/03_dev_group.ipynb", "a/03_a.ipynb"):
        assert not step.search(other)


def test_in_its_own_checkout_the_kit_works_in_a_folder_of_its_own(private_home, monkeypatch):
    """Committed notebooks get no outputs: neither there by default, nor when it is asked for."""
    monkeypatch.setenv("IAMKIT_HOME", str(private_home))
    monkeypatch.chdir(ROOT)
    assert is_checkout(ROOT)
    assert prepare_folder(None, None) == private_home / "lab"
    before = (ROOT / "notebooks" / START).read_bytes()
    said = []
    prepare_start_page(prepare_folder(ROOT, None) / "notebooks", said.append)
    assert "checkout" in said[0]
    assert (ROOT / "notebooks" / START).read_bytes() == before


def test_a_folder_of_an_older_kit_gets_the_start_page_alone(tmp_path, monkeypatch):
    """What was removed there on purpose does not come back."""
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path)
    assert prepare_folder(None, None) == tmp_path
    assert [path.name for path in (tmp_path / "notebooks").iterdir()] == [START]
    assert not is_checkout(tmp_path)


def test_the_environment_names_file_settings_and_a_workspace_a_folder(
    private_home, tmp_path, monkeypatch
):
    """Kernels inherit the file; a person's own settings stay; each folder has its own tabs."""
    monkeypatch.setenv("IAMKIT_HOME", str(private_home))
    for name in (CURRENT, LAB, "JUPYTERLAB_SETTINGS_DIR", "JUPYTERLAB_WORKSPACES_DIR"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", "/short")
    assert current_parameters_file() is None
    settings = private_home / "jupyterlab" / "@jupyterlab"
    autosave = settings / "docmanager-extension" / "plugin.jupyterlab-settings"
    commented = settings / "notebook-extension" / "tracker.jupyterlab-settings"
    for path, text in ((autosave, '{"autosaveInterval": 60}'), (commented, "// mine\n{}")):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    workspaces = set()
    for folder in (tmp_path / "a" / "ops", tmp_path / "b" / "ops"):
        prepare_environment(folder, GUIDE)
        workspaces.add(os.environ["JUPYTERLAB_WORKSPACES_DIR"])
    assert len(workspaces) == 2
    assert current_parameters_file() == GUIDE
    assert json.loads(autosave.read_text()) == {
        "autosaveInterval": 60,
        "lastModifiedCheckMargin": 30_000,
    }
    assert commented.read_text() == "// mine\n{}"
    news = settings / "apputils-extension" / "notification.jupyterlab-settings"
    assert json.loads(news.read_text())["fetchNews"] == "false"
    for path in (autosave, commented):
        path.unlink()


def test_notebooks_of_another_version_get_the_new_ones_beside_them(tmp_path):
    """With their parameters, in a folder of their own; nothing of the user's is overwritten."""
    folder, said = prepare_folder(tmp_path / "ops", None), []
    own = folder / "notebooks"
    assert offer_notebooks(folder, said.append) == own
    old = own / "03_dev_group.ipynb"
    edit(old, '"version": "', '"version": "0.0.')
    edit(old, "dev_group: str = None", "dev_group: str = 'makers'")
    before = {path: path.read_bytes() for path in own.glob("*.ipynb")}
    assert said == []
    beside = offer_notebooks(folder, said.append)
    assert beside.parent == own
    assert str(beside) in said[0]
    assert {path.name for path in beside.iterdir()} == {path.name for path in before}
    assert declared_parameters(beside / old.name)["dev_group"] == "makers"
    (beside / old.name).write_text("mine")
    assert offer_notebooks(folder, said.append) == beside
    assert (beside / old.name).read_text() == "mine"
    assert {path: path.read_bytes() for path in own.glob("*.ipynb")} == before
    assert "of version 0.0." in say_other(old)


ENDS = {
    "a name of a cell above": ("session", "needs what the cells above it make (session): press"),
    "a name of another version": ("import iamkit; iamkit.show_it", "No iamkit attribute show_it"),
    "an error of ours": ("from iamkit.errors import AwsError; raise AwsError('so')", "✘ so When"),
    "a name within a library": ("exec(compile('def f(): x\\nf()', 'l', 'exec'))", ""),
    "anything else": ("1 / 0", ""),
}


@pytest.mark.parametrize("case", ENDS)
def test_an_error_of_a_cell_is_a_sentence_with_what_to_press(case, monkeypatch):
    """As the kernels of the lab show it; what is no slip in the order, nor ours, is as ever."""
    code, said = ENDS[case]
    shell, shown = InteractiveShell(config=Config(HistoryManager={"enabled": False})), []
    cell_errors.load_ipython_extension(shell)
    monkeypatch.setattr(cell_errors, "display", lambda bundle, **_: shown.append(bundle))
    monkeypatch.setattr(shell, "showtraceback", lambda *_, **__: shown.append("traceback"))
    assert shell.run_cell(code).error_in_exec
    (one,) = shown
    if said:
        assert said in one["text/plain"]
    else:
        assert one == "traceback"
