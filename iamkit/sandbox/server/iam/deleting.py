"""What must be gone before an entity can be deleted.

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_users_remove.html
"""

from iamkit.sandbox.server.account import Account
from iamkit.sandbox.server.errors import Refused, delete_conflict
from iamkit.sandbox.server.iam.existing import instance_profile
from iamkit.sandbox.server.iam.rules import Parameters, rule


@rule("DeleteUser")
def a_deleted_user_holds_nothing(account: Account, parameters: Parameters) -> None:
    """DeleteUser does not delete what the console would delete with it.

    https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteUser.html
    """
    user = account.user(parameters["UserName"])
    held = {
        "remove users from group": account.groups_of(user),
        "delete access keys": user.access_keys,
        "delete login profile": user.password,
        "delete policies": user.policies,
        "detach all policies": user.managed_policies,
        "delete MFA device": user.mfa_devices,
        "delete SSH public keys": user.ssh_public_keys,
        "delete signing certificates": user.signing_certificates,
        "remove referenced objects": user.service_credentials,
    }
    _check_nothing_of(held)


@rule("DeleteGroup")
def a_deleted_group_is_empty(account: Account, parameters: Parameters) -> None:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteGroup.html."""
    group = account.group(parameters["GroupName"])
    held = {
        "remove users from group": group.users,
        "delete policies": group.policies,
        "detach all policies": group.managed_policies,
    }
    _check_nothing_of(held)


@rule("DeleteRole")
def a_deleted_role_holds_nothing(account: Account, parameters: Parameters) -> None:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteRole.html."""
    role = account.role(parameters["RoleName"])
    profiles = [p for p in account.iam.instance_profiles.values() if role in p.roles]
    held = {
        "remove roles from instance profile": profiles,
        "delete policies": role.policies,
        "detach all policies": role.managed_policies,
    }
    _check_nothing_of(held)


@rule("DeleteInstanceProfile")
def a_deleted_instance_profile_is_empty(account: Account, parameters: Parameters) -> None:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteInstanceProfile.html."""
    profile = instance_profile(account, parameters["InstanceProfileName"])
    _check_nothing_of({"remove roles from instance profile": profile.roles})


@rule("DeletePolicy")
def a_deleted_policy_serves_nobody(account: Account, parameters: Parameters) -> None:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeletePolicy.html."""
    policy = account.policy(parameters["PolicyArn"])
    if policy not in account.local_policies:
        raise Refused("AccessDenied", 403, f"{policy.arn} is AWS's own and cannot be deleted.")
    if policy.attachment_count or account.users_bounded_by(policy.arn):
        text = "Cannot delete a policy attached to entities."
        raise Refused("DeleteConflict", 409, text)
    if len(policy.versions) > 1:
        raise Refused(
            "DeleteConflict",
            409,
            "This policy has more than one version. Before you delete a policy, you must delete "
            "the policy's versions. The default version is deleted with the policy.",
        )


@rule("DeleteVirtualMFADevice")
def a_deleted_mfa_device_is_unassigned(account: Account, parameters: Parameters) -> None:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteVirtualMFADevice.html."""
    device = account.iam.virtual_mfa_devices.get(parameters["SerialNumber"])
    if device and device.user:
        text = "MFA VirtualDevice in use. Must deactivate first."
        raise Refused("DeleteConflict", 409, text)


def _check_nothing_of(held: dict[str, object]) -> None:
    for what, things in held.items():
        if things:
            raise delete_conflict(what)
