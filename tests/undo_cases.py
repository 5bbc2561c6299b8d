"""For every call that a plan may make, a plan that makes it, in an account that has all it needs.

To add a kind of call: add a line to ``CASES`` under the name of its boto3 method, and to ``fill``
what its plan needs to find. If its way back leaves something that its ``limit`` tells of, say in
``LEFT`` which facts that are. Nothing else is to be written: ``test_ways_back.py`` goes through
``OPERATIONS``.
"""

import json
import time
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from iamkit.account.gaps import DETAILS
from iamkit.aws.read import read_account, read_more
from iamkit.aws.sources import OF_USERS
from iamkit.aws.undo import read_for_undo
from iamkit.plan.desired import (
    OF_LEAVERS,
    Absent,
    Desired,
    DesiredGroup,
    DesiredPolicy,
    DesiredRole,
    DesiredUser,
)
from iamkit.plan.undo import UndoJudge
from iamkit.policies import allow, policy
from iamkit.sandbox.server.one_time_passwords import STEP, totp

LOOK = policy(allow("ec2:Describe*"))
ALL = policy(allow("*"))
TRUST = policy(allow("sts:AssumeRole"))
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
SUPPORT = "arn:aws:iam::aws:policy/AWSSupportAccess"
OWN = "arn:aws:iam::000000000000:policy/unused"


def _user(name="ann", **facts):
    return Desired(users=(DesiredUser(name=name, make=False, **facts),))


def _group(name="dev", **facts):
    return Desired(groups=(DesiredGroup(name=name, make=False, **facts),))


def _role(**facts):
    return Desired(roles=(DesiredRole(name="help", **facts),))


def _key_off(state):
    [key] = state.access_keys["ann"]
    return _user(key_status={key.id: "Inactive"})


def _device_gone(state):
    [device] = state.mfa_devices["cyd"]
    return _user("cyd", absent=Absent(mfa_devices=(device.serial,)))


def _sessions_end(state):
    [session] = state.sign_in_sessions["ann"]
    return _user(absent=Absent(sign_in_sessions=(session.arn,)))


GONE = Desired(absent_users=("cyd",))

CASES = {
    "create_user": Desired(users=(DesiredUser(name="fay", path="/new/", tags={"a": "1"}),)),
    "delete_user": GONE,
    "update_user": _user(path="/people/"),
    "tag_user": _user(tags={"team": "new", "more": "1"}),
    "untag_user": _user(absent=Absent(tags=("note",))),
    "create_group": Desired(groups=(DesiredGroup(name="new", path="/team/"),)),
    "delete_group": Desired(absent_groups=("ops",)),
    "add_user_to_group": _user(groups=("ops",)),
    "remove_user_from_group": _user(absent=Absent(groups=("dev",))),
    "put_user_policy": _user("cyd", inline_policies={"mine": ALL, "new": LOOK}),
    "put_group_policy": _group(inline_policies={"look": ALL, "new": LOOK}),
    "delete_user_policy": _user("cyd", absent=Absent(inline_policies=("mine",))),
    "delete_group_policy": _group(absent=Absent(inline_policies=("look",))),
    "attach_user_policy": _user(attached_policies=(READ_ONLY,)),
    "attach_group_policy": _group(attached_policies=(SUPPORT,)),
    "detach_user_policy": _user("cyd", absent=Absent(attached_policies=(SUPPORT,))),
    "detach_group_policy": _group(absent=Absent(attached_policies=(READ_ONLY,))),
    "put_role_policy": _role(inline_policies={"look": ALL}),
    "delete_role_policy": _role(absent=Absent(inline_policies=("look",))),
    "attach_role_policy": _role(attached_policies=(SUPPORT,)),
    "detach_role_policy": _role(absent=Absent(attached_policies=(READ_ONLY,))),
    "create_policy": Desired(
        policies=(DesiredPolicy(name="new", document=LOOK, path="/team/", description="looks"),)
    ),
    "delete_policy": Desired(absent_policies=("unused",)),
    "delete_policy_version": Desired(absent_policies=("unused",)),
    "put_user_permissions_boundary": _user(permissions_boundary=SUPPORT),
    "delete_user_permissions_boundary": _user(absent=Absent(permissions_boundary=True)),
    "create_access_key": _user("bob", access_key=True),
    "update_access_key": _key_off,
    "delete_access_key": Desired(absent_users=("ann",)),
    "create_login_profile": _user("bob", console_password=True),
    "delete_login_profile": _user(absent=Absent(password=True)),
    "deactivate_mfa_device": _device_gone,
    "delete_virtual_mfa_device": _device_gone,
    "delete_ssh_public_key": GONE,
    "delete_signing_certificate": GONE,
    "delete_service_specific_credential": GONE,
    "batch_revoke_sessions": _sessions_end,
    "create_account_alias": Desired(alias="after"),
    "delete_account_alias": Desired(absent_alias="before"),
    "update_account_password_policy": Desired(password_policy={"minimum_length": 20}),
    "delete_account_password_policy": Desired(absent_password_policy=True),
}
"""By boto3 method, what is wanted, or a function of the account that ``fill`` has filled."""
LEFT = {
    "delete_user": ("id",),
    "delete_group": ("id",),
    "delete_policy": ("id", "tags", "version"),
    "create_access_key": (),  # it is off, and ``differences`` looks at that
    "create_account_alias": (),  # no other account took it
    "delete_account_alias": (),
}
"""By boto3 method with a way back and a ``limit``, the facts that may be otherwise afterwards."""


