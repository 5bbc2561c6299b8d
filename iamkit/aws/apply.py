"""Apply a plan: a loop over its changes, with a journal, and a way on from every interruption.

A reply that is lost after AWS acted makes botocore's retry report a false "exists already" or
"no such entity". So whenever it is in doubt whether a call acted, the account is read again: the
change is done if a new plan no longer holds it.
"""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from iamkit.account.state import JSON
from iamkit.app_mode import refuse_if_only_shown
from iamkit.aws.call_errors import (
    CALL_ERRORS,
    NOT_YET,
    STOPS_ALL,
    THROTTLED,
    code_of,
    explain_error,
    may_pass,
    retries_of,
    status_of,
)
from iamkit.aws.hand_over import CREDENTIALS, SETTLING, CredentialMaker, check_destinations
from iamkit.aws.journal import Journal
from iamkit.aws.lockout_check import refuse_lockout
from iamkit.aws.read import read_account
from iamkit.aws.rebuild import keep_rebuilds
from iamkit.aws.session import Session
from iamkit.credentials import Receipt
from iamkit.errors import AwsError, GuardError, IamkitError, PartlyApplied, StalePlan, UnsafePlan
from iamkit.plan.changes import Change, Plan, make_plan
from iamkit.policies.grammar.document import to_json

PATIENCE = 120.0
"""Seconds to wait until AWS knows everywhere what it has just made, as Terraform does."""


GONE = "RESOURCE_NOT_FOUND"
REPEAT = "Run it again to go on from there."
MEND = "AWS would refuse it every time: mend the cause, then plan what is left."


@dataclass(kw_only=True)
class Outcome:
    """What became of a plan.

    Attributes:
        done: the changes that were made.
        failed: the changes that were not, each with the reason.
        left: the changes that were not tried.
        receipts: where each new credential is.
        rebuilds: the files that make deleted users again (``iamkit undo FILE``).
        journal: the file with a line before and after each call.
        trouble: why it was stopped although its last change was made; empty if it was not.
        lasting: whether a failure stays as it is until somebody mends its cause.
    """

    done: list[Change] = field(default_factory=list)
    failed: list[tuple[Change, str]] = field(default_factory=list)
    left: list[Change] = field(default_factory=list)
    receipts: list[Receipt] = field(default_factory=list)
    rebuilds: list[Path] = field(default_factory=list)
    journal: Path | None = None
    trouble: str = ""
    lasting: bool = False

    def raise_if_incomplete(self) -> None:
        """Say what was done and what is left, if anything is.

        Raises:
            AwsError: nothing was changed; or all was, and the journal does not tell it.
            PartlyApplied: some changes were made, others not.
        """
        if not self.failed and not self.left:
            if self.trouble:
                raise AwsError(
                    f"{len(self.done)} change(s) were made, and none is left, but: {self.trouble}"
                )
            return
        reason = self.failed[0][1] if self.failed else self.trouble or "It was stopped."
        undone = [change for change, _ in self.failed] + self.left
        if not self.done:
            raise AwsError(f"{reason} Nothing was changed.")
        targets = ", ".join(dict.fromkeys(change.target for change in undone))
        advice = MEND if self.lasting else REPEAT
        raise PartlyApplied(
            f"{len(self.done)} change(s) were made, {len(undone)} are left ({targets}); journal: "
            f"{self.journal}. {reason} {advice}"
        )


def apply_plan(
    plan: Plan,
    session: Session,
    *,
    allow_destructive: bool = False,
    on_progress: Callable[[Change, str], None] = lambda _change, _state: None,
    stopped: threading.Event | None = None,
    typed: str | None = None,
    accept_lockout: str = "",
) -> Outcome:
    """Make the changes of a plan, under the account's lock.

    Args:
        plan: as it was reviewed; it is made again first, and must come out the same.
        session: an open session with the account of the plan.
        allow_destructive: whether changes that destroy something are meant.
        on_progress: called with each change and ``under way``, then ``done`` or ``failed``.
        stopped: set it, from another thread, to stop between two changes.
        typed: what a person typed to allow what is lost, where a click applies; None in a
            headless run, which allows it by ``allow_destructive`` alone.
        accept_lockout: the words that ``refuse_lockout`` told, to lock somebody out by this plan.

    Returns:
        What was done, what failed and what is left. See ``Outcome.raise_if_incomplete``.

    Raises:
        UnsafePlan, StalePlan, GuardError, LockedError, HandoverError, StorageError: nothing was
            changed. All that must be written after the first call was tried before it.
    """
    refuse_if_only_shown()
    plan.raise_if_unsafe(allow_destructive=allow_destructive)
    wanted = word_to_type(plan, session)
    if typed is not None and wanted and typed != wanted:
        raise UnsafePlan(
            f"{len(plan.destructive)} destructive change(s) on a live account: type {wanted} to "
            "allow what is lost. Nothing was changed."
        )
    if session.refusal:
        raise GuardError(f"Not applied: {session.refusal}. Nothing was changed.")
    if plan.account_id != session.identity.account_id:
        raise GuardError(
            f"The plan is for account {plan.account_id}, the session for "
            f"{session.identity.account_id}. Nothing was changed."
        )
    if not plan.changes:
        return Outcome()
    stop = stopped or threading.Event()
    with session.store.lock(), _deferred(stop):
        session.store.preflight(sum(c.operation in CREDENTIALS for c in plan.changes))
        check_destinations(plan, session)
        _raise_if_stale(plan, session)
        refuse_lockout(plan, session, accept_lockout)
        rebuilds = keep_rebuilds(plan, session)
        outcome = _Application(plan, session, on_progress, stop).run()
        outcome.rebuilds = rebuilds
        return outcome


