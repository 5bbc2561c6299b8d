"""Kernels that start ahead of their turn, talk over private sockets and end with their parent."""

import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import EntryPoint
from pathlib import Path
from pkgutil import resolve_name
from queue import Empty
from subprocess import TimeoutExpired
from types import TracebackType
from typing import Any, Self

from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.factory import KernelProvisionerFactory
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from jupyter_core.utils import run_sync

from iamkit.errors import InputError, StorageError
from iamkit.notebook.fork_server import ForkServer
from iamkit.storage.folders import check_room

POLL = 0.2
"""Seconds between two looks at the parent."""

GRACE = 10.0
"""Seconds that a cell has to stop in order, before its kernel is ended."""

_AT_WORK: list[threading.Event] = []
"""What ends the work of each thread that must not be cut off within a call."""

LONGEST_SOCKET_PATH = 100
"""The address of a socket may have 104 bytes on macOS and 108 on Linux (unix(7))."""


class KernelClient(AsyncKernelClient):
    """A client that is ready as soon as the kernel answers on both channels.

    The one that it replaces then waits 0.2 s more for silence, which nobody here needs.
    """

    async def wait_for_ready(self, timeout: float | None = None) -> None:  # noqa: ASYNC109
        """Wait until the kernel answers, and until its outputs reach us.

        Args:
            timeout: seconds.

        Raises:
            RuntimeError: the kernel died, or the time is over.
        """
        deadline = time.monotonic() + (timeout or 60)
        while time.monotonic() < deadline:
            self.kernel_info()
            with suppress(Empty):
                await self.get_shell_msg(timeout=1)
                await self.get_iopub_msg(timeout=0.02)
                return
            if not await self.is_alive():
                raise RuntimeError("the kernel ended while it started")
        raise RuntimeError("the kernel did not answer in time")


class ForkingProvisioner(LocalProvisioner):
    """Starts a kernel by a fork, where that is possible, else as jupyter_client does."""

    process: Any

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Start a kernel and return while it starts."""
        kernel: Any = self.parent
        server: ForkServer | None = kernel.fork_server
        if server:
            with suppress(OSError):  # it is gone
                self.cwd, output = kwargs.get("cwd"), kwargs["stdout"]
                self.process = server.fork(cmd, env=kwargs["env"], cwd=self.cwd, output=output)
                return self.connection_info
        return await super().launch_kernel(cmd, **kwargs)


PROVISIONER = "iamkit-forking"
KernelProvisionerFactory.provisioners[PROVISIONER] = EntryPoint(
    PROVISIONER, f"{__name__}:{ForkingProvisioner.__name__}", KernelProvisionerFactory.GROUP_NAME
)


class Kernel(AsyncKernelManager):
    """One kernel, always of this interpreter, whatever kernels are installed or named.

    Attributes:
        fork_server: what forks it; None starts a new process.
    """

    fork_server: ForkServer | None = None
    _client: AsyncKernelClient | None = None

    @property
    def kernel_spec(self) -> KernelSpec:
        """How to start it."""
        argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        metadata = {"kernel_provisioner": {"provisioner_name": PROVISIONER}}
        return KernelSpec(argv=argv, display_name="Python 3", language="python", metadata=metadata)

    @property
    def process(self) -> Any:
        """The kernel's process, a ``subprocess.Popen`` or like one; None when it has ended."""
        return getattr(self.provisioner, "process", None)

    def client(self, **kwargs: Any) -> Any:
        """The client, kept so that it can be closed."""
        self._client = super().client(**kwargs)
        return self._client

    def interrupt(self) -> None:
        """Interrupt the cell that runs now, as Ctrl-C does, and nothing else."""
        if self.process:
            self.process.send_signal(signal.SIGINT)

    def kill(self) -> None:
        """End it at once."""
        if self.process:
            self.process.kill()

    @property
    def has_ended(self) -> bool:
        """Whether its process is gone."""
        return self.process is None or self.process.poll() is not None

    @property
    def last_words(self) -> str:
        """The last line that the process itself printed, such as why it could not start."""
        try:
            log = Path(self.connection_file).with_suffix(".log").read_text(errors="replace")
        except OSError:
            return ""
        return log.strip().rpartition("\n")[2]

    def leave(self) -> None:
        """Ask it to end, without waiting, so that the next notebook need not wait either."""
        if self._client and self.process:
            self._client.shutdown()
            self._client.stop_channels()
            self._client = None
        elif self.process:
            self.process.terminate()

    def reap(self, seconds: float = 2.0) -> None:
        """Wait until it has ended, and kill it if it does not."""
        if self.process:
            with suppress(TimeoutExpired):
                self.process.wait(seconds)
            self.process.kill()
            self.process.wait()
            if self.process.stdin:
                self.process.stdin.close()


