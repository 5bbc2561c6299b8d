"""Every call is held against the caller's policies, once the sandbox is told to."""

import json

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from iamkit.sandbox import find_sandbox, reset_sandbox, start_sandbox, stop_sandbox
from iamkit.sandbox.server.one_time_passwords import totp

ACCOUNT = "000000000000"
ARN = f"arn:aws:iam::{ACCOUNT}"
EC2_ARN = f"arn:aws:ec2:us-east-1:{ACCOUNT}"
ANY_IMAGE = {"ImageId": "ami-12c6146b", "MinCount": 1, "MaxCount": 1}


def statement(action, resource="*", effect="Allow", **more):
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def message_of(error):
    return error.value.response["Error"]["Message"]


@pytest.fixture
def sandbox(sandbox):
    """An empty account that authorizes every call."""
    sandbox.set_authorize(True)
    return sandbox


@pytest.fixture
def client(sandbox):
    """Clients for the credentials of an answer of IAM or STS."""

    def make(service, key):
        return boto3.client(
            service,
            endpoint_url=sandbox.endpoint_url,
            region_name="us-east-1",
            aws_access_key_id=key["AccessKeyId"],
            aws_secret_access_key=key["SecretAccessKey"],
            aws_session_token=key.get("SessionToken"),
            config=Config(proxies={}, retries={"total_max_attempts": 1}),
        )

    return make


@pytest.fixture
def user(iam, client):
    """Make a user with statements as an inline policy; answers its clients by service."""

    def make(name, *statements, **more):
        iam.create_user(UserName=name, **more)
        if statements:
            iam.put_user_policy(
                UserName=name, PolicyName="own", PolicyDocument=document(*statements)
            )
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return lambda service="iam": client(service, key)

    return make


@pytest.fixture
def role(iam):
    """Make a role with a trust policy's principal and conditions, and own statements."""

    def make(name, principal, *statements, **condition):
        trusts = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"}
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=document({**trusts, **condition}))
        if statements:
            iam.put_role_policy(
                RoleName=name, PolicyName="own", PolicyDocument=document(*statements)
            )
        return {"RoleArn": f"{ARN}:role/{name}", "RoleSessionName": "shift"}

    return make


def denial(arn, action, on="", why="because no identity-based policy allows the {} action"):
    return f"User: {arn} is not authorized to perform: {action}{on} {why.format(action)}"


def test_the_guides_dev_policy_lets_describe_and_no_more(iam, user, refused):
    """A dev's key describes instances through its group, and runs none."""
    ec2 = user("bob")("ec2")
    iam.create_group(GroupName="dev")
    iam.put_group_policy(
        GroupName="dev",
        PolicyName="devGroupPolicy",
        PolicyDocument=document(statement("ec2:Describe*", Sid="EC2AllowDescribe")),
    )
    with refused("UnauthorizedOperation", 403) as error:
        ec2.describe_instances()
    why = denial(f"{ARN}:user/bob", "ec2:DescribeInstances")
    assert message_of(error) == f"You are not authorized to perform this operation. {why}"
    iam.add_user_to_group(GroupName="dev", UserName="bob")
    assert ec2.describe_instances()["Reservations"] == []
    with refused("UnauthorizedOperation", 403) as error:
        ec2.run_instances(**ANY_IMAGE)
    why = denial(f"{ARN}:user/bob", "ec2:RunInstances", f" on resource: {EC2_ARN}:instance/*")
    assert message_of(error) == f"You are not authorized to perform this operation. {why}"


def test_who_has_no_policy_may_only_ask_who_it_is(iam, sandbox, user, refused):
    """Without policies everything is refused but GetCallerIdentity, whatever is denied."""
    bob = user("bob")
    arn = f"{ARN}:user/bob"
    assert bob("sts").get_caller_identity()["Arn"] == arn
    with refused("AccessDenied", 403) as error:
        bob().create_user(UserName="eve", Path="/team/")
    on = f" on resource: {ARN}:user/team/eve"
    assert message_of(error) == denial(arn, "iam:CreateUser", on)
    with refused("AccessDenied", 403) as error:
        bob().get_user()
    assert message_of(error) == denial(arn, "iam:GetUser", " on resource: user bob")
    with refused("AccessDenied", 403) as error:
        bob().list_users()
    assert message_of(error) == denial(arn, "iam:ListUsers", f" on resource: {ARN}:user/")
    with refused("AccessDenied", 403) as error:
        bob().get_account_summary()
    assert message_of(error) == denial(arn, "iam:GetAccountSummary", " on resource: *")
    with refused("AccessDenied", 403) as error:
        bob("s3").list_buckets()
    assert message_of(error) == denial(arn, "s3:ListAllMyBuckets")
    with refused("AccessDeniedException", 403) as error:
        bob("accessanalyzer").list_analyzers()
    on = f" on resource: arn:aws:access-analyzer:us-east-1:{ACCOUNT}:*"
    assert message_of(error) == denial(arn, "access-analyzer:ListAnalyzers", on)
    deny = document(statement("*", effect="Deny"))
    iam.put_user_policy(UserName="bob", PolicyName="none", PolicyDocument=deny)
    assert bob("sts").get_caller_identity()["Arn"] == arn
    assert [user["UserName"] for user in iam.list_users()["Users"]] == ["bob"]