def fill(session, sandbox):
    """Something of each kind in an empty account; zoe administers it, and stays."""
    iam = session.iam
    for name in ("dev", "ops"):
        iam.create_group(GroupName=name)
        iam.put_group_policy(GroupName=name, PolicyName="look", PolicyDocument=json.dumps(LOOK))
    iam.attach_group_policy(GroupName="dev", PolicyArn=READ_ONLY)
    tags = [{"Key": "team", "Value": "old"}, {"Key": "note", "Value": "x"}]
    iam.create_user(UserName="ann", Tags=tags, PermissionsBoundary=READ_ONLY)
    iam.create_access_key(UserName="ann")
    iam.create_login_profile(UserName="ann", Password="Not-a-Secret-1")
    for name, group in (("ann", "dev"), ("bob", "ops"), ("cyd", "dev")):
        if name != "ann":
            iam.create_user(UserName=name)
        iam.add_user_to_group(UserName=name, GroupName=group)
    iam.put_user_policy(UserName="cyd", PolicyName="mine", PolicyDocument=json.dumps(LOOK))
    iam.attach_user_policy(UserName="cyd", PolicyArn=SUPPORT)
    _give_credentials(iam, "cyd")
    iam.create_user(UserName="zoe")
    iam.attach_user_policy(UserName="zoe", PolicyArn=ADMINISTRATOR)
    iam.create_access_key(UserName="zoe")
    trusting = json.loads(json.dumps(TRUST))
    for statement in trusting["Statement"]:
        statement.pop("Resource")
        statement["Principal"] = {"Service": "ec2.amazonaws.com"}
    iam.create_role(RoleName="help", AssumeRolePolicyDocument=json.dumps(trusting))
    iam.put_role_policy(RoleName="help", PolicyName="look", PolicyDocument=json.dumps(LOOK))
    iam.attach_role_policy(RoleName="help", PolicyArn=READ_ONLY)
    made = iam.create_policy(PolicyName="unused", PolicyDocument=json.dumps(LOOK))
    iam.create_policy_version(
        PolicyArn=made["Policy"]["Arn"], PolicyDocument=json.dumps(ALL), SetAsDefault=True
    )
    sandbox.sign_in("ann")
    iam.create_account_alias(AccountAlias="before")
    iam.update_account_password_policy(MinimumPasswordLength=10, MaxPasswordAge=90)


