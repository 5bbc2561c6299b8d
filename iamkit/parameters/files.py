"""Parameters that name files: a relative one counts from the parameters file's own folder."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from iamkit.parameters.checking import all_wrong

CURRENT = "IAMKIT_PARAMETERS"
"""The environment variable that names the account's parameters file, for kernels to inherit."""

FILES = (
    "credential_file",
    "users_csv",
    "state_files",
    "compare_to",
    "save_to",
    "policy_file",
    "policy_source",
)
"""Parameters that name files or folders; a relative one counts from the parameters file's folder.

``policy_source`` may also name a policy of the account."""


def resolve_files(values: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The same values, with paths that are relative counted from a folder.

    Args:
        values: parameters by name; those in ``FILES`` are texts or lists of them.
        folder: the parameters file's own folder, or where a command was typed.
    """
    return {n: _resolved(n, v, folder) if n in FILES else v for n, v in values.items()}


def _resolved(name: str, value: Any, folder: Path) -> Any:
    if isinstance(value, list):
        return [_resolved(name, one, folder) for one in value]
    if not isinstance(value, str) or not value:
        return value
    path = folder.absolute() / _at_home(value)
    return value if name == "policy_source" and _names_policy(value, path) else str(path)


def _names_policy(source: str, path: Path) -> bool:
    """Whether a ``policy_source`` is an ARN, a name, or such as ``group dev/devGroupPolicy``."""
    if source.startswith(("arn:", "group ", "user ", "role ")):
        return True
    is_path = "/" in source or source.endswith((".json", ".yaml", ".yml"))
    return not is_path and not path.is_file()


def locate_files(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a cell with their paths made whole.

    papermill does not tell in which file a value stood, so a relative path is only understood
    where ``IAMKIT_PARAMETERS`` says it.

    Raises:
        InputError: a path is relative, and to what is not known.
    """
    if file := os.environ.get(CURRENT):
        return resolve_files(values, Path(file).parent)
    whole = resolve_files(values, Path())
    wrong = [
        f"{name}: {text!r} is a relative path, and from which folder it counts is not known: "
        f"write it whole, or say in {CURRENT} which parameters file it stands in"
        for name in FILES
        for text in _texts(values.get(name))
        if not _at_home(text).is_absolute() and text not in _texts(whole[name])
    ]
    if wrong:
        raise all_wrong(wrong)
    return whole


def _at_home(text: str) -> Path:
    """A path with ``~`` for the home folder, if it is one."""
    try:
        return Path(text).expanduser()
    except RuntimeError:  # ~nobody
        return Path(text)


def _texts(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [one for one in values if isinstance(one, str) and one]
