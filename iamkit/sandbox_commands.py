"""The commands of ``iamkit sandbox``; what they call is imported when it is needed."""

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from iamkit.errors import SandboxError

if TYPE_CHECKING:
    from iamkit.sandbox import Sandbox


@click.group()
@click.option("--twin", metavar="ID", help="Not the practice account: the twin of an account.")
@click.pass_context
def sandbox(context: click.Context, twin: str | None) -> None:
    """The practice account: AWS's IAM on this machine, where nothing is real."""
    context.obj = twin


def _twin() -> str | None:
    """The id of the account whose twin is meant; None for the practice account."""
    twin: str | None = click.get_current_context().obj
    return twin


def _sandbox_state() -> Path:
    from iamkit.sandbox import twin_folder
    from iamkit.storage.home import home_folder

    twin = _twin()
    if not twin:
        return home_folder() / "sandbox"
    folder = twin_folder(home_folder(), twin)
    if not folder.exists():
        raise SandboxError(f"There is no TWIN of {twin}. `iamkit sandbox load STATE` makes one.")
    return folder


def _name(practice: str = "The sandbox") -> str:
    """What is meant, in words; a twin is never called otherwise."""
    twin = _twin()
    return f"The TWIN of {twin}" if twin else practice


def _counted(number: int, noun: str) -> str:
    """Such as ``1 group`` and ``2,000 groups``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _account_of(running: "Sandbox") -> "Sandbox":
    twin = _twin()
    return running.account(twin) if twin else running


def _none_runs() -> str:
    twin = _twin()
    return f"No TWIN of {twin} runs." if twin else "No sandbox runs."


class _Progress:
    """Says on stderr how far the account is back, once a second from the second one on."""

    def __init__(self) -> None:
        self._said = time.monotonic()
        self._done = 0

    def __call__(self, done: int, total: int) -> None:
        if done > self._done and time.monotonic() - self._said > 1:
            self._said, self._done = time.monotonic(), done
            click.echo(f"{done:,} of {total:,} changes", err=True)


@sandbox.command()
@click.option("--authorize", is_flag=True, help="Refuse what the caller's policies do not allow.")
def start(authorize: bool) -> None:
    """Start it, unless it runs already."""
    from iamkit.sandbox import start_sandbox

    running = start_sandbox(_sandbox_state(), authorize=authorize, progress=_Progress())
    click.echo(f"{_name()} runs at {running.endpoint_url} (process {running.pid}).")
    running = _account_of(running)
    if authorize and _twin():  # which is not the main account of its sandbox
        running.set_authorize(True)
    if running.authorizes():
        click.echo("It refuses what the caller's policies do not allow; root may do everything.")


@sandbox.command()
def stop() -> None:
    """End it; the next start brings its account back."""
    from iamkit.sandbox import stop_sandbox

    stopped = stop_sandbox(_sandbox_state())
    kept = f"{_name()} has ended. `{_command('start')}` brings its account back."
    click.echo(kept if stopped else _none_runs())


@sandbox.command()
def status() -> int:
    """Say whether it runs, and where; exit code 1 if it does not."""
    from iamkit.sandbox import find_sandbox

    running = find_sandbox(_sandbox_state())
    if running is None:
        click.echo(_none_runs())
        return 1
    click.echo(
        f"{_name()} runs at {running.endpoint_url} (process {running.pid}), "
        f"account {_account_of(running).account_id}."
    )
    return 0


@sandbox.command()
def reset() -> None:
    """Begin a new, empty account."""
    from iamkit.sandbox import reset_sandbox

    running = reset_sandbox(_sandbox_state())
    new = f"{_name()} is empty now and" if _twin() else "A new, empty account"
    click.echo(f"{new} runs at {running.endpoint_url}.")


@sandbox.command()
def restore() -> None:
    """Go back to the last change that is whole, when the account is damaged."""
    from iamkit.sandbox import restore_sandbox

    restored = restore_sandbox(_sandbox_state(), _Progress())
    if restored.kept is None:
        click.echo(f"Nothing is damaged: all {restored.changes:,} changes are there.")
        return
    click.echo(
        f"{_name('The practice account')} is back at change {restored.changes:,}; "
        f"{restored.lost:,} later ones are lost.\n"
        f"The damaged account is kept as {restored.kept}. It holds secrets: "
        f"delete it when you do not need it. `{_command('start')}` goes on."
    )


def _running_sandbox() -> "Sandbox":
    from iamkit.sandbox import find_sandbox

    running = find_sandbox(_sandbox_state())
    if running is None:
        if _twin():
            raise SandboxError(f"{_none_runs()} Start it: {_command('start')}")
        raise SandboxError("No sandbox runs. Start it: iamkit sandbox start")
    return _account_of(running)


def _command(name: str) -> str:
    twin = _twin()
    return f"iamkit sandbox --twin {twin} {name}" if twin else f"iamkit sandbox {name}"


@sandbox.command()
@click.option("--account", metavar="ID", help="Another account beside the main one; 12 digits.")
def env(account: str | None) -> None:
    """Print the exports that point the AWS CLI at it: eval "$(iamkit sandbox env)"."""
    from iamkit.sandbox import sandbox_env

    running = _running_sandbox()
    click.echo(sandbox_env(running.account(account) if account else running))


@sandbox.command()
@click.option("--users", default=40, show_default=True, help="How many people and services.")
@click.option("--seed", default=7, show_default=True, help="The same seed, the same company.")
@click.option("--root-mfa", is_flag=True, help="The account's root signs in with MFA.")
def populate(users: int, seed: int, root_mfa: bool) -> None:
    """Fill the account with a believable company: teams, keys, and what audits look for."""
    _running_sandbox().populate(users, seed, root_mfa=root_mfa)
    click.echo(f"{_name('The practice account')} has {_counted(users, 'more user')}.")


@sandbox.command()
@click.argument("states", nargs=-1, required=True, metavar="STATE...", type=Path)
def load(states: tuple[Path, ...]) -> None:
    """Make a twin of an account from its saved state, to try things on: users, policies, roles.

    STATE is a file of `iamkit audit --save-state`, or those that the AWS CLI printed. A twin has a
    sandbox of its own beside the practice account, and takes the place of an earlier one of the
    same account. It holds no secret of the account.
    """
    from iamkit.account.state_file import load_state
    from iamkit.sandbox import load_twin, twin_folder
    from iamkit.storage.home import home_folder
    from iamkit.text import printable

    state = load_state(*states)
    twin, lacks = load_twin(twin_folder(home_folder(), state.account_id), state)
    click.echo(
        f"The TWIN of {twin.account_id} runs at {twin.endpoint_url} with "
        f"{_counted(len(state.users), 'user')}, {_counted(len(state.groups), 'group')}, "
        f"{_counted(len(state.roles), 'role')}.\n"
        f'Use it: eval "$(iamkit sandbox --twin {twin.account_id} env)"\n'
        "It is not the account. Not as there:"
    )
    for line in lacks:
        click.echo(f"- {printable(line)}")


@sandbox.command()
@click.option("--days", type=float, required=True, help="By how many days; 0.25 is six hours.")
def age(days: float) -> None:
    """Let everything in the account grow older: keys, passwords, last uses."""
    _running_sandbox().age(days)
    where = _name("the practice account").replace("The", "the", 1)
    click.echo(f"Everything in {where} is {days:g} {'day' if days == 1 else 'days'} older.")


@sandbox.command()
@click.argument("name", type=click.Choice(["calm", "typical", "storm"]))
def weather(name: str) -> None:
    """Let AWS be as it is on a good day, on most days, or on a bad one."""
    _running_sandbox().set_weather(name)
    where = _name("the practice account").replace("The", "the", 1)
    click.echo(f"The weather over {where}: {name}.")
