"""What is wrong with this installation or this account, and how to mend it."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from iamkit.errors import IamkitError, StorageError
from iamkit.storage.home import home_folder, home_problem

PACKAGES = ("iamkit", "boto3", "jupyterlab", "ipywidgets", "pandas", "papermill", "moto")


@dataclass(frozen=True)
class Check:
    """One thing that was looked at, and what to do if it is not well."""

    what: str
    found: str
    ok: bool = True


def examine(file: Path | None) -> Iterator[Check]:
    """Look at versions, the state folder, the sandboxes and, given parameters, the account."""
    yield Check("Python", sys.version.split()[0], (3, 11) <= sys.version_info[:2] <= (3, 14))
    for package in PACKAGES:
        yield _package(package)
    yield _state_folder()
    yield from _sandboxes()
    if file:
        yield from _account(file)


def _package(name: str) -> Check:
    try:
        return Check(name, version(name))
    except PackageNotFoundError:
        return Check(name, "is missing; install iamkit again", ok=False)


def _state_folder() -> Check:
    try:
        problem = home_problem()
    except StorageError as error:
        problem = f"{error.path}: {error.reason}"
    return Check("state folder", problem or str(home_folder()), ok=not problem)


def _sandboxes() -> Iterator[Check]:
    """The practice account's sandbox, and each twin's."""
    from iamkit.sandbox import list_twins, twin_folder  # noqa: PLC0415

    try:
        home = home_folder()
    except StorageError:  # which was said already
        return
    yield _sandbox("sandbox", home / "sandbox")
    for account_id in list_twins(home):
        yield _sandbox(f"TWIN of {account_id}", twin_folder(home, account_id))


def _sandbox(what: str, state: Path) -> Check:
    from iamkit.sandbox import find_sandbox  # noqa: PLC0415

    try:
        running = find_sandbox(state)
    except IamkitError as error:
        return Check(what, str(error), ok=False)
    return Check(what, f"runs at {running.endpoint_url}" if running else "does not run")


def _account(file: Path) -> Iterator[Check]:
    """Open a session and try each read that the notebooks need."""
    from iamkit.aws.read import read_account  # noqa: PLC0415
    from iamkit.aws.session import open_session  # noqa: PLC0415
    from iamkit.parameters.models import AuditUsersParameters, notebook_of  # noqa: PLC0415
    from iamkit.parameters.yaml_file import read_parameters  # noqa: PLC0415

    try:
        parameters = read_parameters(file).for_notebook(notebook_of(AuditUsersParameters), {})
        session = open_session(parameters)
        yield Check("caller", f"{session.identity.arn}, by {session.source}")
        for warning in session.warnings:
            yield Check("note", warning)
        state = read_account(session, every_user=True)
    except IamkitError as error:
        yield Check("account", str(error), ok=False)
        return
    yield Check("account", f"{state.account_id}: {len(state.users)} users, all reads allowed")
