"""Several accounts side by side in one process: apart, and with roles that trust each other."""

import json
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import boto3
import pytest
from botocore.config import Config
from hypothesis import HealthCheck, given, settings, strategies as st
from samples import scaled
from sandbox_world import World

from iamkit.errors import SandboxError
from iamkit.sandbox import find_sandbox, sandbox_env, start_sandbox
from iamkit.sandbox.server.one_time_passwords import STEP, totp

MAIN, DEV, PROD = "000000000000", "111122223333", "444455556666"
ACCOUNTS = (MAIN, DEV, PROD)


def policy(effect="Allow", **members):
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": effect, **members}]})


def trust_of(principal):
    return policy(Principal={"AWS": principal}, Action="sts:AssumeRole")


def user_of(iam, client_of, sandbox, name):
    """STS for a new user's key."""
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return client_of(sandbox, "sts", (key["AccessKeyId"], key["SecretAccessKey"]))


def assume(sts, arn):
    answer = sts.assume_role(RoleArn=arn, RoleSessionName="look")
    return answer["AssumedRoleUser"]["Arn"], clients_of(sts.meta.endpoint_url, answer)


def clients_of(endpoint, answer):
    """Clients for the temporary credentials in an answer of STS."""
    keys = answer["Credentials"]
    session = boto3.Session(
        keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], "us-east-1"
    )
    settings = Config(proxies={}, retries={"total_max_attempts": 1})
    return {
        service: session.client(service, endpoint_url=endpoint, config=settings)
        for service in ("iam", "sts", "s3")
    }


def test_each_account_says_its_own_id_and_has_its_own_entities(sandbox, client_of):
    """Root, users, roles and policies bear their account, and one name may be in each."""
    for number, account in enumerate(ACCOUNTS, 1):
        one = sandbox.account(account)
        iam, sts = client_of(one), client_of(one, "sts")
        root = sts.get_caller_identity()
        found = root["Account"], root["UserId"], root["Arn"]
        assert found == (account, account, f"arn:aws:iam::{account}:root")
        assert iam.list_users()["Users"] == []
        for name in ("alice", "bob", "carol")[:number]:
            iam.create_user(UserName=name)
        role = iam.create_role(RoleName="look", AssumeRolePolicyDocument=trust_of(account))
        own = iam.create_policy(
            PolicyName="own", PolicyDocument=policy(Action="s3:*", Resource="*")
        )
        assert role["Role"]["Arn"] == f"arn:aws:iam::{account}:role/look"
        assert own["Policy"]["Arn"] == f"arn:aws:iam::{account}:policy/own"
        alice = user_of(iam, client_of, one, "dave").get_caller_identity()
        assert (alice["Account"], alice["Arn"]) == (account, f"arn:aws:iam::{account}:user/dave")
    sizes = [len(client_of(sandbox.account(a)).list_users()["Users"]) for a in ACCOUNTS]
    assert sizes == [2, 3, 4]


def test_only_the_sandboxs_secret_opens_an_account(sandbox, client_of, refused):
    """A wrong secret makes no account, and the main one is not opened by its id."""
    for account, code in ((DEV, "SignatureDoesNotMatch"), (MAIN, "InvalidClientTokenId")):
        with refused(code, 403):
            client_of(sandbox, key=(account, "wrong")).list_users()
    with refused("InvalidClientTokenId", 403):
        client_of(sandbox, key=(MAIN, sandbox.secret_access_key)).list_users()
    for wrong in ("", "11112222333", "11112222333a", "1111222233334"):
        with pytest.raises(SandboxError, match="12 digits"):
            sandbox.account(wrong)


def test_an_alias_is_one_accounts_alone(sandbox, client_of, refused):
    """An alias that another account has is taken; one that it gave up is free."""
    ours, theirs = client_of(sandbox), client_of(sandbox.account(DEV))
    ours.create_account_alias(AccountAlias="one-team")
    ours.create_account_alias(AccountAlias="one-team-2")
    with refused("EntityAlreadyExists", 409):
        theirs.create_account_alias(AccountAlias="one-team-2")
    theirs.create_account_alias(AccountAlias="one-team")
    assert ours.list_account_aliases()["AccountAliases"] == ["one-team-2"]


