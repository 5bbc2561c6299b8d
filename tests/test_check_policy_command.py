"""``iamkit check-policy``: the answer, its exit code, and what it says of files that are none."""

import io
import json
import sys

import pytest

from iamkit.policies import allow, policy

OLD = policy(allow("s3:GetObject", resource="arn:aws:s3:::reports/*"))
NEW = policy(allow("s3:GetObject"))
LATER = policy(allow("s3:GetObject*", resource="arn:aws:s3:::reports/*"))


@pytest.fixture
def files(tmp_path):
    for name, document in {"old": OLD, "new": NEW, "later": LATER}.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(document))
    (tmp_path / "bad.json").write_text("{")
    return tmp_path


CASES = {
    "nothing new": (["new.json", "old.json"], 0, "not granted: proved"),
    "something new": (
        ["old.json", "new.json"],
        3,
        "granted: s3:GetObject on arn:aws:s3:::example/example, by arn:aws:iam::",
    ),
    "surely not granted": (["--not-granted", "s3:Put*", "*", "new.json"], 0, "not granted: proved"),
    "granted": (["--not-granted", "s3:Get*", "*", "old.json"], 3, "granted: s3:GetObject on"),
    "what AWS may add": (
        ["--not-granted", "s3:GetObjectZ", "*", "later.json"],
        3,
        "granted: s3:GetObjectZ on arn:aws:s3:::reports/example",
    ),
    "no policy": (["old.json", "bad.json"], 1, ""),
    "no file": (["old.json", "none.json"], 1, ""),
    "one file": (["old.json"], 1, ""),
    "two files and another question": (
        ["--not-granted", "s3:Put*", "*", "old.json", "new.json"],
        1,
        "",
    ),
    "no resource": (["--not-granted", "s3:Put*", "reports", "old.json"], 1, ""),
}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_an_answer_has_its_exit_code(case, files, iamkit_here):
    """0 for no, 3 for yes with a request, 1 for an error, which is one line."""
    arguments, code, said = CASES[case]
    done = iamkit_here("check-policy", *arguments, cwd=files)
    assert (done.returncode, done.stdout.startswith(said)) == (code, True), done
    assert bool(done.stderr) == (code == 1)
    assert done.stderr.count("\n") <= 2


def test_what_cannot_be_told_is_exit_code_1_and_says_why(files, iamkit_here):
    """Not red for a finding, and not green either."""
    (files / "one.json").write_text(json.dumps(policy(allow("s3:ListAllMyBuckets"))))
    (files / "wild.json").write_text(json.dumps(policy(allow("s3:ListAllMyB*"))))
    done = iamkit_here("check-policy", "one.json", "wild.json", cwd=files)
    assert done.returncode == 1
    assert done.stdout.startswith("cannot be told: ")
    assert "s3:ListAllMyB*" in done.stdout


def test_json_and_the_standard_input_are_for_pipes(files, iamkit_here, monkeypatch):
    """The witness is plain data, which a policy simulator takes as it stands."""
    data = io.TextIOWrapper(io.BytesIO(json.dumps(NEW).encode()))
    monkeypatch.setattr(sys, "stdin", data)
    asked = ("--not-granted", "s3:GetObject", "arn:aws:s3:::a/b", "--format", "json")
    done = iamkit_here("check-policy", *asked, cwd=files)
    assert done.returncode == 3
    assert json.loads(done.stdout) == {
        "granted": True,
        "witness": {
            "principal": "arn:aws:iam::111122223333:user/alice",
            "action": "s3:GetObject",
            "resource": "arn:aws:s3:::a/b",
            "context": {},
        },
        "why": "",
    }