def test_an_administrator_may_all(iam, user):
    """AWS's own AdministratorAccess, attached to a group, lets its members do everything."""
    alice = user("alice")
    iam.create_group(GroupName="Admins")
    policy = "arn:aws:iam::aws:policy/AdministratorAccess"
    iam.attach_group_policy(GroupName="Admins", PolicyArn=policy)
    iam.add_user_to_group(GroupName="Admins", UserName="alice")
    alice().create_user(UserName="eve")
    alice("ec2").run_instances(**ANY_IMAGE)
    alice("s3").create_bucket(Bucket="iamkit-test")
    assert alice("accessanalyzer").list_analyzers()["analyzers"] == []
    iam.remove_user_from_group(GroupName="Admins", UserName="alice")
    with pytest.raises(ClientError):
        alice().create_user(UserName="mallory")


def test_a_deny_with_a_condition_counts_when_it_holds(user, refused):
    """The request's circumstances decide: its address, its region, its lack of MFA."""
    home = {"Condition": {"NotIpAddress": {"aws:SourceIp": "127.0.0.0/8"}}}
    abroad = {"Condition": {"StringNotEquals": {"aws:RequestedRegion": "eu-west-1"}}}
    alice = user("alice", statement("*"), statement("*", effect="Deny", **home))
    assert alice("ec2").describe_instances()
    bob = user("bob", statement("*"), statement("ec2:*", effect="Deny", **abroad))
    with refused("UnauthorizedOperation", 403) as error:
        bob("ec2").describe_instances()
    why = "with an explicit deny in an identity-based policy"
    assert message_of(error).endswith(denial(f"{ARN}:user/bob", "ec2:DescribeInstances", why=why))
    mfa = {"Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}}
    carol = user("carol", statement("*"), statement("iam:*", effect="Deny", **mfa))
    with refused("AccessDenied", 403):
        carol().list_users()


def test_a_boundary_limits(iam, user, refused):
    """What a permissions boundary does not allow is refused, in AWS's words."""
    alice = user("alice", statement("*"))
    allows = document(statement("iam:Get*"))
    arn = iam.create_policy(PolicyName="edge", PolicyDocument=allows)["Policy"]["Arn"]
    iam.put_user_permissions_boundary(UserName="alice", PermissionsBoundary=arn)
    assert alice().get_user()["User"]["UserName"] == "alice"
    with refused("AccessDenied", 403) as error:
        alice().delete_user(UserName="alice")
    why = "because no permissions boundary allows the {} action"
    on = " on resource: user alice"
    assert message_of(error) == denial(f"{ARN}:user/alice", "iam:DeleteUser", on, why)
    version = document(statement("*"), statement("iam:Delete*", effect="Deny"))
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=version, SetAsDefault=True)
    with refused("AccessDenied", 403) as error:
        alice().delete_user(UserName="alice")
    why = "with an explicit deny in a permissions boundary"
    assert message_of(error) == denial(f"{ARN}:user/alice", "iam:DeleteUser", on, why)


def test_a_path_limits(iam, user, refused):
    """Who may manage `user/team/*` may neither leave the path nor move a user out of it."""
    lead = user("lead", statement("iam:*", f"{ARN}:user/team/*"))()
    lead.create_user(UserName="ann", Path="/team/")
    lead.create_access_key(UserName="ann")
    with refused("AccessDenied", 403):
        lead.create_user(UserName="eve", Path="/other/")
    with refused("AccessDenied", 403):
        lead.create_access_key(UserName="lead")
    with refused("AccessDenied", 403) as error:
        lead.update_user(UserName="ann", NewPath="/")
    assert f"on resource: {ARN}:user/ann because" in message_of(error)
    lead.update_user(UserName="ann", NewUserName="anna")
    with refused("AccessDenied", 403):
        lead.list_users()


def test_who_manages_its_own_keys_manages_no_others(user, refused):
    """`${aws:username}` in a resource stands for the caller, named in the call or not."""
    own = statement("iam:*AccessKey*", f"{ARN}:user/${{aws:username}}")
    alice = user("alice", own)()
    user("bob")
    key = alice.create_access_key()["AccessKey"]
    assert key["UserName"] == "alice"
    alice.delete_access_key(UserName="alice", AccessKeyId=key["AccessKeyId"])
    alice.list_access_keys()
    with refused("AccessDenied", 403) as error:
        alice.create_access_key(UserName="bob")
    on = " on resource: user bob"
    assert message_of(error) == denial(f"{ARN}:user/alice", "iam:CreateAccessKey", on)


