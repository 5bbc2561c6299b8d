"""Who is in front of the notebook: a person who can click, or a headless run."""

from IPython import get_ipython

from iamkit.app_mode import is_app


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
