import json
import re
import signal
import stat
import subprocess
import sys
import time

import pytest

from iamkit.errors import HandoverError, InputError
from iamkit.notebook.result import RESULT_MIME
from iamkit.notebook.runs.run import exit_code_of, run_notebooks

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYzEXAMPLEKEY"

RUNNER = """
import sys
from pathlib import Path
from iamkit.notebook.runs.run import exit_code_of, run_notebooks
folder = Path(sys.argv[1])
results = run_notebooks(
    sorted(folder.glob("*.ipynb")), {}, folder / "out", lambda: [], lambda progress: None
)
print(results[-1].error)
sys.exit(exit_code_of(results))
"""

PAPERMILL = """
import sys, papermill
papermill.execute_notebook(
    sys.argv[1] + "/01.ipynb", None, kernel_name="python3", progress_bar=False
)
"""

SLOW = """
import os, time
from pathlib import Path
from iamkit.notebook.kernels import end_with_parent
end_with_parent()
folder = Path({folder!r})
(folder / "pid.tmp").write_text(str(os.getpid()))
(folder / "pid.tmp").rename(folder / "pid")
try:
    time.sleep(60)
except KeyboardInterrupt:
    {on_interrupt}
"""


@pytest.fixture
def write(tmp_path):
    """Write a notebook of code cells; a pair is a cell with its tag."""

    def write(name, *cells):
        made = []
        for number, cell in enumerate(cells):
            source, tag = cell if isinstance(cell, tuple) else (cell, "")
            made.append(
                {
                    "cell_type": "code",
                    "id": f"cell-{number}",
                    "source": source,
                    "metadata": {"tags": [tag] if tag else []},
                    "outputs": [],
                    "execution_count": None,
                }
            )
        kernel = {"name": "not-installed", "display_name": "?", "language": "python"}
        notebook = {"cells": made, "metadata": {"kernelspec": kernel}}
        path = tmp_path / f"{name}.ipynb"
        path.write_text(json.dumps(notebook | {"nbformat": 4, "nbformat_minor": 5}))
        return path

    return write


def counts(planned, applied, left, **more):
    told = {"planned": planned, "applied": applied, "left": left} | more
    bundle = {RESULT_MIME: told, "text/plain": ""}
    return f"from IPython.display import display\ndisplay({bundle!r}, raw=True)"


def run(paths, parameters=None, secrets=(SECRET,)):
    """Run notebooks; give the results and what was told on the way."""
    told = []
    folder = paths[0].parent / "out"
    results = run_notebooks(paths, parameters or {}, folder, lambda: secrets, told.append)
    return results, told


def test_notebooks_run_in_order_and_tell_their_outcome(write):
    """A planned notebook does not stop the run; each has its outcome, its files and a line."""
    form = "import ipywidgets\nipywidgets.Password(value='typed by hand')"
    paths = [
        write("01_read", "1 + 1", form),
        write("02_plan", counts(3, 0, 0), ("dry_run: bool = True", "parameters"), "not dry_run"),
        write("03_{done}", counts(2, 0, 0), counts(2, 2, 0)),
    ]
    results, told = run(paths, {"02_plan": {"dry_run": False}})

    assert [result.outcome for result in results] == ["read", "planned", "done"]
    assert [(result.planned, result.applied) for result in results] == [(0, 0), (3, 0), (2, 2)]
    assert [result.error for result in results] == [None] * 3
    assert exit_code_of(results) == 2
    assert [line if isinstance(line, str) else line.name for line in told] == [
        name for path in paths for name in (path.stem, path.stem)
    ]
    for result in results:
        assert stat.S_IMODE(result.output.stat().st_mode) == 0o600
        assert stat.S_IMODE(result.html.stat().st_mode) == 0o600
        assert not re.search(r"""(src|href)=["']?(https?:)?//""", result.html.read_text())
    folder = results[0].output.parent
    assert len(list(folder.iterdir())) == 7
    index = (folder / "index.html").read_text()
    assert stat.S_IMODE((folder / "index.html").stat().st_mode) == 0o600
    assert re.findall(r'href="(.*?)"', index) == [
        "./01_read.html",
        "./02_plan.html",
        "./03_%7Bdone%7D.html",
    ]
    assert "2 of 2" in index
    assert "0 of 3" in index
    assert 'href="index.html"' in results[0].html.read_text()

    executed = [json.loads(result.output.read_text()) for result in results]
    assert "typed by hand" not in json.dumps([cell["outputs"] for cell in executed[0]["cells"]])
    assert "widgets" not in executed[0]["metadata"]
    assert "True" in json.dumps(executed[1]["cells"][-1]["outputs"])
    assert executed[1]["metadata"]["papermill"]["output_path"] == str(results[1].output)


