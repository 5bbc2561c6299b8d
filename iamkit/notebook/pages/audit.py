"""The audit in a notebook: read, summed up, searched, drawn, one user in full, kept.

Everything is also plain HTML, for pages without a kernel and for paper.
"""

import base64
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import pandas as pd
from IPython.display import display

from iamkit.account.state import AccountState
from iamkit.account.state_file import load_state, save_state
from iamkit.audit import CHECKS, Audit, schema
from iamkit.audit.charts import Chart, draw_charts
from iamkit.audit.comparison import UNTOLD, Comparison, compare
from iamkit.audit.exports import (
    count_users,
    failures,
    table_of,
    to_csv,
    to_json,
    to_text,
)
from iamkit.audit.schema import REPORT, SEVERITIES, TABLES, Schema, in_words
from iamkit.aws.audit_run import audit_of, load_own
from iamkit.aws.session import open_session
from iamkit.aws.survey import survey_account
from iamkit.errors import AwsError, InputError
from iamkit.notebook.display import BANNER, show
from iamkit.notebook.interactive import applying_is_off, is_app, someone_is_there
from iamkit.notebook.markup import escape, table
from iamkit.parameters.models import AuditUsersParameters
from iamkit.storage.private_files import write_whole

SEVERITY_COLOURS = {
    "critical": "#8b0000",
    "high": "#b2182b",
    "medium": "#9a5b00",
    "low": "#4d5966",
}
PLAIN, FINE, BAD, UNKNOWN_COLOUR = "#1b1b1b", "#1a7f37", "#b2182b", "#8a4600"
"""Colours of numbers; no number is fine while some of it is unknown."""
USER_COLUMNS = (
    "user worst_severity findings findings_unknown next_action groups password_enabled mfa_active "
    "active_keys key_1_age_days key_2_age_days last_activity effective_admin admin_path created "
    "tags"
).split()
"""What is shown of the users at first; the DataFrame and the files have everything."""
FINDING_COLUMNS = (
    "severity status check principal data resource remedy age_hours cis waiver".split()
)
WIDE = "next_action admin_path data remedy waiver".split()
"""Columns of sentences, which wrap; names and numbers stay on one line."""
STYLE = """<style>
td.iamkit-wide { white-space: normal !important; min-width: 18em; max-width: 36em; }
td.iamkit-cell { vertical-align: top; overflow-wrap: anywhere; }
td.iamkit-cell:first-child { white-space: normal !important; min-width: 8em; max-width: 16em; }
.dt-container th { text-align: left !important; }
</style>"""
GRID = "display:grid;gap:12px;max-width:90em;grid-template-columns:repeat(2,minmax(0,1fr))"
PAGE = 50
"""Rows from which on a table is shown in pages."""
CARD = (
    "border:1px solid #d0d7de;border-radius:8px;padding:8px 14px;min-width:8em;"
    "display:inline-block;margin:0 8px 8px 0;vertical-align:top"
)


def read_audit(parameters: AuditUsersParameters) -> Audit:
    """Read the account, or a file that was saved of one, and audit it; nothing is changed.

    Raises:
        IamkitError: the account or the file cannot be read at all.
    """
    if not parameters.state_files:
        return audit_of(_survey(parameters), parameters)
    state = load_own(parameters)
    show_saved(state, ", ".join(parameters.state_files))
    return audit_of(state, parameters)


def show_summary(audit: Audit, worst: int = 10) -> None:
    """The numbers that matter, the worst findings, and what could not be read."""
    failing = audit.findings[audit.findings["status"] == "fail"]
    cards = "".join(_card(*card) for card in _numbers(audit, failing))
    gaps = "".join(f"<p>⚠ {escape(line)}</p>" for line in failures(audit))
    counts = ", ".join(f"{(failing['severity'] == word).sum()} {word}" for word in SEVERITIES)
    unknown = audit.findings[audit.findings["status"] == "unknown"]
    counts += f", {len(unknown):,} unknown" if len(unknown) else ""
    markup = (
        f"<div>{cards}</div>{gaps}<p><b>Findings: {counts}.</b> The worst first, of each check:</p>"
        f"{_by_check(failing, worst, certain=unknown.empty)}{_unknown_by_check(unknown)}"
    )
    display({"text/html": markup, "text/plain": to_text(audit)}, raw=True)


def show_users(audit: Audit) -> None:
    """The users, the worst first, to sort, filter and search; ``audit.users`` has all columns."""
    shown = _worst_first(audit.users)[[*USER_COLUMNS, "unknown", "not_read"]]
    show_table(shown, schema.USERS)


def show_findings(audit: Audit) -> None:
    """The findings to sort, filter and search, the waivers, and the sources of it all."""
    show_table(audit.findings[FINDING_COLUMNS], schema.FINDINGS)
    if len(audit.waivers):
        show(f"Waivers: {len(audit.waivers)}", audit.waivers)
    show("Where it comes from, and how old it is:", in_words(audit.sources, schema.SOURCES))


