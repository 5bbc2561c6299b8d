"""Groups."""

from typing import Any

import pandas as pd

from iamkit.audit.checks.registry import check
from iamkit.audit.remedies import DELETE_GROUP
from iamkit.parameters.thresholds import Thresholds


@check(
    "empty-group",
    "Every group has members",
    severity="low",
    table="groups",
    data=["members"],
    rationale="Its permissions wait for whoever is put into it.",
    action="Delete the group, or fill it",
    remedy=DELETE_GROUP,
)
def empty_group(groups: pd.DataFrame, _: Thresholds) -> Any:
    """Nobody is."""
    return groups["empty"]
