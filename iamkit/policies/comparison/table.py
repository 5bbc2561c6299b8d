"""What one policy allows that another does not, as a table."""

import pandas as pd

from iamkit.account.state import JSON
from iamkit.policies.comparison.regions import Universe, find_gains

COLUMNS = ("action", "resource", "conditions", "why")


def compare_policies(before: JSON, after: JSON) -> pd.DataFrame:
    """What the policy ``after`` allows that ``before`` does not.

    Args:
        before: an identity policy.
        after: another. For what is lost, ask the other way round.

    Returns:
        A row for each action and pattern of resources: ``action``, ``resource``, ``conditions``
        under which ``after`` allows it (empty: always), ``why`` ``before`` does not. All ``str``;
        empty if nothing is gained.
    """
    universe = Universe(before, after)
    rows = dict.fromkeys(
        (action, region.resource, region.conditions, why)
        for region, why in find_gains(universe, before, after)
        for action in universe.named(region.actions)
    )
    frame = pd.DataFrame(list(rows), columns=list(COLUMNS))
    return frame.astype("str").sort_values(list(COLUMNS[:2]), ignore_index=True)
