"""Names, tags and how many of a kind an account may have.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
"""

from typing import Any

from iamkit.sandbox.server.account import Account
from iamkit.sandbox.server.errors import Refused, already_exists, limit_exceeded
from iamkit.sandbox.server.iam.rules import Parameters, rule

QUOTAS = {"User": 5_000, "Group": 300, "Role": 1_000, "Policy": 1_500, "InstanceProfile": 1_000}


@rule("CreateUser", "CreateGroup", "CreateRole", "CreatePolicy", "CreateInstanceProfile")
def a_new_name_is_free(account: Account, parameters: Parameters) -> None:
    """Names are unique without regard to case, over all paths."""
    kind, name = _named(parameters)
    entities = _entities(account, kind)
    if _is_taken(name, entities):
        raise already_exists(f"{kind} with name {name} already exists.")
    if len(entities) >= QUOTAS[kind]:
        raise limit_exceeded(f"{kind}sPerAccount", QUOTAS[kind])


@rule("UpdateUser")
def a_users_next_name_is_free(account: Account, parameters: Parameters) -> None:
    """A user may change the case of its own name, and take no other's."""
    _check_rename(account, "User", account.user(parameters["UserName"]), parameters)


@rule("UpdateGroup")
def a_groups_next_name_is_free(account: Account, parameters: Parameters) -> None:
    """A group may change the case of its own name, and take no other's."""
    _check_rename(account, "Group", account.group(parameters["GroupName"]), parameters)


def _check_rename(account: Account, kind: str, entity: Any, parameters: Parameters) -> None:
    name = parameters.get(f"New{kind}Name")
    others = [other for other in _entities(account, kind) if other is not entity]
    if name and _is_taken(name, others):
        raise already_exists(f"{kind} with name {name} already exists.")


def _named(parameters: Parameters) -> tuple[str, str]:
    return next((k, parameters[f"{k}Name"]) for k in QUOTAS if f"{k}Name" in parameters)


def _is_taken(name: str, entities: list[Any]) -> bool:
    lower = name.lower()
    return any(entity.name.lower() == lower for entity in entities)


def _entities(account: Account, kind: str) -> list[Any]:
    if kind == "Policy":
        return account.local_policies
    iam = account.iam
    kinds = {
        "User": iam.users,
        "Group": iam.groups,
        "Role": iam.roles,
        "InstanceProfile": iam.instance_profiles,
    }
    return list(kinds[kind].values())


_TAGGED = ("User", "Role", "Policy", "InstanceProfile", "OpenIDConnectProvider")


@rule(*(f"{verb}{kind}" for verb in ("Create", "Tag") for kind in _TAGGED))
def tags_are_legal(_: Account, parameters: Parameters) -> None:
    """Tag keys differ in more than case, and none begins with ``aws:``.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html
    """
    keys = [tag["Key"].lower() for tag in parameters.get("Tags", [])]
    if len(set(keys)) < len(keys):
        text = "Duplicate tag keys found. Please note that Tag keys are case insensitive."
        raise Refused("InvalidInput", 400, text)
    if any(key.startswith("aws:") for key in keys):
        text = "User-defined tag keys can't start with 'aws:'."
        raise Refused("InvalidInput", 400, text)


@rule("TagUser")
def a_user_has_50_tags_at_most(account: Account, parameters: Parameters) -> None:
    """Those that it has and those that are new."""
    present = account.iam.list_user_tags(account.user(parameters["UserName"]).name)
    keys = {tag["Key"].lower() for tag in [*present, *parameters["Tags"]]}
    if len(keys) > 50:
        raise limit_exceeded("TagsPerUser", 50)
