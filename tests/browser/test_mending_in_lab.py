"""Findings mended and taken back in JupyterLab, by clicks and keys."""

from browser.conftest import (
    front,
    open_notebook,
    run_through,
    serious_violations,
    use_theme,
    wait_for_text,
)

UNUSED = "Access keys that nobody uses are deactivated"


def states_of(session, keys):
    """Whether each key is active, by its id."""
    return {
        key["AccessKeyId"]: key["Status"]
        for user in {user for user, _ in keys}
        for key in session.iam.list_access_keys(UserName=user)["AccessKeyMetadata"]
    }


def test_findings_are_mended_and_taken_back_by_clicks(page, lab_with, sandbox, session):
    """Nothing is ticked; two ticks are one plan; what is gone is told; a key comes back by a tick.

    With nothing that is hard to see, in both themes.
    """
    sandbox.populate(40, 7)
    sandbox.age(1)
    lab = lab_with({"environment": "sandbox", "account_id": "000000000000"})
    open_notebook(page, lab, "09_mend_findings")
    run_through(page)
    wait_for_text(page, "Nothing is ticked")
    front(page).get_by_text(UNUSED).first.click()
    ticks = front(page).locator(".widget-checkbox")
    ticks.nth(1).wait_for()
    keys = []
    for number in range(2):
        keys.append(tuple(ticks.nth(number).inner_text().strip().split(" · ")))
        ticks.nth(number).locator("input").check()
    wait_for_text(page, "Apply: 2 to update")
    wait_for_text(page, "will stop working")
    assert {states_of(session, keys)[key] for _, key in keys} == {"Active"}
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        use_theme(page, theme)
        assert serious_violations(page) == []

    front(page).locator("button:enabled", has_text="Apply: 2 to update").click()
    wait_for_text(page, "Verified")
    assert front(page).locator('td:text-is("gone")').count() == 2
    assert {states_of(session, keys)[key] for _, key in keys} == {"Inactive"}

    front(page).get_by_role("button", name="Take it back").click()
    wait_for_text(page, "would work again")
    front(page).locator(".widget-checkbox input").first.check()
    back = front(page).locator("button:enabled", has_text="Apply: 1 to update")
    back.wait_for()
    page.wait_for_timeout(1_200)  # a plan that has just changed is not applied
    back.click()
    wait_for_text(page, "1 done, 0 failed, 0 left")
    found = states_of(session, keys)
    assert sorted(found[key] for _, key in keys) == ["Active", "Inactive"]
