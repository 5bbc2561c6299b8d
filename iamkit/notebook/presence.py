"""Who is in front of the notebook: a person who can click, or a headless run."""

import os

from IPython import get_ipython

APP_APPLIES = "IAMKIT_APP_APPLIES"
"""The variable by which `iamkit lab --app --apply` tells its kernels that Apply is wanted."""
YES = "yes"

OFF = (
    "Apply is switched off in this app, which only shows. Whoever runs it can switch it on: "
    "iamkit lab --app --apply"
)


def someone_is_there() -> bool:
    """Whether a person can answer this cell; when in doubt yes, so that nothing is applied.

    The request that runs the cell tells it: a browser lets a cell ask for input, papermill
    does not. Voilà does not either, but runs the cells because somebody opened the page.
    """
    if is_app():
        return True
    kernel = getattr(get_ipython(), "kernel", None)
    parent = kernel.get_parent() if kernel else {}
    return bool(parent.get("content", {}).get("allow_stdin", True))


def applying_is_off() -> str:
    """Why Apply is not offered here, in a sentence; empty where it is.

    In an app it is off unless the app was started to apply.
    """
    return OFF if is_app() and os.environ.get(APP_APPLIES) != YES else ""


def is_app() -> bool:
    """Whether Voilà runs this kernel, which then has variables of Voilà's and of CGI (RFC 3875)."""
    software = os.environ.get("SERVER_SOFTWARE", "")
    return software.startswith("voila/") or any(name.startswith("VOILA_") for name in os.environ)
