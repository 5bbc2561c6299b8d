"""The notebooks headless, through papermill: in order, a fresh kernel each, nothing leaked.

papermill keeps the executed notebook in memory. It is searched for secrets there, so only a
clean one is ever written. Plain papermill runs the same notebooks; it just does less.
"""

import logging
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

from iamkit.errors import InputError, SecretLeak
from iamkit.files import write_privately
from iamkit.notebook.html import to_html
from iamkit.notebook.inputs import check_parameters, declared_parameters, imported_names
from iamkit.notebook.kernels import Kernel, Kernels
from iamkit.notebook.result import (
    NotebookResult,
    Verdict,
    exit_code_of,
    is_ours,
    judge_counts,
    judge_error,
    read_counts,
)
from iamkit.notebook.scrub import SecretSearch, describe_cell, remove_widgets
from iamkit.notebook.stop import Stop, Stopped

__all__ = ["NotebookResult", "declared_parameters", "exit_code_of", "run_notebooks"]

AHEAD = 2
"""How many kernels start before their turn: on two cores one is enough, on more two are faster."""

IN_DOUBT = (
    "If it was changing the account, its last call is in doubt: the journal names that call, "
    "and running the notebook again shows what is left."
)


def run_notebooks(
    notebooks: Sequence[Path],
    parameters: Mapping[str, Mapping[str, object]],
    output_folder: Path,
    secrets: Callable[[], Iterable[str]],
    on_progress: Callable[[NotebookResult | str], None],
) -> list[NotebookResult]:
    """Run notebooks one after the other, up to the first that fails.

    Ctrl-C and SIGTERM interrupt the running cell, which has 10 s to stop in order. The result of
    that notebook then says what is in doubt.

    Args:
        notebooks: the input notebooks, in order.
        parameters: by notebook name without its ending, the parameters that it is given.
        output_folder: where ``NAME.ipynb`` and ``NAME.html`` go; made if need be.
        secrets: called after each notebook; none of what it gives may be in what is kept.
        on_progress: called with a notebook's name before it runs, and with its result after.

    Returns:
        A result for each notebook that ran.

    Raises:
        InputError: two notebooks have one name, or one does not declare a parameter it is given.
            Nothing was run.
    """
    names = [path.stem for path in notebooks]
    for path in notebooks:
        if names.count(path.stem) > 1:
            raise InputError(f"Two notebooks are named {path.stem}. Nothing was run.")
        check_parameters(path, parameters.get(path.stem, {}))
    output_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    results: list[NotebookResult] = []
    with Kernels() as kernels, Stop() as stop:
        for path, kernel in _with_kernels(kernels, notebooks):
            on_progress(path.stem)
            stop.kernel = kernel
            given = parameters.get(path.stem, {})
            results.append(_Run(path, kernel, stop).result(given, output_folder, secrets))
            kernel.leave()
            on_progress(results[-1])
            if results[-1].failed:
                break
    return results


def _with_kernels(kernels: Kernels, notebooks: Sequence[Path]) -> Iterator[tuple[Path, Kernel]]:
    """Each notebook with its kernel; those of the next ones start meanwhile."""
    started: deque[Kernel] = deque()
    upcoming = iter(notebooks)
    for path in notebooks:
        for following in islice(upcoming, AHEAD + 1 - len(started)):
            started.append(kernels.start(imported_names(following)))
        yield path, started.popleft()


