"""What the evaluation says of an account's state is what the authorizing sandbox does.

Random policies of users, groups and roles, boundaries, session policies and trust policies; the
state is read as any command reads it, and each call is made for real.
"""

import json
import random

import boto3
import pytest
from botocore.config import Config
from samples import scaled

from iamkit.aws.read import read_permissions
from iamkit.policies.evaluation.access import Access
from iamkit.policies.evaluation.engine import ABSENT, Layers

ACCOUNT = "000000000000"
ARN = f"arn:aws:iam::{ACCOUNT}:"
ROUNDS = scaled(5, 400)
CONTEXT = {
    "aws:MultiFactorAuthPresent": None,
    "aws:SourceIp": "127.0.0.1",
    "aws:RequestedRegion": "us-east-1",
}
"""What is known of a call with a long-term key."""
OF_A_SESSION = CONTEXT | {"aws:MultiFactorAuthPresent": "false"}
ACTIONS = ["*", "iam:*", "iam:Get*", "iam:GetUser", "iam:List*", "sts:*", "sts:AssumeRole", "s3:*"]
RESOURCES = [
    "*",
    "*",
    f"{ARN}user/*",
    f"{ARN}user/${{aws:username}}",
    f"{ARN}user/${{aws:PrincipalTag/friend}}",
    f"{ARN}role/app",
    f"{ARN}role/*",
    "arn:aws:s3:::*",
]
TESTS = [
    {},
    {},
    {},
    {"Bool": {"aws:MultiFactorAuthPresent": "true"}},
    {"BoolIfExists": {"aws:MultiFactorAuthPresent": "true"}},
    {"StringEquals": {"aws:PrincipalTag/friend": "bob"}},
    {"StringNotEquals": {"aws:PrincipalTag/friend": "bob"}},
    {"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}},
    {"StringLike": {"aws:userid": "*:shift"}},
    {"StringEquals": {"aws:username": "alice"}},
]
CALLS = [
    ("iam", "get_user", {"UserName": "bob"}, "iam:GetUser", f"{ARN}user/bob"),
    ("iam", "get_user", {"UserName": "alice"}, "iam:GetUser", f"{ARN}user/alice"),
    ("iam", "get_role", {"RoleName": "app"}, "iam:GetRole", f"{ARN}role/app"),
    ("iam", "get_account_summary", {}, "iam:GetAccountSummary", "*"),
    ("iam", "list_account_aliases", {}, "iam:ListAccountAliases", "*"),
    ("iam", "list_groups_for_user", {"UserName": "bob"}, "iam:ListGroupsForUser", f"{ARN}user/bob"),
    ("s3", "list_buckets", {}, "s3:ListAllMyBuckets", "*"),
    ("sts", "get_caller_identity", {}, "sts:GetCallerIdentity", "*"),
]
ASSUME = {"RoleArn": f"{ARN}role/app", "RoleSessionName": "shift"}
EXPECTED = {"allowed": {True}, "refused": {False}, "depends": {True, False}}


def document(*statements):
    return {"Version": "2012-10-17", "Statement": list(statements)}


def random_statement(chance, **more):
    found = {
        "Effect": chance.choice(["Allow", "Allow", "Allow", "Deny"]),
        chance.choice(["Action"] * 5 + ["NotAction"]): chance.choice(ACTIONS),
        chance.choice(["Resource"] * 5 + ["NotResource"]): chance.choice(RESOURCES),
        **more,
    }
    test = chance.choice(TESTS)
    return {**found, "Condition": test} if test else found


def random_policy(chance, most=3):
    return document(*(random_statement(chance) for _ in range(chance.randint(1, most))))


def random_trust(chance):
    """Bob may always try; whom else a statement names, or all but whom, is drawn."""
    names = [f"{ARN}root", f"{ARN}user/alice", f"{ARN}user/bob", "*"]
    drawn = {
        "Effect": chance.choice(["Allow", "Allow", "Deny"]),
        chance.choice(["Principal", "Principal", "NotPrincipal"]): {
            "AWS": chance.sample(names, chance.randint(1, 2))
        },
        "Action": chance.choice(["sts:AssumeRole", "sts:*"]),
    }
    if test := chance.choice(TESTS[:5]):
        drawn["Condition"] = test
    bob = {"AWS": f"{ARN}user/bob"}
    return document(drawn, {"Effect": "Allow", "Principal": bob, "Action": "sts:AssumeRole"})


class World:
    """Alice in a group, Bob who may assume, a role, and a boundary for whoever gets one."""

    def __init__(self, iam, sandbox):
        self.iam, self.endpoint = iam, sandbox.endpoint_url
        iam.create_user(UserName="alice", Tags=[{"Key": "friend", "Value": "bob"}])
        iam.create_user(UserName="bob")
        iam.create_group(GroupName="team")
        iam.add_user_to_group(GroupName="team", UserName="alice")
        trust = json.dumps(random_trust(random.Random(0)))
        iam.create_role(RoleName="app", AssumeRolePolicyDocument=trust)
        self.keys = {
            name: iam.create_access_key(UserName=name)["AccessKey"] for name in ("alice", "bob")
        }
        self.boundary = f"{ARN}policy/bound"

    def draw(self, chance):
        """Give everyone other policies."""
        iam, text = self.iam, json.dumps
        iam.put_user_policy(
            UserName="alice", PolicyName="own", PolicyDocument=text(random_policy(chance))
        )
        iam.put_group_policy(
            GroupName="team", PolicyName="team", PolicyDocument=text(random_policy(chance))
        )
        assume = {"Effect": "Allow", "Action": "sts:*", "Resource": "*"}
        iam.put_user_policy(
            UserName="bob",
            PolicyName="own",
            PolicyDocument=text(document(assume, random_statement(chance))),
        )
        iam.put_role_policy(
            RoleName="app", PolicyName="own", PolicyDocument=text(random_policy(chance))
        )
        iam.update_assume_role_policy(RoleName="app", PolicyDocument=text(random_trust(chance)))
        self._bound(chance)

    def _bound(self, chance):
        iam = self.iam
        for kind, name in (("user", "alice"), ("role", "app")):
            who = {f"{kind.title()}Name": name}
            found = getattr(iam, f"get_{kind}")(**who)[kind.title()]
            if "PermissionsBoundary" in found:
                getattr(iam, f"delete_{kind}_permissions_boundary")(**who)
        if any(p["Arn"] == self.boundary for p in iam.list_policies(Scope="Local")["Policies"]):
            iam.delete_policy(PolicyArn=self.boundary)
        everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        bound = document(everything, random_statement(chance))
        iam.create_policy(PolicyName="bound", PolicyDocument=json.dumps(bound))
        for kind, name in (("user", "alice"), ("role", "app")):
            if chance.random() < 0.5:
                who = {f"{kind.title()}Name": name}
                put = getattr(iam, f"put_{kind}_permissions_boundary")
                put(**who, PermissionsBoundary=self.boundary)

    def may(self, credentials, service, call, arguments):
        """Whether a call passes; its answer, if it does."""
        client = boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=credentials["AccessKeyId"],
            aws_secret_access_key=credentials["SecretAccessKey"],
            aws_session_token=credentials.get("SessionToken"),
            config=Config(proxies={}, retries={"total_max_attempts": 1}),
        )
        try:
            return True, getattr(client, call)(**arguments)
        except client.exceptions.ClientError as error:
            if error.response["Error"]["Code"] != "AccessDenied":
                raise
            return False, None


