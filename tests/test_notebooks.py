"""The notebooks: their anatomy, their defaults, and that they run."""

import ast
import json
import re
import subprocess
import sys

import pytest
from paths import GUIDE, ROOT

from iamkit.notebook.run import declared_parameters
from iamkit.parameters import NOTEBOOKS, PolicyChoice, Thresholds, UserRow, Waiver
from iamkit.parameters_file import read_parameters

CHANGING = [
    "02_admin_group",
    "03_dev_group",
    "04_users",
    "05_account_alias",
    "07_policy_studio",
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
    assert everything[-1]["cell_type"] == "markdown"
    assert tags(path)[:3] == ["parameters", "setup", "session"]
    for cell in cells_of(path):
        assert cell["outputs"] == []
        assert cell["execution_count"] is None
        lines = source(cell).splitlines()
        assert len(lines) <= (12 if "parameters" in cell["metadata"]["tags"] else 6)
        assert not re.search(r"^\s*(def|class) |boto3|widgets\.", source(cell), re.MULTILINE)


@pytest.mark.parametrize("path", **by_name([p for p in BOOKS if p.stem in CHANGING]))
def test_a_notebook_that_changes_plans_reviews_and_verifies(path):
    """Form, desired, plan, apply and verify come in this order, and dry_run is the default."""
    steps = [tag for tag in tags(path) if tag in ("form", "desired", "plan", "apply", "verify")]
    assert steps == ["form", "desired", "plan", "apply", "verify"]
    assert declared_parameters(path)["dry_run"] is True


@pytest.mark.parametrize("path", **by_name(BOOKS))
def test_the_parameters_cell_is_the_model(path):
    """Each parameter of the model is declared with its type and help, and the guide's value."""
    fields = NOTEBOOKS[path.stem].model_fields
    declared = declared_parameters(path)
    assert sorted(declared) == sorted(fields)
    cell = source(cells_of(path)[0])
    for line in cell.splitlines():
        name, rest = line.split(":", 1)
        assert line.endswith(f"  # {fields[name].description}"), line
        assert rest.count("=") == 1, "papermill drops a parameter with a second ="
    model = read_parameters(GUIDE).for_notebook(path.stem, {})
    for name, default in declared.items():
        assert getattr(model, name) == as_model(name, default), name


def as_model(name, value):
    """A parameter's value in a notebook as the model holds it."""
    rows = {"users": UserRow, "waivers": Waiver, "policy_choices": PolicyChoice}
    if name in rows:
        return [rows[name](**row) for row in value]
    return Thresholds(**value) if name == "thresholds" else value


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
