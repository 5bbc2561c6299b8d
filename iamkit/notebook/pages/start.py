"""The start page: which account, what is set up and what is not yet, what is most urgent."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from iamkit.audit import Audit
from iamkit.audit.numbers import failures
from iamkit.audit.priorities import Urgent, count_findings, most_urgent
from iamkit.aws.audit_run import audit_of
from iamkit.aws.read import AUDITED, read_account
from iamkit.aws.session import Session
from iamkit.errors import AwsError, InputError
from iamkit.notebook.display import show_html
from iamkit.notebook.input_notebook import declared_parameters
from iamkit.notebook.links import notebook_link
from iamkit.notebook.markup import SEVERITY_COLOURS, badge, escape
from iamkit.parameters.models import (
    NOTEBOOKS,
    AuditUsersParameters,
    StartParameters,
    UsersParameters,
)
from iamkit.parameters.notebook import NotebookParameters
from iamkit.parameters.users_csv import with_users_file
from iamkit.parameters.yaml_file import current_parameters_file, read_parameters
from iamkit.plan.desired import Desired
from iamkit.plan.progress import (
    AUDIT,
    FIRST,
    PLANNED,
    UPKEEP,
    WORST,
    State,
    Step,
    in_brief,
    list_steps,
    next_step,
)
from iamkit.plan.wanted import desired_of
from iamkit.text import printable
from iamkit.workspace import find_notebook

SEVERITY_SIGNS = {"critical": "▲", "high": "▲", "medium": "◆", "low": "▽"}
LOOKS: Mapping[State | str, tuple[str, str]] = {
    "done": ("✔", "#1a7f37"),
    "to do": ("○", "#0550ae"),
    "cannot tell": ("?", "#8a4600"),
    "as you like": ("·", "#4d5966"),
    **{word: (sign, SEVERITY_COLOURS[word]) for word, sign in SEVERITY_SIGNS.items()},
}
"""The sign and the background of each word; white on it has a contrast of 5 and more."""

ACCENT = "var(--jp-brand-color1, #0550ae)"
LIST = "list-style:none;margin:0;padding:0;max-width:64em;font-size:14px;line-height:1.5"
ITEM = "display:flex;flex-wrap:wrap;gap:2px 14px;align-items:baseline;padding:7px 12px"
SIDE = "border-bottom:1px solid var(--jp-border-color2, #d0d7de);border-left:5px solid"
WORD = "flex:0 0 8.5em"
TEXT = "flex:1 1 24em;overflow-wrap:anywhere"


@dataclass(frozen=True, kw_only=True)
class Start:
    """What the start page shows.

    Attributes:
        steps: every notebook's step, and how far it is.
        audit: of the whole account; None if it could not be read.
        problems: what could not be read or is wrong, in a line each.
    """

    steps: tuple[Step, ...]
    audit: Audit | None
    problems: tuple[str, ...]


def read_start(session: Session, parameters: StartParameters) -> Start:
    """Read the account once, and compare it with what all notebooks' parameters want.

    These come from the account's parameters file if there is one, else from the notebooks beside
    this one. What cannot be read is told by the steps, and stops nothing.
    """
    given = _parameters_source(parameters)
    wanted = {notebook: _wanted(notebook, given) for notebook in PLANNED}
    upkeep = {notebook: _given(notebook, given) for notebook in UPKEEP}
    problems: list[str] = []
    try:
        state = read_account(session, _together(wanted), operations=AUDITED, strict=False)
    except AwsError as error:
        steps = list_steps(session.identity, str(error), wanted, upkeep=upkeep, found={})
        return Start(steps=steps, audit=None, problems=(f"could not be read: {error}",))
    try:
        limits = AuditUsersParameters.model_validate(given(AUDIT).model_dump())
    except InputError as error:
        problems.append(
            f"the audit's defaults are used instead of its parameters: {in_brief(error)}"
        )
        limits = AuditUsersParameters.model_validate(parameters.model_dump())
    audit = audit_of(state, limits)
    found = count_findings(audit.findings)
    steps = list_steps(session.identity, state, wanted, upkeep=upkeep, found=found)
    return Start(steps=steps, audit=audit, problems=(*problems, *failures(audit)))


def show_steps(start: Start) -> None:
    """The steps as a list: how far each is, a link to its notebook, and where to go on."""
    show_html(*describe_steps(start))


def describe_steps(start: Start) -> tuple[str, str]:
    """The steps as HTML and as text."""
    following = next_step(start.steps)
    heading = _heading(start, following)
    marked = [(step, _marker(step, following)) for step in start.steps]
    items = "".join(_item(step, marker) for step, marker in marked)
    lines = [_line(step, marker) for step, marker in marked]
    return f'<p>{escape(heading)}</p><ol style="{LIST}">{items}</ol>', _text(heading, *lines)


def show_urgent(start: Start) -> None:
    """The three checks that fail worst, each with who, what and what to do; and what is unknown."""
    show_html(*describe_urgent(start))


def describe_urgent(start: Start) -> tuple[str, str]:
    """What is most urgent, and what could not be read, as HTML and as text."""
    gaps = "".join(f"<p>⚠ {escape(line)}</p>" for line in start.problems)
    told = [f"Warning: {line}" for line in start.problems]
    if start.audit is None:
        return gaps, _text(*told)
    found = most_urgent(start.audit.findings)
    unknown = count_findings(start.audit.findings)["unknown"]
    certain = not start.problems and not unknown
    heading = _verdict(found, certain=certain)
    items = "".join(_urgent_item(one) for one in found)
    lines = [f"{one.severity}: {_who(one)}: {one.expected}. {one.action}." for one in found]
    if unknown:
        said = f"{unknown:,} findings could not be told; {AUDIT} says which"
        gaps, told = f"<p>{_badge('cannot tell')} {escape(said)}</p>{gaps}", [said, *told]
    listed = f'<ol style="{LIST}">{items}</ol>' if found else ""
    return f"<p>{escape(heading)}</p>{listed}{gaps}", _text(heading, *lines, *told)


def _parameters_source(start: StartParameters) -> Callable[[str], NotebookParameters]:
    """What gives a notebook's parameters: of the parameters file, or of the notebook's own cell.

    Which account it is, and as whom, is said by the start page.
    """
    path = current_parameters_file()

    def given(notebook: str) -> NotebookParameters:
        model = NOTEBOOKS[notebook]
        own = {n: v for n, v in start.model_dump().items() if n in model.model_fields}
        file = read_parameters(path) if path else None
        notebook_path = find_notebook(f"{notebook}.ipynb")
        values = file.values if file else declared_parameters(notebook_path)
        account = values.get("account_id")
        if account != start.account_id:
            where = path or notebook_path.name
            raise InputError(
                f"{where} is of account {account}, this page of {start.account_id} (account_id)"
            )
        return file.for_notebook(notebook, own) if file else model.from_cell({**values, **own})

    return given


def _given(notebook: str, given: Callable[[str], NotebookParameters]) -> NotebookParameters | str:
    """A notebook's parameters, or what is wrong with them."""
    try:
        return given(notebook)
    except InputError as error:
        return in_brief(error)


