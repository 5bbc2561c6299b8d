"""Read what tells whether a plan locks somebody out, and refuse it if nobody agreed."""

from iamkit.account.gaps import DETAILS, REPORT
from iamkit.aws.read import read_account, read_more, read_permissions
from iamkit.aws.session import Session
from iamkit.errors import Lockout
from iamkit.plan.changes import Plan
from iamkit.plan.desired import OF_EVERY_USER
from iamkit.plan.first_minutes import loses_device
from iamkit.plan.lockout import (
    administrators,
    caller_of,
    consent_to,
    find_lockout,
    locks_passwords,
    may_lock_out,
    somebody_stays,
)

TOGETHER = 8
"""Administrators whose credentials are read at once, until one is found who stays."""


def read_lockout(plan: Plan, session: Session) -> tuple[str, ...]:
    """Why a plan had better not be applied, by a fresh reading: sentences; none for nearly all.

    Nothing is read for a plan that takes nothing away. Else everyone's policies are, and the
    credentials of administrators, those whom it touches first, until one is found who surely stays.

    Raises:
        AwsError: the policies cannot be read.
    """
    if not may_lock_out(plan.current, plan.changes):
        return ()
    state = (
        read_account(session, operations=(DETAILS, REPORT, "GetAccountPasswordPolicy"))
        if locks_passwords(plan.changes)
        else read_permissions(session)
    )
    caller = caller_of(session.identity, session.clients.key_id)
    state = read_more(session, state, {"ListMFADevices": loses_device(plan.changes)})
    touched = {change.name for change in plan.changes}
    names = sorted(administrators(state), key=lambda name: name not in touched)
    for first in range(0, len(names), TOGETHER):
        some = names[first : first + TOGETHER]
        state = read_more(session, state, dict.fromkeys(OF_EVERY_USER, some))
        if somebody_stays(state, plan.changes, caller):
            break
    return find_lockout(state, plan.changes, caller)


def refuse_lockout(plan: Plan, session: Session, accepted: str) -> None:
    """Refuse a plan that locks somebody out, unless that was accepted of this very plan.

    Raises:
        Lockout: naming whom, and how it is accepted.
        AwsError: it cannot be told for want of a reading.
    """
    if not (found := read_lockout(plan, session)):
        return
    consent = consent_to(plan.account_id, plan.changes)
    if accepted != consent:
        raise Lockout(
            f"{' '.join(found)} Nothing was changed. If that is meant: accept_lockout: {consent}, "
            "which holds for this plan alone.",
            consent,
        )
