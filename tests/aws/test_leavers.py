"""Somebody leaves in the sandbox: stopped, taken back, deleted, made again."""

import json
import os
import signal
import time
from collections import Counter
from datetime import UTC, datetime

import pytest
from botocore.exceptions import ClientError
from samples import scaled

from iamkit.aws import apply
from iamkit.aws.apply import apply_plan, await_applied
from iamkit.aws.read import read_account, read_more
from iamkit.aws.undo import find_apply, read_undo
from iamkit.errors import AwsError, Lockout, PartlyApplied, StalePlan
from iamkit.notebook.pages.leavers import make_leaving
from iamkit.plan.changes import make_plan
from iamkit.plan.leavers import (
    LEAVERS_READ,
    OF_EACH_LEAVER,
    Leaving,
    judge_leavers,
    names_of,
    wanted_of,
)
from iamkit.policies import allow, policy
from iamkit.sandbox.server.one_time_passwords import STEP, totp

LOOK = policy(allow("ec2:Describe*"))
READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
SSH_KEY = (
    "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQDUFRkdYRke5UnhJ/KhcrNYvlmI4wDwn12OoyOh1Y0s"
    "XFYZUyV9Ou8XwwbGycE7kHsR6hXk36892+YdLF2dF0BzrR4donBfNwCOZ0UhbQ3FS2Rbl45/L1Jo0McX"
    "sAdOtnYpBDcFkIrPEZ/ACmKDWzFxqzH3caYUvRV8hS/SyjwMR2Tz8mDhMbvuwCrFBMUBkch8T6VVQLIr"
    "3QkeC8iGKXuuN/7yeXftQ6eWHjiHCbKP4OzcV7pIzvO1EBQWFxlo3FsiMhoZAGtFrFnORQ6mtzbVUY33"
    "uArujhM4hsD7/XBCqyqjbMLvaxvnjbHCRXDFT8eXl/Lqt7/JavXb1q2eyBZt"
)
PASSWORD = "Correct-horse-9-battery"
GRACE = 30
LATER = 31


