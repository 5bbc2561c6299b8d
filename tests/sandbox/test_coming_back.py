"""An account comes back as it was: whatever was read or written before, however it ended."""

import hashlib
import json
import os
import shutil
import signal
from importlib.metadata import version
from itertools import count
from pathlib import Path

import boto3
import pytest
from botocore.config import Config
from hypothesis import HealthCheck, given, settings, strategies as st
from samples import scaled
from sandbox_world import World

from iamkit.sandbox import find_sandbox, start_sandbox, stop_sandbox
from iamkit.sandbox.server.moto_patches import ACCOUNT_ID
from iamkit.sandbox.server.persistent_accounts import bring_back

ALLOW = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
)
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": "arn:aws:iam::000000000000:root"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
)
TOKEN = "11111111-1111-4111-8111-11111111111"
LOGGING = (
    b'<BucketLoggingStatus xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><LoggingEnabled>'
    b"<TargetBucket>bucket-0</TargetBucket><TargetPrefix>log/</TargetPrefix></LoggingEnabled>"
    b"</BucketLoggingStatus>"
)
VERSIONING = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"


def reads_without_parameters(service):
    """The looks of a service that want no parameter."""
    model = boto3.session.Session()._session.get_service_model(service)
    names = [n for n in model.operation_names if n.startswith(("Get", "List", "Describe"))]
    shapes = {name: model.operation_model(name).input_shape for name in names}
    return [name for name, shape in shapes.items() if not (shape and shape.required_members)]


def looks(name):
    """A look by its name, as a function of a world and a number."""
    service, action = name.split()
    if service == "s3":
        return lambda world, _: world.s3("GET", action)
    if service == "secretsmanager":
        return lambda world, n: world.secret(action, SecretId=f"secret-{n}")
    if service == "secretsmanager-list":
        return lambda world, _: world.secret(action)
    return lambda world, n: world.query(service, action, UserName=f"user-{n}")


READS = {
    **{
        f"{service} {action}": lambda world, n, s=service, a=action: world.query(
            s, a, region=("us-east-1", "eu-central-1")[n % 2]
        )
        for service in ("ec2", "iam")
        for action in reads_without_parameters(service)
    },
    **{
        name: looks(name)
        for name in (
            "iam GetUser",
            "iam ListAccessKeys",
            "iam ListGroupsForUser",
            "iam GetLoginProfile",
            "sts GetCallerIdentity",
            "secretsmanager GetSecretValue",
            "secretsmanager DescribeSecret",
            "secretsmanager-list ListSecrets",
            "s3 /",
            "s3 /bucket-0",
            "s3 /bucket-0/key-0",
            "s3 /bucket-0?versions",
            "s3 /bucket-0?uploads",
            "s3 /bucket-0?logging",
        )
    },
    "s3 HEAD": lambda world, n: world.s3("HEAD", f"/bucket-0/key-{n}"),
}


def iam(action, **parameters):
    return lambda world, n: world.query(
        "iam", action, **{k: str(v).replace("{n}", str(n)) for k, v in parameters.items()}
    )


def ec2(action, **parameters):
    return lambda world, n: world.query(
        "ec2", action, **{k: str(v).replace("{n}", str(n)) for k, v in parameters.items()}
    )


def finish_upload(world, n):
    """Begin an upload in parts, put one, and complete it, by the id that S3 gave."""
    status, text = world.s3("POST", f"/bucket-0/big-{n}?uploads")
    if status == 200:
        upload = text.partition("<UploadId>")[2].partition("<")[0]
        world.s3("PUT", f"/bucket-0/big-{n}?partNumber=1&uploadId={upload}", b"part")
        etag = hashlib.md5(b"part", usedforsecurity=False).hexdigest()
        part = f"<Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part>"
        body = f"<CompleteMultipartUpload>{part}</CompleteMultipartUpload>".encode()
        return world.s3("POST", f"/bucket-0/big-{n}?uploadId={upload}", body)
    return status, text


