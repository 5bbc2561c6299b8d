"""Random calls: whatever is asked, the sandbox itself does not fail, and its state stays whole.

The calls are drawn from botocore's model of IAM in this very process, so that thousands take
seconds. ``IAMKIT_FUZZ_SEED`` asks for others, and a proof for more of them.
"""

import json
import os
import random
import re
from urllib.parse import urlencode

import botocore.session
from samples import scaled

from iamkit.sandbox.server.http_message import Request

CALLS = scaled(3_000, 100_000)
SEED = int(os.environ.get("IAMKIT_FUZZ_SEED", "1"))
MODEL = botocore.session.get_session().get_service_model("iam")
ACTIONS = [name for name in MODEL.operation_names if "Organizations" not in name]
ALLOW = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}],
}
ODD = [
    "",
    " ",
    "\0",
    "é",
    "%00",
    "../..",
    "a" * 300,
    "<b>",
    "-1",
    "None",
    "\ud7ff",
    "=1+1,@x",
    "null",
]
LIKELY = {
    "Path": ["/", "/team/", "/a/b/"],
    "PathPrefix": ["/", "/team/"],
    "PolicyDocument": [json.dumps(ALLOW), json.dumps(TRUST), "{}", "[]", '{"Statement": []}'],
    "AssumeRolePolicyDocument": [json.dumps(TRUST)],
    "Password": ["Secret-Pass-1", "short", "Another-Pass-2"],
    "OldPassword": ["Secret-Pass-1"],
    "NewPassword": ["Another-Pass-2"],
    "VersionId": ["v1", "v2", "v3"],
    "MaxItems": ["1", "2", "1000"],
    "ServiceName": ["codecommit.amazonaws.com"],
    "AuthenticationCode1": ["123456"],
    "AuthenticationCode2": ["123456"],
    "Status": ["Active", "Inactive"],
}


class World:
    """The account under fire, and what is known of it to aim well."""

    def __init__(self, folder):
        from iamkit.sandbox.server.call import Call, Caller, read_parameters
        from iamkit.sandbox.server.errors import Refused
        from iamkit.sandbox.server.persistent_accounts import PersistentAccounts

        self.life = PersistentAccounts(folder, 0)
        self.call_type, self.caller_type, self.refused = Call, Caller, Refused
        self.read_parameters = read_parameters
        self.random = random.Random(SEED)
        self.names = ["alice", "bob", "carol", "Dev", "dev", "ops"]
        self.seen = {}

    def value(self, name, shape):
        """A value for a parameter: mostly likely ones, sometimes odd ones."""
        pick, options = self.random, self.names
        if pick.random() < 0.06:
            options = ODD
        elif name in LIKELY:
            options = LIKELY[name]
        elif shape.type_name == "boolean":
            options = ["true", "false"]
        elif shape.type_name in ("integer", "long"):
            options = ["0", "1", "6", "8", "24", "128", "3600", "100000"]
        elif shape.type_name == "string" and shape.enum and pick.random() < 0.9:
            options = shape.enum
        elif name in self.seen and pick.random() < 0.8:
            options = self.seen[name]
        return pick.choice(options)

    def flatten(self, shape, prefix=""):
        """Parameters in the query protocol, some of them left out."""
        pick, flat = self.random, {}
        for name, member in shape.members.items():
            if name not in shape.required_members and pick.random() < 0.6:
                continue
            if pick.random() < 0.02:
                continue
            key = prefix + name
            if member.type_name == "list":
                for number in range(1, pick.randint(1, 3) + 1):
                    item = f"{key}.member.{number}"
                    if member.member.type_name == "structure":
                        flat.update(self.flatten(member.member, item + "."))
                    else:
                        flat[item] = self.value(name, member.member)
            elif member.type_name in ("structure", "map"):
                flat[key] = pick.choice(ODD)
            else:
                flat[key] = self.value(name, member)
        return flat

    def fire(self):
        """One random call; its action, HTTP status and body."""
        action = self.random.choice(ACTIONS)
        shape = MODEL.operation_model(action).input_shape
        flat = self.flatten(shape) if shape else {}
        body = urlencode({"Action": action, "Version": "2010-05-08", **flat}, errors="replace")
        headers = {
            "content-type": "application/x-www-form-urlencoded; charset=utf-8",
            "host": "127.0.0.1:1",
        }
        request = Request("POST", "/", headers, body.encode())
        users = list(self.life.account.iam.users.values())
        caller = self.caller_type("arn:aws:iam::000000000000:root", "000000000000")
        if users and self.random.random() < 0.3:
            user = self.random.choice(users)
            caller = self.caller_type(user.arn, user.id, user.name)
        parameters = self.read_parameters(request, "iam")
        call = self.call_type(request, "iam", "us-east-1", action, parameters, caller)
        try:
            reply = self.life.act(call, self.random.choice([0, 0, 0, 2]))
        except self.refused as refused:
            return action, refused.status, refused.code
        self.learn(reply.body.decode())
        return action, reply.status, reply.body[:300]

    def learn(self, text):
        """Remember ids that replies name, to use them again."""
        for name in ("AccessKeyId", "SerialNumber", "Arn", "ServiceSpecificCredentialId"):
            found = re.findall(f"<{name}>([^<]+)</{name}>", text)[:3]
            wanted = {"Arn": ("PolicyArn", "PermissionsBoundary")}.get(name, (name,))
            for parameter in wanted:
                values = [v for v in found if name != "Arn" or ":policy/" in v]
                self.seen[parameter] = (self.seen.get(parameter, []) + values)[-20:]
                if not self.seen[parameter]:
                    del self.seen[parameter]


def check_consistency(account):
    """What must hold in any account, whatever was done to it."""
    iam = account.iam
    users = set(map(id, iam.users.values()))
    for name, user in iam.users.items():
        assert user.name == name
        assert len(user.access_keys) <= 2
        assert all(iam.access_keys[key.access_key_id] is key for key in user.access_keys)
        assert all(key.user_name == name for key in user.access_keys)
        assert len(account.groups_of(user)) <= 10
    for name, group in iam.groups.items():
        assert group.name == name
        assert {id(user) for user in group.users} <= users
    for kind in (iam.users, iam.groups):
        assert len({name.lower() for name in kind}) == len(kind)
    holders = [*iam.users.values(), *iam.groups.values(), *iam.roles.values()]
    for policy in account.local_policies:
        attached = sum(policy.arn in holder.managed_policies for holder in holders)
        assert policy.attachment_count == attached
        assert sum(version.is_default for version in policy.versions) == 1


def test_random_calls_never_fail_in_the_sandbox_itself(tmp_path):
    """Every random call gets AWS's answer or AWS's refusal, and the account stays whole."""
    tmp_path.chmod(0o700)
    world = World(tmp_path)
    taken = set()
    for number in range(CALLS):
        action, status, body = world.fire()
        assert status < 500 or status == 501, (number, action, body)
        if status == 200:
            taken.add(action)
        if number % 500 == 0:
            check_consistency(world.life.account)
    check_consistency(world.life.account)
    assert len(taken) > 60, sorted(taken)
