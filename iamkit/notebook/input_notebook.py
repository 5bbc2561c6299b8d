"""Input notebooks, as files: what they declare, import and are given; nothing of them runs."""

import ast
import json
import re
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from iamkit.errors import InputError
from iamkit.parameters.models import NOTEBOOKS, plain_values
from iamkit.parameters.yaml_file import ParametersFile
from iamkit.storage.private_files import write_named
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
    try:
        return {
            name: _literal(path, name, value)
            for cell in read_notebook(path)["cells"]
            if "parameters" in cell["metadata"].get("tags", [])
            for name, value in assignments("".join(cell["source"]))
        }
    except SyntaxError as error:
        raise InputError(
            f"The parameters cell of {path.name} is not Python, line {error.lineno}. {NOTHING_RUN}"
        ) from None


def is_same_but_for_values(path: Path, other: Path) -> bool:
    """Whether two notebooks have the same cells, and their parameters cells but plain values.

    Raises:
        InputError: one is no notebook.
    """
    found, ours = (
        [(cell["cell_type"], _without_values(cell)) for cell in read_notebook(one)["cells"]]
        for one in (path, other)
    )
    return found == ours


def _without_values(cell: Mapping[str, Any]) -> str:
    """A cell's source; of a parameters cell that only gives names plain values, its tag."""
    source = "".join(cell["source"])
    is_plain = "parameters" in cell["metadata"].get("tags", []) and _gives_plain_values(source)
    return "parameters" if is_plain else source


def _gives_plain_values(code: str) -> bool:
    """Whether some code is ``name: word = literal`` alone: an annotation is run as well."""
    try:
        for node in parse_python(code).body:
            if not isinstance(node, ast.AnnAssign) or node.value is None:
                return False
            if not (isinstance(node.target, ast.Name) and isinstance(node.annotation, ast.Name)):
                return False
            ast.literal_eval(node.value)
    except (SyntaxError, ValueError):
        return False
    return True


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
            raise InputError(f"{path.name} declares no parameter {name[:60]!r}{hint} {NOTHING_RUN}")


def fill_parameters(path: Path, values: Mapping[str, Any]) -> None:
    """Write values into a notebook's parameters cell, so that what one sees is what runs.

    Raises:
        InputError: it is no notebook, or cannot be written.
    """
    notebook = read_notebook(path)
    for cell in notebook["cells"]:
        if "parameters" in cell["metadata"].get("tags", []):
            lines = "".join(cell["source"]).splitlines(keepends=True)
            cell["source"] = [_filled(line, values) for line in lines]
    text = json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
    write_named(path, text, stat.S_IMODE(path.stat().st_mode))


def _filled(line: str, values: Mapping[str, Any]) -> str:
    match = re.match(r"(\w+)(: \w+) = .*(  # .*\n?)$", line)
    if not match or match[1] not in values:
        return line
    return f"{match[1]}{match[2]} = {values[match[1]]!r}{match[3]}"


def values_for(
    notebooks: Sequence[Path], file: ParametersFile, overrides: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """What each notebook, by its name, is given, so that what was checked is what runs.

    A notebook of the kit gets every value of its model, defaults included: no default of its cell
    stands. Any other gets those of its declared parameters that are named.

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


def assignments(code: str) -> Iterator[tuple[str, ast.expr]]:
    """What the code of a parameters cell assigns, in order: names and values.

    Raises:
        SyntaxError: it is not Python.
    """
    for node in parse_python(code).body:
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
