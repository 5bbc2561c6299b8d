"""The page of keys in rotation: its rows, ticks and switches, and what they come to."""

from datetime import UTC, datetime, timedelta

import ipywidgets as widgets
import pytest

from iamkit.notebook.pages.key_rotation import make_rotation

ATTACK = "<img src=x onerror=alert(1)>"


@pytest.fixture
def form(session, sandbox, guide):
    """The form of an account with a key that is due, one that changes over, and one of a robot."""
    keys = {}
    for name in ("due", "over", "young"):
        session.iam.create_user(UserName=name)
        made = session.iam.create_access_key(UserName=name)["AccessKey"]
        keys[name] = [made["AccessKeyId"]]
    sandbox.age(100)
    keys["over"].append(session.iam.create_access_key(UserName="over")["AccessKey"]["AccessKeyId"])
    session.iam.delete_access_key(UserName="young", AccessKeyId=keys["young"][0])
    session.iam.create_access_key(UserName="young")
    old, new = keys["over"]
    sandbox.set_key_last_used(old, datetime.now(UTC) - timedelta(days=1), "s3", "eu-west-1")

    def make(**values):
        form = make_rotation(guide("10_rotate_keys", run_as="", **values), session)
        return form, {"old": old, "new": new}

    return make


def parts(widget, kind):
    """All widgets of a kind in another."""
    found = [widget] if isinstance(widget, kind) else []
    return found + [
        part for child in getattr(widget, "children", ()) for part in parts(child, kind)
    ]


def boxes(widget):
    """The ticks by what they say."""
    return {box.description: box for box in parts(widget, widgets.Checkbox)}


def test_a_tick_is_a_step_and_a_switch_that_is_told_opens_one(form):
    """Nothing is ticked; who waits cannot be; the value is what a parameters file would say."""
    form, keys = form()
    heard = []
    form.on_change(lambda: heard.append(form.desired()))
    ticks = boxes(form.make_widget())
    switch = f"services use …{keys['new'][-8:]}"
    assert ticks.keys() == {"due", "over", switch}
    assert not any(box.value for box in ticks.values())
    assert ticks["over"].disabled
    assert not form.desired().users

    ticks["due"].value = True
    assert [user.name for user in heard[-1].users] == ["due"]
    ticks[switch].value = True
    assert not ticks["over"].disabled
    ticks["over"].value = True
    assert {user.name for user in heard[-1].users} == {"due", "over"}
    assert set(form.value.rotate) == {"due", "over"}
    assert form.value.switched == [keys["new"]]
    ticks[switch].value = False
    assert ticks["over"].disabled
    assert [user.name for user in heard[-1].users] == ["due"]


def test_clicks_and_a_file_want_the_same(form):
    """The form clicked through, and the parameters that it gives, come to one desired state."""
    make = form
    form, keys = make()
    ticks = boxes(form.make_widget())
    ticks[f"services use …{keys['new'][-8:]}"].value = True
    for name in ("due", "over"):
        ticks[name].value = True
    named = make(rotate=form.value.rotate, switched=form.value.switched)[0]
    assert named.desired() == form.desired()
    assert len(form.desired().users) == 2


def test_the_table_shows_both_keys_with_their_last_use(form):
    """Service, region and day, the stage, why, what comes next; a young key is only counted."""
    form, keys = form(rotate=["due"])
    found = form.table().set_index("user")
    assert list(found.index) == ["due", "over"]
    assert found.loc["due", "step"] == "yes"
    over = found.loc["over"]
    assert (over["old key"], over["new key"]) == (keys["old"], keys["new"])
    day = datetime.now(UTC) - timedelta(days=1)
    assert over["last use"] == f"last used on {day:%Y-%m-%d} for s3 in eu-west-1"
    assert over["its last use"] == "never used as far as AWS tells"
    assert "Not due: 1 of 3 users with a key." in form._say_quiet()


def test_the_rows_hold_no_markup_of_the_account(form, session):
    """What a tag says is text on the page."""
    make = form
    form, keys = make()
    session.iam.update_access_key(UserName="over", AccessKeyId=keys["old"], Status="Inactive")
    tag = {"Key": f"iamkit:key-off:{keys['old']}", "Value": "soon"}
    session.iam.tag_user(UserName="over", Tags=[tag])
    form = make()[0]
    form._account.users["over"].tags[tag["Key"]] = ATTACK  # IAM itself takes no such value
    form.found = form._judge()
    shown = "".join(part.value for part in parts(form.make_widget(), widgets.HTML))
    assert "&lt;img src=x" in shown
    assert ATTACK not in shown


def test_a_step_that_was_made_is_ticked_no_more(form, session):
    """After an apply a person ticks the next step by hand; who stayed as they were stay ticked."""
    form, _ = form()
    ticks = boxes(form.make_widget())
    ticks["due"].value = True
    session.iam.create_access_key(UserName="due")
    form.judge_again(session)
    assert form.value.rotate == []
    assert not form.desired().users


def test_a_filter_keeps_what_is_ticked(form):
    """Rows come and go, and what is ticked in one that is not shown stays ticked."""
    form, _ = form()
    page = form.make_widget()
    boxes(page)["due"].value = True
    late = boxes(page)["due"]
    form.filter.value = "changing over"
    assert "due" not in boxes(page)
    assert form.value.rotate == ["due"]
    form.filter.value = ""
    assert boxes(page)["due"].value
    late.value = False  # a click that was on its way
    assert not boxes(page)["due"].value
    assert form.value.rotate == []


def test_all_who_are_named_are_ticked_and_a_reading_leaves_the_rows(form, session, sandbox):
    """A row that a reading replaced would take the focus, and the next click, with it."""
    make, (_, keys) = form, form()
    form = make(rotate=["due", "over"], switched=[keys["new"]])[0]
    page = form.make_widget()
    assert form.value.rotate == ["due", "over"]
    ticks = boxes(page)
    assert all(ticks[name].value for name in ("due", "over"))
    heard = []
    form.on_change(lambda: heard.append(form.value.rotate))
    sandbox.set_key_last_used(keys["old"], datetime.now(UTC), "ec2", "eu-west-3")
    form.judge_again(session)
    assert boxes(page) == ticks
    assert "ec2 in eu-west-3" in "".join(part.value for part in parts(page, widgets.HTML))
    session.iam.create_access_key(UserName="due")
    form.judge_again(session)
    assert (form.value.rotate, heard) == (["over"], [])


def test_a_key_that_is_not_due_is_changed_now(form):
    """Its owner is picked by name and ticked; a tick that goes takes the wish back."""
    form, _ = form()
    page = form.make_widget()
    assert form.early.options == ("young",)
    form.early.value = "young"
    assert boxes(page)["young"].value
    (row,) = form.value.early
    assert (form.value.rotate, row.user, form.early.options) == (["young"], "young", ())
    (user,) = form.desired().users
    assert (user.name, user.another_key) == ("young", True)
    boxes(page)["young"].value = False
    assert (form.value.early, form.value.rotate, form.desired().users) == ([], [], ())
    assert "young" not in boxes(page)


def test_a_rotation_before_its_time_goes_on_after_its_first_step(form, session, sandbox):
    """The wish names a moment, so the second key ends it, and the page waits for its use."""
    sandbox.age(2)
    form, _ = form()
    form.make_widget()
    form.early.value = "young"
    session.iam.create_access_key(UserName="young")
    form.judge_again(session)
    (found,) = (one for one in form.found if one.user == "young")
    assert (found.stage, form.value.rotate) == ("changing over", [])
