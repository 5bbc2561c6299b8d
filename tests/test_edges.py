"""Files and folders at their edges, for every command: a sentence and an exit code, no traceback.

Run it with ``-s`` for the list: command, edge, exit code, sentence.
"""

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from accounts import account_of
from paths import GUIDE, ROOT
from storage.disks import small_disk

from iamkit.__main__ import main
from iamkit.account.state_file import save_state

GB = 2_000_000_000


@contextmanager
def no_more(make, path):
    make(path)
    yield path


def make_sparse(path):
    with path.open("wb") as file:
        file.truncate(GB)


FILES = {
    "missing": lambda path: None,
    "a folder": lambda path: path.mkdir(),
    "a pipe nobody writes to": os.mkfifo,
    "a device without end": lambda path: path.symlink_to("/dev/zero"),
    "a link that leads nowhere": lambda path: path.symlink_to("/no/where"),
    "2 GB": make_sparse,
    "not text": lambda path: path.write_bytes(b"\xe9\xff\x00\x81" * 99),
    "UTF-16 with no mark": lambda path: path.write_bytes("a: b\n".encode("utf-16-le")),
}
"""What can be where a file is to be read."""
FOLDERS = {
    "a file": lambda path: no_more(lambda p: p.write_text(""), path),
    "under a file": lambda path: no_more(lambda p: p.parent.write_text(""), path),
    "a link that leads nowhere": lambda path: no_more(lambda p: p.symlink_to("/no/where"), path),
    "read-only": lambda path: small_disk(path, "ro"),
    "full": lambda path: small_disk(path, "size=64k", ballast=60_000),
}
"""What can be where a folder is to be written."""


@dataclass
class Edge:
    """A command, with ``{it}`` for what is at the edge."""

    command: str


READING = [
    Edge("run 01_credentials -f {it}"),
    Edge("run {it} -f {guide}"),
    Edge("audit -f {it}"),
    Edge("audit --state {it}"),
    Edge("audit --state {state} --compare {it}"),
    Edge("who-can s3:GetObject -f {it}"),
    Edge("who-can s3:GetObject --state {it}"),
    Edge("doctor -f {it}"),
    Edge("lab -f {it} --folder {new}"),
]
WRITING = [
    Edge("run 01_credentials -f {guide} --output {it}"),
    Edge("audit --state {state} --output {it}/report.html --format html"),
    Edge("audit --state {state} --output {it}/users.csv --format csv"),
    Edge("audit --state {state} --save-state {it}/later.json"),
    Edge("init {it}"),
    Edge("lab --folder {it}"),
    Edge("lab --app --folder {it}"),
]
HOMES = [
    Edge("run 01_credentials -f {guide}"),
    Edge("audit -f {guide}"),
    Edge("who-can s3:GetObject -f {guide}"),
    Edge("doctor"),
    Edge("lab --folder {new}"),
    Edge("lab"),
]