class Kernels:
    """Starts kernels whose sockets and connection files are in a private folder.

    As a context manager it removes the folder in the end, and no kernel outlives it.

    Args:
        fork_server: what forks them; without one each is a new process.

    Raises:
        InputError: the folder cannot be made; nothing was run.
    """

    def __init__(self, fork_server: ForkServer | None = None) -> None:
        self._server = fork_server

    def __enter__(self) -> Self:
        try:
            self._folder = tempfile.TemporaryDirectory(prefix="iamkit-", dir=_socket_folder())
            check_room(Path(self._folder.name))
        except (OSError, StorageError) as error:
            reason = error.reason if isinstance(error, StorageError) else error.strerror
            raise InputError(
                f"Nothing can be written to the folder for temporary files ({reason}); TMPDIR "
                "names another. Nothing was run."
            ) from None
        self._started: list[Kernel] = []
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        for kernel in self._started:
            kernel.leave()
        for kernel in self._started:
            kernel.reap()
        self._folder.cleanup()

    def start(self, names: Iterable[str]) -> Kernel:
        """Start a kernel and return while it starts.

        Args:
            names: the modules, and names in modules, that it imports ahead.
        """
        stem = Path(self._folder.name) / str(len(self._started))
        kernel = Kernel(
            connection_file=f"{stem}.json",
            transport="ipc",
            ip=str(stem),
            client_factory=KernelClient,
        )
        kernel.fork_server = self._server
        ahead = f"{__name__!r}, fromlist='_').prepare({sorted(names)})"
        arguments = [
            "--HistoryManager.enabled=False",
            f"--IPKernelApp.exec_lines=__import__({ahead}",
        ]
        with stem.with_suffix(".log").open("wb") as log:
            run_sync(kernel.start_kernel)(extra_arguments=arguments, stdout=log, stderr=log)
        self._started.append(kernel)
        return kernel


def _socket_folder() -> str | None:
    room = len(os.fsencode(tempfile.gettempdir())) + len("/iamkit-12345678/100-1")
    return None if room <= LONGEST_SOCKET_PATH else "/tmp"  # noqa: S108 - made private there


def prepare(names: Iterable[str]) -> None:
    """In a kernel that starts: end with the parent, and import what the notebook will need."""
    end_with_parent(int(os.environ["JPY_PARENT_PID"]))
    for name in names:
        # What cannot be imported fails in its cell, where the user sees it.
        with suppress(Exception):
            resolve_name(name)


def end_with_parent(parent: int | None = None) -> None:
    """In a kernel: when the parent process ends, interrupt the running cell, then end.

    A cell that applies gets 10 s to stop between two calls. Call it as often as you like.

    Args:
        parent: its process id; by default the present parent.
    """
    if any(thread.name == _watch.__name__ for thread in threading.enumerate()):
        return
    _disarm_ipykernel()
    watched = parent or os.getppid()
    threading.Thread(target=_watch, args=[watched], name=_watch.__name__, daemon=True).start()


@contextmanager
def stopping_with_parent(stop: threading.Event) -> Iterator[None]:
    """Within it, work in a thread is told to stop when the parent ends, and has 10 s for that."""
    end_with_parent()
    _AT_WORK.append(stop)
    try:
        yield
    finally:
        _AT_WORK.remove(stop)


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(POLL)
    deadline = time.monotonic() + GRACE
    for stop in [*_AT_WORK]:
        stop.set()
    while _AT_WORK and time.monotonic() < deadline:
        time.sleep(POLL)
    # A real signal, because it also wakes a call that waits for the network.
    os.kill(os.getpid(), signal.SIGINT)
    # ipykernel ignores SIGINT exactly while no cell runs.
    while signal.getsignal(signal.SIGINT) != signal.SIG_IGN and time.monotonic() < deadline:
        time.sleep(POLL)
    os._exit(1)


class _AnyProcess:
    """Equals every process id."""

    def __ne__(self, other: object) -> bool:
        return False

    __hash__ = None  # type: ignore[assignment]


def _disarm_ipykernel() -> None:
    """Keep ipykernel 7 from ending the process within a second, in the middle of a call.

    Its own poller compares the parent with ``parent_pid``, and knows no grace.
    """
    from ipykernel.kernelapp import IPKernelApp  # noqa: PLC0415 - only a kernel has it at hand

    poller = IPKernelApp.instance().poller if IPKernelApp.initialized() else None
    if poller is not None:
        poller.parent_pid = _AnyProcess()
