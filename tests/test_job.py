"""What a job shows: its summary in Markdown, mistakes at their lines; the action does both."""

import os
import re
import subprocess
import sys
from html import unescape
from pathlib import Path

import pytest
import yaml
from accounts import account_of
from markdown_it import MarkdownIt
from paths import GUIDE, ROOT

from iamkit import job
from iamkit.audit import Audit
from iamkit.audit.first_page import make_first_page
from iamkit.audit.markdown import escape_markdown, to_markdown
from iamkit.errors import InputError
from iamkit.notebook.result import NotebookResult
from iamkit.notebook.runs.summary import describe_run
from iamkit.parameters.yaml_file import read_parameters
from iamkit.workspace import init_folder

BIN = Path(sys.executable).parent
ACTION = yaml.safe_load((ROOT / ".github/actions/iamkit/action.yml").read_text())
HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "[a](javascript:alert(1))",
    "![x](https://evil.example/x.png)",
    "@example-team",
    "#1",
    "a|b",
    "a\n# heading",
    "`code` *bold* ~~gone~~ _it_",
    "https://evil.example",
    "www.evil.example",
    "- item",
    "1. item",
    "&lt;b&gt;",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_shown_and_not_rendered(text):
    """As CommonMark with GitHub's tables renders it: its letters, and no element of its own."""
    parser = MarkdownIt("commonmark", {"html": True}).enable("table")
    table = f"| a |\n| --- |\n| {escape_markdown(text)} |\n"
    html = parser.render(f"{escape_markdown(text)}\n\n* {escape_markdown(text)}\n\n{table}")
    assert set(re.findall(r"<(\w+)", html)) == {"p", "ul", "li", "table", "thead", "tbody"} | {
        "tr",
        "th",
        "td",
    }
    assert html.count("<td>") == 1
    shown = unescape(re.sub(r"<[^>]+>", "", html))
    assert shown.replace("\u2060", "").count(" ".join(text.split())) == 3
    # GitHub looks for mentions in what was rendered, for addresses in what was written.
    assert not re.search(r"[@#]\w|:/", shown)
    assert "www." not in escape_markdown(text)


def test_the_summary_names_who_is_new_and_who_is_gone():
    """The numbers with last time's beside them, and names in their place."""
    before = Audit(account_of({"users": [{"name": "bob"}]}))
    after = Audit(account_of({"users": [{"name": "a_b*"}]}))
    text = to_markdown(make_first_page(after, before))
    assert "* New: a\\_b\\*" in text
    assert "* Gone: bob" in text
    assert "| people without MFA | 0 | 0 |" in text


def test_a_plan_is_in_the_summary():
    """Each notebook's outcome, and each change of its plan, escaped."""
    changes = (("create", "group d|v", "create group\nwhy"),)
    result = NotebookResult(
        name="03_dev_group",
        outcome="planned",
        planned=1,
        applied=0,
        seconds=1.0,
        output=Path("x"),
        html=Path("x"),
        error=None,
        exit_code=2,
        changes=changes,
    )
    text = describe_run([result])
    assert text.startswith("## Changes planned: 1")
    assert "| create | group d&#124;v | create group why |" in text


def test_a_summary_is_added_to_and_never_too_long(tmp_path, monkeypatch):
    """What another step wrote stays; without the variable nothing is written."""
    monkeypatch.delenv(job.SUMMARY, raising=False)
    job.add_to_summary("nowhere")
    file = tmp_path / "summary.md"
    file.write_text("before\n")
    monkeypatch.setenv(job.SUMMARY, str(file))
    job.add_to_summary("line\n" * job.MOST)
    assert file.read_text().startswith("before\nline\n")
    assert file.stat().st_size < 1024**2
    assert "see the report" in file.read_text()


def test_a_wrong_parameter_is_marked_at_its_line(tmp_path, monkeypatch, capsys):
    """As GitHub's workflow commands have it, all mistakes, and no text of the file is a command."""
    file = tmp_path / "team,a.yaml"
    file.write_text('environment: sandbox\naccount_id: "1"\ngroop: "x\\n::stop-commands::y"\n')
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    with pytest.raises(InputError) as caught:
        read_parameters(file, ["03_dev_group"])
    job.annotate(caught.value)
    assert capsys.readouterr().out == ""
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    job.annotate(caught.value)
    lines = capsys.readouterr().out.splitlines()
    assert any(
        line.startswith("::error file=team%2Ca.yaml,line=2,title=iamkit::") for line in lines
    )
    assert any(",line=3," in line and "groop" in line for line in lines)
    assert all(line.startswith("::error ") for line in lines)