def test_the_run_stops_at_the_first_failure(write):
    """An error of ours is told by its text alone, and what comes after does not run."""
    raising = "from iamkit.errors import GuardError\nraise GuardError('Another account.')"
    paths = [write("01", "1"), write("02", (raising, "session"), "1"), write("03", "1")]
    results, told = run(paths)

    assert [result.outcome for result in results] == ["read", "failed"]
    assert (results[1].error, results[1].exit_code) == ("Another account.", 1)
    assert not (results[0].output.parent / "03.ipynb").exists()
    outputs = json.loads(results[1].output.read_text())["cells"]
    assert "Traceback" not in json.dumps(outputs)
    assert "03" not in told
    assert "Another account." in (results[0].output.parent / "index.html").read_text()


def test_a_secret_in_an_output_fails_the_run(write):
    """What holds it is not kept, not even under another name, and the message has only a place."""
    first, second = SECRET[:20], SECRET[20:]
    split = f"import sys\nprint({first!r}, end='', flush=True)\nprint({second!r})"
    results, _ = run([write("01", "1", (split, "apply")), write("02", "1")])

    assert [result.outcome for result in results] == ["failed"]
    assert "cell 2 (apply) of 01" in results[0].error
    assert results[0].exit_code == 1
    assert [path.name for path in results[0].output.parent.iterdir()] == ["index.html"]
    index = (results[0].output.parent / "index.html").read_text()
    assert "cell 2 (apply) of 01" in index
    assert "href" not in index
    assert first not in repr(results) + index


def test_an_index_with_a_secret_is_not_kept(write):
    """Not even a secret that stands nowhere but in a notebook's name."""
    results, _ = run([write("01", "1"), write(f"02_{SECRET[:12]}", "1")], secrets=(SECRET[:12],))
    names = {path.name for path in results[0].output.parent.iterdir()}
    assert "index.html" not in names


def test_a_secret_in_an_error_is_not_told(write):
    """An error whose text holds a secret is replaced by the message about the leak."""
    results, _ = run([write("01", f"raise ValueError({SECRET!r})")])
    assert "A secret is in cell 1 of 01" in results[0].error
    assert SECRET not in repr(results)
    assert not results[0].output.exists()


RAISE = "from iamkit.errors import *\nraise {}"
AFTER = {
    "an error": (RAISE.format("GuardError('No.')"), "2 of 2 changes were made; journal: /j. No."),
    "a leak": (
        f"print({SECRET!r})",
        "2 of 2 changes were made; journal: /j. A secret is in cell 2 of 01;",
    ),
    "in part": (RAISE.format("PartlyApplied('1 change(s) were made.')"), "1 change(s) were made."),
}


@pytest.mark.parametrize("case", AFTER)
def test_what_fails_after_an_apply_begins_with_what_was_changed(write, case):
    """And with where the journal is; an error that begins so itself is not changed."""
    code, said = AFTER[case]
    results, _ = run([write("01", counts(2, 2, 0, journal="/j"), code)])
    assert results[0].error.startswith(said)
    assert results[0].exit_code == (4 if case == "in part" else 1)


def test_a_journal_with_a_secret_in_its_name_is_not_told(write):
    """What a notebook says of itself is searched too."""
    results, _ = run([write("01", counts(2, 2, 0, journal=SECRET))])
    assert SECRET not in repr(results)
    assert "A secret is in" in results[0].error


@pytest.mark.parametrize("rescued", [True, False])
@pytest.mark.parametrize(("left", "code"), [(0, 1), (1, 4)])
def test_a_report_that_cannot_be_kept(write, tmp_path, monkeypatch, rescued, left, code):
    """It is kept elsewhere if that is possible; the exit code tells what is left undone."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700) if rescued else home.write_text("")
    monkeypatch.setenv("IAMKIT_HOME", str(home))
    block = f"import shutil, os\nshutil.rmtree({str(tmp_path / 'out')!r})\n"
    block += f"open({str(tmp_path / 'out')!r}, 'w').close()"
    results, _ = run([write("01", counts(3, 2, left, journal="/j"), block), write("02", "1")])
    [result] = results
    assert result.exit_code == code
    made = "2 of 3 changes were made; journal: /j. "
    assert result.error.startswith(made)
    assert "report could not be kept in" in result.error
    kept = [path.name for path in tmp_path.rglob("home/runs/*/01*")]
    assert sorted(kept) == (["01.html", "01.ipynb"] if rescued else [])
    assert ("nor could it be kept elsewhere" in result.error) == (not rescued)


def test_secrets_that_cannot_be_told_stop_a_run_before_it_begins(write):
    """Afterwards its output could not be searched."""

    def secrets():
        raise HandoverError("x.csv is not as iamkit wrote it.")

    path = write("01", "open('ran', 'w')")
    with pytest.raises(HandoverError, match=r"as iamkit wrote it\. Nothing was run\."):
        run_notebooks([path], {}, path.parent / "out", secrets, lambda _: None)
    assert not list(path.parent.rglob("ran"))


def test_an_earlier_output_is_replaced(write):
    """What a run wrote, the next one of the same folder may overwrite."""
    path = write("01", "print(1)")
    run([path])
    results, _ = run([path])
    assert results[0].exit_code == 0


def test_a_kernel_that_dies_is_told(write):
    """The message names the cell, and the notebook is kept as far as it came."""
    results, _ = run([write("01", "print('so far')", ("import os; os._exit(3)", "apply"))])
    assert "The kernel ended in cell 2 (apply)." in results[0].error
    assert "the journal names that call" in results[0].error
    assert "so far" in results[0].output.read_text()


def test_nothing_runs_if_an_input_is_wrong(write, tmp_path):
    """Code in the place of a parameter's name, or two notebooks of one name, start no kernel."""
    path = write("01", ("x = 1", "parameters"))
    bomb = f"x = open({str(tmp_path / 'bomb')!r}, 'w')"
    with pytest.raises(InputError, match="declares no parameter"):
        run([path], {"01": {bomb: 1}})
    with pytest.raises(InputError, match="Two notebooks are named 01"):
        run([path, tmp_path / "other" / "01.ipynb"])
    assert [path.name for path in tmp_path.iterdir()] == ["01.ipynb"]


