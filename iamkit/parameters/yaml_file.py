"""The parameters file: one account in YAML, read strictly, with the line of every mistake.

YAML reads ``no`` as false, ``012`` as ten and a key given twice as its last value. Here each of
these is an error that names the file and the line; all errors of a file are told at once.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from pydantic import ValidationError, create_model
from pydantic_core import ErrorDetails

from iamkit.errors import InputError
from iamkit.parameters.checking import Model, all_wrong, describe
from iamkit.parameters.files import CURRENT, resolve_files
from iamkit.parameters.models import KNOWN, NOTEBOOKS, plain_values
from iamkit.parameters.notebook import MOVED, NotebookParameters
from iamkit.storage.reading import read_bytes
from iamkit.text import check_yaml, did_you_mean

MAX_BYTES = 1_000_000

TARGET = ("environment", "account_id")
"""What says which account a file is for."""

Location = tuple[int | str, ...]


@dataclass(frozen=True, kw_only=True)
class ParametersFile:
    """The values of a parameters file, and where each of them stands.

    Attributes:
        values: the values by name, as YAML's safe types.
        nodes: the YAML node of each location, such as ``("users", 0, "name")``.
    """

    path: Path
    values: Mapping[str, Any]
    nodes: Mapping[Location, yaml.Node] = field(repr=False)

    def for_notebook(self, notebook: str, overrides: Mapping[str, Any]) -> NotebookParameters:
        """As ``for_notebooks``, of one."""
        return self.for_notebooks([notebook], overrides)[notebook]

    def for_notebooks(
        self, notebooks: Iterable[str], overrides: Mapping[str, Any]
    ) -> dict[str, NotebookParameters]:
        """The checked parameters of some notebooks, by name; overrides win over the file.

        Raises:
            InputError: one of these notebooks cannot have its parameters. It names file, line and
                key of all that is wrong in the file and in the overrides.
        """
        wanted = list(notebooks)
        given = dict(self.values) | dict(overrides)
        try:
            return {name: _model_of(name, given) for name in wanted}
        except ValidationError:
            raise _refusal(self.path, self.mistakes(wanted, overrides)) from None

    def checked_values(self, overrides: Mapping[str, Any]) -> dict[str, Any]:
        """The values of the file and the overrides, all of them, for a notebook of another's.

        Raises:
            InputError: with all that is wrong with them.
        """
        if mistakes := self.mistakes([], overrides):
            raise _refusal(self.path, mistakes)
        return dict(self.values) | dict(overrides)

    def for_cell(self, notebook: str) -> dict[str, Any]:
        """What the file means for a notebook, to be written into its parameters cell.

        A notebook of the kit has a value for all of its parameters; None for one that has to be
        said and is not. Of another notebook's parameters only those that the file names.
        """
        if notebook not in NOTEBOOKS:
            return dict(self.values)
        defaults = {
            name: None if field.is_required() else field.get_default(call_default_factory=True)
            for name, field in NOTEBOOKS[notebook].model_fields.items()
        }
        model = NOTEBOOKS[notebook].model_construct(None, **defaults)
        return {n: self.values.get(n, value) for n, value in plain_values(model).items()}

    def mistakes(self, notebooks: Iterable[str], overrides: Mapping[str, Any]) -> "list[_Mistake]":
        """All that is wrong with the values; of what is missing, what these notebooks need."""
        given = dict(self.values) | dict(overrides)
        models = [NOTEBOOKS[name] for name in notebooks if name in NOTEBOOKS]
        needed = {*TARGET, *(name for model in models for name in model.model_fields)}
        found: dict[Location, _Mistake] = {}
        for name, model in NOTEBOOKS.items():
            for problem in _problems_of(name, given):
                at = problem["loc"]
                if problem["type"] != "missing" or len(at) > 1 or at[0] in needed:
                    found.setdefault(at, self._mistake(problem, model, overrides))
        return list(found.values())

    def _mistake(
        self, problem: ErrorDetails, model: type[Model], overrides: Mapping[str, Any]
    ) -> "_Mistake":
        at, said = problem["loc"], describe(problem, model)
        if at and at[0] in overrides:
            return _Mistake(line=OVERRIDDEN, said=said)
        hint = self._yaml_hint(at) if problem["type"].endswith("_type") else ""
        while at and at not in self.nodes:
            at = at[:-1]
        line = self.nodes[at].start_mark.line + 1 if at else 0
        return _Mistake(line=line, said=said + hint)

    def _yaml_hint(self, location: Location) -> str:
        """Tell what stands there when YAML made something else of it than text."""
        node = self.nodes.get(location)
        if not isinstance(node, yaml.ScalarNode) or node.style in ("'", '"'):
            return ""
        kind = node.tag.rpartition(":")[2]
        kinds = {"bool": "a truth value", "int": "a number", "float": "a number"}
        kinds |= {"timestamp": "a date", "null": "nothing"}
        if kind not in kinds or not node.value:
            return ""
        return f'. YAML reads {node.value} as {kinds[kind]}: write "{node.value}" in quotes'


def read_parameters(path: Path, notebooks: Iterable[str] = ()) -> ParametersFile:
    """Read a parameters file; whether its values are right is asked for a notebook.

    Raises:
        InputError: the file is not there, too large, not YAML, has a key twice, or a key that
            no notebook knows; each with its line, and with all else that is wrong in the file,
            and what is missing for these notebooks.
    """
    return parse_parameters(read_bytes(path, MAX_BYTES), path, notebooks)


def parse_parameters(data: bytes, path: Path, notebooks: Iterable[str] = ()) -> ParametersFile:
    """What ``read_parameters`` makes of a file with these bytes, which need not be there yet.

    Raises:
        InputError: as there.
    """
    root = _compose(data, path)
    if not isinstance(root, yaml.MappingNode):
        raise InputError(f"{path}: expected lines such as `account_id: ...`. Nothing was changed.")
    wrong: list[_Mistake] = []
    try:
        nodes = dict(_walk(root, (), wrong))
        values = yaml.SafeLoader("").construct_document(root)
    except yaml.YAMLError as error:
        raise all_wrong([_unreadable(str(path), error)]) from None
    known = {name: value for name, value in values.items() if name in KNOWN}
    file = ParametersFile(path=path, values=resolve_files(known, path.parent), nodes=nodes)
    wrong += [
        _Mistake(line=nodes[name,].start_mark.line + 1, said=_unknown(name))
        for name in values
        if name not in KNOWN and (name,) in nodes
    ]
    if wrong:
        raise _refusal(path, [*wrong, *file.mistakes(notebooks, {})])
    return file


OVERRIDDEN = -1
"""The place of a value that was given on the command line."""


class _Mistake(NamedTuple):
    """What is wrong, and in which line: 0 for the file as a whole, or ``OVERRIDDEN``."""

    line: int
    said: str


def _refusal(path: Path, mistakes: Iterable[_Mistake]) -> InputError:
    """One error of all mistakes, in the order of their lines."""
    places = {OVERRIDDEN: "-p ", 0: f"{path}: "}
    in_order = sorted(set(mistakes))
    refusal = all_wrong([places.get(m.line, f"{path}, line {m.line}: ") + m.said for m in in_order])
    refusal.places = [(path, m.line, m.said) for m in in_order if m.line != OVERRIDDEN]
    return refusal


def _model_of(notebook: str, given: Mapping[str, Any]) -> NotebookParameters:
    model = NOTEBOOKS[notebook]
    return model.model_validate({n: given[n] for n in model.model_fields if n in given})


def _problems_of(notebook: str, given: Mapping[str, Any]) -> list[ErrorDetails]:
    try:
        _model_of(notebook, given)
    except ValidationError as error:
        return error.errors(include_url=False)
    return []


def _unknown(name: object) -> str:
    if name in MOVED:
        return f"{name}: this is gone; {MOVED[str(name)]}"
    return f"{name}: unknown key{did_you_mean(str(name), KNOWN)}"


def current_parameters_file() -> Path | None:
    """The account's parameters file, if ``iamkit lab -f`` or ``iamkit run -f`` named one."""
    name = os.environ.get(CURRENT)
    return Path(name) if name else None