@pytest.fixture
def dave(session, sandbox):
    """A user with something of each kind, beside an administrator who stays."""
    iam = session.iam
    iam.create_user(UserName="zoe")
    iam.attach_user_policy(UserName="zoe", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    iam.create_access_key(UserName="zoe")
    iam.create_group(GroupName="dev")
    tags = [{"Key": "team", "Value": "web"}, {"Key": "mail", "Value": "dave@example.com"}]
    iam.create_user(UserName="dave", Path="/team/", Tags=tags, PermissionsBoundary=READ_ONLY)
    iam.add_user_to_group(UserName="dave", GroupName="dev")
    iam.put_user_policy(UserName="dave", PolicyName="mine", PolicyDocument=json.dumps(LOOK))
    iam.attach_user_policy(UserName="dave", PolicyArn=READ_ONLY)
    iam.create_access_key(UserName="dave")
    iam.create_access_key(UserName="dave")
    iam.create_login_profile(UserName="dave", Password=PASSWORD)
    iam.create_service_specific_credential(UserName="dave", ServiceName="codecommit.amazonaws.com")
    iam.upload_ssh_public_key(UserName="dave", SSHPublicKeyBody=SSH_KEY)
    device = iam.create_virtual_mfa_device(VirtualMFADeviceName="dave")["VirtualMFADevice"]
    seed, step = device["Base32StringSeed"].decode(), int(time.time()) // STEP
    iam.enable_mfa_device(
        UserName="dave",
        SerialNumber=device["SerialNumber"],
        AuthenticationCode1=totp(seed, step - 1),
        AuthenticationCode2=totp(seed, step),
    )
    sandbox.sign_in("dave")
    return person(session)


def read(session, *names):
    """What the notebook reads."""
    state = read_account(session, operations=LEAVERS_READ, strict=False)
    known = names_of([Leaving(user=name) for name in names], state.users)
    return read_more(session, state, dict.fromkeys(OF_EACH_LEAVER, known))


def judge(session, *names, delete_password=False, spared=()):
    """How far each is."""
    leaving = [Leaving(user=name, delete_password=delete_password) for name in names]
    return judge_leavers(read(session, *names), leaving, GRACE, dict(spared))


def leave(session, *names, **options):
    """Apply what is due, and the outcome; a doubt is an error, as in a headless run."""
    desired = wanted_of(judge(session, *names, **options))
    if desired.doubts:
        raise AwsError(desired.doubts[0])
    plan = make_plan(read_account(session, desired), desired)
    outcome = apply_plan(plan, session, allow_destructive=True)
    outcome.raise_if_incomplete()
    assert await_applied(plan, session).changes == ()
    return outcome


def take_back(session, path):
    """Undo all that has a way back, what gives access by its numbers."""
    recorded = find_apply(session, path)
    undo = read_undo(session, recorded, ("all", *read_undo(session, recorded).asking))
    apply_plan(undo.plan, session, allow_destructive=True).raise_if_incomplete()
    return undo


def person(session, name="dave"):
    """All that a leaving may change of a user, by what can be as before."""
    state = read_account(session, every_user=True)
    user = state.users[name]
    keys = {key.id: key.status for key in state.access_keys[name]}
    password = state.login_profiles[name] is not None
    facts = (user.path, dict(user.tags), user.groups, dict(user.inline_policies))
    return (*facts, user.attached_policies, user.permissions_boundary, keys, password)


def test_stage_one_stops_everything_and_is_taken_back(session, dave):
    """The deny, the keys, the sessions and the tag; the undo gives all back but the sessions."""
    outcome = leave(session, "dave")
    calls = [change.operation for change in outcome.done]
    assert calls == [
        "tag_user",
        "put_user_policy",
        "update_access_key",
        "update_access_key",
        "batch_revoke_sessions",
    ]
    assert read(session, "dave").sign_in_sessions == {}
    assert judge(session, "dave")[0].stage == "has left"
    assert leave(session, "dave").done == []
    take_back(session, outcome.journal)
    assert person(session) == dave


def test_stage_two_deletes_and_the_file_makes_them_again(session, sandbox, dave):
    """Path, tags, groups, policies and boundary field by field; keys and password are gone."""
    leave(session, "dave")
    stopped = person(session)
    sandbox.age(LATER)
    outcome = leave(session, "dave")
    assert outcome.done[0].operation == "put_user_permissions_boundary"
    assert outcome.done[-1].operation == "delete_user"
    assert "dave" not in read_account(session).users
    assert judge(session, "dave")[0].stage == "is not there"
    (rebuild,) = outcome.rebuilds
    assert take_back(session, rebuild).left == ()
    path, tags, *facts, _, _ = person(session)
    then_path, then_tags, *then, _, _ = stopped
    assert (path, {**tags, "iamkit:left": ""}, facts[0]) == (
        then_path,
        {**then_tags, "iamkit:left": ""},
        then[0],
    )
    assert facts[1].keys() == then[1].keys()
    assert facts[2:] == then[2:]


def test_a_tag_set_by_an_attacker_deletes_nobody(session, sandbox, dave):
    """Named in the leavers, tagged with an old day, silent: they are stopped, and not deleted."""
    session.iam.tag_user(UserName="dave", Tags=[{"Key": "iamkit:left", "Value": "2020-01-01"}])
    sandbox.age(LATER)
    outcome = leave(session, "dave")
    assert not any(change.operation.startswith("delete") for change in outcome.done)
    session.iam.tag_user(UserName="dave", Tags=[{"Key": "iamkit:left", "Value": "2020-01-01"}])
    (one,) = judge(session, "dave")
    assert one.stage == "has left"
    assert [change.operation for change in leave(session, "dave").done] == ["tag_user"]
    assert judge(session, "dave") == (one,)


def test_a_tag_without_a_name_in_the_leavers_is_nothing(session, sandbox, dave):
    """Who is not named is not looked at."""
    leave(session, "dave")
    sandbox.age(LATER)
    assert wanted_of(judge(session)) == wanted_of(())
    assert "dave" in read_account(session).users


def test_what_changes_between_review_and_apply_stops_the_deletion(session, sandbox, dave):
    """A key that is on again, a deny that is gone: the plan is stale."""
    leave(session, "dave")
    sandbox.age(LATER)
    desired = wanted_of(judge(session, "dave"))
    assert desired.absent_users == ("dave",)
    plan = make_plan(read_account(session, desired), desired)
    session.iam.delete_user_policy(UserName="dave", PolicyName="iamkit-left")
    with pytest.raises(StalePlan):
        apply_plan(plan, session, allow_destructive=True)
    assert judge(session, "dave")[0].stage == "leaves now"


def test_who_signs_in_after_leaving_is_not_deleted(session, sandbox, dave):
    """The password was kept, and somebody used it: a person must look."""
    leave(session, "dave")
    sandbox.age(LATER)
    sandbox.set_password_last_used("dave", datetime.now(UTC))
    (one,) = judge(session, "dave")
    assert (one.stage, one.doubt) == ("has left", True)
    assert "the password was used" in one.said


def test_the_last_administrator_does_not_leave(session, dave):
    """The guard names them, and nothing is changed."""
    with pytest.raises(Lockout, match="now it is zoe"):
        leave(session, "zoe")
    assert judge(session, "zoe")[0].stage == "leaves now"


def test_a_full_user_is_stopped_by_awss_own_deny(session, sandbox, dave):
    """2,048 characters of inline policies are full; stage two goes on from there."""
    long = json.dumps(policy(allow(*(f"s3:GetObject{n:03}" for n in range(108)))))
    session.iam.put_user_policy(UserName="dave", PolicyName="mine", PolicyDocument=long)
    calls = [change.operation for change in leave(session, "dave").done]
    assert "attach_user_policy" in calls
    assert "put_user_policy" not in calls
    sandbox.age(LATER)
    leave(session, "dave")
    assert "dave" not in read_account(session).users


def test_a_user_of_awss_login_can_do_nothing_more(session, sandbox, dave):
    """Sessions are revoked, and what credentials they gave is denied."""
    sandbox.set_authorize(True)
    granted = sandbox.sign_in("dave")
    leave(session, "dave")
    sign_in = session.clients.sign_in
    with pytest.raises(ClientError):
        sign_in.create_o_auth2_token(
            tokenInput={
                "clientId": granted["client_id"],
                "grantType": "refresh_token",
                "refreshToken": granted["refresh_token"],
            }
        )


LEAVERS = tuple(f"leaver-{number:02}" for number in range(20))


def test_the_pre_flight_of_twenty_takes_two_calls_each(session, sandbox, guide):
    """40 calls beyond what is read in bulk, and one for each bucket."""
    sandbox.set_page_size(1_000)
    iam, s3 = session.iam, session.clients.make("s3")
    for name in LEAVERS:
        iam.create_user(UserName=name)
        iam.create_access_key(UserName=name)
        iam.create_access_key(UserName=name)
    s3.create_bucket(Bucket="logs-of-the-team")
    named = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::000000000000:user/{LEAVERS[3]}"},
        "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::logs-of-the-team/*",
    }
    document = {"Version": "2012-10-17", "Statement": [named]}
    s3.put_bucket_policy(Bucket="logs-of-the-team", Policy=json.dumps(document))
    before = len(sandbox.calls())
    rows = [{"user": name} for name in LEAVERS]
    form = make_leaving(guide("11_leavers", leavers=rows), session)
    found = form.belongings()
    calls = Counter(call["action"] for call in sandbox.calls()[before:])
    of_each = {name: calls.pop(name) for name in OF_EACH_LEAVER}
    assert sum(of_each.values()) == 2 * len(LEAVERS) == 40
    assert max(calls.values()) <= 4
    assert set(form.table()["stage"]) == {"leaves now"}
    assert len(found[found["what"] == "access key"]) == 40
    (row,) = found[found["what"] == "policy of a bucket"].itertuples()
    assert (row.user, row.name) == (LEAVERS[3], "logs-of-the-team")