def _give_credentials(iam, user):
    """What a user must have given back before they are deleted."""
    device = iam.create_virtual_mfa_device(VirtualMFADeviceName=user)["VirtualMFADevice"]
    seed, step = device["Base32StringSeed"].decode(), int(time.time()) // STEP
    iam.enable_mfa_device(
        UserName=user,
        SerialNumber=device["SerialNumber"],
        AuthenticationCode1=totp(seed, step - 1),
        AuthenticationCode2=totp(seed, step),
    )
    body = KEY.public_key().public_bytes(
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    )
    iam.upload_ssh_public_key(UserName=user, SSHPublicKeyBody=body.decode())
    iam.upload_signing_certificate(UserName=user, CertificateBody=_certificate())
    iam.create_service_specific_credential(UserName=user, ServiceName="codecommit.amazonaws.com")


KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _certificate():
    name, now = x509.Name([]), datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, KEY.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .sign(KEY, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM).decode()


def read_all(session):
    """The account with everything that a plan can change."""
    bulk = (DETAILS, "ListAccountAliases", "GetAccountPasswordPolicy", "ListSessions")
    state = read_account(session, operations=bulk)
    return read_more(session, state, dict.fromkeys(OF_LEAVERS, state.users))


def facts_of(state):
    """Every part of an account that a plan can change, by what it is of and what it is."""
    facts = {("account", "alias"): state.alias, ("account", "rules"): state.password_policy}
    for target, one in state.holders():
        parts = {"id": one.id, "path": one.path, "inline policy": dict(one.inline_policies)}
        parts |= {"attached policy": one.attached_policies, "bound": one.permissions_boundary}
        parts |= {"tags": dict(one.tags)} if hasattr(one, "tags") else {}
        parts |= {"trust": one.trust_policy} if target.startswith("role ") else {}
        if target.startswith("user "):
            parts |= {"membership": one.groups, **_credentials_of(state, one.name)}
        facts |= {(target, part): value for part, value in parts.items()}
    for one in state.policies.values():
        if not one.is_aws_managed:
            whole = (one.path, one.description, one.document)
            facts[f"policy {one.name}", "text"] = whole
            facts[f"policy {one.name}", "version"] = one.versions, one.default_version
    return facts


def _credentials_of(state, user):
    keys = {key.id: key.status for key in state.access_keys[user]}
    found = {"access key": keys, "password": state.login_profiles[user] is not None}
    found["sign-in session"] = state.sign_in_sessions.get(user, ())
    for operation in set(OF_LEAVERS) - {"ListAccessKeys", "GetLoginProfile"}:
        found[operation] = getattr(state, OF_USERS[operation].field)[user]
    return found


PARTS = {
    "permissions boundary": "bound",
    "MFA device": "ListMFADevices",
    "SSH public key": "ListSSHPublicKeys",
    "signing certificate": "ListSigningCertificates",
    "service-specific credential": "ListServiceSpecificCredentials",
}
"""By the part that a change touches, the fact that it alters, where it has another name."""


def plan_whole_undo(session, recorded):
    """The undo of an apply with every change named that has a way back."""
    judge = UndoJudge(read_for_undo(session, recorded), recorded.made)
    return judge.plan([one.number for one in recorded.made])


def differences(begun, back, changes):
    """What is otherwise than in the beginning, beside what the review of these changes said."""
    whole = {c.target for c in changes if c.limit and not c.inverse and c.part == "existence"}
    lost = {(c.target, PARTS.get(c.part, c.part)) for c in changes if c.limit and not c.inverse}
    lost |= {
        (c.target, part) for c in changes if c.limit and c.inverse for part in LEFT[c.operation]
    }
    making = {c.target for c in changes if c.operation == "create_access_key"}
    found = {}
    for key in begun.keys() | back.keys():
        target, part = key
        old, now = begun.get(key), back.get(key)
        if part == "access key" and target in making and now is not None:
            now = {i: word for i, word in now.items() if i in (old or {}) or word == "Active"}
        if old != now and key not in lost and target not in whole:
            found[key] = old, now
    return found