WRITES = {
    "a user": iam("CreateUser", UserName="user-{n}"),
    "a user with tags": iam(
        "CreateUser", UserName="User-{n}b", **{"Tags.member.1.Key": "a", "Tags.member.1.Value": "b"}
    ),
    "a key": iam("CreateAccessKey", UserName="user-{n}"),
    "a password": iam("CreateLoginProfile", UserName="user-{n}", Password="Secret-Pass-1"),
    "no user": iam("DeleteUser", UserName="User-{n}b"),
    "a group": iam("CreateGroup", GroupName="group-{n}"),
    "a member": iam("AddUserToGroup", GroupName="group-{n}", UserName="user-{n}"),
    "a policy": iam("CreatePolicy", PolicyName="policy-{n}", PolicyDocument=ALLOW),
    "a bad policy": iam("CreatePolicy", PolicyName="bad-{n}", PolicyDocument="{"),
    "a version": iam(
        "CreatePolicyVersion",
        PolicyArn="arn:aws:iam::000000000000:policy/policy-{n}",
        PolicyDocument=ALLOW,
    ),
    "a grant": iam(
        "AttachUserPolicy",
        UserName="user-{n}",
        PolicyArn="arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess",
    ),
    "an inline policy": iam(
        "PutUserPolicy", UserName="user-{n}", PolicyName="p", PolicyDocument=ALLOW
    ),
    "a role": iam("CreateRole", RoleName="role-{n}", AssumeRolePolicyDocument=TRUST),
    "a device": iam("CreateVirtualMFADevice", VirtualMFADeviceName="device-{n}"),
    "an alias": iam("CreateAccountAlias", AccountAlias="alias-{n}"),
    "rules": iam("UpdateAccountPasswordPolicy", MinimumPasswordLength="1{n}"),
    "a report": iam("GenerateCredentialReport"),
    "a service's password": iam(
        "CreateServiceSpecificCredential",
        UserName="user-{n}",
        ServiceName="codecommit.amazonaws.com",
    ),
    "a session": lambda world, n: world.query(
        "sts",
        "AssumeRole",
        caller=world.user(f"user-{n}"),
        RoleArn=f"arn:aws:iam::000000000000:role/role-{n}",
        RoleSessionName="look",
    ),
    "a secret": lambda world, n: world.secret(
        "CreateSecret", Name=f"secret-{n}", SecretString="x", ClientRequestToken=f"{TOKEN}{n}"
    ),
    "a new value": lambda world, n: world.secret(
        "PutSecretValue",
        SecretId=f"secret-{n}",
        SecretString="y",
        ClientRequestToken=f"{TOKEN[:-1]}2{n}",
    ),
    "no secret": lambda world, n: world.secret("DeleteSecret", SecretId=f"secret-{n}"),
    "a bucket": lambda world, n: world.s3("PUT", f"/bucket-{n}"),
    "versions": lambda world, n: world.s3("PUT", f"/bucket-{n}?versioning", VERSIONING),
    "a right to log": lambda world, n: world.s3(
        "PUT", f"/bucket-{n}?acl", **{"x-amz-acl": "log-delivery-write"}
    ),
    "a log": lambda world, n: world.s3("PUT", f"/bucket-{n}?logging", LOGGING),
    "an object": lambda world, n: world.s3("PUT", f"/bucket-0/key-{n}", b"content"),
    "no object": lambda world, n: world.s3("DELETE", f"/bucket-0/key-{n}"),
    "an upload": finish_upload,
    "a network": ec2("CreateVpc", CidrBlock="10.{n}.0.0/16"),
    "a security group": ec2("CreateSecurityGroup", GroupName="web-{n}", GroupDescription="web"),
    "half a permission": ec2(
        "AuthorizeSecurityGroupIngress",
        GroupName="web-{n}",
        **{
            f"IpPermissions.{i}.{key}": value
            for i in (1, 2)
            for key, value in {
                "IpProtocol": "tcp",
                "FromPort": 80,
                "ToPort": 80,
                "IpRanges.1.CidrIp": "10.0.0.0/8",
            }.items()
        },
    ),
    "an instance": ec2("RunInstances", ImageId="ami-12c6146b", MinCount="1", MaxCount="1"),
    "an instance nowhere": ec2(
        "RunInstances", ImageId="ami-12c6146b", MinCount="1", MaxCount="1", SubnetId="subnet-{n}"
    ),
    "a disk": ec2("CreateVolume", Size="1", AvailabilityZone="us-east-1a"),
    "an address": ec2("AllocateAddress", Domain="vpc"),
    "a key pair": ec2("CreateKeyPair", KeyName="pair-{n}"),
    "people": lambda world, n: world.life.command(
        "add_people", {"users": 3, "seed": n, "root_mfa": True}
    ),
    "age": lambda world, n: world.life.command("age", {"days": n + 0.25}),
    "a use": lambda world, n: world.life.use_key(
        world.life.root_key["access_key_id"], "iam", f"eu-central-{n}"
    ),
}
DOINGS = {**READS, **WRITES}
STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(sorted(WRITES)), st.integers(0, 2)),
        st.tuples(st.sampled_from(sorted(READS)), st.integers(0, 2)),
        st.just(("restart", 0)),
    ),
    min_size=5,
    max_size=scaled(30, 60),
)


