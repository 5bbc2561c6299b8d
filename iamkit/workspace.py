"""The user's own operations folder: notebooks, parameters, a CI workflow, what git ignores."""

import json
from contextlib import suppress
from pathlib import Path

from iamkit.errors import InputError
from iamkit.parameters.practice import packaged
from iamkit.parameters.yaml_file import parameters_schema
from iamkit.storage.folders import check_room, make_folder
from iamkit.storage.private_files import write_named
from iamkit.storage.reading import reason_of

BLOCK = 4_096
"""Bytes by which disks count."""

GITIGNORE = """\
# Executed notebooks name your users and groups: keep them out of the repository.
/runs/
/notebooks/00_start_here.ipynb
.ipynb_checkpoints/
"""


def find_notebook(name: str) -> Path:
    """A notebook by its path, or by its name in ``./notebooks`` or among the packaged ones.

    Raises:
        InputError: there is none; the known names are listed.
    """
    stem = name.removesuffix(".ipynb")
    candidates = [Path(name), Path("notebooks") / f"{stem}.ipynb"]
    candidates.append(packaged("notebooks") / f"{stem}.ipynb")
    with suppress(OSError, ValueError):  # no file can have such a name
        for path in candidates:
            if path.suffix == ".ipynb" and path.exists():
                return path
    known = ", ".join(sorted(path.stem for path in packaged("notebooks").glob("*.ipynb")))
    raise InputError(
        f"There is no notebook {name[:200]!r}; known are {known}. Nothing was changed."
    )


def init_folder(folder: Path) -> list[Path]:
    """Make an operations folder; what is already in it is kept.

    Returns:
        The files that were made.

    Raises:
        InputError: the folder is read-only, full, or something else is in the place of a part of
            it.
        StorageError: the same of a folder.
    """
    texts = {".gitignore": GITIGNORE}
    workflow = packaged("workflows") / "github.yml"
    texts[".github/workflows/iamkit.yml"] = workflow.read_text()
    action = packaged("actions") / "iamkit" / "action.yml"
    texts[".github/actions/iamkit/action.yml"] = action.read_text()
    texts["parameters/schema.json"] = json.dumps(parameters_schema(), indent=1) + "\n"
    for name in ("notebooks", "parameters"):
        for source in sorted(packaged(name).iterdir()):
            if source.suffix in (".ipynb", ".yaml"):
                texts[f"{name}/{source.name}"] = source.read_text()
    missing = {name: text for name, text in texts.items() if not _is_there(folder / name)}
    for name in missing:
        make_folder((folder / name).parent)
    if missing:
        size = sum(len(text.encode()) for text in missing.values())
        check_room(folder, size + BLOCK * len(missing))
    for name, text in missing.items():
        write_named(folder / name, text, end=" Run it again.")
    return [folder / name for name in missing]


def _is_there(path: Path) -> bool:
    """Whether something is at a path, even a link that leads nowhere."""
    try:
        return path.is_symlink() or path.exists()
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: {reason_of(error)}. Nothing was changed.") from None
