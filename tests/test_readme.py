"""The README stays true and short: its commands, and those of the pages it points to, run."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from paths import ROOT

BIN = Path(sys.executable).parent
PAGES_RUN = ("audit", "policies", "sandbox", "ci")
README = (ROOT / "README.md").read_text()
PAGES = {name: (ROOT / ".github/docs" / f"{name}.md").read_text() for name in PAGES_RUN}


def shell_lines(text=README):
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line]


def examples(text):
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


def test_the_readme_fits_on_three_screens():
    """What it is for, one picture, two commands, three uses, the secrets; the rest is elsewhere."""
    assert len(README.splitlines()) <= 110
    assert len(README.split()) <= 1_000
    assert README.count("![") == 1
    headings = re.findall(r"^## (.+)$", README, re.MULTILINE)
    assert headings == ["Two commands", "Three uses", "Where the secrets go", "The rest"]
    links = re.findall(r"\]\(([^)]+)\)", README)
    assert all((ROOT / link).exists() for link in links)


def test_the_weekly_report_is_made(sandbox, tmp_path):
    """The first week has nothing to compare with, and says so; it is a page all the same."""
    (line,) = (line.split()[1:] for line in shell_lines() if "--since" in line)
    words = [str(ROOT / word) if word.startswith("parameters/") else word for word in line]
    command = [BIN / "iamkit", *words]
    done = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "No earlier audit is kept" in done.stderr
    assert "There is no earlier audit" in (tmp_path / "week.html").read_text()


def test_the_audits_commands_and_python_do_what_their_page_says(sandbox, tmp_path):
    """Read and saved, a page, SARIF with exit code 3; then the same in pandas."""
    sandbox.populate(20, 7)
    lines = [
        line.split()[1:] for line in shell_lines(PAGES["audit"]) if line.startswith("iamkit audit ")
    ]
    assert len(lines) == 3
    codes = []
    for line in lines:
        words = [str(ROOT / word) if word.startswith("parameters/") else word for word in line]
        done = subprocess.run([BIN / "iamkit", *words], cwd=tmp_path, check=False, timeout=120)
        codes.append(done.returncode)
    assert codes == [0, 0, 3]
    assert {path.name for path in tmp_path.iterdir()} == {"state.json", "audit.html", "audit.sarif"}
    example = next(text for text in examples(PAGES["audit"]) if "load_state" in text)
    done = subprocess.run(
        [sys.executable, "-c", example], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "console-mfa" in done.stdout
    assert "team-tag" in done.stdout


def test_the_questions_and_the_policy_example_run(sandbox, tmp_path):
    """Who can, of a saved state; and the evaluator in Python, as it stands."""
    sandbox.populate(20, 7)
    save = ["audit", "-f", str(ROOT / "parameters" / "sandbox.yaml"), "--save-state", "state.json"]
    lines = [
        shlex.split(t)[1:]
        for t in shell_lines(PAGES["policies"])
        if t.startswith("iamkit who-can ")
    ]
    assert len(lines) == 2
    for words in (save, *lines):
        command = [BIN / "iamkit", *words]
        done = subprocess.run(command, cwd=tmp_path, check=False, timeout=120, capture_output=True)
        assert done.returncode == 0, done.stderr
    example = next(text for text in examples(PAGES["policies"]) if "iamkit.evaluate" in text)
    done = subprocess.run(
        [sys.executable, "-c", example], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "implicit deny" in done.stdout


def test_the_commands_for_a_headless_run_do_what_the_readme_says(sandbox, tmp_path):
    """Plan with exit 2, apply with exit 0, and the AWS CLI shows the group."""
    lines = shell_lines()
    begin = lines.index("iamkit sandbox start")
    start, plan, apply = lines[begin : begin + 3]
    look = ['eval "$(iamkit sandbox env)"', "aws iam get-group --group-name dev"]
    script = [f"cd {ROOT}", "set -e", start, f"{plan} --output {tmp_path}/1 || test $? = 2"]
    script += [f"{apply} --output {tmp_path}/2", *look]
    environment = os.environ | {"PATH": f"{BIN}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-c", "\n".join(script)],
        capture_output=True,
        text=True,
        env=environment,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert '"UserName": "carol"' in done.stdout


def test_every_command_of_the_readme_exists():
    """Each make target and each iamkit command that the README names is there."""
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for target in re.findall(r"\bmake (demo|test|\w+)`", README):
        assert target in targets
    for command in sorted(
        set(re.findall(r"iamkit (run|audit|who-can|undo|lab|init|doctor|sandbox \w+)\b", README))
    ):
        subprocess.run(
            [BIN / "iamkit", *command.split(), "--help"], check=True, capture_output=True
        )


def test_a_plan_through_papermill_alone_is_on_its_page():
    """The papermill command of the page on CI is the one that test_notebooks.py runs."""
    flat = " ".join(PAGES["ci"].split())
    assert "papermill notebooks/03_dev_group.ipynb out.ipynb -f parameters/sandbox.yaml" in flat
    assert "-y 'dry_run: false'" in flat


def test_the_practice_accounts_commands_do_what_the_readme_says(sandbox):
    """A company moves in, grows old, and the weather changes."""
    lines = [x for x in shell_lines(PAGES["sandbox"]) if x.startswith("iamkit sandbox ")]
    begin = lines.index("iamkit sandbox populate --users 40 --seed 7")
    for line in lines[begin : begin + 3]:
        subprocess.run([BIN / "iamkit", *line.split()[1:]], check=True, capture_output=True)
    secrets = sandbox.secrets()
    assert len(secrets) > 40


def test_the_demo_does_what_the_readme_says(tmp_path):
    """The guide, then a company that is audited, mended, audited again and taken back."""
    done = subprocess.run(
        [BIN / "iamkit", "demo"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (shown,) = re.findall(r"^notebook  .*?(?=^```)", README, re.MULTILINE | re.DOTALL)
    told = [re.sub(r"[\d.,]+ *", "0 ", line) for line in shown.splitlines() if line]
    said = [re.sub(r"[\d.,]+ *", "0 ", line) for line in done.stdout.splitlines()]
    for line in told:
        assert any(one.split()[:8] == line.split()[:8] for one in said), line
    counts = re.findall(r"audit finds (\d+) findings", done.stdout)
    assert len(counts) == len(set(counts)) + 1
    assert int(re.search(r"audit again: (\d+) findings", done.stdout)[1]) < int(counts[0])
