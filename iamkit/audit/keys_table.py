"""``audit_access_keys``: one row per access key, by user and key number.

A user whose keys nobody knows has one row, in which all but the name is missing.
"""

from collections.abc import Iterable, Iterator

from iamkit.account.gaps import REPORT
from iamkit.audit.columns import LACKING, STAMP, Column, Schema, Unread
from iamkit.audit.people import LISTED, HeldKey, Person

EITHER = f"{LISTED} or {REPORT}"


ACCESS_KEYS: Schema[HeldKey] = {
    "user": Column(
        "str", "whose key it is; the root's are of <root_account>", lambda k: k.person.name
    ),
    "slot": Column("Int64", "1 or 2, as in the credential report", lambda k: k.key.slot, EITHER),
    "key": Column("str", "access key id", lambda k: k.key.id, LISTED),
    "status": Column("str", "Active or Inactive", lambda k: k.key.status, EITHER),
    "active": Column("boolean", "whether it is active", lambda k: k.key.active, EITHER),
    "created": Column(STAMP, "when it was created", lambda k: k.key.created, LISTED),
    "last_rotated": Column(
        STAMP, "when it was created or changed", lambda k: k.key.report.last_rotated, REPORT
    ),
    "age_days": Column(
        "Int64", "since it was rotated", lambda k: k.age, f"{REPORT} or {LISTED}", "days"
    ),
    "last_used": Column(
        STAMP, "when it was last used", lambda k: k.key.report.last_used, REPORT, "", "status"
    ),
    "last_used_service": Column(
        "str", "for which service", lambda k: k.key.report.last_used_service, REPORT
    ),
    "last_used_region": Column(
        "str", "in which region", lambda k: k.key.report.last_used_region, REPORT
    ),
    "used": Column(
        "boolean", "whether it was ever used", lambda k: bool(k.key.report.last_used), REPORT
    ),
    "idle_days": Column(
        "Int64",
        "since the last use or, if there was none, since it was rotated",
        lambda k: k.idle,
        REPORT,
        "days",
    ),
    "active_keys": Column(
        "Int64", "how many active keys the user has", lambda k: k.person.active_keys, EITHER
    ),
    "newest": Column(
        "boolean", "the youngest of the user's active keys", lambda k: k.is_newest, EITHER
    ),
    "password_enabled": Column(
        "boolean",
        "the user has a console password too",
        lambda k: k.person.report.password_enabled,
        REPORT,
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
