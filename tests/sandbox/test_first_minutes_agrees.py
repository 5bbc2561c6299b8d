"""The rehearsal of the first ten minutes, and those ten minutes really walked in the sandbox."""

import json
import time

import boto3
import pytest
from accounts import ACCOUNT as CASES_ACCOUNT
from botocore.config import Config
from botocore.exceptions import ClientError
from first_minutes_cases import CASES, document
from samples import scaled

from iamkit.aws.read import read_account
from iamkit.plan.first_minutes import RULES, rehearse_first_minutes
from iamkit.sandbox import redirect_sign_in
from iamkit.sandbox.server.one_time_passwords import totp

ACCOUNT = "000000000000"
FIRST, OWN = "A-first-Password-1", "An-own-Password-2"
OF_USERS = ("ListMFADevices", "ListAccessKeys", "GetLoginProfile")
KNOWN = [
    case
    for case in CASES
    if None not in (case.get("mfa", False), case.get("key", False))
    and "unread" not in [case.get("password"), case.get("rules"), case.get("boundary")]
    and "unread" not in case["policies"]
]
"""The cases of which all is known, so that they can be made."""


def text(name):
    return json.dumps(document(name)).replace(CASES_ACCOUNT, ACCOUNT)


class Person:
    """Ann, with what she has in her hands: a password, perhaps a device and a key."""

    def __init__(self, sandbox, root, case):
        self.sandbox, self.root = sandbox, root
        self.device = self.key = None
        path = {"Path": case["path"]} if "path" in case else {}
        tags = [{"Key": key, "Value": value} for key, value in case.get("tags", {}).items()]
        root.create_group(GroupName="team")
        for name in case["policies"]:
            root.put_group_policy(
                GroupName="team", PolicyName=name.replace(" ", "-"), PolicyDocument=text(name)
            )
        root.create_user(UserName="ann", **path, **({"Tags": tags} if tags else {}))
        root.add_user_to_group(GroupName="team", UserName="ann")
        if bound := case.get("boundary"):
            arn = root.create_policy(PolicyName="bound", PolicyDocument=text(bound))["Policy"][
                "Arn"
            ]
            root.put_user_permissions_boundary(UserName="ann", PermissionsBoundary=arn)
        if "rules" in case:
            root.update_account_password_policy(AllowUsersToChangePassword=True)
        if (password := case.get("password", "first")) is not None:
            root.create_login_profile(
                UserName="ann", Password=FIRST, PasswordResetRequired=password == "first"
            )
        if case.get("mfa"):
            self.enrol(root)
        if case.get("key"):
            self.key = root.create_access_key(UserName="ann")["AccessKey"]

    def client(self, service, key):
        return boto3.client(
            service,
            endpoint_url=self.sandbox.endpoint_url,
            region_name="us-east-1",
            aws_access_key_id=key.get("AccessKeyId") or key["accessKeyId"],
            aws_secret_access_key=key.get("SecretAccessKey") or key["secretAccessKey"],
            aws_session_token=key.get("sessionToken"),
            config=Config(proxies={}, retries={"total_max_attempts": 1}),
        )

    def console(self):
        """A session after a sign-in, with MFA if there is a device; what it takes is not asked."""
        self.sandbox.set_authorize(False)
        begun = self.sandbox.sign_in("ann")
        signin = self.client("signin", {"accessKeyId": "none", "secretAccessKey": "none"})
        redirect_sign_in(signin, self.sandbox.endpoint_url)
        given = signin.create_o_auth2_token(
            tokenInput={
                "clientId": begun["client_id"],
                "grantType": "refresh_token",
                "refreshToken": begun["refresh_token"],
            }
        )["tokenOutput"]
        self.sandbox.set_authorize(True)
        return given["accessToken"]

    def enrol(self, iam):
        made = iam.create_virtual_mfa_device(VirtualMFADeviceName="ann")["VirtualMFADevice"]
        seed, now = made["Base32StringSeed"].decode(), int(time.time()) // 30
        iam.enable_mfa_device(
            UserName="ann",
            SerialNumber=made["SerialNumber"],
            AuthenticationCode1=totp(seed, now - 1),
            AuthenticationCode2=totp(seed, now),
        )
        assert iam.list_mfa_devices(UserName="ann")["MFADevices"]

    def passes(self, step):
        """Whether a step can be taken, as the sandbox answers."""
        try:
            self.take(step)
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("AccessDenied", "UnauthorizedOperation"):
                raise
            return False
        return True

    def take(self, step):
        if step == "change the password":
            iam = self.client("iam", self.console())
            iam.change_password(OldPassword=FIRST, NewPassword=OWN)
        elif step == "enrol MFA":
            self.enrol(self.client("iam", self.console()))
        elif step == "work":
            self.client("ec2", self.console()).describe_instances()
        elif step == "work with a key":
            self.client("ec2", self.key).describe_instances()


@pytest.mark.parametrize("case", scaled(KNOWN[:14], KNOWN), ids=lambda case: case["case"])
def test_the_rehearsal_and_the_sandbox_agree(case, sandbox, iam, session):
    """Each step that is rehearsed as done passes, and the one that stops is refused."""
    person = Person(sandbox, iam, case)
    state = read_account(
        session,
        operations=("GetAccountAuthorizationDetails", RULES),
        of_users={operation: ["ann"] for operation in OF_USERS},
    )
    (rehearsed,) = rehearse_first_minutes(state, ["ann"])
    assert {step.name: step.outcome for step in rehearsed.steps} == case["steps"]
    sandbox.set_authorize(True)
    certain = 0
    for step in rehearsed.steps:
        if step.name not in ("sign in", "sign in with MFA") and step.outcome in ("done", "stops"):
            assert person.passes(step.name) == (step.outcome == "done"), step
            certain += 1
    assert certain or rehearsed.steps[0].name == "sign in"


@pytest.mark.parametrize(("policy", "again"), [("demanded", True), ("own name alone", False)])
def test_an_interrupted_enrolment_is_begun_again(policy, again, sandbox, iam):
    """The device that is left is in the way; the kit's own policy lets its owner clear it away."""
    person = Person(sandbox, iam, {"policies": [policy], "password": "own"})
    mine = person.client("iam", person.console())
    device = {"VirtualMFADeviceName": "ann"}
    left = mine.create_virtual_mfa_device(**device)["VirtualMFADevice"]["SerialNumber"]
    with pytest.raises(mine.exceptions.EntityAlreadyExistsException):
        mine.create_virtual_mfa_device(**device)
    if again:
        mine.delete_virtual_mfa_device(SerialNumber=left)
        assert person.passes("enrol MFA")
    else:
        with pytest.raises(ClientError, match="AccessDenied"):
            mine.delete_virtual_mfa_device(SerialNumber=left)


def test_the_table_is_walked(sandbox):
    """Most of the cases can be made, the two published shapes and the kit's own among them."""
    made = {name for case in KNOWN for name in case["policies"]}
    assert {"documented", "module", "offered", "demanded"} <= made
    assert len(KNOWN) > 20
