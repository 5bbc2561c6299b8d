import base64
import hashlib
import html
import re
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from iamkit.account.state import AccountState, CallerIdentity
from iamkit.aws.session import Session
from iamkit.notebook.display import bundle_of
from iamkit.notebook.links import LAB, notebook_link
from iamkit.notebook.pages.audit import saved_banner
from iamkit.notebook.reports.executed import Sheet, Stamp, to_sheet
from iamkit.notebook.reports.html import to_html, to_index
from iamkit.notebook.result import NotebookResult

ATTACK = """</style></title>"><img src=x onerror=alert(1)><script>alert(2)</script>"""
PARAMETERS = """account_id: str = "111122223333"  # the digits
environment: str = "aws"  # where
names: list = ["a # b"]  # who
"""


def shown(markup, **more):
    return new_output("display_data", {"text/html": markup, "text/plain": ""}, **more)


def output_of(bundle):
    return new_output("display_data", bundle)


def cell(source, *outputs, tag=""):
    tags = {"tags": [tag]} if tag else {}
    return new_code_cell(source, outputs=list(outputs), execution_count=7, metadata=tags)


def executed(*cells):
    notebook = new_notebook(cells=list(cells))
    notebook.metadata["papermill"] = {"start_time": "2026-11-25T14:05:59.123456+00:00"}
    return notebook


def result(name="03", **more):
    told = {"outcome": "done", "planned": 2, "applied": 2, "seconds": 1.26, "error": None}
    told |= {"output": Path(f"{name}.ipynb"), "html": Path(f"{name}.html"), "exit_code": 0} | more
    return NotebookResult(name=name, **told)


def page(*cells, others=(), told=None):
    return to_html(executed(*cells), "03", told, others)


def everything():
    outputs = [
        shown("<table><thead><tr><th>user</th></tr></thead><tr><td>alice</td></tr></table>"),
        new_output(
            "display_data",
            {"application/vnd.jupyter.widget-view+json": {"model_id": "m"}, "text/plain": "W()"},
        ),
        new_output("stream", name="stdout", text="\x1b[31mred\x1b[0m"),
        new_output("error", ename="GuardError", evalue="no", traceback=["at plan = 1"]),
    ]
    text = "# 03 · Title: $x$\n\n[AWS](https://docs.aws.amazon.com)\n\n```mermaid\n# a\n```"
    return page(new_markdown_cell(text), cell("plan = 1", *outputs))


def test_the_page_needs_no_network():
    """Nothing but links leads elsewhere, and the browser is told to load nothing."""
    text = everything()
    without_links = re.sub(r"<a [^>]*>", "", text)
    assert not re.search(r"(https?:)?//[a-z]", without_links)
    assert not re.search(r"<(script|link|iframe)\b", text)
    assert "default-src 'none'" in text
    assert "script-src 'none'" in text


def test_the_page_shows_texts_and_outputs_and_the_code_on_demand():
    """The code is there and folded by one box; titles, tables, colours and errors are in sight."""
    text = everything()
    assert "<title>03 · Title</title>" in text
    assert len(re.findall(r"<h1\b", text)) == 1
    assert '<html lang="en">' in text
    assert '<th scope="col">user</th>' in text
    assert '<span class="ansi-red-fg">red</span>' in text
    assert "GuardError: no" in text
    assert text.count('type="checkbox"') == 1
    code = re.findall(r'<(?:div|pre) class="code">(.*?)</(?:div|pre)>', text, re.DOTALL)
    assert "plan" in code[0]
    assert "at plan = 1" in code[1]
    outside = re.sub(r'<(div|pre) class="code">.*?</\1>', "", text, flags=re.DOTALL)
    assert "plan" not in outside


def banner_of(environment, alias):
    identity = CallerIdentity(
        account_id="000000000000", arn="arn:aws:iam::000000000000:user/x", user_id="AIDA"
    )
    session = Session(
        environment=environment,
        identity=identity,
        alias=alias,
        source="somewhere",
        folder=Path(),
        clients=SimpleNamespace(life="for ever"),
    )
    return bundle_of(session)


