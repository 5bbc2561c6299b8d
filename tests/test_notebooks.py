"""The notebooks: their anatomy, their defaults, and that they run."""

import ast
import json
import re
import subprocess
import sys
from importlib.metadata import version

import pytest
import yaml
from paths import GUIDE, ROOT

from iamkit.errors import InputError
from iamkit.notebook.input_notebook import declared_parameters, values_for
from iamkit.notebook.versions import say_other, version_of
from iamkit.parameters.files import CURRENT
from iamkit.parameters.models import NOTEBOOKS, plain_values
from iamkit.parameters.practice import practice_values
from iamkit.parameters.yaml_file import TARGET, read_parameters
from iamkit.plan.desired import Desired
from iamkit.plan.wanted import desired_of

CHANGING = [
    "02_admin_group",
    "03_dev_group",
    "04_users",
    "05_account_alias",
    "07_policy_studio",
    "08_sign_in_rules",
    "10_rotate_keys",
]
BOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def cells_of(path, kind="code"):
    return [c for c in json.loads(path.read_text())["cells"] if c["cell_type"] == kind]


def source(cell):
    return "".join(cell["source"])


def tags(path):
    return [cell["metadata"]["tags"][0] for cell in cells_of(path)]


def by_name(paths):
    return {"argvalues": paths, "ids": [path.stem for path in paths]}


def test_every_notebook_has_a_model_and_the_other_way_round():
    """Notebooks and parameter models are the same set."""
    assert [path.stem for path in BOOKS] == sorted(NOTEBOOKS)


@pytest.mark.parametrize("path", **by_name(BOOKS))
def test_a_notebook_has_the_anatomy(path):
    """Title first, then parameters, setup and session; small cells, no outputs, no definitions."""
    everything = json.loads(path.read_text())["cells"]
    assert everything[0]["cell_type"] == "markdown"
    assert source(everything[0]).startswith("# ")
    assert "Permissions it needs" in source(everything[0])
    last = everything[-1]
    assert last["cell_type"] == "markdown" or last["metadata"]["tags"] in (["workbench"], ["next"])
    assert tags(path)[:3] == ["parameters", "setup", "session"]
    for cell in cells_of(path):
        assert cell["outputs"] == []
        assert cell["execution_count"] is None
        lines = source(cell).splitlines()
        assert len(lines) <= (16 if "parameters" in cell["metadata"]["tags"] else 6)
        assert not re.search(r"^\s*(def|class) |boto3|widgets\.", source(cell), re.MULTILINE)


@pytest.mark.parametrize("path", **by_name(BOOKS))
def test_a_notebook_bears_the_version_of_the_kit(path):
    """A notebook of another version can tell so."""
    assert version_of(path) == version("iamkit")
    assert say_other(path) == ""


FIRST_SCREEN = 300
"""Characters of prose between the title and what folds."""


@pytest.mark.parametrize("path", **by_name(BOOKS))
def test_the_first_screen_is_short(path):
    """The title, what it does, what to press; the rest folds, and so does the code."""
    first = source(cells_of(path, "markdown")[0])
    title, *said = first.partition("<details>")[0].strip().split("\n\n")
    assert title.startswith(f"# {path.stem[:2]} · ")
    assert "*Run ▸ Run All Cells*" in said[-1]
    assert sum(map(len, said)) <= FIRST_SCREEN
    assert first.strip().endswith("</details>")
    assert all(cell["metadata"]["jupyter"]["source_hidden"] for cell in cells_of(path))


@pytest.mark.parametrize("path", **by_name([p for p in BOOKS if p.stem in CHANGING]))
def test_a_notebook_that_changes_ends_with_its_workbench(path):
    """One last cell reads as the pipeline, and dry_run is the default."""
    last = json.loads(path.read_text())["cells"][-1]
    assert last["metadata"]["tags"] == ["workbench"]
    steps = re.findall(r"^(form|desired|plan|iamkit\.review_plan)\b", source(last), re.MULTILINE)
    assert steps == ["form", "desired", "plan", "iamkit.review_plan"]
    assert declared_parameters(path)["dry_run"] is True


@pytest.mark.parametrize("path", **by_name(BOOKS))
def test_the_parameters_cell_is_the_model(path):
    """Each parameter of the model is declared with its type, its help and the model's default.

    None stands where there is no default, or another one in the practice account.
    """
    fields = NOTEBOOKS[path.stem].model_fields
    declared = declared_parameters(path)
    assert sorted(declared) == sorted(fields)
    cell = source(cells_of(path)[0])
    for line in cell.splitlines():
        name, rest = line.split(":", 1)
        assert line.endswith(f"  # {fields[name].description}"), line
        assert rest.count("=") == 1, "papermill drops a parameter with a second ="
    opened = {name: declared.pop(name) for name in TARGET}
    assert opened == practice_values(TARGET)
    for name, default in declared.items():
        if fields[name].is_required() or name in practice_values(fields):
            assert default is None, name
        else:
            assert default == fields[name].get_default(call_default_factory=True), name


@pytest.mark.parametrize("path", **by_name(BOOKS))
def test_a_notebook_as_it_is_opened_is_the_guide(path):
    """With no file, in the practice account, it has the values of the guide's file."""
    assert setup_of(path, {}) == read_parameters(GUIDE).for_notebook(path.stem, {})


