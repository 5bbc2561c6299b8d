"""Whether somebody has a password, an MFA device, an access key; None where it was not read."""

from iamkit.account.state import AccountState, User

DEVICES = "ListMFADevices"


def has_mfa(account: AccountState, user: User) -> bool | None:
    """Whether somebody has an MFA device; None if it was not read."""
    if account.mfa_devices.get(user.name):
        return True
    if user.name in account.mfa_devices or account.was_read(DEVICES, user.name):
        return False
    row = account.reported(user)
    return row.mfa_active if row else None


def has_key(account: AccountState, user: User) -> bool | None:
    """Whether somebody has an access key that works; None if it was not read."""
    if any(key.status == "Active" for key in account.access_keys.get(user.name, ())):
        return True
    if user.name in account.access_keys or account.was_read("ListAccessKeys", user.name):
        return False
    row = account.reported(user)
    if row is None:
        return None
    active = [key.active for key in row.keys if key]
    return True if True in active else None if None in active else False


def has_password(account: AccountState, user: User) -> bool | None:
    """Whether somebody has a console password; None if it was not read."""
    if user.name in account.login_profiles:
        return account.login_profiles[user.name] is not None
    if account.was_read("GetLoginProfile", user.name):
        return False
    row = account.reported(user)
    return row.password_enabled if row else None
