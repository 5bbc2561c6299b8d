"""Input notebooks, as files: what they declare and import, without running anything."""

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from iamkit.errors import InputError
from iamkit.parameters.models import NOTEBOOKS, plain_values
from iamkit.parameters.yaml_file import ParametersFile
from iamkit.storage.reading import read_bytes
from iamkit.text import did_you_mean, parse_json, parse_python

LARGEST = 100_000_000
"""Bytes of an input notebook, whose outputs may have pictures."""
NOTHING_RUN = "Nothing was run."


def declared_parameters(path: Path) -> dict[str, Any]:
    """The parameters that a notebook declares in its cell tagged ``parameters``: name to default.

    Raises:
        InputError: the file is no notebook, or a default is not a plain value.
    """
    return {
        name: _literal(path, name, value)
        for cell in read_notebook(path)["cells"]
        if "parameters" in cell["metadata"].get("tags", [])
        for name, value in _assignments(path, "".join(cell["source"]))
    }


def check_parameters(path: Path, given: Iterable[str]) -> None:
    """Check that a notebook knows the parameters that it is given.

    A notebook of the kit knows those of its model, an older copy too that does not declare one.
    papermill pastes a name into the code as it is, and of an unknown one it only warns.

    Raises:
        InputError: naming the parameter, with the one that may be meant.
    """
    declared = declared_parameters(path)
    known = {*declared, *getattr(NOTEBOOKS.get(path.stem), "model_fields", ())}
    for name in given:
        if name not in known:
            hint = did_you_mean(name, declared) or f"; it declares: {', '.join(declared)}."
            raise InputError(
                f"{path.name} declares no parameter {name[:60]!r}{hint} Nothing was run."
            )


def values_for(
    notebooks: Sequence[Path], file: ParametersFile, overrides: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """What each notebook is given, so that what was checked is what runs.

    A notebook of the kit gets every value of its model, defaults included: no default of its cell
    stands. Any other gets those of its declared parameters that are named.

    Args:
        notebooks: the input notebooks.
        file: the account's parameters.
        overrides: values that win over the file's.

    Returns:
        The values by parameter, by notebook name.

    Raises:
        InputError: with all that is wrong in the file and the overrides.
    """
    ours = file.for_notebooks([p.stem for p in notebooks if p.stem in NOTEBOOKS], overrides)
    given = {name: plain_values(parameters) for name, parameters in ours.items()}
    for path in notebooks:
        if path.stem not in given:
            named = file.checked_values(overrides)
            declared = declared_parameters(path)
            given[path.stem] = {name: v for name, v in named.items() if name in declared}
    return given


def imported_names(path: Path) -> set[str]:
    """What a notebook's cells import: modules, and what they use of them, as ``iamkit.show``.

    What is used counts too, because a package may load its parts at their first use.
    """
    nodes = [node for code in _code_cells(path) for node in ast.walk(code)]
    modules = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    parts = {
        f"{node.module}.{alias.name}"
        for node in nodes
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    used = {
        ast.unparse(node)
        for node in nodes
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in modules
    }
    return modules | parts | used


def read_notebook(path: Path) -> Any:
    """A notebook's JSON.

    Raises:
        InputError: there is none at this path.
    """
    data = read_bytes(path, LARGEST, "No notebook", NOTHING_RUN)
    try:
        notebook = parse_json(data.decode())  # in UTF-8, without a mark, as papermill reads it
    except ValueError:
        notebook = None
    if not _is_notebook(notebook):
        raise InputError(f"{path} is not a notebook of version 4. {NOTHING_RUN}")
    return notebook


def _is_notebook(found: Any) -> bool:
    """Whether it has cells with what is read of them here; papermill checks the rest."""
    cells = found.get("cells") if isinstance(found, dict) else None
    return isinstance(cells, list) and all(
        isinstance(cell, dict)
        and isinstance(cell.get("metadata"), dict)
        and isinstance(cell.get("source"), str | list)
        and "cell_type" in cell
        for cell in cells
    )


def _code_cells(path: Path) -> Iterator[ast.Module]:
    for cell in read_notebook(path)["cells"]:
        if cell["cell_type"] == "code":
            with suppress(SyntaxError):
                yield parse_python("".join(cell["source"]))


def _assignments(path: Path, code: str) -> Iterator[tuple[str, ast.expr]]:
    try:
        statements = parse_python(code).body
    except SyntaxError as error:
        raise InputError(
            f"The parameters cell of {path.name} is not Python, line {error.lineno}. "
            "Nothing was run."
        ) from None
    for node in statements:
        if isinstance(node, ast.AnnAssign) and node.value:
            yield ast.unparse(node.target), node.value
        elif isinstance(node, ast.Assign):
            yield from ((ast.unparse(target), node.value) for target in node.targets)


def _literal(path: Path, name: str, value: ast.expr) -> Any:
    try:
        return ast.literal_eval(value)
    except ValueError:
        raise InputError(
            f"The parameter {name} of {path.name} has the default {ast.unparse(value)}; "
            "a default must be a plain value, such as a text or a list."
        ) from None
