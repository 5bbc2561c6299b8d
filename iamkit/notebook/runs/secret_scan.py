"""Executed notebooks without widget state, and the search for secrets in all that is kept.

A secret may be written in many ways: quoted for JSON, HTML or a URL, as base64, in pieces over
several outputs, broken over lines or by markup. The search knows these, also of a secret of which
only digests are left.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from iamkit.credentials import Fingerprint
from iamkit.credentials.fingerprint import DigestSearch, ways_to_write
from iamkit.errors import SecretLeak

WIDGET = "application/vnd.jupyter.widget-"
START = 8
"""Characters by which a secret is first looked for."""

OWN_TAGS = {"injected-parameters", "papermill-error-cell-tag"}
"""The tags of cells that papermill adds; the count of cells leaves them out."""

_BREAKS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|\s+")
_TAGS = re.compile(r"<[^<>]*>")


class SecretSearch:
    """Looks for secrets in text of any length, in one pass however many secrets there are."""

    def __init__(self, secrets: Iterable[str | Fingerprint]) -> None:
        secrets = list(secrets)
        self._digests = DigestSearch(one for one in secrets if isinstance(one, Fingerprint))
        texts = [one for one in secrets if isinstance(one, str)]
        written = {form for text in texts for form in ways_to_write(text) if form}
        self._start = min([START, *map(len, written)])
        self._by_start: dict[str, list[str]] = {}
        for form in written:
            self._by_start.setdefault(form[: self._start], []).append(form)

    def __repr__(self) -> str:
        return "SecretSearch(…)"

    def finds_in(self, *texts: str) -> bool:
        """Whether a secret is in one of the texts, or would be without spaces, colours and tags."""
        for text in texts:
            unbroken = _BREAKS.sub("", text)
            if any(map(self._is_in, (text, unbroken, _TAGS.sub("", unbroken)))):
                return True
        return False

    def check_notebook(self, notebook: dict[str, Any], name: str) -> None:
        """Search a notebook: cells, outputs and metadata.

        Raises:
            SecretLeak: naming the notebook and the cell, never the secret.
        """
        cells = notebook["cells"]
        places = [(describe_cell(cells, index), cell) for index, cell in enumerate(cells)]
        rest = {key: value for key, value in notebook.items() if key != "cells"}
        for place, part in (*places, ("the notebook's metadata", rest)):
            if self.finds_in(*_joined_texts(part)):
                raise SecretLeak(
                    f"A secret is in {place} of {name}; the executed notebook was not kept. "
                    "If anyone else could see this run, replace that key or password."
                )

    def _is_in(self, text: str) -> bool:
        length, by_start = self._start, self._by_start
        return self._digests.finds_in(text) or any(
            text.startswith(form, at)
            for at in range(len(text) - length + 1)
            for form in by_start.get(text[at : at + length], ())
        )


def remove_widgets(notebook: dict[str, Any]) -> None:
    """Remove, in place, what belongs to live widgets: their state and the views that need it."""
    notebook["metadata"].pop("widgets", None)
    for cell in notebook["cells"]:
        for output in cell.get("outputs", ()):
            for mime in [mime for mime in output.get("data", ()) if mime.startswith(WIDGET)]:
                del output["data"][mime]


def describe_cell(cells: list[dict[str, Any]], index: int) -> str:
    """A cell in the words of who reads the notebook: ``cell 7 (apply)``, counted from 1."""
    tags = cells[index]["metadata"].get("tags", [])
    if OWN_TAGS & set(tags):
        return "the parameters that were given"
    number = sum(
        not OWN_TAGS & set(cell["metadata"].get("tags", [])) for cell in cells[: index + 1]
    )
    return f"cell {number} ({tags[0]})" if tags else f"cell {number}"


def _joined_texts(part: dict[str, Any]) -> Iterator[str]:
    """All text of a part in one piece, so that nothing hides by being split.

    The two streams are also joined each on its own, as they may take turns.
    """
    yield "".join(_texts(part))
    for stream in ("stdout", "stderr"):
        yield "".join(
            text
            for output in part.get("outputs", ())
            if output.get("name") == stream
            for text in _texts(output["text"])
        )


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from (str(key), *_texts(inner))
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)
    else:
        yield str(value)
