"""The notebooks headless, through papermill: in order, a fresh kernel each, nothing leaked.

papermill keeps the executed notebook in memory. It is searched for secrets there, so only a
clean one is ever written. Plain papermill runs the same notebooks; it just does less.
"""

import logging
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

from iamkit.credentials import Fingerprint
from iamkit.errors import HandoverError, IamkitError, InputError, PartlyApplied, SecretLeak
from iamkit.notebook.fork_server import ForkServer, forking
from iamkit.notebook.input_notebook import check_parameters, imported_names
from iamkit.notebook.kernels import Kernel, starting_kernels
from iamkit.notebook.reports.executed import Sheet, Stamp, to_sheet
from iamkit.notebook.reports.html import to_html, to_index
from iamkit.notebook.result import (
    NotebookResult,
    Verdict,
    is_ours,
    judge_counts,
    judge_error,
    read_counts,
    say_made,
)
from iamkit.notebook.runs.output import INDEX, NotKept, check_output, keep_files
from iamkit.notebook.runs.secret_scan import SecretSearch, describe_cell, remove_widgets
from iamkit.notebook.runs.signals import Stop, Stopped

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
    secrets: Callable[[], Iterable[str | Fingerprint]],
    on_progress: Callable[[NotebookResult | str], None] = lambda _: None,
    *,
    patience: int | None = None,
    fork_server: ForkServer | None = None,
) -> list[NotebookResult]:
    """Run notebooks one after the other, up to the first that fails.

    Ctrl-C and SIGTERM interrupt the running cell, which has 10 s to stop in order. The result of
    that notebook then says what is in doubt.

    Args:
        notebooks: the input notebooks, in order.
        parameters: by notebook name without its ending, the parameters that it is given.
        output_folder: where ``NAME.ipynb``, ``NAME.html`` and ``index.html`` go; made if need be.
        secrets: called before the first notebook, so that what fails in it fails there, and after
            each; none of what it gives may be in what is kept.
        on_progress: called with a notebook's name before it runs, and with its result after.
        patience: how many seconds a cell may take; None for as long as it likes.
        fork_server: what forks the kernels, if one runs already; several want one.

    Returns:
        A result for each notebook that ran.

    Raises:
        InputError: two notebooks have one name, one does not declare a parameter it is given, or
            the output folder cannot take what will be written. Nothing was run.
        HandoverError: what no output may hold cannot be told. Nothing was run.
    """
    names = [path.stem for path in notebooks]
    for path in notebooks:
        if names.count(path.stem) > 1:
            raise InputError(f"Two notebooks are named {path.stem}. Nothing was run.")
        check_parameters(path, parameters.get(path.stem, {}))
    check_output(output_folder, notebooks)
    results: list[NotebookResult] = []
    sheets: list[Sheet] = []
    with (
        nullcontext(fork_server) if fork_server else forking(len(notebooks)) as server,
        starting_kernels(server) as start,
        Stop() as stop,
    ):
        for path, kernel in _with_kernels(start, notebooks):
            if not results:
                _try_search(secrets)  # while the kernels start
            on_progress(path.stem)
            stop.kernel = kernel
            given = parameters.get(path.stem, {})
            run = _Run(path, kernel, stop, patience, names)
            results.append(run.result(given, output_folder, secrets))
            sheets.append(run.sheet(results[-1]))
            try:
                _keep_index(sheets, output_folder, run.search)
            except NotKept as problem:
                results[-1] = run.with_problem(results[-1], str(problem))
            kernel.leave()
            on_progress(results[-1])
            if results[-1].failed:
                break
    return results


def _with_kernels(
    start: Callable[[Iterable[str]], Kernel], notebooks: Sequence[Path]
) -> Iterator[tuple[Path, Kernel]]:
    """Each notebook with its kernel; those of the next ones start meanwhile."""
    started: deque[Kernel] = deque()
    upcoming = iter(notebooks)
    for path in notebooks:
        for following in islice(upcoming, AHEAD + 1 - len(started)):
            started.append(start(imported_names(following)))
        yield path, started.popleft()


def _try_search(secrets: Callable[[], Iterable[str | Fingerprint]]) -> None:
    """Ask for the secrets once before anything runs: afterwards it would be too late to fail."""
    try:
        secrets()
    except HandoverError as error:
        raise HandoverError(f"{error} Nothing was run.") from None


def _keep_index(sheets: Sequence[Sheet], folder: Path, search: SecretSearch | None) -> None:
    """Write the run's index as far as it is; one with a secret, or not searched, is not kept."""
    page = to_index(sheets)
    if search is None or search.finds_in(page):
        with suppress(OSError):
            (folder / INDEX).unlink(missing_ok=True)
    else:
        keep_files(folder, {INDEX: page})