def test_tags_decide(iam, user, refused):
    """The tags of the caller, of the user in question, and of the call are compared."""
    same = {"StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}}
    new = {
        "StringEquals": {"aws:RequestTag/team": "${aws:PrincipalTag/team}"},
        "ForAllValues:StringEquals": {"aws:TagKeys": ["team"]},
    }
    lead = user(
        "lead",
        statement(["iam:DeleteUser"], Condition=same),
        statement(["iam:CreateUser", "iam:TagUser"], Condition=new),
        Tags=[{"Key": "team", "Value": "ops"}],
    )()
    iam.create_user(UserName="dev", Tags=[{"Key": "team", "Value": "dev"}])
    lead.create_user(UserName="ann", Tags=[{"Key": "team", "Value": "ops"}])
    with refused("AccessDenied", 403):
        lead.create_user(UserName="eve", Tags=[{"Key": "team", "Value": "dev"}])
    with refused("AccessDenied", 403):
        lead.create_user(UserName="eve")
    two = [{"Key": "team", "Value": "ops"}, {"Key": "root", "Value": "yes"}]
    with refused("AccessDenied", 403):
        lead.create_user(UserName="eve", Tags=two)
    lead.delete_user(UserName="ann")
    with refused("AccessDenied", 403):
        lead.delete_user(UserName="dev")


def test_which_policy_is_attached_decides(user, iam, refused):
    """`iam:PolicyARN` limits what may be given to others."""
    only = {"ArnEquals": {"iam:PolicyARN": "arn:aws:iam::aws:policy/ReadOnlyAccess"}}
    lead = user("lead", statement("iam:AttachUserPolicy", Condition=only))()
    lead.attach_user_policy(UserName="lead", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    with refused("AccessDenied", 403):
        lead.attach_user_policy(
            UserName="lead", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess"
        )


def test_bucket_and_prefix_limit(sandbox, client_of, user, refused):
    """A policy on one bucket and one prefix allows those, by list and by object."""
    s3 = client_of(sandbox, "s3")
    for bucket in ("iamkit-mine", "iamkit-theirs"):
        s3.create_bucket(Bucket=bucket)
        s3.put_object(Bucket=bucket, Key="team/a", Body=b"a")
    prefix = {"Condition": {"StringLike": {"s3:prefix": "team/*"}}}
    alice = user(
        "alice",
        statement("s3:ListBucket", "arn:aws:s3:::iamkit-mine", **prefix),
        statement(["s3:GetObject", "s3:PutObject"], "arn:aws:s3:::iamkit-mine/team/*"),
    )("s3")
    found = alice.list_objects_v2(Bucket="iamkit-mine", Prefix="team/")["Contents"]
    assert [one["Key"] for one in found] == ["team/a"]
    alice.head_object(Bucket="iamkit-mine", Key="team/a")
    alice.put_object(Bucket="iamkit-mine", Key="team/b c", Body=b"b")
    with refused("AccessDenied", 403) as error:
        alice.list_objects_v2(Bucket="iamkit-mine")
    arn, on = f"{ARN}:user/alice", ' on resource: "arn:aws:s3:::iamkit-mine"'
    assert message_of(error) == denial(arn, "s3:ListBucket", on)
    with refused("AccessDenied", 403) as error:
        alice.get_object(Bucket="iamkit-theirs", Key="team/a")
    on = ' on resource: "arn:aws:s3:::iamkit-theirs/team/a"'
    assert message_of(error) == denial(arn, "s3:GetObject", on)
    with refused("AccessDenied", 403):
        alice.copy_object(Bucket="iamkit-mine", Key="team/c", CopySource="iamkit-theirs/team/a")
    for deny in (alice.get_bucket_acl, alice.get_bucket_policy, alice.delete_bucket):
        with refused("AccessDenied", 403):
            deny(Bucket="iamkit-mine")
    objects = {"Objects": [{"Key": "team/a"}]}
    with refused("AccessDenied", 403):
        alice.delete_objects(Bucket="iamkit-mine", Delete=objects)


def test_a_buckets_own_policy_counts(sandbox, client_of, user, refused):
    """It allows who it names, and denies even root, except to mend the policy itself."""
    s3 = client_of(sandbox, "s3")
    s3.create_bucket(Bucket="iamkit-mine")
    s3.put_object(Bucket="iamkit-mine", Key="a", Body=b"a")
    alice, bob = user("alice")("s3"), user("bob", statement("s3:*"))("s3")
    lets = {
        **statement("s3:GetObject", "arn:aws:s3:::iamkit-mine/*"),
        "Principal": {"AWS": f"{ARN}:user/alice"},
    }
    denies = {
        **statement("s3:*", ["arn:aws:s3:::iamkit-mine*"], effect="Deny"),
        "Principal": "*",
        "Condition": {"ArnNotLike": {"aws:PrincipalArn": f"{ARN}:user/alice"}},
    }
    s3.put_bucket_policy(Bucket="iamkit-mine", Policy=document(lets))
    assert alice.get_object(Bucket="iamkit-mine", Key="a")["Body"].read() == b"a"
    assert bob.get_object(Bucket="iamkit-mine", Key="a")["Body"].read() == b"a"
    with refused("AccessDenied", 403):
        alice.delete_object(Bucket="iamkit-mine", Key="a")
    s3.put_bucket_policy(Bucket="iamkit-mine", Policy=document(lets, denies))
    alice.get_object(Bucket="iamkit-mine", Key="a")
    for other in (bob, s3):
        with refused("AccessDenied", 403) as error:
            other.get_object(Bucket="iamkit-mine", Key="a")
        assert message_of(error).endswith("with an explicit deny in a resource-based policy")
    s3.delete_bucket_policy(Bucket="iamkit-mine")
    bob.get_object(Bucket="iamkit-mine", Key="a")


@pytest.mark.parametrize("policy", ["{", "[]", '"x"', "{}", '{"Statement": [{"Effect": "allow"}]}'])
def test_a_bucket_policy_that_is_none_refuses_all(sandbox, client_of, user, refused, policy):
    """What cannot be evaluated never allows; root can take it away."""
    s3 = client_of(sandbox, "s3")
    s3.create_bucket(Bucket="iamkit-mine")
    s3.put_bucket_policy(Bucket="iamkit-mine", Policy=policy)
    bob = user("bob", statement("s3:*"))("s3")
    with refused("AccessDenied", 403):
        bob.list_objects_v2(Bucket="iamkit-mine")
    s3.delete_bucket_policy(Bucket="iamkit-mine")
    bob.list_objects_v2(Bucket="iamkit-mine")


def test_what_the_sandbox_does_not_know_of_s3_is_refused(sandbox, client_of, user, refused):
    """A sub-resource that is not in its table is no way around the policies."""
    client_of(sandbox, "s3").create_bucket(Bucket="iamkit-mine")
    alice = user("alice", statement("s3:*"))("s3")
    with refused("NotImplemented", 501):
        alice.create_session(Bucket="iamkit-mine")
    alice.put_bucket_tagging(
        Bucket="iamkit-mine", Tagging={"TagSet": [{"Key": "team", "Value": "ops"}]}
    )


def test_a_role_that_names_the_user_needs_nothing_else(user, role, client, refused):
    """The trust policy is enough where it names the caller; the session has the role's rights."""
    alice = user("alice")("sts")
    session = role("ops", f"{ARN}:user/alice", statement("iam:ListUsers"))
    taken = client("iam", alice.assume_role(**session)["Credentials"])
    assert taken.list_users()["Users"]
    with refused("AccessDenied", 403) as error:
        taken.list_groups()
    arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/ops/shift"
    assert message_of(error) == denial(arn, "iam:ListGroups", f" on resource: {ARN}:group/")


def test_a_role_that_names_the_account_leaves_it_to_the_callers_policy(
    sandbox, user, role, refused
):
    """Trust in the account delegates; while nothing is authorized, trust alone decides."""
    session = role("ops", f"{ARN}:root")
    alice = user("alice")("sts")
    with refused("AccessDenied", 403) as error:
        alice.assume_role(**session)
    on = f" on resource: {ARN}:role/ops"
    assert message_of(error) == denial(f"{ARN}:user/alice", "sts:AssumeRole", on)
    bob = user("bob", statement("sts:AssumeRole", f"{ARN}:role/ops"))("sts")
    assert bob.assume_role(**session)
    sandbox.set_authorize(False)
    assert alice.assume_role(**session)


@pytest.mark.parametrize("authorizes", [True, False])
def test_a_role_trusts_whom_it_says(sandbox, user, role, refused, authorizes):
    """Who is not named is refused whatever its own policies say, and conditions are heard."""
    sandbox.set_authorize(authorizes)
    alice = user("alice", statement("*"))("sts")
    user("bob")
    theirs = role("theirs", f"{ARN}:user/bob")
    with refused("AccessDenied", 403) as error:
        alice.assume_role(**theirs)
    on = f" on resource: {ARN}:role/theirs"
    why = "because no role trust policy allows the {} action"
    assert message_of(error) == denial(f"{ARN}:user/alice", "sts:AssumeRole", on, why)
    wants = {"Condition": {"StringLike": {"sts:ExternalId": "ticket-*"}}}
    guarded = role("guarded", f"{ARN}:user/alice", **wants)
    with refused("AccessDenied", 403):
        alice.assume_role(**guarded)
    assert alice.assume_role(**guarded, ExternalId="ticket-7")
    with refused("AccessDenied", 403):
        alice.assume_role(RoleArn=f"{ARN}:role/none", RoleSessionName="shift")


def test_a_session_policy_limits_its_session(user, role, client, refused):
    """What the caller gave away for a session is gone for this session only."""
    alice = user("alice")("sts")
    session = role("ops", f"{ARN}:user/alice", statement("iam:*"))
    less = document(statement("iam:ListUsers"))
    narrow = client("iam", alice.assume_role(**session, Policy=less)["Credentials"])
    whole = client("iam", alice.assume_role(**session)["Credentials"])
    assert narrow.list_users()
    assert whole.list_groups()
    with refused("AccessDenied", 403) as error:
        narrow.list_groups()
    assert message_of(error).endswith("because no session policy allows the iam:ListGroups action")


def test_a_deleted_roles_session_may_nothing(iam, user, role, client, refused):
    """A role of the same name that is made later gives it nothing either."""
    alice = user("alice")("sts")
    for _ in range(2):
        session = role("ops", f"{ARN}:user/alice", statement("iam:*"))
        taken = client("iam", alice.assume_role(**session)["Credentials"])
        taken.list_users()
        iam.delete_role_policy(RoleName="ops", PolicyName="own")
        iam.delete_role(RoleName="ops")
        with refused("AccessDenied", 403):
            taken.list_users()


def test_a_code_of_its_device_counts_as_mfa(sandbox, iam, user, role, client, refused):
    """A role may want MFA: a right code is heard and kept with the session, a wrong one refused."""
    import time

    alice = user("alice")("sts")
    device = iam.create_virtual_mfa_device(VirtualMFADeviceName="phone")["VirtualMFADevice"]
    seed, serial = device["Base32StringSeed"].decode(), device["SerialNumber"]

    def code(later=0):
        return totp(seed, int(time.time()) // 30 + later)

    iam.enable_mfa_device(
        UserName="alice",
        SerialNumber=serial,
        AuthenticationCode1=code(-1),
        AuthenticationCode2=code(),
    )
    mfa = {"Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}}
    fresh = {"Condition": {"NumericLessThan": {"aws:MultiFactorAuthAge": "3600"}}}
    session = role("ops", f"{ARN}:user/alice", statement("iam:ListUsers", **fresh), **mfa)
    with refused("AccessDenied", 403):
        alice.assume_role(**session)
    with refused("AccessDenied", 403):
        alice.assume_role(**session, SerialNumber=serial, TokenCode="000000")
    taken = alice.assume_role(**session, SerialNumber=serial, TokenCode=code())
    assert client("iam", taken["Credentials"]).list_users()


def test_the_accounts_rules_let_users_change_their_own_password(iam, user, refused):
    """AllowUsersToChangePassword gives it to everybody, for themselves alone, unless it is denied.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_passwords_enable-user-change.html
    """
    first, own = "A-first-Password-1", "An-own-Password-2"
    clients = {
        "alice": user("alice")("iam"),
        "bob": user("bob", statement("iam:ChangePassword", effect="Deny"))("iam"),
    }
    for name in clients:
        iam.create_login_profile(UserName=name, Password=first)
    with refused("AccessDenied", 403):
        clients["alice"].change_password(OldPassword=first, NewPassword=own)
    iam.update_account_password_policy(AllowUsersToChangePassword=True)
    clients["alice"].change_password(OldPassword=first, NewPassword=own)
    assert clients["alice"].get_account_password_policy()
    with refused("AccessDenied", 403):
        clients["bob"].change_password(OldPassword=first, NewPassword=own)
    with refused("AccessDenied", 403):
        clients["alice"].update_login_profile(UserName="bob", Password=own)
    iam.update_account_password_policy(AllowUsersToChangePassword=False)
    with refused("AccessDenied", 403):
        clients["alice"].change_password(OldPassword=own, NewPassword=first)


def test_a_dry_run_tells_whether_it_were_allowed(user, refused):
    """DryRun answers DryRunOperation to who may, UnauthorizedOperation to who may not."""
    with refused("DryRunOperation", 412):
        user("alice", statement("ec2:*"))("ec2").run_instances(**ANY_IMAGE, DryRun=True)
    with refused("UnauthorizedOperation", 403):
        user("bob", statement("ec2:Describe*"))("ec2").run_instances(**ANY_IMAGE, DryRun=True)


def test_every_resource_of_an_ec2_call_is_asked_for(sandbox, client_of, user, refused):
    """Type, tags and existing resources of a call must all be allowed."""
    ec2 = client_of(sandbox, "ec2")
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "team", "Value": "ops"}]}]
    mine, other = (
        ec2.run_instances(**ANY_IMAGE, **more)["Instances"][0]["InstanceId"]
        for more in ({"TagSpecifications": tags}, {})
    )
    own = {"Condition": {"StringEquals": {"aws:ResourceTag/team": "ops"}}}
    small = {"Condition": {"StringEquals": {"ec2:InstanceType": "t3.micro"}}}
    others = ["image", "network-interface", "security-group", "subnet", "volume"]
    alice = user(
        "alice",
        statement(["ec2:StopInstances", "ec2:TerminateInstances"], **own),
        statement("ec2:RunInstances", f"{EC2_ARN}:instance/*", **small),
        statement("ec2:RunInstances", [f"arn:aws:ec2:*:*:{kind}/*" for kind in others]),
    )("ec2")
    alice.stop_instances(InstanceIds=[mine])
    with refused("UnauthorizedOperation", 403) as error:
        alice.terminate_instances(InstanceIds=[mine, other])
    assert f"on resource: {EC2_ARN}:instance/{other} because" in message_of(error)
    alice.run_instances(**ANY_IMAGE, InstanceType="t3.micro")
    with refused("UnauthorizedOperation", 403):
        alice.run_instances(**ANY_IMAGE, InstanceType="m5.large")
    with refused("UnauthorizedOperation", 403) as error:
        alice.run_instances(**ANY_IMAGE, InstanceType="t3.micro", TagSpecifications=tags)
    assert "ec2:CreateTags" in message_of(error)


