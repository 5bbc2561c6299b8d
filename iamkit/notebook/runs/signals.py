"""Ctrl-C and SIGTERM while notebooks run: the running cell stops in order, then the run ends."""

import signal
import threading
from types import FrameType
from typing import Any, Self

from iamkit.notebook.kernels import GRACE, Kernel


class Stopped(Exception):  # noqa: N818 - it is no error
    """The run was stopped while no cell ran."""


class Stop:
    """Turns the two signals into an interrupt of the kernel, as a context manager.

    The cell then has 10 s to stop; a second signal kills its kernel at once. Outside the main
    thread, where Python handles no signals, it does nothing.

    Attributes:
        signal: the one that came, if any.
        kernel: the one that runs now.
    """

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None
        self.kernel: Kernel | None = None
        self._before: dict[signal.Signals, Any] = {}
        self._timers: list[threading.Timer] = []

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(self, *_: object) -> None:
        for timer in self._timers:
            timer.cancel()
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @property
    def cause(self) -> str:
        """What stopped the run, in words."""
        return "Ctrl-C" if self.signal == signal.SIGINT else "SIGTERM"

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        again = self.signal is not None
        self.signal = signal.Signals(number)
        if self.kernel and again:
            self.kernel.kill()
        elif self.kernel:
            # A cell that was just sent needs a moment to begin; until then SIGINT is ignored.
            self._after(0.1, self.kernel.interrupt)
            self._after(GRACE, self.kernel.kill)

    def _after(self, seconds: float, action: Any) -> None:
        timer = threading.Timer(seconds, action)
        timer.daemon = True
        timer.start()
        self._timers.append(timer)
