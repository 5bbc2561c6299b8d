"""A run of notebooks as Markdown, for a job's summary: what became of each, and each plan."""

from collections.abc import Iterable, Sequence

from iamkit.audit.markdown import escape_markdown, markdown_table
from iamkit.notebook.result import NotebookResult, headline_of

MOST = 200
"""Changes of a plan that are listed; the report has all."""


def describe_run(results: Sequence[NotebookResult]) -> str:
    """A table of the notebooks, and below it what each plans, did, or was stopped by."""
    if not results:
        return ""
    rows = [
        (r.name, r.outcome, f"{r.applied} of {r.planned}" if r.planned else "") for r in results
    ]
    parts = [
        f"## {escape_markdown(headline_of(results))}\n",
        markdown_table(("notebook", "result", "changes"), rows),
    ]
    return "\n".join([*parts, *(line for result in results for line in _of_notebook(result))])


def _of_notebook(result: NotebookResult) -> Iterable[str]:
    if not (result.changes or result.error or result.notes):
        return
    yield f"### {escape_markdown(result.name)}\n"
    if result.error:
        yield f"> ✘ {escape_markdown(result.error)}\n"
    if result.changes:
        rows = [(verb, target, how) for verb, target, how in result.changes[:MOST]]
        yield markdown_table(("", "what", "how"), rows)
    left = len(result.changes) - MOST
    if left > 0:
        yield f"… and {left:,} more: see the report.\n"
    yield from (f"* {escape_markdown(note)}\n" for note in result.notes)
