"""How far each user may do each of AWS's actions, as sets and as a table."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from iamkit.errors import InputError
from iamkit.policies.actions.catalogue import Catalogue
from iamkit.policies.evaluation.reach import Reach
from iamkit.policies.grammar.patterns import is_pattern

UNTOLD = "cannot be told"
REACHES = (
    "nothing",
    UNTOLD,
    "under conditions",
    "some resources",
    "everything but some",
    "everything",
)
"""How far a permission goes, from the least; what hangs on a text that was not read is not told."""


@dataclass(frozen=True)
class PermissionMatrix:
    """How far each user may do each action: users by all of AWS.

    Attributes:
        reaches: by user, as bits of the catalogue; users who hold the same share one.
    """

    catalogue: Catalogue
    reaches: Mapping[str, Reach]

    def who(self, action: str) -> pd.DataFrame:
        """The users who may do an action: ``user``, and ``reach`` as one of ``REACHES``."""
        bit = self.catalogue.matching(known_action(action, self.catalogue))
        rows = [
            (user, reach)
            for user, found in self.reaches.items()
            for reach, mask in masks_of(found)
            if mask & bit
        ]
        return typed(pd.DataFrame(rows, columns=["user", "reach"]))

    def counts(self) -> pd.DataFrame:
        """By user, how many actions it may do in each way: a column for each of ``REACHES``."""
        rows = [
            [mask.bit_count() for _, mask in masks_of(found)] for found in self.reaches.values()
        ]
        users = pd.Index(list(self.reaches), name="user", dtype="str")
        return pd.DataFrame(rows, index=users, columns=list(REACHES[:0:-1]), dtype="int64")

    def to_numpy(self) -> Any:
        """As numbers of ``REACHES``: an array of uint8, users by the catalogue's actions."""
        size = len(self.catalogue.actions)
        numbers = np.zeros((len(self.reaches), size), dtype=np.uint8)
        first: dict[int, int] = {}
        for row, found in enumerate(self.reaches.values()):
            same = first.setdefault(id(found), row)
            if same != row:
                numbers[row] = numbers[same]
                continue
            for reach, mask in masks_of(found):
                numbers[row] += np.uint8(REACHES.index(reach)) * _unpacked(mask, size)
        return numbers


def masks_of(reach: Reach) -> tuple[tuple[str, int], ...]:
    """The actions of each of ``REACHES`` but nothing, from the farthest."""
    return tuple(zip(REACHES[:0:-1], vars(reach).values(), strict=True))


def _unpacked(mask: int, size: int) -> Any:
    data = np.frombuffer(mask.to_bytes(size // 8 + 1, "little"), dtype=np.uint8)
    return np.unpackbits(data, count=size, bitorder="little")


def known_actions(action: str, catalogue: Catalogue) -> str:
    """An action as AWS writes it, or a pattern as it is.

    Raises:
        InputError: AWS has none of that name.
    """
    found = catalogue.known(action)
    return action if is_pattern(action) else catalogue.named(found)[0]


def known_action(action: str, catalogue: Catalogue) -> str:
    """An action as AWS writes it.

    Raises:
        InputError: AWS has none of that name, or it is a pattern.
    """
    if is_pattern(action):
        count = catalogue.matching(action).bit_count()
        raise InputError(f"{action!r} names {count:,} actions; ask for one, such as s3:GetObject.")
    return known_actions(action, catalogue)


def typed(frame: pd.DataFrame) -> pd.DataFrame:
    """Texts as ``str``; ``reach`` as an ordered category."""
    typed = frame.astype("str")
    if "reach" in typed:
        typed["reach"] = pd.Categorical(typed["reach"], categories=REACHES, ordered=True)
    return typed
