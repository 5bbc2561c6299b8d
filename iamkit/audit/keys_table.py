"""``audit_access_keys``: one row per access key, by user and key number.

A user whose keys nobody knows has one row, in which all but the name is missing.
"""

from collections.abc import Iterable, Iterator

from iamkit.account.gaps import REPORT
from iamkit.audit.columns import LACKING, Schema, Unread, flag, number, text, time
from iamkit.audit.people import LISTED, HeldKey, Person

EITHER = f"{LISTED} or {REPORT}"


ACCESS_KEYS: Schema[HeldKey] = {
    "user": text("whose key it is; the root's are of <root_account>", lambda k: k.person.name),
    "slot": number("1 or 2, as in the credential report", lambda k: k.key.slot, EITHER),
    "key": text("access key id", lambda k: k.key.id, LISTED),
    "status": text("Active or Inactive", lambda k: k.key.status, EITHER),
    "active": flag("whether it is active", lambda k: k.key.active, EITHER),
    "created": time("when it was created", lambda k: k.key.created, LISTED),
    "last_rotated": time(
        "when it was created or changed", lambda k: k.key.report.last_rotated, REPORT
    ),
    "age_days": number("since it was rotated", lambda k: k.age, f"{REPORT} or {LISTED}", "days"),
    "last_used": time("when it was last used", lambda k: k.key.report.last_used, REPORT, "status"),
    "last_used_service": text(
        "for which service", lambda k: k.key.report.last_used_service, REPORT
    ),
    "last_used_region": text("in which region", lambda k: k.key.report.last_used_region, REPORT),
    "used": flag("whether it was ever used", lambda k: bool(k.key.report.last_used), REPORT),
    "idle_days": number(
        "since the last use or, if there was none, since it was rotated",
        lambda k: k.idle,
        REPORT,
        "days",
    ),
    "active_keys": number(
        "how many active keys the user has", lambda k: k.person.active_keys, EITHER
    ),
    "newest": flag("the youngest of the user's active keys", lambda k: k.is_newest, EITHER),
    "password_enabled": flag(
        "the user has a console password too", lambda k: k.person.report.password_enabled, REPORT
    ),
    **LACKING,
}


def held_keys(people: Iterable[Person]) -> Iterator[HeldKey]:
    """The keys of all of them, and who has keys that nobody knows."""
    for person in people:
        try:
            yield from person.slots.values()
        except Unread:
            yield HeldKey(person, None)