def run_action(folder, step_id="iamkit", path=BIN, **inputs):
    """A step of the action's own shell, with its defaults and these inputs.

    Returns:
        How it ended, its summary, its outputs.
    """
    given = {name: one.get("default", "") for name, one in ACTION["inputs"].items()} | inputs
    (step,) = (one for one in ACTION["runs"]["steps"] if one.get("id") == step_id)
    values = {
        name: re.sub(r"\$\{\{ inputs\.([\w-]+) \}\}", lambda m: given[m[1]], text)
        for name, text in step["env"].items()
    }
    for name in ("summary", "outputs"):
        (folder / name).write_text("")
    values |= {
        "IAMKIT_HOME": os.environ.get("IAMKIT_HOME", str(folder)),
        "PATH": f"{path}:/usr/bin:/bin",
        job.SUMMARY: str(folder / "summary"),
        "GITHUB_OUTPUT": str(folder / "outputs"),
    }
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        cwd=folder,
        env=os.environ | values,
        capture_output=True,
        text=True,
        check=False,
    )
    return done, (folder / "summary").read_text(), (folder / "outputs").read_text()


def test_the_action_plans_applies_and_audits(sandbox, tmp_path):
    """A plan is green and in the summary; the second audit says what has changed."""
    file = str(GUIDE)
    done, summary, outputs = run_action(
        tmp_path, command="run", file=file, notebooks="03_dev_group"
    )
    assert (done.returncode, outputs) == (0, "code=2\n"), done.stderr
    assert "| create | group dev |" in summary
    with_them = {"command": "audit", "file": file, "fail-on": "", "output": "audit"}
    assert run_action(tmp_path, **with_them)[0].returncode == 0
    applied = {"command": "run", "file": file, "notebooks": "03_dev_group", "apply": "true"}
    assert run_action(tmp_path, **applied)[0].returncode == 0
    done, summary, outputs = run_action(tmp_path, **with_them | {"fail-on": "critical"})
    assert (done.returncode, outputs) == (3, "code=3\n"), done.stderr
    assert "What has changed since" in summary
    assert summary.count("## Audit of account") == 1
    names = {path.name for path in (tmp_path / "audit").iterdir()}
    assert names == {"state.json", "audit.html", "audit.junit", "audit.sarif"}


def test_the_workflow_s_own_steps_run_and_their_summaries_are_markdown(sandbox, tmp_path):
    """Plan, apply and audit with the inputs of `iamkit init`'s workflow, on a practice account."""
    init_folder(tmp_path / "ops")
    workflow = yaml.safe_load((tmp_path / "ops/.github/workflows/iamkit.yml").read_text())
    ended, told = [], []
    for steps in (one["steps"] for one in workflow["jobs"].values()):
        (step,) = (one for one in steps if one["uses"].startswith("./"))
        assert step["with"]["package"] == "${{ vars.IAMKIT_PACKAGE }}"
        done, summary, outputs = run_action(tmp_path, file=str(GUIDE), **step["with"])
        ended.append((done.returncode, outputs))
        told.append(MarkdownIt("commonmark").enable("table").render(summary))
    assert ended == [(0, "code=2\n"), (0, "code=0\n"), (3, "code=3\n")]
    for html in told:
        assert "<h2>" in html
        assert "<table>" in html
        assert "|" not in re.sub(r"<[^>]+>", "", html), "a row is outside of its table"
    assert "<td>group dev</td>" in told[0]


def test_the_action_says_that_nothing_was_said_to_install(tmp_path):
    """Where iamkit is there, an empty package is fine; where it is not, the job says what to do."""
    assert run_action(tmp_path, "install", package="")[0].returncode == 0
    done = run_action(tmp_path, "install", path=tmp_path, package="")[0]
    assert done.returncode == 1
    assert "::error title=iamkit::iamkit is not installed" in done.stdout
    assert ACTION["inputs"]["package"]["required"]
    assert "default" not in ACTION["inputs"]["package"], "no package index has it"


def test_no_line_of_an_error_is_a_workflow_command():
    """Whatever a file is called: a pull request may bring it."""
    told = job.as_lines("a\n::warning::hi\n  ::stop-commands::x\n\x1b[31mred: b::c")
    assert not re.search(r"(?m)^\s*::", told)
    assert "\x1b" not in told
    assert "b::c" in told