def compare_after_restart(world):
    """Bring the account back, and find all of it as it was."""
    made = world.made()
    before = world.everything(made)
    world.restart()
    assert world.everything(made) == before


@settings(
    max_examples=scaled(4, 400),
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=scaled(True, False),
)
@given(steps=STEPS)
def test_any_reads_among_any_writes_come_back(tmp_path_factory, steps):
    """Whatever is done in whatever order, all of the account is there at the next start."""
    world = World(tmp_path_factory.mktemp("account") / "state")
    for name, number in steps:
        if name == "restart":
            compare_after_restart(world)
        else:
            DOINGS[name](world, number)
    compare_after_restart(world)


def test_every_kind_of_change_comes_back(tmp_path):
    """One of each, with a look at each service before everything else."""
    world = World(tmp_path / "state")
    for name in ("iam ListUsers", "ec2 DescribeVpcs", "s3 /", "secretsmanager-list ListSecrets"):
        READS[name](world, 0)
    outcomes = {name: [WRITES[name](world, number) for number in (0, 1)] for name in WRITES}
    refused = {
        name for name, both in outcomes.items() if any(one and one[0] >= 400 for one in both)
    }
    assert refused == {"a bad policy", "half a permission", "an instance nowhere"}
    compare_after_restart(world)
    compare_after_restart(world)


def test_no_look_changes_the_account(tmp_path):
    """After every look that there is, the account is what it was."""
    world = World(tmp_path / "state")
    for write in WRITES.values():
        write(world, 0)
    made = world.made() | {("secretsmanager", "000000000000", "us-east-1")}
    before = world.everything(made)
    answered = [name for name, look in READS.items() if look(world, 0)[0] == 200]
    assert world.everything(made) == before
    assert len(answered) > 75


def client(sandbox, service):
    return boto3.client(
        service,
        endpoint_url=sandbox.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id=sandbox.access_key_id,
        aws_secret_access_key=sandbox.secret_access_key,
        config=Config(proxies={}, retries={"total_max_attempts": 1}),
    )


def visible(sandbox):
    """What an account shows to its users, its secrets included."""
    iam = client(sandbox, "iam")
    details = iam.get_account_authorization_details()
    keys = [
        iam.get_access_key_last_used(AccessKeyId=key["AccessKeyId"])["AccessKeyLastUsed"]
        for user in details["UserDetailList"]
        for key in iam.list_access_keys(UserName=user["UserName"])["AccessKeyMetadata"]
    ]
    ec2 = client(sandbox, "ec2")
    found = [
        details,
        keys,
        sandbox.secrets(),
        client(sandbox, "s3").list_buckets()["Buckets"],
        client(sandbox, "secretsmanager").list_secrets()["SecretList"],
        ec2.describe_vpcs()["Vpcs"],
        ec2.describe_security_groups()["SecurityGroups"],
    ]
    details.pop("ResponseMetadata")
    return json.loads(json.dumps(found, default=str))


REMOTE = {
    "look at users": lambda s, n: client(s, "iam").list_users(),
    "look at networks": lambda s, n: client(s, "ec2").describe_vpcs(),
    "look at buckets": lambda s, n: client(s, "s3").list_buckets(),
    "look at secrets": lambda s, n: client(s, "secretsmanager").list_secrets(),
    "user": lambda s, n: client(s, "iam").create_user(UserName=f"user-{n}"),
    "key": lambda s, n: client(s, "iam").create_access_key(
        UserName=client(s, "iam").create_user(UserName=f"with-key-{n}")["User"]["UserName"]
    ),
    "bucket": lambda s, n: client(s, "s3").create_bucket(Bucket=f"bucket-{n}"),
    "secret": lambda s, n: client(s, "secretsmanager").create_secret(
        Name=f"secret-{n}", SecretString="x"
    ),
    "group": lambda s, n: client(s, "ec2").create_security_group(
        GroupName=f"web-{n}", Description="web"
    ),
}
ENDS = ("stop", "kill")


