"""Credentials on their way to their owners: encrypted files, Secrets Manager, and every mishap."""

import json
import os
import signal
import subprocess
import sys
import time

import pyrage
import pytest
from paths import ROOT
from ways import IDENTITY, PUBLIC_KEY

from iamkit.aws.apply import apply_plan
from iamkit.aws.key_trial import try_users
from iamkit.aws.secrets_manager import secret_name
from iamkit.aws.session import known_secrets, open_session
from iamkit.credentials import Fingerprint
from iamkit.errors import AwsError, HandoverError
from iamkit.notebook.runs.run import run_notebooks
from iamkit.parameters.hand_over import SECRETS_MANAGER
from iamkit.plan.desired import Desired, DesiredUser

KEY_NAME = "iamkit/alice/access-key"


def wanted(hand_over, name="alice", **more):
    more = {"access_key": True, "console_password": True} | more
    return Desired(users=(DesiredUser(name=name, hand_over=hand_over, **more),))


@pytest.fixture
def manager(session):
    """Secrets Manager, as the account's root."""
    return session.clients.secrets_manager


@pytest.fixture
def value_of(manager):
    """The value of a secret that the kit made."""
    return lambda name: json.loads(manager.get_secret_value(SecretId=name)["SecretString"])


@pytest.fixture
def keys_in_aws(session):
    """The ids of alice's keys."""

    def list_keys():
        found = session.iam.list_access_keys(UserName="alice")["AccessKeyMetadata"]
        return [key["AccessKeyId"] for key in found]

    return list_keys


def signs_in(sandbox, key_id, secret):
    """Whether a key is AWS's, by the name of who calls with it."""
    import boto3

    sts = boto3.client(
        "sts",
        endpoint_url=sandbox.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id=key_id,
        aws_secret_access_key=secret,
    )
    return sts.get_caller_identity()["Arn"].endswith("user/alice")


def test_a_key_and_a_password_go_encrypted_to_their_owner(session, sandbox, apply_desired):
    """The owner opens both; nothing in the account's folder holds either in the clear."""
    outcome = apply_desired(wanted(PUBLIC_KEY))
    password, key = (
        pyrage.decrypt(receipt.where.read_bytes(), [IDENTITY]).decode().splitlines()[1].split(",")
        for receipt in outcome.receipts
    )
    assert key[:2] == ["alice", session.store.records("alice")[0].key_id]
    assert signs_in(sandbox, key[1], key[2])
    for path in session.folder.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert key[2].encode() not in data
            assert password[1].encode() not in data
    assert apply_desired(wanted(PUBLIC_KEY)).done == []


def test_a_key_and_a_password_go_to_secrets_manager(session, sandbox, apply_desired, value_of):
    """Each is a secret of its own, the receipt is its ARN, and nothing of them is here."""
    outcome = apply_desired(wanted(SECRETS_MANAGER))
    key = value_of(KEY_NAME)
    assert key["User name"] == "alice"
    assert signs_in(sandbox, key["Access key ID"], key["Secret access key"])
    password = value_of("iamkit/alice/console-password")
    assert password["Console sign-in URL"].startswith("https://000000000000.signin")
    assert [str(receipt.where)[:70] for receipt in outcome.receipts] == [
        f"arn:aws:secretsmanager:us-east-1:000000000000:secret:{name}"[:70]
        for name in ("iamkit/alice/console-password", KEY_NAME)
    ]
    for path in session.folder.rglob("*"):
        if path.is_file():
            assert key["Secret access key"].encode() not in path.read_bytes()
            assert password["Password"].encode() not in path.read_bytes()
    assert session.store.key_ids() == {key["Access key ID"]}
    assert apply_desired(wanted(SECRETS_MANAGER)).done == []


def test_a_new_key_is_a_new_version_of_the_same_secret(
    session, apply_desired, value_of, manager, keys_in_aws
):
    """After a key was deleted, the next one takes its place, and the older value is previous."""
    desired = wanted(SECRETS_MANAGER, console_password=False)
    apply_desired(desired)
    first = keys_in_aws()[0]
    session.iam.delete_access_key(UserName="alice", AccessKeyId=first)
    apply_desired(desired)
    assert value_of(KEY_NAME)["Access key ID"] == keys_in_aws()[0] != first
    versions = manager.describe_secret(SecretId=KEY_NAME)["VersionIdsToStages"]
    assert sorted(versions.values()) == [["AWSCURRENT"], ["AWSPREVIOUS"]]


