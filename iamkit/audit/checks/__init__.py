"""What is checked: one small function each, over one table; a file for each table.

A check returns, for each row of its table, whether it fails: True, False, or a missing value where
that cannot be told. pandas' nullable booleans carry the last through ``&``, ``|`` and ``~``, so
that what was not read comes out as unknown and never as fine. Its texts do not: a missing one is
unequal to all. So a row of whose ``data``, all texts, nothing is known is unknown whatever a check
returns.

The notebooks that they name are written out, since their table would load all parameters, with
pydantic; a test holds the names to it.

One's own check, in a notebook::

    @iamkit.check("team-tag", "Every user has a team tag", data=["tags"])
    def has_no_team(users, limits):
        return ~users.tags.str.contains("team=")
"""

# isort: off
# In the order in which an account is gone through; findings of one severity keep it.
from iamkit.audit.checks import account, users, roles, access_keys, groups, policies  # noqa: F401

# isort: on
from iamkit.audit.checks.registry import CHECKS, CIS_VERSIONS, Check, Table, check

__all__ = ["CHECKS", "CIS_VERSIONS", "Check", "Table", "check"]
