"""Ids, tags and times as the sandbox has them."""

from collections.abc import Mapping
from datetime import UTC, datetime

from iamkit.sandbox.server.moto_patches import mock_random


def new_id(prefix: str) -> str:
    """An id that a state does not tell."""
    return f"{prefix}{mock_random.randbytes(8).hex().upper()}"


def pairs(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags as the API has them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def naive(moment: datetime | None) -> datetime | None:
    """A time as the sandbox has them: UTC, without saying so."""
    return moment and moment.astimezone(UTC).replace(tzinfo=None)
