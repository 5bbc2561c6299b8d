"""AWS's answers as cases, read from ``sandbox/cases/answers``; the documentation reads them too."""

from pathlib import Path
from string import Template

import yaml

FOLDER = Path(__file__).parent / "sandbox" / "cases" / "answers"
_DOCS = "https://docs.aws.amazon.com/"
_PAGES = {
    "": f"{_DOCS}IAM/latest/APIReference/",
    "STS": f"{_DOCS}STS/latest/APIReference/",
    "secrets": f"{_DOCS}secretsmanager/latest/apireference/",
    "guide": f"{_DOCS}IAM/latest/UserGuide/",
}


def read_cases():
    """The cases of every file, in order; one with ``each`` stands for several."""
    for path in sorted(FOLDER.glob("*.yaml")):
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        for case in document["cases"]:
            for values in case.pop("each", [{}]):
                filled = _filled(case, values)
                yield {**filled, "chapter": document["chapter"], "source": _source(filled)}


def _source(case):
    """Where a case is from; a page of AWS's documentation may be named shortly."""
    folder, _, page = case["source"].rpartition("/")
    if page.startswith("API_") and folder in _PAGES:
        return _PAGES[folder] + page + ".html"
    return _PAGES["guide"] + page + ".html" if folder == "guide" else case["source"]


def _filled(value, values):
    """A case with ``$name`` in the place of each value."""
    if isinstance(value, dict):
        return {_filled(key, values): _filled(inner, values) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, values) for item in value for inner in _repeated(item)]
    if not isinstance(value, str):
        return value
    if value.startswith("$") and value[1:] in values:
        return _filled(values[value[1:]], values)
    return Template(value).safe_substitute(values)


def _repeated(item):
    """An item of a list; with ``times`` it, or its ``steps``, several times, numbered at ``#``."""
    if not (isinstance(item, dict) and "times" in item):
        return [item]
    rest = {key: value for key, value in item.items() if key != "times"}
    return [
        _numbered(one, number)
        for number in range(item["times"])
        for one in rest.get("steps", [rest])
    ]


def _numbered(value, number):
    if isinstance(value, dict):
        return {key: _numbered(inner, number) for key, inner in value.items()}
    return value.replace("#", str(number)) if isinstance(value, str) else value


def read_reasons():
    """Why no case provokes errors that AWS documents: ``errors``, ``of`` which calls, ``why``."""
    path = FOLDER.parent / "errors_without_a_case.yaml"
    for reason in yaml.safe_load(path.read_text(encoding="utf-8")):
        yield {"of": ["*"], **reason}


CASES, REASONS = list(read_cases()), list(read_reasons())