def word_to_type(plan: Plan, session: Session) -> str:
    """What a person types before a click destroys something.

    Where somebody's password or device is lost, it is the names of those users; else the live
    account's alias, or its id. Empty if nothing is lost, or in the practice account.
    """
    if session.environment == "sandbox" or not plan.destructive:
        return ""
    losing = [u.name for u in plan.desired.users if u.password_since or u.devices_since]
    if losing:
        lower = {change.name.lower() for change in plan.destructive}
        return " ".join(name for name in losing if name.lower() in lower)
    return session.alias or session.identity.account_id


ONCE = {"create_access_key", "create_login_profile", "create_account_alias"}
"""Calls that are not repeated as long as they may have acted: two hold a secret, and of an alias
AWS says for others' too that it exists."""


def await_applied(plan: Plan, session: Session) -> Plan:
    """What is left of an applied plan, read again until nothing is or patience ends.

    Raises:
        AwsError: the account cannot be read.
    """
    deadline = time.monotonic() + PATIENCE
    while True:
        left = plan_again(plan, session)
        if not left.changes or time.monotonic() > deadline:
            return left
        time.sleep(1)


def plan_again(plan: Plan, session: Session) -> Plan:
    """What a plan comes to now; only that is read on which it depends.

    Raises:
        AwsError: the account cannot be read.
    """
    account = read_account(session, plan.desired, operations=(), kinds=plan.desired.kinds)
    return make_plan(account, plan.desired)


def _raise_if_stale(plan: Plan, session: Session) -> None:
    fresh = plan_again(plan, session)
    if fresh.changes != plan.changes:
        raise StalePlan(
            f"The account changed since the plan was made (it would now be: {fresh.summary}). "
            "Make the plan again and review it. Nothing was changed."
        )
    fresh.raise_if_unsafe(allow_destructive=True)