def show_charts(audit: Audit) -> None:
    """Four pictures, side by side where there is room."""
    charts = draw_charts(audit)
    figures = "".join(_figure(chart) for chart in charts)
    markup = f'<div style="{GRID}">{figures}</div>'
    told = "\n".join(f"{chart.title}. {chart.told}" for chart in charts)
    display({"text/html": markup, "text/plain": told}, raw=True)


def show_user(audit: Audit, name: str = "") -> None:
    """One user in full; in a browser with a field to choose another.

    Args:
        audit: the audit.
        name: the user; the one with the worst findings without it.

    Raises:
        InputError: there is no such user.
    """
    if len(audit.users) == 0:
        told = "No user is known." if "users" in audit.gaps.kinds else "The account has no users."
        show(told)
        return
    name = name or _worst_user(audit)
    if name not in set(audit.users["user"]):
        raise InputError(f"The account has no user {name!r}.")
    markup, text = describe_user(audit, name)
    if not someone_is_there():
        display({"text/html": markup, "text/plain": text}, raw=True)
        return
    chosen = widgets.Combobox(
        value=name, options=list(audit.users["user"]), description="User", ensure_option=True
    )
    told = widgets.HTML(markup)
    chosen.observe(lambda change: _describe_into(told, audit, change["new"]), "value")
    display(widgets.VBox([chosen, told]))


def describe_user(audit: Audit, name: str) -> tuple[str, str]:
    """Everything that is known of a user, as HTML and as text."""
    row = in_words(audit.users[audit.users["user"] == name], schema.USERS).iloc[0]
    cells = [
        (column, value, schema.USERS[str(column)].meaning, schema.USERS[str(column)].source)
        for column, value in row.items()
        if value != ""
    ]
    found = audit.findings[audit.findings["principal"] == name]
    unknown = int((found["status"] == "unknown").sum())
    told = in_words(found, schema.FINDINGS).to_dict("records")
    permissions = _permission_rows(audit, name)
    parts = [
        f"<h3>{escape(name)}</h3>",
        f"<p><b>{len(found) - unknown} findings, {unknown} unknown</b></p>"
        if len(found)
        else "<p>✔ No findings.</p>",
        *(_finding(finding) for finding in told),
        "<p><b>What it may do, and by which path</b></p>",
        table(permissions, ("path", "service", "access", "actions", "resources", "conditions"))
        if permissions
        else "<p>Nothing.</p>",
        "<details><summary>All that is known, with its source</summary>",
        table(cells, ("column", "value", "meaning", "source")),
        "</details>",
    ]
    text = "\n".join(f"{column}: {value}" for column, value, _, _ in cells)
    return "".join(parts), text


def show_comparison(audit: Audit, parameters: AuditUsersParameters) -> Comparison | None:
    """What has changed since a saved state; None if the parameters name none."""
    if not parameters.compare_to:
        show("Set compare_to to a state that was saved earlier, to see what has changed since.")
        return None
    before = load_state(parameters.compare_to)
    found = compare(Audit(before, parameters.thresholds, parameters.waivers), audit)
    since = f"{before.read_at:%Y-%m-%d %H:%M} UTC" if before.read_at else "then"
    changes = found.findings[~found.findings["change"].isin(["still", UNTOLD])]
    show(f"Since {since}: {_counted(found)}.")
    for title, frame in (
        ("Users", found.users),
        ("Permissions", found.permissions),
        ("Findings", changes),
    ):
        if len(frame):
            show(title, in_words(frame.head(200), {}))
    return found


def save_audit(audit: Audit, parameters: AuditUsersParameters) -> None:
    """Keep the tables, the findings and the state in a folder, if the parameters name one.

    Raises:
        InputError: the folder cannot be written.
    """
    if not parameters.save_to:
        show("Set save_to to a folder, to keep the tables, the findings and the state.")
        return
    if reason := applying_is_off():
        show(f"Nothing is kept in {parameters.save_to}. {reason}")
        return
    folder = Path(parameters.save_to)
    files = {"audit.json": to_json(audit)}
    for name in ("users", "access_keys", "findings"):
        files[f"{name}.csv"] = to_csv(table_of(audit, name), TABLES[name])
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name, text in files.items():
            write_whole(folder / name, text)
    except OSError as error:
        raise InputError(f"{folder} cannot be written: {error.strerror} (save_to).") from None
    save_state(audit.state, folder / "state.json")
    show(f"Kept in {folder}: state.json, {', '.join(files)}")


