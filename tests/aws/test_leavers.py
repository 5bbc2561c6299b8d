"""Somebody leaves in the sandbox: stopped, taken back, deleted, made again."""

import json

import pytest
from undo_cases import plan_whole_undo

from iamkit.aws.apply import apply_plan, await_applied
from iamkit.aws.read import read_account, read_more
from iamkit.aws.undo import find_apply
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

LOOK = policy(allow("ec2:Describe*"))
READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
ALL_KINDS = ("ListMFADevices", "ListSigningCertificates", "GetLoginProfile", *OF_EACH_LEAVER)
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
    iam.create_virtual_mfa_device(VirtualMFADeviceName="dave")
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
    """Apply what is due, and the outcome."""
    desired = wanted_of(judge(session, *names, **options))
    plan = make_plan(read_account(session, desired), desired)
    outcome = apply_plan(plan, session, allow_destructive=True)
    outcome.raise_if_incomplete()
    assert await_applied(plan, session).changes == ()
    return outcome


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
    undo = plan_whole_undo(session, find_apply(session, outcome.journal))
    apply_plan(undo.plan, session, allow_destructive=True).raise_if_incomplete()
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
    undo = plan_whole_undo(session, find_apply(session, rebuild))
    assert undo.left == ()
    apply_plan(undo.plan, session, allow_destructive=True).raise_if_incomplete()
    path, tags, *facts, _, _ = person(session)
    then_path, then_tags, *then, _, _ = stopped
    assert (path, {**tags, "iamkit:left": ""}, facts[0]) == (
        then_path,
        {**then_tags, "iamkit:left": ""},
        then[0],
    )
    assert facts[1].keys() == then[1].keys()
    assert facts[2:] == then[2:]
