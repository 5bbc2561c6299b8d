"""Roles, as far as users and audits meet them."""

from iamkit.sandbox.server.account import Account
from iamkit.sandbox.server.errors import Refused, no_such_entity
from iamkit.sandbox.server.iam.rules import Parameters, rule


@rule("CreateServiceLinkedRole")
def a_service_linked_role_is_of_a_service(_: Account, parameters: Parameters) -> None:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateServiceLinkedRole.html."""
    name = parameters["AWSServiceName"]
    if not name.endswith(".amazonaws.com"):
        text = f"{name} is not the name of a service that has service-linked roles."
        raise Refused("InvalidInput", 400, text)


@rule("RemoveRoleFromInstanceProfile")
def a_removed_role_is_in_the_instance_profile(account: Account, parameters: Parameters) -> None:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_RemoveRoleFromInstanceProfile.html."""
    profile_name, name = parameters["InstanceProfileName"], parameters["RoleName"]
    for profile in account.iam.instance_profiles.values():
        if profile.name == profile_name and name in [role.name for role in profile.roles]:
            return
    raise no_such_entity(f"There is no role {name} in an instance profile {profile_name}.")
