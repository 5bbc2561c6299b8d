"""Start, find, stop, reset and restore the sandbox's process.

A state folder has at most one sandbox. Its files: ``server.json`` says where it is and holds its
keys, ``start.lock`` is held by who starts or stops it, ``alive.lock`` by the server itself for as
long as it lives (and says its process id and, until it listens, how far its account is back),
``server.log`` is its log, and one folder bears the name of the instance.
"""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from iamkit.errors import SandboxError
from iamkit.sandbox.client import Sandbox, proves_itself
from iamkit.sandbox.journal import (
    NAME,
    NO_ROOM,
    check_versions,
    cut_journal,
    damaged,
    end_of,
    survey,
)
from iamkit.sandbox.private import (
    is_locked,
    open_log,
    open_private,
    private_folder,
    read_private,
    remove_instances,
    take_lock,
)
from iamkit.text import parse_json

SILENT_SECONDS = 60
"""How long another process may start a sandbox without a word of how far it is."""
STOP_SECONDS = 5
_LOGGED = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} ")
_LONGEST_REASON = 64 * 1024
"""Of a log's end, in bytes."""

Progress = Callable[[int, int], None]
"""Is told how many changes of an account are there again, of how many."""


@dataclass(frozen=True)
class Restored:
    """What a restore came to.

    Attributes:
        kept: where the damaged journal is now; None if nothing was damaged.
        changes: how many changes the account has now.
        lost: how many changes after them are lost.
    """

    kept: Path | None
    changes: int
    lost: int


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
            "`iamkit sandbox stop` and `start` start it anew, with its account."
        ) from None
    if not ours:
        raise SandboxError(
            f"Something else listens on {sandbox.endpoint_url}, not the sandbox; nothing was sent "
            "to it. `iamkit sandbox stop` and `start` start it elsewhere, with its account."
        )
    return sandbox


def start_sandbox(
    state: Path,
    idle_hours: float = 8,
    *,
    authorize: bool = False,
    progress: Progress = lambda *_: None,
) -> Sandbox:
    """The sandbox that runs on a state folder, or the account as it was left, or a new one.

    Safe to be called by several processes at once: they get the same sandbox. However long the
    account takes to come back, it is waited for.

    Args:
        state: its folder; made, for its owner alone, if it is not there.
        idle_hours: a new one ends after so many hours with no request.
        authorize: hold every call against the caller's policies from now on.
        progress: is told how far an account is back that takes its time.

    Raises:
        SandboxError: it did not start; the message says why.
    """
    private_folder(state)
    with _sole_starter(state, progress):
        sandbox = _await_ready(state, progress) or _launch(state, idle_hours, progress)
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
    if not os.path.lexists(state):
        return False
    private_folder(state)
    with _sole_starter(state):
        return _stop(state)


def reset_sandbox(state: Path, *, same_key: bool = False) -> Sandbox:
    """The sandbox of a state folder with an empty account, and no other: a new instance.

    One that runs goes on; one that does not, or does not answer, is started anew.

    Args:
        state: its folder; made, for its owner alone, if it is not there.
        same_key: whether the root of one that runs keeps its key.

    Raises:
        SandboxError: it did not start; the message says why.
    """
    private_folder(state)
    with _sole_starter(state):
        with suppress(SandboxError, OSError):
            if running := find_sandbox(state):
                return running.reset(same_key=same_key)
        _stop(state)
        _forget(state)
        return _launch(state, 8, lambda *_: None)


def restore_sandbox(state: Path, progress: Progress = lambda *_: None) -> Restored:
    """Take an account back to the last change that is whole, and that comes out as it did.

    The damaged journal stays beside it under another name. Nothing is started.

    Raises:
        SandboxError: the sandbox runs, there is no account, or nothing of it is whole.
    """
    path = state / NAME
    if not os.path.lexists(path):
        raise SandboxError(f"There is no practice account in {state}. Nothing was changed.")
    private_folder(state)
    with _sole_starter(state, progress):
        if _lives(state):
            raise SandboxError(
                "The sandbox runs, with all of its account. `iamkit sandbox stop` ends it first."
            )
        return _restore(path, progress)


def _restore(path: Path, progress: Progress) -> Restored:
    check_versions(path)
    found = survey(path)
    if not found.lines:
        raise damaged(path, 1)
    again = _count_repeatable(path.parent, progress)
    if again == 0:
        raise damaged(path, 2)
    if not found.is_damaged and again == found.lines - 1:
        return Restored(None, again, 0)
    size, lost = end_of(path, again + 1)
    try:
        return Restored(cut_journal(path, size), again, lost)
    except OSError as error:
        raise SandboxError(
            f"{path.parent} cannot be written to: {error.strerror}. The account is as it was."
        ) from None


def _count_repeatable(state: Path, progress: Progress) -> int:
    """How many changes of an account come out as they did, from the first one on.

    Raises:
        SandboxError: that cannot be found out.
    """
    good = 0
    with _log_of(state) as (log, begins):
        process = _run(state, "check", log)
        for line in process.stdout or ():
            good, total = map(int, line.split())
            progress(good, total)
        if process.wait():
            raise _failure(state, process.returncode, begins)
    return good


