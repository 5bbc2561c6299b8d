"""The command line: it parses arguments and calls; heavy imports wait until they are needed."""

import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from iamkit.errors import IamkitError, InputError
from iamkit.job import annotate, as_lines
from iamkit.reading_commands import FILE, audit, check_policy_command, who_can_command
from iamkit.sandbox_commands import sandbox

if TYPE_CHECKING:
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
for command in (audit, who_can_command, check_policy_command):
    cli.add_command(command)


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
@click.argument("journal", type=Path, required=False)
@click.option("-f", "--file", type=Path, required=True, help="The account's parameters, YAML.")
@click.option(
    "--take",
    default="ready",
    show_default=True,
    help="What to take back: ready, all that gives nobody access, numbers of changes: all,3,4.",
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

    Every change is listed with its number and what speaks against taking it back. Those that give
    nobody access, and are as they were left, are ready, and taken back unless --take says else;
    --take all takes what was changed since too. What gives access back is taken only if --take
    names its number. An undo is an apply like any other: it has a journal, and can be undone.

    Exit codes: 0 done or nothing to do, 1 error, 2 planned and not applied, 4 applied in part.
    """
    from iamkit.aws.apply import apply_plan, await_applied
    from iamkit.aws.session import open_session
    from iamkit.aws.undo import find_apply, read_undo, undo_parameters
    from iamkit.text import printable

    chosen = _chosen(take)
    session = open_session(undo_parameters(file))
    recorded = find_apply(session, journal)
    plan = (found := read_undo(session, recorded, chosen)).plan
    asking = _naming(found.asking)
    said = (str(recorded), str(found), *asking, f"The way back: {plan.summary}.", *plan.commands)
    for line in said:
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


def _chosen(text: str) -> "Chosen":
    """Words and numbers with commas between them.

    Raises:
        InputError: something else.
    """
    words = [word.strip() for word in text.split(",") if word.strip()]
    try:
        return [w if w in ("ready", "all") else int(w) for w in words]  # type: ignore[misc]
    except ValueError:
        said = f"--take {text}: say ready, all or numbers, such as 1,3 or all,3."
        raise InputError(said) from None


def _naming(asking: Sequence[int]) -> list[str]:
    """How what gives access is named, if anything is to be."""
    numbers = ",".join(map(str, asking[:40]))
    return [f"To take back all of it, name what gives access: --take all,{numbers}"] * bool(asking)


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
        _say(f"{event:<21} ", nl=False)
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
    click.echo(f"{'notebook':<21} {'result':<14} {'changes':>7} {'seconds':>8}")
    for result in results:
        changes = str(result.applied) if result.planned else "-"
        click.echo(f"{result.name:<21} {result.outcome:<14} {changes:>7} {result.seconds:>8.1f}")
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
