"""Each notebook under exactly the permissions that its first cell names, in a strict sandbox."""

import json
import re
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from paths import GUIDE, ROOT

from iamkit.aws.apply import apply_plan
from iamkit.aws.mfa_enrolment import (
    create_device,
    delete_begun,
    enable_device,
    read_enrolment,
)
from iamkit.aws.read import read_account
from iamkit.aws.session import open_session
from iamkit.plan.changes import make_plan
from iamkit.plan.desired import Desired, DesiredUser
from iamkit.plan.wanted import admin_group, dev_group
from iamkit.policies import allow, policy
from iamkit.sandbox.server.one_time_passwords import STEP, totp

IAMKIT = Path(sys.executable).parent / "iamkit"
WORKER = "worker"
LOOKS = ("Get", "List", "Generate", "GET ")
"""How calls begin that change nothing."""
RUN_AS_ANYONE = [
    "00_start_here",
    "03_dev_group",
    "04_users",
    "05_account_alias",
    "06_audit_users",
    "07_policy_studio",
    "08_sign_in_rules",
]


def named_permissions(notebook, paragraph="**Permissions it needs"):
    """The actions that a paragraph of a notebook's first cell names."""
    cells = json.loads((ROOT / "notebooks" / f"{notebook}.ipynb").read_text())["cells"]
    text = "".join(cells[0]["source"])
    named = text[text.index(paragraph) :].split("\n")[0]
    return re.findall(r"`([a-z0-9-]+:[A-Za-z]+)`", named)


def make(session, desired):
    """Apply what is desired, as the account's root."""
    outcome = apply_plan(make_plan(read_account(session, desired), desired), session)
    outcome.raise_if_incomplete()


@pytest.fixture
def worker(sandbox, session, guide):
    """What makes a user with these actions and a stored key, and turns authorising on."""
    make(session, admin_group(guide("02_admin_group")))
    make(session, Desired(users=(DesiredUser(name=WORKER, access_key=True),)))

    def allow_only(*actions):
        document = json.dumps(policy(allow(*actions)))
        session.iam.put_user_policy(UserName=WORKER, PolicyName="only", PolicyDocument=document)
        sandbox.set_authorize(True)

    yield allow_only
    sandbox.set_authorize(False)


def run(notebook, folder, file=GUIDE):
    """Run a notebook as the worker, with --apply."""
    command = [IAMKIT, "run", notebook, "-f", file, "-p", "run_as", WORKER, "--apply"]
    return subprocess.run(
        [*command, "--output", folder], capture_output=True, text=True, check=False, cwd=folder
    )


