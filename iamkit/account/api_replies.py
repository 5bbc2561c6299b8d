"""AWS's replies in the kit's words: as boto3 returns them, or as the AWS CLI prints them.

The two differ in their dates, which the AWS CLI writes as text or, if so configured, as seconds.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from iamkit.account.state import (
    Credential,
    Group,
    InstanceProfile,
    ManagedPolicy,
    PasswordPolicy,
    PolicyVersion,
    Role,
    User,
)
from iamkit.text import parse_json

Reply = Mapping[str, Any]
Details = tuple[dict[str, User], dict[str, Group], dict[str, Role], dict[str, ManagedPolicy]]


def read_details(pages: Iterable[Reply]) -> Details:
    """Users, groups and roles by name, and policies by ARN, of GetAccountAuthorizationDetails.

    A policy whose text is not there gets an empty document; see ``gaps.is_described``.

    https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html
    """
    users: dict[str, User] = {}
    groups: dict[str, Group] = {}
    roles: dict[str, Role] = {}
    policies: dict[str, ManagedPolicy] = {}
    for page in pages:
        users |= {item["UserName"]: _user(item) for item in page.get("UserDetailList") or ()}
        groups |= {
            item["GroupName"]: Group(**_holder(item, "Group"))
            for item in page.get("GroupDetailList") or ()
        }
        roles |= {item["RoleName"]: _role(item) for item in page.get("RoleDetailList") or ()}
        policies |= {item["Arn"]: _policy(item) for item in page.get("Policies") or ()}
    return users, groups, roles, policies


RULES = {
    "MinimumPasswordLength": "minimum_length",
    "RequireSymbols": "symbols",
    "RequireNumbers": "numbers",
    "RequireUppercaseCharacters": "uppercase",
    "RequireLowercaseCharacters": "lowercase",
    "AllowUsersToChangePassword": "users_may_change",
    "MaxPasswordAge": "max_age",
    "PasswordReusePrevention": "reuse_prevention",
    "HardExpiry": "hard_expiry",
}
"""By AWS's name of a rule for passwords, the field of ``PasswordPolicy``."""


def read_rules(rules: Reply) -> PasswordPolicy:
    """The account's rules for passwords, of GetAccountPasswordPolicy."""
    return PasswordPolicy(**{field: rules[name] for name, field in RULES.items() if name in rules})


def rules_as_arguments(rules: PasswordPolicy) -> dict[str, int | bool]:
    """All rules as UpdateAccountPasswordPolicy takes them; to leave one out is to give it up."""
    values = {name: getattr(rules, field) for name, field in RULES.items()}
    return {name: value for name, value in values.items() if value is not None}


def read_profiles(items: Iterable[Reply]) -> dict[str, InstanceProfile]:
    """Instance profiles by name, of ListInstanceProfiles or of the details of a role."""
    return {
        item["InstanceProfileName"]: InstanceProfile(
            name=item["InstanceProfileName"],
            path=item.get("Path", "/"),
            arn=item["Arn"],
            roles=tuple(role["RoleName"] for role in item.get("Roles") or ()),
        )
        for item in items
    }


def read_policies(items: Iterable[Reply]) -> dict[str, ManagedPolicy]:
    """Managed policies by ARN, of ListPolicies, which tells no texts."""
    return {item["Arn"]: _policy(item) for item in items}


def read_credential(item: Reply, id_key: str) -> Credential:
    """An SSH key, certificate or service-specific credential of the call that lists it."""
    return Credential(
        id=item[id_key],
        status=item.get("Status", "Active"),
        created=read_date(item.get("CreateDate", item.get("UploadDate"))),
        expires=read_date(item.get("ExpirationDate", item.get("Expiration"))),
        service=item.get("ServiceName", ""),
    )


def read_date(value: datetime | str | float | None) -> datetime | None:
    """A date in UTC, whatever form it has in a reply.

    Raises:
        ValueError: it is no date.
    """
    if value is None:
        return None
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC)
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _user(item: Reply) -> User:
    return User(
        **_holder(item, "User"),
        tags=_tags(item),
        groups=frozenset(item.get("GroupList") or ()),
    )


def _role(item: Reply) -> Role:
    return Role(
        **_holder(item, "Role"),
        trust_policy=_document(item.get("AssumeRolePolicyDocument")),
        tags=_tags(item),
        instance_profiles=tuple(read_profiles(item.get("InstanceProfileList") or ())),
        last_used=read_date((item.get("RoleLastUsed") or {}).get("LastUsedDate")),
        last_region=(item.get("RoleLastUsed") or {}).get("Region", ""),
    )


def _tags(item: Reply) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in item.get("Tags") or ()}


def _holder(item: Reply, kind: str) -> dict[str, Any]:
    """What users, groups and roles have in common."""
    return {
        "name": item[f"{kind}Name"],
        "path": item["Path"],
        "arn": item["Arn"],
        "id": item[f"{kind}Id"],
        "created": read_date(item["CreateDate"]),
        "inline_policies": {
            policy["PolicyName"]: _document(policy.get("PolicyDocument"))
            for policy in item.get(f"{kind}PolicyList") or ()
        },
        "attached_policies": frozenset(
            policy["PolicyArn"] for policy in item.get("AttachedManagedPolicies") or ()
        ),
        "permissions_boundary": (item.get("PermissionsBoundary") or {}).get(
            "PermissionsBoundaryArn"
        ),
    }


def _policy(item: Reply) -> ManagedPolicy:
    versions = item.get("PolicyVersionList") or ()
    default: Any = next((v.get("Document") for v in versions if v.get("IsDefaultVersion")), None)
    others = [version for version in versions if not version.get("IsDefaultVersion")]
    return ManagedPolicy(
        arn=item["Arn"],
        name=item["PolicyName"],
        path=item.get("Path", "/"),
        document=_document(default),
        default_version=item.get("DefaultVersionId", "v1"),
        versions=len(versions),
        created=read_date(item.get("CreateDate")),
        updated=read_date(item.get("UpdateDate")),
        description=item.get("Description") or "",
        other_versions=tuple(_version(version) for version in others),
    )


def _version(item: Reply) -> PolicyVersion:
    return PolicyVersion(
        id=item["VersionId"],
        document=_document(item.get("Document")),
        created=read_date(item.get("CreateDate")),
    )


def _document(value: Any) -> dict[str, Any]:
    """A policy document, which boto3 and the AWS CLI have decoded and others may not have."""
    return dict(parse_json(unquote(value)) if isinstance(value, str) else value or {})