def banner_of_state(read_at):
    state = AccountState(account_id="111122223333", read_at=read_at)
    return saved_banner(state, "account 999999999999.json")


@pytest.mark.parametrize(
    ("banner", "told"),
    [
        (banner_of("sandbox", "maestrodev"), "account 000000000000 (maestrodev), SANDBOX"),
        (banner_of("aws", None), "account 000000000000, LIVE"),
        (
            banner_of_state(datetime(2026, 1, 2, 3, 4, tzinfo=UTC)),
            "account 111122223333, SAVED, read on 2026-01-02",
        ),
        (banner_of_state(None), "account 111122223333, SAVED"),
        ({"text/html": "<p>denied</p>"}, "account 111122223333, LIVE"),
        ({"text/html": "<b>● SANDBOX</b> · account <b>1</b>"}, "account 111122223333, LIVE"),
    ],
)
def test_date_and_account_stand_on_the_page_and_on_each_printed_one(banner, told):
    """As the values beside the banner say, whatever it looks like; else as the parameters do."""
    text = page(cell(PARAMETERS, tag="parameters"), cell("s", output_of(banner), tag="session"))
    assert "2026-11-25 14:05 UTC" in text
    margin = re.search(r"@top-right \{ content: \"(.*?)\"", text)[1]
    plain = re.sub(r"\\([0-9a-f]+) ", lambda code: chr(int(code[1], 16)), margin)
    assert plain == f"2026-11-25 14:05 UTC · {told}"
    assert 'counter(page) " of " counter(pages)' in text


def test_a_banner_counts_only_where_the_session_is_shown():
    """What is shown elsewhere decides nothing."""
    banner = output_of(banner_of("sandbox", "maestrodev"))
    text = page(cell(PARAMETERS, tag="parameters"), cell("x", banner, tag="users"))
    assert "account 111122223333, LIVE" in html.unescape(text)


def test_parameters_are_a_folded_table_with_the_values_that_were_given():
    """Given ones in place of the defaults, with the meaning from the notebook."""
    given = cell("# Parameters\nnames = ['ü', \"<b>\"]\nmore = True", tag="injected-parameters")
    text = page(cell(PARAMETERS, tag="parameters"), given)
    table = text[text.index("<summary>Parameters") : text.index("</details>")]
    cells = re.findall(r"<t[hd][^>]*>(?:<pre>)?(.*?)(?:</pre>)?</t[hd]>", table, re.DOTALL)[3:]
    assert cells[:6] == ["account_id", "111122223333", "the digits", "environment", "aws", "where"]
    assert cells[6:] == ["names", "- ü\n- &lt;b&gt;", "who", "more", "true", ""]


def test_sections_fold_and_long_pages_have_contents():
    """Each heading is a section; further first headings count as second ones, code's do not."""
    texts = ["# T", "## A\n\n```\n## no\n```\n\n## B", "# C", "## D\ntext"]
    text = page(*map(new_markdown_cell, texts))
    titles = re.findall(r"<summary><h2>(.*?)</h2>", text)
    assert titles == ["A", "B", "C", "D"]
    links = re.findall(r'<a href="#(section-\d)">(\w)</a>', text)
    assert [name for _, name in links] == titles
    assert all(f'id="{anchor}"' in text for anchor, _ in links)
    assert "Contents" not in page(new_markdown_cell("# T\n## A\n## B"))


def test_links_to_notebooks_lead_to_pages_or_nowhere():
    """To pages of the same run; the name of another notebook stays plain text."""
    both = new_markdown_cell("# T\n\n[04](04_users.ipynb) and [05](05_alias.ipynb)")
    steps = '<a href="04_users.ipynb">four</a><a href="05_alias.ipynb">five</a>'
    text = page(both, cell("t", shown(steps)), others=("03", "04_users"))
    assert '<a href="04_users.html">04</a> and 05' in text
    assert '<a href="04_users.html">four</a><a>five</a>' in text
    assert "05_alias" not in text
    assert "index.html" in text
    assert "index.html" not in page(both, others=("03",))


