"""How large policies may be, and how large one is.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
"""

from collections.abc import Mapping
from dataclasses import dataclass

from iamkit.account.state import JSON
from iamkit.policies.grammar.document import count_characters

QUOTAS: Mapping[str, int] = {
    "managed policy": 6_144,
    "user's inline policies": 2_048,
    "group's inline policies": 5_120,
    "role's inline policies": 10_240,
}
"""Characters, white space not counted; of inline policies all of one principal's together."""

UNSURE = 1
"""Access Analyzer states one character more than is counted here; IAM does not state its count."""


@dataclass(frozen=True)
class Gauge:
    """How much of a quota a document takes."""

    quota: str
    size: int
    limit: int

    @property
    def fits(self) -> bool | None:
        """Whether it is within the quota; None if it cannot be told, within one character of it."""
        return None if abs(self.size - self.limit) <= UNSURE else self.size < self.limit

    def __str__(self) -> str:
        filled = min(20, round(20 * self.size / self.limit))
        bar = "█" * filled + "·" * (20 - filled)
        word = "" if self.fits else f"  {self.size - self.limit:,} too many"
        word = "  it cannot be told whether it fits" if self.fits is None else word
        return f"{self.quota:<24} {bar} {self.size:>6,} of {self.limit:,}{word}"


def measure(document: JSON) -> tuple[Gauge, ...]:
    """A document's size beside each of IAM's quotas."""
    size = count_characters(document)
    return tuple(Gauge(quota, size, limit) for quota, limit in QUOTAS.items())
