"""The page of those who leave: picked by clicks or named in a file, it is one plan."""

from paths import GUIDE

from iamkit.aws.read import read_account
from iamkit.notebook.pages.leavers import make_leaving
from iamkit.notebook.review.review import Review
from iamkit.notebook.review.workbench import Workbench
from iamkit.parameters.files import CURRENT
from iamkit.plan.changes import make_plan

HOSTILE = "eve+=,.@-_"


def plan_of(session, form):
    desired = form.desired()
    return make_plan(read_account(session, desired), desired)


def test_clicks_and_a_file_give_the_same_plan(session, guide):
    """A user who is picked, with the tick of the password, is the user whom a file names."""
    for name in ("dave", "davina", HOSTILE):
        session.iam.create_user(UserName=name)
        session.iam.create_access_key(UserName=name)
    session.iam.create_login_profile(UserName="dave", Password="Correct-horse-9-battery")
    form = make_leaving(guide("11_leavers"), session)
    page = form.make_widget()
    assert form.idle == "Nobody is named who leaves."
    seen = []
    form.on_change(lambda: seen.append(len(form.leavers)))
    form.search.value = "DAV"
    assert form.found.options == ("dave", "davina")
    form.found.value = "dave"
    form.add.click()
    assert form.found.options == ("davina",)
    _, tick, _ = form.rows.children[0].children
    tick.value = True
    assert seen == [1, 1]
    row = {"user": "dave", "delete_password": True}
    assert [one.model_dump() for one in form.value.leavers] == [row]
    named = make_leaving(guide("11_leavers", leavers=[row]), session)
    assert form.desired() == named.desired()
    assert plan_of(session, form) == plan_of(session, named)
    assert "access key" in form.overview.value
    assert page.children[0].children[0] is form.search
    out = form.rows.children[0].children[2]
    out.click()
    assert (form.value.leavers, form.rows.children, form.overview.value) == ([], (), "")


def test_names_and_tags_of_an_account_are_no_markup(session, guide):
    """What somebody wrote into a tag is shown as text."""
    session.iam.create_user(UserName=HOSTILE, Tags=[{"Key": "x", "Value": "y"}])
    form = make_leaving(guide("11_leavers", leavers=[{"user": HOSTILE}]), session)
    form.make_widget()
    assert HOSTILE in form.rows.children[0].children[0].value
    form._state.users[HOSTILE].tags["x"] = "<img src=x onerror=alert(1)>"
    form._show()
    assert "<img" not in form.overview.value
    assert "&lt;img" in form.overview.value


def test_run_as_is_not_offered_and_is_refused(session, guide):
    """Neither by a click nor by a file."""
    session.iam.create_user(UserName="alice")
    form = make_leaving(guide("11_leavers", run_as="alice"), session)
    form.make_widget()
    assert form.found.options == ()
    named = make_leaving(guide("11_leavers", run_as="alice", leavers=[{"user": "Alice"}]), session)
    assert named.table()["stage"].tolist() == ["blocked"]
    assert named.desired().users == ()
    assert plan_of(session, named).doubts


def test_after_an_apply_the_page_tells_what_comes_next(session, sandbox, guide):
    """Stage one, then the days that are left; aged, the page itself offers stage two."""
    session.iam.create_user(UserName="dave")
    form = make_leaving(guide("11_leavers", leavers=[{"user": "dave"}]), session)
    review = Review(plan_of(session, form), session, form=form, after=[form.tell_stages])
    bench = Workbench(review)
    bench.make_widget()
    bench._changed_at = 0
    bench.apply.click()
    bench.wait()
    assert "can be deleted in 30 days" in bench.result.value
    assert "Nothing is due today" in bench.status.value or "Verified" in bench.status.value
    sandbox.age(days=31)
    bench.again.click()
    assert "is deleted" in form.rows.children[0].children[0].value
    assert "2 to delete" in bench.apply.description
    assert "A file that is written first makes them again" in bench.meaning.value
    bench._changed_at = 0
    bench.apply.click()
    bench.wait()
    assert "dave" not in read_account(session).users
    assert "iamkit undo" in bench.result.value


def test_who_has_nothing_is_said_to_have_nothing(session, guide, monkeypatch):
    """A heading with nothing below it would leave open whether anybody looked."""
    monkeypatch.setenv(CURRENT, str(GUIDE))  # without a file that could not be told
    session.iam.create_user(UserName="bare")
    form = make_leaving(guide("11_leavers", leavers=[{"user": "bare"}]), session)
    form.make_widget()
    assert "Nothing was found." in form.overview.value
