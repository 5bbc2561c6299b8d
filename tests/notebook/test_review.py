"""The review: only a click applies in a browser, and what is destructive must be typed."""

import json
import re
from dataclasses import replace

import pytest
from accounts import account_of
from botocore.exceptions import ClientError
from changes import change

from iamkit.aws.journal import journals
from iamkit.aws.read import read_account
from iamkit.aws.sources import OF_ACCOUNT
from iamkit.errors import GuardError, UnsafePlan
from iamkit.notebook.display import bundle_of
from iamkit.notebook.forms import form_state
from iamkit.notebook.forms.form import Form
from iamkit.notebook.review import cells, review, workbench as review_panel
from iamkit.notebook.review.review import Review
from iamkit.notebook.review.workbench import Workbench
from iamkit.plan.changes import Plan, make_plan
from iamkit.plan.desired import Desired, DesiredGroup
from iamkit.plan.wanted import account_alias, dev_group, team_users


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch):
    """Each test begins as a new kernel does."""
    monkeypatch.setattr(form_state, "_KEPT", {})


@pytest.fixture
def shown(monkeypatch):
    """What the review displays, in place of a notebook."""
    things = []

    class Handle:
        def update(self, data, **_):
            things.append(data["text/html"])

    def display(thing, **_):
        things.append(thing)
        return Handle()

    monkeypatch.setattr(cells, "display", display)
    monkeypatch.setattr(review_panel, "display", display)
    return things


def plan_of(session, desired):
    return make_plan(read_account(session, desired), desired)


def result_of(panel):
    """What stands in the place of the result, as text."""
    return " ".join(re.sub(r"<[^>]+>", " ", panel.result.value).split())


def panel_of(session, plan, **options):
    """A review's panel as the page shows it."""
    panel = Workbench(Review(plan, session, **options))
    panel.show()
    return panel


def test_showing_a_review_changes_nothing_and_a_click_applies(session, sandbox, guide, shown):
    """With somebody there, even dry_run false waits for the click; then verify refreshes."""
    plan = plan_of(session, dev_group(guide("03_dev_group")))
    cells.review_plan(plan, session, dry_run=False)
    assert read_account(session).groups == {}
    panel = panel_of(session, plan)
    assert "Nothing has been changed yet" in panel.status.value
    panel.apply.click()
    panel.wait()
    assert "dev" in read_account(session).groups
    assert result_of(panel).startswith("2 done, 0 failed, 0 left.")
    assert "✔ Verified" in result_of(panel)
    assert "✔ Verified" in panel.status.value
    assert "✔ as wanted" not in panel.meaning.value
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
    assert result_of(panel) == ""
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
    assert "1 done, 0 failed, 1 left" in result_of(panel)
    assert panel.view.value == ""
    panel.again.click()
    assert result_of(panel) == ""
    assert panel.apply.description == "Apply: 1 to create"


def test_the_plan_follows_the_form(session, sandbox, guide, shown, monkeypatch):
    """What is typed is planned at once and without a call; what is wrong shuts the button."""
    monkeypatch.setattr(review_panel, "UNSEEN", 0)
    form = Form(guide("05_account_alias"))
    panel = panel_of(session, plan_of(session, form.desired()), form=form)
    before = len(sandbox.calls())
    for typed, wrong in (("other-team", False), ("Other", True), ("our-team", False)):
        form.fields["account_alias"].raw = typed
        assert panel.apply.disabled == wrong
        assert (typed in panel.view.value) != wrong
        assert (typed in panel.meaning.value) != wrong
        assert ("Not to be applied: account_alias" in panel.status.value) == wrong
    assert len(sandbox.calls()) == before
    panel.apply.click()
    panel.wait()
    assert read_account(session).alias == "our-team"


def test_what_follows_an_apply_stands_below_it(session, guide, shown):
    """Each step gets the form's value, one that fails hides nothing, and the next is linked."""

    def fail(*_):
        raise GuardError("it cannot be written")

    form = Form(guide("05_account_alias"))
    plan = plan_of(session, form.desired())
    panel = panel_of(session, plan, form=form, after=[fail, lambda _, value: value.account_alias])
    panel.apply.click()
    panel.wait()
    assert "as wanted. ✘ it cannot be written maestrodev Next: 06_audit" in result_of(panel)
    assert "maestrodev" not in panel.view.value


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
    cells.review_plan(plan, session, dry_run=True)
    assert read_account(session).groups == {}
    cells.review_plan(plan, session, dry_run=False)
    assert "dev" in read_account(session).groups
    assert any("✔ Verified" in str(thing) for thing in shown)


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
    there = account_of({"users": [{"name": "bob"}]})
    plan = Plan(account_id=there.account_id, desired=Desired(), changes=(leaving,), current=there)
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


def undone(panel):
    """The workbench of the way back that a panel offers after a click."""
    panel.undo.click()
    return panel.way_back_bench


