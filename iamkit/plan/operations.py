"""The calls that a plan may make: what each touches, and its way back.

A way back is a desired state like any other, so that an undo is planned against the account as it
is then. Where AWS has none, the reason stands here.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from iamkit.account.api_replies import RULES
from iamkit.account.state import JSON
from iamkit.plan.desired import (
    Absent,
    Desired,
    DesiredGroup,
    DesiredPolicy,
    DesiredRole,
    DesiredUser,
    Part,
)

WayBack = Callable[[JSON, Any], Desired]


class Operation(NamedTuple):
    """A call that a plan may make.

    Attributes:
        part: what of its user, group or account it touches.
        way_back: from its arguments, with what AWS drew for it, and what was there before, the
            desired state that takes it back; None if there is none.
        limit: why there is none, or what is not as before; empty if all is. From what was there
            before, where that decides it.
    """

    part: Part
    way_back: WayBack | None
    limit: str | Callable[[Any], str] = ""


def _user(arguments: JSON, **facts: Any) -> Desired:
    return Desired(users=(DesiredUser(name=arguments["UserName"], make=False, **facts),))


def _group(arguments: JSON, **facts: Any) -> Desired:
    return Desired(groups=(DesiredGroup(name=arguments["GroupName"], make=False, **facts),))


def _role(arguments: JSON, **facts: Any) -> Desired:
    return Desired(roles=(DesiredRole(name=arguments["RoleName"], **facts),))


def _put_policy(holder: Callable[..., Desired]) -> WayBack:
    def way_back(arguments: JSON, before: Any) -> Desired:
        name = arguments["PolicyName"]
        if before is None:
            return holder(arguments, absent=Absent(inline_policies=(name,)))
        return holder(arguments, inline_policies={name: before})

    return way_back


def _tagged(arguments: JSON, before: Any) -> Desired:
    before = before or {}
    keys = [tag["Key"] for tag in arguments["Tags"]]
    new = tuple(key for key in keys if key not in before)
    return _user(arguments, tags=before, absent=Absent(tags=new))


def _bounded(arguments: JSON, before: Any) -> Desired:
    if before is None:
        return _user(arguments, absent=Absent(permissions_boundary=True))
    return _user(arguments, permissions_boundary=before)


def _attach(holder: Callable[..., Desired]) -> WayBack:
    return lambda a, _: holder(a, absent=Absent(attached_policies=(a["PolicyArn"],)))


def _detach(holder: Callable[..., Desired]) -> WayBack:
    return lambda a, _: holder(a, attached_policies=(a["PolicyArn"],))


def _switched_off(arguments: JSON, _: Any) -> Desired:
    # AWS draws the id: before the call nobody knows it.
    return _user(arguments, key_status={arguments.get("AccessKeyId", ""): "Inactive"})


def _rules_before(_: JSON, before: Any) -> Desired:
    if before is None:
        return Desired(absent_password_policy=True)
    return Desired(password_policy={field: before.get(name) for name, field in RULES.items()})


def _may_be_taken(alias: str | None) -> str:
    """An alias that was given up is free for every account of the partition.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/console_account-alias.html
    """
    return f"another account may have taken {alias} meanwhile; then it stays there" if alias else ""


def _made_again(arguments: JSON, before: Any) -> Desired:
    facts = before if isinstance(before, Mapping) else {"path": before}
    return Desired(users=(DesiredUser(name=arguments["UserName"], **facts),))


NEW_ID = (
    "a user made again has another id, so trust, bucket and key policies that named the old one do "
    "not know it; keys, password and MFA devices are gone"
)

OPERATIONS: Mapping[str, Operation] = {
    "create_user": Operation("existence", lambda a, _: Desired(absent_users=(a["UserName"],))),
    "delete_user": Operation("existence", _made_again, NEW_ID),
    "update_user": Operation("path", lambda a, before: _user(a, path=before)),
    "tag_user": Operation("tags", _tagged),
    "untag_user": Operation("tags", lambda a, before: _user(a, tags=before)),
    "create_group": Operation("existence", lambda a, _: Desired(absent_groups=(a["GroupName"],))),
    "delete_group": Operation(
        "existence",
        lambda a, before: Desired(groups=(DesiredGroup(name=a["GroupName"], path=before),)),
        "a group made again has another id",
    ),
    "add_user_to_group": Operation(
        "membership",
        lambda a, _: _user(a, absent=Absent(groups=(a["GroupName"],))),
    ),
    "remove_user_from_group": Operation(
        "membership", lambda a, _: _user(a, groups=(a["GroupName"],))
    ),
    "put_user_policy": Operation("inline policy", _put_policy(_user)),
    "put_group_policy": Operation("inline policy", _put_policy(_group)),
    "delete_user_policy": Operation("inline policy", _put_policy(_user)),
    "delete_group_policy": Operation("inline policy", _put_policy(_group)),
    "attach_user_policy": Operation("attached policy", _attach(_user)),
    "attach_group_policy": Operation("attached policy", _attach(_group)),
    "detach_user_policy": Operation("attached policy", _detach(_user)),
    "detach_group_policy": Operation("attached policy", _detach(_group)),
    "put_role_policy": Operation("inline policy", _put_policy(_role)),
    "delete_role_policy": Operation("inline policy", _put_policy(_role)),
    "attach_role_policy": Operation("attached policy", _attach(_role)),
    "detach_role_policy": Operation("attached policy", _detach(_role)),
    "create_policy": Operation(
        "existence", lambda a, _: Desired(absent_policies=(a["PolicyName"],))
    ),
    "delete_policy": Operation(
        "existence",
        lambda _, before: Desired(policies=(DesiredPolicy(**before),)),
        "its tags do not come back, nor do its older versions",
    ),
    "delete_policy_version": Operation(
        "version", None, "a version of a policy that was deleted does not come back"
    ),
    "put_user_permissions_boundary": Operation("permissions boundary", _bounded),
    "delete_user_permissions_boundary": Operation("permissions boundary", _bounded),
    "create_access_key": Operation(
        "access key", _switched_off, "the key is switched off, not deleted"
    ),
    "update_access_key": Operation(
        "access key",
        lambda a, before: _user(a, key_status={a["AccessKeyId"]: before}),
    ),
    "delete_access_key": Operation(
        "access key", None, "AWS shows a secret key once, so a deleted one is gone"
    ),
    "create_login_profile": Operation(
        "password", lambda a, _: _user(a, absent=Absent(password=True))
    ),
    "delete_login_profile": Operation(
        "password", None, "nobody can read a password, so a deleted one is gone"
    ),
    "deactivate_mfa_device": Operation(
        "MFA device",
        None,
        "only its owner can register a device again, with two codes from it",
    ),
    "delete_virtual_mfa_device": Operation(
        "MFA device",
        None,
        "the seed of a virtual device is shown once, so a deleted one is gone",
    ),
    "delete_ssh_public_key": Operation("SSH public key", None, "its owner must upload it again"),
    "delete_signing_certificate": Operation(
        "signing certificate", None, "its owner must upload it again"
    ),
    "delete_service_specific_credential": Operation(
        "service-specific credential",
        None,
        "AWS shows its password once, so a deleted one is gone",
    ),
    "batch_revoke_sessions": Operation(
        "sign-in session", None, "a session of aws login that was revoked cannot be refreshed"
    ),
    "create_account_alias": Operation(
        "alias",
        lambda a, before: (
            Desired(alias=before) if before else Desired(absent_alias=a["AccountAlias"])
        ),
        _may_be_taken,
    ),
    "delete_account_alias": Operation(
        "alias", lambda a, _: Desired(alias=a["AccountAlias"]), _may_be_taken
    ),
    "update_account_password_policy": Operation("password policy", _rules_before),
    "delete_account_password_policy": Operation("password policy", _rules_before),
}
"""By boto3 method, every call that a plan may make."""
