"""A key goes through its four stages in JupyterLab, by clicks, while the account grows older."""

from datetime import UTC, datetime, timedelta

from browser.conftest import (
    front,
    open_notebook,
    run_through,
    serious_violations,
    use_theme,
    wait_for_text,
)


def keys_of(session):
    """The status of each of zed's keys, by its id."""
    listed = session.iam.list_access_keys(UserName="zed")["AccessKeyMetadata"]
    return {key["AccessKeyId"]: key["Status"] for key in listed}


def take_step(page, says):
    """Tick zed, and apply what the button says; then wait until it is verified."""
    front(page).locator(".widget-checkbox", has_text="zed").locator("input:enabled").check()
    button = front(page).locator("button:enabled", has_text=f"Apply: {says}")
    button.wait_for()
    page.wait_for_timeout(1_200)  # a plan that has just changed is not applied
    button.click()
    front(page).locator("button", has_text="Nothing to apply").wait_for()
    wait_for_text(page, "Verified")


def read_again(page, stage):
    """Read the account again, and wait until zed's row, which the filter leaves, says how far."""
    front(page).get_by_role("button", name="Read the account again").click()
    front(page).get_by_text(stage, exact=True).first.wait_for()


def test_a_key_is_made_changed_over_switched_off_and_deleted_by_clicks(
    page, lab_with, sandbox, session, tmp_path
):
    """Each step is ticked by hand, who waits cannot be; nothing is hard to see in both themes."""
    sandbox.populate(40, 7)
    session.iam.create_user(UserName="zed")
    old = session.iam.create_access_key(UserName="zed")["AccessKey"]["AccessKeyId"]
    sandbox.age(100)
    yesterday = datetime.now(UTC) - timedelta(days=1)
    sandbox.set_key_last_used(old, yesterday, "s3", "eu-central-1")
    # On a busy machine two saves of the notebook may cross, and JupyterLab asks which one counts.
    page.add_locator_handler(
        page.get_by_role("button", name="Overwrite"), lambda button: button.click()
    )
    lab = lab_with({"environment": "sandbox", "account_id": "000000000000", "run_as": ""})
    open_notebook(page, lab, "10_rotate_keys")
    run_through(page)
    wait_for_text(page, "Nothing is ticked that is ready")
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        use_theme(page, theme)
        assert serious_violations(page) == []
        page.screenshot(path=tmp_path / f"{theme}.png")
    front(page).get_by_placeholder("a user, a key, a stage").fill("zed")
    front(page).locator(".widget-checkbox", has_text="svc-export").wait_for(state="detached")
    take_step(page, "1 to create")
    (new,) = keys_of(session).keys() - {old}
    assert session.store.keys_of("zed")[0].id == new

    read_again(page, "changing over")
    tick = front(page).locator(".widget-checkbox", has_text="zed").locator("input")
    assert tick.is_disabled()
    front(page).locator(".widget-checkbox", has_text=f"services use …{new[-8:]}").locator(
        "input"
    ).check()
    take_step(page, "1 to create, 1 to update")
    assert keys_of(session) == {old: "Inactive", new: "Active"}

    read_again(page, "off")
    assert tick.is_disabled()
    sandbox.age(15)
    read_again(page, "to delete")
    take_step(page, "2 to delete")
    assert keys_of(session) == {new: "Active"}
    front(page).locator(".widget-checkbox", has_text="zed").wait_for(state="detached")
