"""Tables to sort, filter and search, without a network; every text in them stays text."""

from functools import cache
from typing import Any

import pandas as pd

from iamkit.audit.schema import SEVERITIES, Schema, in_words
from iamkit.notebook.display import show_html
from iamkit.notebook.interactive import someone_is_there

WIDE = "next_action admin_path data remedy waiver sentence calls depends_on closed_by".split()
"""Columns of sentences, which wrap; names and numbers stay on one line."""
STYLE = """<style>
td.iamkit-wide { white-space: normal !important; min-width: 18em; max-width: 36em; }
td.iamkit-cell { vertical-align: top; overflow-wrap: anywhere; }
td.iamkit-cell:first-child { white-space: normal !important; min-width: 8em; max-width: 16em; }
.dt-container th { text-align: left !important; }
</style>"""
PAGE = 50
"""Rows from which on a table is shown in pages."""
FOCUSABLE = """<script>
for (const moment of [500, 2000, 5000, 15000]) setTimeout(() => {
  for (const body of document.querySelectorAll(".dt-scroll-body:not([tabindex])")) {
    body.tabIndex = 0;
    body.setAttribute("role", "group");
    body.setAttribute("aria-label", "a table to scroll");
  }
}, moment);
</script>"""
"""Lets keys scroll a wide table, when DataTables has made it. Its own callbacks would need eval."""

_SHOWN: list[bool] = []


def show_table(frame: pd.DataFrame, columns: Schema[Any]) -> None:
    """A table to sort, filter and search without a network; every text in it stays text."""
    from itables import to_html_datatable  # noqa: PLC0415 - it takes a tenth of a second

    words = in_words(frame, columns).drop(columns=["unknown", "not_read"], errors="ignore")
    numbers = {n: frame[n] for n in words if pd.api.types.is_numeric_dtype(frame[n])}
    for name, values in numbers.items():  # numbers sort as numbers
        if not values.isna().any() and values.dtype != "boolean":
            words[name] = values
    wide = [place for place, name in enumerate(words.columns) if name in WIDE]
    ranked = [place for place, name in enumerate(words.columns) if "severity" in name]
    for place in ranked:  # the worst first, not by the alphabet
        words["rank"] = frame[words.columns[place]].cat.codes.replace(-1, len(SEVERITIES))
    hidden = [len(words.columns) - 1] if ranked else []
    markup = to_html_datatable(
        words,
        connected=False,
        display_logo_when_loading=False,
        allow_html=False,
        maxBytes=0,
        maxColumns=0,
        showIndex=False,
        paging=len(words) > PAGE,
        pageLength=25,
        scrollX=True,
        classes="display nowrap compact",
        style="width:100%;margin:0",
        columnDefs=[
            {"targets": wide, "className": "iamkit-wide"},
            {"targets": ranked, "orderData": hidden},
            {"targets": hidden, "visible": False, "searchable": False},
            {"targets": "_all", "className": "dt-left iamkit-cell"},
        ],
        format_floats_in_python=False,
        layout={
            "topStart": "search",
            "topEnd": "pageLength" if len(words) > PAGE else None,
            "bottomStart": "info",
            "bottomEnd": "paging" if len(words) > PAGE else None,
        },
    )
    text = (
        words.drop(columns="rank", errors="ignore").head(20).to_string(index=False, max_colwidth=40)
    )
    show_html(_bundle() + markup + FOCUSABLE, text)


def _bundle() -> str:
    """The scripts of the tables: in a page with its first table, in a browser with each.

    There a cell may run again after the page was loaded anew.
    """
    if _SHOWN and not someone_is_there():
        return ""
    _SHOWN.append(True)
    return _tables_script()


@cache
def _tables_script() -> str:
    from itables.javascript import generate_init_offline_itables_html  # noqa: PLC0415
    from itables.options import dt_bundle  # noqa: PLC0415

    return STYLE + str(generate_init_offline_itables_html(dt_bundle)).partition("<div")[0]


def worst_first(users: pd.DataFrame) -> pd.DataFrame:
    """The users with the worst findings first."""
    rank = users["worst_severity"].cat.codes.replace(-1, len(SEVERITIES))
    ranked = users.assign(rank=rank)
    order = ranked.sort_values(["rank", "findings", "user"], ascending=[True, False, True])
    return order.drop(columns="rank")
