"""How far the rotation of each user's access key is, as the account itself tells, and what is next.

1. A second key is made and handed over.
2. Whoever uses the old one changes over: AWS tells of each key its last use, hours later.
3. The old key is deactivated; a tag of the user says since which day, as AWS does not tell.
4. After a time of grace it is deleted, which nothing takes back.

Each stage is a plan of its own. A key is dated by AWS in whole seconds, a tag in days (UTC).
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

from iamkit.account.state import AccessKey, AccountState, KeyUse
from iamkit.parameters.iam_names import near_names
from iamkit.plan.desired import Desired, DesiredUser
from iamkit.text import did_you_mean

Stage = Literal[
    "not due",
    "exempt",
    "to make",
    "changing over",
    "to switch off",
    "to tag",
    "off",
    "to delete",
    "tag left over",
    "blocked",
]
NEXT: Mapping[Stage, str] = {
    "to make": "a second key is made and handed over",
    "to switch off": "the old key is deactivated, and the day noted in a tag",
    "to tag": "the day is noted in a tag, and the time of grace begins",
    "to delete": "the old key is deleted: there is no way back",
    "tag left over": "the tag of a key that is gone is taken away",
}
"""What the next step does, of the stages in which there is one."""
QUIET: tuple[Stage, ...] = ("not due", "exempt")
"""Where nothing is under way."""


@dataclass(frozen=True, kw_only=True)
class Exemption:
    """A user whose keys are left alone, for a reason and up to a day, that day included (UTC)."""

    user: str
    reason: str
    until: str


@dataclass(frozen=True, kw_only=True)
class RotationRules:
    """What decides when a key goes on to its next stage.

    Attributes:
        now: the moment of the reading, in UTC.
        rotation_days: a key that is older is due.
        grace_days: for so many whole days an old key was not used before it is deactivated, and is
            inactive before it is deleted.
        switched: the ids of new keys to which somebody says that their services were switched.
        early: by user name in small letters, a moment before which a key must not have been made.
        signing: the id of the key that signs the session.
        run_as: whose stored key the notebooks use; empty for nobody.
        caller: the user who calls; empty for the root and for a role.
        hand_over: by user name in small letters, where new credentials go.
    """

    now: datetime
    rotation_days: int
    grace_days: int
    switched: Collection[str] = ()
    exempt: Iterable[Exemption] = ()
    early: Mapping[str, datetime] = field(default_factory=dict)
    signing: str = ""
    run_as: str = ""
    caller: str = ""
    hand_over: Mapping[str, str] = field(default_factory=dict)

    @property
    def today(self) -> date:
        """The day of the reading, in UTC."""
        return self.now.date()


@dataclass(frozen=True, kw_only=True)
class Rotation:
    """How far the rotation of a user's key is.

    Attributes:
        why: what decides the stage, in sentences.
        old: the key that goes, or will; None if it cannot be told.
        new: the key that stays, if there are two.
        old_use, new_use: their last uses; None for unknown.
        own: whether it is the caller, or whose stored key the notebooks use.
        can_switch: whether it goes on if somebody says that the services were switched to a key:
            to ``new``, or to one of two of which nobody can tell which is the old one.
        wanted: what the next step wants of the account; None if there is none yet.
    """

    user: str
    stage: Stage
    why: str
    old: AccessKey | None = None
    new: AccessKey | None = None
    old_use: KeyUse | None = None
    new_use: KeyUse | None = None
    own: bool = False
    can_switch: tuple[str, ...] = ()
    wanted: DesiredUser | None = None


def want_next_steps(
    account: AccountState,
    found: Iterable[Rotation],
    named: Iterable[str],
    exempt: Collection[str] = (),
) -> Desired:
    """The next step of each user who is named and ready for it; one step each.

    Who is not ready is a note; who is blocked, or not there, is a doubt, and does not stop the
    others. Whose key the session or the notebooks use comes last.

    Args:
        account: as it was read.
        found: how far everybody is.
        named: whose next step is wanted.
        exempt: the users whom exemptions name; for whom one of nobody may be a slip, waits too.
    """
    by_name = {one.user.lower(): one for one in found}
    steps: list[Rotation] = []
    notes: list[str] = []
    doubts: list[str] = []
    there = {name.lower() for name in account.users}
    slips = near_names((one for one in exempt if one.lower() not in there), account.users)
    notes += [f"exempt: the account has no user {one!r}." for one in slips if not slips[one]]
    meant = {user: slip for slip, users in slips.items() for user in users}
    for name in dict.fromkeys(named):
        one = by_name.get(name.lower())
        if name.lower() not in there:
            hint = did_you_mean(name, account.users) or "; take it out if they are gone."
            doubts.append(f"rotate: the account has no user {name!r}{hint}")
        elif one is None:
            notes.append(f"{name}: there is no access key to rotate.")
        elif one.wanted and one.user in meant:
            said = f"{meant[one.user]!r}, who is not there, and may mean them"
            doubts.append(f"{one.user}: left alone, for exempt names {said}: mend it.")
        elif one.wanted:
            steps += [one] if one not in steps else []
        else:
            used = f" The old key was {say_use(one.old_use)}." if one.old_use else ""
            said = f"{one.user}: {one.stage}. {one.why}{used}"
            (doubts if one.stage == "blocked" else notes).append(said)
    users = [one.wanted for one in sorted(steps, key=lambda one: one.own) if one.wanted]
    return Desired(users=tuple(users), notes=tuple(notes), doubts=tuple(doubts))


def say_use(use: KeyUse | None) -> str:
    """The last use of a key in a few words, with its service, region and day (UTC)."""
    if use is None:
        return "its last use was not read"
    if use.at is None:
        return "never used as far as AWS tells"
    told = [f"last used on {use.at:%Y-%m-%d}"]
    told += [f"for {use.service}"] if use.service else []
    told += [f"in {use.region}"] if use.region else []
    return " ".join(told)