def require_complete(audit: Audit) -> None:
    """Fail if something that was asked for could not be read, so that nobody takes it for fine.

    Raises:
        AwsError: naming it.
    """
    lines = failures(audit)
    if lines:
        raise AwsError(f"The audit is incomplete. {'; '.join(lines)}.")
    show("✔ Everything that was asked for was read.")


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
    display({"text/html": _bundle() + markup + FOCUSABLE, "text/plain": text}, raw=True)


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


def _survey(parameters: AuditUsersParameters) -> AccountState:
    session = open_session(parameters)
    show(session)
    progress = _Progress()
    state = survey_account(session, parameters.per_user, progress)
    progress.close()
    return state


def show_saved(state: AccountState, where: str) -> None:
    """The banner of a state that was saved: grey, with its date."""
    read = f"{state.read_at:%Y-%m-%d %H:%M} UTC" if state.read_at else "at an unknown time"
    text = f"SAVED, account {state.account_id} as it was read on {read}, from {where}"
    markup = f'<div role="note" style="background:#4d5966;{BANNER}">■ {escape(text)}</div>'
    display({"text/html": markup, "text/plain": text}, raw=True)


class _Progress:
    """A bar for each kind of call, in a browser alone."""

    def __init__(self) -> None:
        # An app shows what a cell displayed when it has ended, and the bar is gone by then.
        self._shown = someone_is_there() and not is_app()
        self._bar: Any = None

    def __call__(self, operation: str, done: int, total: int) -> None:
        if not self._shown or total == 0:
            return
        if self._bar is None:
            self._bar = widgets.IntProgress(layout={"width": "30em"})
            self._bar.style.description_width = "initial"
            display(self._bar)
        self._bar.max, self._bar.value = total, done
        self._bar.description = f"{operation} {done:,} of {total:,}"

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()


def _numbers(audit: Audit, failing: pd.DataFrame) -> list[tuple[str, str, str]]:
    users = audit.users
    counts = failing["check"].value_counts()
    untold = audit.findings[audit.findings["status"] == "unknown"]["check"].value_counts()

    def bad(*checks: str) -> tuple[str, str]:
        number = int(sum(counts.get(check, 0) for check in checks))
        unknown = int(sum(untold.get(check, 0) for check in checks))
        colour = BAD if number else UNKNOWN_COLOUR if unknown else FINE
        return _and_unknown(number, unknown), colour

    admins = users["effective_admin"]
    perhaps = int(admins.isna().sum())
    whole = "users" not in audit.gaps.kinds
    return [
        ("users", count_users(audit), PLAIN if whole else UNKNOWN_COLOUR),
        ("without MFA at the console", *bad("console-mfa")),
        (
            "administrators" if whole else "administrators, of those that were read",
            _and_unknown(int(admins.sum()), perhaps),
            UNKNOWN_COLOUR if perhaps or not whole else PLAIN,
        ),
        ("keys to rotate", *bad("key-rotation")),
        ("unused credentials", *bad("unused-password", "unused-key")),
        ("the root's findings", *bad(*(name for name in CHECKS if name.startswith("root-")))),
        _report_card(audit),
    ]


def _and_unknown(number: int, unknown: int) -> str:
    return f"{number:,}" + (f" + {unknown:,} unknown" if unknown else "")


def _report_card(audit: Audit) -> tuple[str, str, str]:
    """When AWS made the credential report, or that there is none."""
    source = audit.state.source(REPORT)
    if source.status != "read":
        return "credential report", source.status, UNKNOWN_COLOUR
    if source.at is None:
        return "date of the credential report", "unknown", UNKNOWN_COLOUR
    age = (audit.now - source.at).total_seconds() / 3600
    return f"credential report, {age:.1f} h old", f"{source.at:%Y-%m-%d}", PLAIN


def _card(label: str, value: str, colour: str) -> str:
    return (
        f'<div style="{CARD}"><div style="font-size:1.6em;color:{colour}"><b>{escape(value)}</b>'
        f'</div><div style="color:#4d5966">{escape(label)}</div></div>'
    )


def _by_check(failing: pd.DataFrame, most: int, *, certain: bool) -> str:
    """The checks that fail, the worst first, each with the first of whom it concerns."""
    if failing.empty:
        return "<p>✔ None.</p>" if certain else "<p>None that is known.</p>"
    rows = []
    for _, found in failing.groupby("check", sort=False, observed=True):
        first = found.iloc[0]
        who = list(dict.fromkeys(found["principal"]))
        more = f" and {len(who) - 4} more" if len(who) > 4 else ""
        rows.append(
            (
                _severity(str(first["severity"])),
                escape(first["title"]),
                f"{len(found):,}",
                escape(", ".join(who[:4]) + more),
                escape(first["cis"].split(", ")[-1]),
            )
        )
    left = f"<p>… and {len(rows) - most} checks more, below.</p>" if len(rows) > most else ""
    return _table(rows[:most], ("", "expected", "fails", "who", "CIS")) + left


