"""Who leaves, in two stages that are read from the account: first nothing works, later all goes.

Stage one is undoable: a deny of everything, the keys off, the sessions of ``aws login`` revoked,
and a tag with the day. Stage two deletes. The tag alone never deletes, as whoever may tag could
arm it: the day also stands in the deny, and the deny, the keys and the silence since are judged as
they are read now.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Literal

from iamkit.account.gaps import REPORT, STALE
from iamkit.account.state import JSON, AccountState, ReportRow, User
from iamkit.errors import InputError
from iamkit.parameters.iam_names import TAGS_PER_USER, Spelling, near_names
from iamkit.plan.desired import Absent, Desired, DesiredUser
from iamkit.plan.holders import ATTACHED_POLICIES
from iamkit.policies.grammar.document import count_characters
from iamkit.policies.grammar.quotas import QUOTAS
from iamkit.policies.grammar.statements import statements_of, texts_of
from iamkit.text import few, listed

LEFT_TAG = "iamkit:left"
"""The key of the tag whose value is the day, in UTC, as 2027-01-31."""
DENY_POLICY = "iamkit-left"
"""The name of the inline policy that denies everything."""
LEAVERS_READ = (
    "GetAccountAuthorizationDetails",
    REPORT,
    "ListUsers",
    "ListRoles",
    "ListAccountAliases",
    "ListVirtualMFADevices",
    "ListServiceSpecificCredentials",
    "ListSessions",
)
"""What tells of everybody, in bulk."""
OF_EACH_LEAVER = ("ListAccessKeys", "ListSSHPublicKeys")
"""What no bulk call tells: two calls a leaver."""

Stage = Literal["leaves now", "has left", "is deleted", "blocked", "is not there"]


@dataclass(frozen=True, kw_only=True)
class Leaving:
    """Somebody who is to leave, as parameters name them.

    Attributes:
        delete_password: whether the console password goes in stage one, for good.
    """

    user: str
    delete_password: bool = False


@dataclass(frozen=True, kw_only=True)
class Leaver:
    """How far somebody's leaving is, and what is done about it now.

    Attributes:
        user: the name as the account writes it.
        stage: ``leaves now`` for stage one, ``has left`` while the days pass, ``is deleted`` for
            stage two; ``blocked`` if neither may be.
        said: why, or what comes next, in a sentence.
        left: the day of stage one, if it is behind them.
        doubt: whether ``said`` is something that a person must look at.
        desired: what is wanted of the account.
    """

    user: str
    stage: Stage
    said: str
    left: date | None = None
    doubt: bool = False
    desired: DesiredUser | None = None


def judge_leavers(
    state: AccountState, leaving: Iterable[Leaving], grace_days: int, spared: Mapping[str, str]
) -> tuple[Leaver, ...]:
    """How far the leaving of each is.

    Args:
        state: the account, with ``LEAVERS_READ`` and, of those who leave, ``OF_EACH_LEAVER``.
        leaving: who is named.
        grace_days: how many whole days lie between the stages.
        spared: who cannot leave by this, by name in lower case, with the reason.

    Raises:
        InputError: the state does not say when it was read.
    """
    named, known = list(leaving), Spelling(state.users)
    missing = [one.user for one in named if known.of(one.user) not in state.users]
    near = near_names(missing, state.users)
    return tuple(
        _absent(one.user, near[one.user])
        if one.user in near
        else _Case(state, state.users[known.of(one.user)], one, grace_days).judge(spared)
        for one in named
    )


def wanted_of(leavers: Sequence[Leaver]) -> Desired:
    """What all of it comes to: of some the first stage, of others the second."""
    going = tuple(one.user for one in leavers if one.stage == "is deleted")
    return Desired(
        users=tuple(one.desired for one in leavers if one.desired),
        absent_users=going,
        doubts=tuple(f"{one.user}: {one.said}" for one in leavers if one.doubt),
        origins={"absent_users": "leavers"} if going else {},
    )


def deny_everything(day: date) -> JSON:
    """The policy of who has left, with the day in the statement's id."""
    statement = {"Sid": f"Left{day:%Y%m%d}", "Effect": "Deny", "Action": "*", "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [statement]}


def denies_everything(document: JSON) -> bool:
    """Whether a policy denies everything, without a condition."""
    return any(True for _ in _denying(document))


def denied_since(user: User, partition: str) -> tuple[bool, date | None]:
    """Whether everything is denied to a user, as stage one does, and since when, if that is said.

    Args:
        user: with their policies.
        partition: of the account, such as ``aws``.
    """
    own = user.inline_policies.get(DENY_POLICY)
    if own and (sids := list(_denying(own))):
        return True, next((day for sid in sids if (day := _day_of_sid(sid))), None)
    deny_all = deny_all_arn(partition)
    return deny_all in user.attached_policies or user.permissions_boundary == deny_all, None


def deny_all_arn(partition: str) -> str:
    """The ARN of AWS's own policy that denies everything."""
    return f"arn:{partition}:iam::aws:policy/AWSDenyAll"


def _absent(name: str, near: Sequence[str]) -> Leaver:
    if near:
        said = f"no such user; near is {', '.join(near)}. Mend the name, or take it out."
        return Leaver(user=name, stage="is not there", said=said, doubt=True)
    return Leaver(user=name, stage="is not there", said="no such user, so nothing is left to do.")


@dataclass(frozen=True)
class _Case:
    """One user who is to leave, and the account."""

    state: AccountState
    user: User
    leaving: Leaving
    grace_days: int
    today: date = field(init=False)

    def __post_init__(self) -> None:
        if self.state.read_at is None:
            raise InputError("The account does not say when it was read, so no day can be told.")
        object.__setattr__(self, "today", self.state.read_at.astimezone(UTC).date())

    def judge(self, spared: Mapping[str, str]) -> Leaver:
        name = self.user.name
        if why := spared.get(name.lower()):
            return self._blocked(f"{why}.")
        if not self.state.was_read("ListAccessKeys", name):
            note = self.state.source("ListAccessKeys").note
            return self._blocked(note or "the access keys were not read.")
        if (left := self._left) is None:
            return self._first_stage()
        passed = (self.today - left).days
        if passed < self.grace_days:
            return self._waits(left, self.grace_days - passed)
        if reasons := list(self._activity(left)):
            said = f"left on {left}, and is not deleted: {few(reasons)}."
            return self._stays(left, said, doubt=True)
        bound = DesiredUser(
            name=name,
            make=False,
            permissions_boundary=deny_all_arn(self.state.partition),
            origins={"existence": "leavers"},
        )
        said = f"left on {left}, {passed} days ago; nothing was used since."
        return Leaver(user=name, stage="is deleted", said=said, left=left, desired=bound)

    def _blocked(self, said: str) -> Leaver:
        return Leaver(user=self.user.name, stage="blocked", said=said, doubt=True)

    def _first_stage(self) -> Leaver:
        """What stops everything, whatever of it is there already."""
        tags = self.user.tags.keys() - {self._tag}
        if len(tags) >= TAGS_PER_USER:
            return self._blocked(f"has {len(tags)} tags, and AWS allows no more: take one away.")
        deny, deny_all = deny_everything(self.today), deny_all_arn(self.state.partition)
        if self._has_room_for(deny):
            facts: dict[str, Any] = {"inline_policies": {DENY_POLICY: deny}}
        elif len(self.user.attached_policies - {deny_all}) < ATTACHED_POLICIES:
            facts = {"attached_policies": (deny_all,)}
        else:
            return self._blocked(
                "has no room for a policy that denies, inline or attached: take one away."
            )
        wanted = self._wanted(self.today, **facts)
        said = f"nothing of theirs works from now on; {self._way_back}."
        return Leaver(user=self.user.name, stage="leaves now", said=said, desired=wanted)

    @property
    def _way_back(self) -> str:
        """What of the first stage can be taken back, and what of it cannot be told."""
        name = self.user.name
        lost = ["the password"] if self.leaving.delete_password else []
        lost += ["the sessions of aws login"] if self.state.sign_in_sessions.get(name) else []
        said = f"all of it{' but ' if lost else ''}{listed(lost)} can be taken back"
        if self.state.was_read("ListSessions", name):
            return said
        note = self.state.source("ListSessions").note.removesuffix(".")
        return f"{said}; sessions of aws login cannot be told{': ' if note else ''}{note}"

    def _waits(self, left: date, more: int) -> Leaver:
        if left > self.today:
            said = f"the day {left} that their tag or deny names is still to come: mend it."
            return self._stays(left, said, doubt=True)
        return self._stays(
            left, f"left on {left}; can be deleted in {more} day{'s' * (more != 1)}."
        )

    def _stays(self, left: date, said: str, *, doubt: bool = False) -> Leaver:
        """What has left stays as stage one made it."""
        wanted = self._wanted(left)
        name = self.user.name
        return Leaver(
            user=name, stage="has left", said=said, left=left, doubt=doubt, desired=wanted
        )

    def _wanted(self, day: date, **facts: Any) -> DesiredUser:
        name = self.user.name
        sessions = self.state.sign_in_sessions.get(name, ())
        keys = self.state.access_keys.get(name, ())
        return DesiredUser(
            name=name,
            make=False,
            tags={self._tag: day.isoformat()},
            key_status={key.id: "Inactive" for key in keys},
            absent=Absent(
                password=self.leaving.delete_password,
                sign_in_sessions=tuple(session.arn for session in sessions),
            ),
            origins={"existence": "leavers"},
            **facts,
        )

    @property
    def _tag(self) -> str:
        """The tag's key as it is written there, since IAM ignores the case of a user's."""
        return Spelling(self.user.tags).of(LEFT_TAG)

    @property
    def _left(self) -> date | None:
        """The day of a first stage of which nothing is missing; None if something is.

        It is the later of the tag's and the deny's, since whoever may tag could change the tag.
        """
        tagged = _day(self.user.tags.get(self._tag, ""))
        keys = self.state.access_keys.get(self.user.name, ())
        denied, day = denied_since(self.user, self.state.partition)
        if not denied or any(key.status != "Inactive" for key in keys) or tagged is None:
            return None
        return max(day or tagged, tagged)

    def _has_room_for(self, deny: JSON) -> bool:
        others = (d for name, d in self.user.inline_policies.items() if name != DENY_POLICY)
        size = sum(count_characters(document) for document in [*others, deny])
        return size <= QUOTAS["user's inline policies"]

    def _activity(self, left: date) -> Iterator[str]:
        """What happened since a day, or cannot be told."""
        name, state = self.user.name, self.state
        source = state.source(REPORT)
        if not state.was_read(REPORT):
            yield source.note or "the credential report was not read"
            return
        row, made, now = state.reported(self.user), source.at, state.read_at
        if made and now and now - made > STALE:
            yield f"the credential report is stale, of {made.astimezone(UTC):%Y-%m-%d}"
            return
        if row is None or made is None or made.astimezone(UTC).date() <= left:
            yield "the credential report does not tell of the time since"
            return
        keys = state.access_keys.get(name, ())
        if row.password_enabled is None or len(keys) > len([*filter(None, row.keys)]):
            yield "the credential report does not tell of all that is theirs"
        events = [*_reported(row), ("the password was used", self.user.password_last_used)]
        events += [(f"access key {key.id} was made", key.created) for key in keys]
        for what, at in events:
            if at and at.astimezone(UTC).date() > left:
                yield f"{what} on {at:%Y-%m-%d}"


def _reported(row: ReportRow) -> Iterator[tuple[str, datetime | None]]:
    """What the credential report tells of use and change, and when."""
    yield "the password was used", row.password_last_used
    yield "the password was changed", row.password_last_changed
    for key in filter(None, row.keys):
        yield "an access key was used", key.last_used


def _denying(document: JSON) -> Iterator[str]:
    """The ids of the statements that deny everything without a condition."""
    plain = {"Sid", "Effect", "Action", "Resource"}
    for statement in statements_of(document):
        everything = "*" in texts_of(statement, "Action") and "*" in texts_of(statement, "Resource")
        if statement.get("Effect") == "Deny" and everything and statement.keys() <= plain:
            yield str(statement.get("Sid", ""))


def _day_of_sid(sid: str) -> date | None:
    found = re.fullmatch(r"Left(\d{4})(\d\d)(\d\d)", sid)
    return _day("-".join(found.groups())) if found else None


def _day(text: str) -> date | None:
    """A day that is written like 2027-01-31; None for anything else."""
    try:
        return date.fromisoformat(text) if len(text) == len("2027-01-31") else None
    except ValueError:
        return None


def spared_users(caller: str, run_as: str) -> dict[str, str]:
    """Who cannot leave by a notebook: who runs it, and whose key it uses, with the reason."""
    reasons = {run_as: "their key is used here (run_as)", caller: "you are this user"}
    return {name.lower(): why for name, why in reasons.items() if name}


def names_of(leaving: Iterable[Leaving], users: Collection[str]) -> list[str]:
    """Those of whom something is read: the leavers who are there, as they are written."""
    known = Spelling(users)
    return [name for one in leaving if (name := known.of(one.user)) in users]