def killed_in(session, number, **options):
    """Let a process do what is due, and kill it with SIGKILL as soon as a call has acted."""
    child = os.fork()
    if child == 0:
        call, calls = apply._Application._call, []

        def killing(self, change):
            call(self, change)
            calls.append(change.operation)
            if len(calls) == number:
                os.kill(os.getpid(), signal.SIGKILL)

        apply._Application._call = killing
        try:
            leave(session, "dave", **options)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL, "it ended before that call"


STAGE_ONE = ("tag_user", "put_user_policy", "key", "key", "password", "sessions")
STAGE_TWO = (
    "put_user_permissions_boundary",
    "remove_user_from_group",
    *("key", "key"),
    *("SSH key", "device off", "device gone", "service-specific credential"),
    *("policy", "policy", "detach_user_policy"),
)
"""The calls after which somebody is still there, in their order."""


@pytest.mark.parametrize("number", scaled([1, 2, 4, 5], range(1, 1 + len(STAGE_ONE))))
def test_a_first_stage_that_was_killed_goes_on(session, dave, number):
    """The next run does the rest, and what stopped is as if nothing had been interrupted."""
    killed_in(session, number, delete_password=True)
    if number < len(STAGE_ONE) - 2:
        assert judge(session, "dave")[0].stage == "leaves now"
    leave(session, "dave", delete_password=True)
    assert judge(session, "dave")[0].stage == "has left"
    *_, keys, password = person(session)
    assert (set(keys.values()), password) == ({"Inactive"}, False)
    assert read(session, "dave").sign_in_sessions == {}


