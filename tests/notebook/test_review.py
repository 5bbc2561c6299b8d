"""The review: only a click applies in a browser, and what is destructive must be typed."""

from dataclasses import replace

import pytest

from iamkit.aws.read import read_account
from iamkit.desired import Desired, account_alias, dev_group
from iamkit.errors import UnsafePlan
from iamkit.notebook import review
from iamkit.notebook.display import render
from iamkit.plan import Change, Plan, make_plan


@pytest.fixture
def shown(monkeypatch):
    """What the review displays, in place of a notebook."""
    things = []

    class Handle:
        def update(self, data, **_):
            things.append(data["text/plain"])

    def display(thing, **_):
        things.append(thing)
        return Handle()

    monkeypatch.setattr(review, "display", display)
    return things


def plan_of(session, desired):
    return make_plan(read_account(session, desired), desired)


def button_of(shown):
    box = next(thing for thing in shown if hasattr(thing, "children"))
    return next(child for child in box.children if hasattr(child, "click")), box.children


def test_showing_a_review_changes_nothing_and_a_click_applies(session, sandbox, guide, shown):
    """With somebody there, even dry_run false waits for the click; then verify refreshes."""
    plan = plan_of(session, dev_group(guide("03_dev_group")))
    reviewed = review.review_plan(plan, session, dry_run=False)
    review.verify(reviewed)
    assert read_account(session).groups == {}
    button, children = button_of(shown)
    button.click()
    assert "dev" in read_account(session).groups
    assert "✔ done" in children[-1].value
    assert shown[-1].startswith("✔ Verified")
    assert button.disabled


def test_a_failed_click_says_what_happened(session, sandbox, guide, shown):
    """An error in a click is shown where it was clicked, and no exception is lost."""
    sandbox.set_weather("calm")  # in which others' changes are seen at once
    plan = plan_of(session, dev_group(guide("03_dev_group")))
    review.review_plan(plan, session, dry_run=True)
    session.iam.create_group(GroupName="dev")
    button, children = button_of(shown)
    button.click()
    assert "The account changed since the plan was made" in children[-1].value


def test_headless_applies_only_without_dry_run(session, guide, monkeypatch, shown):
    """With nobody there, dry_run decides."""
    monkeypatch.setattr(review, "someone_is_there", lambda: False)
    plan = plan_of(session, dev_group(guide("03_dev_group")))
    assert review.review_plan(plan, session, dry_run=True).outcome is None
    assert read_account(session).groups == {}
    review.verify(review.review_plan(plan, session, dry_run=False))
    assert "dev" in read_account(session).groups


def test_headless_destroys_nothing_unless_allowed(session, guide, monkeypatch, shown):
    """A destructive plan is refused headless without allow_destructive."""
    monkeypatch.setattr(review, "someone_is_there", lambda: False)
    session.iam.create_account_alias(AccountAlias="old-name")
    plan = plan_of(session, account_alias(guide("05_account_alias")))
    with pytest.raises(UnsafePlan):
        review.review_plan(plan, session, dry_run=False)
    review.review_plan(plan, session, dry_run=False, allow_destructive=True)
    assert read_account(session).alias == "maestrodev"


def test_on_a_live_account_a_destructive_plan_wants_the_alias_typed(session, shown):
    """The button stays shut until the alias stands in the field."""
    live = replace(session, environment="aws", alias="team")
    change = Change(verb="delete", operation="delete_user", arguments={"UserName": "bob"})
    plan = Plan(account_id="000000000000", desired=Desired(), changes=(change,))
    review.review_plan(plan, live, dry_run=True)
    button, children = button_of(shown)
    assert button.disabled
    children[0].value = "tea"
    assert button.disabled
    children[0].value = "team"
    assert not button.disabled


def test_hostile_names_do_not_become_markup(session):
    """Every text of an account is escaped in plans and banners."""
    hostile = "<img src=x onerror=alert(1)>"
    change = Change(
        verb="update",
        operation="tag_user",
        arguments={"UserName": "bob", "Tags": [{"Key": hostile, "Value": hostile}]},
        before={hostile: hostile},
        reason=hostile,
    )
    plan = Plan(
        account_id="1", desired=Desired(), changes=(change,), notes=(hostile,), blockers=(hostile,)
    )
    banner = replace(session, alias=hostile, source=hostile, warnings=(hostile,))
    for markup in (render(plan), render(banner), render(hostile)):
        assert "<img" not in markup
        assert "&lt;img" in markup
