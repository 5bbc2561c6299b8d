"""The stage of each user's keys: what decides it, and what its step wants of the account."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from iamkit.account.state import AccessKey, AccountState, KeyUse, User
from iamkit.parameters.iam_names import TAGS_PER_USER
from iamkit.plan.desired import KEY_OFF, Absent, DesiredUser
from iamkit.plan.key_rotation import QUIET, Rotation, RotationRules, Stage

SECOND = timedelta(seconds=1)
"""What a key's date is told by."""
TRIAL = "sts"
"""A service that is called to see whether a key works at all."""
MAIL = ("ses", "email")
"""Services whose SMTP passwords are made from a secret key.

https://docs.aws.amazon.com/ses/latest/dg/smtp-credentials.html
"""


def off_tags(user: User) -> dict[str, tuple[str, str]]:
    """By the id of a key, the tag that says since when it is inactive: as it is written, its value.

    IAM tells tags apart without regard to case.
    """
    return {
        key[len(KEY_OFF) :].upper(): (key, value)
        for key, value in user.tags.items()
        if key.lower().startswith(KEY_OFF)
    }


def judge_rotations(account: AccountState, rules: RotationRules) -> list[Rotation]:
    """How far every user is who has an access key, or a tag of one; by name.

    Args:
        account: with the access keys of all who have some. The last uses that it lacks count as
            unknown.
        rules: what decides.
    """
    found = (_Judgement(account, user, rules).rotation() for user in account.users.values())
    return sorted((one for one in found if one), key=lambda one: one.user.lower())