def test_importing_papermill_does_not_load_the_slow_grammar():
    """The 0.9 s for an optional check of jsonschema are not spent, nor is its import broken."""
    code = (
        "import sys; from iamkit.notebook.runs.run import _papermill; _papermill()\n"
        "assert 'rfc3987_syntax' not in sys.modules and 'jsonschema' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


class Slow:
    """A process that runs a notebook whose cell sleeps for a minute."""

    def __init__(self, program, folder, environment):
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-c", program, str(folder)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert wait_until((folder / "pid").exists, 30)
        self.kernel = int((folder / "pid").read_text())

    def kernel_has_ended(self):
        state = subprocess.run(
            ["ps", "-o", "stat=", "-p", str(self.kernel)],
            capture_output=True,
            text=True,
            check=False,
        )
        return state.stdout.strip()[:1] in ("", "Z")


def wait_until(condition, seconds):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


@pytest.fixture(params=["a new process", "a fork"])
def start_slow(write, tmp_path, killed, request):
    """Start a program on a notebook whose cell, when it is interrupted, does what is asked."""
    started = []
    if request.param == "a fork":  # as are the kernels of all runs of more than one
        write("02", "print(3)")

    def start(program, on_interrupt):
        folder = str(tmp_path)
        write("01", (SLOW.format(folder=folder, on_interrupt=on_interrupt), "apply"), "print(2)")
        started.append(Slow(program, tmp_path, killed))
        return started[0]

    yield start
    for slow in started:
        slow.process.kill()
        slow.process.wait()
        assert wait_until(slow.kernel_has_ended, 5)


@pytest.mark.parametrize(
    ("number", "cause"), [(signal.SIGINT, "Ctrl-C"), (signal.SIGTERM, "SIGTERM")]
)
def test_a_signal_lets_the_cell_stop_in_order(start_slow, number, cause):
    """The cell is interrupted and may finish its call; then the run ends and says where it was."""
    slow = start_slow(RUNNER, "time.sleep(1); print('stopped in order'); raise")
    slow.process.send_signal(number)
    said, _ = slow.process.communicate(timeout=15)
    assert slow.process.returncode == 128 + number
    assert f"Stopped by {cause} in cell 1 (apply)." in said
    assert "the journal names that call" in said
    assert "stopped in order" in (slow.folder / "out" / "01.ipynb").read_text()
    assert slow.kernel_has_ended()


def test_a_signal_between_two_cells_starts_no_other(start_slow):
    """A cell that swallows the interrupt is the last one that runs."""
    slow = start_slow(RUNNER, "pass")
    slow.process.send_signal(signal.SIGINT)
    said, _ = slow.process.communicate(timeout=15)
    assert "Stopped by Ctrl-C in cell 1 (apply). No call was under way." in said
    executed = json.loads((slow.folder / "out" / "01.ipynb").read_text())
    assert executed["cells"][-1]["outputs"] == []


def test_a_second_signal_kills_the_kernel(start_slow):
    """A cell that does not stop is ended by another Ctrl-C, and the doubt is told."""
    slow = start_slow(RUNNER, "time.sleep(60)")
    slow.process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    slow.process.send_signal(signal.SIGINT)
    said, _ = slow.process.communicate(timeout=15)
    assert slow.process.returncode == 130
    assert "its last call is in doubt" in said


@pytest.mark.parametrize("program", [RUNNER, PAPERMILL])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_kernel_ends_with_its_parent(start_slow, program, number):
    """When the runner or plain papermill dies, the cell is interrupted and the kernel ends."""
    slow = start_slow(program, "(folder / 'interrupted').touch(); raise")
    slow.process.send_signal(number)
    assert wait_until(slow.kernel_has_ended, 3)
    assert (slow.folder / "interrupted").exists()


def test_under_plain_papermill_too_a_cell_may_finish_its_call(start_slow):
    """ipykernel alone would end the kernel within a second, in the middle of a call."""
    slow = start_slow(PAPERMILL, "time.sleep(2); (folder / 'finished').touch()")
    slow.process.kill()
    assert wait_until((slow.folder / "finished").exists, 5)
    assert wait_until(slow.kernel_has_ended, 3)
