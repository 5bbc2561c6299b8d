"""An audit from a parameters file or saved states: what the command line asks for."""

from collections.abc import Callable
from pathlib import Path

from iamkit.account.state import AccountState
from iamkit.account.state_file import load_state
from iamkit.app_mode import is_app
from iamkit.audit import CHECKS, Audit
from iamkit.audit.history import Kept, keep_state, list_kept
from iamkit.aws.read import (
    AUDITED,
    Progress,
    read_account,
    read_each,
    read_more,
    read_permissions,
)
from iamkit.aws.session import Session, open_session
from iamkit.errors import InputError
from iamkit.parameters.models import AuditUsersParameters
from iamkit.parameters.yaml_file import read_parameters

NOTEBOOK = "06_audit_users"


def audit_parameters(file: Path | None, states: tuple[Path, ...]) -> AuditUsersParameters:
    """The parameters of the audit: of the file, or those that a saved state alone needs.

    Raises:
        InputError: neither is given, or one cannot be read.
    """
    if file:
        overrides = {"state_files": [str(path) for path in states]} if states else {}
        parameters = read_parameters(file).for_notebook(NOTEBOOK, overrides)
        return AuditUsersParameters.model_validate(parameters)
    if not states:
        raise InputError("Say what to audit: -f parameters/team.yaml, or --state FILE.")
    given = {
        "environment": "aws",
        "account_id": load_state(*states).account_id,
        "state_files": [str(path) for path in states],
    }
    return AuditUsersParameters.model_validate(given)


def run_audit(parameters: AuditUsersParameters) -> tuple[Audit, list[Kept], str]:
    """Audit the account, or the states that the parameters name; no account is changed.

    The state of an account is kept beside those of its earlier audits.

    Returns:
        The audit; the earlier ones of an account, the first first; and why its state was not
        kept, if it should have been.

    Raises:
        IamkitError: the account or a file cannot be read at all.
    """
    if parameters.state_files:
        return audit_of(load_own(parameters), parameters), [], ""
    session = open_session(parameters)
    audit = audit_of(read_audited(session, parameters), parameters)
    kept = list_kept(kept_folder(session))
    return audit, kept, keep_audit(session, audit)


def kept_folder(session: Session) -> Path:
    """Where the states of an account's audits are kept, for its owner alone."""
    return session.store.folder / "audits"


def keep_audit(session: Session, audit: Audit) -> str:
    """Keep an audit's state by the rule of ``audit.history``; why not, if it cannot be.

    A page of an app keeps none: who sees it is not who runs it.
    """
    if is_app():
        return ""
    try:
        keep_state(audit, kept_folder(session))
    except InputError as error:
        return f"This audit's state was not kept for later: {error}"
    return ""


def read_audited(
    session: Session,
    parameters: AuditUsersParameters,
    on_progress: Progress = lambda *_: None,
    on_bulk: Callable[[Audit], None] = lambda _: None,
) -> AccountState:
    """Read what an audit looks at; of access keys, the ids of those that a finding speaks of.

    The credential report tells all else of a key. For the others the tables say "not read";
    ``read_more`` reads them when somebody looks.

    Args:
        session: an open session.
        parameters: of the audit.
        on_progress: called after each bulk call, and while single users are read.
        on_bulk: called with what the bulk calls tell, before single users are read.

    Raises:
        AwsError: the users themselves could not be read.
    """
    keys = "access_keys"
    others = [kind for kind in parameters.per_user if kind != keys]
    state = read_account(session, operations=AUDITED, strict=False, on_progress=on_progress)
    on_bulk(audit_of(state, parameters))
    state = read_each(session, state, others, on_progress)
    if keys not in parameters.per_user:
        return state
    found = audit_of(state, parameters).find(c for c in CHECKS.values() if c.table == keys)
    names = set(found["principal"]) & set(state.users)
    return read_more(session, state, {"ListAccessKeys": names}, on_progress)


def read_own_permissions(parameters: AuditUsersParameters) -> AccountState:
    """Everyone's policies: of the account, or of the states that the parameters name.

    Raises:
        IamkitError: the account or a file cannot be read.
    """
    if parameters.state_files:
        return load_own(parameters)
    return read_permissions(open_session(parameters))


def load_own(parameters: AuditUsersParameters) -> AccountState:
    """The saved state that the parameters name, which must be of their account.

    Raises:
        InputError: it cannot be read, or is of another account.
    """
    state = load_state(*parameters.state_files)
    if state.account_id != parameters.account_id:
        raise InputError(
            f"{parameters.state_files[0]} is of account {state.account_id}, the parameters say "
            f"{parameters.account_id} (account_id)."
        )
    return state


def audit_of(state: AccountState, parameters: AuditUsersParameters) -> Audit:
    """A state audited with the thresholds and waivers of the parameters."""
    return Audit(state, parameters.thresholds, parameters.waivers)