@pytest.mark.parametrize("notebook", RUN_AS_ANYONE)
def test_a_notebook_needs_no_more_than_it_names(notebook, worker, session, guide, tmp_path):
    """It applies and verifies, or reads, under exactly the permissions of its first cell."""
    if notebook in ("04_users", "07_policy_studio", "08_sign_in_rules"):
        make(session, dev_group(guide("03_dev_group")))
    worker(*named_permissions(notebook))
    done = run(notebook, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def to_secrets_manager(tmp_path):
    """The guide's parameters, with every user's credentials handed over by Secrets Manager."""
    values = yaml.safe_load(GUIDE.read_text())
    for user in values["users"]:
        user["hand_over"] = "secretsmanager"
    file = tmp_path / "team.yaml"
    file.write_text(yaml.safe_dump(values))
    return file


@pytest.mark.parametrize("missing", [None, "secretsmanager:CreateSecret"])
def test_secrets_manager_needs_no_more_than_is_named_for_it(
    missing, worker, session, guide, tmp_path, to_secrets_manager
):
    """With what the paragraph on hand_over names it runs; without one of them that is named."""
    make(session, dev_group(guide("03_dev_group")))
    more = named_permissions("04_users", "**Only for users with `hand_over: secretsmanager`")
    assert len(more) == 3
    worker(*named_permissions("04_users"), *(action for action in more if action != missing))
    done = run("04_users", tmp_path, to_secrets_manager)
    assert done.returncode == (4 if missing else 0), done.stdout + done.stderr
    if missing:
        assert f"lack the permission {missing}" in done.stderr
    for name in () if missing else ("bob", "carol"):
        what = {receipt.what for receipt in session.store.receipts(name)}
        assert what == {"access key", "console password"}


DEMANDED = {
    "mfa": "demanded",
    "demanded_despite": ["bob"],
    "password_rules": {"max_password_age": 365, "hard_expiry": True},
    "allow_destructive": True,
}
"""Rules that want more of the account to be read."""


@pytest.mark.parametrize(
    "missing", [None, "iam:ListMFADevices", "iam:GetCredentialReport", "iam:PutGroupPolicy"]
)
def test_rules_that_may_stop_somebody_need_no_more_than_is_named_for_them(
    missing, worker, session, guide, tmp_path
):
    """With the paragraphs on ages and on MFA they are applied; without one of them nothing is."""
    make(session, dev_group(guide("03_dev_group")))
    make(session, Desired(users=(DesiredUser(name="bob", groups=("dev",), access_key=True),)))
    file = tmp_path / "team.yaml"
    file.write_text(yaml.safe_dump(yaml.safe_load(GUIDE.read_text()) | DEMANDED))
    paragraphs = ("**Permissions it needs", "**Only for `max_password_age`", "**Only if MFA is")
    named = [a for p in paragraphs for a in named_permissions("08_sign_in_rules", p)]
    assert missing in (None, *named)
    worker(*(action for action in named if action != missing))
    done = run("08_sign_in_rules", tmp_path, file)
    assert (done.returncode == 0) == (missing is None), done.stdout + done.stderr
    if missing:
        assert missing in done.stdout + done.stderr


def test_enrolling_ones_own_device_needs_no_more_than_is_named_for_it(worker, guide, sandbox):
    """One that was broken off is ended, another is made and enabled."""
    worker(*named_permissions("08_sign_in_rules", "**Only to enrol your own device"))
    session = open_session(guide("08_sign_in_rules", run_as=WORKER))
    delete_begun(session, create_device(session).serial)
    device = create_device(session)
    now = int(time.time()) // STEP
    seed = device.seed.reveal()
    enable_device(session, device.serial, (totp(seed, now - 1), totp(seed, now)))
    assert len(read_enrolment(session).devices) == 1


def test_the_admin_group_needs_no_more_than_it_names(worker, guide, sandbox):
    """02 acts with whatever credentials there are; here with those of the worker."""
    worker(*named_permissions("02_admin_group"))
    session = open_session(guide("03_dev_group", run_as=WORKER))
    assert session.identity.arn.endswith(f"user/{WORKER}")
    others = guide("02_admin_group", admin_group="Others", admin_user="zoe")
    make(session, admin_group(others))


@pytest.mark.parametrize("missing", ["iam:PutGroupPolicy", "iam:CreateGroup"])
def test_a_missing_permission_is_named_and_nothing_else_happens(missing, worker, tmp_path):
    """Without one of them the call is refused, and the message says which permission it wants."""
    worker(*(action for action in named_permissions("03_dev_group") if action != missing))
    done = run("03_dev_group", tmp_path)
    assert done.returncode in (1, 4)
    assert missing in done.stdout + done.stderr


def test_a_dev_may_describe_instances_and_not_run_one(sandbox, session, guide, worker):
    """After the guide, a developer's own stored key really can look, and really cannot touch."""
    from botocore.exceptions import ClientError

    make(session, dev_group(guide("03_dev_group")))
    make(session, Desired(users=(DesiredUser(name="bob", groups=("dev",), access_key=True),)))
    worker("iam:GetUser")
    bob = open_session(guide("03_dev_group", run_as="bob"))
    ec2 = bob.clients.make("ec2")
    assert ec2.describe_instances()["Reservations"] == []
    with pytest.raises(ClientError) as error:
        ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1)
    assert error.value.response["Error"]["Code"] == "UnauthorizedOperation"