@pytest.mark.parametrize("sign", ["\x1b", "\x9b", "\u202e", "\u2066", "\u200b", "\u00ad", "\u2028"])
def test_nothing_invisible_steers_what_is_read(sign):
    """In HTML and in text alike, what turns, hides or colours other text is shown by its number."""
    frame = pd.DataFrame({"user": [f"ann{sign}\nbob"]})
    for bundle in (bundle_of(f"ann{sign}\nbob"), bundle_of(frame)):
        for text in bundle.values():
            assert sign not in text
            assert f"\\u{ord(sign):04x}" in text


def test_links_of_a_lab_are_links_of_the_page(monkeypatch):
    """What JupyterLab's command opens, a page of a run opens without it; elsewhere a plain link."""
    assert notebook_link("04_users") == '<a href="04_users.ipynb">04_users</a>'
    monkeypatch.setenv(LAB, "yes")
    in_lab = notebook_link("04_users")
    assert "data-commandlinker-command" in in_lab
    text = page(new_markdown_cell("# T"), cell("t", shown(in_lab)), others=("03", "04_users"))
    assert '<a href="04_users.html">04_users</a>' in text
    assert "commandlinker" not in text


def test_what_a_run_came_to_stands_at_the_top():
    """The outcome in words, how many changes, and the error of one that failed."""
    failed = result(outcome="failed", applied=1, error="No <b>.", exit_code=1)
    text = page(new_markdown_cell("# T"), told=failed)
    assert "1 of 2 changes applied" in text
    assert 'class="badge bad"' in text
    assert "No &lt;b&gt;." in text


def test_hostile_texts_stay_texts():
    """In titles, headings, parameters, errors, names and the account's alias."""
    nasty = cell(f"x = {ATTACK!r}  # {ATTACK}", tag="parameters")
    error = new_output("error", ename=ATTACK, evalue=ATTACK, traceback=[ATTACK])
    notebook = executed(new_markdown_cell(f"# {ATTACK}\n## {ATTACK}"), nasty, cell(ATTACK, error))
    told = result(error=ATTACK, html=Path(f"{ATTACK.replace('/', '')}.html"))
    sheet = Sheet(title=ATTACK, stamp=Stamp(alias=ATTACK, word=ATTACK), result=told)
    for text in (to_html(notebook, ATTACK, told, [ATTACK, "b"]), to_index([sheet])):
        assert "onerror=alert" in html.unescape(text)
        assert not re.search(r"<(img|script)\b", text)
        assert len(re.findall(r"</style>", text)) == 1


def test_only_the_pages_own_scripts_may_run():
    """Each by its hash, as the browser takes it; handlers in attributes never."""
    script = "\n  1 < 2 && f('</p>');\n"
    text = page(cell("t", shown(f"<p onclick=f()>x</p><script type=module>{script}</script>")))
    policy = re.search(r"script-src ([^;]*);", text)[1].split()
    kept = re.search(r"<script[^>]*>(.*?)</script>", text, re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(kept.encode()).digest()).decode()
    assert policy == [f"'sha256-{digest}'"]
    assert kept == script


def test_every_page_is_printed_upright():
    """However many columns a table has: nobody turns a report."""
    head = "<table><thead><tr>{}</tr></thead></table>"
    assert "size: portrait" in page(cell("t", shown(head.format("<th>x</th>" * 9))))


def test_the_index_lists_each_notebook():
    """With its outcome, changes, seconds, account and time; and links to pages that are there."""
    notebook = executed(
        new_markdown_cell("# 03 · Dev: a group"),
        cell("s", output_of(banner_of("sandbox", "maestrodev")), tag="session"),
    )
    here = Path(__file__)
    sheets = [
        to_sheet(notebook, "03", result(html=here)),
        Sheet(title="04", stamp=Stamp(), result=result("04", outcome="failed", error="Why")),
    ]
    text = to_index(sheets)
    assert f'<a href="./{here.name}">03 · Dev</a>' in text
    assert "04.html" not in text
    for part in ("done", "2 of 2", "1.3", "000000000000 (maestrodev), SANDBOX", "Why"):
        assert part in text
    assert "2026-11-25 14:05 UTC" in text
