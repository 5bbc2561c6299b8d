"""One reading of the account for the start page: all in bulk, and the users that are wanted."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from iamkit.account.state import AccountState, UserDetail
from iamkit.aws.read import READERS, read_detail
from iamkit.aws.session import Session
from iamkit.aws.survey import survey_account
from iamkit.errors import AwsError
from iamkit.plan.desired import Desired


@dataclass(frozen=True, kw_only=True)
class Overview:
    """An account for an audit and for plans at once.

    Attributes:
        state: as ``survey_account`` reads it without calls for single users, and with the details
            of the users that are wanted.
        unread: by user name, why that user's details could not be read.
    """

    state: AccountState
    unread: Mapping[str, str]


def read_overview(session: Session, desired: Desired) -> Overview:
    """Read the account in bulk, and the details of the users that ``desired`` names.

    Raises:
        AwsError: the users themselves could not be read.
    """
    state = survey_account(session, per_user=())

    def detail_of(name: str) -> UserDetail | AwsError:
        try:
            return read_detail(session, name, desired)
        except AwsError as error:
            return error

    names = [name for name in state.users if desired.concerns(name)]
    with ThreadPoolExecutor(READERS) as pool:
        details = dict(zip(names, pool.map(detail_of, names), strict=True))
    users = dict(state.users)
    for name, detail in details.items():
        if isinstance(detail, UserDetail):
            users[name] = replace(users[name], detail=detail)
    unread = {name: str(error) for name, error in details.items() if isinstance(error, AwsError)}
    return Overview(state=replace(state, users=users), unread=unread)