def test_a_stored_key_that_aws_no_longer_has_does_not_stop_the_trial(
    sandbox, session, guide, monkeypatch
):
    """The row says so, and the others are tried all the same."""
    monkeypatch.setattr("iamkit.aws.session.NEW_KEY", 0.0)  # a new key would be waited for
    from iamkit.aws.key_trial import try_users

    users = Desired(
        users=tuple(DesiredUser(name=name, access_key=True) for name in ("bob", "carol"))
    )
    make(session, users)
    (key,) = session.iam.list_access_keys(UserName="bob")["AccessKeyMetadata"]
    session.iam.delete_access_key(UserName="bob", AccessKeyId=key["AccessKeyId"])
    sandbox.set_authorize(True)
    found = try_users(session, guide("04_users"))
    sandbox.set_authorize(False)
    bob = found[found["user"] == "bob"]
    assert bob["action"].tolist() == ["sign in"]
    assert found[found["user"] == "carol"]["answer"].tolist() == ["refused", "refused"]


@pytest.mark.parametrize("missing", [None, "iam:ListPolicies", "iam:GetPolicyVersion"])
def test_managed_policies_need_no_more_than_is_named_for_them(
    missing, worker, sandbox, session, tmp_path
):
    """Without the list nothing is changed; without a text its meaning alone cannot be told."""
    sandbox.set_page_size(1_000)
    file = tmp_path / "team.yaml"
    values = yaml.safe_load(GUIDE.read_text()) | {"dev_attached_policies": ["ViewOnlyAccess"]}
    file.write_text(yaml.safe_dump(values))
    more = named_permissions("03_dev_group", "**Only for managed policies also")
    worker(*named_permissions("03_dev_group"), *(one for one in more if one != missing))
    done = run("03_dev_group", tmp_path, file)
    said = done.stdout + done.stderr
    assert done.returncode == (1 if missing == "iam:ListPolicies" else 0), said
    if missing == "iam:ListPolicies":
        assert missing in said
        assert session.iam.list_groups()["Groups"] != []
        assert "dev" not in read_account(session).groups
        return
    (arn,) = read_account(session).groups["dev"].attached_policies
    assert arn == "arn:aws:iam::aws:policy/job-function/ViewOnlyAccess"


def test_changing_teams_needs_no_more_than_it_names(worker, session, tmp_path):
    """A headless run wants consent to what is lost; the old team is left, the new one joined."""
    for group in ("dev", "ops"):
        session.iam.create_group(GroupName=group)
    make(session, Desired(users=(DesiredUser(name="bob", groups=("dev",)),)))
    values = yaml.safe_load(GUIDE.read_text())
    values["users"] = [{"name": "bob", "groups": ["ops"], "groups_only": True}]
    file = tmp_path / "team.yaml"
    file.write_text(yaml.safe_dump(values))
    worker(*named_permissions("04_users"))
    refused = run("04_users", tmp_path, file)
    assert refused.returncode == 1
    assert "allow_destructive" in refused.stderr
    assert read_account(session).users["bob"].groups == {"dev"}
    file.write_text(yaml.safe_dump(values | {"allow_destructive": True}))
    done = run("04_users", tmp_path, file)
    assert done.returncode == 0, done.stdout + done.stderr
    assert read_account(session).users["bob"].groups == {"ops"}
    page = (tmp_path / "04_users.html").read_text()
    assert "bob will leave dev and join ops." in page


