"""The user's own operations folder: notebooks, parameters, a CI workflow, what git ignores."""

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from iamkit.errors import InputError
from iamkit.parameters_file import parameters_schema
from iamkit.practice import packaged

GITIGNORE = """\
# Executed notebooks name your users and groups: keep them out of the repository.
/runs/
/notebooks/00_start_here.ipynb
.ipynb_checkpoints/
"""

WORKFLOW = """\
# Plans on every push, so that a difference between the account and this folder turns red.
# Exit code 2 says that changes are planned; apply them by hand, or add --apply.
name: iamkit
on: [push, workflow_dispatch]
permissions:
  id-token: write   # OIDC: no long-lived key in the repository
  contents: read
jobs:
  plan:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with: {python-version: "3.13"}
      - uses: aws-actions/configure-aws-credentials@v4
        with:
          role-to-assume: ${{ vars.IAMKIT_ROLE }}
          aws-region: us-east-1
      - run: pip install iamkit
      - run: iamkit run 03_dev_group 04_users 05_account_alias -f parameters/team.yaml -p run_as ""
      - if: ${{ !cancelled() }}   # also when changes are planned
        run: iamkit audit -f parameters/team.yaml --fail-on critical
"""


def find_notebook(name: str) -> Path:
    """A notebook by its path, or by its name in ``./notebooks`` or among the packaged ones.

    Raises:
        InputError: there is none; the known names are listed.
    """
    stem = name.removesuffix(".ipynb")
    candidates = [Path(name), Path("notebooks") / f"{stem}.ipynb"]
    candidates.append(packaged("notebooks") / f"{stem}.ipynb")
    for path in candidates:
        if path.suffix == ".ipynb" and path.is_file():
            return path
    known = ", ".join(sorted(path.stem for path in packaged("notebooks").glob("*.ipynb")))
    raise InputError(f"There is no notebook {name!r}; known are {known}. Nothing was changed.")


def init_folder(folder: Path) -> list[Path]:
    """Make an operations folder; what is already in it is kept.

    Returns:
        The files that were made.

    Raises:
        InputError: the folder cannot be made.
    """
    texts = {".gitignore": GITIGNORE, ".github/workflows/iamkit.yml": WORKFLOW}
    texts["parameters/schema.json"] = json.dumps(parameters_schema(), indent=1) + "\n"
    for name in ("notebooks", "parameters"):
        for source in sorted(packaged(name).iterdir()):
            if source.suffix in (".ipynb", ".yaml"):
                texts[f"{name}/{source.name}"] = source.read_text()
    made = []
    try:
        for name, text in texts.items():
            path = folder / name
            if path.exists():
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            made.append(path)
    except OSError as error:
        raise InputError(f"{error.filename}: {error.strerror}.") from None
    return made


def fill_parameters(notebook: Path, values: Mapping[str, Any]) -> None:
    """Write values into a notebook's parameters cell, so that what one sees is what runs."""
    content = json.loads(notebook.read_text())
    for cell in content["cells"]:
        if "parameters" in cell["metadata"].get("tags", []):
            lines = "".join(cell["source"]).splitlines(keepends=True)
            cell["source"] = [_filled(line, values) for line in lines]
    staged = notebook.with_suffix(".tmp")
    staged.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    shutil.move(staged, notebook)


def _filled(line: str, values: Mapping[str, Any]) -> str:
    match = re.match(r"(\w+)(: \w+) = .*(  # .*\n?)$", line)
    if not match or match[1] not in values:
        return line
    return f"{match[1]}{match[2]} = {values[match[1]]!r}{match[3]}"