def read_overrides(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """The values of ``-p NAME TEXT``: text stays text, everything else is YAML.

    A number is one where the parameter is a number.

    A relative path counts from the folder in which the command was typed.

    Raises:
        InputError: no notebook knows a name, or a text is not YAML; all of them are named.
    """
    values: dict[str, Any] = {}
    wrong: list[str] = []
    for name, text in pairs:
        if name not in KNOWN:
            wrong.append(f"-p {_unknown(name)}")
            continue
        try:
            value = parse_yaml(text)
        except yaml.YAMLError as error:
            wrong.append(_unreadable(f"-p {name}", error))
        else:
            plain = isinstance(value, bool | list | dict)
            is_number = KNOWN[name].annotation is int and isinstance(value, int)
            values[name] = value if plain or is_number else text
    if wrong:
        raise all_wrong(wrong)
    return resolve_files(values, Path.cwd())


def parameters_schema() -> dict[str, Any]:
    """The JSON Schema of a parameters file, for completion in editors.

    Draft 2020-12; every key that some notebook declares is known.
    """
    fields: dict[str, Any] = {name: (field.annotation, field) for name, field in KNOWN.items()}
    schema = create_model("ParametersFile", __base__=Model, **fields).model_json_schema()
    schema["required"] = ["environment", "account_id"]
    return schema


def _compose(data: bytes, path: Path) -> yaml.Node | None:
    try:
        text = data.decode("utf-8-sig")
        check_yaml(text, yaml.SafeLoader)
        return yaml.compose(text, Loader=yaml.SafeLoader)
    except UnicodeDecodeError:
        raise InputError(f"{path}: not UTF-8 text. Nothing was changed.") from None
    except yaml.YAMLError as error:
        raise all_wrong([_unreadable(str(path), error)]) from None


def parse_yaml(text: str) -> Any:
    """What ``yaml.safe_load`` makes of a text without aliases.

    Raises:
        yaml.YAMLError: it is not YAML, has aliases, or is nested too deep.
    """
    check_yaml(text, yaml.SafeLoader)
    return yaml.safe_load(text)


def _walk(
    node: yaml.Node, location: Location, wrong: list[_Mistake]
) -> Iterator[tuple[Location, yaml.Node]]:
    """Every node with its location; what YAML would pass over in silence is added to ``wrong``."""
    yield location, node
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _walk(item, (*location, index), wrong)
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode) or key.tag != "tag:yaml.org,2002:str":
                wrong.append(_Mistake(line=line, said=f"a key must be text{_quoted(key)}"))
                continue
            if key.value in seen:
                wrong.append(_Mistake(line=line, said=f"the key {key.value} is given twice"))
            seen.add(key.value)
            yield from _walk(value, (*location, key.value), wrong)


def _quoted(key: yaml.Node) -> str:
    """How to write a key so that YAML takes it for text, if it is a single word."""
    return f': write "{key.value}" in quotes' if isinstance(key, yaml.ScalarNode) else ""


def _unreadable(path: str, error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    line = f", line {mark.line + 1}" if mark else ""
    problem = getattr(error, "problem", None) or "not YAML"
    return f"{path}{line}: {problem}"
