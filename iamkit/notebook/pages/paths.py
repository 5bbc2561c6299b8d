"""Who can become administrator, in the audit's notebook: the picture, and the calls in a table."""

import base64
from typing import Any

import ipywidgets as widgets
from IPython.display import display

from iamkit.audit import Audit
from iamkit.audit.escalation_picture import Picture, draw_paths, drawn_people
from iamkit.notebook.display import show, show_html
from iamkit.notebook.interactive import someone_is_there
from iamkit.notebook.markup import escape, scrolled, table as html_table
from iamkit.policies.escalation.answers import paths_table
from iamkit.policies.escalation.search import Escalation

SHOWN = "principal kind answer sentence calls depends_on closed_by next source".split()
SENTENCES = {
    "open": "users and roles can make themselves administrator",
    "depends": "users and roles have a way that depends on what is not known here",
    "cannot be told": "users and roles cannot be judged: something was not read",
}
_THEMES = (
    "<style>.paths-dark{display:none}"
    '[data-jp-theme-light="false"] .paths-dark{display:block}'
    '[data-jp-theme-light="false"] .paths-light{display:none}'
    "@media screen and (prefers-color-scheme:dark){"
    "body:not([data-jp-theme-light]) .paths-dark{display:block}"
    "body:not([data-jp-theme-light]) .paths-light{display:none}}</style>"
)
"""One picture for each of JupyterLab's themes, and of a reader's where there is no JupyterLab."""


def show_paths(audit: Audit, around: str = "") -> None:
    """Who can become administrator, by which calls; in a browser with a field to look around one.

    Args:
        audit: the audit.
        around: a user or role, as its name or as ``user ada``; the picture is of those near it.
    """
    show_html("<h3>Who can become administrator</h3>", "Who can become administrator:")
    found = audit.escalation
    table, names = paths_table(found), drawn_people(found)
    for answer, said in SENTENCES.items():
        kinds = table.loc[table["answer"] == answer, ["kind", "principal"]].drop_duplicates()
        if len(kinds) or answer == "open":
            show(f"{len(kinds):,} {said}.")
    if names:
        first = next((n for n in names if n in (around, f"user {around}", f"role {around}")), "")
        _show_picture(found, names, first)
    if len(table):
        rows = table[SHOWN].astype("str")
        markup = html_table(rows.to_numpy().tolist(), SHOWN)
        show_html(scrolled(markup, "Ways to become administrator"), rows.to_string(index=False))


def _show_picture(found: Escalation, names: list[str], around: str) -> None:
    if not someone_is_there():
        show_html(_drawn(found, around), draw_paths(found, around).told)
        return
    chosen = widgets.Combobox(
        value=around, options=names, description="Around", placeholder="a user or role"
    )
    shown = widgets.HTML(_drawn(found, around))

    def draw(change: Any) -> None:
        if change["new"] in ("", *names):
            shown.value = _drawn(found, change["new"])

    chosen.observe(draw, "value")
    display(widgets.VBox([chosen, shown]))


def _drawn(found: Escalation, around: str) -> str:
    """The picture for either theme, in an image, where no script of it could run."""
    images = (_image(draw_paths(found, around, dark=dark), dark=dark) for dark in (False, True))
    return _THEMES + "".join(images)


def _image(picture: Picture, *, dark: bool) -> str:
    data = base64.b64encode(picture.svg.encode()).decode()
    return (
        f'<img class="paths-{"dark" if dark else "light"}" src="data:image/svg+xml;base64,{data}" '
        f'alt="{escape(picture.told)}" style="max-width:100%">'
    )
