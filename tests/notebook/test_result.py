from pathlib import Path

import pytest

from iamkit.notebook.result import (
    RESULT_MIME,
    NotebookResult,
    exit_code_of,
    judge_counts,
    judge_error,
    read_counts,
)


def result(exit_code):
    return NotebookResult(
        name="a",
        outcome="",
        planned=0,
        applied=0,
        seconds=0,
        output=Path(),
        html=Path(),
        error=None,
        exit_code=exit_code,
    )


@pytest.mark.parametrize(
    ("codes", "expected"),
    [([], 0), ([0, 0], 0), ([0, 2, 0], 2), ([2, 1], 1), ([2, 4], 4), ([0, 130], 130)],
)
def test_the_exit_code_of_a_run(codes, expected):
    """The first failure decides; without one, a plan that was not applied does."""
    assert exit_code_of([result(code) for code in codes]) == expected


@pytest.mark.parametrize(
    ("planned", "applied", "left", "outcome", "code"),
    [
        (0, 0, 0, "nothing to do", 0),
        (3, 0, 0, "planned", 2),
        (3, 3, 0, "done", 0),
        (3, 2, 1, "partly applied", 4),
    ],
)
def test_the_counts_tell_the_outcome(planned, applied, left, outcome, code):
    """The outcome of a notebook follows from three numbers."""
    verdict = judge_counts({"planned": planned, "applied": applied, "left": left})
    assert (verdict.outcome, verdict.exit_code) == (outcome, code)


@pytest.mark.parametrize(
    ("counts", "outcome", "code"),
    [((0, 0, 0), "in doubt", 1), ((2, 0, 0), "planned", 1), ((2, 2, 0), "done", 1)],
)
def test_a_doubt_about_a_name_is_no_success(counts, outcome, code):
    """It is the error, whatever else was planned or done; a partly applied plan stays one."""
    names = ("planned", "applied", "left")
    doubt = {"doubts": ["User davee is not there; near is dave."]}
    verdict = judge_counts(dict(zip(names, counts, strict=True)) | doubt)
    assert (verdict.outcome, verdict.error, verdict.exit_code) == (
        outcome,
        doubt["doubts"][0],
        code,
    )
    partly = judge_counts({"planned": 2, "applied": 1, "left": 1} | doubt)
    assert (partly.outcome, partly.exit_code) == ("partly applied", 4)


def test_the_last_counts_count():
    """A notebook may show its counts again after the apply."""
    outputs = [{"data": {RESULT_MIME: {"planned": n}}} for n in (1, 2)]
    cells = [{"outputs": outputs}, {"outputs": [{"name": "stdout"}]}, {}]
    assert read_counts({"cells": cells}) == {"planned": 2}
    assert judge_counts(read_counts({"cells": []})).outcome == "read"


@pytest.mark.parametrize(
    ("name", "outcome", "error", "code"),
    [
        ("PartlyApplied", "partly applied", "one\ntwo", 4),
        ("GuardError", "failed", "one\ntwo", 1),
        ("ZeroDivisionError", "failed", "ZeroDivisionError: one", 1),
        ("Path", "failed", "Path: one", 1),
    ],
)
def test_an_error_is_told_in_few_lines(name, outcome, error, code):
    """Our errors speak for themselves; of others the first line is shown with their name."""
    verdict = judge_error(name, "one\ntwo")
    assert (verdict.outcome, verdict.error, verdict.exit_code) == (outcome, error, code)


def test_an_error_without_text_is_told_by_its_name():
    """A bare exception still gives a line."""
    assert judge_error("ValueError", "").error == "ValueError: no message"
