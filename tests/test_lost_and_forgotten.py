"""A new password and a lost device in the sandbox: by CI, cut off, in a storm, by clicks."""

import csv
import json
import signal
import subprocess
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from botocore.exceptions import ClientError
from paths import GUIDE
from samples import scaled
from test_permissions import named_permissions

from iamkit.aws.apply import apply_plan, await_applied, word_to_type
from iamkit.aws.read import read_account
from iamkit.aws.session import open_session
from iamkit.aws.undo import find_apply, read_undo
from iamkit.errors import IamkitError, PartlyApplied
from iamkit.notebook.pages.lost import make_lost_form
from iamkit.notebook.review.review import Review
from iamkit.parameters.models import NOTEBOOKS
from iamkit.plan.changes import make_plan
from iamkit.plan.desired import Desired, DesiredUser
from iamkit.plan.operations import OPERATIONS
from iamkit.plan.wanted import lost_credentials
from iamkit.policies import allow, policy
from iamkit.sandbox.server.one_time_passwords import STEP, totp

IAMKIT = Path(sys.executable).parent / "iamkit"
BOOK = "12_lost_and_forgotten"
CALLS = (
    *("delete_login_profile", "create_login_profile"),
    *("deactivate_mfa_device", "delete_virtual_mfa_device"),
)
# The child kills itself at one step; once its plan is made, steps are counted.
CHILD = """
import os, signal, sys
from pathlib import Path
from iamkit.aws.apply import apply_plan
from iamkit.aws.read import read_account
from iamkit.aws.session import open_session
from iamkit.parameters.yaml_file import read_parameters
from iamkit.plan.changes import make_plan
from iamkit.plan.wanted import lost_credentials

step, begun, steps = sys.argv[2], [], []
calls = [f"{moment} {name}" for name in sys.argv[3].split() for moment in ("before", "after")]

def reached(moment):
    if not begun:
        return
    steps.append(moment)
    stored = moment in calls or "after delete_login_profile" in steps  # until then it is preflight
    if step == str(len(steps)) or (stored and step == moment):
        os.kill(os.getpid(), signal.SIGKILL)

def killing(function, name):
    def call(*arguments, **options):
        reached(f"before {name}")
        result = function(*arguments, **options)
        reached(f"after {name}")
        return result
    return call

parameters = read_parameters(Path(sys.argv[1])).for_notebook("12_lost_and_forgotten", {})
session = open_session(parameters)
desired = lost_credentials(parameters)
plan = make_plan(read_account(session, desired), desired)
for name in sys.argv[3].split():
    setattr(session.iam, name, killing(getattr(session.iam, name), name))
for name in ("open", "write", "fsync", "link", "unlink", "replace"):
    setattr(os, name, killing(getattr(os, name), name))
begun.append(True)
apply_plan(plan, session, allow_destructive=True).raise_if_incomplete()
print(len(steps))
"""


def enrol(iam, user, device="bob-phone"):
    """Register a virtual device, with two codes; its serial number."""
    made = iam.create_virtual_mfa_device(VirtualMFADeviceName=device)["VirtualMFADevice"]
    seed, step = made["Base32StringSeed"].decode(), int(time.time()) // STEP
    codes = [totp(seed, step - 2), totp(seed, step - 1)]
    iam.enable_mfa_device(
        UserName=user,
        SerialNumber=made["SerialNumber"],
        AuthenticationCode1=codes[0],
        AuthenticationCode2=codes[1],
    )
    return made["SerialNumber"]


@pytest.fixture
def bob(sandbox, session):
    """Bob, for two days: with a key, a password that was handed over, and a phone."""
    wanted = Desired(users=(DesiredUser(name="bob", access_key=True, console_password=True),))
    plan = make_plan(read_account(session, wanted), wanted)
    apply_plan(plan, session).raise_if_incomplete()
    serial = enrol(session.iam, "bob")
    sandbox.age(2)
    return serial


@pytest.fixture
def file(tmp_path, bob):
    """Bob has forgotten the one and lost the other by this morning."""
    values = yaml.safe_load(GUIDE.read_text()) | {
        "run_as": "",
        "lost": [{"user": "bob", "before": today(), "password": True, "devices": True}],
        "allow_destructive": True,
    }
    path = tmp_path / "team.yaml"
    path.write_text(yaml.safe_dump(values))
    return path


def today():
    return datetime.now(UTC).date().isoformat()


