"""The section in which a person enrols a virtual MFA device of their own, by clicks.

A device's seed goes from AWS's reply to the page in one message of the widget, whose state never
holds it: so it is in no saved notebook, no checkpoint and no report. The page forgets it once the
device is enabled or deleted.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets as widgets
from IPython.display import display

from iamkit.aws.mfa_enrolment import (
    Enrolment,
    create_device,
    delete_begun,
    enable_device,
    read_enrolment,
    why_not_here,
)
from iamkit.aws.session import Session
from iamkit.errors import IamkitError
from iamkit.notebook.display import show
from iamkit.notebook.interactive import someone_is_there
from iamkit.notebook.links import run_all
from iamkit.notebook.markup import mime_bundle
from iamkit.notebook.review.presence import Presence, without_kernel

HERE = Path(__file__).parent
BY_CLICKS = "A device of your own is enrolled by clicks in JupyterLab; a headless run enrols none."


class EnrolmentView(anywidget.AnyWidget):
    """The buttons, the QR code and the two codes; what it shows is told by messages alone.

    Attributes:
        serial: of the device that was made and is not enabled; empty for none.
    """

    _esm = HERE / "enrolment.js"
    _css = HERE / "enrolment.css"

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.serial = ""
        self._session = session
        self._acts: Mapping[str, Callable[[Mapping[str, Any]], None]] = {
            "look": self._look,
            "begin": self._begin,
            "enable": self._enable,
            "end": self._end,
        }
        self.on_msg(lambda _, message, __: self.answer(message))

    def answer(self, message: Mapping[str, Any]) -> None:
        """Do what a click asked for, and tell the page; an error's text holds no reply of AWS's."""
        act = self._acts.get(str(message.get("do")))
        if act is None:
            return
        try:
            act(message)
        except IamkitError as error:
            self._tell(str(error), wrong=True)
        except Exception as error:  # noqa: BLE001 - its text could hold anything
            self._tell(f"It ended in an unexpected {type(error).__name__}.", wrong=True)

    def _look(self, message: Mapping[str, Any]) -> None:
        # Of several views of one widget only that which asks is told; another may show a QR code.
        self._show(self._read(), view=message.get("view"))

    def _begin(self, _: Mapping[str, Any]) -> None:
        try:
            device = create_device(self._session)
        except IamkitError as error:
            self._show(self._read(), said=str(error), wrong=True)
            return
        self.serial = device.serial
        shown = {"state": "scan", "serial": device.serial}
        self.send(shown, buffers=[device.seed.reveal().encode(), device.picture])

    def _enable(self, message: Mapping[str, Any]) -> None:
        first, second = (str(message.get(name, "")) for name in ("first", "second"))
        enable_device(self._session, self.serial, (first, second))
        said = f"✔ Verified: read again, {self.serial} is enabled."
        self.serial = ""
        self._show(self._read(), said=said)

    def _end(self, _: Mapping[str, Any]) -> None:
        ended = self.serial
        delete_begun(self._session, ended)
        self.serial = ""
        found = self._read()
        if found.begun == ended:  # AWS may show it for some seconds after it is gone
            found = Enrolment(user=found.user, devices=found.devices)
            self.serial = ""
        self._show(found, said=f"{ended} was deleted; its QR code is of no use any more.")

    def _read(self) -> Enrolment:
        found = read_enrolment(self._session)
        self.serial = self.serial or found.begun
        return found

    def _show(self, found: Enrolment, said: str = "", **more: Any) -> None:
        """Tell the page how far the enrolment is."""
        state = "begun" if self.serial else "idle"
        devices = [device.serial for device in found.devices]
        about = {"user": found.user, "devices": devices, "untold": found.untold}
        self.send({"state": state, "serial": self.serial, "said": said, **about, **more})

    def _tell(self, said: str, *, wrong: bool) -> None:
        """Say something below what the page shows already."""
        self.send({"said": said, "wrong": wrong})


def show_enrolment(session: Session) -> None:
    """Let a person enrol a virtual MFA device for the user whose credentials these are.

    A headless run enrols nobody, and neither does the root, a role or an app: that is said.
    """
    if not someone_is_there():
        show(BY_CLICKS)
        return
    if reason := why_not_here(session):
        show(reason)
        return
    presence = Presence()
    presence.fresh = False
    page = widgets.VBox([presence, EnrolmentView(session)])
    page.add_class("iamkit-workbench")
    display(page)
    display(
        mime_bundle(without_kernel(f"Press {run_all()} to enrol a device of your own."), ""),
        raw=True,
    )
