"""Presence: who is there in a headless run, and in Voilà's kernels; where applying is off."""

import json

import pytest

from iamkit.app_mode import APP_APPLIES, applying_is_off
from iamkit.notebook.interactive import someone_is_there
from iamkit.notebook.runs.run import run_notebooks

ASKS = (
    "from iamkit.app_mode import applying_is_off\n"
    "from iamkit.notebook.interactive import someone_is_there\n"
    "print(someone_is_there(), bool(applying_is_off()))"
)
IN_VOILA = [
    {"SERVER_SOFTWARE": "voila/0.5.13"},
    {"VOILA_KERNEL_ID": "0f"},
    {"VOILA_PREHEAT": "False"},
]


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    """The variables of no app."""
    for name in ("SERVER_SOFTWARE", "VOILA_KERNEL_ID", "VOILA_PREHEAT", APP_APPLIES):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def asked_headless(folder):
    """What a cell is told in a headless run, in a real kernel."""
    cell = {"cell_type": "code", "id": "a", "source": ASKS, "metadata": {}}
    cells = [cell | {"outputs": [], "execution_count": None}]
    path = folder / "asks.ipynb"
    path.write_text(
        json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    )
    (result,) = run_notebooks([path], {}, folder / "out", list, lambda _: None)
    executed = json.loads(result.output.read_text())
    return "".join(executed["cells"][0]["outputs"][0]["text"]).split()


def test_nobody_is_there_in_a_headless_run_which_may_apply(tmp_path):
    """The cells' requests say so."""
    assert asked_headless(tmp_path) == ["False", "False"]


@pytest.mark.parametrize("variables", IN_VOILA)
def test_in_voila_somebody_is_there_and_applying_is_off(environment, tmp_path, variables):
    """By each of its variables alone, though its requests are like those of a headless run."""
    for name, value in variables.items():
        environment.setenv(name, value)
    assert asked_headless(tmp_path) == ["True", "True"]


def test_without_a_kernel_somebody_is_there():
    """When in doubt nothing is applied unasked."""
    assert someone_is_there()
    assert applying_is_off() == ""


@pytest.mark.parametrize(("value", "off"), [("yes", False), ("no", True), ("", True), ("1", True)])
def test_applying_in_an_app_wants_the_one_word(environment, value, off):
    """Everything else, nothing too, leaves it off."""
    environment.setenv("VOILA_KERNEL_ID", "0f")
    environment.setenv(APP_APPLIES, value)
    assert bool(applying_is_off()) == off
