import base64
import json
import re
import stat
from html import escape
from urllib.parse import quote_plus

import pytest

from iamkit.credentials import Fingerprint
from iamkit.errors import SecretLeak
from iamkit.notebook.runs.secret_scan import SecretSearch, describe_cell, remove_widgets
from iamkit.storage.private_files import write_whole

SECRET = "wJalr/XUtn+FEMI\"K7<M>D&'é\\zz="
KEY = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"


def notebook(*cells, **metadata):
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": list(cells)}


def cell(*outputs, source="", tags=()):
    return {
        "cell_type": "code",
        "source": source,
        "metadata": {"tags": list(tags)},
        "outputs": list(outputs),
    }


def stream(text, name="stdout"):
    return {"output_type": "stream", "name": name, "text": text}


def shown(**data):
    return {"output_type": "display_data", "data": data, "metadata": {}}


def encoded(text):
    return base64.b64encode(text.encode()).decode()


def hiding_places(secret):
    """A cell for each way in which a secret may stand in it."""
    return {
        "in a stream": cell(stream(f"x{secret}y")),
        "split over two streams": cell(
            stream(secret[:9]), stream("?", "stderr"), stream(secret[9:])
        ),
        "split over the strings of a list": cell(shown(html=[secret[:5], secret[5:]])),
        "as JSON inside text": cell(stream(json.dumps({"a": secret}))),
        "as JSON inside JSON": cell(stream(json.dumps(json.dumps(secret)))),
        "as HTML": cell(shown(html=f"<td>{escape(secret)}</td>")),
        "as HTML with bare quotes": cell(shown(html=f"<td>{escape(secret, quote=False)}</td>")),
        "broken by markup": cell(shown(html=f"{escape(secret[:12])}<b>{escape(secret[12:])}</b>")),
        "broken over lines": cell(stream(secret[:12] + "\n    " + secret[12:])),
        "broken by colours": cell(stream(f"{secret[:12]}\x1b[31m{secret[12:]}\x1b[0m")),
        "in a URL": cell(stream(f"https://example.com/?key={quote_plus(secret)}")),
        "in a URL in lower case": cell(
            stream(re.sub("%..", lambda code: code.group().lower(), quote_plus(secret)))
        ),
        "as a repr": cell(stream(repr(secret))),
        "as base64": cell(stream(encoded(secret))),
        "as base64 after one character": cell(stream(encoded(f"a{secret}b"))),
        "as base64 after two characters": cell(stream(encoded(f"ab{secret}cd"))),
        "as base64 for URLs": cell(stream(base64.urlsafe_b64encode(secret.encode()).decode())),
        "in the source": cell(source=f"key = {secret!r}"),
        "in an output's metadata": cell({**shown(a="b"), "metadata": {"title": secret}}),
        "as a key of JSON": cell(shown(json={secret: 1})),
        "in the cell's metadata": {**cell(), "metadata": {"note": secret}},
    }


@pytest.mark.parametrize("place", hiding_places(SECRET))
@pytest.mark.parametrize("known", ["text", "digest"])
def test_a_secret_is_found_and_its_cell_named(place, known):
    """However a secret is written, it is found, and the message names the cell and not it."""
    secret = SECRET if known == "text" else KEY
    search = SecretSearch(["another secret", secret if known == "text" else Fingerprint.of(secret)])
    with pytest.raises(SecretLeak) as leak:
        search.check_notebook(notebook(cell(), hiding_places(secret)[place]), "04_users")
    assert "cell 2 of 04_users" in str(leak.value)
    assert secret[:9] not in str(leak.value)


def test_a_secret_in_the_notebooks_metadata_is_found():
    """papermill saves parameters in the metadata too, so that is searched."""
    leaky = notebook(cell(), papermill={"parameters": {"password": SECRET}})
    with pytest.raises(SecretLeak, match="metadata of 04_users"):
        SecretSearch([SECRET]).check_notebook(leaky, "04_users")


def test_a_clean_notebook_passes():
    """What is near a secret, but none, is let through."""
    near = [SECRET[:-1], SECRET[1:], SECRET.upper(), encoded(SECRET[:-2])]
    clean = notebook(*[cell(stream(text)) for text in near], kernelspec={"name": "python3"})
    SecretSearch([SECRET, "", Fingerprint.of(SECRET)]).check_notebook(clean, "04_users")
    SecretSearch([]).check_notebook(clean, "04_users")


def test_a_password_shorter_than_the_rest_is_found():
    """Secrets of different lengths are searched for together."""
    assert SecretSearch([SECRET, "pW3-xy"]).finds_in("the password is pW3-xy.")


def test_the_search_shows_no_secret():
    """A search that is printed by accident tells nothing."""
    assert SECRET[:6] not in repr(SecretSearch([SECRET]))


def test_scrub_removes_what_lives_in_widgets():
    """The state of widgets, passwords too, and the views that need it are removed."""
    view = shown(**{"application/vnd.jupyter.widget-view+json": {}, "text/plain": "Password()"})
    scrubbed = notebook(cell(view), widgets={"state": {"value": "typed"}}, language="python")
    remove_widgets(scrubbed)
    assert scrubbed["metadata"] == {"language": "python"}
    assert scrubbed["cells"][0]["outputs"][0]["data"] == {"text/plain": "Password()"}


def test_cells_are_counted_as_in_the_input_notebook():
    """The cells that papermill adds are not counted."""
    cells = [cell(), cell(tags=["injected-parameters"]), cell(tags=["apply"])]
    assert describe_cell(cells, 2) == "cell 2 (apply)"
    assert describe_cell(cells, 1) == "the parameters that were given"


def test_files_are_private_and_complete(tmp_path):
    """A file is for its owner alone, replaces an older one, and leaves no temporary one."""
    path = tmp_path / "a.html"
    path.write_text("old")
    write_whole(path, "new é")
    assert path.read_text(encoding="utf-8") == "new é"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]
