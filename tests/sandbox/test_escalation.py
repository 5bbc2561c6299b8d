"""Each path within IAM and STS is walked in the authorizing sandbox: what is open works.

Its twin, with one more deny, is refused there. A console password opens no API, so that a path
over one is walked up to the password, and a path over a SAML provider up to its new certificates.
Its other closed twins are walked by the calls of the open path. Paths through a service are put to
the simulator.
"""

import json
import time
from contextlib import contextmanager
from dataclasses import replace

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from escalation_cases import (
    ARN,
    CASES,
    World,
    arn,
    document as text,
    name_of,
    service_case,
    twins,
    who,
)
from sandbox_answers import saml_metadata

from iamkit.account.state import User
from iamkit.policies.escalation.account_policies import EVERYTHING
from iamkit.policies.escalation.catalogue import load_paths
from iamkit.policies.escalation.search import Escalation
from iamkit.sandbox.server.one_time_passwords import totp

SESSION = boto3.Session()
"""It reads botocore's models once."""
WITHOUT_A_KEY = "iam-update-saml-provider iam-create-user-password".split()
"""Paths at whose end nobody has a key with which an API could be called."""
REFUSALS = "AccessDenied NoSuchEntity EntityAlreadyExists LimitExceeded".split()
"""How a call ends whose target is not as the path needs it."""
PASSWORD = "Long-enough-4-everybody!"


