"""Keys, passwords, MFA devices, service-specific credentials, and who a caller is."""

import base64
import hmac
import time

import boto3
import pytest

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def alice(iam, sandbox, client_of):
    """A user, and clients of any service that sign as her."""
    iam.create_user(UserName="alice")
    key = iam.create_access_key(UserName="alice")["AccessKey"]
    pair = key["AccessKeyId"], key["SecretAccessKey"]
    client = lambda service="iam": client_of(sandbox, service, pair)  # noqa: E731
    client.key_id = key["AccessKeyId"]
    return client


def test_a_user_has_two_keys(iam, refused, alice):
    """A third is refused."""
    iam.create_access_key(UserName="alice")
    with refused("LimitExceeded", 409):
        iam.create_access_key(UserName="alice")


def test_calls_without_a_user_name_act_on_the_caller(iam, refused, alice):
    """CreateAccessKey, ListAccessKeys and GetUser are the caller's own, root's included."""
    mine = alice().create_access_key()["AccessKey"]
    assert mine["UserName"] == "alice"
    assert len(alice().list_access_keys()["AccessKeyMetadata"]) == 2
    assert alice().get_user()["User"]["UserName"] == "alice"
    roots = iam.create_access_key()["AccessKey"]
    assert "UserName" not in roots
    assert len(iam.list_access_keys()["AccessKeyMetadata"]) == 2
    with refused("LimitExceeded", 409):
        iam.create_access_key()
    assert iam.get_user()["User"]["Arn"] == "arn:aws:iam::000000000000:root"
    iam.delete_access_key(AccessKeyId=roots["AccessKeyId"])


def test_inactive_deleted_and_unknown_keys_are_refused(iam, sandbox, client_of, refused, alice):
    """InvalidClientTokenId for all three; a wrong secret is SignatureDoesNotMatch."""
    sts = alice("sts")
    assert sts.get_caller_identity()["Arn"] == "arn:aws:iam::000000000000:user/alice"
    with refused("ValidationError", 400):
        iam.update_access_key(UserName="alice", AccessKeyId=alice.key_id, Status="Expired")
    iam.update_access_key(UserName="alice", AccessKeyId=alice.key_id, Status="Inactive")
    with refused("InvalidClientTokenId", 403):
        sts.get_caller_identity()
    iam.update_access_key(UserName="alice", AccessKeyId=alice.key_id, Status="Active")
    with refused("SignatureDoesNotMatch", 403):
        client_of(sandbox, "sts", (alice.key_id, "wrong")).get_caller_identity()
    iam.delete_access_key(UserName="alice", AccessKeyId=alice.key_id)
    with refused("InvalidClientTokenId", 403):
        sts.get_caller_identity()
    with refused("InvalidClientTokenId", 403):
        client_of(sandbox, "sts", ("AKIAIOSFODNN7EXAMPLE", "x")).get_caller_identity()


def test_the_last_use_of_a_key_is_known(iam, alice):
    """Never used is N/A; a real call says when, for what and where."""
    never = iam.get_access_key_last_used(AccessKeyId=alice.key_id)["AccessKeyLastUsed"]
    assert never == {"ServiceName": "N/A", "Region": "N/A"}
    alice("ec2").describe_instances()
    used = iam.get_access_key_last_used(AccessKeyId=alice.key_id)
    assert used["UserName"] == "alice"
    assert used["AccessKeyLastUsed"]["ServiceName"] == "ec2"
    assert used["AccessKeyLastUsed"]["Region"] == "us-east-1"
    assert abs(used["AccessKeyLastUsed"]["LastUsedDate"].timestamp() - time.time()) < 60


WEAK = ["short1A", "alllowercase", "ONLY-UPPER", "000000000000"]


@pytest.mark.parametrize("password", WEAK)
def test_a_password_follows_awss_own_policy(iam, refused, password):
    """Without a policy of the account: eight characters, three of four kinds."""
    iam.create_user(UserName="alice")
    with refused("PasswordPolicyViolation", 400):
        iam.create_login_profile(UserName="alice", Password=password)


