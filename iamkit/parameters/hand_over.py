"""Where a user's new credentials go, as a parameter says it."""

import re

SECRETS_MANAGER = "secretsmanager"
"""The word of those who want new credentials in AWS Secrets Manager."""
_AGE = r"age1[02-9ac-hj-np-z]{58}"
_SSH = r"ssh-(?:ed25519|rsa) [A-Za-z0-9+/]{60,2000}={0,2}(?: [ -~]{0,200})?"


def check_hand_over(target: str) -> str:
    """Return where new credentials should go, if it has the form of one of the ways.

    What is wrong is not repeated in the error, as it may be the other half of a key.

    Raises:
        ValueError: it is not empty, no public key of age or SSH, and not ``secretsmanager``.
    """
    if target.upper().startswith("AGE-SECRET-KEY-") or "PRIVATE KEY" in target:
        raise ValueError(
            "this is a private key, which belongs to its owner alone; take the public one "
            "(age1…), and have a new pair made if this file was shown to anyone"
        )
    if target in ("", SECRETS_MANAGER) or re.fullmatch(f"{_AGE}|{_SSH}", target):
        return target
    raise ValueError(
        "expected an age public key (age1…, 62 characters), an ssh-ed25519 or ssh-rsa public key, "
        "the word secretsmanager, or nothing for a private file"
    )


def describe_way(what: str, hand_over: str) -> str:
    """Where a new key or password goes, in words; nothing for the usual private file."""
    if not hand_over:
        return ""
    if hand_over == SECRETS_MANAGER:
        return f"the {what} goes to AWS Secrets Manager"
    return f"the {what} goes encrypted to {short_key(hand_over)}"


def short_key(public_key: str) -> str:
    """Enough of a public key for a person to know it again: ``age1qcw…x7k2pe``."""
    if public_key.startswith("age1"):
        return f"{public_key[:7]}…{public_key[-6:]}"
    kind, data = public_key.split()[:2]  # all SSH keys of a kind begin alike
    return f"{kind} …{data[-6:]}"