@dataclass
class _Run:
    """One notebook in one kernel; the arguments are those of ``run_notebooks``."""

    path: Path
    kernel: Kernel
    stop: Stop
    patience: int | None
    names: Collection[str]
    notebook: Any = None
    place: str = "at its start"
    search: SecretSearch | None = None
    made: str = ""

    def result(
        self,
        parameters: Mapping[str, object],
        folder: Path,
        secrets: Callable[[], Iterable[str | Fingerprint]],
    ) -> NotebookResult:
        """Run it, judge it, and keep what is free of secrets."""
        begun = time.perf_counter()
        error = self._execute(parameters)
        counts = read_counts(self.notebook) if self.notebook else {}
        verdict = self._judge(error) if error else judge_counts(counts)
        output = folder / f"{self.path.stem}.ipynb"
        self.made = say_made(counts)
        result = NotebookResult(
            name=self.path.stem,
            outcome=verdict.outcome,
            planned=counts.get("planned", 0),
            applied=counts.get("applied", 0),
            seconds=time.perf_counter() - begun,
            output=output,
            html=output.with_suffix(".html"),
            error=_told(verdict, error, self.made),
            exit_code=verdict.exit_code,
            notes=tuple(counts.get("notes", ())),
            changes=tuple(tuple(change) for change in counts.get("changes", ())),
        )
        try:
            self.search = SecretSearch(secrets())
        except (IamkitError, OSError) as problem:  # nobody knows what the error's own text holds
            said = f"The report could not be searched for secrets, so it was not kept: {problem}"
            return self.with_problem(replace(result, error=None, notes=(), changes=()), said)
        try:
            self._keep(result, self.search)
        except NotKept as problem:
            return self.with_problem(result, str(problem))
        except OSError as problem:
            return self.with_problem(result, f"The report could not be made ({problem.strerror}).")
        except SecretLeak as leak:
            made = "" if self.search.finds_in(self.made) else self.made
            found = self.with_problem(replace(result, error=None, notes=(), changes=()), "")
            return replace(found, outcome="failed", error=f"{made}{leak}")
        return result

    def with_problem(self, result: NotebookResult, problem: str) -> NotebookResult:
        """The result of a notebook that ran, and whose report was not kept in its place."""
        before = f"{result.error} " if result.error else self.made and f"{self.made}But "
        text = problem[:1].lower() + problem[1:] if before.endswith("But ") else problem
        code = result.exit_code if result.failed else 1
        return replace(result, error=f"{before}{text}", exit_code=code)

    def sheet(self, result: NotebookResult) -> Sheet:
        """What the run's index tells of it; of a notebook that was not kept, its name alone."""
        if self.notebook and result.output.exists():
            return to_sheet(self.notebook, self.path.stem, result)
        return Sheet(title=self.path.stem, stamp=Stamp(), result=result)

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
                execution_timeout=self.patience,
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
        if isinstance(error, TimeoutError) and self.patience:
            text = f"It was not done within {self.patience} s {self.place}."
            return Verdict("failed", text, 1)
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

    def _keep(self, result: NotebookResult, search: SecretSearch) -> None:
        """Write the notebook and its page, if there is no secret in either."""
        name = result.name
        if self.notebook:
            search.check_notebook(self.notebook, name)
        if search.finds_in(result.error or ""):
            raise SecretLeak(f"A secret is in the error that ended {name}; it is not shown.")
        if self.notebook:
            from nbformat import writes  # noqa: PLC0415 - papermill has imported it

            remove_widgets(self.notebook)
            self.notebook["metadata"]["papermill"]["output_path"] = str(result.output)
            page = to_html(self.notebook, name, result, self.names)
            texts = {
                result.output.name: writes(self.notebook),  # type: ignore[no-untyped-call]
                result.html.name: page,
            }
            counts = read_counts(self.notebook)
            written = {f"{name}.{Path(one).name}": one for one in counts.get("rebuilds", ())}
            if journal := counts.get("journal"):
                written[f"{name}.journal.jsonl"] = journal
            for kept_as, path in written.items():
                with suppress(OSError):  # a runner's disk is lost; elsewhere it is where it was
                    texts[kept_as] = Path(path).read_text()
            if search.finds_in(*texts.values()):
                raise SecretLeak(f"A secret is in {name}; what holds it was not kept.")
            keep_files(result.output.parent, texts)


def _told(verdict: Verdict, error: Exception | None, made: str) -> str | None:
    """A verdict's error, behind what was changed; of some errors that is the beginning anyway."""
    if not verdict.error or getattr(error, "ename", "") == PartlyApplied.__name__:
        return verdict.error
    return made + verdict.error


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
    threading.Thread(target=_warm_up, args=[new_notebook], daemon=True).start()
    return papermill


def _warm_up(new_notebook: Callable[[], Any]) -> None:
    """Load what makes pages; what is wrong with that is told by the first page."""
    with suppress(Exception):
        to_html(new_notebook(), "")