def test_a_password_follows_the_accounts_policy(iam, refused):
    """Length and kinds are the policy's, for new and for updated passwords."""
    iam.update_account_password_policy(
        MinimumPasswordLength=14, RequireSymbols=True, RequireNumbers=True
    )
    iam.create_user(UserName="alice")
    for password in ("Secret-Pass-1", "SecretPassword12", "Secret-Password"):
        with refused("PasswordPolicyViolation", 400):
            iam.create_login_profile(UserName="alice", Password=password)
    iam.create_login_profile(
        UserName="alice", Password="secret-password-1", PasswordResetRequired=True
    )
    profile = iam.get_login_profile(UserName="alice")["LoginProfile"]
    assert profile["PasswordResetRequired"] is True
    with refused("EntityAlreadyExists", 409):
        iam.create_login_profile(UserName="alice", Password="secret-password-1")
    with refused("PasswordPolicyViolation", 400):
        iam.update_login_profile(UserName="alice", Password="short-1")
    iam.update_login_profile(UserName="alice", PasswordResetRequired=False)
    assert not iam.get_login_profile(UserName="alice")["LoginProfile"]["PasswordResetRequired"]


def test_a_user_changes_its_own_password(iam, refused, alice):
    """The old one is the proof, the policy holds, and the last ones cannot come back."""
    iam.update_account_password_policy(MinimumPasswordLength=8, PasswordReusePrevention=2)
    iam.create_login_profile(UserName="alice", Password="first-one")
    with refused("AccessDenied", 403):
        alice().change_password(OldPassword="wrong-one", NewPassword="second-one")
    with refused("PasswordPolicyViolation", 400):
        alice().change_password(OldPassword="first-one", NewPassword="short")
    alice().change_password(OldPassword="first-one", NewPassword="second-one")
    with refused("PasswordPolicyViolation", 400):
        alice().change_password(OldPassword="second-one", NewPassword="first-one")
    alice().change_password(OldPassword="second-one", NewPassword="third-one")
    alice().change_password(OldPassword="third-one", NewPassword="first-one")
    with refused("InvalidUserType", 400):
        iam.change_password(OldPassword="first-one", NewPassword="fourth-one")


@pytest.mark.parametrize(
    "wrong",
    [{"MinimumPasswordLength": 5}, {"MaxPasswordAge": 1096}, {"PasswordReusePrevention": 25}],
)
def test_a_password_policy_has_ranges(iam, refused, wrong):
    """6 to 128 characters, 1 to 1,095 days, 1 to 24 passwords."""
    with refused("ValidationError", 400):
        iam.update_account_password_policy(**wrong)


