"""The guide's own values: what stands in the practice account for what nobody said."""

from collections.abc import Container, Mapping
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import yaml

PACKAGE = Path(__file__).parents[1]
_IN_CHECKOUT = {"actions": ".github/actions", "workflows": ".github/docs/examples"}


def packaged(name: str) -> Path:
    """A folder as it came with iamkit: notebooks, parameters, actions or workflows."""
    installed = PACKAGE / "_data" / name
    in_checkout = PACKAGE.parent / _IN_CHECKOUT.get(name, name)
    return installed if installed.is_dir() else in_checkout


def is_practice(given: Mapping[str, Any]) -> bool:
    """Whether parameters are of the practice account; a twin is a sandbox of another account."""
    practised = _of_the_guide()["account_id"]
    return given.get("environment") == "sandbox" and given.get("account_id", practised) == practised


def practice_values(names: Container[str]) -> dict[str, Any]:
    """The values of ``parameters/sandbox.yaml``, as far as their names are wanted."""
    return deepcopy({name: value for name, value in _of_the_guide().items() if name in names})


@cache
def _of_the_guide() -> dict[str, Any]:
    text = (packaged("parameters") / "sandbox.yaml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text))