def _wanted(notebook: str, given: Callable[[str], NotebookParameters]) -> Desired | str:
    """What a notebook's parameters want, or what is wrong with them."""
    try:
        parameters = given(notebook)
        if isinstance(parameters, UsersParameters):
            parameters = with_users_file(parameters)
        return desired_of(parameters)
    except InputError as error:
        return in_brief(error)


def _together(wanted: Mapping[str, Desired | str]) -> Desired:
    """All users whom some notebook names, or whose group it does, so that they are read once."""
    each = [desired for desired in wanted.values() if isinstance(desired, Desired)]
    return Desired(
        users=tuple(user for desired in each for user in desired.users),
        absent_users=tuple(name for desired in each for name in desired.absent_users),
        groups=tuple(g for desired in each for g in desired.groups if g.demands_mfa),
    )


def _text(*lines: str) -> str:
    return "\n".join(map(printable, lines))


def _heading(start: Start, following: Step | None) -> str:
    planned = [step for step in start.steps if step.notebook in PLANNED]
    done = sum(step.state in ("done", "as you like") for step in planned)
    if following is None:
        said = "✔ Everything is set up, and nothing urgent was found."
    else:
        word = "Begin with" if following.notebook == FIRST else "Next:"
        said = (
            f"{done} of {len(planned)} parts of the setup are there. {word} {following.notebook}."
        )
    if start.audit is None or start.audit.state.read_at is None:
        return said
    return f"{said} As the account was on {start.audit.state.read_at:%Y-%m-%d at %H:%M} UTC."


def _marker(step: Step, following: Step | None) -> str:
    if step != following:
        return ""
    return "begin here" if step.notebook == FIRST else "next"


def _item(step: Step, marker: str) -> str:
    current = ' aria-current="step"' if marker else ""
    colour = ACCENT if marker else "transparent"
    told = f"<b>▶ {marker}</b> · " if marker else ""
    said = (
        f"<b>{notebook_link(step.notebook)}</b> {escape(step.purpose)}<br>{told}{escape(step.said)}"
    )
    return _listed(step.state, said, colour, current)


def _line(step: Step, marker: str) -> str:
    told = f"{marker}: " if marker else ""
    return f"{LOOKS[step.state][0]} {step.state:<11} {step.notebook:<16} {told}{step.said}"


def _urgent_item(one: Urgent) -> str:
    who, expected = escape(_who(one)), escape(one.expected)
    said = f"<b>{who}</b> · expected: {expected}<br>→ {escape(one.action)}"
    return _listed(one.severity, said)


def _listed(word: str, said: str, colour: str = "transparent", current: str = "") -> str:
    return (
        f'<li{current} style="{ITEM};{SIDE} {colour}"><span style="{WORD}">{_badge(word)}</span>'
        f'<span style="{TEXT}">{said}</span></li>'
    )


def _who(one: Urgent) -> str:
    return f"{one.who} and {one.more:,} more" if one.more else one.who


def _verdict(found: list[Urgent], *, certain: bool) -> str:
    if not found and certain:
        return "✔ Nothing is urgent: the audit found nothing."
    if not found:
        return "? Whether something is urgent cannot be told: not everything could be read."
    if found[0].severity not in WORST:
        sure = "✔ Nothing is critical or high" if certain else "? Nothing known is critical or high"
        return f"{sure}. What comes first of the rest:"
    return f"The audit finds this most urgent; {AUDIT} has it all, with the commands:"


def _badge(word: str) -> str:
    sign, colour = LOOKS[word]
    return badge(f"{sign} {word}", colour)
