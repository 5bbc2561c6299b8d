"""A rotation that is killed at any call of any stage goes on with the next run."""

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from paths import GUIDE, ROOT
from samples import scaled
from test_permissions import WORKER, make, named_permissions, worker

from iamkit.aws.apply import apply_plan, await_applied
from iamkit.aws.read import read_account
from iamkit.aws.rotation import read_keys, rules_of
from iamkit.aws.session import open_session
from iamkit.errors import IamkitError
from iamkit.plan.changes import make_plan
from iamkit.plan.desired import KEY_OFF, Desired, DesiredUser
from iamkit.plan.key_rotation import want_next_steps
from iamkit.plan.rotation_stages import judge_rotations

__all__ = ["worker"]  # a fixture

CHILD = """
import os, signal, sys
from pathlib import Path
from iamkit.aws.apply import apply_plan
from iamkit.aws.read import read_account
from iamkit.aws.rotation import read_keys, rules_of
from iamkit.aws.session import open_session
from iamkit.parameters.yaml_file import read_parameters
from iamkit.plan.changes import make_plan
from iamkit.plan.key_rotation import want_next_steps
from iamkit.plan.rotation_stages import judge_rotations

file, worker, moment, operation = sys.argv[1:]
given = {"rotate": ["bob"], "run_as": worker}
parameters = read_parameters(Path(file)).for_notebook("10_rotate_keys", given)
session = open_session(parameters)
state = read_keys(session, parameters)
found = judge_rotations(state, rules_of(session, parameters, state))
desired = want_next_steps(state, found, ["bob"])
plan = make_plan(read_account(session, desired), desired)

def die(http_response=None, **_):
    if http_response is None or http_response.status_code < 300:  # after a call that acted
        os.kill(os.getpid(), signal.SIGKILL)

for client in (session.clients.iam, session.clients.iam_once):
    client.meta.events.register(f"{moment}-call.iam.{operation}", die)
apply_plan(plan, session, allow_destructive=True).raise_if_incomplete()
"""
CALLS = {
    "make": ["CreateAccessKey"],
    "heal": ["UpdateAccessKey", "DeleteAccessKey", "CreateAccessKey"],
    "switch off": ["TagUser", "UpdateAccessKey"],
    "delete": ["DeleteAccessKey", "UntagUser"],
}
"""By stage, the calls of its plan; to heal is to make after a run that was killed."""
EACH = [
    (stage, moment, call)
    for stage, calls in CALLS.items()
    for call in calls
    for moment in ("before", "after")
]
ONE_OF_A_KIND = [(s, m, c) for s, m, c in EACH if m == "after" and s != "heal"]
WEATHERS = scaled(["calm"], ["calm", "storm"])
TRIES = 8


def killed_at(moment, call, environment):
    """Run the next step of bob in a process that is killed at a call."""
    command = [sys.executable, "-c", CHILD, str(GUIDE), WORKER, moment, call]
    for _ in range(TRIES):  # in a storm it may end before the call
        done = subprocess.run(
            command,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT / "tests",
        )
        if done.returncode == -signal.SIGKILL:
            return
    raise AssertionError(done.stderr)


def run_once(guide):
    """A whole run as the worker: read, plan the next step, apply, verify; the stage before it."""
    parameters = guide("10_rotate_keys", rotate=["bob"], run_as=WORKER)
    session = open_session(parameters)
    state = read_keys(session, parameters)
    found = judge_rotations(state, rules_of(session, parameters, state))
    (stage,) = {one.stage for one in found if one.user == "bob"}
    desired = want_next_steps(state, found, ["bob"])
    plan = make_plan(read_account(session, desired), desired)
    apply_plan(plan, session, allow_destructive=True).raise_if_incomplete()
    assert await_applied(plan, session).changes == ()
    return stage


def go_on(guide, last):
    """Run until a stage is reached; in a storm a run may end before."""
    said = ""
    for _ in range(TRIES):
        try:
            if (said := run_once(guide)) == last:
                return
        except IamkitError as error:
            said = str(error)
    raise AssertionError(said)


def keys_of(session):
    """Bob's keys with their status, as the root sees them in calm weather."""
    listed = session.iam.list_access_keys(UserName="bob")["AccessKeyMetadata"]
    return {key["AccessKeyId"]: key["Status"] for key in listed}


def use(sandbox, key, days):
    """Let a key have been used so many days ago."""
    at = datetime.now(UTC) - timedelta(days=days)
    sandbox.set_key_last_used(key, at, "s3", "eu-central-1")


@pytest.mark.parametrize("weather", WEATHERS)
@pytest.mark.parametrize(("stage", "moment", "call"), scaled(ONE_OF_A_KIND, EACH))
def test_a_kill_at_any_call_of_a_stage(
    weather,
    stage,
    moment,
    call,
    sandbox,
    session,
    guide,
    worker,
    monkeypatch,
    killed,
):
    """Bob always has a key that works, with its secret; the next run goes on to the end."""
    if weather == "calm":
        monkeypatch.setattr("iamkit.aws.hand_over.SETTLING", 2.0)
    make(session, Desired(users=(DesiredUser(name="bob", access_key=True),)))
    (old,) = keys_of(session)
    sandbox.age(100)
    use(sandbox, old, 20)
    worker(*named_permissions("10_rotate_keys"))
    if stage in ("switch off", "delete"):
        go_on(guide, "to make")
        (new,) = keys_of(session).keys() - {old}
        use(sandbox, new, 0)
    if stage == "delete":
        go_on(guide, "to switch off")
        sandbox.age(15)
    sandbox.set_weather(weather)
    environment = os.environ | killed
    if stage == "heal":
        killed_at("after", "CreateAccessKey", environment)
    killed_at(moment, call, environment)

    sandbox.set_weather("calm")
    known = {old} | {key.id for key in session.store.keys_of("bob")}
    assert "Active" in {status for key, status in keys_of(session).items() if key in known}
    sandbox.set_weather(weather)
    go_on(guide, {"switch off": "off", "delete": "not due"}.get(stage, "changing over"))

    sandbox.set_weather("calm")
    keys = keys_of(session)
    stored = {key.id for key in session.store.keys_of("bob")}
    assert session.store.pending() == ()
    assert keys.keys() <= stored
    tags = {t["Key"]: t["Value"] for t in session.iam.list_user_tags(UserName="bob")["Tags"]}
    today = datetime.now(UTC).date().isoformat()
    off = {old: "Inactive"} if stage == "switch off" else {old: "Active"}
    off = {} if stage == "delete" else off
    assert {key: keys[key] for key in off} == off
    assert [status for key, status in keys.items() if key != old] == ["Active"]
    assert tags == ({f"{KEY_OFF}{old}": today} if stage == "switch off" else {})