def test_what_was_applied_is_taken_back_by_a_click(session, guide, shown):
    """Beside the result; change by change with what speaks against it, applied like any plan."""
    panel = panel_of(session, plan_of(session, dev_group(guide("03_dev_group"))))
    assert panel.undo.layout.display == "none"
    panel.apply.click()
    panel.wait()
    assert panel.undo.layout.display == ""
    bench = undone(panel)
    assert "dev" in read_account(session).groups
    form = bench.review.form
    assert [(n, tick.value) for n, tick in form.ticks.items()] == [(2, True), (1, True)]
    form.ticks[1].value = False
    assert bench.apply.description == "Apply: 1 to delete"
    form.ticks[2].value = False
    assert bench.apply.description == "Nothing to apply"
    form.ticks[2].value = form.ticks[1].value = True
    assert bench.apply.description == "Apply: 2 to delete"
    bench._changed_at = -10
    bench.apply.click()
    bench.wait()
    assert read_account(session).groups == {}
    assert panel.undo.layout.display == "none"
    assert panel.apply.description == "Apply: 2 to create"


def test_an_undo_is_undone_by_a_click_and_that_too(session, guide, shown):
    """Each has its own result with its own way back; the first workbench follows."""
    panel = panel_of(session, plan_of(session, dev_group(guide("03_dev_group"))))
    panel.apply.click()
    panel.wait()
    bench, begun = panel, len(journals(session.folder))
    for times in (1, 2, 3):
        bench = undone(bench)
        form = bench.review.form
        for number in sorted(form.ticks, reverse=True):
            form.ticks[number].value = not form.ticks[number].disabled
        bench._changed_at = -10
        bench.apply.click()
        bench.wait()
        assert ("dev" in read_account(session).groups) == (times == 2)
        assert panel.review.plan.changes == () if times == 2 else panel.review.plan.changes
    assert len(journals(session.folder)) == begun + 3


def test_of_many_changes_some_have_ticks_and_the_filter_finds_the_others(
    session, shown, monkeypatch
):
    """What is not shown is taken back all the same, as it is ticked."""
    monkeypatch.setattr("iamkit.notebook.review.undo_form.SHOWN", 2)
    names = [f"g{number:03}" for number in range(5)]
    wanted = Desired(groups=tuple(DesiredGroup(name=name) for name in names))
    panel = panel_of(session, plan_of(session, wanted))
    panel.apply.click()
    panel.wait()
    bench = undone(panel)
    form = bench.review.form
    assert len(form.ticks) == 2
    assert bench.apply.description == f"Apply: {len(names)} to delete"
    form.filter.value = "g003"
    [(number, tick)] = form.ticks.items()
    tick.value = False
    assert number not in form.chosen
    assert bench.apply.description == f"Apply: {len(names) - 1} to delete"
    form.filter.value = ""
    assert len(form.chosen) == len(names) - 1


def test_a_plan_that_locks_out_wants_its_own_words(session, guide, shown):
    """The refusal says whom it would lock out; the words that it tells allow that plan alone."""
    for name in ("zoe", "eve"):
        session.iam.create_user(UserName=name)
    arn = "arn:aws:iam::aws:policy/AdministratorAccess"
    session.iam.attach_user_policy(UserName="zoe", PolicyArn=arn)
    session.iam.create_access_key(UserName="zoe")
    panel = panel_of(session, plan_of(session, Desired(absent_users=("zoe",))))
    assert panel.agreement.layout.display == "none"
    panel.apply.click()
    panel.wait()
    assert "Nobody would be left who can administer the account; now it is zoe." in (
        panel.status.value
    )
    assert panel.agreement.layout.display == ""
    assert panel.apply.disabled
    panel.agreement.value = panel.agreement.description.rpartition(" ")[2]
    assert not panel.apply.disabled
    panel._changed_at = -10
    panel.apply.click()
    panel.wait()
    assert set(read_account(session).users) == {"eve"}


@pytest.fixture
def newcomers(session, guide):
    """The guide's users, planned after its developers' group was made."""
    (group,) = dev_group(guide("03_dev_group")).groups
    session.iam.create_group(GroupName=group.name)
    for name, document in group.inline_policies.items():
        session.iam.put_group_policy(
            GroupName=group.name, PolicyName=name, PolicyDocument=json.dumps(document)
        )
    return Review(plan_of(session, team_users(guide("04_users"))), session)


def test_how_far_new_users_get_is_said_before_anything_is_applied(session, newcomers, monkeypatch):
    """It follows the account's rules for passwords, which are read once, however long one types."""
    asked = []
    monkeypatch.setattr(
        review, "read_account", lambda *a, **m: asked.append(m) or read_account(*a, **m)
    )
    said = [newcomers.say_meaning() for _ in range(3)]
    stopped = "bob and carol will be stopped at the first sign-in, which wants a new password"
    assert all(any(one.startswith(stopped) for one in sentences) for sentences in said)
    assert len(asked) == 1
    session.iam.update_account_password_policy(AllowUsersToChangePassword=True)
    again = Review(newcomers.plan, session).say_meaning()
    assert any(
        one.startswith("bob and carol will be able to sign in, choose a password") for one in again
    )


def test_rules_that_cannot_be_read_hinder_no_plan(newcomers, monkeypatch):
    """Who may read nothing but what the plan needs is told that it cannot be told."""

    def refuse(_):
        told = {"Error": {"Code": "AccessDenied", "Message": "no"}}
        raise ClientError(told, "GetAccountPasswordPolicy")

    rules = OF_ACCOUNT["GetAccountPasswordPolicy"]
    monkeypatch.setitem(OF_ACCOUNT, "GetAccountPasswordPolicy", replace(rules, read=refuse))
    (untold,) = (one for one in newcomers.say_meaning() if "cannot be told" in one)
    assert untold.startswith("How far bob and carol will get")
    assert untold.endswith("the account's password policy, which was not read.")
