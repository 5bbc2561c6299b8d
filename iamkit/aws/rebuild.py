"""The file that makes a deleted user again, written before anything of theirs is deleted.

It is a journal of that user's deletion alone, so that ``iamkit undo FILE`` reads it: path, tags,
groups, policies and boundary. Whatever interrupts the deletion, the file is whole.
"""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from iamkit.aws.journal import FACTS
from iamkit.aws.session import Session
from iamkit.errors import StorageError
from iamkit.plan.change import Change
from iamkit.plan.changes import Plan
from iamkit.storage.folders import check_room, private_folder
from iamkit.storage.private_files import write_whole


def keep_rebuilds(plan: Plan, session: Session) -> list[Path]:
    """Write a file for each user whom a plan deletes; one of a deletion that goes on stays.

    Returns:
        The files, ``<folder>/deleted/<user>-<id>.jsonl``, for their owner alone.

    Raises:
        StorageError: one cannot be written; nothing was changed.
    """
    going = [change.name for change in plan.changes if change.operation == "delete_user"]
    return [_keep(plan, name, session) for name in going]


def _keep(plan: Plan, name: str, session: Session) -> Path:
    changes = [change for change in plan.changes if change.kind == "user" and change.name == name]
    user = plan.current.users[name]
    path = session.folder / "deleted" / f"{quote(name, safe='@+=,')}-{user.id}.jsonl"
    private_folder(path.parent)
    begins = any(change.operation == "put_user_permissions_boundary" for change in changes)
    if begins or not path.exists():
        text = "".join(_lines(changes, session.identity.arn))
        check_room(path.parent, len(text))
        try:
            write_whole(path, text)
        except OSError as error:
            raise StorageError(path, error.strerror or "it cannot be written") from None
    return path


def _lines(changes: Iterable[Change], caller: str) -> Iterable[str]:
    """What a journal says of the changes that can be taken back, keys aside."""
    now = datetime.now(UTC).isoformat()
    kept = [c for c in changes if c.inverse is not None and c.part != "access key"]
    for number, change in enumerate(kept, 1):
        entry = {"time": now, "change": number}
        call = {name: getattr(change, name) for name in FACTS}
        before = {"event": "before", "caller": caller, **call, "previous": change.before}
        yield json.dumps(entry | before) + "\n"
        yield json.dumps(entry | {"event": "after", "outcome": "done"}) + "\n"
