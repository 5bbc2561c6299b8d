"""The commands that look and change nothing; what they call is imported when it is needed."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from iamkit.errors import InputError

if TYPE_CHECKING:
    from iamkit.audit import Audit

FILE = click.option("-f", "--file", type=Path, help="The account's parameters, YAML.")


def _format_of(formats: str) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """The option ``--format``, one of some words."""
    choice = click.Choice(formats.split())
    return click.option("--format", "form", type=choice, default="text", show_default=True)


@click.command()
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
    type=click.IntRange(0, 36_500),
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


@click.command("who-can")
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


@click.command("check-policy")
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