class Walker:
    """Somebody on the way, with the credentials, seeds and names that one has in hand."""

    def __init__(self, endpoint, key, user):
        self.endpoint, self.user, self.key = endpoint, user, key
        self.found, self.clients = {}, {}

    def client(self, service="iam"):
        have = self.clients.setdefault(self.key["AccessKeyId"], {})
        if service not in have:
            have[service] = SESSION.client(
                service,
                endpoint_url=self.endpoint,
                region_name="us-east-1",
                aws_access_key_id=self.key["AccessKeyId"],
                aws_secret_access_key=self.key["SecretAccessKey"],
                aws_session_token=self.key.get("SessionToken"),
                config=Config(proxies={}, retries={"total_max_attempts": 1}),
            )
        return have[service]

    def trusting_me(self):
        """A trust policy that lets in who walks, in whichever way IAM can name one."""
        arn = self.client("sts").get_caller_identity()["Arn"]
        own = {"Effect": "Allow", "Principal": {"AWS": arn}, "Action": "sts:AssumeRole"}
        return json.dumps({"Version": "2012-10-17", "Statement": [own]})

    def assume(self, role):
        self.key = self.client("sts").assume_role(RoleArn=role, RoleSessionName="walk")[
            "Credentials"
        ]

    def enable(self, user):
        device = self.found["device"]
        seed, serial = device["Base32StringSeed"].decode(), device["SerialNumber"]
        codes = [totp(seed, int(time.time()) // 30 + later) for later in (-1, 0)]
        self.client().enable_mfa_device(
            UserName=user,
            SerialNumber=serial,
            AuthenticationCode1=codes[0],
            AuthenticationCode2=codes[1],
        )

    def session(self):
        device = self.found["device"]
        code = totp(device["Base32StringSeed"].decode(), int(time.time()) // 30 + 1)
        got = self.client("sts").get_session_token(
            SerialNumber=device["SerialNumber"], TokenCode=code
        )
        self.key = got["Credentials"]


def last(arn):
    return arn.rpartition("/")[2]


def policy_of(way):
    """The managed policy that a way is about, by its target."""
    name = way.target.partition(" ")[0]
    return f"arn:aws:iam::aws:policy/{name}" if name == "AdministratorAccess" else policy_arn(name)


def policy_arn(name):
    return f"{ARN}:policy/{name}"


ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"
ALL = json.dumps(EVERYTHING)


def create_key(w, user):
    w.key = w.client().create_access_key(UserName=user)["AccessKey"]


def create_device(w, name):
    w.found["device"] = w.client().create_virtual_mfa_device(VirtualMFADeviceName=name)[
        "VirtualMFADevice"
    ]


def put(holder):
    def call(w, name, _):
        getattr(w.client(), f"put_{holder}_policy")(
            **{f"{holder.capitalize()}Name": name},
            PolicyName="everything",
            PolicyDocument=ALL,
        )

    return call


def attach(holder):
    def call(w, name, way):
        own = way.path.gives.startswith("self")
        getattr(w.client(), f"attach_{holder}_policy")(
            **{f"{holder.capitalize()}Name": name}, PolicyArn=policy_of(way) if own else ADMIN
        )

    return call


def detach(holder):
    def call(w, name, _):
        getattr(w.client(), f"detach_{holder}_policy")(
            **{f"{holder.capitalize()}Name": name}, PolicyArn=policy_arn("held")
        )

    return call


def delete(holder):
    def call(w, name, _):
        getattr(w.client(), f"delete_{holder}_policy")(
            **{f"{holder.capitalize()}Name": name}, PolicyName="own"
        )

    return call


def bound(holder, verb):
    def call(w, name, _):
        more = {"PermissionsBoundary": ADMIN} if verb == "put" else {}
        getattr(w.client(), f"{verb}_{holder}_permissions_boundary")(
            **{f"{holder.capitalize()}Name": name}, **more
        )

    return call


def older_version(w, arn):
    w.client().set_default_policy_version(PolicyArn=arn, VersionId="v2")


def rewrite(w, arn):
    w.client().create_policy_version(PolicyArn=arn, PolicyDocument=ALL, SetAsDefault=True)


def login(verb):
    def call(w, name, _):
        getattr(w.client(), f"{verb}_login_profile")(UserName=name, Password=PASSWORD)
        w.found["password of"] = name

    return call


def drop_key(w, name):
    key = w.found["keys"][name][0]
    w.client().delete_access_key(UserName=name, AccessKeyId=key)


def tag(w, name, way):
    pairs = dict(part.split("=") for part in way.target.split(", "))
    w.client().tag_user(UserName=name, Tags=[{"Key": k, "Value": v} for k, v in pairs.items()])


CALLS = {
    "iam:PutUserPolicy": put("user"),
    "iam:PutGroupPolicy": put("group"),
    "iam:PutRolePolicy": put("role"),
    "iam:AttachUserPolicy": attach("user"),
    "iam:AttachGroupPolicy": attach("group"),
    "iam:AttachRolePolicy": attach("role"),
    "iam:DetachUserPolicy": detach("user"),
    "iam:DetachGroupPolicy": detach("group"),
    "iam:DetachRolePolicy": detach("role"),
    "iam:DeleteUserPolicy": delete("user"),
    "iam:DeleteGroupPolicy": delete("group"),
    "iam:DeleteRolePolicy": delete("role"),
    "iam:DeleteUserPermissionsBoundary": bound("user", "delete"),
    "iam:DeleteRolePermissionsBoundary": bound("role", "delete"),
    "iam:PutUserPermissionsBoundary": bound("user", "put"),
    "iam:PutRolePermissionsBoundary": bound("role", "put"),
    "iam:AddUserToGroup": lambda w, name, way: w.client().add_user_to_group(
        GroupName=name, UserName=w.found.get("new user", w.user)
    ),
    "iam:RemoveUserFromGroup": lambda w, name, _: w.client().remove_user_from_group(
        GroupName=name, UserName=w.user
    ),
    "iam:CreateLoginProfile": login("create"),
    "iam:UpdateLoginProfile": login("update"),
    "iam:TagUser": tag,
    "iam:CreateAccessKey": lambda w, name, _: create_key(w, name),
    "iam:DeleteAccessKey": lambda w, name, _: drop_key(w, name),
    "iam:DeactivateMFADevice": lambda w, name, _: w.client().deactivate_mfa_device(
        UserName=name, SerialNumber=f"{ARN}:mfa/{name}"
    ),
    "iam:CreateVirtualMFADevice": lambda w, name, _: create_device(w, name),
    "iam:EnableMFADevice": lambda w, name, _: w.enable(name),
    "iam:CreateUser": lambda w, name, _: w.found.update(
        {"new user": w.client().create_user(UserName=name)["User"]["UserName"]}
    ),
    "iam:CreateRole": lambda w, name, _: w.client().create_role(
        RoleName=name, AssumeRolePolicyDocument=w.trusting_me()
    ),
    "iam:UpdateAssumeRolePolicy": lambda w, name, _: w.client().update_assume_role_policy(
        RoleName=name, PolicyDocument=w.trusting_me()
    ),
}
BY_ARN = {
    "iam:CreatePolicyVersion": rewrite,
    "iam:SetDefaultPolicyVersion": older_version,
    "sts:AssumeRole": lambda w, arn: w.assume(arn),
    "sts:GetSessionToken": lambda w, _: w.session(),
    "iam:UpdateSAMLProvider": lambda w, arn: w.client().update_saml_provider(
        SAMLProviderArn=arn, SAMLMetadataDocument=saml_metadata()
    ),
}


def walk(walker, way):
    """Make the calls of a way, and of how one goes on as oneself."""
    for step in way.steps:
        if step.action in BY_ARN:
            BY_ARN[step.action](walker, step.resource)
        else:
            CALLS[step.action](walker, last(step.resource), way)
    if way.then:
        walk(walker, way.then)


def populate(root, world):
    """Make the account of a case; returns everybody's access keys."""
    iam, state = root.client(), world.state
    for made, held in state.policies.items():
        iam.create_policy(PolicyName=held.name, PolicyDocument=json.dumps(held.document))
        for older in held.other_versions:
            iam.create_policy_version(PolicyArn=made, PolicyDocument=json.dumps(older.document))
    for name, group in state.groups.items():
        iam.create_group(GroupName=name)
        hold(iam, "group", name, group)
    for name, user in state.users.items():
        iam.create_user(UserName=name)
        hold(iam, "user", name, user)
        for group in user.groups:
            iam.add_user_to_group(GroupName=group, UserName=name)
    for provider in ("corp", "other"):
        if "saml-provider" in str(world.case):
            iam.create_saml_provider(Name=provider, SAMLMetadataDocument=saml_metadata())
    for name in sorted(state.roles, key=lambda n: n == "ops"):
        role = state.roles[name]
        trusted = json.dumps(role.trust_policy)
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=trusted)
        hold(iam, "role", name, role)
    return set_ada(root, world)


def set_ada(root, world):
    """Ada's credentials as the case has them; returns everybody's access keys."""
    iam, ada = root.client(), world.ada
    if ada["password"]:
        iam.create_login_profile(UserName="ada", Password=PASSWORD)
    if ada["mfa"]:
        create_device(root, "ada")
        root.enable("ada")
    keys = {name: [iam.create_access_key(UserName=name)["AccessKey"]] for name in world.state.users}
    if ada["keys"] > 1:
        keys["ada"].append(iam.create_access_key(UserName="ada")["AccessKey"])
    return keys


def hold(iam, kind, name, holder):
    named = {f"{kind.capitalize()}Name": name}
    for policy, written in holder.inline_policies.items():
        getattr(iam, f"put_{kind}_policy")(
            **named, PolicyName=policy, PolicyDocument=json.dumps(written)
        )
    for attached in holder.attached_policies:
        getattr(iam, f"attach_{kind}_policy")(**named, PolicyArn=attached)
    limit = getattr(holder, "permissions_boundary", None)
    if limit:
        getattr(iam, f"put_{kind}_permissions_boundary")(**named, PermissionsBoundary=limit)


@contextmanager
def refusals():
    """Within it a call may be refused, or its target be not as the path needs it."""
    try:
        yield
    except ClientError as error:
        if error.response["Error"]["Code"] not in REFUSALS:
            raise


def root_of(sandbox):
    """The root, who makes the account of a case."""
    key = {"AccessKeyId": sandbox.access_key_id, "SecretAccessKey": sandbox.secret_access_key}
    return Walker(sandbox.endpoint_url, key, "root")


def is_refused(call):
    """Whether the authorizer refuses a call, and nothing else does."""
    with pytest.raises(ClientError) as error:
        call()
    return error.value.response["Error"]["Code"] == "AccessDenied"


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_an_open_path_is_walked_and_its_closed_twin_is_refused(sandbox, case):
    """With a deny a call of the path is refused; without, all are accepted, and one administers."""
    world = World(case)
    escalation = Escalation(world.state)
    root = root_of(sandbox)
    keys = populate(root, world)
    sandbox.set_authorize(True)
    way, walker = start(root, escalation, case, keys)
    forbid(root, case, way.steps[0].action)
    assert is_refused(lambda: walk(walker, way))
    allow_again(root, case)
    assert is_refused(lambda: walker.client().create_group(GroupName="before"))
    walk(walker, way)
    while way.becomes and escalation.reaches[way.becomes].distance:
        way = next(iter(escalation.reaches[way.becomes].ways.values()))[0]
        walker.user = walker.client("sts").get_caller_identity()["Arn"].rpartition("/")[2]
        walk(walker, way)
    if "password of" in walker.found and way.becomes:
        walker.key = keys_of(root, walker, "ada")
    if way.path.id in WITHOUT_A_KEY:
        return
    assert walker.client().create_group(GroupName="proof")


@pytest.mark.parametrize(
    ("case", "twin"),
    [(case, twin) for case in CASES for twin in twins(case)],
    ids=name_of,
)
def test_a_closed_twin_makes_no_administrator(sandbox, case, twin):
    """The calls of the open path are refused in the twin's account, or lead to nobody stronger."""
    root = root_of(sandbox)
    keys = populate(root, World(twin))
    sandbox.set_authorize(True)
    open_in = Escalation(World(case).state)
    with refusals():
        way, walker = start(root, open_in, twin | {"path": case["path"]}, keys)
        walk(walker, way)
        if "password of" in walker.found:
            assert World(twin).state.mfa_devices["ada"], "the password alone opens the console"
        elif case["path"] not in WITHOUT_A_KEY:
            walker.client().create_group(GroupName="proof")
            pytest.fail("one administers")


def test_each_call_of_a_path_through_a_service_is_authorized(sandbox):
    """The sandbox has not the services; its simulator allows each call, and a deny refuses it."""
    iam = root_of(sandbox).client()
    cases = [service_case(path) for path in load_paths() if path.service]
    services = sorted({one["roles"]["ops"]["trust"] for one in cases})
    roles = {f"ops{n}": {"trust": s, "has": ["allow *"]} for n, s in enumerate(services)}
    state = World({"roles": roles}).state
    for name, role in state.roles.items():
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(role.trust_policy))
    for case in cases:
        name = case["path"]
        user = User(name=name, arn=arn(f"user/{name}"), inline_policies={"own": text(case["bob"])})
        state = replace(state, users=state.users | {name: user})
        iam.create_user(UserName=name)
        hold(iam, "user", name, user)
    reaches = Escalation(state).reaches
    for case in cases:
        way = reaches[f"user {case['path']}"].ways[case["path"]][0]
        for step in way.steps:
            asked = {
                "PolicySourceArn": arn(f"user/{case['path']}"),
                "ActionNames": [step.action],
                "ResourceArns": [step.resource],
                "ContextEntries": [passed_to(way.path.service)],
            }
            assert answer(iam.simulate_principal_policy(**asked)) == "allowed", step
            denied = json.dumps(text([f"deny {step.action}"]))
            found = iam.simulate_principal_policy(**asked, PolicyInputList=[denied])
            assert answer(found) == "explicitDeny", step


def passed_to(service):
    """The context of a call that passes a role."""
    return {
        "ContextKeyName": "iam:PassedToService",
        "ContextKeyValues": [service],
        "ContextKeyType": "string",
    }


def answer(reply):
    """What the simulator says of its one question."""
    (found,) = reply["EvaluationResults"]
    return found["EvalDecision"]


def start(root, escalation, case, keys):
    """The way that is to be walked, and who walks it."""
    kind = "role" if "role" in case else "user"
    way = escalation.reaches[f"{kind} {who(case)}"].ways[case["path"]][0]
    user = "eve" if "user/eve" in json.dumps(case.get("roles", {})) and kind == "role" else "bob"
    walker = Walker(root.endpoint, keys[user][0], user)
    walker.found["keys"] = {name: [k["AccessKeyId"] for k in some] for name, some in keys.items()}
    if kind == "role":
        walker.assume(f"{ARN}:role/{who(case)}")
    return way, walker


def forbid(root, case, action):
    """Deny whom a case asks for one action, by a policy of its own."""
    deny = {"Effect": "Deny", "Action": action, "Resource": "*"}
    text = json.dumps({"Version": "2012-10-17", "Statement": [deny]})
    kind = "role" if "role" in case else "user"
    named = {f"{kind.capitalize()}Name": who(case), "PolicyName": "forbidden"}
    getattr(root.client(), f"put_{kind}_policy")(**named, PolicyDocument=text)


def allow_again(root, case):
    """Take that policy away."""
    kind = "role" if "role" in case else "user"
    named = {f"{kind.capitalize()}Name": who(case), "PolicyName": "forbidden"}
    getattr(root.client(), f"delete_{kind}_policy")(**named)


def keys_of(root, walker, user):
    """A key by which one is somebody whose console password is known."""
    made = root.client().list_access_keys(UserName=user)["AccessKeyMetadata"]
    root.client().delete_access_key(UserName=user, AccessKeyId=made[0]["AccessKeyId"])
    return root.client().create_access_key(UserName=user)["AccessKey"]