@contextmanager
def _sole_starter(state: Path, progress: Progress = lambda *_: None) -> Iterator[None]:
    """Be the only one who starts or stops a sandbox; who does so already is waited for."""
    said, deadline = "", time.monotonic() + SILENT_SECONDS
    while (lock := _try_lock(state / "start.lock")) is None:
        if (word := _word_of(state)) != said:
            said, deadline = word, time.monotonic() + SILENT_SECONDS
            _pass_on(word, progress)
        if time.monotonic() > deadline:
            raise SandboxError(
                f"Another process has been starting or stopping the sandbox in {state} for "
                f"{SILENT_SECONDS} seconds without a word. Nothing was started or stopped."
            )
    try:
        yield
    finally:
        os.close(lock)


def _try_lock(path: Path) -> int | None:
    try:
        return take_lock(path, seconds=1)
    except TimeoutError:
        return None


def _pass_on(word: str, progress: Progress) -> None:
    """Tell how far the account is back, if that is what the server's lock says."""
    parts = word.split()
    if len(parts) == 3 and all(part.isdecimal() for part in parts):
        progress(int(parts[1]), int(parts[2]))


def _recorded(state: Path) -> Sandbox | None:
    text = read_private(state / "server.json")
    if text is None:
        return None
    try:
        record = parse_json(text)
        return Sandbox(**record, folder=state / record["instance"])
    except (ValueError, TypeError, KeyError):
        raise SandboxError(
            f"{state / 'server.json'} is damaged. `iamkit sandbox stop` and `start` write it anew, "
            "and the account is kept."
        ) from None


def _lives(state: Path) -> bool:
    return is_locked(state / "alive.lock")


def _launch(state: Path, idle_hours: float, progress: Progress) -> Sandbox:
    """Start the server, which leaves for the background once it listens."""
    check_versions(state / NAME)
    with _log_of(state) as (log, begins):
        process = _run(state, "process", log, "--idle-hours", str(idle_hours))
        while process.poll() is None:
            _pass_on(_word_of(state), progress)
            time.sleep(0.02)
        sandbox = None if process.returncode else _await_ready(state, progress)
        if sandbox is None:
            raise _failure(state, process.returncode, begins)
    return sandbox


@contextmanager
def _log_of(state: Path) -> Iterator[tuple[int, int]]:
    """The server's log to append to, and where what is appended begins."""
    log = open_log(state / "server.log")
    try:
        yield log, os.fstat(log).st_size
    finally:
        os.close(log)


def _run(state: Path, module: str, log: int, *more: str) -> subprocess.Popen[bytes]:
    """A process of the sandbox's; what it says in errors goes to the log."""
    names = {n: v for n, v in os.environ.items() if not n.startswith(("AWS_", "MOTO_"))}
    return subprocess.Popen(
        [
            sys.executable,
            "-P",
            "-m",
            f"iamkit.sandbox.server.{module}",
            "--state",
            state.absolute(),
            *more,
        ],
        stdin=subprocess.DEVNULL,
        stdout=log if module == "process" else subprocess.PIPE,
        stderr=log,
        cwd="/",
        env=names | {"PYTHONHASHSEED": "0"},  # the order of a set is chance, too
        start_new_session=True,
    )


def _await_ready(state: Path, progress: Progress) -> Sandbox | None:
    """The sandbox that lives, or None; if its starter was killed, it may still be on its way."""
    said, deadline = "", time.monotonic() + SILENT_SECONDS
    while _lives(state):
        if sandbox := find_sandbox(state):
            return sandbox
        if (word := _word_of(state)) != said:
            said, deadline = word, time.monotonic() + SILENT_SECONDS
            _pass_on(word, progress)
        if time.monotonic() > deadline:
            raise SandboxError(
                f"The sandbox in {state} has been starting for {SILENT_SECONDS} seconds without a "
                "word. `iamkit sandbox stop` ends it."
            )
        time.sleep(0.02)
    return None


def _word_of(state: Path) -> str:
    """What the server says in its lock: its process id, and how far its account is back."""
    return read_private(state / "alive.lock") or ""


def _failure(state: Path, code: int, begins: int) -> SandboxError:
    """Why a process of the sandbox's did not do its work, as its log and its end tell it."""
    log = state / "server.log"
    if code < 0:
        return SandboxError(
            f"The sandbox did not start: its process was killed by {signal.Signals(-code).name}. "
            "The account is as it was; `iamkit sandbox start` tries again."
        )
    if code == NO_ROOM:
        return SandboxError(
            f"The sandbox did not start: there is no room on the disk of {state}. The account is "
            "as it was."
        )
    with open_private(log) as file:
        file.seek(max(begins, os.fstat(file.fileno()).st_size - _LONGEST_REASON))
        lines = file.read().decode("utf-8", "replace").strip().splitlines()
    reason = _LOGGED.sub("", lines[-1]) if lines else f"its process ended with code {code}."
    return SandboxError(f"The sandbox did not start: {reason}\nIts log is {log}.")


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
        pid, *_ = [*_word_of(state).split(), ""]
        if pid.isdecimal():
            with suppress(ProcessLookupError):
                os.kill(int(pid), kind)
        time.sleep(0.02)
    (state / "server.json").unlink(missing_ok=True)
    return True


def _forget(state: Path) -> None:
    """Remove what an ended sandbox left: its account, its keys, the folders of its instances.

    Raises:
        SandboxError: something cannot be removed.
    """
    try:
        for name in ("server.json", NAME):
            (state / name).unlink(missing_ok=True)
    except OSError as error:
        raise SandboxError(
            f"{error.filename} cannot be removed: {error.strerror}. Move it away."
        ) from None
    remove_instances(state)
