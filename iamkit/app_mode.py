"""Whether this process is a page of `iamkit lab --app`, and what may be done from there.

What is hidden from a page is not out of its visitor's reach: every message of a widget can be sent
without it. So whatever writes or applies asks here, in the function that does it.
"""

import os

from iamkit.errors import GuardError

APP_APPLIES = "IAMKIT_APP_APPLIES"
"""The variable by which `iamkit lab --app --apply` tells its kernels that Apply is wanted."""
YES = "yes"

OFF = (
    "Apply is switched off in this app, which only shows. Whoever runs it can switch it on: "
    "iamkit lab --app --apply"
)


def is_app() -> bool:
    """Whether Voilà runs this kernel, which then has variables of Voilà's and of CGI (RFC 3875)."""
    software = os.environ.get("SERVER_SOFTWARE", "")
    return software.startswith("voila/") or any(name.startswith("VOILA_") for name in os.environ)


def applying_is_off() -> str:
    """Why Apply is not offered here, in a sentence; empty where it is.

    In an app it is off unless the app was started to apply.
    """
    return OFF if is_app() and os.environ.get(APP_APPLIES) != YES else ""


def refuse_if_only_shown(what: str = "changed") -> None:
    """Refuse to write or apply in an app that only shows.

    Args:
        what: what was not done, such as ``written``.

    Raises:
        GuardError: it only shows.
    """
    if reason := applying_is_off():
        raise GuardError(f"{reason}. Nothing was {what}.")


def refuse_free_paths_in_app() -> None:
    """Refuse to write a file whose path is typed into a page, in every app.

    Who sees no code is not to write files on the machine that serves the page.

    Raises:
        GuardError: this is an app.
    """
    if is_app():
        raise GuardError("The app writes no parameters files on its machine. Nothing was written.")
