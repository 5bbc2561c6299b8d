"""The command line: it parses arguments and calls; heavy imports wait until they are needed."""

import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from iamkit.errors import IamkitError, InputError
from iamkit.job import annotate, as_lines
from iamkit.sandbox_commands import sandbox

if TYPE_CHECKING:
    from iamkit.audit import Audit
    from iamkit.notebook.result import NotebookResult
    from iamkit.plan.undo import Chosen


def main() -> None:
    """Run the command line; an error of the kit is one or two lines and an exit code."""
    debug = "--debug" in sys.argv
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a name may hold what a terminal cannot show
            stream.reconfigure(errors="backslashreplace")
    try:
        code = cli(args=[a for a in sys.argv[1:] if a != "--debug"], standalone_mode=False)
        sys.stdout.flush()
        sys.exit(code)
    except IamkitError as error:
        if debug:
            raise
        click.echo(f"iamkit: {as_lines(str(error))}", err=True)
        annotate(error)
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(1)
    except OSError as error:
        if debug:
            raise
        _say_system_error(error)
        sys.exit(1)
    except (KeyboardInterrupt, click.Abort):
        click.echo("iamkit: stopped.", err=True)
        sys.exit(130)


def _say_system_error(error: OSError) -> None:
    """Say what the system refused where nobody expected it."""
    try:
        sys.stdout.flush()
    except OSError:  # the reader has left, or its disk is full: what is left goes nowhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if isinstance(error, FileNotFoundError) and not error.filename:  # as os.getcwd() says it
        click.echo("iamkit: The current folder is gone: cd to one that is there.", err=True)
        return
    where = f"{error.filename}: " if error.filename else ""
    click.echo(f"iamkit: {where}{error.strerror or error}.", err=True)


def _say(text: str, *, nl: bool = True) -> None:
    """Print a line; if nobody takes it, among the errors, since it may tell what was changed."""
    try:
        click.echo(text, nl=nl)
    except OSError:
        click.echo(text, nl=nl, err=True)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="iamkit")
def cli() -> None:
    """Set up an AWS account for a team, and keep it in order.

    Exit codes: 0 done or nothing to do, 1 error, 2 changes are planned and not applied,
    3 findings at or above --fail-on, 4 applied in part. --debug adds the traceback to an error.
    """


cli.add_command(sandbox)
FILE = click.option("-f", "--file", type=Path, help="The account's parameters, YAML.")


def _format_of(formats: str) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """The option ``--format``, one of some words."""
    choice = click.Choice(formats.split())
    return click.option("--format", "form", type=choice, default="text", show_default=True)


@cli.command()
@click.argument("notebooks", nargs=-1, required=True)
@click.option("-f", "--file", type=Path, required=True, help="The account's parameters, YAML.")
@click.option("-p", "--parameter", nargs=2, multiple=True, metavar="NAME VALUE")
@click.option("--apply", is_flag=True, help="Apply the plans; without it they are only shown.")
@click.option("--output", type=Path, help="Where executed notebooks go; default runs/TIME.")
def run(
    notebooks: tuple[str, ...],
    file: Path,
    parameter: tuple[tuple[str, str], ...],
    apply: bool,
    output: Path | None,
) -> int:
    """Run notebooks headless, in order; they plan, and change nothing unless --apply.

    NOTEBOOKS are names such as 03_dev_group, or paths.
    """
    from iamkit.notebook.result import exit_code_of

    return exit_code_of(_run(notebooks, file, parameter, apply=apply, output=output))