def test_a_bucket_is_its_accounts_alone(sandbox, client_of, refused):
    """Its name is taken everywhere, and others may not look into it."""
    ours, theirs = client_of(sandbox, "s3"), client_of(sandbox.account(DEV), "s3")
    ours.create_bucket(Bucket="one-team")
    assert theirs.list_buckets()["Buckets"] == []
    with refused("AccessDenied", 403):
        theirs.list_objects_v2(Bucket="one-team")
    with refused("BucketAlreadyExists", 409):
        theirs.create_bucket(Bucket="one-team")


@pytest.mark.parametrize(
    ("principal", "allowed"),
    [
        (f"arn:aws:iam::{MAIN}:root", True),
        (f"arn:aws:iam::{MAIN}:user/alice", True),
        (f"arn:aws:iam::{DEV}:root", False),
        (f"arn:aws:iam::{PROD}:root", False),
    ],
)
def test_a_role_of_another_account_trusts_or_does_not(
    sandbox, client_of, refused, principal, allowed
):
    """The trust policy decides who assumes it; the session is of the role's account."""
    alice = user_of(client_of(sandbox), client_of, sandbox, "alice")
    theirs = client_of(sandbox.account(DEV))
    theirs.create_user(UserName="theirs")
    arn = f"arn:aws:iam::{DEV}:role/look"
    theirs.create_role(RoleName="look", AssumeRolePolicyDocument=trust_of(principal))
    if not allowed:
        with refused("AccessDenied", 403):
            assume(alice, arn)
        return
    session, clients = assume(alice, arn)
    assert session == f"arn:aws:sts::{DEV}:assumed-role/look/look"
    identity = clients["sts"].get_caller_identity()
    assert (identity["Account"], identity["Arn"]) == (DEV, session)
    assert [user["UserName"] for user in clients["iam"].list_users()["Users"]] == ["theirs"]


def test_across_accounts_both_sides_must_allow(sandbox, client_of, refused):
    """With permissions, the caller's own policy must allow it too, and the session has its own."""
    ours, other = client_of(sandbox), sandbox.account(DEV)
    sandbox.set_authorize(True)
    assert other.authorizes()
    alice = user_of(ours, client_of, sandbox, "alice")
    theirs = client_of(other)
    arn = f"arn:aws:iam::{DEV}:role/look"
    theirs.create_role(RoleName="look", AssumeRolePolicyDocument=trust_of(MAIN))
    with refused("AccessDenied", 403):
        assume(alice, arn)
    allow = policy(Action="sts:AssumeRole", Resource=arn)
    ours.put_user_policy(UserName="alice", PolicyName="assume", PolicyDocument=allow)
    _, clients = assume(alice, arn)
    with refused("AccessDenied", 403):
        clients["iam"].list_users()
    allow = policy(Action="iam:ListUsers", Resource="*")
    theirs.put_role_policy(RoleName="look", PolicyName="list", PolicyDocument=allow)
    assert clients["iam"].list_users()["Users"] == []
    with refused("AccessDenied", 403):
        assume(alice, f"arn:aws:iam::{PROD}:role/look")