def test_who_passes_a_role_must_be_allowed_to(sandbox, iam, role, user, refused):
    """An instance gets no role that its maker may not pass."""
    role("strong", f"{ARN}:root")
    iam.create_instance_profile(InstanceProfileName="strong")
    iam.add_role_to_instance_profile(InstanceProfileName="strong", RoleName="strong")
    alice = user("alice", statement("ec2:*"))("ec2")
    with refused("UnauthorizedOperation", 403) as error:
        alice.run_instances(**ANY_IMAGE, IamInstanceProfile={"Name": "strong"})
    on = f" on resource: {ARN}:role/strong"
    assert message_of(error).endswith(denial(f"{ARN}:user/alice", "iam:PassRole", on))


def test_what_depends_on_the_unknown_is_refused(user, refused):
    """A condition key that AWS would know and the sandbox does not is never guessed."""
    tenancy = {"Condition": {"StringEquals": {"ec2:Tenancy": "dedicated"}}}
    alice = user("alice", statement("ec2:*"), statement("ec2:*", effect="Deny", **tenancy))
    with refused("UnauthorizedOperation", 403) as error:
        alice("ec2").run_instances(**ANY_IMAGE)
    assert "because it depends on ec2:Tenancy, which the sandbox does not know" in message_of(error)


def test_the_simulator_answers_as_the_gate_would(iam, user, allow, refused):
    """SimulatePrincipalPolicy tells of a user, its groups and its boundary what would be."""
    own = {"Condition": {"StringEquals": {"aws:ResourceTag/team": "ops"}}}
    user("alice", statement("ec2:Describe*"), statement("ec2:StopInstances", **own))
    user("bob", statement("iam:SimulatePrincipalPolicy", f"{ARN}:user/bob"))
    iam.create_group(GroupName="dev")
    deny = document(statement("ec2:DescribeRegions", effect="Deny"))
    iam.put_group_policy(GroupName="dev", PolicyName="less", PolicyDocument=deny)
    iam.add_user_to_group(GroupName="dev", UserName="alice")
    actions = ["ec2:DescribeInstances", "ec2:DescribeRegions", "ec2:StopInstances"]
    source = {"PolicySourceArn": f"{ARN}:user/alice", "ActionNames": actions}
    results = iam.simulate_principal_policy(**source)["EvaluationResults"]
    found = {one["EvalActionName"]: one for one in results}
    decisions = [found[action]["EvalDecision"] for action in actions]
    assert decisions == ["allowed", "explicitDeny", "implicitDeny"]
    matched = {"SourcePolicyId": "group_dev_less", "SourcePolicyType": "group"}
    assert found["ec2:DescribeRegions"]["MatchedStatements"] == [matched]
    missing = found["ec2:StopInstances"]["MissingContextValues"]
    assert missing == ["aws:ResourceTag/team"]
    key = {"ContextKeyName": "aws:ResourceTag/team", "ContextKeyType": "string"}
    entries = [{**key, "ContextKeyValues": ["ops"]}]
    bounded = iam.simulate_principal_policy(
        **source,
        ContextEntries=entries,
        PermissionsBoundaryPolicyInputList=[allow("ec2:Stop*")],
    )["EvaluationResults"]
    allowed = [one["EvalActionName"] for one in bounded if one["EvalDecision"] == "allowed"]
    assert allowed == ["ec2:StopInstances"]
    within = {"AllowedByPermissionsBoundary": False}
    assert bounded[0]["PermissionsBoundaryDecisionDetail"] == within
    with refused("NoSuchEntity", 404):
        iam.simulate_principal_policy(PolicySourceArn=f"{ARN}:user/no", ActionNames=actions)


