"""One life of the accounts: what they are, and the memory that brings them back."""

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
from iamkit.sandbox.server.account import Account, Accounts, is_other_account
from iamkit.sandbox.server.authorization.authorizer import Authorizer
from iamkit.sandbox.server.call import Call, account_of
from iamkit.sandbox.server.commands import open_account
from iamkit.sandbox.server.errors import unknown_token
from iamkit.sandbox.server.eventual_consistency import as_seen
from iamkit.sandbox.server.http_message import Reply
from iamkit.sandbox.server.journal_entry import Different, JournalEntry, may_change
from iamkit.sandbox.server.moto_patches import ACCOUNT_ID, backends, clock, ids
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


class PersistentAccounts:
    """The accounts of a state folder, as they were left, or the main one anew.

    Attributes:
        accounts: the accounts; hold their lock to look at them.
        instance: the name of this life, new at each reset of the main account.
        root_key: the first ``access_key_id`` and ``secret_access_key`` of the main account's root.

    Args:
        state: the state folder.
        port: where a new sandbox listens; it will ask for the same port when it comes back.
        progress: is told how far the accounts are back.

    Raises:
        SandboxError: the memory is of other versions, or damaged, or comes out differently.
        OSError: it cannot be written.
    """

    def __init__(self, state: Path, port: int, progress: Progress = lambda *_: None) -> None:
        self._path, self._port = state / NAME, port
        exists = os.path.lexists(self._path)
        self._journal = Journal.open(self._path) if exists else self._new_journal()
        header, count = self._journal.header, self._journal.count
        self.instance = str(header["instance"])
        self.accounts, opened = bring_back(self._path, header, count, progress)
        self._gate = Authorizer(self.accounts)
        self.root_key: dict[str, str] = opened or self._open(ACCOUNT_ID)
        self.accounts.root_secret = self.root_key["secret_access_key"]

    @property
    def account(self) -> Account:
        """The main account."""
        return self.accounts[ACCOUNT_ID]

    def at(self, account_id: str) -> Account:
        """An account, which begins at the first look at it.

        Raises:
            ValueError: an account's id has 12 digits.
        """
        with self.accounts.lock:
            if account_id not in self.accounts:
                if not is_other_account(account_id):
                    raise ValueError("an account's id has 12 digits")
                self._open(account_id, authorizes=self.account.authorizes)
            return self.accounts[account_id]

    def reset(self, account_id: str, *, same_key: bool = False) -> None:
        """Begin an account anew, with nothing in it; with the main one all that there is.

        Args:
            account_id: of one that is there.
            same_key: whether the root of the main account keeps its first key.

        Raises:
            ValueError: the disk is full, or gone; nothing was changed.
        """
        with self.accounts.lock:
            self._gate.forget()
            if account_id != ACCOUNT_ID:
                self._open(account_id, authorizes=self.account.authorizes)
                return
            kept = {"root_key": self.root_key} if same_key else {}
            self._begin_journal()
            # As at a start, so that what is done from now on can be done again after one.
            bring_back(self._path, self._journal.header, 0, lambda *_: None)
            self.accounts.clear()
            self.root_key = self._open(ACCOUNT_ID, **kept)
            self.accounts.root_secret = self.root_key["secret_access_key"]

    def act(self, call: Call, seconds_unknown: float, account: Account | None = None) -> Reply:
        """AWS's reply to a call; a change is acknowledged when it is safe on the disk.

        Args:
            call: the call.
            seconds_unknown: for how long looks do not see what is new.
            account: the caller's, as it was when the key was held against it.

        Raises:
            Refused: AWS does not take the call, or the account began anew in the meantime.
        """
        with self.accounts.lock:
            if account not in (None, self.accounts.get(call.caller.account_id)):
                raise unknown_token()
            here = self.at(call.caller.account_id)
            self._gate.check(call)
            if not may_change(call):
                with as_seen(here, seconds_unknown):
                    return perform(call, here)
            self._gate.forget()
            return self._change(JournalEntry.of_call(self._changed_by(call), call))

    def _changed_by(self, call: Call) -> str:
        """The id of the account that a call acts on: a session is of its role's account."""
        of_role = account_of(call.get("RoleArn")) if call.action == "AssumeRole" else ""
        return of_role if of_role in self.accounts else call.caller.account_id

    def command(self, name: str, arguments: dict[str, Any], account_id: str = ACCOUNT_ID) -> Any:
        """Do one of the sandbox's own commands, and remember it.

        Raises:
            ValueError: it does not take its arguments.
        """
        if name == open_account.__name__:
            raise ValueError("an account begins anew by a reset")
        with self.accounts.lock:
            self._gate.forget()
            return self._do(account_id, name, arguments)

    def _open(self, account_id: str, **arguments: Any) -> Any:
        return self._do(account_id, open_account.__name__, arguments)

    def _do(self, account_id: str, name: str, arguments: dict[str, Any]) -> Any:
        entry, result = JournalEntry.of_command(account_id, name, arguments).do(self.accounts)
        self._keep(entry)
        return result

    def _begin_journal(self) -> None:
        """Put a journal with nothing in it in the place of the one that is there."""
        try:
            journal = self._new_journal()
        except OSError as error:
            raise ValueError(f"{self._path} cannot be written: {error.strerror}") from None
        self._journal.close()
        self._journal, self.instance = journal, str(journal.header["instance"])

    def _new_journal(self) -> Journal:
        return Journal.create(self._path, instance=secrets.token_hex(16), port=self._port)

    def use_key(self, key_id: str, service: str, region: str) -> None:
        """Take down that a key signs a call, unless the same was taken down a moment ago."""
        with self.accounts.lock:
            account, key = self.accounts.key(key_id)
            if account is None or _is_fresh(key.last_used, service, region):
                return
            arguments = {"access_key_id": key_id, "service": service, "region": region}
            entry, _ = JournalEntry.of_command(account.id, "use_key", arguments).do(self.accounts)
            self._note(entry)

    def _change(self, entry: JournalEntry) -> Reply:
        """Do a call; one that is refused may have changed something, so it is taken down too."""
        try:
            done, reply = entry.do(self.accounts)
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
) -> tuple[Accounts, Any]:
    """The accounts after a journal's first entries, and what came of the first, which opened one.

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
        backends.apart = way.apart
        clock.opened.clear()
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
) -> tuple[Accounts, Any]:
    accounts, first = Accounts(), None
    for number, data in enumerate(entries, 1):
        entry = JournalEntry(**data)
        if way.without_refused and entry.was_refused and entry.is_whole:
            continue
        try:
            result = entry.repeat(accounts, briefly=way.briefly, earlier=way.earlier)
        except Different:
            raise CameOutDifferentlyError(number) from None
        first = first or result
        progress(number, count)
    return accounts, first