def code(seed, moment):
    """RFC 6238, written down once more."""
    counter = (int(moment) // 30).to_bytes(8, "big")
    digest = hmac.digest(base64.b32decode(seed), counter, "sha1")
    offset = digest[-1] & 0xF
    return str((int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFFFFFF) % 10**6).zfill(6)


def test_an_mfa_device_is_enabled_by_two_codes_in_sequence(iam, refused):
    """Wrong, repeated and swapped codes are refused; those of the seed are taken once."""
    iam.create_user(UserName="alice")
    device = iam.create_virtual_mfa_device(VirtualMFADeviceName="alice")["VirtualMFADevice"]
    serial, seed = device["SerialNumber"], device["Base32StringSeed"].decode()
    assert device["QRCodePNG"].startswith(PNG)
    first, second = code(seed, time.time() - 30), code(seed, time.time())

    def enable(one, two, serial=serial):
        iam.enable_mfa_device(
            UserName="alice", SerialNumber=serial, AuthenticationCode1=one, AuthenticationCode2=two
        )

    for one, two in [("000000", "000001"), (first, first), (second, first)]:
        with refused("InvalidAuthenticationCode", 403):
            enable(one, two)
    with refused("ValidationError", 400):
        enable("12345", "abcdef")
    with refused("NoSuchEntity", 404):
        enable(first, second, serial + "x")
    enable(first, second)
    with refused("EntityAlreadyExists", 409):
        enable(first, second)
    with refused("DeleteConflict", 409):
        iam.delete_virtual_mfa_device(SerialNumber=serial)
    with refused("DeleteConflict", 409):
        iam.delete_user(UserName="alice")
    assigned = iam.list_virtual_mfa_devices(AssignmentStatus="Assigned")["VirtualMFADevices"]
    assert [one["User"]["UserName"] for one in assigned] == ["alice"]
    assert iam.list_virtual_mfa_devices(AssignmentStatus="Unassigned")["VirtualMFADevices"] == []
    assert iam.list_mfa_devices(UserName="alice")["MFADevices"][0]["SerialNumber"] == serial
    iam.deactivate_mfa_device(UserName="alice", SerialNumber=serial)
    iam.delete_virtual_mfa_device(SerialNumber=serial)
    iam.delete_user(UserName="alice")


def test_service_specific_credentials(iam, refused):
    """Two for a service, listed without their passwords, reset, switched off, deleted."""
    iam.create_user(UserName="alice")
    make = {"UserName": "alice", "ServiceName": "codecommit.amazonaws.com"}
    first = iam.create_service_specific_credential(**make)["ServiceSpecificCredential"]
    iam.create_service_specific_credential(**make)
    with refused("LimitExceeded", 409):
        iam.create_service_specific_credential(**make)
    with refused("NotSupportedService", 404):
        iam.create_service_specific_credential(UserName="alice", ServiceName="s3.amazonaws.com")
    number = {"ServiceSpecificCredentialId": first["ServiceSpecificCredentialId"]}
    reset = iam.reset_service_specific_credential(UserName="alice", **number)
    assert reset["ServiceSpecificCredential"]["ServicePassword"] != first["ServicePassword"]
    iam.update_service_specific_credential(UserName="alice", Status="Inactive", **number)
    listed = iam.list_service_specific_credentials(UserName="alice")["ServiceSpecificCredentials"]
    assert sorted(one["Status"] for one in listed) == ["Active", "Inactive"]
    assert not any("ServicePassword" in one for one in listed)
    iam.delete_service_specific_credential(UserName="alice", **number)
    with refused("NoSuchEntity", 404):
        iam.delete_service_specific_credential(UserName="alice", **number)


def test_a_role_must_exist_and_trust_its_caller(iam, refused, alice, trust):
    """AssumeRole is denied otherwise; what it gives signs as the role."""
    arn = "arn:aws:iam::000000000000:role/r"
    session = {"RoleArn": arn, "RoleSessionName": "shift"}
    with refused("AccessDenied", 403):
        alice("sts").assume_role(**session)
    iam.create_user(UserName="bob")
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust.replace("root", "user/bob"))
    with refused("AccessDenied", 403):
        alice("sts").assume_role(**session)
    iam.update_assume_role_policy(RoleName="r", PolicyDocument=trust)
    taken = alice("sts").assume_role(**session)
    assert taken["AssumedRoleUser"]["Arn"].endswith(":assumed-role/r/shift")
    keys = {name: taken["Credentials"][name] for name in ("AccessKeyId", "SecretAccessKey")}
    caller = boto3.client(
        "sts",
        endpoint_url=iam.meta.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=taken["Credentials"]["SessionToken"],
    ).get_caller_identity()
    assert caller["Arn"] == taken["AssumedRoleUser"]["Arn"]


ALIASES = ["ab", "a" * 64, "-ab", "ab-", "a--b", "Team", "a_b", "123456789012", "é" * 4]


@pytest.mark.parametrize("alias", ALIASES)
def test_an_alias_has_its_form(iam, refused, alias):
    """3 to 63 of a-z, 0-9 and single hyphens inside, and no account number."""
    with refused("ValidationError", 400):
        iam.create_account_alias(AccountAlias=alias)


def test_an_alias_is_unique_in_all_of_aws(iam, refused):
    """Another account's is refused; the account's own is replaced; only its own is deleted."""
    with refused("EntityAlreadyExists", 409):
        iam.create_account_alias(AccountAlias="taken")
    iam.create_account_alias(AccountAlias="one-team")
    iam.create_account_alias(AccountAlias="other-team")
    assert iam.list_account_aliases()["AccountAliases"] == ["other-team"]
    with refused("NoSuchEntity", 404):
        iam.delete_account_alias(AccountAlias="one-team")
    iam.delete_account_alias(AccountAlias="other-team")
    assert iam.list_account_aliases()["AccountAliases"] == []
