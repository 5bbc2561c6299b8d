"""One life of the account: what it is, and the memory that brings it back."""

import logging
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from iamkit.errors import SandboxError
from iamkit.sandbox.journal import NAME, NO_ROOM, Journal, read_entries, versions
from iamkit.sandbox.server.account import Account
from iamkit.sandbox.server.authorization.authorizer import Authorizer
from iamkit.sandbox.server.call import Call
from iamkit.sandbox.server.eventual_consistency import as_seen
from iamkit.sandbox.server.http_message import Reply
from iamkit.sandbox.server.journal_entry import Different, JournalEntry, may_change
from iamkit.sandbox.server.moto_patches import backends, clock, ids
from iamkit.sandbox.server.services import perform

Progress = Callable[[int, int], None]
"""Is told how many changes there are again, of how many."""
LIKE_AWS = 3
"""The first format whose accounts have ids like AWS's; what was told before stays as it was."""
USED_ANEW = timedelta(minutes=1)
"""How old a last use must be before the next one is taken down."""

log = logging.getLogger("iamkit.sandbox")


class CameOutDifferentlyError(SandboxError):
    """An entry did not come out as it did the first time.

    Attributes:
        number: which one, from 1.
    """

    def __init__(self, number: int) -> None:
        super().__init__(
            f"Change {number:,} of the practice account came out differently this time. Nothing "
            "was changed. `iamkit sandbox restore` goes back to the one before it; `iamkit "
            "sandbox reset` starts a new account."
        )
        self.number = number


class PersistentAccount:
    """The account of a state folder, as it was left, or new.

    Attributes:
        account: the account; hold its lock to look at it.
        instance: the name of this life, new at each reset.
        root_key: the root's first ``access_key_id`` and ``secret_access_key``.

    Args:
        state: the state folder.
        port: where a new account listens; it will ask for the same port when it comes back.
        progress: is told how far the account is back.

    Raises:
        SandboxError: the memory is of other versions, or damaged, or comes out differently.
        OSError: it cannot be written.
    """

    def __init__(self, state: Path, port: int, progress: Progress = lambda *_: None) -> None:
        path = state / NAME
        self._journal = (
            Journal.open(path)
            if os.path.lexists(path)
            else Journal.create(path, instance=secrets.token_hex(16), port=port)
        )
        self.instance = str(self._journal.header["instance"])
        self.account, opened = bring_back(path, self._journal.header, self._journal.count, progress)
        self._gate = Authorizer(self.account)
        self.root_key = opened or self.command("open_account", {})

    def act(self, call: Call, seconds_unknown: float) -> Reply:
        """AWS's reply to a call; a change is acknowledged when it is safe on the disk.

        Args:
            call: the call.
            seconds_unknown: for how long looks do not see what is new.

        Raises:
            Refused: AWS does not take the call.
        """
        with self.account.lock:
            self._gate.check(call)
            if not may_change(call):
                with as_seen(self.account, seconds_unknown):
                    return perform(call, self.account)
            self._gate.forget()
            return self._change(JournalEntry.of_call(call))

    def command(self, name: str, arguments: dict[str, Any]) -> Any:
        """Do one of the sandbox's own commands, and remember it.

        Raises:
            ValueError: it does not take its arguments.
        """
        with self.account.lock:
            self._gate.forget()
            entry, result = JournalEntry.of_command(name, arguments).do(self.account)
            self._keep(entry)
            return result

    def use_key(self, key_id: str, service: str, region: str) -> None:
        """Take down that a key signs a call, unless the same was taken down a moment ago."""
        with self.account.lock:
            key = self.account.key(key_id)
            if key is None or _is_fresh(key.last_used, service, region):
                return
            arguments = {"access_key_id": key_id, "service": service, "region": region}
            entry, _ = JournalEntry.of_command("use_key", arguments).do(self.account)
            self._note(entry)

    def _change(self, entry: JournalEntry) -> Reply:
        """Do a call; one that is refused may have changed something, so it is taken down too."""
        try:
            done, reply = entry.do(self.account)
        except Exception:
            self._note(entry.refused())
            raise
        if reply.status < 400:
            self._keep(done)
        else:
            self._note(entry.refused())
        answer: Reply = reply
        return answer

    def _note(self, entry: JournalEntry) -> None:
        self._write(lambda: self._journal.note(asdict(entry)))

    def _keep(self, entry: JournalEntry) -> None:
        self._write(lambda: self._journal.keep(asdict(entry)))

    def _write(self, write: Callable[[], None]) -> None:
        try:
            write()
        except OSError as error:
            # What is in memory is ahead of the disk, and must never be acknowledged.
            with suppress(OSError):
                log.error("A change could not be written down: %s.", error.strerror)  # noqa: TRY400
            os._exit(NO_ROOM)


def _is_fresh(last: Any, service: str, region: str) -> bool:
    same = last is not None and (last.service, last.region) == (service, region)
    return same and timedelta(0) <= clock.now() - last.timestamp < USED_ANEW


def bring_back(
    path: Path, header: Mapping[str, Any], count: int, progress: Progress
) -> tuple[Account, Any]:
    """The account after a journal's first entries, and what came of the first, which opened it.

    Args:
        path: the journal, which a survey found whole as far as that.
        header: what it says first.
        count: how many entries to do again.
        progress: is told how far it is.

    Raises:
        CameOutDifferentlyError: whichever way they are done.
    """
    reached, stamp = 0, header["versions"]
    ids.like_aws = stamp["format"] >= LIKE_AWS
    for way in _ways(stamp):
        backends.forget()
        backends.apart, clock.opened = way.apart, None
        try:
            return _repeat(read_entries(path, count), count, progress, way)
        except CameOutDifferentlyError as different:
            reached = max(reached, different.number)
        finally:
            backends.apart = True
    raise CameOutDifferentlyError(reached)


@dataclass(frozen=True)
class _Way:
    """A way in which the entries of a journal can be done again.

    Attributes:
        apart: whether backends are made apart from the entry that asks first.
        briefly: whether what was drawn says enough.
        earlier: whether they are of a format whose calls were refused, and answered, otherwise.
        without_refused: whether what was refused is left out, because it would not be now.
    """

    apart: bool = True
    briefly: bool = False
    earlier: bool = False
    without_refused: bool = False


def _ways(stamp: dict[str, Any]) -> Iterator[_Way]:
    """Those that may be right for what wrote a journal, the likeliest first."""
    here = versions()
    earlier = stamp["format"] < here["format"]
    same = {**stamp, "format": here["format"]} == here
    # In format 1 it depended on whether somebody had looked before the first change.
    for apart in (True, False) if stamp["format"] == 1 else (True,):
        for briefly in (True, False) if same and stamp["format"] > 1 else (False,):
            for without_refused in (False, True) if earlier else (False,):
                yield _Way(apart, briefly, earlier, without_refused)


def _repeat(
    entries: Iterator[dict[str, Any]], count: int, progress: Progress, way: _Way
) -> tuple[Account, Any]:
    account, first = Account(), None
    for number, data in enumerate(entries, 1):
        entry = JournalEntry(**data)
        if way.without_refused and entry.was_refused and entry.is_whole:
            continue
        try:
            result = entry.repeat(account, briefly=way.briefly, earlier=way.earlier)
        except Different:
            raise CameOutDifferentlyError(number) from None
        first = first or result
        progress(number, count)
    return account, first