def test_a_lost_reply_of_secrets_manager_makes_no_second_version(
    sandbox, apply_desired, value_of, manager, keys_in_aws
):
    """The call is repeated with its token, and acts once."""
    sandbox.set_faults(
        [
            {"action": "CreateSecret", "kind": kind, "times": 1}
            for kind in ("drop_after", "throttle")
        ]
    )
    apply_desired(wanted(SECRETS_MANAGER, console_password=False))
    assert [value_of(KEY_NAME)["Access key ID"]] == keys_in_aws()
    assert len(manager.describe_secret(SecretId=KEY_NAME)["VersionIdsToStages"]) == 1


def test_a_secret_that_cannot_be_kept_leaves_no_key(
    session, sandbox, apply_desired, plan_for, value_of, keys_in_aws
):
    """What is missing is named, the key is deleted again, and the next run is as the first."""
    desired = wanted(SECRETS_MANAGER, console_password=False)
    sandbox.set_faults([{"action": "CreateSecret", "kind": "access_denied"}])
    outcome = apply_plan(plan_for(desired), session)
    sandbox.clear_faults()
    [(change, why)] = outcome.failed
    assert change.operation == "create_access_key"
    assert "lack the permission secretsmanager:CreateSecret), so the key was deleted again" in why
    assert keys_in_aws() == []
    assert session.store.pending() == ()
    assert session.store.key_ids() == frozenset()
    apply_desired(desired)
    assert [value_of(KEY_NAME)["Access key ID"]] == keys_in_aws()


def test_what_aws_says_of_a_refused_secret_is_not_repeated(session, sandbox, plan_for):
    """Its words could hold the value that was sent."""
    desired = wanted(SECRETS_MANAGER, access_key=False)
    sandbox.set_faults([{"action": "CreateSecret", "kind": "error_before", "times": 99}])
    outcome = apply_plan(plan_for(desired), session)
    sandbox.clear_faults()
    [(_, why)] = outcome.failed
    assert "could not be stored" in why
    assert "was not set" in why
    assert "unknown error, exception" not in why
    with pytest.raises(session.iam.exceptions.NoSuchEntityException):
        session.iam.get_login_profile(UserName="alice")


CHILD = """
from iamkit.aws.apply import apply_plan
from iamkit.aws.read import read_account
from iamkit.aws.session import open_session
from iamkit.plan.desired import Desired, DesiredUser
from iamkit.parameters.models import CredentialsParameters
from iamkit.plan.changes import make_plan

session = open_session(CredentialsParameters(environment="sandbox", account_id="000000000000"))
user = DesiredUser(name="alice", access_key=True, hand_over="secretsmanager")
desired = Desired(users=(user,))
apply_plan(make_plan(read_account(session, desired), desired), session)
"""


def test_a_kill_between_the_secret_and_its_record_is_healed(
    session, sandbox, apply_desired, value_of, manager, keys_in_aws
):
    """The next run deletes the key of which nothing is recorded, and puts the new one there."""
    sandbox.set_weather("calm")
    sandbox.set_faults([{"action": "CreateSecret", "kind": "hang_after", "times": 1}])
    process = subprocess.Popen([sys.executable, "-c", CHILD], cwd=ROOT)
    deadline = time.monotonic() + 60
    while not manager.list_secrets()["SecretList"]:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    os.kill(process.pid, signal.SIGKILL)
    process.wait(30)
    sandbox.clear_faults()
    [lost] = keys_in_aws()
    assert value_of(KEY_NAME)["Access key ID"] == lost
    assert session.store.key_ids() == frozenset()
    apply_desired(wanted(SECRETS_MANAGER, console_password=False))  # needs no permission to destroy
    [kept] = keys_in_aws()
    assert kept != lost
    assert value_of(KEY_NAME)["Access key ID"] == kept
    assert session.store.key_ids() == {kept}
    assert session.store.pending() == ()


def users_of(session):
    return session.iam.list_users()["Users"]


def test_a_secret_that_will_be_deleted_is_found_before_anything_is_made(session, plan_for, manager):
    """The message says how to restore it, and there is no user, no key and no value."""
    manager.create_secret(Name=KEY_NAME, SecretString="old")
    manager.delete_secret(SecretId=KEY_NAME)
    with pytest.raises(HandoverError, match="restore-secret.*Nothing was changed"):
        apply_plan(plan_for(wanted(SECRETS_MANAGER)), session)
    assert users_of(session) == []


def test_a_public_key_with_a_slip_is_found_before_anything_is_made(session, plan_for):
    """Its form is right and its checksum is not."""
    with pytest.raises(HandoverError, match="hand_over of alice.*Nothing was changed"):
        apply_plan(plan_for(wanted("age1" + "q" * 58)), session)
    assert users_of(session) == []


def test_secrets_manager_without_permission_is_found_before_anything_is_made(
    session, sandbox, plan_for
):
    """The permission that is missing is named."""
    sandbox.set_faults([{"action": "DescribeSecret", "kind": "access_denied"}])
    with pytest.raises(HandoverError, match="secretsmanager:DescribeSecret.*Nothing was changed"):
        apply_plan(plan_for(wanted(SECRETS_MANAGER)), session)
    sandbox.clear_faults()
    assert users_of(session) == []


