"""Console passwords, made by the account's own rules."""

import secrets

from iamkit.account.state import PasswordPolicy
from iamkit.credentials.secret import Secret

# No look-alikes, and no symbol that a shell, HTML, CSV or JSON reads as its own.
CLASSES = ("ABCDEFGHJKLMNPQRSTUVWXYZ", "abcdefghijkmnpqrstuvwxyz", "23456789", "-_.^+")
# A spreadsheet must not take the password for a formula.
FIRST = CLASSES[0] + CLASSES[1]


def make_password(policy: PasswordPolicy, length: int = 20) -> Secret:
    """A random password with a character of each class, as any policy may ask for."""
    length = max(length, policy.minimum_length)
    chosen = [secrets.choice(characters) for characters in CLASSES]
    chosen += [secrets.choice("".join(CLASSES)) for _ in range(length - len(CLASSES) - 1)]
    secrets.SystemRandom().shuffle(chosen)
    return Secret(secrets.choice(FIRST) + "".join(chosen))