def test_the_simulator_takes_any_policy_and_pages(iam, allow, refused):
    """SimulateCustomPolicy wants no entity, refuses what is no policy, and cuts its list."""
    custom = {
        "PolicyInputList": [allow("s3:GetObject")],
        "ActionNames": ["s3:GetObject", "s3:PutObject"],
        "ResourceArns": ["arn:aws:s3:::b/1", "arn:aws:s3:::b/2"],
    }
    pages = iam.get_paginator("simulate_custom_policy").paginate(
        **custom, PaginationConfig={"PageSize": 1}
    )
    found = [one for page in pages for one in page["EvaluationResults"]]
    allowed = [one["EvalDecision"] for one in found if one["EvalActionName"] == "s3:GetObject"]
    assert allowed == ["allowed", "allowed"]
    assert len({(one["EvalActionName"], one["EvalResourceName"]) for one in found}) == 4
    lets = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"}
    whole = document({**lets, "Principal": {"AWS": f"{ARN}:user/eve"}})
    named = iam.simulate_custom_policy(**custom, ResourcePolicy=whole, CallerArn=f"{ARN}:user/eve")[
        "EvaluationResults"
    ]
    assert {one["EvalDecision"] for one in named} == {"allowed"}
    with refused("InvalidInput", 400):
        iam.simulate_custom_policy(PolicyInputList=["{"], ActionNames=["s3:GetObject"])
    with refused("InvalidInput", 400):
        iam.simulate_custom_policy(**{**custom, "ActionNames": ["GetObject"]})


