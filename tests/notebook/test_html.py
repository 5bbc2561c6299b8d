import re

from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from iamkit.notebook.html import to_html


def page():
    outputs = [
        new_output("display_data", {"text/html": "<table><tr><td>alice</td></tr></table>"}),
        new_output(
            "display_data",
            {"application/vnd.jupyter.widget-view+json": {"model_id": "m"}, "text/plain": "W()"},
        ),
        new_output("stream", name="stdout", text="\x1b[31mred\x1b[0m"),
        new_output("error", ename="GuardError", evalue="no", traceback=["GuardError: no"]),
    ]
    cells = [
        new_markdown_cell(
            "# Title $x$\n\n[AWS](https://docs.aws.amazon.com)\n\n```mermaid\na\n```"
        ),
        new_code_cell("plan = 1", outputs=outputs, execution_count=7),
    ]
    return to_html(new_notebook(cells=cells), "03 <dev>")


def test_the_page_needs_no_network():
    """Nothing but links leads elsewhere, and the browser is told to load nothing."""
    html = page()
    without_links = re.sub(r"<a [^>]*>", "", html)
    assert not re.search(r"(https?:)?//[a-z]", without_links)
    assert not re.search(r"<(script|link|iframe)\b", html)
    assert "default-src 'none'" in html


def test_the_page_shows_text_code_and_outputs():
    """The code can be folded; title, tables, colours and errors are there."""
    html = page()
    assert "<title>03 &lt;dev&gt;</title>" in html
    assert "<td>alice</td>" in html
    assert '<span class="ansi-red-fg">red</span>' in html
    assert "GuardError: no" in html
    assert re.search(r"<details[^>]*><summary>Code 7</summary>", html)
    assert html.index("<summary>") < html.index("plan") < html.index("</details>")
