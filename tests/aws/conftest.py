"""Planning and applying with the session of the test."""

import os

import pytest

from iamkit.aws.apply import apply_plan, await_applied
from iamkit.aws.read import read_account
from iamkit.plan.changes import make_plan


@pytest.fixture(autouse=True)
def soon_settled(monkeypatch):
    """In calm weather the account shows at once what was made; nobody need wait for long."""
    if os.environ.get("IAMKIT_TEST_WEATHER", "calm") == "calm":
        monkeypatch.setattr("iamkit.aws.hand_over.SETTLING", 2.0)


@pytest.fixture
def plan_for(session):
    """Plan a desired state against the account as it is now."""
    return lambda desired: make_plan(read_account(session, desired), desired)


@pytest.fixture
def apply_desired(session, plan_for):
    """Plan and apply a desired state, wholly or not at all."""

    def apply(desired, **options):
        plan = plan_for(desired)
        outcome = apply_plan(plan, session, **options)
        outcome.raise_if_incomplete()
        assert await_applied(plan, session).changes == ()
        return outcome

    return apply
