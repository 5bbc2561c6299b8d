"""Who can do something, of an account of which less is known: nobody falls out of the answer.

It feeds ``who_can`` with the removals of the audit's test.
"""

import pytest
from removals import COMPANY, remove

from iamkit.policies.evaluation.access import who_can

ACTION = "iam:CreateUser"


@pytest.mark.parametrize(
    "name",
    [
        "GetCredentialReport unknown",
        "groups Admins",
        "text of group Admins",
    ],
)
def test_nobody_who_may_falls_out_of_the_answer(name):
    """Allowed may become unknown; it does not become silence."""
    before, after = (who_can(state, ACTION) for state in (COMPANY, remove(name)))
    assert set(before["principal"]) <= set(after["principal"])
