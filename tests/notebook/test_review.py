"""The review: only a click applies in a browser, and what is destructive must be typed."""

from dataclasses import replace

import pytest
from changes import change

from iamkit.aws.read import read_account
from iamkit.errors import GuardError, UnsafePlan
from iamkit.notebook.display import bundle_of
from iamkit.notebook.forms.form import Form
from iamkit.notebook.review import cells, panel as review_panel, review
from iamkit.notebook.review.panel import ReviewPanel
from iamkit.notebook.review.review import Review
from iamkit.plan.changes import Plan, make_plan
from iamkit.plan.desired import Desired
from iamkit.plan.wanted import account_alias, dev_group


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

    monkeypatch.setattr(cells, "display", display)
    monkeypatch.setattr(review_panel, "display", display)
    return things


def plan_of(session, desired):
    return make_plan(read_account(session, desired), desired)


def panel_of(session, plan, **options):
    """A review's panel as the page shows it."""
    panel = ReviewPanel(Review(plan, session, **options))
    panel.show()
    return panel


def test_showing_a_review_changes_nothing_and_a_click_applies(session, sandbox, guide, shown):
    """With somebody there, even dry_run false waits for the click; then verify refreshes."""
    plan = plan_of(session, dev_group(guide("03_dev_group")))
    cells.review_plan(plan, session, dry_run=False)
    assert read_account(session).groups == {}
    panel = panel_of(session, plan)
    cells.verify(panel.review)
    assert shown[-1]["text/plain"] == "Nothing was applied yet."
    panel.apply.click()
    panel.wait()
    assert "dev" in read_account(session).groups
    assert any("2 done, 0 failed" in str(thing) for thing in shown)
    assert shown[-1].startswith("✔ Verified")
    assert "✔ Verified" in panel.status.value
    assert panel.apply.disabled


def test_a_failed_click_says_what_happened_and_plans_again(session, sandbox, guide, shown):
    """An error in a click is shown where it was clicked; a click on Go on plans what is left."""
    sandbox.set_weather("calm")  # in which others' changes are seen at once
    panel = panel_of(session, plan_of(session, dev_group(guide("03_dev_group"))))
    session.iam.create_group(GroupName="dev")
    panel.apply.click()
    panel.wait()
    assert "The account changed since the plan was made" in panel.status.value
    assert panel.again.description.startswith("Go on")
    panel.again.click()
    assert panel.apply.description == "Apply: 1 to create"
    assert "this replaces the plan above" in panel.view.value
    panel.apply.click()
    panel.wait()
    assert "✔ Verified" in panel.status.value


def test_cancel_stops_between_two_changes(session, guide, shown, monkeypatch):
    """What was not tried is said, and a click goes on from there."""
    panel = panel_of(session, plan_of(session, dev_group(guide("03_dev_group"))))
    advance = panel._advance

    def cancel_after_the_first(change, state):
        advance(change, state)
        if state == "done":
            panel.cancel.click()

    monkeypatch.setattr(panel, "_advance", cancel_after_the_first)
    panel.apply.click()
    panel.wait()
    assert read_account(session).groups["dev"].inline_policies == {}
    assert "1 change(s) were made, 1 are left" in panel.status.value
    assert any("1 done, 0 failed, 1 left" in str(thing) for thing in shown)
    panel.again.click()
    assert panel.apply.description == "Apply: 1 to create"


def test_a_changed_form_shuts_the_button_until_planned_again(session, guide, shown):
    """What is applied is always what is shown: another value in the form wants another plan."""
    form = Form(guide("05_account_alias"))
    panel = panel_of(session, plan_of(session, form.desired()), form=form)
    assert not panel.apply.disabled
    form.fields["account_alias"].raw = "other-team"
    assert panel.apply.disabled
    assert "The form has changed" in panel.status.value
    panel.again.click()
    assert "other-team" in panel.view.value
    panel.apply.click()
    panel.wait()
    assert read_account(session).alias == "other-team"


def test_where_applying_is_off_no_click_applies(session, guide, shown, monkeypatch):
    """The button is shut with the reason beside it, and the review itself refuses too."""
    for module in (review, review_panel):
        monkeypatch.setattr(module, "applying_is_off", lambda: "Apply is switched off here.")
    panel = panel_of(session, plan_of(session, dev_group(guide("03_dev_group"))))
    assert panel.apply.disabled
    assert "switched off" in panel.status.value
    with pytest.raises(GuardError, match="switched off"):
        panel.review.apply()
    assert read_account(session).groups == {}


def test_with_nothing_to_do_the_last_apply_is_told(session, guide, shown):
    """Who comes back later sees when what was applied, and where its journal is."""
    wanted = dev_group(guide("03_dev_group"))
    panel = panel_of(session, plan_of(session, wanted))
    panel.apply.click()
    panel.wait()
    again = panel_of(session, plan_of(session, wanted))
    assert "Applied on" in again.status.value
    assert "2 done" in again.status.value
    assert again.apply.disabled


def test_headless_applies_only_without_dry_run(session, guide, monkeypatch, shown):
    """With nobody there, dry_run decides."""
    monkeypatch.setattr(cells, "someone_is_there", lambda: False)
    plan = plan_of(session, dev_group(guide("03_dev_group")))
    assert cells.review_plan(plan, session, dry_run=True).outcome is None
    assert read_account(session).groups == {}
    cells.verify(cells.review_plan(plan, session, dry_run=False))
    assert "dev" in read_account(session).groups


def test_headless_destroys_nothing_unless_allowed(session, guide, monkeypatch, shown):
    """A destructive plan is refused headless without allow_destructive."""
    monkeypatch.setattr(cells, "someone_is_there", lambda: False)
    session.iam.create_account_alias(AccountAlias="old-name")
    plan = plan_of(session, account_alias(guide("05_account_alias")))
    with pytest.raises(UnsafePlan):
        cells.review_plan(plan, session, dry_run=False)
    cells.review_plan(plan, session, dry_run=False, allow_destructive=True)
    assert read_account(session).alias == "maestrodev"


def test_on_a_live_account_a_destructive_plan_wants_the_alias_typed(session, shown):
    """The button stays shut until the alias stands in the field."""
    live = replace(session, environment="aws", alias="team")
    leaving = change("delete", "delete_user", UserName="bob")
    plan = Plan(account_id="000000000000", desired=Desired(), changes=(leaving,))
    panel = panel_of(live, plan)
    assert panel.apply.disabled
    panel.confirmation.value = "tea"
    assert panel.apply.disabled
    panel.confirmation.value = "team"
    assert not panel.apply.disabled


def test_hostile_names_do_not_become_markup(session):
    """Every text of an account is escaped in plans and banners."""
    hostile = "<img src=x onerror=alert(1)>"
    tags = [{"Key": hostile, "Value": hostile}]
    tagged = change("update", "tag_user", {hostile: hostile}, hostile, UserName="bob", Tags=tags)
    plan = Plan(
        account_id="1", desired=Desired(), changes=(tagged,), notes=(hostile,), blockers=(hostile,)
    )
    banner = replace(session, alias=hostile, source=hostile, warnings=(hostile,))
    for thing in (plan, banner, hostile):
        markup = bundle_of(thing)["text/html"]
        assert "<img" not in markup
        assert "&lt;img" in markup
