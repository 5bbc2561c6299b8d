"""What keeps a workbench in sight, and says how old its reading is and whether its kernel answers.

Where the kernel is gone no Python can say so: this part lives in the browser.
"""

from datetime import datetime
from pathlib import Path

import anywidget
import traitlets

from iamkit.notebook.links import run_all

HERE = Path(__file__).parent


class Presence(anywidget.AnyWidget):
    """A line above a workbench.

    Attributes:
        read_at: the moment for which the plan holds, in UTC and ISO 8601; empty if it is not known.
        fresh: whether the workbench is to come into view, because something new stands in it.
        busy: whether changes are being made.
    """

    _esm = HERE / "workbench.js"
    _css = HERE / "workbench.css"

    read_at = traitlets.Unicode("").tag(sync=True)
    fresh = traitlets.Bool(default_value=True).tag(sync=True)
    busy = traitlets.Bool(default_value=False).tag(sync=True)

    def __init__(self) -> None:
        super().__init__()
        self.on_msg(lambda *_: self.send({"answer": "here"}))

    def tell_age(self, at: datetime | None) -> None:
        """Say for which moment the plan holds."""
        self.read_at = f"{at:%Y-%m-%dT%H:%M:%SZ}" if at else ""


def say_not_live(at: str, result: str, shown: str) -> str:
    """What stands in a workbench's place where no kernel holds it: hidden as long as one does.

    Args:
        at: when it was as it is shown, in words.
        result: what an apply came to, above the sentence.
        shown: what to show below it.
    """
    said = f"Press {run_all()} to go on: this shows how it was at {at}, and its buttons are gone."
    return without_kernel(said, result, shown)


def say_cut_off(at: str) -> str:
    """The same while changes are being made since a moment, in words."""
    said = f"An apply that began at {at} was under way. Press {run_all()}: it shows what is left."
    return without_kernel(said)


def without_kernel(said: str, result: str = "", shown: str = "") -> str:
    """A sentence in the place of what no kernel holds, between two parts of the page, as HTML."""
    return f'{HIDING}<div class="iamkit-without-kernel">{result}<p><b>{said}</b></p>{shown}</div>'


HIDING = """<style>
.jp-OutputArea:has(.iamkit-workbench) .iamkit-without-kernel { display: none; }
.jp-OutputArea:has(.iamkit-without-kernel):not(:has(.iamkit-workbench))
  .jp-OutputArea-child:has(+ .jp-OutputArea-child .iamkit-without-kernel) { display: none; }
</style>"""
"""The second rule hides that the widget of another kernel is not found."""
