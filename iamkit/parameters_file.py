"""The parameters file: one account in YAML, read strictly, with the line of every mistake.

YAML reads ``no`` as false, ``012`` as ten and a key given twice as its last value. Here each of
these is an error that names the file and the line.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError, create_model

from iamkit.errors import InputError
from iamkit.names import did_you_mean
from iamkit.parameters import (
    KNOWN,
    NOTEBOOKS,
    Model,
    NotebookParameters,
    describe,
)
from iamkit.text import DEEPEST, TOO_DEEP

CURRENT = "IAMKIT_PARAMETERS"
"""The environment variable that names the account's parameters file, for kernels to inherit."""

MAX_BYTES = 1_000_000
FILES = ("credential_file", "users_csv", "state_files", "compare_to", "save_to")
"""Parameters that name files or folders; a relative one lies beside the parameters file."""

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
        """The checked parameters that a notebook declares; overrides win over the file.

        Raises:
            InputError: naming file, line and key, and what was expected.
        """
        model = NOTEBOOKS[notebook]
        given = dict(self.values) | dict(overrides)
        try:
            return model.model_validate({n: given[n] for n in model.model_fields if n in given})
        except ValidationError as error:
            problem = error.errors(include_url=False)[0]
            location, said = problem["loc"], describe(problem, model)
            if location and location[0] in overrides:
                raise InputError(f"-p {said}. Nothing was changed.") from None
            hint = self._yaml_hint(location) if problem["type"].endswith("_type") else ""
            raise self._error(location, said + hint) from None

    def _error(self, location: Location, said: str) -> InputError:
        while location and location not in self.nodes:
            location = location[:-1]
        line = f", line {self.nodes[location].start_mark.line + 1}" if location else ""
        first, *more = said.split("\n")
        return InputError("\n".join([f"{self.path}{line}: {first}. Nothing was changed.", *more]))

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


def read_parameters(path: Path) -> ParametersFile:
    """Read a parameters file.

    Raises:
        InputError: the file is not there, too large, not YAML, has a key twice, or a key that
            no notebook knows; each with its line.
    """
    root = _compose(path)
    if not isinstance(root, yaml.MappingNode):
        raise InputError(f"{path}: expected lines such as `account_id: ...`. Nothing was changed.")
    try:
        nodes = dict(_walk(root, ()))
        values = yaml.SafeLoader("").construct_document(root)
    except yaml.YAMLError as error:
        raise _unreadable(path, error) from None
    file = ParametersFile(path=path, values=values, nodes=nodes)
    for name in values:
        if name not in KNOWN:
            hint = did_you_mean(name, KNOWN)
            raise file._error((name,), f"{name}: unknown key{hint}")  # noqa: SLF001
    for name in FILES:
        given = values.get(name)
        if isinstance(given, str) and given:
            values[name] = _beside(path, given)
        if isinstance(given, list):
            values[name] = [_beside(path, one) if isinstance(one, str) else one for one in given]
    return file


def _beside(path: Path, name: str) -> str:
    return str(path.absolute().parent / Path(name).expanduser())


def current_parameters_file() -> Path | None:
    """The account's parameters file, if ``iamkit lab -f`` or ``iamkit run -f`` named one."""
    name = os.environ.get(CURRENT)
    return Path(name) if name else None


def read_override(name: str, text: str) -> Any:
    """The value of ``-p NAME TEXT``: text stays text, everything else is YAML.

    Raises:
        InputError: no notebook knows the name, or the text is not YAML.
    """
    if name not in KNOWN:
        raise InputError(f"-p {name}: unknown key{did_you_mean(name, KNOWN)}. Nothing was changed.")
    try:
        value = parse_yaml(text)
    except yaml.YAMLError as error:
        raise _unreadable(Path(f"-p {name}"), error) from None
    return value if isinstance(value, bool | list | dict) else text


def parameters_schema() -> dict[str, Any]:
    """The JSON Schema of a parameters file, for completion in editors.

    Draft 2020-12; every key that some notebook declares is known.
    """
    fields: dict[str, Any] = {name: (field.annotation, field) for name, field in KNOWN.items()}
    schema = create_model("ParametersFile", __base__=Model, **fields).model_json_schema()
    schema["required"] = ["environment", "account_id"]
    return schema


def _compose(path: Path) -> yaml.Node | None:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}. Nothing was changed.") from None
    if len(data) > MAX_BYTES:
        raise InputError(f"{path}: larger than 1 MB, so hardly a parameters file.")
    try:
        text = data.decode("utf-8-sig")
        _refuse_excess(text)
        return yaml.compose(text, Loader=yaml.SafeLoader)
    except UnicodeDecodeError:
        raise InputError(f"{path}: not UTF-8 text. Nothing was changed.") from None
    except yaml.YAMLError as error:
        raise _unreadable(path, error) from None


def parse_yaml(text: str) -> Any:
    """What ``yaml.safe_load`` makes of a text without aliases.

    Raises:
        yaml.YAMLError: it is not YAML, has aliases, or is nested too deep.
    """
    _refuse_excess(text)
    return yaml.safe_load(text)


def _refuse_excess(text: str) -> None:
    """Refuse what is small to write and endless to read, before anything is made of it."""
    depth = 0
    for event in yaml.parse(text, yaml.SafeLoader):
        mark: Any = event.start_mark
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise yaml.MarkedYAMLError(problem=TOO_DEEP, problem_mark=mark)
        if isinstance(event, yaml.AliasEvent):  # a few lines of them can stand for billions
            raise yaml.MarkedYAMLError(problem="aliases (*name) are not read", problem_mark=mark)


def _walk(node: yaml.Node, location: Location) -> Iterator[tuple[Location, yaml.Node]]:
    """Every node with its location; refuses what YAML would pass over in silence."""
    yield location, node
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _walk(item, (*location, index))
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag != "tag:yaml.org,2002:str":
                raise yaml.MarkedYAMLError(
                    problem="a key must be text", problem_mark=key.start_mark
                )
            if key.value in seen:
                problem = f"the key {key.value} is given twice"
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=key.start_mark)
            seen.add(key.value)
            yield from _walk(value, (*location, key.value))


def _unreadable(path: Path, error: yaml.YAMLError) -> InputError:
    mark = getattr(error, "problem_mark", None)
    line = f", line {mark.line + 1}" if mark else ""
    problem = getattr(error, "problem", None) or "not YAML"
    return InputError(f"{path}{line}: {problem}. Nothing was changed.")