@cli.command()
@FILE
@click.option(
    "--state",
    type=Path,
    multiple=True,
    help="A saved state, or what the AWS CLI's get-account-authorization-details and "
    "get-credential-report printed (give both); then nothing is read from AWS.",
)
@click.option("--compare", type=Path, help="An earlier state, to see what has changed since.")
@click.option(
    "--since",
    type=int,
    metavar="DAYS",
    help="Compare with the audit of so many days ago, whose state was kept by itself.",
)
@click.option("--save-state", "saved", type=Path, help="Keep what was read, for a later --state.")
@_format_of("text markdown csv parquet json html junit sarif codequality")
@click.option(
    "--table", default="users", show_default=True, help="Which table is written as csv or parquet."
)
@click.option("--fail-on", type=click.Choice("critical high medium low".split()))
@click.option("--output", type=Path, help="A file to write to, in place of the terminal.")
def audit(
    *,
    file: Path | None,
    state: tuple[Path, ...],
    compare: Path | None,
    since: int | None,
    saved: Path | None,
    form: str,
    table: str,
    fail_on: str | None,
    output: Path | None,
) -> int:
    """Audit everyone in the account: tables, findings, what has changed.

    Exit codes: 0 read, 3 findings at or above --fail-on, else 1 if something could not be read,
    or a check at or above --fail-on could not be told.
    """
    from iamkit.account.state_file import load_state, save_state
    from iamkit.audit.exports import export_audit, judge
    from iamkit.audit.numbers import failures
    from iamkit.storage.folders import check_files

    if form == "parquet" and not output:
        raise InputError("Parquet is not for a terminal: say --output FILE.")
    if since is not None and (compare or state):
        raise InputError("--since is for an account that is read now; --compare names a state.")
    if form == "html":
        output = output or Path("audit.html")
    check_files([output, saved], [file, compare, *state])
    found, earlier = _audited(file, state, since)
    compare = compare or earlier
    if saved:
        save_state(found.state, saved)
    before = found.of(load_state(compare)) if compare else None
    if form == "html" and output:
        from iamkit.aws.audit_run import audit_parameters
        from iamkit.notebook.runs.headless import audit_page

        parameters = audit_parameters(file, state)
        _write(audit_page(found, parameters.model_dump(), compare), output)
        click.echo(f"The report is {output}")
    else:
        _write(export_audit(found, form, table, before), output)
    _summarise(found, before)
    code, reasons = judge(found, fail_on)
    shown = failures(found) if form == "text" and not output else []
    for line in reasons:
        if line not in shown:
            click.echo(f"iamkit: {line}", err=True)
    return code


def _summarise(found: "Audit", before: "Audit | None") -> None:
    """In a job of GitHub Actions, put the audit's first page into its summary."""
    from iamkit.job import add_to_summary, has_summary

    if has_summary():
        from iamkit.audit.first_page import make_first_page
        from iamkit.audit.markdown import to_markdown

        add_to_summary(to_markdown(make_first_page(found, before)))


def _audited(
    file: Path | None, state: tuple[Path, ...], since: int | None
) -> tuple["Audit", Path | None]:
    """The audit of an account, or of saved states; these alone need no boto3, nor parameters.

    And the kept state of so many days ago, if that is asked for.
    """
    if state and not file:
        from iamkit.account.state_file import load_state
        from iamkit.audit import Audit

        return Audit(load_state(*state)), None
    from datetime import timedelta

    from iamkit.audit.history import kept_before
    from iamkit.aws.audit_run import audit_parameters, run_audit

    found, kept, problem = run_audit(audit_parameters(file, state))
    if problem:
        click.echo(f"iamkit: {problem}", err=True)
    if since is None:
        return found, None
    earlier = kept_before(kept, found.now - timedelta(days=since))
    if earlier is None:
        click.echo("iamkit: No earlier audit is kept here to compare with.", err=True)
        return found, None
    return found, earlier.path


def _write(content: bytes, output: Path | None) -> None:
    from iamkit.storage.private_files import PRIVATE, write_named

    if output is None:
        click.echo(content.decode(), nl=False)
    else:
        write_named(output, content, PRIVATE)


@cli.command("who-can")
@click.argument("action")
@click.argument("resource", required=False)
@FILE
@click.option("--state", type=Path, multiple=True, help="A saved state; then AWS is not asked.")
@click.option(
    "--context", multiple=True, metavar="KEY=VALUE", help="A context key that is known; repeatable."
)
@_format_of("text csv json")
def who_can_command(
    *,
    action: str,
    resource: str | None,
    file: Path | None,
    state: tuple[Path, ...],
    context: tuple[str, ...],
    form: str,
) -> int:
    """Say who may do ACTION, such as s3:GetObject, on RESOURCE: an ARN, or one that is not told.

    With wildcards both are sets, such as 's3:Get*' on 'arn:aws:s3:::reports/*': allowed on all of
    it, in part (which part), or not at all. "depends" names what is not known here, such as
    aws:MultiFactorAuthPresent; say it by --context.

    Exit codes: 0 answered, 1 something that decides could not be read.
    """
    from iamkit.audit.exports import export_frame
    from iamkit.aws.audit_run import audit_parameters, read_own_permissions
    from iamkit.policies.evaluation.access import for_reading, gaps_in, who_can
    from iamkit.text import printable

    known = {}
    for text in context:
        key, equals, value = text.partition("=")
        if not equals:
            raise InputError(f"--context {text}: say KEY=VALUE.")
        known[key] = value
    account = read_own_permissions(audit_parameters(file, state))
    found = who_can(account, action, resource, known)
    gaps = gaps_in(account, found)
    if form == "text":
        head, found = for_reading(found)
        click.echo(head, nl=bool(head))
    click.echo(export_frame(found, form), nl=False)
    for line in gaps:
        click.echo(f"iamkit: {printable(line)}", err=True)
    return 1 if gaps else 0


