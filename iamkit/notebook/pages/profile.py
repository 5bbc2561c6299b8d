"""What follows an apply: a key in an AWS profile, for other tools; the address to sign in at."""

from iamkit.account.state import sign_in_url
from iamkit.app_mode import applying_is_off
from iamkit.aws.session import Session
from iamkit.credentials import write_aws_profile
from iamkit.parameters.models import AccountAliasParameters, AdminGroupParameters


def write_profile(session: Session, parameters: AdminGroupParameters) -> str:
    """Write the administrator's newest stored key to their AWS profile, and say what was done.

    Raises:
        HandoverError: the profile is someone else's, or its file cannot be written.
    """
    user, profile = parameters.admin_user, parameters.admin_profile
    if not profile:
        return "The notebooks take the key from there. For other tools, name an AWS profile."
    keys = session.store.keys_of(user)
    if not keys:
        return f"{user} has no key that can be read here, so the profile {profile} is not written."
    if reason := applying_is_off():
        return f"The key of {user} is not written to the profile {profile}. {reason}"
    path = write_aws_profile(keys[0], profile)
    return f"The key of {user} is in {path} as profile {profile}."


def sign_in_address(session: Session, parameters: AccountAliasParameters) -> str:
    """Where the account's users sign in, by its alias."""
    address = sign_in_url(parameters.account_alias, session.identity.partition)
    return f"Users sign in at {address}" if address else "AWS documents no sign-in address here."
