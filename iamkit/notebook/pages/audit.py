"""The audit in a notebook: read, summed up, searched, drawn, one user in full, kept.

Everything is also plain HTML, for pages without a kernel and for paper.
"""

import base64
from pathlib import Path
from typing import Any

import ipywidgets as widgets
from IPython.display import display

from iamkit.account.state import AccountState
from iamkit.account.state_file import load_state, save_state
from iamkit.audit import Audit, schema
from iamkit.audit.charts import Chart, draw_charts
from iamkit.audit.comparison import UNTOLD, Comparison, compare
from iamkit.audit.exports import (
    failures,
    table_of,
    to_csv,
    to_json,
)
from iamkit.audit.schema import TABLES, in_words
from iamkit.aws.audit_run import audit_of, load_own, read_audited
from iamkit.aws.session import open_session
from iamkit.errors import AwsError, InputError
from iamkit.notebook.display import BANNER, show
from iamkit.notebook.interactive import applying_is_off, is_app, someone_is_there
from iamkit.notebook.markup import escape
from iamkit.notebook.pages.tables import show_table, worst_first
from iamkit.notebook.result import ACCOUNT_MIME
from iamkit.parameters.models import AuditUsersParameters
from iamkit.storage.private_files import write_whole

USER_COLUMNS = (
    "user worst_severity findings findings_unknown next_action groups password_enabled mfa_active "
    "active_keys key_1_age_days key_2_age_days last_activity effective_admin admin_path created "
    "tags"
).split()
"""What is shown of the users at first; the DataFrame and the files have everything."""
FINDING_COLUMNS = (
    "severity status check principal data resource remedy age_hours cis waiver".split()
)
GRID = "display:grid;gap:12px;max-width:90em;grid-template-columns:repeat(2,minmax(0,1fr))"


def read_audit(parameters: AuditUsersParameters) -> Audit:
    """Read the account, or a file that was saved of one, and audit it; nothing is changed.

    Raises:
        IamkitError: the account or the file cannot be read at all.
    """
    if not parameters.state_files:
        return audit_of(_survey(parameters), parameters)
    state = load_own(parameters)
    display(saved_banner(state, ", ".join(parameters.state_files)), raw=True)
    return audit_of(state, parameters)


def show_users(audit: Audit) -> None:
    """The users, the worst first, to sort, filter and search; ``audit.users`` has all columns."""
    shown = worst_first(audit.users)[[*USER_COLUMNS, "unknown", "not_read"]]
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


def _survey(parameters: AuditUsersParameters) -> AccountState:
    session = open_session(parameters)
    show(session)
    progress = _Progress()
    state = read_audited(session, parameters, progress)
    progress.close()
    return state


def saved_banner(state: AccountState, where: str) -> dict[str, Any]:
    """The banner of a state that was saved, as an output: grey, with its date."""
    read = f"{state.read_at:%Y-%m-%d %H:%M} UTC" if state.read_at else ""
    when = f"on {read}" if read else "at an unknown time"
    text = f"SAVED, account {state.account_id} as it was read {when}, from {where}"
    markup = f'<div role="note" style="background:#4d5966;{BANNER}">■ {escape(text)}</div>'
    account = {"account_id": state.account_id, "word": "SAVED", "read": read}
    return {"text/html": markup, "text/plain": text, ACCOUNT_MIME: account}


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


def _figure(chart: Chart) -> str:
    """A picture in an image, where no script of it could run."""
    data = base64.b64encode(chart.svg.encode()).decode()
    return (
        f'<img src="data:image/svg+xml;base64,{data}" alt="{escape(chart.title)}: '
        f'{escape(chart.told)}" style="width:100%;background:#fff">'
    )


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
