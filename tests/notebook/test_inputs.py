import json

import pytest

from iamkit.errors import InputError
from iamkit.notebook.input_notebook import (
    check_parameters,
    declared_parameters,
    imported_names,
    values_for,
)
from iamkit.parameters.models import NOTEBOOKS
from iamkit.parameters.yaml_file import read_parameters

PARAMETERS = """
environment: str = "sandbox"  # or aws; a = in a comment is fine
dry_run: bool = True
users: list = [{"name": "alice", "tags": {"team": "a"}}]
region = None
"""


@pytest.fixture
def notebook(tmp_path):
    def write(source=PARAMETERS, tags=("parameters",)):
        path = tmp_path / "04_users.ipynb"
        cells = [
            {"cell_type": "markdown", "source": ["import nothing"], "metadata": {}},
            {"cell_type": "code", "source": source, "metadata": {"tags": list(tags)}},
            {
                "cell_type": "code",
                "source": ["import os\n", "from a.b import c\n", "c.d(os.getpid(), x.y)"],
                "metadata": {},
            },
            {"cell_type": "code", "source": "%magic", "metadata": {}},
        ]
        path.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4}))
        return path

    return write


def test_the_declared_parameters_are_read_with_their_defaults(notebook):
    """Annotated or not, and whatever the comment holds, a parameter is read."""
    assert declared_parameters(notebook()) == {
        "environment": "sandbox",
        "dry_run": True,
        "users": [{"name": "alice", "tags": {"team": "a"}}],
        "region": None,
    }


def test_a_notebook_without_parameters_declares_none(notebook):
    """Only the tagged cell counts."""
    assert declared_parameters(notebook(tags=())) == {}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("dryrun", "did you mean dry_run"),
        ("x = __import__('os').abort()", "declares no parameter .* Nothing was run"),
        ("zebra", "it declares: environment, dry_run, users, region"),
    ],
)
def test_an_undeclared_parameter_is_refused(notebook, given, message):
    """An unknown name, or code in the place of a name, never reaches papermill."""
    with pytest.raises(InputError, match=message):
        check_parameters(notebook(), {given: 1})


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("users = list_users()", r"users of 04_users.ipynb has the default list_users\(\)"),
        ("x = 1\nusers = [", "parameters cell of 04_users.ipynb is not Python, line 2"),
    ],
)
def test_a_default_that_is_no_plain_value_is_refused(notebook, source, message):
    """A default must be readable without running it."""
    with pytest.raises(InputError, match=message):
        declared_parameters(notebook(source))


@pytest.mark.parametrize("text", ["", "[]", "{}", "\0", "nothing like it"])
def test_a_file_that_is_no_notebook_is_refused(tmp_path, text):
    """So is one that is not there."""
    path = tmp_path / "a.ipynb"
    with pytest.raises(InputError, match=r"No notebook .*a.ipynb: No such file"):
        declared_parameters(path)
    path.write_text(text)
    with pytest.raises(InputError, match="is not a notebook"):
        declared_parameters(path)


ACCOUNT = 'environment: aws\naccount_id: "111122223333"\n'


def test_a_notebook_of_anothers_gets_what_it_declares(notebook, tmp_path):
    """Of the values that are named, checked like all; nothing for what nobody named."""
    own = notebook().rename(tmp_path / "mine.ipynb")
    file = tmp_path / "team.yaml"
    file.write_text(f"{ACCOUNT}users: [{{name: bob}}]\ndev_group: dev\n")
    given = values_for([own], read_parameters(file), {"dry_run": False})
    assert given == {"mine": {"environment": "aws", "users": [{"name": "bob"}], "dry_run": False}}
    file.write_text(f"{ACCOUNT}users: [{{name: a b}}]\n")
    with pytest.raises(InputError, match="users.1..name.* holds a space"):
        values_for([own], read_parameters(file), {})


def test_an_older_copy_of_the_kits_notebook_gets_every_value(notebook, tmp_path):
    """Its own defaults stand for nothing, and what it does not declare is no reason to refuse."""
    copy = notebook()
    file = tmp_path / "team.yaml"
    file.write_text(ACCOUNT)
    given = values_for([copy], read_parameters(file), {})[copy.stem]
    assert given["users"] == []
    assert set(given) == set(NOTEBOOKS["04_users"].model_fields)
    check_parameters(copy, given)


def test_the_imports_of_a_notebook_are_known(notebook):
    """Modules and what is used of them are known; a cell that is not Python is passed over."""
    assert imported_names(notebook()) == {"os", "os.getpid", "a.b.c"}
