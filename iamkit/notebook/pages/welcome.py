"""Write the pages that new users are sent, each a file in the account's folder."""

from pathlib import Path

import pandas as pd

from iamkit.account.state import sign_in_url
from iamkit.app_mode import applying_is_off
from iamkit.aws.session import Session
from iamkit.credentials.credential import file_name
from iamkit.credentials.files import private_folder, replace_whole
from iamkit.credentials.welcome import Delivery, Welcome, welcome_page
from iamkit.errors import HandoverError
from iamkit.parameters.models import UsersParameters
from iamkit.plan.desired import Desired

COLUMNS = ("user", "file")
NOTHING = "no page: nothing was handed over to them yet"


def write_welcome_pages(session: Session, wanted: UsersParameters | Desired) -> pd.DataFrame:
    """Write a page for each wanted user to whom something was handed over.

    A page tells where to sign in, the first steps, and how its user gets to their credentials; it
    holds none of them.

    Returns:
        A row for each user: ``user``, and ``file`` or why there is none; both ``str``.

    Raises:
        HandoverError: a page cannot be written.
    """
    if reason := applying_is_off():
        rows = [(user.name, f"not written: {reason}") for user in wanted.users]
    else:
        rows = [(u.name, str(_write_page(session, u.name) or NOTHING)) for u in wanted.users]
    frame = pd.DataFrame(rows, columns=list(COLUMNS)).astype("str")
    frame.attrs["title"] = "A page for each user, to send: it holds no secret"
    return frame


def _write_page(session: Session, user: str) -> Path | None:
    """The page's file; None if nothing was handed over."""
    receipts = session.store.receipts(user)
    if not receipts:
        return None
    identity = session.identity
    # Of several keys the newest is the one that counts; a password there is but once.
    newest = {receipt.what: receipt for receipt in reversed(receipts)}
    welcome = Welcome(
        user=user,
        account_id=identity.account_id,
        alias=session.alias,
        sign_in_url=sign_in_url(session.alias or identity.account_id, identity.partition),
        deliveries=[
            Delivery.of(what, str(newest[what].where)) for what in sorted(newest, reverse=True)
        ],
    )
    path = session.folder / "welcome" / f"{file_name(user)}.html"
    private_folder(path.parent)
    try:
        replace_whole(path, welcome_page(welcome).encode())
    except OSError as error:
        raise HandoverError(f"{path} cannot be written ({error.strerror}).") from None
    return path