@pytest.fixture
def command(tmp_path, monkeypatch, capfd):
    """Run a command in this process: its exit code, and what it said, in lines."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    monkeypatch.setenv("IAMKIT_HOME", str(home))
    monkeypatch.setenv("IAMKIT_PARAMETERS", "")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "execv", lambda *_: pytest.fail("it went on"))
    monkeypatch.setattr("iamkit.notebook.launch.lab.prepare_start_page", lambda *_: None)
    monkeypatch.setattr(
        "iamkit.notebook.launch.app.App.launch_instance", lambda **_: pytest.fail("on")
    )

    def run(text, it):
        state = tmp_path / "state.json"
        if not state.exists():
            save_state(account_of({"users": [{"name": "alice"}]}), state)
        given = {"it": it, "guide": GUIDE, "state": state, "new": tmp_path / "new"}
        arguments = [part.format(**given) for part in text.split()]
        monkeypatch.setattr(sys, "argv", ["iamkit", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capfd.readouterr()
        return ended.value.code or 0, (said.err or said.out).strip().splitlines()

    return run


def check_said(text, edge, code, lines):
    """One or two lines that are no traceback, and the right exit code."""
    print(f"{text:<58} {edge:<26} {code}  {' / '.join(lines)}")
    assert code == 1
    told = [line for line in lines if not line.startswith("ok ")]
    assert 1 <= len(told) <= 2, told
    assert all(len(line) < 600 for line in told)
    assert "Traceback" not in "".join(lines)
    if not text.startswith("IAMKIT_HOME={it} run"):  # there a notebook has failed, in its words
        assert told[0].startswith(("iamkit: ", "BAD "))


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("edge", READING, ids=lambda edge: edge.command)
def test_a_file_that_cannot_be_read(edge, kind, command, tmp_path):
    """Nothing is waited for, nothing without end is read, and nothing is changed."""
    it = tmp_path / ("it.ipynb" if edge.command.startswith("run {it}") else "it")
    FILES[kind](it)
    code, lines = command(edge.command, it)
    check_said(edge.command, kind, code, lines)
    assert "it" in lines[-1]


@pytest.mark.parametrize("kind", FOLDERS)
@pytest.mark.parametrize("edge", WRITING, ids=lambda edge: edge.command)
def test_a_folder_that_cannot_be_written(edge, kind, command, tmp_path):
    """It is found before anything is read from an account or run."""
    it = tmp_path / "over" / "it" if kind == "under a file" else tmp_path / "it"
    with FOLDERS[kind](it):
        code, lines = command(edge.command, it)
    check_said(edge.command, kind, code, lines)
    assert str(it) in lines[-1]
    assert "Nothing was" in lines[-1]


def others(path):
    path.mkdir()
    os.chown(path, 12345, 12345)


HOME_KINDS = FOLDERS | {
    "another user's": lambda path: no_more(others, path),
}


@pytest.mark.parametrize("kind", HOME_KINDS)
@pytest.mark.parametrize("edge", HOMES, ids=lambda edge: edge.command)
def test_a_state_folder_that_cannot_be_used(edge, kind, command, tmp_path, monkeypatch):
    """Each command names the folder, and `doctor` says what is wrong with it."""
    if kind == "another user's" and os.geteuid():
        pytest.skip("ANOTHER'S FOLDER WAS NOT TRIED: giving one away needs root")
    it = tmp_path / "over" / "it" if kind == "under a file" else tmp_path / "it"
    monkeypatch.setenv("IAMKIT_HOME", str(it))
    with HOME_KINDS[kind](it):
        code, lines = command(edge.command, it)
    check_said(f"IAMKIT_HOME={{it}} {edge.command}", kind, code, lines)
    assert str(it) in " ".join(lines)


def test_doctor_explains_an_open_state_folder(command, tmp_path, monkeypatch):
    """A folder of mode 0755 is named with the command that closes it."""
    it = tmp_path / "it"
    it.mkdir()
    it.chmod(0o755)
    monkeypatch.setenv("IAMKIT_HOME", str(it))
    code, lines = command("doctor", it)
    print(*lines, sep="\n")
    assert code == 1
    assert "run chmod 700" in " ".join(line for line in lines if line.startswith("BAD"))


def copy_notebook(folder, name="01_credentials", **metadata):
    folder.mkdir(exist_ok=True)
    content = json.loads((ROOT / "notebooks" / f"{name}.ipynb").read_text())
    content["metadata"] |= metadata
    (folder / f"{name}.ipynb").write_text(json.dumps(content))
    return folder / f"{name}.ipynb"


def own_folder(tmp_path):
    """The notebook lies in it."""
    return copy_notebook(tmp_path / "mine"), tmp_path / "mine"


def by_a_link(tmp_path):
    """The notebook is a link in it; another name of the folder leads there."""
    source = copy_notebook(tmp_path / "theirs")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / source.name).symlink_to(source)
    (tmp_path / "again").symlink_to(tmp_path / "mine")
    return tmp_path / "mine" / source.name, tmp_path / "again"


def another_of_that_name(tmp_path):
    """Another input notebook of the same name lies in it."""
    copy_notebook(tmp_path / "mine")
    return copy_notebook(tmp_path / "theirs"), tmp_path / "mine"


def somebodys_page(tmp_path):
    """A site's index.html lies in it."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "index.html").write_text("<h1>Ours</h1>")
    return copy_notebook(tmp_path / "mine"), tmp_path / "site"


def a_folder_of_that_name(tmp_path):
    """A folder is in the place of a page."""
    (tmp_path / "out" / "01_credentials.html").mkdir(parents=True)
    return copy_notebook(tmp_path / "mine"), tmp_path / "out"


@pytest.mark.parametrize(
    "make", [own_folder, by_a_link, another_of_that_name, somebodys_page, a_folder_of_that_name]
)
def test_what_no_run_wrote_is_not_overwritten(make, command, tmp_path):
    """An input notebook, a page of somebody's: the run refuses the folder and touches nothing."""
    notebook, output = make(tmp_path)
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    text = f"run {notebook} -f {{guide}} --output {{it}}"
    code, lines = command(text, output)
    check_said("run {notebook} -f {guide} --output {it}", make.__name__, code, lines)
    assert "would be overwritten" in lines[-1]
    assert "Nothing was run." in lines[-1]
    assert {p: p.read_bytes() for p in before} == before