def setup_of(path, injected):
    """What the setup cell makes of a notebook's parameters and of what papermill injects."""
    from papermill.iorw import load_notebook_node
    from papermill.parameterize import parameterize_notebook

    notebook = load_notebook_node(str(path))
    if injected:
        notebook = parameterize_notebook(
            notebook, injected, kernel_name="python3", language="python"
        )
    scope = {}
    for cell in notebook.cells:
        if {"parameters", "injected-parameters", "setup"} & set(cell.metadata.tags):
            exec(cell.source, scope)
    return scope["parameters"]


LOOK = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": ["ec2:Get*"], "Resource": "*"}],
}
AWS = {"environment": "aws", "account_id": "111122223333"}
SAID = {
    "02_admin_group": {
        "admin_group": "ops",
        "admin_policy_name": "opsPolicy",
        "admin_policy": LOOK,
        "admin_user": "dana",
    },
    "03_dev_group": {
        "dev_group": "makers",
        "dev_policy_name": "makersPolicy",
        "dev_policy": LOOK,
    },
    "05_account_alias": {"account_alias": "our-team"},
}
"""By notebook, what has to be said beside the account."""


GUIDES_OWN = {"alice", "bob", "carol", "Admins", "maestrodev", "star-policy", "group dev"}


def by_papermill(path, values, tmp_path):
    """Plain papermill injects what the file names."""
    return setup_of(path, values)


def by_iamkit(path, values, tmp_path):
    """`iamkit run` checks the file, and injects what that comes to."""
    file = tmp_path / "team.yaml"
    file.write_text(yaml.safe_dump(values))
    given = values_for([path], read_parameters(file), {})[path.stem]
    assert given == plain_values(NOTEBOOKS[path.stem].model_validate(given)), "all of them"
    assert set(given) == set(NOTEBOOKS[path.stem].model_fields)
    return setup_of(path, given)


@pytest.mark.parametrize("run", [by_papermill, by_iamkit])
@pytest.mark.parametrize("path", **by_name(BOOKS))
def test_on_a_real_account_a_notebook_wants_what_its_file_says(path, run, tmp_path, monkeypatch):
    """What has to be said is named, and nothing of the guide stands for what is not said."""
    monkeypatch.delenv(CURRENT, raising=False)
    said = SAID.get(path.stem, {})
    if said:
        with pytest.raises(InputError, match="Nothing was changed") as error:
            run(path, AWS, tmp_path)
        assert all(f"{name}: this is missing" in str(error.value) for name in said)
    parameters = run(path, AWS | said, tmp_path)
    assert parameters == NOTEBOOKS[path.stem](**AWS, **said)
    if not said:
        assert desired_of(parameters) == Desired()
    mine = json.dumps([plain_values(parameters), repr(desired_of(parameters))])
    assert not GUIDES_OWN & set(re.findall(r"[\w -]+", mine))


@pytest.mark.parametrize("run", [by_papermill, by_iamkit])
def test_what_is_said_as_none_or_empty_stays_so_in_the_practice_account(run, tmp_path):
    """Nobody is brought back whom a file has taken out."""
    values = {"environment": "sandbox", "account_id": "000000000000", "users": [], "run_as": ""}
    parameters = run(BOOKS[4], values, tmp_path)
    assert (parameters.users, parameters.run_as) == ([], "")


def test_plain_papermill_on_a_real_account_names_what_is_not_said(tmp_path):
    """Before any client is made: the error names each parameter, and no alias is the guide's."""
    out = tmp_path / "out.ipynb"
    command = [sys.executable, "-m", "papermill", str(ROOT / "notebooks/02_admin_group.ipynb")]
    command += [str(out), "-p", "environment", "aws", "-r", "account_id", "111122223333"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    for name in SAID["02_admin_group"]:
        assert f"{name}: this is missing" in done.stderr
    ran = [cell for cell in json.loads(out.read_text())["cells"] if cell.get("execution_count")]
    assert "open_session" not in "".join(source(cell) for cell in ran)


@pytest.mark.parametrize("path", **by_name(BOOKS))
def test_papermill_infers_every_parameter(path):
    """papermill's own inspection, which is line by line, finds what the cell declares."""
    import papermill

    assert set(papermill.inspect_notebook(str(path))) == set(declared_parameters(path))


@pytest.mark.parametrize("path", **by_name(BOOKS))
def test_code_is_python(path):
    """Each code cell parses."""
    for cell in cells_of(path):
        ast.parse(source(cell))


def test_nbval_passes_on_all_notebooks(sandbox):
    """Every notebook runs by its own defaults, as nbval runs it."""
    command = [sys.executable, "-m", "pytest", "-q", "--nbval-lax", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, *map(str, BOOKS)], capture_output=True, text=True, check=False, cwd="/"
    )
    assert done.returncode == 0, done.stdout[-3000:]


def test_papermill_alone_runs_a_notebook(sandbox, tmp_path):
    """Plain papermill applies 03 with the guide's parameters, and nothing else of iamkit's."""
    command = [sys.executable, "-m", "papermill", str(ROOT / "notebooks/03_dev_group.ipynb")]
    command += [str(tmp_path / "out.ipynb"), "-f", str(GUIDE), "-y", "dry_run: false"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "PutGroupPolicy" in {call["action"] for call in sandbox.calls()}
