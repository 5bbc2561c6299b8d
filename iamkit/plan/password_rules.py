"""Whom new rules for passwords touch: whose password would expire, and who would be locked out.

Length, letters and reuse hold from the next change of a password on; an age holds at once.
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_passwords_account-policy.html
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from iamkit.account.gaps import REPORT
from iamkit.account.state import ROOT_USER, AccountState, PasswordPolicy
from iamkit.text import ALL, listed

DEFAULT = PasswordPolicy()
"""The rules of an account that has none of its own."""


@dataclass(frozen=True, kw_only=True)
class Touched:
    """Whom rules for passwords touch beyond the next change of theirs.

    Attributes:
        expiring: whose password is in use now and would expire at once.
        locked_out: those whose password has expired then, and who could not choose another.
        later: those who would be locked out on a day to come, with that day.
        untold: those of whom it cannot be told.
        hardens: whether who lets a password expire is locked out from then on, and is not now.
    """

    expiring: tuple[str, ...] = ()
    locked_out: tuple[str, ...] = ()
    later: tuple[tuple[str, datetime], ...] = ()
    untold: tuple[str, ...] = ()
    hardens: bool = False

    @property
    def reason(self) -> str:
        """Why it is a loss, with everyone's name; empty if it is none."""
        parts = [
            f"locks out {_names(self.locked_out)}" if self.locked_out else "",
            f"expires the password of {_names(self.expiring)}" if self.expiring else "",
            "locks out whoever lets a password expire" if self.hardens else "",
            f"may expire the password of {_names(self.untold)}" if self.untold else "",
        ]
        return "; ".join(part for part in parts if part)


def whom_rules_touch(
    current: AccountState, before: PasswordPolicy | None, after: PasswordPolicy
) -> Touched:
    """Whom an age, or the locking out of those whose password has expired, touches.

    Args:
        current: with the credential report; those who are not in it and were there when it was
            made cannot be told. A password that is newer than the report has not expired.
        before: the rules that hold now; None for AWS's own.
        after: those that would.

    Returns:
        Nobody where passwords expire no sooner than now, and nobody is locked out who is not now.
    """
    old = before or DEFAULT
    if not after.max_age:
        return Touched()
    hardens = bool(after.hard_expiry) and not (old.hard_expiry and old.max_age)
    sooner = not old.max_age or after.max_age < old.max_age
    if not (hardens or sooner):
        return Touched()
    now = current.read_at or current.source(REPORT).at
    expiring: list[str] = []
    locked_out: list[str] = []
    later: list[tuple[str, datetime]] = []
    untold = list(_not_reported(current))
    for name, changed in _passwords(current):
        if changed is None or now is None:
            untold.append(name)
            continue
        ends = changed + timedelta(days=after.max_age)
        was_over = bool(old.max_age) and changed + timedelta(days=old.max_age or 0) <= now
        if ends > now:
            later += [(name, ends)] if after.hard_expiry else []
        elif hardens or not was_over:
            (locked_out if after.hard_expiry else expiring).append(name)
    return Touched(
        expiring=tuple(sorted(expiring)),
        locked_out=tuple(sorted(locked_out)),
        later=tuple(sorted(later)),
        untold=tuple(sorted(untold)),
        hardens=hardens,
    )


def is_locked_out(account: AccountState, user: str) -> bool | None:
    """Whether a password has expired under rules that lock out; None if it cannot be told."""
    rules = account.password_policy or DEFAULT
    if not (rules.max_age and rules.hard_expiry):
        return False
    now = account.read_at or account.source(REPORT).at
    changed = dict(_passwords(account)).get(user)
    if changed is None or now is None:
        return None
    return changed + timedelta(days=rules.max_age) <= now


