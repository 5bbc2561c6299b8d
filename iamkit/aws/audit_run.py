"""An audit from a parameters file or saved states: what the command line asks for."""

from pathlib import Path

from iamkit.account.state import AccountState
from iamkit.account.state_file import load_state
from iamkit.audit import CHECKS, Audit
from iamkit.aws.read import Progress, read_more, read_permissions, survey_account
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


def run_audit(parameters: AuditUsersParameters) -> Audit:
    """Audit the account, or the states that the parameters name; nothing is changed.

    Raises:
        IamkitError: the account or a file cannot be read at all.
    """
    if parameters.state_files:
        return audit_of(load_own(parameters), parameters)
    return audit_of(read_audited(open_session(parameters), parameters), parameters)


def read_audited(
    session: Session, parameters: AuditUsersParameters, on_progress: Progress = lambda *_: None
) -> AccountState:
    """Read what an audit looks at; of access keys, the ids of those that a finding speaks of.

    The credential report tells all else of a key. For the others the tables say "not read";
    ``read_more`` reads them when somebody looks.

    Raises:
        AwsError: the users themselves could not be read.
    """
    keys = "access_keys"
    others = [kind for kind in parameters.per_user if kind != keys]
    state = survey_account(session, others, on_progress)
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
