"""What a notebook tells about itself by values beside what it shows, and what became of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from iamkit import errors
from iamkit.errors import IamkitError

RESULT_MIME = "application/vnd.iamkit.result+json"
"""A notebook tells its outcome by displaying this.

``planned``, ``applied`` and ``left`` count changes, ``notes`` and ``doubts`` are the plan's, and
``journal`` is where the calls are written if it applied. ``changes`` are the plan's, each with its
verb, what it touches, and how.
"""

ACCOUNT_MIME = "application/vnd.iamkit.account+json"
"""A notebook tells its account by this, beside the banner: all of ``Stamp`` but the moment."""
WORDS = {"sandbox": "SANDBOX", "aws": "LIVE"}
"""What each environment is called in sight of a person."""


@dataclass(frozen=True, kw_only=True)
class NotebookResult:
    """What became of one notebook.

    Attributes:
        name: the notebook's file name without its ending.
        outcome: ``done``, ``nothing to do``, ``planned``, ``read``, ``partly applied``, ``failed``.
        planned: how many changes the plan holds.
        applied: how many were made.
        seconds: how long it took.
        output: the executed notebook; absent if a secret was found or the kernel never started.
        html: the same as a page; absent likewise.
        notes: what was found and is left alone, and who must go and is not there; for the terminal.
        error: one or two lines for the user, None if all went well.
        exit_code: 0, 1 failed, 2 planned, 4 partly applied, 130 or 143 stopped by a signal.
        changes: of the plan, each with its verb, what it touches, and how.
    """

    name: str
    outcome: str
    planned: int
    applied: int
    seconds: float
    output: Path
    html: Path
    error: str | None
    exit_code: int
    notes: tuple[str, ...] = ()
    changes: tuple[tuple[str, str, str], ...] = ()

    @property
    def failed(self) -> bool:
        """Whether no later notebook may run."""
        return self.exit_code not in (0, 2)


def exit_code_of(results: Sequence[NotebookResult]) -> int:
    """The exit code of a run: that of the first failure, else 2 if changes are planned, else 0."""
    failures = [result.exit_code for result in results if result.failed]
    return failures[0] if failures else max((result.exit_code for result in results), default=0)


def headline_of(results: Sequence[NotebookResult]) -> str:
    """A run in a few words: ``Changes made: 17``, or who did not succeed."""
    planned = sum(result.planned for result in results)
    applied = sum(result.applied for result in results)
    failed = [result.name for result in results if result.failed]
    made = f"{applied} of {planned} changes made"
    if failed:
        return f"{failed[0]} did not succeed; {made if planned else 'nothing was changed'}"
    if applied:
        return made if applied < planned else f"Changes made: {applied}"
    return f"Changes planned: {planned}" if planned else "Nothing had to be changed"


@dataclass(frozen=True)
class Verdict:
    """An outcome with its error, if it has one, and its exit code."""

    outcome: str
    error: str | None = None
    exit_code: int = 0


def read_counts(notebook: Mapping[str, Any]) -> Mapping[str, Any]:
    """The counts and the journal that a notebook displayed last; empty if it displayed none."""
    shown = [
        output["data"][RESULT_MIME]
        for cell in notebook["cells"]
        for output in cell.get("outputs", ())
        if RESULT_MIME in output.get("data", ())
    ]
    return shown[-1] if shown else {}


def say_made(counts: Mapping[str, Any]) -> str:
    """What a notebook changed, for the beginning of what went wrong; empty if nothing."""
    if not counts.get("applied"):
        return ""
    journal = f"; journal: {counts['journal']}" if counts.get("journal") else ""
    return f"{counts['applied']} of {counts['planned']} changes were made{journal}. "


def judge_counts(counts: Mapping[str, Any]) -> Verdict:
    """The verdict on a notebook that ran to its end: a doubt about a name is no success."""
    verdict = _judge_changes(counts)
    doubts = counts.get("doubts", ())
    if not doubts or verdict.error:
        return verdict
    outcome = verdict.outcome if counts["planned"] else "in doubt"
    return Verdict(outcome, "\n  ".join(doubts), 1)


def _judge_changes(counts: Mapping[str, Any]) -> Verdict:
    if not counts:
        return Verdict("read")
    if counts["applied"] and counts["left"]:
        return Verdict("partly applied", f"{counts['left']} change(s) are left.", 4)
    if counts["applied"]:
        return Verdict("done")
    return Verdict("planned", None, 2) if counts["planned"] else Verdict("nothing to do")


def judge_error(name: str, message: str) -> Verdict:
    """The verdict on a notebook in which a cell raised an error.

    Args:
        name: the error's class; one of ours has a text for the user, and its own exit code.
        message: the error's text.
    """
    if is_ours(name):
        outcome = "partly applied" if name == errors.PartlyApplied.__name__ else "failed"
        return Verdict(outcome, message, getattr(errors, name).exit_code)
    first_line = (message.strip() or "no message").splitlines()[0]
    return Verdict("failed", f"{name}: {first_line}", 1)


def is_ours(name: str) -> bool:
    """Whether an error's class is one of ours, whose text is meant for the user as it is."""
    kind = getattr(errors, name, None)
    return isinstance(kind, type) and issubclass(kind, IamkitError)