@pytest.mark.parametrize(
    "text",
    [
        "audit --state {state} --output {state}",
        "audit --state {state} --save-state {state}",
        "audit --state {state} --compare {it} --save-state {it}",
        "audit --state {state} --output {it} --save-state {it}",
    ],
)
def test_an_audit_overwrites_nothing_that_it_reads(text, command, tmp_path):
    """Not even by way of two options, of which one would destroy what the other is about."""
    save_state(account_of({}), tmp_path / "earlier.json")
    before = (tmp_path / "earlier.json").read_bytes()
    code, lines = command(text, tmp_path / "earlier.json")
    check_said(text, "one file twice", code, lines)
    assert "Name another file" in lines[-1]
    assert (tmp_path / "earlier.json").read_bytes() == before


@pytest.mark.parametrize("target", ["/dev/null", "{folder}"])
def test_an_output_that_is_no_file_is_left_alone(target, command, tmp_path):
    """Least of all a device, which root could replace by a file."""
    code, lines = command(
        f"audit --state {{state}} --format csv --output {target}".replace(
            "{folder}", str(tmp_path)
        ),
        "",
    )
    check_said("audit --state {state} --output {it}", target, code, lines)
    assert Path("/dev/null").is_char_device()


@pytest.mark.parametrize("name", ["x" * 300, "x" * 5_000, "\udcff.ipynb", "no/such/thing"])
def test_a_name_that_no_notebook_has(name, command):
    """However long or odd, it is answered by the names that there are."""
    code, lines = command(f"run {name} -f {{guide}}", "")
    check_said("run {it} -f {guide}", "an odd name", code, lines)
    assert "01_credentials" in lines[-1]


@pytest.mark.parametrize("kind", FOLDERS)
def test_a_demo_with_no_place_for_its_report(kind, command, tmp_path):
    """It is told before a notebook runs, and the practice account is gone again."""
    if kind == "under a file":
        pytest.skip("a folder in which one works is under no file")
    with FOLDERS[kind](tmp_path / "runs"):
        code, lines = command("demo", "")
    check_said("demo (its runs/ is the edge)", kind, code, lines)
    assert "runs" in lines[-1]
    assert "Nothing was run." in lines[-1]


@pytest.mark.parametrize("kind", ["read-only", "full"])
@pytest.mark.parametrize("text", ["run 01_credentials -f {guide}", "demo"])
def test_no_place_for_temporary_files(text, kind, command, monkeypatch):
    """Kernels have their sockets there, whose names are short: without it nothing runs."""
    with (
        TemporaryDirectory(dir="/tmp") as short,
        FOLDERS[kind](Path(short, "it")) as folder,
        monkeypatch.context() as patched,
    ):
        patched.setattr("tempfile.tempdir", str(folder))
        code, lines = command(text, "")
    check_said(f"TMPDIR={{it}} {text}", kind, code, lines)


IAMKIT = str(Path(sys.executable).parent / "iamkit")


@pytest.mark.parametrize("edge", ["full", "closed"])
def test_a_terminal_that_takes_nothing(edge, tmp_path):
    """A full disk behind ``>``, or a reader behind ``|`` that has left, is a line and exit 1."""
    state = account_of({"users": [{"name": f"user{n}"} for n in range(3_000)]})
    save_state(state, tmp_path / "state.json")
    target = ">/dev/full" if edge == "full" else "| true; exit ${PIPESTATUS[0]}"
    script = f"{IAMKIT} audit --state state.json --format csv {target}"
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    print(f"{'audit --state {state} --format csv ' + target:<85} {done.returncode}  {done.stderr}")
    assert done.returncode == 1
    assert done.stderr == ("iamkit: No space left on device.\n" if edge == "full" else "")


def test_a_terminal_of_another_encoding(tmp_path):
    """What it cannot show is written as its code, and the command goes on."""
    save_state(
        account_of({"users": [{"name": "alice", "groups": ["\u0416"]}]}), tmp_path / "s.json"
    )
    command = [IAMKIT, "audit", "--state", "s.json", "--format", "csv"]
    environment = {**os.environ, "PYTHONIOENCODING": "latin-1"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, check=False)
    assert b"\\u0416" in done.stdout
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize(
    "words", ["run 01_credentials -f {guide}", "audit --state s.json --format html", "lab", "demo"]
)
def test_a_current_folder_that_is_gone(words, tmp_path):
    """Whoever was working in a folder that somebody removed is told that."""
    script = f'mkdir gone && cd gone && rmdir "$PWD" && {IAMKIT} {words.format(guide=GUIDE)}'
    environment = {**os.environ, "IAMKIT_HOME": str(tmp_path / "home")}
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    check_said(words, "the current folder is gone", done.returncode, done.stderr.splitlines())
