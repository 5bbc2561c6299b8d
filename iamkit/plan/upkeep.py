"""Whose access key is due, and who has left or is to leave, as bulk reads alone tell.

It says whether a notebook is worth opening, which then reads the keys themselves and judges.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime

from iamkit.account.gaps import REPORT
from iamkit.account.state import AccountState, User
from iamkit.parameters.iam_names import Spelling
from iamkit.parameters.leavers import LeaversParameters
from iamkit.parameters.rotate_keys import RotateKeysParameters
from iamkit.plan.leavers import LEFT_TAG, denied_since
from iamkit.plan.rotation_stages import off_tags
from iamkit.text import few

Told = tuple[bool | None, str]
"""Whether there is something to do, None where that cannot be told; and what, in words."""
UNDATED = "when the account was read is not known"


def say_keys(current: AccountState, given: RotateKeysParameters) -> Told:
    """Whose active key is older than ``rotation_days``, and whose inactive one waits to go.

    Args:
        current: with everybody and the credential report, four hours old at most, which tells how
            old each key is.
        given: the days, and whose keys are left alone.
    """
    if not current.was_read(REPORT) or current.read_at is None:
        return None, current.source(REPORT).note or "the credential report was not read"
    now, days = current.read_at, given.thresholds.rotation_days
    exempt = {
        row.user.lower() for row in given.exempt if date.fromisoformat(row.until) >= _day(now)
    }
    judged = {
        user.name: _has_old_key(current, user, now, days)
        for user in current.users.values()
        if user.name.lower() not in exempt
    }
    due = [name for name, old in judged.items() if old]
    unknown = [name for name, old in judged.items() if old is None]
    off = [user.name for user in current.users.values() if off_tags(user)]
    said = (
        _listed(due, f"with a key older than {days} days"),
        _listed(off, "with a key that was switched off"),
        _listed(unknown, "of whom it cannot be told"),
    )
    told = "; ".join(filter(None, said)) or f"no active key is older than {days} days"
    return (True if due else None if unknown else False), told


def say_leavers(current: AccountState, given: LeaversParameters) -> Told:
    """Who is named and not stopped yet; and who was, by the tag, and for how long still.

    Args:
        current: with everybody, whose tags say the day, and whose policies deny.
        given: who is named, and the days of grace.
    """
    if current.read_at is None:
        return None, UNDATED
    known, today = Spelling(current.users), _day(current.read_at)
    left = {name: day for name, user in current.users.items() if (day := _left_on(current, user))}
    there = [name for row in given.leavers if (name := known.of(row.user)) in current.users]
    named = [name for name in there if name not in left]
    more = {name: given.leavers_grace_days - (today - day).days for name, day in left.items()}
    over = [name for name, days in more.items() if days <= 0]
    waiting = [f"{name} ({days} more)" for name, days in more.items() if days > 0]
    said = (
        _listed(named, "to be stopped"),
        _listed(over, "stopped, whose days of grace are over"),
        _listed(waiting, "stopped, with days of grace left"),
    )
    return bool(named or over), "; ".join(filter(None, said)) or "nobody is leaving"


def _has_old_key(current: AccountState, user: User, now: datetime, days: int) -> bool | None:
    """Whether an active key is older than so many full days; None where that cannot be told."""
    row = current.reported(user)
    if row is None:  # the report may be older than they are
        return False if user.created and (now - user.created).days <= days else None
    keys = [key for key in row.keys if key and key.active is not False]
    if any(
        key.active and key.last_rotated and (now - key.last_rotated).days > days for key in keys
    ):
        return True
    return None if any(key.active is None or key.last_rotated is None for key in keys) else False


def _left_on(current: AccountState, user: User) -> date | None:
    """The day of the tag that says that they left; None if it says no day, or nothing denies.

    Whoever may tag could make somebody look stopped who is not.
    """
    if not denied_since(user, current.partition)[0]:
        return None
    try:
        return date.fromisoformat(user.tags.get(Spelling(user.tags).of(LEFT_TAG), ""))
    except ValueError:
        return None


def _listed(names: Iterable[str], what: str) -> str:
    """Such as ``2 users with a key: bob, carol``; empty for nobody."""
    listed = list(names)
    users = "1 user" if len(listed) == 1 else f"{len(listed):,} users"
    return f"{users} {what}: {few(listed)}" if listed else ""


def _day(moment: datetime) -> date:
    return moment.astimezone(UTC).date()