@cli.command("check-policy")
@click.argument("policies", nargs=-1, type=Path, metavar="[OLD NEW | POLICY]")
@click.option(
    "--not-granted", nargs=2, metavar="ACTION RESOURCE", help="Ask this of one POLICY, instead."
)
@_format_of("text json")
def check_policy_command(
    policies: tuple[Path, ...], not_granted: tuple[str, str] | None, form: str
) -> int:
    """Say whether the policy NEW grants anything that OLD does not, or POLICY a certain access.

    The files are identity policies, JSON; - is the standard input. The answer is proved, or shown
    by a request which the policy allows, or it says why it cannot be told.

    Exit codes: 0 nothing new, or surely not granted; 3 it is granted, with a request that shows
    it; 1 it cannot be told, or an error.
    """
    from iamkit.policies.comparison.exports import ask, export_answer

    answer = ask(policies, not_granted)
    click.echo(export_answer(answer, form))
    return {True: 3, False: 0, None: 1}[answer.granted]


@cli.command()
@click.argument("journal", type=Path, required=False)
@click.option("-f", "--file", type=Path, required=True, help="The account's parameters, YAML.")
@click.option(
    "--take",
    default="ready",
    show_default=True,
    help="What to take back: ready, all, or the numbers of changes, such as 1,3,4.",
)
@click.option("--apply", is_flag=True, help="Apply the way back; without it it is only shown.")
@click.option(
    "--confirm", default="", metavar="ALIAS", help="On a live account, its alias or else its id."
)
@click.option("--accept-lockout", default="", metavar="WORDS", help="As a refusal told them.")
def undo(
    *,
    journal: Path | None,
    file: Path,
    take: str,
    apply: bool,
    confirm: str,
    accept_lockout: str,
) -> int:
    """Take back what the last apply did, or the one of which JOURNAL tells.

    Every change is listed with what speaks against taking it back. Those that give nobody access,
    and are as they were left, are ready, and taken back unless --take names others; what gives
    access back, or was changed since, only if --take names it. An undo is an apply like any other:
    it has a journal, and can be undone.

    Exit codes: 0 done or nothing to do, 1 error, 2 planned and not applied, 4 applied in part.
    """
    from iamkit.aws.apply import apply_plan, await_applied
    from iamkit.aws.session import open_session
    from iamkit.aws.undo import find_apply, read_undo, undo_parameters
    from iamkit.text import printable

    chosen: Chosen = "all" if take == "all" else "ready" if take == "ready" else _numbers(take)
    session = open_session(undo_parameters(file))
    recorded = find_apply(session, journal)
    plan = (found := read_undo(session, recorded, chosen)).plan
    for line in (str(recorded), str(found), f"The way back: {plan.summary}.", *plan.commands):
        click.echo(printable(line, keep="\n"))
    if not plan.changes or not apply:
        return 2 if plan.changes else 0
    outcome = apply_plan(
        plan, session, allow_destructive=True, typed=confirm, accept_lockout=accept_lockout
    )
    outcome.raise_if_incomplete()
    await_applied(plan, session)
    _say(f"{len(outcome.done)} change(s) were made; journal: {outcome.journal}")
    return 0


def _numbers(text: str) -> list[int]:
    """Numbers with commas between them.

    Raises:
        InputError: something else.
    """
    try:
        return [int(number) for number in text.split(",") if number.strip()]
    except ValueError:
        raise InputError(f"--take {text}: say numbers, such as 1,3,4.") from None


@cli.command()
def demo() -> int:
    """Set up and audit a private practice account with all notebooks, and show the result."""
    import tempfile

    from iamkit.demo import MENDED, show_mending
    from iamkit.notebook.result import exit_code_of
    from iamkit.parameters.models import NOTEBOOKS
    from iamkit.parameters.practice import packaged
    from iamkit.sandbox import start_sandbox, stop_sandbox

    with tempfile.TemporaryDirectory(prefix="iamkit-demo-") as folder:
        os.environ["IAMKIT_HOME"] = folder
        try:
            sandbox = start_sandbox(Path(folder) / "sandbox", authorize=True)
            file = packaged("parameters") / "sandbox.yaml"
            first, *others = (name for name in NOTEBOOKS if name != MENDED)
            guide = (*others, first)  # the start page sums it up
            results = _run(guide, file, apply=True)
            if exit_code_of(results) == 0:
                _say_what_the_demo_did(results)

                def mend(rows: str) -> None:
                    given = (("mend", rows), ("allow_destructive", "true"))
                    results.extend(_run((MENDED,), file, given, apply=True))

                show_mending(sandbox, file, mend, _say)
                click.echo("The practice account is gone again. Step through it: iamkit lab")
        finally:
            stop_sandbox(Path(folder) / "sandbox")
    return exit_code_of(results)


