"""A pytest plugin: the fixture ``iamkit_sandbox`` gives a test an AWS account of its own.

Every run of pytest loads it, so it imports nothing heavy before a test asks for the fixture.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from iamkit.sandbox import Sandbox


def pytest_configure(config: pytest.Config) -> None:
    """Say what the mark is."""
    text = "what is in the account of the fixture iamkit_sandbox, and how it behaves"
    arguments = "authorize=False, weather='calm', people=0, seed=1"
    config.addinivalue_line("markers", f"iamkit_sandbox({arguments}): {text}")


@pytest.fixture(scope="session")
def iamkit_sandbox_state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state folder of the run's sandbox, of each worker its own; another may take its place."""
    return tmp_path_factory.mktemp("iamkit_sandbox")


@pytest.fixture(scope="session")
def iamkit_sandbox_factory(iamkit_sandbox_state: Path) -> Iterator[Callable[..., "Sandbox"]]:
    """A function to an account with nothing in it, in the one process that ends with the run.

    Its keyword arguments are those of the mark; its answer is a `Sandbox`. It begins the sandbox
    anew, so what an earlier call answered is gone; the root's key stays the same, so that a client
    which the tested code keeps goes on.
    """
    from iamkit.sandbox import reset_sandbox, stop_sandbox  # noqa: PLC0415 - see above

    def begin(
        *, authorize: bool = False, weather: str = "calm", people: int = 0, seed: int = 1
    ) -> "Sandbox":
        sandbox = reset_sandbox(iamkit_sandbox_state, same_key=True)
        if people:
            sandbox.populate(people, seed)
        if authorize:
            sandbox.set_authorize(True)
        if weather != "calm":
            sandbox.set_weather(weather)
        return sandbox

    yield begin
    stop_sandbox(iamkit_sandbox_state)


@pytest.fixture
def iamkit_sandbox(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    iamkit_sandbox_factory: Callable[..., "Sandbox"],
) -> Iterator["Sandbox"]:
    """An empty AWS account, to which ``boto3.client("iam")`` leads as its root.

    ``@pytest.mark.iamkit_sandbox(authorize=True, weather="typical", people=20)`` holds each call
    against the caller's policies, lets AWS be as on a bad day, and fills the account.
    """
    from iamkit.sandbox.environment import sandbox_variables  # noqa: PLC0415 - see above

    mark = request.node.get_closest_marker("iamkit_sandbox")
    sandbox = (
        iamkit_sandbox_factory(*mark.args, **mark.kwargs) if mark else iamkit_sandbox_factory()
    )
    for name, value in sandbox_variables(sandbox).items():
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    with _new_default_session():
        yield sandbox


@contextmanager
def _new_default_session() -> Iterator[None]:
    """Let boto3 read its environment again; it keeps what it read first for all plain clients."""
    before = getattr(sys.modules.get("boto3"), "DEFAULT_SESSION", None)
    _set_default_session(None)
    try:
        yield
    finally:
        _set_default_session(before)


def _set_default_session(session: Any) -> None:
    if boto3 := sys.modules.get("boto3"):
        vars(boto3)["DEFAULT_SESSION"] = session