@pytest.mark.parametrize("number", scaled([1, 4, 7, 9, 11], range(1, 1 + len(STAGE_TWO))))
def test_a_second_stage_that_was_killed_goes_on(session, sandbox, dave, number):
    """Meanwhile everything is denied; the next run deletes the rest, and the file is whole."""
    leave(session, "dave", delete_password=True)
    stopped = person(session)
    sandbox.age(LATER)
    killed_in(session, number)
    assert person(session)[5] == "arn:aws:iam::aws:policy/AWSDenyAll"
    assert "Active" not in person(session)[6].values()
    (one,) = judge(session, "dave")
    assert one.stage == "is deleted"
    outcome = leave(session, "dave")
    assert "dave" not in read_account(session).users
    take_back(session, outcome.rebuilds[0])
    path, tags, groups, inline, *rest, _, _ = person(session)
    assert (path, tags.keys(), groups) == (stopped[0], stopped[1].keys(), stopped[2])
    assert inline.keys() == stopped[3].keys()
    assert rest == list(stopped[4:6])


def leave_in(session, sandbox, weather, **options):
    """Do what is due in some weather, as often as it takes, and how often that was."""
    sandbox.set_weather(weather)
    for number in range(1, 20):
        try:
            leave(session, "dave", **options)
        except (AwsError, PartlyApplied, StalePlan) as error:
            print(error)
            continue
        sandbox.set_weather("calm")
        return number
    pytest.fail("it never ended")


@pytest.mark.parametrize("weather", scaled(["typical"], ["typical", "storm"]))
def test_bad_weather_is_ridden_out(session, sandbox, dave, weather):
    """Throttling, lost replies, late pages: it is run again until it is done."""
    sandbox.age(days=1)  # or AWS might not know yet that they are there
    assert leave_in(session, sandbox, weather, delete_password=True) < 10
    assert judge(session, "dave")[0].stage == "has left"
    sandbox.age(LATER)
    assert leave_in(session, sandbox, weather) < 10
    assert "dave" not in read_account(session).users
