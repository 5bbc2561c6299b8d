"""Of which version of the kit a notebook is, and what to say where it is another than this one."""

from importlib.metadata import version
from pathlib import Path

from iamkit.errors import InputError
from iamkit.notebook.input_notebook import read_notebook

PACKAGE = "iamkit"


def version_of(notebook: Path) -> str | None:
    """The version of which a notebook of the kit is; empty of one before there were stamps.

    None of what is no notebook of ours, or no notebook.
    """
    try:
        read = read_notebook(notebook)
    except InputError:
        return None
    code = "".join("".join(cell["source"]) for cell in read["cells"])
    if f"import {PACKAGE}" not in code:
        return None
    stamp = read.get("metadata", {}).get(PACKAGE, {})
    return str(stamp.get("version", "")) if isinstance(stamp, dict) else ""


def say_other(notebook: Path) -> str:
    """Whether a notebook is of another version, and where the right one is; empty if not."""
    found, here = version_of(notebook), version(PACKAGE)
    if found in (None, here):
        return ""
    of = f"version {found}" if found else "an earlier version"
    return (
        f"This notebook is of {of} of iamkit, and {here} is installed. iamkit lab puts the new "
        f"notebooks beside yours, in the folder {here}, and opens them; yours stays as it is."
    )