def test_sessions_last_accesses_and_tags_are_of_one_account(sandbox, client_of, refused):
    """One name in two accounts is two users: what one is, does and has is not the other's."""
    iams = {account: client_of(sandbox.account(account)) for account in (MAIN, DEV)}
    allow, arns, jobs = policy(Action="s3:*", Resource="*"), {}, {}
    for account, iam in iams.items():
        sts = user_of(iam, client_of, sandbox, "alice")
        iam.put_user_policy(UserName="alice", PolicyName="s3", PolicyDocument=allow)
        arns[account] = f"arn:aws:iam::{account}:user/alice"
        session = clients_of(sandbox.endpoint_url, sts.get_session_token())
        identity = session["sts"].get_caller_identity()
        assert (identity["Account"], identity["Arn"]) == (account, arns[account])
        federated = sts.get_federation_token(Name="bob")
        arn = f"arn:aws:sts::{account}:federated-user/bob"
        guest = clients_of(sandbox.endpoint_url, federated)["sts"].get_caller_identity()
        assert federated["FederatedUser"]["Arn"] == guest["Arn"] == arn
        assert (guest["Account"], guest["UserId"]) == (account, f"{account}:bob")
        key = federated["Credentials"]["AccessKeyId"]
        found = client_of(sandbox, "sts").get_access_key_info(AccessKeyId=key)
        assert found["Account"] == account
        if account == DEV:
            session["s3"].list_buckets()
            iam.tag_user(UserName="alice", Tags=[{"Key": "team", "Value": "web"}])
            iam.set_security_token_service_preferences(GlobalEndpointTokenVersion="v2Token")
    for account, iam in iams.items():
        jobs[account] = iam.generate_service_last_accessed_details(Arn=arns[account])["JobId"]
        sandbox.account(account).age(0.001)
        (last,) = iam.get_service_last_accessed_details(JobId=jobs[account])["ServicesLastAccessed"]
        assert (last["ServiceNamespace"], last.get("LastAuthenticatedEntity")) == (
            "s3",
            arns[DEV] if account == DEV else None,
        )
        tags = iam.list_user_tags(UserName="alice")["Tags"]
        version = iam.get_account_summary()["SummaryMap"]["GlobalEndpointTokenVersion"]
        assert (len(tags), version) == ((1, 2) if account == DEV else (0, 1))
    with refused("NoSuchEntity", 404):
        iams[MAIN].get_service_last_accessed_details(JobId=jobs[DEV])


def test_a_code_is_used_up_in_whichever_account_the_role_is(sandbox, client_of, refused):
    """An MFA code serves once, also where it opens a role of another account."""
    iam, theirs = client_of(sandbox), client_of(sandbox.account(DEV))
    alice = user_of(iam, client_of, sandbox, "alice")
    device = iam.create_virtual_mfa_device(VirtualMFADeviceName="phone")["VirtualMFADevice"]
    seed, step = device["Base32StringSeed"].decode(), int(time.time()) // STEP
    iam.enable_mfa_device(
        UserName="alice",
        SerialNumber=device["SerialNumber"],
        AuthenticationCode1=totp(seed, step - 2),
        AuthenticationCode2=totp(seed, step - 1),
    )
    theirs.create_role(RoleName="look", AssumeRolePolicyDocument=trust_of(MAIN))
    shown = {
        "RoleArn": f"arn:aws:iam::{DEV}:role/look",
        "RoleSessionName": "look",
        "SerialNumber": device["SerialNumber"],
        "TokenCode": totp(seed, step),
    }
    alice.assume_role(**shown)
    with refused("AccessDenied", 403):
        alice.assume_role(**shown)


def test_who_is_trusted_is_there(sandbox, client_of, refused):
    """A trust policy names users of its own and of other accounts, if those are known."""
    ours, theirs = client_of(sandbox), client_of(sandbox.account(DEV))
    ours.create_user(UserName="alice")
    for account in (MAIN, DEV):
        with refused("MalformedPolicyDocument", 400):
            trusted = trust_of(f"arn:aws:iam::{account}:user/bob")
            theirs.create_role(RoleName="look", AssumeRolePolicyDocument=trusted)
    for number, account in enumerate((MAIN, PROD)):
        trusted = trust_of(f"arn:aws:iam::{account}:user/alice")
        theirs.create_role(RoleName=f"look-{number}", AssumeRolePolicyDocument=trusted)