def said(access, name, action, resource, layers=None, context=CONTEXT):
    """What the evaluation says of one principal: allowed, refused, depends."""
    found = access.who_can(action, resource, context, layers)
    answers = found.loc[found["principal"] == name, "answer"]
    return answers.iloc[0] if len(answers) else "refused"


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_the_evaluation_and_the_sandbox_agree(seed, sandbox, iam, session):
    """What is allowed passes, what is refused does not; what depends may do either."""
    sandbox.set_authorize(True)
    world, chance = World(iam, sandbox), random.Random(seed)
    certain = 0
    for _ in range(3):
        world.draw(chance)
        access = Access(read_permissions(session))
        for service, call, arguments, action, resource in CALLS:
            answer = said(access, "alice", action, resource)
            passed, _ = world.may(world.keys["alice"], service, call, arguments)
            assert passed in EXPECTED[answer], (action, resource, answer)
            certain += answer != "depends"
        for name in ("alice", "bob"):
            answer = said(access, name, "sts:AssumeRole", f"{ARN}role/app")
            passed, _ = world.may(world.keys[name], "sts", "assume_role", ASSUME)
            assert passed in EXPECTED[answer], ("sts:AssumeRole", name, answer)
            certain += answer != "depends"
        certain += sessions_agree(world, access, chance)
    assert certain > 15, "most answers are certain"


def sessions_agree(world, access, chance):
    """The same for a session of the role, with or without a policy of its own."""
    passed_on = random_policy(chance, 2) if chance.random() < 0.5 else None
    more = {"Policy": json.dumps(passed_on)} if passed_on else {}
    passed, reply = world.may(world.keys["bob"], "sts", "assume_role", ASSUME | more)
    if not passed:
        return 0
    certain = 0
    layers = Layers(
        service_control=(),
        resource_control=(),
        session={"passed": passed_on} if passed_on else {},
        vpc_endpoint=ABSENT,
    )
    for service, call, arguments, action, resource in CALLS:
        answer = said(access, "app", action, resource, layers, OF_A_SESSION)
        passed, _ = world.may(reply["Credentials"], service, call, arguments)
        assert passed in EXPECTED[answer], (action, resource, answer, passed_on)
        certain += answer != "depends"
    return certain
