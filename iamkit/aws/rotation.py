"""Read what tells how far the rotation of everybody's access keys is."""

from datetime import UTC, datetime

from iamkit.account.gaps import DETAILS, REPORT
from iamkit.account.state import AccountState
from iamkit.aws.read import read_account, read_more
from iamkit.aws.session import Session
from iamkit.aws.sources import OF_USERS
from iamkit.parameters.field_types import moment_of
from iamkit.parameters.rotate_keys import RotateKeysParameters
from iamkit.parameters.users_csv import read_users
from iamkit.plan.key_rotation import QUIET, Exemption, RotationRules
from iamkit.plan.lockout import caller_of
from iamkit.plan.rotation_stages import judge_rotations, off_tags


def read_keys(session: Session, parameters: RotateKeysParameters) -> AccountState:
    """Read the users, the keys of all who may have some, and the last uses of those in rotation.

    The credential report, four hours old at most, tells who has no key and need not be asked for;
    where it cannot be read everybody is.

    Raises:
        AwsError: the users themselves could not be read.
    """
    keys = OF_USERS["ListAccessKeys"]
    state = read_account(session, operations=(DETAILS, REPORT), kinds=("users",), strict=False)
    names = [u.name for u in state.users.values() if keys.may_have(state, u) or off_tags(u)]
    state = read_more(session, state, {"ListAccessKeys": names}, owned=True)
    found = judge_rotations(state, rules_of(session, parameters, state))
    moving = [one.user for one in found if one.stage not in QUIET]
    return read_more(session, state, {"GetAccessKeyLastUsed": moving})


def rules_of(
    session: Session, parameters: RotateKeysParameters, state: AccountState
) -> RotationRules:
    """What decides the stages, by the parameters and by who calls.

    Raises:
        InputError: the file of ``users_csv`` is wrong.
    """
    users = [*parameters.users, *read_users(parameters.users_csv).values()]
    signing = session.clients.key_id
    return RotationRules(
        now=state.read_at or datetime.now(UTC),
        rotation_days=parameters.thresholds.rotation_days,
        grace_days=parameters.key_grace_days,
        switched=frozenset(parameters.switched),
        exempt=[Exemption(**row.model_dump()) for row in parameters.exempt],
        early={row.user.lower(): moment_of(row.before) for row in parameters.early},
        signing=signing,
        run_as=parameters.run_as,
        caller=caller_of(session.identity, signing).user,
        hand_over={user.name.lower(): user.hand_over for user in users if user.hand_over},
    )
