"""How large policies may be, how large one is, and one that is too large in several.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
"""

import json
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from iamkit.account.state import JSON
from iamkit.errors import InputError
from iamkit.policies.grammar.document import count_characters
from iamkit.policies.grammar.statements import statements_of, texts_of

QUOTAS: Mapping[str, int] = {
    "managed policy": 6_144,
    "user's inline policies": 2_048,
    "group's inline policies": 5_120,
    "role's inline policies": 10_240,
}
"""Characters, white space not counted; of inline policies all of one principal's together."""
POLICIES_ATTACHED = 10
"""Managed policies that a user, group or role may have, unless AWS has raised it."""


@dataclass(frozen=True)
class Gauge:
    """How much of a quota a document takes."""

    quota: str
    size: int
    limit: int

    @property
    def fits(self) -> bool:
        """Whether it is within the quota."""
        return self.size <= self.limit

    def __str__(self) -> str:
        filled = min(20, round(20 * self.size / self.limit))
        bar = "█" * filled + "·" * (20 - filled)
        word = "" if self.fits else f"  {self.size - self.limit:,} too many"
        return f"{self.quota:<24} {bar} {self.size:>6,} of {self.limit:,}{word}"


def measure(document: JSON) -> tuple[Gauge, ...]:
    """A document's size beside each of IAM's quotas."""
    size = count_characters(document)
    return tuple(Gauge(quota, size, limit) for quota, limit in QUOTAS.items())


def split_policy(document: JSON, limit: int = QUOTAS["managed policy"]) -> list[dict[str, Any]]:
    """A policy in as few as it takes to have each within a quota; together they say the same.

    A statement that alone is too large is cut by its actions, or by its resources.

    Raises:
        InputError: a statement is too large with one action on one resource.
    """
    frame = {key: value for key, value in document.items() if key != "Statement"}
    pieces = [p for s in statements_of(document) for p in _cut(frame, dict(s), limit)]
    parts: list[dict[str, Any]] = []
    for piece in pieces:
        if parts and _fits(frame, [*parts[-1]["Statement"], piece], limit):
            parts[-1]["Statement"].append(piece)
        else:
            parts.append(json.loads(json.dumps(frame)) | {"Statement": [piece]})
    return parts


def _cut(frame: JSON, statement: dict[str, Any], limit: int) -> list[dict[str, Any]]:
    """A statement in pieces that fit; a list of exceptions cannot be cut."""
    pieces = []
    rest: dict[str, Any] | None = statement
    while rest is not None:
        first, rest = _cut_once(frame, rest, limit)
        pieces.append(first)
    return pieces


def _cut_once(
    frame: JSON, statement: dict[str, Any], limit: int
) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """The largest beginning of a statement that fits, and the rest of it."""
    if _fits(frame, [statement], limit):
        return statement, None
    for key in ("Action", "Resource"):
        values = texts_of(statement, key)
        too_many = bisect_left(
            range(1, len(values)),
            True,
            key=lambda n: not _fits(frame, [statement | {key: values[:n]}], limit),
        )
        if too_many:
            nameless = {k: v for k, v in statement.items() if k != "Sid"}
            return statement | {key: values[:too_many]}, nameless | {key: values[too_many:]}
    raise InputError(
        f"The statement {statement.get('Sid', '')!r} has more than {limit:,} characters and cannot "
        "be cut: its conditions or exceptions alone are too long."
    )


def _fits(frame: JSON, statements: list[dict[str, Any]], limit: int) -> bool:
    return count_characters({**frame, "Statement": statements}) <= limit