def _run(
    names: tuple[str, ...],
    file: Path,
    parameter: tuple[tuple[str, str], ...] = (),
    *,
    apply: bool,
    output: Path | None = None,
) -> list["NotebookResult"]:
    from iamkit.job import add_to_summary
    from iamkit.notebook.fork_server import forking

    with forking(len(names)) as server:  # it imports while this process does
        from iamkit.notebook.runs.headless import run_with_file
        from iamkit.notebook.runs.output import INDEX
        from iamkit.notebook.runs.summary import describe_run

        results, folder = run_with_file(
            names, file, parameter, _progress, apply=apply, output=output, fork_server=server
        )
    add_to_summary(describe_run(results))
    if (folder / INDEX).exists():
        _say(f"\nThe report, to read, send or print: {folder / INDEX}")
    return results


def _progress(event: "NotebookResult | str") -> None:
    """One line a notebook: its name as it starts, its outcome as it ends; notes below it."""
    from iamkit.text import printable

    if isinstance(event, str):
        _say(f"{event:<20} ", nl=False)
        return
    counts = f"{event.applied} of {event.planned} changes" if event.planned else ""
    _say(f"{event.outcome:<14} {counts:<18} {event.seconds:5.1f} s  {event.html}")
    for note in event.notes:
        click.echo(f"  {printable(note)}", err=True)
    if event.error:
        click.echo(f"  {as_lines(event.error)}", err=True)


def _say_what_the_demo_did(results: list["NotebookResult"]) -> None:
    from iamkit.account.state import sign_in_url

    click.echo()
    click.echo(f"{'notebook':<20} {'result':<14} {'changes':>7} {'seconds':>8}")
    for result in results:
        changes = str(result.applied) if result.planned else "-"
        click.echo(f"{result.name:<20} {result.outcome:<14} {changes:>7} {result.seconds:>8.1f}")
    click.echo(f"\nSign-in address: {sign_in_url('maestrodev')}")


@cli.command()
@click.argument("folder", type=Path)
def init(folder: Path) -> None:
    """Make FOLDER an operations folder: notebooks, parameters, a CI workflow, .gitignore."""
    from iamkit.workspace import init_folder

    for path in init_folder(folder):
        click.echo(f"made {path}")
    click.echo(f"Next: copy {folder}/parameters/example.yaml to team.yaml, and fill it in.")


@cli.command()
@click.option("-f", "--file", type=Path, help="Parameters to write into the notebooks.")
@click.option("--folder", type=Path, help="The folder to work in; default: this one, or a new one.")
@click.option("--app", is_flag=True, help="Show no code: an app, for people behind a token.")
@click.option("--apply", is_flag=True, help="With --app: plans can be applied in it, by a click.")
@click.argument("options", nargs=-1)
def lab(
    *, file: Path | None, folder: Path | None, app: bool, apply: bool, options: tuple[str, ...]
) -> None:
    """Open JupyterLab on the start page, which says what is set up and what to do next.

    OPTIONS after -- go to JupyterLab, such as: iamkit lab -- --no-browser --port 9000
    With --app they go to Voilà.
    """
    if app:
        from iamkit.notebook.launch.app import open_app

        open_app(folder, file, options, apply=apply, say=click.echo)
        return
    if apply:
        raise InputError("--apply goes with --app; in JupyterLab plans are applied by a click.")
    from iamkit.notebook.launch.lab import open_lab

    open_lab(folder, file, options, click.echo)


@cli.command()
@FILE
def doctor(file: Path | None) -> int:
    """Check versions, folders and the account, and say how to mend what is wrong."""
    from iamkit.doctor import examine

    healthy = True
    for check in examine(file):
        click.echo(f"{'ok ' if check.ok else 'BAD'} {check.what}: {check.found}")
        healthy = healthy and check.ok
    return 0 if healthy else 1


if __name__ == "__main__":
    main()