def say_touched(
    current: AccountState, before: PasswordPolicy | None, after: PasswordPolicy | None
) -> Iterator[str]:
    """Whose password expires by other rules, and who is locked out, in sentences.

    Args:
        current: the account, with the credential report.
        before: the rules that hold now; None for AWS's own.
        after: those that would; None for AWS's own.
    """
    new = after or DEFAULT
    touched = whom_rules_touch(current, before, new)
    at = current.source(REPORT).at
    told = f" (by the credential report of {at:%Y-%m-%d %H:%M} UTC)" if at else ""
    if touched.locked_out:
        yield (
            f"{_names(touched.locked_out)} will be locked out of the console at once{told}: the "
            f"password is older than {new.max_age} days. An administrator sets another, or who has "
            "an access key does, if iam:ChangePassword is allowed."
        )
    if touched.expiring:
        yield (
            f"{_names(touched.expiring)} must choose another password at the next sign-in: it is "
            f"older than {new.max_age} days, and expires at once{told}."
        )
    if touched.later:
        days = [f"{name} ({ends:%Y-%m-%d})" for name, ends in touched.later]
        yield (
            f"Who has not changed the password by then will be locked out of the console until an "
            f"administrator sets another: {listed(days, most=ALL)}."
        )
    if touched.untold:
        yield (
            f"Whether the password of {_names(touched.untold)} has expired then cannot be told: "
            "the credential report does not say when it was changed."
        )


def say_rules(
    current: AccountState, before: PasswordPolicy | None, after: PasswordPolicy | None
) -> Iterator[str]:
    """What other rules for passwords mean for those who sign in, in sentences.

    Args:
        current: the account, with the credential report if it was read.
        before: the rules that hold now; None for AWS's own.
        after: those that would; None for AWS's own.
    """
    old, new = before or DEFAULT, after or DEFAULT
    having = listed(sorted(name for name, _ in _passwords(current)))
    if changed := list(_at_next_change(old, new)):
        whose = f"of {having} " if having else ""
        yield (
            f"From the next change of a password on: {', '.join(changed)}. The passwords {whose}"
            "that are there stay valid until they are changed."
        )
    if new.max_age and new.max_age != old.max_age:
        now = f"after {old.max_age}" if old.max_age else "never"
        yield f"A password will expire after {new.max_age} days (now {now})."
    elif old.max_age and not new.max_age:
        yield f"A password will never expire (now after {old.max_age} days)."
    if new.hard_expiry and not new.max_age:
        yield "Nobody is locked out: without an age (max_password_age) no password expires."
    yield from _say_own_change(old, new, having)


def _say_own_change(old: PasswordPolicy, new: PasswordPolicy, having: str) -> Iterator[str]:
    """Who may change the own password from then on."""
    if old.users_may_change and not new.users_may_change:
        yield (
            f"Nobody {'of ' + having + ' ' if having else ''}may change their own password "
            "any more whose policies do not allow iam:ChangePassword; who must change a first "
            "password cannot sign in without it."
        )
    elif new.users_may_change and not old.users_may_change:
        yield "Everybody will be able to change their own password, whatever their policies say."


def _at_next_change(old: PasswordPolicy, new: PasswordPolicy) -> Iterator[str]:
    """The rules that differ and hold from the next change on."""
    if old.minimum_length != new.minimum_length:
        yield f"at least {new.minimum_length} characters (now {old.minimum_length})"
    for rule in ("uppercase", "lowercase", "numbers", "symbols"):
        if (wanted := getattr(new, rule)) != getattr(old, rule):
            yield f"{rule} {'wanted' if wanted else 'not wanted any more'}"
    if (kept := new.reuse_prevention or 0) != (old.reuse_prevention or 0):
        yield f"none of the last {kept} passwords" if kept else "former passwords allowed"


def _passwords(current: AccountState) -> Iterator[tuple[str, datetime | None]]:
    """Who has a password, or may have one, and when it was changed; None where nobody tells."""
    for name, row in current.report.items():
        there = not current.users or name in current.users
        if name != ROOT_USER and there and row.password_enabled is not False:
            yield name, row.password_last_changed if row.password_enabled else None


def _not_reported(current: AccountState) -> Iterator[str]:
    """The users whom the report should know and does not."""
    made = current.source(REPORT).at
    for user in current.users.values():
        new = user.created and made and user.created >= made
        if current.reported(user) is None and not new:
            yield user.name


def _names(names: tuple[str, ...]) -> str:
    return listed(list(names), most=ALL)
