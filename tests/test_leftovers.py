"""What a run of the tests leaves behind fails it, and is named."""

import os
import subprocess
import sys

import psutil
import pytest
from leftovers import RUN
from paths import ROOT

LEAVING = """
import subprocess, sys, tempfile
def test_that_leaves_a_process(tmp_path):
    code = "import socket, time; s = socket.create_server(('127.0.0.1', 0)); print(1, flush=True)"
    command = [sys.executable, "-c", code + "; time.sleep(600)"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout.readline()
def test_that_leaves_a_folder():
    tempfile.mkdtemp(prefix="left-")
"""
TIDY = "def test_that_leaves_nothing(tmp_path): (tmp_path / 'file').write_text('text')"


@pytest.fixture
def run(tmp_path):
    """A function: tests and options to the end of a run of its own, and its folder's parent."""
    (tmp_path / "tmp").mkdir()

    def run(tests, *options):
        (tmp_path / "test_it.py").write_text(tests)
        environ = {n: v for n, v in os.environ.items() if n != RUN and "PYTEST" not in n}
        environ |= {"TMPDIR": str(tmp_path / "tmp"), "PYTHONPATH": str(ROOT / "tests")}
        command = [sys.executable, "-m", "pytest", "-p", "leftovers", "-p", "no:cacheprovider"]
        return subprocess.run(
            [*command, "-q", *options, "test_it.py"],
            cwd=tmp_path,
            env=environ,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.mark.parametrize("options", [("-n", "0"), ("-n", "1")], ids=["alone", "xdist"])
def test_a_process_with_its_port_and_a_folder_are_named(run, tmp_path, options):
    """By the test that left them; the run fails, though its tests pass, and ends them."""
    done = run(LEAVING, *options)
    assert "2 passed" in done.stdout, done.stdout + done.stderr
    assert done.returncode == 1
    left = done.stdout.split("left behind by the tests")[1]
    line = next(line for line in left.splitlines() if line.startswith("process"))
    assert "on port" in line
    assert "test_it.py::test_that_leaves_a_process" in line
    assert "in the temporary folder: left-" in left
    assert not psutil.pid_exists(int(line.split(",")[0].removeprefix("process ")))
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_tidy_run_passes_and_removes_its_folder(run, tmp_path):
    """What the tests wrote is gone."""
    done = run(TIDY, "-n", "0")
    assert done.returncode == 0, done.stdout
    assert "left behind" not in done.stdout
    assert list((tmp_path / "tmp").iterdir()) == []
