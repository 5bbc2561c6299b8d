"""What the tests share: a private home with a sandbox, and the guide's parameters.

The kit is always tested with pages of two items; `make proof` runs it in other weather too.
"""

import os
import subprocess
import sys
import tempfile

import hypothesis
import pytest
from paths import GUIDE
from samples import scaled

from iamkit.__main__ import main
from iamkit.aws.session import open_session
from iamkit.parameters.yaml_file import read_parameters
from iamkit.sandbox import pytest_plugin, stop_sandbox

pytest_plugins = ["leftovers"]
hypothesis.settings.register_profile("iamkit", deadline=None, max_examples=scaled(100, 2_000))
hypothesis.settings.load_profile("iamkit")

WEATHER = os.environ.get("IAMKIT_TEST_WEATHER", "calm")
PAGE = 2


@pytest.fixture(scope="session")
def private_home(tmp_path_factory):
    """A home for this worker alone; the sandbox in it ends with the tests."""
    home = tmp_path_factory.mktemp("home")
    home.chmod(0o700)
    yield home
    stop_sandbox(home / "sandbox")


@pytest.fixture(scope="session")
def iamkit_sandbox_state(private_home):
    """Where the kit looks for the practice account."""
    return private_home / "sandbox"


iamkit_sandbox_factory = pytest_plugin.iamkit_sandbox_factory


@pytest.fixture
def sandbox(private_home, iamkit_sandbox_factory, monkeypatch):
    """A new, empty account in a sandbox, which ``IAMKIT_HOME`` leads to."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("IAMKIT_HOME", str(private_home))
    sandbox = iamkit_sandbox_factory(weather=WEATHER)
    sandbox.set_page_size(PAGE)
    return sandbox


@pytest.fixture
def iamkit_here(monkeypatch, capsys):
    """The command line in this process, for what starts nothing and leaves nothing in it."""

    def run(*arguments, cwd):
        monkeypatch.chdir(cwd)
        monkeypatch.setattr(sys, "argv", ["iamkit", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return subprocess.CompletedProcess(arguments, ended.value.code or 0, said.out, said.err)

    return run


@pytest.fixture
def killed():
    """An environment for a process that is killed, and so leaves its temporary files behind."""
    with tempfile.TemporaryDirectory(prefix="killed-", ignore_cleanup_errors=True) as folder:
        yield os.environ | {"TMPDIR": folder}


@pytest.fixture
def guide():
    """The parameters of one of the guide's notebooks, with overrides."""

    def parameters(notebook, **overrides):
        return read_parameters(GUIDE).for_notebook(notebook, overrides)

    return parameters


@pytest.fixture
def session(sandbox, guide):
    """An open session with the empty account, as root."""
    return open_session(guide("02_admin_group"))