@settings(
    max_examples=scaled(2, 40),
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=scaled(True, False),
)
@given(
    steps=st.lists(
        st.one_of(st.sampled_from(sorted(REMOTE)), st.sampled_from(ENDS)), min_size=3, max_size=8
    ),
    end=st.sampled_from(ENDS),
)
def test_a_process_that_is_stopped_or_killed_comes_back(tmp_path_factory, steps, end):
    """Through the network, with ``stop`` and ``kill -9`` anywhere, everything compares equal."""
    state = tmp_path_factory.mktemp("account") / "state"
    number = count()
    try:
        start_sandbox(state)
        for step in [*steps, end]:
            if step in ENDS:
                compare_processes(state, step)
            else:
                REMOTE[step](find_sandbox(state), next(number))
    finally:
        stop_sandbox(state)


def compare_processes(state, end):
    """End the sandbox, start it again, and find all of its account as it was."""
    sandbox = find_sandbox(state)
    before = visible(sandbox)
    if end == "stop":
        stop_sandbox(state)
    else:
        os.kill(sandbox.pid, signal.SIGKILL)
    again = start_sandbox(state)
    assert (again.instance, again.secret_access_key) == (
        sandbox.instance,
        sandbox.secret_access_key,
    )
    assert visible(again) == before


@pytest.mark.parametrize("name", ["format_1_look_first", "format_1_write_first"])
def test_a_journal_of_the_first_format_comes_back(name, tmp_path, journals):
    """Also one whose account was lost, because somebody had looked before the first change."""
    journals.put(name, tmp_path / "state")
    kept = journals.expected(name)
    world = World(tmp_path / "state")
    assert sorted(world.life.account.secrets()) == kept["secrets"]
    users = {user.name: user for user in world.life.account.iam.users.values()}
    assert [user["UserId"] for user in kept["details"]["UserDetailList"]] == [users["alice"].id]
    roles = {role.name: role.id for role in world.life.account.iam.roles.values()}
    assert [(r["RoleName"], r["RoleId"]) for r in kept["details"]["RoleDetailList"]] == [
        *roles.items()
    ]
    policies = {policy.name: policy.id for policy in world.life.account.local_policies}
    assert [(p["PolicyName"], p["PolicyId"]) for p in kept["details"]["Policies"]] == [
        *policies.items()
    ]
    WRITES["a user"](world, 0)
    READS["ec2 DescribeVpcs"](world, 0)
    compare_after_restart(world)


@pytest.mark.parametrize("writer", ["this version", "an earlier one"])
def test_a_journal_of_calls_that_are_answered_otherwise_now_comes_back(writer, tmp_path):
    """What was refused stays refused, what was taken stays taken, and ids stay what they were."""
    journal = Path(__file__).parent / "journals" / "format_2_answered_otherwise.jsonl"
    path = tmp_path / "account.jsonl"
    shutil.copyfile(journal, path)
    path.chmod(0o600)
    head, *entries = path.read_text().splitlines()
    header = json.loads(head)
    header["versions"] |= {"moto": version("moto"), "iamkit": version("iamkit")}
    if writer != "this version":
        header["versions"]["iamkit"] = "0.0.1"
    accounts, _ = bring_back(path, header, len(entries), lambda *_: None)
    account = accounts[ACCOUNT_ID]
    assert account.user("a").id == "7qsdiqw6ydrtbymotp79"
    assert account.user("a").ssh_public_keys[0].ssh_public_key_body == "ssh-rsa AAAA"
    assert "user/nobody" in account.role("r").assume_role_policy_document
    assert list(account.role("AWSServiceRoleForspot").managed_policies) == [
        "arn:aws:iam::aws:policy/ReadOnlyAccess"
    ]


def test_a_reset_of_an_older_account_is_as_new(tmp_path, journals):
    """Its ids are like AWS's from then on, those of AWS's own policies among them."""
    journals.put("format_2_answered_otherwise", tmp_path / "state")
    world, arn = World(tmp_path / "state"), "arn:aws:iam::aws:policy/SecurityAudit"
    assert not world.life.account.policy(arn).id.startswith("ANPA")
    world.life.reset(ACCOUNT_ID)
    assert world.life.account.policy(arn).id.startswith("ANPA")
