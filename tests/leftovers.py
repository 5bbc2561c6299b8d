"""A pytest plugin: a run of the tests has a folder of its own, and fails if it leaves anything.

Temporary files and the home are in that folder, so the person's own home and ``/tmp`` stay as they
are. Whatever the run starts inherits its name, by which it is known from what others run beside.
Under xdist the controller looks, after its workers have ended.
"""

import os
import shutil
import tempfile
from pathlib import Path

import psutil
import pytest

RUN = "IAMKIT_TEST_RUN"
"""The environment variable that names the run's folder."""
OF_A_PERSON = ("IAMKIT_HOME", "IPYTHON", "JUPYTER", "MPLCONFIGDIR", "XDG_")
"""How variables begin that lead to a person's own files."""
PATIENCE = 10
"""Seconds in which a process that was told to end has to do so."""
CHECKOUT = Path(__file__).parent.parent
CACHES = frozenset(".git .venv .hypothesis .mypy_cache .pytest_cache .ruff_cache".split())
_left = pytest.StashKey[list]()
_before = pytest.StashKey[set]()


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
    """Make the run's folder, unless this is one of its workers."""
    if RUN in os.environ:
        return
    run = Path(tempfile.mkdtemp(prefix="iamkit-"))
    for variable in [name for name in os.environ if name.startswith(OF_A_PERSON)]:
        del os.environ[variable]
    for variable, name in (("TMPDIR", "tmp"), ("HOME", "home")):
        (run / name).mkdir(mode=0o700)
        os.environ[variable] = str(run / name)
    os.environ[RUN] = str(run)
    os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = str(run / "hypothesis")
    os.environ["MPLCONFIGDIR"] = str(run / "matplotlib")  # its list of fonts is made once a run
    tempfile.tempdir = None  # it remembers another
    config.stash[_left] = []
    config.add_cleanup(lambda: shutil.rmtree(run, ignore_errors=True))
    config.add_cleanup(lambda: os.environ.pop(RUN))
    config.stash[_before] = files_of(CHECKOUT)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    """Look for what is left, end its processes, and fail the run."""
    if _left not in session.config.stash:
        return
    run = Path(os.environ[RUN])
    left = session.config.stash[_left]
    left += processes_of(run)
    left += [f"in the temporary folder: {path.name}" for path in folders_of(run)]
    new = files_of(CHECKOUT) - session.config.stash[_before]
    left += [f"in the checkout: {path}" for path in sorted(new)]
    if left and session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter, config):
    """Name what was left."""
    if left := config.stash.get(_left, []):
        terminalreporter.section("left behind by the tests", red=True)
        for line in left:
            terminalreporter.line(line)


def processes_of(run):
    """Processes of a run that do not end by themselves, in words; they are ended.

    Args:
        run: the run's folder, which its processes' environment names.
    """
    _, living = psutil.wait_procs(_started_by(run), PATIENCE)
    told = [_in_words(process) for process in living]
    for process in living:
        process.kill()
    psutil.wait_procs(living, PATIENCE)
    return told


def _started_by(run):
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and process.environ().get(RUN) == str(run):
                found.append(process)
        except psutil.Error:
            continue
    return found


def _in_words(process):
    """The command, where it listens, and the test that started it."""
    try:
        command = " ".join(process.cmdline())[:300]
        listening = [c.laddr.port for c in process.net_connections() if c.status == "LISTEN"]
        test = process.environ().get("PYTEST_CURRENT_TEST", "no test")
    except psutil.Error:
        return f"process {process.pid}, which ended while it was looked at"
    where = f", on port {', '.join(map(str, listening))}" if listening else ""
    return f"process {process.pid}{where}, of {test}: {command}"


def folders_of(run):
    """What lies in a run's temporary folder beside pytest's own."""
    return sorted(p for p in (run / "tmp").iterdir() if not p.name.startswith("pytest-of-"))


def files_of(folder):
    """The files and folders of a checkout, relative to it, without what is a cache."""
    found = set()
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in CACHES | {"__pycache__"}]
        here = Path(parent).relative_to(folder)
        found |= {here / name for name in (*folders, *files)}
    return found