@pytest.fixture
def account(tmp_path):
    """An account in this process, with a user `bob` and a gate that is asked directly."""
    from iamkit.sandbox.server.call import Call, Caller
    from iamkit.sandbox.server.http_message import Request
    from iamkit.sandbox.server.persistent_accounts import PersistentAccounts

    life = PersistentAccounts(tmp_path, 0)
    life.account.iam.users.pop("bob", None)
    bob = life.account.iam.create_user(region_name="us-east-1", user_name="bob")
    life.account.authorizes = True

    def check(service, action, **parameters):
        request = Request("POST", "/", {}, b"")
        caller = Caller(bob.arn, bob.id, bob.name)
        given = {"Action": action, **parameters}
        life._gate.check(Call(request, service, "us-east-1", action, given, caller))

    def write(text):
        bob.policies["own"] = text
        life._gate.forget()

    return check, write


def test_no_action_is_forgotten(account):
    """Every action of IAM, STS and EC2 that AWS asks policies about is refused without one."""
    import botocore.session

    from iamkit.sandbox.server.errors import Refused

    check, write = account
    of_service = botocore.session.get_session().get_service_model
    actions = {
        (service, action)
        for service in ("iam", "sts", "ec2")
        for action in of_service(service).operation_names
    }
    for service, action in actions - {("sts", "GetCallerIdentity"), ("sts", "GetSessionToken")}:
        with pytest.raises(Refused, match="because no "):
            check(service, action, UserName="bob", InstanceId="i-12345678")
    write(document(statement("*")))
    for service, action in actions - {("sts", "AssumeRole")}:
        check(service, action, UserName="bob", InstanceId="i-12345678")


