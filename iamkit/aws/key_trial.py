"""Try what a user's own key may do, without doing it: EC2's dry runs are authorised and no more."""

from collections.abc import Callable
from typing import Any

import pandas as pd

from iamkit.aws.call_errors import CALL_ERRORS, code_of
from iamkit.aws.session import Session, open_session
from iamkit.errors import IamkitError
from iamkit.parameters.notebook import RunAsParameters

ALLOWED = "DryRunOperation"
DENIED = "UnauthorizedOperation"
COLUMNS = ("user", "action", "answer")


def try_users(session: Session, parameters: RunAsParameters) -> pd.DataFrame:
    """Ask EC2 with each stored key whether its user may look at instances, and run one.

    Nothing is started or changed: both calls are dry runs, which EC2 authorises and then leaves.
    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RunInstances.html

    Returns:
        A row for each call: ``user``, ``action``, ``answer`` (allowed, refused, or why it
        cannot be told), all ``str``; empty if no user was handed a key.
    """
    rows = [
        (row.name, action, answer)
        for row in getattr(parameters, "users", ())
        if session.store.key_ids(row.name)
        for action, answer in _try_one(session, parameters.model_copy(update={"run_as": row.name}))
    ]
    frame = pd.DataFrame(rows, columns=list(COLUMNS)).astype("str")
    frame.attrs["title"] = "What each key may do, tried without doing it"
    return frame


def _try_one(session: Session, parameters: RunAsParameters) -> list[tuple[str, str]]:
    """A trial never stops the notebook: by then its changes are made."""
    if not session.store.keys_of(parameters.run_as):
        return [("sign in", "not tried: only the key's owner can read it")]
    try:
        ec2 = open_session(parameters).clients.make("ec2")
    except IamkitError as error:  # such as a stored key that AWS no longer has
        return [("sign in", str(error))]
    calls: dict[str, Callable[[], Any]] = {
        "ec2:DescribeInstances": lambda: ec2.describe_instances(DryRun=True),
        "ec2:RunInstances": lambda: ec2.run_instances(
            DryRun=True, ImageId="ami-12345678", MinCount=1, MaxCount=1
        ),
    }
    answers = []
    for action, call in calls.items():
        try:
            call()
            code = "no answer to a dry run"
        except CALL_ERRORS as error:
            code = code_of(error)
        answers.append((action, {ALLOWED: "allowed", DENIED: "refused"}.get(code, code)))
    return answers
