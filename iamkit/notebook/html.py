"""An executed notebook as one HTML file that needs no network.

nbconvert's own pages load scripts from the network and carry 280 KB of styles. This one takes
nbconvert's cells, its own few styles, and a policy that keeps the browser from loading anything.
"""

import threading
from functools import cache
from typing import Any

_ONE_AT_A_TIME = threading.Lock()

TEMPLATE = """
{%- extends 'basic/index.html.j2' -%}

{%- block header -%}
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:;
  font-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline' blob:">
<title>{{ resources.metadata.name | escape_html }}</title>
<style>
body { max-width: 100rem; margin: 1rem auto; padding: 0 1rem; color: #1b1b1b; background: #fff;
  font: 16px/1.5 system-ui, sans-serif; }
pre, code { font: 14px/1.4 ui-monospace, monospace; }
pre { overflow-x: auto; margin: 0; white-space: pre-wrap; }
.code_cell { margin: 1rem 0; }
details > summary { color: #595959; font-size: 14px; cursor: pointer; }
.input_area { background: #f5f5f5; border: 1px solid #ddd; padding: .5rem; }
.output { margin-top: .5rem; overflow-x: auto; }
table { border-collapse: collapse; }
th, td { border: 1px solid #ddd; padding: .2rem .6rem; text-align: left; }
.output_stderr, .output_error { background: #fdeaea; padding: .5rem; }
.ansi-bold { font-weight: bold; }
.ansi-red-fg { color: #b3261e; }
.ansi-green-fg { color: #1b6e20; }
.ansi-yellow-fg { color: #7a5900; }
.anchor-link { display: none; }
p, li { max-width: 60rem; }
@media print { details:not([open]), .dt-search, .dt-length, .dt-paging { display: none; }
  .output { overflow: visible; } img { break-inside: avoid; } }
{{ resources.inlining.css | join("\n") }}
</style>
</head>
<body>
{%- endblock header -%}

{%- block input_group -%}
<details><summary>Code {{ cell.execution_count or "" }}</summary>
{{ super() }}
</details>
{%- endblock input_group -%}

{%- block in_prompt %}{% endblock in_prompt -%}
{%- block output_area_prompt %}{% endblock output_area_prompt -%}
{%- block data_widget_view %}{% endblock data_widget_view -%}

{%- block footer -%}
</body>
</html>
{%- endblock footer -%}
"""


def to_html(notebook: Any, title: str) -> str:
    """The HTML page of an executed notebook.

    Args:
        notebook: as nbformat reads it.
        title: the page's title.
    """
    with _ONE_AT_A_TIME:
        page, _ = _exporter().from_notebook_node(notebook, {"metadata": {"name": title}})
    return str(page)


@cache
def _exporter() -> Any:
    # Imported late: with its template compiled it costs a third of a second.
    from nbconvert import HTMLExporter  # noqa: PLC0415
    from traitlets.config import Config  # noqa: PLC0415

    return HTMLExporter(  # type: ignore[no-untyped-call]
        raw_template=TEMPLATE, config=Config(CSSHTMLHeaderPreprocessor={"style": "default"})
    )