def test_what_concerns_one_account_leaves_the_others_alone(sandbox, client_of):
    """People, age, permissions, page sizes and root's MFA are of the account that is asked."""
    other = sandbox.account(DEV)
    other.populate(5, 1, root_mfa=True)
    other.set_authorize(True)
    other.set_page_size(2)
    made = client_of(sandbox).get_user()["User"]["CreateDate"]
    other.age(10)
    iam = client_of(other)
    assert client_of(sandbox).get_user()["User"]["CreateDate"] == made
    assert iam.get_user()["User"]["CreateDate"] < made - timedelta(days=9)
    assert iam.list_users()["IsTruncated"]
    assert iam.get_account_summary()["SummaryMap"]["AccountMFAEnabled"] == 1
    assert not sandbox.authorizes()
    assert client_of(sandbox).list_users()["Users"] == []
    assert f"AWS_ACCESS_KEY_ID={DEV}\n" in sandbox_env(other)


def test_a_reset_is_of_one_account_or_of_all(sandbox, client_of, refused):
    """An account beside the main one is reset alone; with the main one go all, and all faults."""
    other = sandbox.account(DEV)
    for one in (sandbox, other):
        client_of(one).create_user(UserName="alice")
        client_of(one).create_account_alias(AccountAlias=f"team-{one.account_id}")
        client_of(one, "s3").create_bucket(Bucket=f"team-{one.account_id}")
        client_of(one, "ec2").create_key_pair(KeyName="own")
        secret = client_of(one, "secretsmanager").create_secret(
            Name="own", SecretString="x", ClientRequestToken="1" * 32
        )
        assert secret["ARN"].split(":")[4] == one.account_id
    assert other.reset() == other
    assert client_of(other).list_users()["Users"] == []
    assert client_of(other, "ec2").describe_key_pairs()["KeyPairs"] == []
    assert client_of(other, "secretsmanager").list_secrets()["SecretList"] == []
    client_of(other, "s3").create_bucket(Bucket=f"team-{DEV}")
    assert [user["UserName"] for user in client_of(sandbox).list_users()["Users"]] == ["alice"]
    sandbox.set_faults([{"action": "*", "kind": "throttle"}])
    (sandbox.folder / "credentials").mkdir()
    new = sandbox.reset()
    assert (new.endpoint_url, new.pid, new.token) == (
        sandbox.endpoint_url,
        sandbox.pid,
        other.token,
    )
    assert new.instance != sandbox.instance
    assert not sandbox.folder.exists()
    assert list(new.folder.iterdir()) == []
    assert find_sandbox(new.folder.parent) == new
    assert new.calls() == []
    with refused("InvalidClientTokenId", 403):
        client_of(sandbox).list_users()
    with refused("SignatureDoesNotMatch", 403):
        client_of(other).list_users()
    for one in (new, new.account(DEV)):
        assert client_of(one).list_account_aliases()["AccountAliases"] == []
        assert client_of(one, "s3").list_buckets()["Buckets"] == []
        assert client_of(one, "ec2").describe_key_pairs()["KeyPairs"] == []


def test_a_reset_may_keep_the_key(started, state, client_of):
    """Clients go on, also after the process was killed."""
    iam = client_of(started)
    iam.create_user(UserName="alice")
    new = started.reset(same_key=True)
    assert (new.access_key_id, new.secret_access_key) == (
        started.access_key_id,
        started.secret_access_key,
    )
    assert new.instance != started.instance
    assert iam.list_users()["Users"] == []
    iam.create_user(UserName="bob")
    os.kill(new.pid, signal.SIGKILL)
    again = start_sandbox(state)
    assert (again.instance, again.access_key_id) == (new.instance, new.access_key_id)
    assert [user["UserName"] for user in client_of(again).list_users()["Users"]] == ["bob"]


def test_a_call_that_waited_for_a_reset_is_refused(sandbox, client_of, refused):
    """A call that was under way does not reach the account that began in the meantime."""
    sandbox.set_faults([{"action": "CreateUser", "kind": "slow", "seconds": 0.6}])
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(client_of(sandbox).create_user, UserName="late")
        time.sleep(0.3)
        new = sandbox.reset(same_key=True)
        with refused("InvalidClientTokenId", 403):
            call.result()
    assert client_of(new).list_users()["Users"] == []