class _Run:
    """One notebook in one kernel."""

    def __init__(self, path: Path, kernel: Kernel, stop: Stop) -> None:
        self.path = path
        self.kernel = kernel
        self.stop = stop
        self.notebook: Any = None
        self.place = "at its start"

    def result(
        self,
        parameters: Mapping[str, object],
        folder: Path,
        secrets: Callable[[], Iterable[str]],
    ) -> NotebookResult:
        """Run it, judge it, and keep what is free of secrets."""
        begun = time.perf_counter()
        error = self._execute(parameters)
        counts = read_counts(self.notebook) if self.notebook else {}
        verdict = self._judge(error) if error else judge_counts(counts)
        output = folder / f"{self.path.stem}.ipynb"
        html = output.with_suffix(".html")
        try:
            self._keep(output, html, verdict, SecretSearch(secrets()))
        except SecretLeak as leak:
            verdict = Verdict("failed", str(leak), leak.exit_code)
        return NotebookResult(
            name=self.path.stem,
            outcome=verdict.outcome,
            planned=counts.get("planned", 0),
            applied=counts.get("applied", 0),
            seconds=time.perf_counter() - begun,
            output=output,
            html=html,
            error=verdict.error,
            exit_code=verdict.exit_code,
        )

    def _execute(self, parameters: Mapping[str, object]) -> Exception | None:
        """Execute in memory; the notebook is kept whatever happens to its kernel."""
        try:
            _papermill().execute_notebook(
                # papermill would fill in braces in a path.
                str(self.path).replace("{", "{{").replace("}", "}}"),
                None,
                parameters=dict(parameters),
                kernel_name="python3",
                language="python",
                progress_bar=False,
                km=self.kernel,
                store_widget_state=False,
                on_notebook_start=self._on_notebook_start,
                on_cell_start=self._on_cell_start,
            )
        except Exception as error:  # noqa: BLE001 - all that goes wrong is the notebook's result
            return error
        return None

    def _on_notebook_start(self, notebook: Any) -> None:
        self.notebook = notebook

    def _on_cell_start(self, cell: Any, cell_index: int) -> None:
        if self.stop.signal:
            raise Stopped
        if cell["cell_type"] == "code":
            self.place = f"in {describe_cell(self.notebook['cells'], cell_index)}"

    def _judge(self, error: Exception) -> Verdict:
        name = getattr(error, "ename", type(error).__name__)
        verdict = judge_error(name, getattr(error, "evalue", str(error)))
        doubt = IN_DOUBT if self.notebook else "Nothing was run."
        if self.stop.signal:
            if isinstance(error, Stopped):
                doubt = "No call was under way."
            told = verdict.error if is_ours(name) else doubt
            text = f"Stopped by {self.stop.cause} {self.place}. {told}"
            return Verdict(verdict.outcome, text, 128 + self.stop.signal)
        if self.kernel.has_ended:
            text = f"The kernel ended {self.place}. {doubt} {self.kernel.last_words}"
            return Verdict("failed", text.strip(), 1)
        return verdict

    def _keep(self, output: Path, html: Path, verdict: Verdict, search: SecretSearch) -> None:
        """Write the notebook and its page, if there is no secret in either.

        Raises:
            SecretLeak: there is one, and nothing was written.
        """
        if self.notebook:
            search.check_notebook(self.notebook, output.stem)
        if search.finds_in(verdict.error or ""):
            raise SecretLeak(f"A secret is in the error that ended {output.stem}; it is not shown.")
        if self.notebook:
            from nbformat import writes  # noqa: PLC0415 - papermill has imported it

            remove_widgets(self.notebook)
            self.notebook["metadata"]["papermill"]["output_path"] = str(output)
            page = to_html(self.notebook, output.stem)
            texts = {output: writes(self.notebook), html: page}  # type: ignore[no-untyped-call]
            if search.finds_in(*texts.values()):
                raise SecretLeak(f"A secret is in {output.stem}; what holds it was not kept.")
            for path, text in texts.items():
                write_privately(path, text)


@cache
def _papermill() -> Any:
    """papermill, imported once and without what makes that slow; nbconvert follows in a thread."""
    # jsonschema takes 0.9 s to load a grammar for one optional check that no notebook needs.
    # None makes its import fail, as if it were not installed.
    blocked = "rfc3987_syntax" not in sys.modules
    if blocked:
        sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]
    try:
        import papermill  # noqa: PLC0415
        from nbformat.v4 import new_notebook  # noqa: PLC0415
    finally:
        if blocked:
            del sys.modules["rfc3987_syntax"]
    # What went wrong is told by the results.
    logging.getLogger("papermill").disabled = True
    empty = new_notebook()  # type: ignore[no-untyped-call]
    threading.Thread(target=to_html, args=[empty, ""], daemon=True).start()
    return papermill
