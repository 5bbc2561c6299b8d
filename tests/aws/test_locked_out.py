"""What the guard at the door refuses is walked through in the sandbox: who is out is really out."""

import json
from dataclasses import replace

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from plan.test_lockout import ALL, BOUND, NO_IAM, OUT, READ, SAFE, WIDE

from iamkit.aws.apply import apply_plan
from iamkit.aws.read import read_account
from iamkit.errors import Lockout
from iamkit.plan.changes import make_plan

HERE = "arn:aws:iam::000000000000:policy/"


@pytest.fixture
def company(sandbox, session):
    """The company of the pure tests, in a sandbox that holds each call against the policies.

    Returns:
        The keys that work, by user.
    """
    iam = session.iam
    for name, document in (("bound", READ), ("wide", ALL)):
        iam.create_policy(PolicyName=name, PolicyDocument=json.dumps(dated(document)))
    for group, document in (("Admins", ALL), ("dev", READ), ("barred", NO_IAM)):
        iam.create_group(GroupName=group)
        name = {"Admins": "all", "dev": "read", "barred": "none"}[group]
        iam.put_group_policy(
            GroupName=group, PolicyName=name, PolicyDocument=json.dumps(dated(document))
        )
    for user, group in (("ann", "Admins"), ("bob", "dev"), ("eve", "Admins")):
        iam.create_user(UserName=user)
        iam.add_user_to_group(UserName=user, GroupName=group)
    sandbox.set_authorize(True)
    return {name: new_key(iam, name) for name in ("ann", "bob")}


def dated(document):
    return {"Version": "2012-10-17", **document}


def new_key(iam, user):
    return iam.create_access_key(UserName=user)["AccessKey"]


def add(iam, people):
    """More people, as the pure tests describe them: by name, the keys that work."""
    keys = {}
    for one in people:
        iam.create_user(UserName=one["name"])
        for arn in one.get("attached", ()):
            iam.attach_user_policy(UserName=one["name"], PolicyArn=arn)
        for group in one.get("groups", ()):
            iam.add_user_to_group(UserName=one["name"], GroupName=group)
        if "password" in one:
            iam.create_login_profile(UserName=one["name"], Password="Not-a-Secret-1")
        if "keys" in one:
            keys[one["name"]] = new_key(iam, one["name"])
    return keys


def here(desired, key_id):
    """What is wanted, with the names of this account in the place of the pure tests'."""
    users = []
    for user in desired.users:
        bound = {BOUND: f"{HERE}bound", WIDE: f"{HERE}wide"}.get(user.permissions_boundary)
        status = dict.fromkeys([key_id] * len(user.key_status), "Inactive")
        inline = {name: dated(text) for name, text in user.inline_policies.items()}
        facts = {"key_status": status, "inline_policies": inline, "permissions_boundary": bound}
        users.append(replace(user, **facts))
    groups = [
        replace(one, inline_policies={n: dated(text) for n, text in one.inline_policies.items()})
        for one in desired.groups
    ]
    return replace(desired, users=tuple(users), groups=tuple(groups))


def administers(sandbox, key):
    """Whether somebody with this key may do what administrators do, by doing it."""
    iam = boto3.client(
        "iam",
        endpoint_url=sandbox.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
        config=Config(proxies={}, retries={"total_max_attempts": 1}),
    )
    try:
        iam.create_group(GroupName="proof")
        iam.delete_group(GroupName="proof")
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("AccessDenied", "InvalidClientTokenId"):
            raise
        return False
    return True


@pytest.mark.parametrize("desired", OUT.values(), ids=OUT)
def test_who_is_said_to_be_locked_out_is(sandbox, session, company, desired):
    """Refused; and applied with the consent, nobody who could administer can any more."""
    assert administers(sandbox, company["ann"])
    wanted = here(desired, company["ann"]["AccessKeyId"])
    plan = make_plan(read_account(session, wanted), wanted)
    with pytest.raises(Lockout) as refused:
        apply_plan(plan, session, allow_destructive=True)
    assert administers(sandbox, company["ann"])
    words = refused.value.consent
    apply_plan(plan, session, allow_destructive=True, accept_lockout=words).raise_if_incomplete()
    assert [name for name, key in company.items() if administers(sandbox, key)] == []


@pytest.mark.parametrize(("desired", "more"), SAFE.values(), ids=SAFE)
def test_who_is_said_to_stay_stays(sandbox, session, company, desired, more):
    """Applied unasked, and somebody administers still."""
    keys = company | add(session.iam, more)
    wanted = here(desired, company["ann"]["AccessKeyId"])
    plan = make_plan(read_account(session, wanted), wanted)
    apply_plan(plan, session, allow_destructive=True).raise_if_incomplete()
    for one in more:
        if "password" in one:  # who may sign in to the console may make a key there
            keys[one["name"]] = new_key(session.iam, one["name"])
    assert [name for name, key in keys.items() if administers(sandbox, key)]