def test_mending_needs_no_more_than_it_names(worker, session, tmp_path):
    """Besides what the audit reads: the calls of what is ticked; and the way back its own."""
    session.iam.create_group(GroupName="old")
    session.iam.create_group(GroupName="team")
    session.iam.put_group_policy(
        GroupName="team", PolicyName="look", PolicyDocument=json.dumps(policy(allow("ec2:Get*")))
    )
    session.iam.create_user(UserName="gus")
    session.iam.put_user_policy(
        UserName="gus", PolicyName="own", PolicyDocument=json.dumps(policy(allow("s3:Get*")))
    )
    arn = session.iam.create_policy(
        PolicyName="spare", PolicyDocument=json.dumps(policy(allow("s3:Get*")))
    )["Policy"]["Arn"]
    account = session.identity.account_id
    mend = [
        {"check": "empty-group", "principal": "old"},
        {"check": "direct-permissions", "principal": "gus", "choice": "team"},
        {"check": "password-length", "principal": account},
        {"check": "unused-policy", "principal": "spare", "resource": arn},
    ]
    values = {"environment": "sandbox", "account_id": account, "mend": mend}
    file = tmp_path / "mend.yaml"
    file.write_text(yaml.safe_dump(values | {"allow_destructive": True}))
    worker(*named_permissions("06_audit_users"), *named_permissions("09_mend_findings"))
    done = run("09_mend_findings", tmp_path, file)
    assert done.returncode == 0, done.stdout + done.stderr
    state = read_account(session)
    assert "old" not in state.groups
    assert state.users["gus"].inline_policies == {}
    page = (tmp_path / "09_mend_findings.html").read_text()
    assert page.count("gone") >= len(mend)


def test_leaving_needs_no_more_than_it_names(worker, sandbox, session, tmp_path):
    """Stage one, nothing while the days pass, stage two; and the file is among what is kept."""
    iam, view = session.iam, "arn:aws:iam::aws:policy/ReadOnlyAccess"
    iam.create_group(GroupName="dev")
    iam.create_user(UserName="dave", Path="/team/", PermissionsBoundary=view)
    iam.add_user_to_group(UserName="dave", GroupName="dev")
    iam.attach_user_policy(UserName="dave", PolicyArn=view)
    iam.create_access_key(UserName="dave")
    iam.create_login_profile(UserName="dave", Password="Correct-horse-9-battery")
    sandbox.sign_in("dave")
    account = session.identity.account_id
    values = {"environment": "sandbox", "account_id": account, "allow_destructive": True}
    values["leavers"] = [{"user": "dave", "delete_password": True}]
    file = tmp_path / "leavers.yaml"
    file.write_text(yaml.safe_dump(values))
    worker(*named_permissions("11_leavers"))
    changed = []
    for days in (0, 1, 30):
        sandbox.age(days=days)
        before = len(sandbox.calls())
        done = run("11_leavers", tmp_path, file)
        assert done.returncode == 0, done.stdout + done.stderr
        calls = [call["action"] for call in sandbox.calls()[before:]]
        changed.append([one for one in calls if not one.startswith(LOOKS)])
    assert "DeleteLoginProfile" in changed[0]
    assert changed[1] == []
    assert changed[2][-1] == "DeleteUser"
    assert "dave" not in read_account(session).users
    assert [path.name for path in tmp_path.glob("11_leavers.dave-*.jsonl")]


def test_rotating_needs_no_more_than_it_names(worker, sandbox, session, tmp_path):
    """Each of the four stages applies and verifies under exactly the permissions named."""
    make(session, Desired(users=(DesiredUser(name="bob", access_key=True),)))
    (old,) = session.store.key_ids("bob")
    sandbox.age(100)
    values = {"environment": "sandbox", "account_id": session.identity.account_id}
    file = tmp_path / "rotate.yaml"
    file.write_text(yaml.safe_dump(values | {"rotate": ["bob"], "allow_destructive": True}))
    worker(*named_permissions("10_rotate_keys"))
    reached = []
    for days in (0, 0, 15):
        sandbox.age(days)
        done = run("10_rotate_keys", tmp_path, file)
        assert done.returncode == 0, done.stdout + done.stderr
        listed = session.iam.list_access_keys(UserName="bob")["AccessKeyMetadata"]
        reached.append(sorted(key["Status"] for key in listed))
        for key in session.store.key_ids("bob") - {old}:
            sandbox.set_key_last_used(key, datetime.now(UTC), "s3", "eu-central-1")
    assert reached == [["Active", "Active"], ["Active", "Inactive"], ["Active"]]
    assert session.iam.list_user_tags(UserName="bob")["Tags"] == []