@pytest.mark.parametrize("name", ["a,b", "a=2Cb", "=", ".", "..", "-rf", "a@b.c", "+_" * 32])
def test_every_name_has_a_secret_of_its_own(apply_desired, value_of, name):
    """What IAM allows and Secrets Manager does not is written otherwise, and never collides."""
    apply_desired(wanted(SECRETS_MANAGER, name, console_password=False))
    assert value_of(secret_name(name, "access key"))["User name"] == name
    assert secret_name("a,b", "access key") != secret_name("a=2Cb", "access key")


@pytest.mark.parametrize("hand_over", [PUBLIC_KEY, SECRETS_MANAGER], ids=["age", "manager"])
def test_nobody_acts_as_a_user_whose_key_is_with_its_owner(
    session, apply_desired, guide, hand_over
):
    """run_as says where the key is and why it is of no use here, and a trial says so too."""
    apply_desired(wanted(hand_over, "bob"))
    opened = open_session(guide("03_dev_group", run_as="bob"))
    where = str(session.store.receipts("bob")[0].where)
    assert "bob has a key that was handed over to its owner" in opened.warnings[0]
    assert where in opened.warnings[0]
    found = try_users(session, guide("04_users"))
    assert found.to_dict("records") == [
        {
            "user": "bob",
            "action": "sign in",
            "answer": "not tried: only the key's owner can read it",
        }
    ]


def test_a_user_who_goes_takes_the_records_along(session, apply_desired):
    """The record of a key ends with the key."""
    apply_desired(wanted(PUBLIC_KEY, console_password=False))
    apply_desired(Desired(absent_users=("alice",)), allow_destructive=True)
    assert session.store.key_ids() == frozenset()
    assert list((session.folder / "credentials").iterdir()) == []


LEAKING = """
import json
from iamkit.aws.session import open_session
from iamkit.parameters.models import CredentialsParameters

session = open_session(CredentialsParameters(environment="sandbox", account_id="000000000000"))
reply = session.clients.secrets_manager.get_secret_value(SecretId="iamkit/alice/{name}")
print(list(json.loads(reply["SecretString"]).values())[{column}])
"""


@pytest.mark.parametrize(("name", "column"), [("access-key", 2), ("console-password", 1)])
def test_a_secret_that_cannot_be_read_here_is_found_where_it_leaks(
    session, apply_desired, tmp_path, name, column
):
    """A notebook that fetches it from AWS and shows it is not kept: its digest is here."""
    apply_desired(wanted(SECRETS_MANAGER))
    path = tmp_path / "leak.ipynb"
    cell = {
        "cell_type": "code",
        "id": "a",
        "metadata": {},
        "outputs": [],
        "execution_count": None,
        "source": LEAKING.format(name=name, column=column),
    }
    path.write_text(
        json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    )
    folder = tmp_path / "out"
    [result] = run_notebooks([path], {}, folder, session.store.digests, lambda _: None)
    assert "A secret is in cell 1 of leak" in result.error
    assert not result.output.exists()
    assert not result.html.exists()


def test_the_digests_are_among_what_no_output_may_hold(tmp_path, monkeypatch):
    """Of an account at AWS, too, where nothing else knows what was handed over."""
    from iamkit.credentials import CredentialStore, Secret

    monkeypatch.setenv("IAMKIT_HOME", str(tmp_path))
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    store = CredentialStore(tmp_path / "accounts" / "111122223333")
    store.preflight()
    keeper = store.keeper(PUBLIC_KEY)
    store.hand_over_key("al", frozenset(), lambda: ("AKIA1", Secret("s" * 40)), print, keeper)
    found = known_secrets({"environment": "aws", "account_id": "111122223333"})
    assert [one for one in found if isinstance(one, Fingerprint)] == list(store.digests())
    assert len(store.digests()) == 1


def test_an_error_of_ours_is_no_secret(session, sandbox, plan_for):
    """A reply to CreateAccessKey that is lost is healed for every way, as for private files."""
    sandbox.set_faults([{"action": "CreateAccessKey", "kind": "drop_after", "times": 1}])
    desired = wanted(PUBLIC_KEY, console_password=False)
    outcome = apply_plan(plan_for(desired), session)
    sandbox.clear_faults()
    with pytest.raises(AwsError, match="the next run replaces it"):
        outcome.raise_if_incomplete()
    apply_plan(plan_for(desired), session).raise_if_incomplete()
    [key] = session.iam.list_access_keys(UserName="alice")["AccessKeyMetadata"]
    assert session.store.key_ids("alice") == {key["AccessKeyId"]}
