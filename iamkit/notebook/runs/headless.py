"""What the command line runs headless: notebooks with a parameters file, and an audit's page."""

import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from iamkit.account.gaps import failed_sources
from iamkit.account.state_file import save_state
from iamkit.aws.session import known_secrets, signed_in_ahead
from iamkit.errors import IamkitError
from iamkit.notebook.fork_server import ForkServer
from iamkit.notebook.input_notebook import values_for
from iamkit.notebook.result import NotebookResult
from iamkit.notebook.runs.run import run_notebooks
from iamkit.parameters.models import NOTEBOOKS
from iamkit.parameters.yaml_file import CURRENT, read_overrides, read_parameters
from iamkit.workspace import find_notebook

if TYPE_CHECKING:
    from iamkit.audit import Audit


def run_with_file(
    names: Sequence[str],
    file: Path,
    overrides: Sequence[tuple[str, str]],
    on_progress: Callable[[NotebookResult | str], None],
    *,
    apply: bool,
    output: Path | None = None,
    fork_server: ForkServer | None = None,
) -> tuple[list[NotebookResult], Path]:
    """Run notebooks with the values of a parameters file, signed in ahead.

    Args:
        names: of the notebooks, or their paths.
        file: the account's parameters.
        overrides: names and values that win over the file's.
        on_progress: as ``run_notebooks`` calls it.
        apply: whether the plans are applied.
        output: the folder of the executed notebooks; ``runs/TIME`` if None.
        fork_server: what forks the kernels, if one runs already.

    Returns:
        The results, and that folder.

    Raises:
        InputError: with all that is wrong in the file, the overrides or the folder.
        IamkitError: the account cannot be signed in to. Nothing was run, as above.
    """
    paths = [find_notebook(name) for name in names]
    given = read_overrides(overrides) | {"dry_run": not apply}
    parameters = read_parameters(file, [path.stem for path in paths])
    values = values_for(paths, parameters, given)
    os.environ[CURRENT] = str(file.absolute())
    models = [NOTEBOOKS[n].model_validate(values[n]) for n in values if n in NOTEBOOKS]
    folder = output or Path("runs") / f"{datetime.now(UTC):%Y-%m-%dT%H%M%SZ}"
    target = {**parameters.values, **given}
    with signed_in_ahead(models):
        results = run_notebooks(
            paths,
            values,
            folder,
            lambda: known_secrets(target),
            on_progress,
            fork_server=fork_server,
        )
    return results, folder


def audit_page(found: "Audit", parameters: Mapping[str, Any], compare: Path | None) -> bytes:
    """The page of 06_audit_users, run on what was read.

    Args:
        found: the audit.
        parameters: its plain values.
        compare: an earlier state, or None.

    Raises:
        IamkitError: it could not be made, or was not kept.
    """
    with tempfile.TemporaryDirectory(prefix="iamkit-audit-") as folder:
        saved = save_state(found.state, Path(folder) / "state.json")
        given = {**parameters, "state_files": [str(saved)], "save_to": ""}
        given |= {"compare_to": str(compare.absolute())} if compare else {}
        notebook = find_notebook("06_audit_users")
        (result,) = run_notebooks(
            [notebook],
            {notebook.stem: given},
            Path(folder) / "runs",
            lambda: known_secrets(given),
            lambda _: None,
        )
        if result.failed and not failed_sources(found.state):
            raise IamkitError(f"The report could not be made: {result.error}")
        if not result.html.exists():
            raise IamkitError(f"The report was not kept: {result.error}")
        return result.html.read_bytes()