def wanted_by(file):
    values = yaml.safe_load(file.read_text())
    known = NOTEBOOKS[BOOK].model_fields.keys() & values.keys()
    return NOTEBOOKS[BOOK].model_validate({name: values[name] for name in known})


def stored_password(session, user="bob"):
    """The password in the store, as its owner reads it."""
    places = [r.where for r in session.store.receipts(user) if r.what == "console password"]
    with Path(places[0]).open(newline="") as lines:
        return next(csv.DictReader(lines))["Password"]


def opens(guide, password):
    """Whether bob's password is this one; he changes it into itself."""
    try:
        iam = open_session(guide("03_dev_group", run_as="bob")).iam
        iam.change_password(OldPassword=password, NewPassword=password)
    except ClientError as error:
        if error.response["Error"]["Code"] != "AccessDenied":
            raise
        return False
    return True


def made_at(session):
    """When bob's password was made; None if he has none."""
    try:
        return session.iam.get_login_profile(UserName="bob")["LoginProfile"]["CreateDate"]
    except session.iam.exceptions.NoSuchEntityException:
        return None


def devices_in_aws(session):
    """Every virtual device of the account, in use or not."""
    listed = session.iam.list_virtual_mfa_devices()["VirtualMFADevices"]
    return [device["SerialNumber"] for device in listed]


def finish(session, file):
    """What the next run does."""
    desired = lost_credentials(wanted_by(file))
    plan = make_plan(read_account(session, desired), desired)
    apply_plan(plan, session, allow_destructive=True).raise_if_incomplete()
    assert await_applied(plan, session).changes == ()


def run(file, folder, *more):
    return subprocess.run(
        [IAMKIT, "run", BOOK, "-f", file, "--output", folder, *more],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
    )


def test_a_nightly_run_does_it_once(session, guide, file, tmp_path, bob):
    """Planned, applied, and nothing left the next night.

    The stored password opens, and no page, notebook or message holds it.
    """
    old = stored_password(session)
    planned = run(file, tmp_path)
    assert planned.returncode == 2, planned.stderr
    assert stored_password(session) == old
    done = run(file, tmp_path, "--apply")
    assert done.returncode == 0, done.stdout + done.stderr
    new = stored_password(session)
    assert new != old
    profile = session.iam.get_login_profile(UserName="bob")["LoginProfile"]
    assert profile["PasswordResetRequired"] is True
    assert opens(guide, new)
    assert devices_in_aws(session) == []
    page = (tmp_path / f"{BOOK}.html").read_text()
    for said in ("There is no undo for this", "has no MFA device any more", "send them this page"):
        assert said in page
    everything = "".join(p.read_text() for p in tmp_path.iterdir() if p.is_file())
    assert new not in everything + done.stdout + done.stderr
    enrol(session.iam, "bob")
    again = run(file, tmp_path, "--apply")
    assert again.returncode == 0, again.stdout + again.stderr
    assert (stored_password(session), devices_in_aws(session)) == (new, [bob])


def test_without_consent_nothing_goes(session, file, tmp_path, bob):
    """A headless run wants allow_destructive."""
    values = yaml.safe_load(file.read_text())
    file.write_text(yaml.safe_dump(values | {"allow_destructive": False}))
    refused = run(file, tmp_path, "--apply")
    assert refused.returncode == 1
    assert "allow_destructive" in refused.stderr
    assert (bool(made_at(session)), devices_in_aws(session)) == (True, [bob])


STEPS = 95
"""A step beyond the last of the child's."""
ONE_OF_A_KIND = [
    *(f"{moment} {call}" for call in CALLS for moment in ("before", "after")),
    *(f"after {call}" for call in ("open", "write", "fsync", "replace")),
]


