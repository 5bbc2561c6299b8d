import json
import os
import subprocess
import sys
import time

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, writes

from iamkit.notebook.fork_server import ForkServer, forking
from iamkit.notebook.runs.run import run_notebooks

FACTS = """
import json, os, random, signal, sys, threading, uuid
from ipykernel.kernelapp import IPKernelApp
print(json.dumps({
    "folder": os.getcwd(),
    "environment": {n: v for n, v in os.environ.items() if n != "JPY_PARENT_PID"},
    "program": [os.path.basename(sys.argv[0]).removesuffix(".py"), len(sys.argv)],
    "path": sys.path,
    "signals": [str(signal.getsignal(n)) for n in (signal.SIGCHLD, signal.SIGTERM)],
    "main": threading.current_thread() is threading.main_thread(),
    "own session": os.getsid(0) == os.getpid(),
    "input": sys.__stdin__.read(),
    "heavy": sorted({"pandas", "numpy"} & set(sys.modules)),
    "chance": [random.random(), uuid.uuid4().hex],
    "parent": os.getppid(),
    "watched": IPKernelApp.instance().parent_handle == os.getppid(),
}))
"""


@pytest.fixture
def run(tmp_path):
    """Run so many notebooks of one cell; give what each of them printed."""

    def run(source, count=2, **more):
        paths = []
        for number in range(count):
            paths.append(tmp_path / f"{number}.ipynb")
            paths[-1].write_text(writes(new_notebook(cells=[new_code_cell(source)])))
        results = run_notebooks(paths, {}, tmp_path / "out", list, lambda _: None, **more)
        printed = []
        for result in results:
            cells = nbformat.read(result.output, as_version=4).cells
            outputs = [output for cell in cells for output in cell.get("outputs", ())]
            printed.append("".join(output.get("text", "") for output in outputs))
        return results, printed

    return run


def test_what_is_imported_ahead_starts_no_thread():
    """A process with threads, Python's or a library's own, cannot be forked safely."""
    code = (
        "import os, sys\n"
        "from pkgutil import resolve_name\n"
        "from iamkit.notebook.fork_server import PRELOADED\n"
        "for name in PRELOADED: resolve_name(name)\n"
        "assert len(os.listdir('/proc/self/task')) == 1\n"
        "assert 'iamkit.notebook.review.cells' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_forked_kernel_is_as_a_new_process(run, monkeypatch, tmp_path):
    """Folder, environment, signals, streams and session are the same; chance is its own."""
    monkeypatch.chdir(tmp_path)
    with forking(2) as server:
        monkeypatch.setenv("IAMKIT_TEST_LATER", "ünder \n way")  # after the server has started
        forked = [json.loads(text) for text in run(FACTS, fork_server=server)[1]]
    monkeypatch.delattr(os, "pidfd_open")
    alone = [json.loads(text) for text in run(FACTS)[1]]
    parents = [[kernel.pop("parent") for kernel in kernels] for kernels in (forked, alone)]
    assert parents[0] != [os.getpid()] * 2 == parents[1]
    chances = [tuple(kernel.pop("chance")) for kernel in forked]
    assert len(set(chances)) == 2
    for kernel in alone:
        del kernel["chance"]
    assert forked[0]["environment"]["IAMKIT_TEST_LATER"] == "ünder \n way"
    assert forked == alone


def test_what_a_kernel_was_given_reaches_no_other(run):
    """The process that forks never reads it: not the environment, not what a notebook did."""
    script = "import iamkit.errors as e\nprint(hasattr(e, 'left'))\ne.left = 'secret'"
    assert run(script)[1] == ["False\n", "False\n"]


@pytest.mark.parametrize(
    ("ends", "told"),
    [
        ("import os; os._exit(3)", ["The kernel ended in cell 1."]),
        # It is interrupted then, as if the run had ended, and ends.
        (
            "import os, signal; os.kill(os.getppid(), signal.SIGKILL)",
            ["KeyboardInterrupt", "The kernel ended in cell 1."],
        ),
    ],
)
def test_a_fork_that_ends_is_told(run, ends, told):
    """Alone, or with the process that forked it: it is no success, and no other runs."""
    results, _ = run(f"{ends}\nimport time; time.sleep(60)")
    assert [result.exit_code for result in results] == [1]
    assert results[0].error.startswith(tuple(told))


def test_a_server_that_is_gone_is_not_asked(run):
    """Without it, each kernel is a new process."""
    with forking(2) as server:
        server._process.kill()
        server._process.wait()
        assert run("print(1)", fork_server=server)[1] == ["1\n", "1\n"]


@pytest.mark.parametrize("kernels", [0, 1])
def test_a_kernel_alone_needs_no_server(kernels):
    """It would start no sooner."""
    with forking(kernels) as server:
        assert server is None


def test_an_early_end_waits_for_nothing():
    """An error in the arguments is told before the imports are done, and no process is left."""
    begun = time.monotonic()
    with forking(2) as server:
        assert isinstance(server, ForkServer)
    assert time.monotonic() - begun < 1
    assert server._process.returncode is not None
