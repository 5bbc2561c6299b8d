"""An IPython extension: a cell's error as one kind sentence, with what to press.

``iamkit lab`` loads it into its kernels. Where nobody is there, an error stays one, for papermill.
"""

import os
from pathlib import Path
from types import TracebackType
from typing import Any

from IPython.display import display

from iamkit.errors import IamkitError
from iamkit.notebook.interactive import someone_is_there
from iamkit.notebook.links import RUN_ALL, run_all
from iamkit.notebook.markup import escape, mime_bundle
from iamkit.notebook.versions import PACKAGE, say_other

BOX = "padding:8px 12px;border-radius:4px;background:#ffe0de;color:#6b0f0a;font-size:14px"
AGAIN = f"press {RUN_ALL}: that changes nothing in the account."
PRESS = f"When it is mended, {AGAIN}"


def load_ipython_extension(shell: Any) -> None:
    """Show errors of ours, and names that are not there yet, as a sentence."""
    shell.set_custom_exc((IamkitError, NameError, AttributeError), show_error)
    if said := say_other(_notebook()):

        def say_once(*_: Any) -> None:
            shell.events.unregister("post_run_cell", say_once)
            _show(said)

        shell.events.register("post_run_cell", say_once)


def show_error(
    shell: Any,
    kind: type[BaseException],
    error: BaseException,
    trace: TracebackType | None,
    tb_offset: int | None = None,
) -> list[str]:
    """Show an error that ended a cell, as IPython's ``set_custom_exc`` calls it."""
    said = sentence_of(error, trace) if someone_is_there() else ""
    if not said:
        shell.showtraceback((kind, error, trace), tb_offset=tb_offset)
        return []
    _show(said)
    return [said]


def sentence_of(error: BaseException, trace: TracebackType | None) -> str:
    """An error as a sentence; empty for one of which only its traceback tells where it is from."""
    if isinstance(error, IamkitError):
        return f"✘ {error} {PRESS}"
    frames = 0
    while trace:
        frames, trace = frames + 1, trace.tb_next
    if isinstance(error, NameError) and frames <= TOP:
        return f"This cell needs what the cells above it make ({error.name}): {AGAIN}"
    if isinstance(error, AttributeError) and str(error).startswith(f"No {PACKAGE} attribute"):
        return f"✘ {say_other(_notebook()) or error}"
    return ""


def _show(said: str) -> None:
    told = escape(said).replace(RUN_ALL, run_all())
    markup = f'<p role="alert" style="{BOX}">{told}</p>'
    display(mime_bundle(markup, said), raw=True)


def _notebook() -> Path:
    """The notebook of this kernel, as Jupyter's server names it; it starts in its folder."""
    return Path(Path(os.environ.get("JPY_SESSION_NAME", "")).name or "none")


TOP = 2
"""Frames of an error in a cell's own code: IPython's call, and the cell."""
