"""The audit in a notebook: read, shown to be worked with, kept; headless the same as plain pages.

Everything is also plain HTML, for pages without a kernel and for paper.
"""

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

from IPython.display import display

from iamkit.account.state import AccountState
from iamkit.account.state_file import load_state, save_state
from iamkit.app_mode import applying_is_off
from iamkit.audit import Audit, schema
from iamkit.audit.charts import Chart, draw_charts
from iamkit.audit.comparison import compare
from iamkit.audit.exports import table_of, to_csv, to_json
from iamkit.audit.history import Kept, list_kept, load_audit
from iamkit.audit.numbers import count_first, count_numbers, failures
from iamkit.audit.schema import TABLES, in_words
from iamkit.aws.audit_run import audit_of, keep_audit, kept_folder, load_own, read_audited
from iamkit.aws.session import Session, open_session
from iamkit.errors import AwsError, IamkitError, InputError
from iamkit.notebook.display import BANNER, show, show_html
from iamkit.notebook.interactive import someone_is_there
from iamkit.notebook.links import show_next
from iamkit.notebook.markup import escape, folded, mime_bundle, table
from iamkit.notebook.pages.audit_actions import Actions
from iamkit.notebook.pages.audit_changes import describe_changes, describe_history
from iamkit.notebook.pages.audit_summary import show_first_page
from iamkit.notebook.pages.audit_tables import to_tiles, to_view
from iamkit.notebook.pages.audit_user import show_user
from iamkit.notebook.pages.audit_view import AuditView, page_of
from iamkit.notebook.pages.paths import show_paths
from iamkit.notebook.result import ACCOUNT_MIME
from iamkit.parameters.models import AuditUsersParameters
from iamkit.storage.private_files import write_whole

SCHEMES = """<style>
[data-jp-theme-light="false"] .iamkit-chart { color-scheme: dark; }
[data-jp-theme-light="true"] .iamkit-chart { color-scheme: light; }
</style>"""
"""JupyterLab's theme, in the words by which an image knows it."""
GRID = "display:grid;gap:12px;max-width:90em;grid-template-columns:repeat(2,minmax(0,1fr))"


AuditSource = Session | AccountState
"""What is audited: an account that is signed in to, or a state that was saved of one."""


def open_audit(parameters: AuditUsersParameters) -> AuditSource:
    """Sign in to the account, or load the states that the parameters name, and show which.

    Raises:
        IamkitError: the account or the file cannot be read at all.
    """
    if parameters.state_files:
        state = load_own(parameters)
        display(saved_banner(state, ", ".join(parameters.state_files)), raw=True)
        return state
    session = open_session(parameters)
    show(session)
    return session


def show_audit(source: AuditSource, parameters: AuditUsersParameters) -> Audit:
    """Audit what was opened, and show it: to be worked with, or as pages where nobody is there.

    The numbers are there first, before single users are read. Nothing of the account is changed.

    Raises:
        IamkitError: the users cannot be read at all; or, where nobody is there, something that
            was asked for could not be read. What was read is shown.
    """
    if someone_is_there():
        return _show_to_work_with(source, parameters)
    audit, kept = _read(source, parameters, lambda *_: None, lambda _: None)
    before = _earlier(audit, parameters, kept)
    show_first_page(audit, before)
    view = to_view(audit) | {"history": describe_history(audit, kept)}
    show_html(page_of(view), _tables_as_text(audit))
    if before:
        show_html(*describe_changes(before, compare(before, audit)))
    show_charts(audit)
    show_paths(audit, parameters.user)
    show_user(audit, parameters.user)
    show_sources(audit)
    save_audit(audit, parameters)
    require_complete(audit)
    return audit


