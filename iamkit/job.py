"""What a job of GitHub Actions shows of a command: its summary, and mistakes at their lines.

Elsewhere nothing is written. GitLab has reports in place of these: JUnit and Code Quality.
"""

import os
import re
import sys
from pathlib import Path

from iamkit.errors import IamkitError, InputError
from iamkit.text import printable

SUMMARY = "GITHUB_STEP_SUMMARY"
"""The variable that names the file for a step's Markdown.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
"""
MOST = 1_000_000
"""Characters of a step's summary; GitHub takes 1 MiB and refuses all of a longer one."""


def has_summary() -> bool:
    """Whether this process is a step whose summary can be written."""
    return bool(os.environ.get(SUMMARY))


def add_to_summary(markdown: str) -> None:
    """Add Markdown to the step's summary, if there is one; a job never fails because of it."""
    if not has_summary() or not markdown:
        return
    text = markdown
    if len(text) * 4 > MOST:  # a character may take four bytes
        text = text[: MOST // 4].rpartition("\n")[0] + "\n\n… and more: see the report.\n"
    try:
        with Path(os.environ[SUMMARY]).open("a", encoding="utf-8") as file:
            file.write(f"{text}\n")
    except OSError as error:
        print(f"iamkit: the job's summary was not written: {error.strerror}", file=sys.stderr)  # noqa: T201


def annotate(error: IamkitError) -> None:
    """Say what is wrong in a file so that GitHub shows it at its line, if this is a job there.

    https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
    """
    if os.environ.get("GITHUB_ACTIONS") != "true" or not isinstance(error, InputError):
        return
    for path, line, said in error.places:
        where = f"file={_property(_in_repository(path))}" + (f",line={line}" if line else "")
        print(f"::error {where},title=iamkit::{_data(said)}")  # noqa: T201


def as_lines(text: str) -> str:
    """A text for a job's log, in which no line begins a workflow command.

    A file or a user may be named so that a line of an error would be one.
    """
    return re.sub(r"(?m)^(\s*):(?=:)", r"\1: ", printable(text, keep="\n"))


def _in_repository(path: Path) -> str:
    """The path as GitHub knows the file: from the checkout on."""
    root = os.environ.get("GITHUB_WORKSPACE")
    whole = path.absolute()
    return str(whole.relative_to(root) if root and whole.is_relative_to(root) else path)


def _data(text: str) -> str:
    """A text that ends no workflow command and begins none."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