@pytest.mark.parametrize("step", scaled(ONE_OF_A_KIND, list(range(1, STEPS))))
def test_a_kill_at_any_step_leaves_no_password_that_is_not_stored(
    session, guide, file, step, killed, bob
):
    """SIGKILL: what is set is the old password or the stored one; the next run ends it all."""
    old, old_made = stored_password(session), made_at(session)
    command = [sys.executable, "-c", CHILD, str(file), str(step), " ".join(CALLS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=killed)
    assert done.returncode in scaled([-signal.SIGKILL], [0, -signal.SIGKILL]), done.stderr
    if (made := made_at(session)) is not None:
        assert opens(guide, old if made == old_made else stored_password(session))
    finish(session, file)
    assert opens(guide, stored_password(session))
    assert (stored_password(session) == old, devices_in_aws(session)) == (False, [])
    left = sorted(path.name for path in (session.folder / "credentials").iterdir())
    assert [name for name in left if name.endswith(".new")] == []


def test_the_kills_reach_every_step(session, file, killed):
    """The last steps of the test above lie beyond the end, so that no step is left out."""
    command = [sys.executable, "-c", CHILD, str(file), "none", " ".join(CALLS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=killed)
    assert int(done.stdout) < STEPS


@pytest.mark.parametrize("kind", ["error_before", "error_after", "drop_after", "truncate"])
@pytest.mark.parametrize(
    "action",
    ["DeleteLoginProfile", "CreateLoginProfile", "DeactivateMFADevice", "DeleteVirtualMFADevice"],
)
def test_a_lost_reply_ends_as_wanted(sandbox, session, guide, file, action, kind):
    """Run by run, until nothing is left; the password that is set is the stored one."""
    sandbox.set_faults([{"action": action, "kind": kind, "times": 1}])
    with suppress(PartlyApplied, IamkitError):
        finish(session, file)
    sandbox.clear_faults()
    finish(session, file)
    assert opens(guide, stored_password(session))
    assert devices_in_aws(session) == []


def test_a_storm_ends_as_wanted(sandbox, session, guide, file):
    """Whatever was hit, after it one run leaves one password, the stored one, and no device."""
    sandbox.set_weather("storm")
    for _ in range(scaled(3, 12)):
        with suppress(PartlyApplied, IamkitError):
            finish(session, file)
    sandbox.set_weather("calm")
    finish(session, file)
    assert opens(guide, stored_password(session))
    assert devices_in_aws(session) == []


def test_a_password_that_aws_still_sees_is_waited_for(session, guide, file, monkeypatch):
    """After its deletion AWS may say that it exists; the same new one is tried again."""
    create, refused = session.iam.create_login_profile, []

    def late(**arguments):
        if len(refused) < 2:
            refused.append(arguments["Password"])
            response = {"Error": {"Code": "EntityAlreadyExists", "Message": "still there"}}
            raise ClientError(response, "CreateLoginProfile")
        refused.append(arguments["Password"])
        return create(**arguments)

    monkeypatch.setattr(session.iam, "create_login_profile", late)
    finish(session, file)
    assert len(refused) == 3
    assert set(refused) == {stored_password(session)}
    assert opens(guide, stored_password(session))


def planned(session):
    """A first password for somebody who has none."""
    session.iam.create_user(UserName="ann")
    wanted = Desired(users=(DesiredUser(name="ann", console_password=True),))
    return make_plan(read_account(session, wanted), wanted)


def test_a_password_that_aws_repeats_in_an_error_is_told_nowhere(session, monkeypatch):
    """AWS may repeat a value that it refuses: neither the outcome nor the journal does."""
    sent = []

    def refuse(**arguments):
        sent.append(arguments["Password"])
        said = f"Value '{sent[-1]}' at 'password' failed to satisfy constraint"
        reply = {"Error": {"Code": "ValidationError", "Message": said}}
        raise ClientError(reply | {"ResponseMetadata": {"HTTPStatusCode": 400}}, "any")

    plan = planned(session)
    monkeypatch.setattr(session.iam, "create_login_profile", refuse)
    outcome = apply_plan(plan, session)
    [(_, why)] = outcome.failed
    assert "ValidationError: AWS refused it." in why
    assert sent[0] not in why + outcome.journal.read_text()


def test_a_password_that_was_made_elsewhere_is_not_taken_for_the_stored_one(
    sandbox, session, monkeypatch
):
    """Somebody was quicker: the change fails, and no file holds a password that opens nothing."""
    sandbox.set_weather("calm")
    plan, create = planned(session), session.iam.create_login_profile

    def second(**arguments):
        create(UserName="ann", Password="Made-Elsewhere-1")
        return create(**arguments)

    monkeypatch.setattr(session.iam, "create_login_profile", second)
    outcome = apply_plan(plan, session)
    assert outcome.done == []
    [(_, why)] = outcome.failed
    assert "made elsewhere" in why
    assert (outcome.receipts, session.store.receipts("ann")) == ([], ())


def test_it_needs_no_more_than_it_names(sandbox, session, file, tmp_path):
    """Under exactly the permissions of its first cell, and after a run that was cut off too."""
    name = Desired(users=(DesiredUser(name="worker", access_key=True),))
    apply_plan(make_plan(read_account(session, name), name), session).raise_if_incomplete()
    document = json.dumps(policy(allow(*named_permissions(BOOK))))
    session.iam.put_user_policy(UserName="worker", PolicyName="only", PolicyDocument=document)
    sandbox.set_authorize(True)
    try:
        done = run(file, tmp_path, "--apply", "-p", "run_as", "worker")
    finally:
        sandbox.set_authorize(False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert devices_in_aws(session) == []


def test_the_name_is_typed_on_a_live_account(session, file):
    """The user's, where somebody's password or device goes; elsewhere the alias."""
    desired = lost_credentials(wanted_by(file))
    plan = make_plan(read_account(session, desired), desired)

    class Live:
        environment, alias, identity = "aws", "team", session.identity

    assert word_to_type(plan, session) == ""
    assert word_to_type(plan, Live()) == "bob"
    leaving = Desired(absent_users=("bob",))
    assert word_to_type(make_plan(read_account(session, leaving), leaving), Live()) == "team"


def test_the_undo_says_what_does_not_come_back(session, file):
    """The old password and the device; the new password alone can be taken away again."""
    finish(session, file)
    undo = read_undo(session, find_apply(session))
    told = {step.change.operation: (step.state, step.said) for step in undo.steps}
    assert told["create_login_profile"][0] == "ready"
    for operation in CALLS:
        if operation != "create_login_profile":
            assert told[operation] == ("no way back", OPERATIONS[operation].limit)


def test_clicks_and_a_file_come_to_the_same(session, guide, file, bob):
    """Chosen by name, two ticks: the request of the file, by today's date."""
    form = make_lost_form(guide(BOOK, run_as=""), session)
    form.make_widget()
    seen = []
    form.on_change(lambda: seen.append(form.value))
    form.search.value = "bob"
    card = form.cards["bob"]
    assert form.value.lost == []
    card.password.value = card.devices[bob].value = True
    assert len(seen) == 2
    assert form.value.lost == wanted_by(file).lost
    assert form.desired() == lost_credentials(wanted_by(file))


def test_what_was_made_today_is_meant_by_its_second(session, guide, bob):
    """A device of this morning is older than the moment, and the next one is not."""
    serial = enrol(session.iam, "bob", "tablet")
    form = make_lost_form(guide(BOOK, run_as=""), session)
    form.make_widget()
    form.search.value = "bob"
    form.cards["bob"].devices[serial].value = True
    (row,) = form.value.lost
    assert row.serials == [serial]
    time.sleep(1.1)
    desired = form.desired()
    plan = make_plan(read_account(session, desired), desired)
    assert {c.arguments["SerialNumber"] for c in plan.changes} == {serial}
    assert plan.blockers == ()


def test_after_an_apply_the_form_holds_what_is_left(session, guide, file):
    """The ticks are off, the plan is empty, and what to tell bob is said."""
    form = make_lost_form(wanted_by(file), session)
    form.make_widget()
    plan = make_plan(read_account(session, form.desired()), form.desired())
    review = Review(plan, session, allow_destructive=True, form=form, after=[form.tell_owners])
    assert review.form is form
    review.apply()
    review.conclusion = review.check_applied()
    told = "".join(output["text/html"] for output in review.tell_end())
    assert "has no MFA device any more" in told
    assert stored_password(session) not in told
    review.read_again()
    assert review.plan.changes == ()
    card = form.cards["bob"]
    assert (card.password.value, card.devices) == (False, {})


def test_a_place_that_is_none_is_said_in_the_form(session, guide, bob):
    """The plan is not made, and nothing is lost."""
    form = make_lost_form(guide(BOOK, run_as=""), session)
    form.make_widget()
    form.search.value = "bob"
    form.cards["bob"].password.value = True
    form.cards["bob"].hand_over.value = "mail"
    with pytest.raises(IamkitError, match="hand_over"):
        form.desired()


def test_a_reading_leaves_the_ticks_of_whom_nothing_has_changed(session, guide, bob):
    """The plan reads on after the first tick; the second one may be on its way meanwhile."""
    form = make_lost_form(guide(BOOK, run_as=""), session)
    form.make_widget()
    form.search.value = "bob"
    card = form.cards["bob"]
    card.password.value = True
    form.judge_again(session)
    assert form.cards["bob"] is card
    (device,) = card.devices.values()
    device.value = True
    (row,) = form.value.lost
    assert (row.password, row.devices) == (True, True)
