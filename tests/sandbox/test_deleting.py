"""What must be gone before something can be deleted."""

import pytest

CAUSES = {
    "a key": (
        lambda iam: iam.create_access_key(UserName="alice")["AccessKey"]["AccessKeyId"],
        lambda iam, key: iam.delete_access_key(UserName="alice", AccessKeyId=key),
    ),
    "a password": (
        lambda iam: iam.create_login_profile(UserName="alice", Password="Secret-Pass-1"),
        lambda iam, _: iam.delete_login_profile(UserName="alice"),
    ),
    "a group": (
        lambda iam: iam.add_user_to_group(GroupName="dev", UserName="alice"),
        lambda iam, _: iam.remove_user_from_group(GroupName="dev", UserName="alice"),
    ),
    "an SSH key": (
        lambda iam: iam.upload_ssh_public_key(UserName="alice", SSHPublicKeyBody="ssh-rsa AAAA")[
            "SSHPublicKey"
        ]["SSHPublicKeyId"],
        lambda iam, key: iam.delete_ssh_public_key(UserName="alice", SSHPublicKeyId=key),
    ),
    "a service-specific credential": (
        lambda iam: iam.create_service_specific_credential(
            UserName="alice", ServiceName="codecommit.amazonaws.com"
        )["ServiceSpecificCredential"]["ServiceSpecificCredentialId"],
        lambda iam, number: iam.delete_service_specific_credential(
            UserName="alice", ServiceSpecificCredentialId=number
        ),
    ),
    "an attached policy": (
        lambda iam: iam.attach_user_policy(
            UserName="alice", PolicyArn="arn:aws:iam::aws:policy/SecurityAudit"
        ),
        lambda iam, _: iam.detach_user_policy(
            UserName="alice", PolicyArn="arn:aws:iam::aws:policy/SecurityAudit"
        ),
    ),
}


@pytest.mark.parametrize("cause", sorted(CAUSES))
def test_a_user_who_holds_something_is_not_deleted(iam, refused, cause):
    """DeleteUser conflicts with each thing that the user holds, and succeeds without it."""
    hold, let_go = CAUSES[cause]
    iam.create_group(GroupName="dev")
    iam.create_user(UserName="alice")
    held = hold(iam)
    with refused("DeleteConflict", 409):
        iam.delete_user(UserName="alice")
    let_go(iam, held)
    iam.delete_user(UserName="alice")
    assert iam.list_users()["Users"] == []


def test_a_user_with_an_inline_policy_is_not_deleted(iam, refused, allow):
    """Inline policies conflict too."""
    iam.create_user(UserName="alice")
    iam.put_user_policy(UserName="alice", PolicyName="p", PolicyDocument=allow())
    with refused("DeleteConflict", 409):
        iam.delete_user(UserName="alice")


def test_a_group_with_members_or_policies_is_not_deleted(iam, refused, allow):
    """DeleteGroup conflicts with members, inline and attached policies."""
    arn = "arn:aws:iam::aws:policy/SecurityAudit"
    iam.create_user(UserName="alice")
    iam.create_group(GroupName="dev")
    steps = [
        (iam.add_user_to_group, iam.remove_user_from_group, {"UserName": "alice"}),
        (iam.attach_group_policy, iam.detach_group_policy, {"PolicyArn": arn}),
    ]
    for hold, let_go, arguments in steps:
        hold(GroupName="dev", **arguments)
        with refused("DeleteConflict", 409):
            iam.delete_group(GroupName="dev")
        let_go(GroupName="dev", **arguments)
    iam.put_group_policy(GroupName="dev", PolicyName="p", PolicyDocument=allow())
    with refused("DeleteConflict", 409):
        iam.delete_group(GroupName="dev")
    iam.delete_group_policy(GroupName="dev", PolicyName="p")
    iam.delete_group(GroupName="dev")


def test_a_policy_that_serves_is_not_deleted(iam, refused, allow):
    """DeletePolicy conflicts with attachments, boundaries and further versions."""
    arn = iam.create_policy(PolicyName="p", PolicyDocument=allow())["Policy"]["Arn"]
    iam.create_user(UserName="alice", PermissionsBoundary=arn)
    with refused("DeleteConflict", 409):
        iam.delete_policy(PolicyArn=arn)
    iam.delete_user_permissions_boundary(UserName="alice")
    iam.attach_user_policy(UserName="alice", PolicyArn=arn)
    iam.attach_user_policy(UserName="alice", PolicyArn=arn)
    with refused("DeleteConflict", 409):
        iam.delete_policy(PolicyArn=arn)
    iam.detach_user_policy(UserName="alice", PolicyArn=arn)
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=allow())
    with refused("DeleteConflict", 409):
        iam.delete_policy(PolicyArn=arn)
    with refused("DeleteConflict", 409):
        iam.delete_policy_version(PolicyArn=arn, VersionId="v1")
    iam.delete_policy_version(PolicyArn=arn, VersionId="v2")
    iam.delete_policy(PolicyArn=arn)
    with refused("NoSuchEntity", 404):
        iam.get_policy(PolicyArn=arn)


def test_awss_own_policies_stay(iam, refused, allow):
    """Nobody deletes or changes a managed policy of AWS."""
    arn = "arn:aws:iam::aws:policy/AdministratorAccess"
    with refused("AccessDenied", 403):
        iam.delete_policy(PolicyArn=arn)
    with refused("AccessDenied", 403):
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=allow(), SetAsDefault=True)


def test_a_role_with_policies_is_not_deleted(iam, refused, trust):
    """DeleteRole conflicts with policies and instance profiles."""
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust)
    iam.create_instance_profile(InstanceProfileName="r")
    iam.add_role_to_instance_profile(InstanceProfileName="r", RoleName="r")
    with refused("DeleteConflict", 409):
        iam.delete_role(RoleName="r")
    iam.remove_role_from_instance_profile(InstanceProfileName="r", RoleName="r")
    iam.delete_role(RoleName="r")