def _unknown_by_check(unknown: pd.DataFrame) -> str:
    """The checks that could not be told, the worst first, and what they would need."""
    if unknown.empty:
        return ""
    rows = [
        (
            _severity(str(found["severity"].iloc[0])),
            escape(found["title"].iloc[0]),
            f'<b style="color:{UNKNOWN_COLOUR}">{len(found):,} unknown</b>',
            escape(found["source"].iloc[0]),
        )
        for _, found in unknown.groupby("check", sort=False, observed=True)
    ]
    heading = "<p><b>What could not be told</b>, and may be as bad:</p>"
    return heading + _table(rows, ("", "expected", "for", "hangs on"))


def _severity(word: str) -> str:
    colour = SEVERITY_COLOURS[word]
    return (
        f'<span style="background:{colour};color:#fff;border-radius:4px;padding:1px 7px">'
        f"{escape(word)}</span>"
    )


def _table(rows: Iterable[Sequence[str]], header: Sequence[str]) -> str:
    """A table of cells that are HTML already."""
    style = "text-align:left;vertical-align:top;padding:4px 14px 4px 0"
    head = "".join(f'<th scope="col" style="{style}">{escape(name)}</th>' for name in header)
    body = "".join(
        "<tr>" + "".join(f'<td style="{style}">{cell}</td>' for cell in row) + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _figure(chart: Chart) -> str:
    """A picture in an image, where no script of it could run."""
    data = base64.b64encode(chart.svg.encode()).decode()
    return (
        f'<img src="data:image/svg+xml;base64,{data}" alt="{escape(chart.title)}: '
        f'{escape(chart.told)}" style="width:100%;background:#fff">'
    )


def _finding(told: Mapping[Any, str]) -> str:
    """A finding in full: what is expected, what decided it, how to mend it."""
    about = f"{told['data']}. From {told['source']}, {told['age_hours']} hours old."
    waived = f"<br>Waived: {escape(told['waiver'])}" if told["waiver"] else ""
    unknown = " <b>unknown</b>" if told["status"] == "unknown" else ""
    commands = f"<pre style='margin:4px 0'>{escape(told['remedy'])}</pre>" if told["remedy"] else ""
    return (
        f'<div style="margin:10px 0;line-height:1.5">{_severity(told["severity"])}{unknown} '
        f"<b>{escape(told['title'])}</b> {escape(told['resource'])}<br>{escape(about)}"
        f"{waived}{commands}</div>"
    )


def _permission_rows(audit: Audit, name: str) -> list[tuple[str, ...]]:
    """A user's permissions, one line for each path and service; all services in one line."""
    cells = audit.permissions([name])
    rows: list[tuple[str, ...]] = []
    for path, of_path in cells.groupby("path", sort=False, observed=True):
        if of_path["service"].isna().all():
            rows.append((str(path), "unknown", "unknown", "unknown", "unknown", "unknown"))
            continue
        services = of_path["service"].nunique()
        for service, cell in _by_service(of_path, many=services > 30):
            levels = ", ".join(dict.fromkeys(cell["access_level"].astype("str")))
            conditional = cell["conditional"].all()
            rows.append(
                (
                    str(path),
                    service,
                    levels,
                    f"{cell['actions'].sum():,} of {cell['of'].sum():,}",
                    "all" if (cell["resources"] == "all").any() else "some",
                    "yes" if conditional else "",
                )
            )
    return rows


def _by_service(cells: pd.DataFrame, *, many: bool) -> Iterable[tuple[str, pd.DataFrame]]:
    if many:
        return [(f"{cells['service'].nunique()} services", cells)]
    return [(str(name), of) for name, of in cells.groupby("service", sort=True, observed=True)]


def _worst_user(audit: Audit) -> str:
    return str(_worst_first(audit.users).iloc[0]["user"])


def _worst_first(users: pd.DataFrame) -> pd.DataFrame:
    rank = users["worst_severity"].cat.codes.replace(-1, len(SEVERITIES))
    ranked = users.assign(rank=rank)
    order = ranked.sort_values(["rank", "findings", "user"], ascending=[True, False, True])
    return order.drop(columns="rank")


def _describe_into(told: Any, audit: Audit, name: str) -> None:
    if name in set(audit.users["user"]):
        told.value = describe_user(audit, name)[0]


def _counted(found: Comparison) -> str:
    words = [
        *(f"{n} users {word}" for word, n in found.users["change"].value_counts().items()),
        *(
            f"{n} users' permissions {word}"
            for word, n in found.permissions.groupby("change")["user"].nunique().items()
        ),
        *(f"{n} findings {word}" for word, n in found.findings["change"].value_counts().items()),
    ]
    return ", ".join(words) or "nothing has changed"
