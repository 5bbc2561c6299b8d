"""The sandbox's own commands, which no AWS call can give: time, people, and last uses."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from iamkit.account.state_file import parse_state
from iamkit.sandbox.server.account import Access, Account
from iamkit.sandbox.server.iam.tags import set_tags, tags_of
from iamkit.sandbox.server.moto_patches import ACCOUNT_ID, clock, iam_models
from iamkit.sandbox.server.sample_company import populate
from iamkit.sandbox.server.sign_in import CLIENT, begin_session
from iamkit.sandbox.server.twin.filling import fill_twin


def open_account(
    account: Account, *, authorizes: bool = False, root_key: Mapping[str, str] | None = None
) -> dict[str, str]:
    """A new account, with one key of its root if it is the main one.

    Args:
        account: with nothing in it.
        authorizes: whether every call is held against the caller's policies.
        root_key: the key, in the words of the answer; a new one if it is not given.

    Returns:
        The key's ``access_key_id`` and ``secret_access_key``, or nothing.
    """
    account.created = clock.opened[account.id] = clock.now()
    account.authorizes = authorizes
    if account.id != ACCOUNT_ID:
        return {}
    key = account.create_root_key(root_key or {})
    return {"access_key_id": key.access_key_id, "secret_access_key": key.secret_access_key}


def add_people(account: Account, users: int, seed: int, *, root_mfa: bool) -> None:
    """Fill the account with a believable company; see `people`.

    Raises:
        ValueError: there are to be fewer than one, or more than an account may have.
    """
    if not 1 <= users <= 5_000 - len(account.iam.users):
        raise ValueError("an account has 1 to 5,000 users")
    populate(account.iam, users, seed, clock.now())
    account.root_mfa = root_mfa


def load_state(account: Account, state: str) -> list[str]:
    """Make the account a twin of the one whose state this is, as `format_state` writes it.

    Returns:
        What could not be carried over, a sentence each.

    Raises:
        ValueError: it is no state of this account, or the account is not empty.
    """
    return fill_twin(account, parse_state(state))


def age(account: Account, days: float) -> None:
    """Let everything in the account be older by some days; now stays now.

    So are the days, such as 2027-01-31, that tags of users say, by the whole days; and those, such
    as 20270131, with which ids of statements in their inline policies end.

    Raises:
        ValueError: the days are negative, or more than some decades.
    """
    if not 0 <= days <= 20_000:
        raise ValueError("age by 0 to 20,000 days")
    iam = account.iam
    parts = [
        vars(account),
        *(iam.users, iam.groups, iam.roles, iam.instance_profiles, iam.virtual_mfa_devices),
        *(iam.certificates, iam.saml_providers, iam.open_id_providers),
        *(account.local_policies, account.sts.assumed_roles),
    ]
    _shift(parts, timedelta(days=days), {id(account.accounts)})  # the others are as old as before
    for user in iam.users.values():
        if tags := tags_of(account, user):
            older = [{**tag, "Value": _earlier(tag["Value"], timedelta(days=days))} for tag in tags]
            set_tags(account, user, older)
        for name, text in user.policies.items():
            user.policies[name] = _DAY_IN_SID.sub(
                lambda found: found[1] + _day_before(found[2], timedelta(days=days)), text
            )


def use_key(account: Account, access_key_id: str, service: str, region: str) -> None:
    """Take down that a key signed a call just now, and that its role, if it is of one, acted."""
    key = account.key(access_key_id)
    key.last_used = iam_models.AccessKeyLastUsed(clock.now(), service, region)
    role = key.role_arn and account.role_by_arn(key.role_arn)
    if role:
        role.last_used, role.last_used_region = clock.now(), region
    session = account.sessions.get(access_key_id)
    user = account.user_of(session) if session else account.iam.users.get(key.user_name)
    if who := role or user:
        account.accessed.setdefault(who.id, {})[service] = Access(clock.now(), region)


def set_key_last_used(
    account: Account, access_key_id: str, at: str | None, service: str, region: str
) -> None:
    """Say when a key was last used, and for what; None for never.

    Raises:
        ValueError: there is no such key, or the time is not in ISO 8601.
    """
    key = account.root_keys.get(access_key_id) or account.iam.access_keys.get(access_key_id)
    if key is None:
        raise ValueError(f"there is no access key {access_key_id}")
    moment = _moment(at)
    key.last_used = moment and iam_models.AccessKeyLastUsed(moment, service, region)


def set_password_last_used(account: Account, user: str | None, at: str | None) -> None:
    """Say when a user, or the root, last signed in; None for never.

    Raises:
        ValueError: there is no such user with a password, or the time is not in ISO 8601.
    """
    if user is None:
        account.root_last_used = _moment(at)
        return
    found = account.iam.users.get(user)
    if found is None or not found.password:
        raise ValueError(f"there is no user {user} with a password")
    found.password_last_used = _moment(at)


def sign_in(account: Account, user: str | None, region: str) -> dict[str, str]:
    """Begin a session of a user, or of the root, as ``aws login`` does after the browser.

    Returns:
        ``session_arn``, ``client_id`` and ``refresh_token``.

    Raises:
        ValueError: there is no such user with a password.
    """
    found = account.iam.users.get(user) if user is not None else None
    if user is not None and not (found and found.password):
        raise ValueError(f"there is no user {user} with a password")
    session = begin_session(account, found, region)
    if found:
        found.password_last_used = clock.now()
    else:
        account.root_last_used = clock.now()
    shown = {"session_arn": session.arn, "client_id": CLIENT}
    return {**shown, "refresh_token": session.refresh_token}


def set_root_mfa(account: Account, *, enabled: bool) -> None:
    """Say whether the root signs in with MFA, which no API call can."""
    account.root_mfa = enabled


def set_authorize(account: Account, *, enabled: bool) -> None:
    """Hold every call against the caller's policies, or none."""
    account.authorizes = enabled


COMMANDS: dict[str, Callable[..., Any]] = {
    command.__name__: command
    for command in (
        open_account,
        add_people,
        load_state,
        age,
        use_key,
        set_key_last_used,
        set_password_last_used,
        sign_in,
        set_root_mfa,
        set_authorize,
    )
}


SOME_DAY = "2027-01-31"
_DAY_IN_SID = re.compile(r'("Sid"\s*:\s*"[A-Za-z]+)(\d{8})(?=")')


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).replace(tzinfo=None, microsecond=0) if text else None


def _earlier(text: str, by: timedelta) -> str:
    """A day before the one that a text says; a text that says none as it is."""
    try:
        return (date.fromisoformat(text) - by).isoformat() if len(text) == len(SOME_DAY) else text
    except (ValueError, OverflowError):
        return text


def _day_before(digits: str, by: timedelta) -> str:
    """The same of a day in eight digits."""
    text = f"{digits[:4]}-{digits[4:6]}-{digits[6:]}"
    return _earlier(text, by).replace("-", "")


def _shift(things: Iterable[Any], by: timedelta, seen: set[int]) -> None:
    """Move every time in some things, and in what they hold, into the past."""
    for thing in things:
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        inside = thing if isinstance(thing, dict) else getattr(thing, "__dict__", {})
        for name, value in inside.items():
            if isinstance(value, datetime):
                inside[name] = value - by
        if not isinstance(thing, iam_models.AWSManagedPolicy):
            held = inside.values() if inside else thing
            if isinstance(held, Iterable) and not isinstance(held, str | bytes):
                _shift(held, by, seen)