ODD = ["", "[]", "{", "null", "[" * 5000, '{"Statement": [{"Effect": "allow"}]}']


@pytest.mark.parametrize("text", ODD)
def test_a_stored_policy_that_cannot_be_read_refuses(account, text):
    """Whatever goes wrong in the evaluation, nothing is allowed by it."""
    from iamkit.sandbox.server.errors import Refused

    check, write = account
    write(text)
    with pytest.raises(Refused, match="because the sandbox could not evaluate the policies"):
        check("iam", "GetUser", UserName="bob")


def test_nothing_slips_by_beside_what_is_asked(account):
    """Parameters that an action does not have, and ids of no known kind, open nothing."""
    from iamkit.sandbox.server.errors import Refused

    check, write = account
    tagged = {"Condition": {"StringEquals": {"aws:RequestTag/team": "ops"}}}
    write(
        document(
            statement("*"),
            statement("iam:*", f"{ARN}:user/boss", effect="Deny"),
            statement("ec2:CreateTags", f"{EC2_ARN}:volume/*", effect="Deny"),
            statement("ec2:RunInstances", f"{EC2_ARN}:instance/*", effect="Deny"),
            statement("iam:DeleteGroup", effect="Deny"),
        )
    )
    refused = [
        ("iam", "CreateAccessKey", {"UserName": "boss", "AllUsers": "true"}),
        ("iam", "UpdateUser", {"UserName": "bob", "NewUserName": "boss"}),
        ("ec2", "CreateTags", {"ResourceId.1": "odd-12345678", "Tag.1.Key": "a"}),
        ("ec2", "CreateTags", {"ResourceId.1": "i-12345678", "ResourceId.2": "vol-12345678"}),
    ]
    for service, action, parameters in refused:
        with pytest.raises(Refused):
            check(service, action, **parameters)
    write(document(statement(["ec2:RunInstances", "ec2:CreateTags"], **tagged)))
    volume = {"ResourceType": "volume", "Tag.1.Key": "team", "Tag.1.Value": "ops"}
    with pytest.raises(Refused):
        check(
            "ec2",
            "RunInstances",
            **{f"TagSpecification.1.{name}": value for name, value in volume.items()},
        )
    write(document(statement("iam:DeleteGroup", **tagged)))
    with pytest.raises(Refused):
        check(
            "iam",
            "DeleteGroup",
            GroupName="g",
            **{"Tags.member.1.Key": "team", "Tags.member.1.Value": "ops"},
        )


