"""Write values into a parameters file, so that what was clicked can be reviewed and run in CI."""

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import DoubleQuotedScalarString, LiteralScalarString

from iamkit.app_mode import refuse_free_paths_in_app
from iamkit.errors import InputError
from iamkit.parameters.yaml_file import TARGET, parse_parameters, parse_yaml, read_parameters
from iamkit.storage.private_files import write_whole

HEADER = "# yaml-language-server: $schema=schema.json\n# The account's parameters. No secret.\n"


def save_parameters(
    path: Path, values: Mapping[str, Any], defaults: Mapping[str, Any] = MappingProxyType({})
) -> list[str]:
    """Write parameters into the file of their account; its comments and other values stay.

    The file is made if it is not there.

    Args:
        path: the file.
        values: plain values by parameter, with ``environment`` and ``account_id``.
        defaults: what a parameter is where the file does not name it.

    Returns:
        The names of the parameters whose values are other than before.

    Raises:
        InputError: the file is of another account, is wrong already, or cannot be written; it is
            as it was.
        GuardError: this is a page of an app.
    """
    refuse_free_paths_in_app()
    before = dict(read_parameters(path).values) if path.exists() else {}
    for name in TARGET:
        if before.get(name, values[name]) != values[name]:
            raise InputError(
                f"{path} is for {name} {before[name]}, and this is {values[name]}: choose another "
                "file. Nothing was written."
            )
    known = {**defaults, **before}
    changed = [n for n, value in values.items() if n not in known or known[n] != value]
    if not changed:
        return []
    editor = YAML()
    editor.width = 100
    editor.preserve_quotes = True
    editor.indent(mapping=2, sequence=4, offset=2)
    try:
        text = path.read_text(encoding="utf-8") if before else f"{HEADER}environment: sandbox\n"
        document = editor.load(text)
        for name in changed:
            document[name] = _styled(values[name])
        _replace(path, editor, document)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}. Nothing was written.") from None
    return changed


def _replace(path: Path, editor: YAML, document: Any) -> None:
    """Write it whole, and only if our strict reader reads what was meant."""
    written = BytesIO()
    editor.dump(document, written)
    parse_parameters(written.getvalue(), path)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, written.getvalue(), mode=0o666)


def _styled(value: Any) -> Any:
    """A value as people write it, with quotes where YAML would take a text for something else."""
    if isinstance(value, Mapping):
        return {_styled(key): _styled(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_styled(one) for one in value]
    if not isinstance(value, str):
        return value
    if "\n" in value:
        return LiteralScalarString(value)
    return value if _stays_text(value) else DoubleQuotedScalarString(value)


def _stays_text(text: str) -> bool:
    try:
        return bool(parse_yaml(f"- {text}") == [text])
    except yaml.YAMLError:
        return False
