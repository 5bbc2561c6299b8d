"""Roles."""

from typing import Any

import pandas as pd

from iamkit.audit.checks.registry import OF_PATHS, check
from iamkit.parameters.thresholds import Thresholds


@check(
    "role-escalation",
    "No role can make itself administrator",
    severity="high",
    table="roles",
    data=["escalations"],
    rationale="Whoever may use such a role is as strong as an administrator.",
    action="Take away or narrow down the statements that are named",
    by_hand="What the policy is for, its owner knows.",
    reading=OF_PATHS,
)
def role_escalation(roles: pd.DataFrame, _: Thresholds) -> Any:
    """The same of a role's sessions."""
    return roles.escalations != ""
