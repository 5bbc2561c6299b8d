"""Where to put it: the everyday changes of the page "Extending", made in a copy of the project.

Each is there as whole code, with the test that holds it. The tests fail before the code is there
and pass after, and as many files are touched as the page promises.
"""

import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import nbformat
import pytest
from paths import ROOT

PAGE = (ROOT / ".github" / "docs" / "extending.md").read_text(encoding="utf-8")
COPIED = ("iamkit", "notebooks", "parameters", "tests", ".github", "pyproject.toml")
PROMISE = re.compile(r"^\| \[(.+?)\]\(#(.+?)\) \| (\d+) \|", re.MULTILINE)
BLOCK = re.compile(r'^```(\w+) title="(.+?)"\n(.*?)^```$', re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"`pytest (\S+)(?: -k (\S+))?`")
CELL = re.compile(r"^# %% \[(.+)\]\n", re.MULTILINE)
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}
CHANGES = {anchor: int(files) for _, anchor, files in PROMISE.findall(PAGE)}
"""How many files each change touches, as the page says, beside the tests."""


def section(anchor):
    """The part of the page below a heading."""
    found, heading, is_code = "", "", False
    for line in PAGE.splitlines(keepends=True):
        is_code ^= line.startswith("```")
        if line.startswith("## ") and not is_code:
            heading = line[3:].strip().lower().replace(" ", "-")
        found += line if heading == anchor else ""
    return found


def blocks_of(anchor):
    """The code of a change: kind, file and text of each block that names a file."""
    return BLOCK.findall(section(anchor))


def files_of(anchor):
    """The files that a change touches, beside the tests."""
    return {path for _, path, _ in blocks_of(anchor) if not path.startswith("tests/")}


def put(kind, path, text):
    """Put a block into a file: lines of a diff in their place, other code at the end."""
    path.parent.mkdir(parents=True, exist_ok=True)
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    if path.suffix == ".ipynb":
        nbformat.write(notebook_of(text), path)
    elif kind == "diff":
        lines = text.splitlines(keepends=True)
        old, new = ("".join(s[1:] for s in lines if s[0] in kept) for kept in (" -", " +"))
        assert before.count(old) == 1, f"{path.name} has not once:\n{old}"
        path.write_text(before.replace(old, new), encoding="utf-8")
    else:
        path.write_text(f"{before}\n\n{text}".lstrip("\n"), encoding="utf-8")


def notebook_of(text):
    """Cells from text: each begins with its tag, or with ``markdown``, in a line of its own."""
    notebook = nbformat.v4.new_notebook(
        metadata={"kernelspec": KERNEL, "iamkit": {"version": version("iamkit")}}
    )
    _, *parts = CELL.split(text)
    for tag, source in zip(parts[::2], parts[1::2], strict=True):
        make = nbformat.v4.new_markdown_cell if tag == "markdown" else nbformat.v4.new_code_cell
        folded = {"tags": [tag], "jupyter": {"source_hidden": True}}
        metadata = {} if tag == "markdown" else folded
        notebook.cells.append(make(source.strip(), metadata=metadata))
    return notebook


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A copy of the project, without what is made from it."""
    copy = tmp_path_factory.mktemp("project")
    for name in COPIED:
        if (ROOT / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, copy / name, ignore=ignored)
        else:
            shutil.copy(ROOT / name, copy)
    return copy


def outcomes(project):
    """How the tests of all changes end in the copy, by their names."""
    commands = [command for anchor in CHANGES for command in COMMAND.findall(section(anchor))]
    files = dict.fromkeys(file for file, _ in commands)
    words = " or ".join(word or Path(file).stem for file, word in commands)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-rA", "-p", "no:cacheprovider", *files, "-k", words],
        cwd=project,
        env=os.environ | {"PYTHONPATH": str(project), "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.findall(r"^(PASSED|FAILED|ERROR) (\S+)", done.stdout, re.MULTILINE)
    return {name: outcome for outcome, name in found}, done.stdout


@pytest.fixture(scope="module")
def before_and_after(project):
    """The outcomes with the tests alone, and with the code that they are about."""
    found = []
    for of_tests in (True, False):
        for anchor in CHANGES:
            for kind, path, text in blocks_of(anchor):
                if path.startswith("tests/") == of_tests:
                    put(kind, project / path, text)
        found.append(outcomes(project))
    return found


@pytest.mark.parametrize("anchor", CHANGES)
def test_a_change_touches_as_many_files_as_the_page_says(anchor):
    """Whoever follows it opens no other."""
    assert len(files_of(anchor)) == CHANGES[anchor]


@pytest.mark.parametrize("anchor", CHANGES)
def test_a_change_does_what_its_test_says(anchor, before_and_after):
    """Its test fails without the code on the page, and passes with it."""
    for (by_name, log), wanted in zip(
        before_and_after, ({"FAILED", "ERROR"}, {"PASSED"}), strict=True
    ):
        for file, word in COMMAND.findall(section(anchor)):
            ends = {o for name, o in by_name.items() if name.startswith(file) and word in name}
            assert ends <= wanted, log
            assert ends or "PASSED" not in wanted, log