class _Judgement:
    """What is known of one user, and what comes of it."""

    def __init__(self, account: AccountState, user: User, rules: RotationRules) -> None:
        self.account, self.user, self.rules = account, user, rules
        self.keys = account.access_keys.get(user.name, ())
        self.whole = sorted((key for key in self.keys if not key.orphan), key=_made)
        self.off = off_tags(user)
        self.uses: Mapping[str, KeyUse] = {}
        if account.was_read("GetAccessKeyLastUsed", user.name):
            self.uses = account.key_uses.get(user.name, {})
        ids = {key.id for key in self.keys}
        self.left = tuple(tag for key_id, (tag, _) in self.off.items() if key_id not in ids)

    def rotation(self) -> Rotation | None:
        """The stage; None for who has neither a key nor a tag of one."""
        account, name = self.account, self.user.name
        if not account.was_read("ListAccessKeys", name):
            row = account.reported(self.user)
            if row and not any(row.keys) and not self.off:
                return None
            return self._blocked("The access keys were not read.", "ListAccessKeys")
        if not self.keys and not self.left:
            return None
        found = self._of_keys()
        if found.stage == "not due" and self.left:
            said = f"There is no key of the id that {', '.join(self.left)} names."
            found = self._is("tag left over", said, found.old, found.new, want={})
        return found if found.stage in QUIET else self._exempted(found)

    def _of_keys(self) -> Rotation:
        since = self._early
        if since and since > self.rules.now + SECOND:
            said = f"{since:%Y-%m-%d at %H:%M} UTC, before which keys are due, is still to come."
            return self._blocked(f"{said} Each new key would be due again: mend it.")
        if any(key.created is None for key in self.whole):
            return self._blocked("When a key was made is not known.")
        active = [key for key in self.whole if key.status == "Active"]
        if not active:
            return self._is("not due", "No key is active and whole.", *self.whole)
        if len(self.whole) == 1:
            return self._of_one(active[0])
        if len(active) == 1:
            (old,) = (key for key in self.whole if key.status != "Active")
            return self._of_inactive(old, active[0])
        return self._of_two(*active)

    def _of_one(self, key: AccessKey) -> Rotation:
        begun = len(self.keys) > 1
        if not begun and not self._is_due(key):
            return self._is("not due", self._say_age(key), key)
        said = f"{self._say_age(key)}{self._say_mail(key)}"
        if begun:
            said = f"An interrupted run lost the secret of a new key, which is replaced. {said}"
        if self.user.name == self.rules.run_as and self._hand_over:
            why = "The notebooks go on with its stored key, so the new one has to go to a private "
            return self._blocked(f"{why}file: take its hand_over out.", old=key)
        return self._is("to make", said, key, want={"another_key": True})

    def _of_two(self, old: AccessKey, new: AccessKey) -> Rotation:
        """Two keys that work: which of them goes."""
        if not self._is_due(old):
            return self._is("not due", f"Of two active keys: {self._say_age(old)}", old, new)
        if old.created == new.created:
            told = [key for key in (old, new) if key.id in self.rules.switched]
            if len(told) != 1:
                why = "Both keys were made in the same second, so nobody can tell which is the "
                why += f"old one: name the one that stays in switched, {old.id} or {new.id}."
                return self._blocked(why, can_switch=(old.id, new.id))
            old, new = (old, new) if told == [new] else (new, old)
        if old.id not in self.uses or new.id not in self.uses:
            why = "The last use of the keys was not read, so none is deactivated."
            return self._blocked(why, "GetAccessKeyLastUsed", old, new)
        return self._changing_over(old, new)

    def _changing_over(self, old: AccessKey, new: AccessKey) -> Rotation:
        """Whether everybody uses the new one."""
        said = f"{self._say_age(old)}{self._say_mail(old)}"
        if old.id == self.rules.signing:
            why = f"The old key signs this very session: go on with the new one first. {said}"
            return self._is("changing over", why, old, new)
        want: dict[str, Any] = {"key_status": {old.id: "Inactive"}}
        if new.id in self.rules.switched:
            said = f"Somebody says that its services use the new key. {said}"
            return self._noting("to switch off", said, old, new, want)
        if not (waits := " ".join(self._waits(old, new))):
            want["last_used"] = {old.id: self.uses[old.id].at}
            rested = _days(self.rules.grace_days)
            said = (
                f"The new key was seen used, and the old one for {rested} or more was not. {said}"
            )
            return self._noting("to switch off", said, old, new, want)
        if self._is_due(new):
            why = f"{waits} {said} The new key is old as well, and AWS allows no third."
            return self._blocked(why, old=old, new=new, can_switch=(new.id,))
        return self._is("changing over", f"{waits} {said}", old, new, can_switch=(new.id,))

    def _waits(self, old: AccessKey, new: AccessKey) -> Iterator[str]:
        """Why the old key is not deactivated yet, as long as nobody says otherwise."""
        old_use, new_use = self.uses[old.id], self.uses[new.id]
        if new_use.at is None:
            yield "The new key was not seen used yet."
        elif new_use.service == TRIAL and old_use.service not in ("", TRIAL):
            yield f"The new key was only tried, as far as is known ({TRIAL})."
        day = self.off.get(old.id, ("", ""))[1]
        if day and day != self.rules.today.isoformat():  # of today: a run was cut off before it
            yield f"By its tag the old key went off ({day!r}); somebody made it active again."
        latest, what = (old_use.at, "used") if old_use.at else (old.created, "made")
        rested = (self.rules.now - latest).days if latest else 0
        if rested < self.rules.grace_days:
            ago = "today" if rested < 1 else f"{_days(rested)} ago"
            yield f"The old key was {what} {ago}, and is to rest {_days(self.rules.grace_days)}."

    def _of_inactive(self, old: AccessKey, new: AccessKey) -> Rotation:
        """One of two keys is inactive: since when, and what was since."""
        if _made(old) > _made(new) and not self._is_due(new):
            return self._is("not due", f"The newer key is inactive. {self._say_age(new)}", old, new)
        use, tag, value = self.uses.get(old.id), *self.off.get(old.id, ("", ""))
        if use is None:
            why = "The last use of the inactive key was not read, so it is not deleted."
            return self._blocked(why, "GetAccessKeyLastUsed", old, new)
        if tag and (wrong := self._wrong_day(old, value)):
            return self._blocked(f"The tag {tag} says {value!r}, {wrong}.", old=old, new=new)
        said = "The old key is inactive, and no tag says since when."
        if tag and use.at and use.at.date() > date.fromisoformat(value):
            said, tag = f"The old key was used after {value}, so it was active again.", ""
        if not tag:
            return self._noting("to tag", said, old, new)
        return self._resting(old, new, tag, date.fromisoformat(value))

    def _resting(self, old: AccessKey, new: AccessKey, tag: str, since: date) -> Rotation:
        """An inactive key that nobody used since: whether it has rested for long enough."""
        days, grace = (self.rules.today - since).days, self.rules.grace_days
        said = f"The old key is inactive since {since}, {_days(days)}."
        if days <= grace:
            return self._is("off", f"{said} After {_days(grace)} it may go.", old, new)
        want = {
            "absent": Absent(access_keys=(old.id,), tags=(*self.left, tag)),
            "last_used": {old.id: self.uses[old.id].at},
        }
        said = f"{said} No use since is known."
        return self._is("to delete", said, old, new, want=want)

    def _wrong_day(self, key: AccessKey, value: str) -> str:
        """Why a key cannot be inactive since what its tag says; empty if it can."""
        try:
            since = date.fromisoformat(value if len(value) == len("2027-01-31") else "")
        except ValueError:
            return "which is no day such as 2027-01-31: mend it"
        if since > self.rules.today:
            return "which is still to come: mend it"
        if key.created and since < key.created.date():
            return "a day before the key was made: mend it"
        return ""

    def _noting(
        self,
        stage: Stage,
        said: str,
        old: AccessKey,
        new: AccessKey,
        want: Mapping[str, Any] | None = None,
    ) -> Rotation:
        """A stage whose step notes the day in a tag, if there is room for one."""
        tag = self.off[old.id][0] if old.id in self.off else f"{KEY_OFF}{old.id}"
        if tag not in self.user.tags and len(self.user.tags) - len(self.left) >= TAGS_PER_USER:
            why = f"The user has {len(self.user.tags)} tags and AWS allows no more, so the day "
            return self._blocked(f"{why}could not be noted: take one away.", old=old, new=new)
        tags = {"tags": {tag: self.rules.today.isoformat()}}
        return self._is(stage, said, old, new, want={**tags, **(want or {})})

    def _blocked(
        self,
        why: str,
        unread: str = "",
        old: AccessKey | None = None,
        new: AccessKey | None = None,
        can_switch: tuple[str, ...] = (),
    ) -> Rotation:
        note = self.account.source(unread).note if unread else ""
        return self._is("blocked", f"{why} {note}".strip(), old, new, can_switch=can_switch)

    def _is(
        self,
        stage: Stage,
        why: str,
        old: AccessKey | None = None,
        new: AccessKey | None = None,
        *,
        can_switch: tuple[str, ...] = (),
        want: Mapping[str, Any] | None = None,
    ) -> Rotation:
        name, wanted = self.user.name, None
        if want is not None:
            more = {"absent": Absent(tags=self.left), "hand_over": self._hand_over, **want}
            wanted = DesiredUser(name=name, make=False, origins={"existence": "rotate"}, **more)
        return Rotation(
            user=name,
            stage=stage,
            why=why,
            old=old,
            new=new,
            old_use=self.uses.get(old.id) if old else None,
            new_use=self.uses.get(new.id) if new else None,
            own=name in (self.rules.run_as, self.rules.caller),
            can_switch=can_switch,
            wanted=wanted,
        )

    def _exempted(self, found: Rotation) -> Rotation:
        for one in self.rules.exempt:
            if one.user.lower() != self.user.name.lower():
                continue
            if date.fromisoformat(one.until) >= self.rules.today:
                why = f"{one.reason} (until {one.until})"
                return replace(found, stage="exempt", why=why, wanted=None, can_switch=())
            found = replace(found, why=f"{found.why} Its exemption ended on {one.until}.")
        return found

    @property
    def _hand_over(self) -> str:
        return self.rules.hand_over.get(self.user.name.lower(), "")

    def _is_due(self, key: AccessKey) -> bool:
        return self._age(key) > self.rules.rotation_days or self._is_early(key)

    @property
    def _early(self) -> datetime | None:
        return self.rules.early.get(self.user.name.lower())

    def _is_early(self, key: AccessKey) -> bool:
        """Whether somebody wants it changed before its time."""
        return bool(self._early and key.created and key.created < self._early)

    def _age(self, key: AccessKey) -> int:
        """Full days."""
        return (self.rules.now - key.created).days if key.created else 0

    def _say_age(self, key: AccessKey) -> str:
        age, limit = self._age(key), self.rules.rotation_days
        due = "due" if age > limit else f"due when older than {limit}"
        due = "to be changed before its time" if self._is_early(key) and age <= limit else due
        return f"{key.id} is {_days(age)} old, {due}."

    def _say_mail(self, key: AccessKey) -> str:
        use = self.uses.get(key.id)
        if not use or use.service not in MAIL:
            return ""
        return (
            " It was used for mail. An SMTP password is made from the secret key, for one region: "
            "with a new key the mail needs a new one."
        )


def _made(key: AccessKey) -> float:
    return key.created.timestamp() if key.created else 0.0


def _days(number: int) -> str:
    return "1 day" if number == 1 else f"{number:,} days"
