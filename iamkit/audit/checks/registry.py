"""What a check is, and the table of them all, which grows by declaring one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from iamkit.audit.remedies import Remedy
from iamkit.parameters.thresholds import Thresholds

Table = Literal["account", "users", "access_keys", "groups", "roles", "policies"]
Fails = Callable[[pd.DataFrame, Thresholds], Any]

CIS_VERSIONS = ("3.0", "4.0.1", "5.0", "6.0", "7.0")
"""Of the CIS AWS Foundations Benchmark; a check names its item in each."""


@dataclass(frozen=True, kw_only=True)
class Check:
    """A check, and what to say about it.

    Attributes:
        id: in lower case with dashes; waivers name it.
        title: what is expected.
        table: the table over whose rows ``fails`` says.
        data: the columns that decide it.
        cis: its item in each of ``CIS_VERSIONS``; empty if CIS has none.
        rationale: why it matters.
        action: what to do, in a few words.
        remedy: what ends it; or, where a person must do it, commands that help, in which
            ``{column}`` stands for the row's value.
        by_hand: why a person must do it.
        reading: the reading taken where well-known tools disagree.
    """

    id: str
    title: str
    severity: str
    table: Table
    fails: Fails
    data: tuple[str, ...]
    cis: tuple[str, ...] = ()
    rationale: str = ""
    action: str = ""
    remedy: str | Remedy = ""
    by_hand: str = ""
    reading: str = ""

    @property
    def way(self) -> Literal["direct", "needs a choice", "by hand"]:
        """How it is mended."""
        if isinstance(self.remedy, str):
            return "by hand"
        return "needs a choice" if self.remedy.choice else "direct"

    @property
    def cis_items(self) -> str:
        """Such as ``v3.0 1.10, v7.0 2.10``."""
        pairs = zip(CIS_VERSIONS, self.cis, strict=False)
        return ", ".join(f"v{version} {item}" for version, item in pairs if item != "-")


OF_PATHS = (
    "Paths of calls over all policies together, with denies, the boundary and conditions, to users "
    "and roles that are there; what depends on a condition counts. Service control policies are "
    "not seen."
)
"""The reading of the two checks that follow paths of calls."""
CHECKS: dict[str, Check] = {}
"""All checks by id; ``check`` adds to them."""


def check(
    name: str,
    title: str,
    *,
    severity: str = "medium",
    table: Table = "users",
    data: Sequence[str] = (),
    cis: str = "",
    rationale: str = "",
    action: str = "",
    remedy: str | Remedy = "",
    by_hand: str = "",
    reading: str = "",
) -> Callable[[Fails], Fails]:
    """Declare a check, by the attributes of ``Check``; one of the same id takes the other's place.

    ``cis`` has its items with spaces between, ``-`` for none; ``action`` is the title without it.

    Returns:
        What declares a function that takes the table and the thresholds, and returns a boolean
        Series with the table's index.
    """

    def declare(fails: Fails) -> Fails:
        CHECKS[name] = Check(
            id=name,
            title=title,
            severity=severity,
            table=table,
            fails=fails,
            data=tuple(data),
            cis=tuple(cis.split()),
            rationale=rationale,
            action=action or title,
            remedy=remedy,
            by_hand=by_hand,
            reading=reading,
        )
        return fails

    return declare
