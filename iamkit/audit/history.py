"""The states of earlier audits, kept by themselves: one an audit, in a private folder.

Kept are the last ``LATEST`` audits, and beyond these the last of each week, for ``WEEKS`` weeks.
Beside each state stand its numbers, so that a line of weeks needs no audit of all of them.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from iamkit.account.state_file import load_state, save_state
from iamkit.audit import Audit
from iamkit.audit.numbers import count_numbers
from iamkit.errors import InputError, StorageError
from iamkit.storage.folders import private_folder
from iamkit.storage.private_files import write_whole

LATEST = 10
WEEKS = 52
RULE = f"the last {LATEST} audits, and beyond them the last of each week for {WEEKS} weeks"
"""Which are kept, in words."""
_STAMP = "%Y-%m-%dT%H%M%SZ"


@dataclass(frozen=True, kw_only=True)
class Kept:
    """The state of an earlier audit.

    Attributes:
        at: when the account was read.
        path: the state's file.
        numbers: by ``Number.id``, as they were then, by the thresholds and waivers of then.
        unknown: how many more each may have been.
    """

    at: datetime
    path: Path
    numbers: Mapping[str, int]
    unknown: Mapping[str, int]

    @property
    def day(self) -> str:
        """The day, in UTC."""
        return f"{self.at:%Y-%m-%d}"


def keep_state(audit: Audit, folder: Path) -> Kept | None:
    """Keep the state of an audit and its numbers, and delete those that the rule lets go.

    None if nobody knows when it was read.

    Raises:
        InputError: it cannot be written.
    """
    at = audit.state.read_at
    if at is None:
        return None
    path = folder / f"{at.astimezone(UTC):{_STAMP}}.json"
    counted = count_numbers(audit)
    told = {n.id: [n.value, n.unknown] for n in counted}
    try:
        private_folder(folder)
        write_whole(_numbers_of(path), json.dumps(told))
    except StorageError as error:
        raise InputError(f"{error.path}: {error.reason}.") from None
    except OSError as error:
        raise InputError(f"{folder} cannot be written: {error.strerror}.") from None
    save_state(audit.state, path)
    found = list_kept(folder)
    for old in let_go(one.at for one in found):
        gone = next(one.path for one in found if one.at == old)
        gone.unlink(missing_ok=True)
        _numbers_of(gone).unlink(missing_ok=True)
    return _read(path)


def list_kept(folder: Path) -> list[Kept]:
    """The kept states, the earliest first; what is no state of ours is passed over."""
    found = (_read(path) for path in folder.glob("*Z.json"))
    return sorted((one for one in found if one), key=lambda one: one.at)


def let_go(moments: Iterable[datetime]) -> list[datetime]:
    """Of the moments of audits, those whose states are kept no longer."""
    latest_first = sorted(moments, reverse=True)
    if not latest_first:
        return []
    ends = latest_first[0] - timedelta(weeks=WEEKS)
    weeks: set[tuple[int, int]] = set()
    gone = []
    for place, at in enumerate(latest_first):
        week = at.isocalendar()[:2]
        if place >= LATEST and (week in weeks or at < ends):
            gone.append(at)
        weeks.add(week)
    return gone


def kept_before(kept: Iterable[Kept], moment: datetime) -> Kept | None:
    """The latest of some kept states of a day or before; else the earliest of all.

    By days, since a job that runs weekly does not begin at the same second.
    """
    in_order = sorted(kept, key=lambda one: one.at)
    earlier = [one for one in in_order if one.at.date() <= moment.date()]
    return earlier[-1] if earlier else next(iter(in_order), None)


def load_audit(kept: Kept, like: Audit) -> Audit:
    """A kept state, audited with the thresholds and waivers of another audit.

    Raises:
        InputError: it cannot be read.
    """
    return like.of(load_state(kept.path))


def _numbers_of(path: Path) -> Path:
    return path.with_suffix(".numbers")


def _read(path: Path) -> Kept | None:
    try:
        at = datetime.strptime(path.stem, _STAMP).replace(tzinfo=UTC)
    except ValueError:
        return None
    try:
        told = json.loads(_numbers_of(path).read_text(encoding="utf-8"))
        numbers = {str(name): int(value) for name, (value, _) in told.items()}
        unknown = {str(name): int(more) for name, (_, more) in told.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        numbers, unknown = {}, {}
    return Kept(at=at, path=path, numbers=numbers, unknown=unknown)
