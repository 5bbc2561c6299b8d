"""Forgotten passwords and lost MFA devices: what is older than a moment goes.

AWS tells when a password and a device came to be (CreateDate of GetLoginProfile, EnableDate of
ListMFADevices), so that a wish that names a moment is reached once and stays so: the password that
was made for it, and the device that its owner registers again, are younger. A password is deleted
and made anew: of one that UpdateLoginProfile changes, AWS does not say that its date changes.
https://docs.aws.amazon.com/IAM/latest/APIReference/API_LoginProfile.html
https://docs.aws.amazon.com/IAM/latest/APIReference/API_MFADevice.html
"""

from collections.abc import Iterator
from datetime import datetime

from iamkit.account.state import AccountState, MfaDevice
from iamkit.plan.desired import DesiredUser
from iamkit.text import few


def lost_devices(account: AccountState, wanted: DesiredUser) -> tuple[str, ...]:
    """The serial numbers of a user's devices that are meant and surely older than their moment."""
    return tuple(
        device.serial
        for device in _meant(account, wanted)
        if device.enabled and wanted.devices_since and device.enabled < wanted.devices_since
    )


def when_forgotten(account: AccountState, wanted: DesiredUser) -> datetime | None:
    """When a password was made that is surely older than its moment; None if there is none."""
    profile, since = account.login_profiles.get(wanted.name), wanted.password_since
    made = profile.created if profile else None
    return made if made and since and made < since else None


def say_untold(account: AccountState, wanted: DesiredUser) -> Iterator[str]:
    """Why it cannot be told whether something is older than its moment."""
    for since in dict.fromkeys(filter(None, (wanted.password_since, wanted.devices_since))):
        if account.read_at is None:
            yield "When the account was read is not known, so nothing of it can be said to be old."
        elif since > account.read_at:
            yield (
                f"What is asked for {wanted.name} lies in the future, {_at(since)}: what is made "
                "until then would go again with each run."
            )
    profile = account.login_profiles.get(wanted.name)
    if wanted.password_since and profile and profile.created is None:
        yield f"When the password of {wanted.name} was made was not read."
    for device in _meant(account, wanted):
        if device.enabled is None:
            yield f"When {wanted.name} registered {device.serial} was not read."


def say_left_alone(account: AccountState, wanted: DesiredUser) -> Iterator[str]:
    """What was asked for and is so already, with its date; and devices that are not there."""
    profile, since = account.login_profiles.get(wanted.name), wanted.password_since
    if profile and since and profile.created and profile.created >= since:
        yield (
            f"The password of {wanted.name} was made on {_at(profile.created)}, not before "
            f"{_at(since)}: it stays."
        )
    devices = account.mfa_devices.get(wanted.name, ())
    for device in _meant(account, wanted):
        if device.enabled and wanted.devices_since and device.enabled >= wanted.devices_since:
            yield f"{device.serial} was registered on {_at(device.enabled)}, and stays."
    there = {device.serial for device in devices}
    left = account.left_devices.get(wanted.name, ())
    if gone := [one for one in wanted.lost_serials if one not in there and one not in left]:
        known = f"; theirs: {few(sorted(there))}" if there else ""
        yield f"{wanted.name} has no MFA device {few(gone)}{known}."


def _meant(account: AccountState, wanted: DesiredUser) -> list[MfaDevice]:
    """The devices of which the age matters."""
    if wanted.devices_since is None:
        return []
    return [
        device
        for device in account.mfa_devices.get(wanted.name, ())
        if not wanted.lost_serials or device.serial in wanted.lost_serials
    ]


def _at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d at %H:%M:%S} UTC"
