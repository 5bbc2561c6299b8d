"""A process that has imported what notebooks need, and forks a kernel for each that asks.

So an import is paid once for all notebooks of a run. The process has one thread and no secret:
what a kernel is to be, its environment included, the kernel itself reads, after the fork. A kernel
ends with this process, and this process with the one that asked; both hear it from a socket.
"""

import gc
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from pkgutil import resolve_name
from select import POLLIN, poll
from typing import BinaryIO, Self

PRELOADED = (
    "ipykernel.ipkernel",
    "ipykernel.kernelapp",
    "iamkit.open_session",
    "iamkit.read_account",
    "iamkit.make_plan",
    "iamkit.make_form",
    "iamkit.review_plan",
)
"""What nearly every notebook of the kit imports. Nothing of it may start a thread, as the libraries
below numpy and pyarrow do: a process with threads cannot be forked safely."""


LONGEST = 60.0
"""Seconds that a kernel may take until it is forked, with all imports before it."""


class ForkedProcess:
    """A kernel that was asked for, with what Jupyter uses of ``subprocess.Popen``.

    It is known by a descriptor and not by its number, so that no signal reaches another process.
    """

    stdin = stdout = stderr = None  # that are open to this process

    def __init__(self, asked: socket.socket) -> None:
        self._asked = asked
        self._handle: int | None = None
        self._ended = False

    def poll(self) -> int | None:
        """None while it runs or is not forked yet; how it ended is not known, and 0."""
        return 0 if self._ends_within(0) else None

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it has ended.

        Raises:
            subprocess.TimeoutExpired: it has not within so many seconds.
        """
        if not self._ends_within(timeout):
            raise subprocess.TimeoutExpired("a kernel", timeout or 0)
        return 0

    def send_signal(self, number: int) -> None:
        """Send a signal, as soon as it is forked; nothing if it has ended."""
        self._meet(LONGEST)
        if self._handle is not None:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._handle, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def _ends_within(self, seconds: float | None) -> bool:
        self._meet(seconds)
        if self._handle is not None and not self._ended:
            self._ended = _has_news(self._handle, seconds)
        return self._ended

    def _meet(self, seconds: float | None) -> None:
        """Take the descriptor that it sends first of all; an end without one is its end."""
        if self._handle is not None or self._ended or not _has_news(self._asked.fileno(), seconds):
            return
        flags = socket.MSG_DONTWAIT | socket.MSG_CMSG_CLOEXEC
        with suppress(BlockingIOError):  # another thread was faster
            _, handles, *_ = socket.recv_fds(self._asked, 1, 1, flags)
            self._handle = next(iter(handles), None)
            self._ended = not handles

    def __del__(self) -> None:
        self._asked.close()
        if self._handle is not None:
            os.close(self._handle)


def _has_news(descriptor: int, seconds: float | None) -> bool:
    """Whether something can be read, or an end seen, within so many seconds."""
    watched = poll()
    watched.register(descriptor, POLLIN)
    return bool(watched.poll(None if seconds is None else seconds * 1000))


class ForkServer:
    """The process, as the one that asks for kernels sees it; as a context manager it is ended.

    Raises:
        OSError: it cannot be started.
    """

    def __init__(self) -> None:
        self._control, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for the process that asks
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._control.close()
        self._process.kill()  # it may still be importing; nothing of it is to be kept
        self._process.wait()

    def fork(
        self, argv: Sequence[str], *, env: Mapping[str, str], cwd: str | None, output: BinaryIO
    ) -> ForkedProcess:
        """Have a kernel forked, and return before it is.

        Args:
            argv: as for a new process: the interpreter, ``-m``, the module, its arguments.
            env: its environment, all of it.
            cwd: its folder; None for this process's.
            output: the file for what it prints itself.

        Raises:
            OSError: the process is gone.
        """
        ours, theirs = socket.socketpair()
        with theirs:
            socket.send_fds(self._control, [b"."], [theirs.fileno(), output.fileno()])
        request = {"argv": list(argv), "env": dict(env), "cwd": str(cwd or Path.cwd())}
        ours.sendall(json.dumps(request).encode() + b"\n")
        return ForkedProcess(ours)


@contextmanager
def forking(kernels: int) -> Iterator[ForkServer | None]:
    """A fork server, if it is worth it: a kernel alone is as fast as a new process.

    Enter it as early as you like: it imports while the process that will ask for kernels does.

    Args:
        kernels: how many will be asked for.

    Yields:
        None for one kernel, and where processes cannot be forked and known by descriptors, as they
        can on Linux.
    """
    server: ForkServer | nullcontext[None] = nullcontext()
    if kernels > 1:
        with suppress(AttributeError, OSError):
            os.close(os.pidfd_open(os.getpid()))
            server = ForkServer()
    with server as started:
        yield started


def main() -> None:
    """Import, then fork for each that asks, until nobody is left who could."""
    control = socket.socket(fileno=sys.stdin.fileno())
    parent = os.getpid()
    os.environ["JPY_PARENT_PID"] = str(parent)  # which ipykernel reads when it is imported
    for name in PRELOADED:
        # What cannot be imported fails in a cell, where the user sees it.
        with suppress(Exception):
            resolve_name(name)
    gc.freeze()  # what is there now stays shared between the kernels
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # so that none is left behind when it ends
    descriptors = _fork_for_each(control)
    if descriptors:
        control.detach()
        _be_kernel(parent, *descriptors)


def _fork_for_each(control: socket.socket) -> list[int]:
    """In a fork, the descriptors that it was sent; here none, in the end."""
    while True:
        _, descriptors, *_ = socket.recv_fds(control, 1, 2, socket.MSG_CMSG_CLOEXEC)
        if not descriptors:
            return []
        with suppress(OSError):  # of too many processes; who asked sees its socket closed
            if os.fork() == 0:
                return descriptors
        for descriptor in descriptors:
            os.close(descriptor)


def _be_kernel(parent: int, asked: int, output: int) -> None:
    """In a fork: be what a new process would be, and run a kernel until it ends."""
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.dup2(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC), 0)
    for standard in (1, 2):
        os.dup2(output, standard)
    # Never closed by us: that it closes tells the other side that this process has ended.
    talk = socket.socket(fileno=asked)
    socket.send_fds(talk, [b"."], [os.pidfd_open(os.getpid())])
    with talk.makefile("rb") as lines:
        request = json.loads(lines.readline())
    os.environ.clear()
    os.environ.update(request["env"], JPY_PARENT_PID=str(parent))
    os.chdir(request["cwd"])
    _, _, *sys.argv = request["argv"]  # without the interpreter and -m
    if not sys.flags.safe_path:
        del sys.path[0]  # the folder in which this process started; IPython puts its own there

    from ipykernel.kernelapp import launch_new_instance  # noqa: PLC0415 - only here it is needed

    launch_new_instance()


if __name__ == "__main__":
    main()