@dataclass
class _Application:
    """One run over the changes of one plan."""

    plan: Plan
    session: Session
    on_progress: Callable[[Change, str], None]
    stopped: threading.Event

    def __post_init__(self) -> None:
        self.journal = Journal(self.session.folder, self.plan.changes)
        self.outcome = Outcome(journal=self.journal.path)
        self.maker = CredentialMaker(self.session, self.plan)

    def run(self) -> Outcome:
        """Go over the changes; a user's failure stops that user's changes alone."""
        failed_targets: set[str] = set()
        for number, change in enumerate(self.plan.changes, 1):
            if self.stopped.is_set() or change.target in failed_targets:
                self.outcome.left.append(change)
                continue
            self.on_progress(change, "under way")
            failure = self._step(number, change)
            self.on_progress(change, "failed" if failure else "done")
            if failure is None:
                self.outcome.done.append(change)
                continue
            self.outcome.failed.append((change, str(failure.error)))
            self.outcome.lasting |= not failure.passing
            failed_targets.add(change.target)
            if failure.stops_all or change.kind != "user":
                self.stopped.set()
        self.journal.close()
        return self.outcome

    def _step(self, number: int, change: Change) -> "_Failure | None":
        try:
            self.journal.before(number, change, self.session.identity.arn)
        except OSError as error:
            return _Failure(IamkitError(_unwritten(error)), stops_all=True)
        failure = self._try(change)
        try:
            outcome = str(failure.error) if failure else "done"
            doubtful = failure is not None and failure.doubtful
            self.journal.after(number, outcome, self._made(change), doubtful=doubtful)
        except OSError as error:  # the change was made, or failed, all the same
            self.outcome.trouble = _unwritten(error)
            self.stopped.set()
        return failure

    def _made(self, change: Change) -> str:
        """The id of the access key that a change has made; empty for every other."""
        last = self.outcome.receipts[-1:]
        made = [one.key_id for one in last if one.user == change.name]
        return made[0] if made and change.operation == "create_access_key" else ""

    def _try(self, change: Change) -> "_Failure | None":
        """Make one call; wait while AWS does not know yet what was made a moment ago."""
        failing_since, pause = 0.0, 0.5
        while True:
            try:
                self._call(change)
            except CALL_ERRORS as error:
                if self._is_done_after(change, error):
                    return None
                failing_since = failing_since or time.monotonic()
                patience = failing_since + self._patience(change, error) - time.monotonic()
                if patience <= 0 or self.stopped.wait(pause):
                    return self._failure(change, error)
                pause = min(pause * 2, 10)
            except IamkitError as error:
                return _Failure(error, stops_all=True)
            else:
                return None

    def _patience(self, change: Change, error: Exception) -> float:
        """For how many seconds an error may only mean that AWS does not know yet."""
        if code_of(error) in THROTTLED or (code_of(error) in NOT_YET and self.outcome.done):
            return PATIENCE
        if change.operation == "create_login_profile" and self._was_there(change):
            return PATIENCE if code_of(error) == "EntityAlreadyExists" else 0
        # A first try whose reply was lost may have made it, and be seen a little later.
        doubtful = code_of(error) == "EntityAlreadyExists" or status_of(error) >= 500
        again = change.verb == "create" and change.operation not in ONCE
        return SETTLING if doubtful and again else 0

    def _was_there(self, change: Change) -> bool:
        """Whether this run deleted the same user's password a moment ago; AWS may see it still."""
        gone = ("delete_login_profile", change.target)
        return gone in {(one.operation, one.target) for one in self.outcome.done}

    def _failure(self, change: Change, error: Exception) -> "_Failure":
        client = self.session.clients.of(change.service)
        operation = client.meta.method_to_api_mapping[change.operation]
        quote = not self.maker.is_named_in(str(error))
        explained = explain_error(error, operation, change.service, quote=quote)
        if _is_anothers(change, error) and not self._was_there(change):
            self.session.store.forget_password(change.name)
            explained = AwsError(
                f"{change.name} has a password by now that was made elsewhere, and keeps it. The "
                "one that was made here is of no use and is forgotten."
            )
        if change.operation == "create_access_key" and status_of(error) >= 500:
            explained = AwsError(f"{explained} If a key was made, the next run replaces it.")
        stops_all = code_of(error) in STOPS_ALL
        doubtful = status_of(error) >= 500
        return _Failure(explained, stops_all=stops_all, passing=may_pass(error), doubtful=doubtful)

    def _call(self, change: Change) -> None:
        arguments = dict(change.arguments)
        if "PolicyDocument" in arguments:
            arguments["PolicyDocument"] = to_json(arguments["PolicyDocument"])
        if change.operation == "create_access_key":
            self.outcome.receipts.append(self.maker.make_key(arguments["UserName"]))
        elif change.operation == "create_login_profile":
            self.outcome.receipts.append(self.maker.make_password(arguments))
        else:
            client = self.session.clients.of(change.service)
            _raise_if_in_part(getattr(client, change.operation)(**arguments))
        if change.operation == "delete_access_key":
            self.session.store.forget_key(arguments["UserName"], arguments["AccessKeyId"])

    def _is_done_after(self, change: Change, error: Exception) -> bool:
        """Whether the call acted although it ended in this error; told by reading again.

        A new access key is another matter: it is of no use without its secret. So is a password
        that was there before the call: it is not the one that is stored.
        """
        expected = "NoSuchEntity" if change.verb == "delete" else "EntityAlreadyExists"
        doubtful = code_of(error) == expected or status_of(error) >= 500
        if change.operation == "create_access_key" or not doubtful or _is_anothers(change, error):
            return False
        try:
            left = plan_again(self.plan, self.session).changes
        except AwsError:
            return False
        return change not in left


def _is_anothers(change: Change, error: Exception) -> bool:
    """Whether AWS had a password of the user when it was first asked to make one."""
    exists = change.operation == "create_login_profile" and code_of(error) == "EntityAlreadyExists"
    return exists and retries_of(error) == 0


def _raise_if_in_part(reply: JSON) -> None:
    """Raise for sessions that could not be revoked; one that is not found is gone."""
    failed = [one["code"] for one in reply.get("errors", ()) if one["code"] != GONE]
    if failed:
        raise AwsError(f"signin:BatchRevokeSessions: {len(failed)} session(s): {failed[0]}.")


def _unwritten(error: OSError) -> str:
    return f"The journal cannot be written ({error.strerror}), so nothing more is done."


@dataclass(frozen=True)
class _Failure:
    error: Exception
    stops_all: bool
    passing: bool = False
    doubtful: bool = False


@contextmanager
def _deferred(stopped: threading.Event) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM stop the loop between two calls, never within one."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    signals = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda *_: stopped.set()) for number in signals]
    try:
        yield
    finally:
        for number, handler in zip(signals, before, strict=True):
            signal.signal(number, handler)
