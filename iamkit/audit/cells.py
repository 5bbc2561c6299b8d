"""What cells of several tables are made of."""

from collections.abc import Iterable
from datetime import datetime


def in_order(names: Iterable[str]) -> str:
    """Names in their order, with commas between."""
    return ", ".join(sorted(names))


def policy_names(arns: Iterable[str]) -> str:
    """The names of managed policies in their order."""
    return in_order(arn.rpartition("/")[2] for arn in arns)


def truth(text: str | None) -> bool | None:
    """Whether there is a text; None if that is not known."""
    return None if text is None else bool(text)


def any_of(values: Iterable[bool | None]) -> bool | None:
    """True if one is; else None if one is not known."""
    found = list(values)
    return True if True in found else None if None in found else False


def latest(moments: Iterable[datetime | None]) -> datetime | None:
    """The last of those that are known."""
    return max((moment for moment in moments if moment), default=None)


def days(later: datetime | None, earlier: datetime | None) -> int | None:
    """Full days from the one to the other, if both are known."""
    return (later - earlier).days if later and earlier else None


def hours(later: datetime, earlier: datetime | None) -> float | None:
    """Hours from the one to the other, to hundredths."""
    return round((later - earlier).total_seconds() / 3600, 2) if earlier else None
