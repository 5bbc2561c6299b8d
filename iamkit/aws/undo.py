"""Take an apply back: its journal, and the account as it is now, come to a plan."""

from pathlib import Path

from iamkit.account.state import AccountState
from iamkit.aws.journal import RecordedApply, last_apply, read_apply
from iamkit.aws.read import PLANNED, read_account, read_more
from iamkit.aws.session import Session
from iamkit.errors import GuardError, InputError
from iamkit.parameters.notebook import RunAsParameters
from iamkit.parameters.yaml_file import read_parameters
from iamkit.plan.undo import READY, Chosen, Undo, plan_undo, uses_to_read, way_back_of


def undo_parameters(file: Path) -> RunAsParameters:
    """Of a parameters file, what says which account and whose credentials.

    Raises:
        InputError: it cannot be read, or something in it is wrong.
    """
    values = read_parameters(file).checked_values({})
    fields = RunAsParameters.model_fields.keys() & values.keys()
    return RunAsParameters.model_validate({name: values[name] for name in fields})


def find_apply(session: Session, journal: Path | None = None) -> RecordedApply:
    """The apply that a journal tells of; by default the account's last.

    Raises:
        InputError: there is none, or it cannot be read.
        GuardError: it is another account's.
    """
    found = read_apply(journal) if journal else last_apply(session.folder)
    if found is None:
        where = journal or session.folder / "journal"
        raise InputError(f"{where} tells of no apply, so there is nothing to take back.")
    if found.account_id != session.identity.account_id:
        raise GuardError(
            f"{found.path} is of account {found.account_id or 'unknown'}, the session of "
            f"{session.identity.account_id}. Nothing was changed."
        )
    return found


def read_undo(session: Session, recorded: RecordedApply, chosen: Chosen = READY) -> Undo:
    """Plan the way back of an apply from a fresh reading; see ``plan_undo``.

    Raises:
        AwsError: the account cannot be read.
        InputError: a number is not of the journal, or has no way back.
    """
    return plan_undo(read_for_undo(session, recorded), recorded.made, chosen)


def read_for_undo(session: Session, recorded: RecordedApply) -> AccountState:
    """Read what the way back of an apply depends on.

    Raises:
        AwsError: the account cannot be read.
    """
    wanted = way_back_of(recorded.made)
    current = read_account(session, wanted, operations=PLANNED)
    there = {op: users & current.users.keys() for op, users in uses_to_read(recorded.made).items()}
    return read_more(session, current, {op: users for op, users in there.items() if users})
