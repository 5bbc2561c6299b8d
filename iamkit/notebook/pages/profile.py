"""Write a stored key to an AWS profile, for tools that read no other place."""

from iamkit.app_mode import applying_is_off
from iamkit.aws.session import Session
from iamkit.credentials import write_aws_profile


def write_profile(session: Session, user: str, profile: str) -> str:
    """Write the user's newest stored key to an AWS profile, and say what was done; none if empty.

    Raises:
        HandoverError: the profile is someone else's, or its file cannot be written.
    """
    if not profile:
        return "No AWS profile was asked for (admin_profile is empty)."
    keys = session.store.keys_of(user)
    if not keys:
        return f"{user} has no stored key yet; run this cell again after the apply."
    if reason := applying_is_off():
        return f"The key of {user} is not written to the profile {profile}. {reason}"
    path = write_aws_profile(keys[0], profile)
    return f"The key of {user} is in {path} as profile {profile}."