def test_s3s_table_has_awss_actions():
    """Each action that the table names is in the catalogue."""
    from iamkit.policies.actions.catalogue import describe_action
    from iamkit.sandbox.server.authorization import s3 as of_s3

    settings = [way + name for name in of_s3._SETTINGS.values() for way in ("Get", "Put")]
    named = {*of_s3._BUCKET.values(), *of_s3._OBJECT.values(), *settings}
    named |= {of_s3._versioned(name, "1") for name in of_s3._OBJECT.values()}
    assert not [name for name in named if describe_action(f"s3:{name}") is None]


def test_a_delegate_makes_only_users_with_a_boundary(iam, user, refused):
    """`iam:PermissionsBoundary` is the boundary of the call, or of the user in question."""
    arn = iam.create_policy(PolicyName="edge", PolicyDocument=document(statement("s3:*")))
    edge = arn["Policy"]["Arn"]
    bounded = {"Condition": {"StringEquals": {"iam:PermissionsBoundary": edge}}}
    lead = user("lead", statement(["iam:CreateUser", "iam:PutUserPolicy"], **bounded))()
    lead.create_user(UserName="ann", PermissionsBoundary=edge)
    with refused("AccessDenied", 403):
        lead.create_user(UserName="eve")
    own = {"PolicyName": "own", "PolicyDocument": document(statement("s3:*"))}
    lead.put_user_policy(UserName="ann", **own)
    with refused("AccessDenied", 403):
        lead.put_user_policy(UserName="lead", **own)


def test_it_is_off_unless_it_was_asked_for(started, client_of, state):
    """A new sandbox authorizes nothing."""
    assert not started.authorizes()
    key = new_key(started, client_of)
    assert client_of(started, key=key).list_users()["Users"]


def new_key(sandbox, client_of):
    iam = client_of(sandbox)
    iam.create_user(UserName="alice")
    key = iam.create_access_key(UserName="alice")["AccessKey"]
    return key["AccessKeyId"], key["SecretAccessKey"]


def test_the_setting_survives_a_restart_and_no_reset(state, started, client_of, refused):
    """It is kept with the account, and ends with it."""
    key = new_key(started, client_of)
    assert start_sandbox(state, authorize=True) == started
    with refused("AccessDenied", 403):
        client_of(started, key=key).list_users()
    stop_sandbox(state)
    again = start_sandbox(state)
    assert again.authorizes()
    with refused("AccessDenied", 403):
        client_of(again, key=key).list_users()
    assert not reset_sandbox(state).authorizes()
    stop_sandbox(state)
    assert not start_sandbox(state).authorizes()


def test_what_was_allowed_comes_back(state, started, client_of):
    """Entries are done again after a restart whoever did them, sessions included."""
    iam = client_of(started)
    key = new_key(started, client_of)
    everything = document(statement("*"))
    iam.put_user_policy(UserName="alice", PolicyName="all", PolicyDocument=everything)
    trusts = {"Effect": "Allow", "Principal": {"AWS": f"{ARN}:root"}, "Action": "sts:AssumeRole"}
    iam.create_role(RoleName="ops", AssumeRolePolicyDocument=document(trusts))
    started.set_authorize(True)
    client_of(started, key=key).create_user(UserName="bob")
    session = {"RoleArn": f"{ARN}:role/ops", "RoleSessionName": "shift"}
    client_of(started, "sts", key).assume_role(**session)
    iam.delete_user_policy(UserName="alice", PolicyName="all")
    stop_sandbox(state)
    again = start_sandbox(state)
    names = [user["UserName"] for user in client_of(again).list_users()["Users"]]
    assert names == ["alice", "bob"]


def test_an_instance_in_a_network_that_was_looked_up_comes_back(state, started, client_of):
    """The default network has the same ids after a restart, although only a look made it."""
    ec2 = client_of(started, "ec2")
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    ec2.run_instances(**ANY_IMAGE, SubnetId=subnet)
    stop_sandbox(state)
    found = client_of(start_sandbox(state), "ec2").describe_instances()["Reservations"]
    assert found[0]["Instances"][0]["SubnetId"] == subnet


def test_the_command_switches_a_running_sandbox(private_home, sandbox):
    """`iamkit sandbox start --authorize` says what it did, whether it started one or not."""
    from click.testing import CliRunner

    from iamkit.__main__ import cli

    sandbox.set_authorize(False)
    quiet = CliRunner().invoke(cli, ["sandbox", "start"])
    assert "policies" not in quiet.output
    said = CliRunner().invoke(cli, ["sandbox", "start", "--authorize"])
    assert "refuses what the caller's policies do not allow" in said.output
    assert find_sandbox(private_home / "sandbox").authorizes()