def _show_to_work_with(source: AuditSource, parameters: AuditUsersParameters) -> Audit:
    view = AuditView()
    display(view)

    def on_progress(operation: str, done: int, total: int) -> None:
        # Each message costs a frame of the browser; some are enough.
        if done == total or done % max(1, total // 40) == 0:
            text = f"Reading: {operation}, {done:,} of {total:,}"
            view.progress = {"text": text, "done": done, "total": total}

    def on_bulk(audit: Audit) -> None:
        for count in (count_first, count_numbers):
            view.view = {"tiles": to_tiles(count(audit))}

    audit, kept = _read(source, parameters, on_progress, on_bulk)

    def draw(audit: Audit) -> None:
        shown = to_view(audit) | {"history": describe_history(audit, kept)}
        view.view = shown | {"actions": actions.offered}

    actions = Actions(audit, parameters, kept, draw)
    view.actions = actions.by_word
    draw(audit)
    view.progress = {"text": _how_complete(audit)}
    if parameters.user or parameters.compare_to:
        view.send(_asked_first(actions, audit, parameters))
    show_charts(audit, folds=True)
    show_paths(audit, parameters.user)
    show_sources(audit)
    save_audit(audit, parameters)
    show_next(parameters)
    return audit


def _asked_first(actions: Actions, audit: Audit, parameters: AuditUsersParameters) -> Any:
    """The answer to what the parameters ask: a user in full, or a comparison."""
    try:
        if parameters.user:
            return actions.user({"name": parameters.user})
        before = audit.of(load_state(parameters.compare_to))
        markup, said = describe_changes(before, compare(before, audit))
    except IamkitError as error:
        return {"said": str(error), "wrong": True}
    return {"shown": markup, "title": said}


def _how_complete(audit: Audit) -> str:
    lines = failures(audit)
    if not lines:
        return "✔ Everything that was asked for was read."
    return f"⚠ The audit is incomplete, and what is missing is not fine. {'; '.join(lines)}."


def _read(
    source: AuditSource,
    parameters: AuditUsersParameters,
    on_progress: Callable[[str, int, int], None],
    on_bulk: Callable[[Audit], None],
) -> tuple[Audit, list[Kept]]:
    """The audit, and the states of earlier ones; that of an account is kept beside them."""
    if isinstance(source, AccountState):
        return audit_of(source, parameters), []
    state = read_audited(source, parameters, on_progress, on_bulk)
    audit = audit_of(state, parameters)
    kept = list_kept(kept_folder(source))
    if problem := keep_audit(source, audit):
        show(f"⚠ {problem}")
    return audit, kept


def _earlier(audit: Audit, parameters: AuditUsersParameters, kept: list[Kept]) -> Audit | None:
    """The audit to compare with: of the state that is named, else of the last that was kept."""
    if parameters.compare_to:
        return audit.of(load_state(parameters.compare_to))
    return load_audit(kept[-1], audit) if kept else None


def show_charts(audit: Audit, *, folds: bool = False) -> None:
    """Four pictures, side by side where there is room."""
    charts = draw_charts(audit)
    figures = "".join(_figure(chart) for chart in charts)
    markup = f'{SCHEMES}<div style="{GRID}">{figures}</div>'
    told = "\n".join(f"{chart.title}. {chart.told}" for chart in charts)
    show_html(folded("Pictures", markup) if folds else markup, told)


def show_sources(audit: Audit) -> None:
    """The waivers, and where everything comes from, folded."""
    if len(audit.waivers):
        show(f"Waivers: {len(audit.waivers)}", audit.waivers)
    sources = in_words(audit.sources, schema.SOURCES)
    text = sources.to_string(index=False)
    markup = table(sources.to_numpy().tolist(), list(sources.columns))
    show_html(folded("Where it comes from, and how old it is", markup), text)


def _tables_as_text(audit: Audit) -> str:
    names = ["severity", "status", "principal", "resource", "check"]
    findings = in_words(audit.findings[names], schema.FINDINGS).to_string(index=False)
    names = ["user", "worst_severity", "groups", "mfa_active", "effective_admin", "last_activity"]
    users = in_words(audit.users[[*names, "unknown", "not_read"]], schema.USERS)[names]
    return f"{findings}\n\n{users.to_string(index=False)}"


def save_audit(audit: Audit, parameters: AuditUsersParameters) -> None:
    """Keep the tables, the findings and the state in a folder, if the parameters name one.

    Raises:
        InputError: the folder cannot be written.
    """
    if not parameters.save_to:
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


def saved_banner(state: AccountState, where: str) -> dict[str, Any]:
    """The banner of a state that was saved, as an output: grey, with its date."""
    read = f"{state.read_at:%Y-%m-%d %H:%M} UTC" if state.read_at else ""
    when = f"on {read}" if read else "at an unknown time"
    text = f"SAVED, account {state.account_id} as it was read {when}, from {where}"
    markup = f'<div role="note" style="background:#4d5966;{BANNER}">■ {escape(text)}</div>'
    account = {"account_id": state.account_id, "alias": state.alias or "", "word": "SAVED"}
    account["read"] = f"{state.read_at:%Y-%m-%d}" if state.read_at else ""
    return mime_bundle(markup, text) | {ACCOUNT_MIME: account}


def _figure(chart: Chart) -> str:
    """A picture in an image, where no script of it could run."""
    data = base64.b64encode(chart.svg.encode()).decode()
    return (
        f'<img src="data:image/svg+xml;base64,{data}" alt="{escape(chart.title)}: '
        f'{escape(chart.told)}" class="iamkit-chart" style="width:100%">'
    )
