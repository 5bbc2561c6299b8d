"""Start, find, stop and reset the sandbox's process.

A state folder has at most one sandbox. Its files: ``server.json`` says where it is and holds its
keys, ``start.lock`` is held by who starts or stops it, ``alive.lock`` by the server itself for as
long as it lives, ``server.log`` is its log, and one folder bears the name of the instance.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from iamkit.errors import SandboxError
from iamkit.sandbox.client import Sandbox, proves_itself
from iamkit.sandbox.memory import NAME, check_versions
from iamkit.sandbox.private import is_locked, locked, open_log, private_folder, read_private
from iamkit.text import parse_json

READY_SECONDS = 60
"""A start takes about one second; a machine under load gets this many."""
STOP_SECONDS = 5
_INSTANCE = re.compile(r"[0-9a-f]{32}")


def find_sandbox(state: Path) -> Sandbox | None:
    """The sandbox that runs on a state folder, or None.

    It has proved that it is ours: a foreign process on its port is sent no secret, and refused.

    Raises:
        SandboxError: something else listens on its port, or its file is not private to us.
    """
    sandbox = _recorded(state)
    if sandbox is None:
        return None
    try:
        ours = proves_itself(sandbox.endpoint_url, sandbox.token)
    except (ConnectionRefusedError, ConnectionResetError):  # it ended, or ends right now
        return None
    except OSError as error:
        raise SandboxError(
            f"The sandbox at {sandbox.endpoint_url} does not answer ({error}). "
            "`iamkit sandbox reset` starts a new one."
        ) from None
    if not ours:
        raise SandboxError(
            f"Something else listens on {sandbox.endpoint_url}, not the sandbox; nothing was sent "
            "to it. `iamkit sandbox reset` starts a new one."
        )
    return sandbox


def start_sandbox(state: Path, idle_hours: float = 8, *, authorize: bool = False) -> Sandbox:
    """The sandbox that runs on a state folder, or the account as it was left, or a new one.

    Safe to be called by several processes at once: they get the same sandbox.

    Args:
        state: its folder; made, for its owner alone, if it is not there.
        idle_hours: a new one ends after so many hours with no request.
        authorize: hold every call against the caller's policies from now on.

    Raises:
        SandboxError: it did not start; the message names its log.
    """
    private_folder(state)
    with _sole_starter(state):
        sandbox = _await_ready(state) or _launch(state, idle_hours)
    if authorize and not sandbox.authorizes():
        sandbox.set_authorize(True)
    return sandbox


def stop_sandbox(state: Path) -> bool:
    """End the sandbox of a state folder; the next start brings its account back.

    Returns:
        Whether one was running.

    Raises:
        SandboxError: it did not end.
    """
    if not state.exists():
        return False
    private_folder(state)
    with _sole_starter(state):
        return _stop(state)


def reset_sandbox(state: Path) -> Sandbox:
    """End the sandbox of a state folder, and start one with an empty account: a new instance.

    Raises:
        SandboxError: it did not start; the message names its log.
    """
    private_folder(state)
    with _sole_starter(state):
        _stop(state)
        _forget(state)
        return _launch(state, idle_hours=8)


@contextmanager
def _sole_starter(state: Path) -> Iterator[None]:
    try:
        with locked(state / "start.lock", READY_SECONDS + STOP_SECONDS):
            yield
    except TimeoutError:
        raise SandboxError(
            f"Another process has been starting or stopping the sandbox in {state} for "
            f"{READY_SECONDS} seconds. Nothing was started."
        ) from None


def _recorded(state: Path) -> Sandbox | None:
    text = read_private(state / "server.json")
    if text is None:
        return None
    try:
        record = parse_json(text)
        return Sandbox(**record, folder=state / record["instance"])
    except (ValueError, TypeError, KeyError):
        raise SandboxError(
            f"{state / 'server.json'} is damaged. `iamkit sandbox reset` starts a new sandbox."
        ) from None


def _lives(state: Path) -> bool:
    return is_locked(state / "alive.lock")


def _launch(state: Path, idle_hours: float) -> Sandbox:
    """Start the server, which leaves for the background once it listens."""
    check_versions(state / NAME)
    command = [sys.executable, "-P", "-m", "iamkit.sandbox.server"]
    arguments = ["--state", str(state.absolute()), "--idle-hours", str(idle_hours)]
    environ = {n: v for n, v in os.environ.items() if not n.startswith(("AWS_", "MOTO_"))}
    log = open_log(state / "server.log")
    try:
        code = subprocess.run(
            [*command, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env=environ,
            start_new_session=True,
            timeout=READY_SECONDS,
            check=False,
        ).returncode
    except subprocess.TimeoutExpired:
        code = -1
    finally:
        os.close(log)
    sandbox = None if code else _await_ready(state)
    if sandbox is None:
        raise _not_started(state)
    return sandbox


def _await_ready(state: Path) -> Sandbox | None:
    """The sandbox that lives, or None; if its starter was killed, it may still be on its way."""
    deadline = time.monotonic() + READY_SECONDS
    while _lives(state):
        if sandbox := find_sandbox(state):
            return sandbox
        if time.monotonic() > deadline:
            raise _not_started(state)
        time.sleep(0.05)
    return None


def _not_started(state: Path) -> SandboxError:
    return SandboxError(f"The sandbox did not start; {state / 'server.log'} says why.")


def _stop(state: Path) -> bool:
    if not _lives(state):
        return False
    deadline = time.monotonic() + STOP_SECONDS
    kind = signal.SIGTERM
    while _lives(state):
        if time.monotonic() > deadline:
            if kind == signal.SIGKILL:
                raise SandboxError(f"The sandbox in {state} did not end.")
            kind, deadline = signal.SIGKILL, deadline + STOP_SECONDS
        pid = read_private(state / "alive.lock") or ""
        if pid.isdecimal():
            with suppress(ProcessLookupError):
                os.kill(int(pid), kind)
        time.sleep(0.02)
    (state / "server.json").unlink(missing_ok=True)
    return True


def _forget(state: Path) -> None:
    """Remove what an ended sandbox left: its account, its keys, the folders of its instances."""
    for name in ("server.json", NAME):
        (state / name).unlink(missing_ok=True)
    for folder in state.iterdir():
        if _INSTANCE.fullmatch(folder.name) and folder.is_dir() and not folder.is_symlink():
            shutil.rmtree(folder)
