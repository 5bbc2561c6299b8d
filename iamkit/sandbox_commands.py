"""The commands of ``iamkit sandbox``; what they call is imported when it is needed."""

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from iamkit.errors import SandboxError

if TYPE_CHECKING:
    from iamkit.sandbox import Sandbox


@click.group()
def sandbox() -> None:
    """The practice account: AWS's IAM on this machine, where nothing is real."""


def _sandbox_state() -> Path:
    from iamkit.storage.home import home_folder

    try:
        return home_folder() / "sandbox"
    except OSError as error:
        raise SandboxError(
            f"{error.filename} cannot be the home of the practice account: {error.strerror}. Set "
            "IAMKIT_HOME to a folder of yours. Nothing was changed."
        ) from None


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
    click.echo(f"The sandbox runs at {running.endpoint_url} (process {running.pid}).")
    if running.authorizes():
        click.echo("It refuses what the caller's policies do not allow; root may do everything.")


@sandbox.command()
def stop() -> None:
    """End it; the next start brings its account back."""
    from iamkit.sandbox import stop_sandbox

    stopped = stop_sandbox(_sandbox_state())
    kept = "The sandbox has ended. `iamkit sandbox start` brings its account back."
    click.echo(kept if stopped else "No sandbox runs.")


@sandbox.command()
def status() -> int:
    """Say whether it runs, and where; exit code 1 if it does not."""
    from iamkit.sandbox import find_sandbox

    running = find_sandbox(_sandbox_state())
    if running is None:
        click.echo("No sandbox runs.")
        return 1
    click.echo(
        f"The sandbox runs at {running.endpoint_url} (process {running.pid}), "
        f"account {running.account_id}."
    )
    return 0


@sandbox.command()
def reset() -> None:
    """Begin a new, empty account."""
    from iamkit.sandbox import reset_sandbox

    running = reset_sandbox(_sandbox_state())
    click.echo(f"A new, empty account runs at {running.endpoint_url}.")


@sandbox.command()
def restore() -> None:
    """Go back to the last change that is whole, when the account is damaged."""
    from iamkit.sandbox import restore_sandbox

    restored = restore_sandbox(_sandbox_state(), _Progress())
    if restored.kept is None:
        click.echo(f"Nothing is damaged: all {restored.changes:,} changes are there.")
        return
    click.echo(
        f"The practice account is back at change {restored.changes:,}; {restored.lost:,} later "
        f"ones are lost.\nThe damaged account is kept as {restored.kept}. It holds secrets: "
        "delete it when you do not need it. `iamkit sandbox start` goes on."
    )


def _running_sandbox() -> "Sandbox":
    from iamkit.sandbox import find_sandbox

    running = find_sandbox(_sandbox_state())
    if running is None:
        raise SandboxError("No sandbox runs. Start it: iamkit sandbox start")
    return running


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
    click.echo(f"The practice account has {users} more users.")


@sandbox.command()
@click.option("--days", type=float, required=True, help="By how many days; 0.25 is six hours.")
def age(days: float) -> None:
    """Let everything in the account grow older: keys, passwords, last uses."""
    _running_sandbox().age(days)
    click.echo(f"Everything in the practice account is {days:g} days older.")


@sandbox.command()
@click.argument("name", type=click.Choice(["calm", "typical", "storm"]))
def weather(name: str) -> None:
    """Let AWS be as it is on a good day, on most days, or on a bad one."""
    _running_sandbox().set_weather(name)
    click.echo(f"The weather over the practice account: {name}.")