def test_threads_in_several_accounts_and_a_kill(started, state, client_of):
    """Whatever was acknowledged in any account is there again, in that account alone."""

    def fill(account):
        iam = client_of(started.account(account))
        for number in range(10):
            iam.create_user(UserName=f"{account}-{number % 5}-{number}")
        return account

    with ThreadPoolExecutor(6) as pool:
        filled = list(pool.map(fill, [f"{number:012}" for number in range(6)]))
    os.kill(started.pid, signal.SIGKILL)
    again = start_sandbox(state)
    for account in filled:
        users = client_of(again.account(account)).list_users()["Users"]
        assert len(users) == 10
        assert {user["UserName"].partition("-")[0] for user in users} == {account}
        assert {user["Arn"].split(":")[4] for user in users} == {account}


def write(action, **parameters):
    return lambda world, account: world.query(
        "iam", action, caller=world.user("", account), **parameters
    )


ACTS = {
    "user": write("CreateUser", UserName="alice"),
    "no user": write("DeleteUser", UserName="alice"),
    "key": write("CreateAccessKey", UserName="alice"),
    "group": write("CreateGroup", GroupName="dev"),
    "alias": write("CreateAccountAlias", AccountAlias="one-team"),
    "role": write("CreateRole", RoleName="look", AssumeRolePolicyDocument=trust_of("*")),
    "grant": write(
        "AttachUserPolicy",
        UserName="alice",
        PolicyArn="arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess",
    ),
    "session": lambda world, account: world.query(
        "sts",
        "AssumeRole",
        caller=world.user("alice", account),
        RoleArn=f"arn:aws:iam::{DEV}:role/look",
        RoleSessionName="look",
    ),
    "own session": lambda world, account: world.query(
        "sts", "GetSessionToken", caller=world.user("alice", account)
    ),
    "guest": lambda world, account: world.query(
        "sts", "GetFederationToken", caller=world.user("alice", account), Name="guest"
    ),
    "use": lambda world, account: [
        world.life.use_key(key, "s3", "us-east-1")
        for key in list(world.life.at(account).iam.access_keys)
    ],
    "tag": write(
        "TagUser", UserName="alice", **{"Tags.member.1.Key": "a", "Tags.member.1.Value": "b"}
    ),
    "bucket": lambda world, account: world.s3("PUT", "/one-team", caller=world.user("", account)),
    "object": lambda world, account: world.s3(
        "PUT", "/one-team/key", b"content", caller=world.user("", account)
    ),
    "network": lambda world, account: world.query(
        "ec2", "CreateVpc", caller=world.user("", account), CidrBlock="10.1.0.0/16"
    ),
    "look": lambda world, account: world.query(
        "ec2", "DescribeVpcs", caller=world.user("", account)
    ),
    "people": lambda world, account: world.life.command(
        "add_people", {"users": 2, "seed": 1, "root_mfa": True}, world.life.at(account).id
    ),
    "reset": lambda world, account: world.life.reset(world.life.at(account).id),
    "restart": lambda world, account: world.restart(),
}


@settings(
    max_examples=scaled(6, 300),
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=scaled(True, False),
)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(sorted(ACTS)), st.sampled_from(ACCOUNTS)),
        min_size=5,
        max_size=scaled(25, 60),
    )
)
def test_any_acts_in_any_accounts_come_back(tmp_path_factory, steps):
    """Whatever is done in which account and order, resets among it: all is there again, apart."""
    world = World(tmp_path_factory.mktemp("accounts") / "state")
    for name, account in steps:
        ACTS[name](world, account)
    made = world.made()
    before = world.everything(made)
    world.restart()
    assert world.everything(made) == before


def test_a_reset_costs_little(tmp_path):
    """It makes nothing anew that is the same in every account; the journal begins anew as well."""
    world = World(tmp_path / "state")
    seconds = []
    for _ in range(5):
        world.query("iam", "CreateUser", UserName="alice")
        started = time.process_time()
        world.life.reset(MAIN)
        world.query("iam", "ListUsers")
        seconds.append(time.process_time() - started)
        assert len((tmp_path / "state" / "account.jsonl").read_text().splitlines()) == 2
    assert min(seconds) < 0.05
