"""Time-based one-time passwords, RFC 6238."""

import base64
import hmac
from typing import Any

STEP = 30
"""Seconds for which a code holds."""


DRIFT = 3
"""Steps by which a device's clock may be wrong."""


def totp(seed: str, step: int) -> str:
    """The code of a time step. https://www.rfc-editor.org/rfc/rfc6238."""
    digest = hmac.digest(base64.b32decode(seed), step.to_bytes(8, "big"), "sha1")
    start = digest[-1] & 15
    number = int.from_bytes(digest[start : start + 4], "big") & 0x7FFFFFFF
    return f"{number % 1_000_000:06d}"


def step_of(seed: str, code: str, seconds: int) -> int | None:
    """The time step of a code that holds now, or held or will hold a step away; else None."""
    now = seconds // STEP
    return next((s for s in (now - 1, now, now + 1) if totp(seed, s) == code), None)


def use_code(device: Any, code: str, seconds: int) -> None:
    """Take down that a device's code was used; it is not taken again."""
    device.used = {*getattr(device, "used", ()), step_of(device.base32_string_seed, code, seconds)}


def is_in_sequence(seed: str, first: str, second: str, step: int) -> bool:
    """Whether two codes are those of two steps in a row, near a step."""
    near = range(step - DRIFT - 1, step + DRIFT)
    return any((totp(seed, s), totp(seed, s + 1)) == (first, second) for s in near)
