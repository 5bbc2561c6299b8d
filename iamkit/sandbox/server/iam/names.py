"""Names, and how many of a kind an account may have.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from iamkit.sandbox.server.account import Account
from iamkit.sandbox.server.errors import Refused, already_exists, limit_exceeded
from iamkit.sandbox.server.iam.rules import Parameters, rule


@dataclass(frozen=True)
class Named:
    """A kind of thing whose names are unique without regard to case, over all paths.

    Attributes:
        made_by: the call that makes one.
        parameter: its name in that call.
        most: how many of them an account may have.
        everything: all of them.
        taken: what AWS says when the name is.
        attribute: where one of them has its name.
    """

    made_by: str
    parameter: str
    most: int
    everything: Callable[[Account], Iterable[Any]]
    taken: str
    attribute: str = "name"


NAMED: Mapping[str, Named] = {
    "Users": Named(
        "CreateUser", "UserName", 5_000, lambda a: a.iam.users.values(),
        "User with name {} already exists.",
    ),
    "Groups": Named(
        "CreateGroup", "GroupName", 300, lambda a: a.iam.groups.values(),
        "Group with name {} already exists.",
    ),
    "Roles": Named(
        "CreateRole", "RoleName", 1_000, lambda a: a.iam.roles.values(),
        "Role with name {} already exists.",
    ),
    "Policies": Named(
        "CreatePolicy", "PolicyName", 1_500, lambda a: a.local_policies,
        "A policy called {} already exists. Duplicate names are not allowed.",
    ),
    "InstanceProfiles": Named(
        "CreateInstanceProfile", "InstanceProfileName", 1_000,
        lambda a: a.iam.instance_profiles.values(), "Instance Profile {} already exists.",
    ),
    "ServerCertificates": Named(
        "UploadServerCertificate", "ServerCertificateName", 20,
        lambda a: a.iam.certificates.values(),
        "The Server Certificate with name {} already exists.", "cert_name",
    ),
    "SAMLProviders": Named(
        "CreateSAMLProvider", "Name", 100, lambda a: a.iam.saml_providers.values(),
        "SAMLProvider with name {} already exists.",
    ),
}  # fmt: skip
_RESERVED = ("/aws-reserved/", "/aws-service-role/")
_RENAMED_BY = {"UpdateUser": "Users", "UpdateGroup": "Groups"}
_RENAMED_BY |= {"UpdateServerCertificate": "ServerCertificates"}


def _is_free(quota: str, kind: Named) -> Callable[[Account, Parameters], None]:
    def a_new_name_is_free(account: Account, parameters: Parameters) -> None:
        name, entities = parameters[kind.parameter], list(kind.everything(account))
        if _is_taken(kind, name, entities):
            raise already_exists(kind.taken.format(name))
        if len(entities) >= kind.most:
            raise limit_exceeded(f"{quota}PerAccount", kind.most)

    return a_new_name_is_free


def _may_be_taken(kind: Named) -> Callable[[Account, Parameters], None]:
    def the_next_name_is_free(account: Account, parameters: Parameters) -> None:
        """It may differ from its own in case, and be no other's."""
        name = parameters.get(f"New{kind.parameter}")
        own = parameters[kind.parameter]
        others = [o for o in kind.everything(account) if getattr(o, kind.attribute) != own]
        if name and _is_taken(kind, name, others):
            raise already_exists(kind.taken.format(name))

    return the_next_name_is_free


for _quota, _kind in NAMED.items():
    rule(_kind.made_by)(_is_free(_quota, _kind))
for _action, _which in _RENAMED_BY.items():
    rule(_action)(_may_be_taken(NAMED[_which]))


@rule("CreateUser", "CreateGroup", "CreateRole", "CreatePolicy", "CreateInstanceProfile")
def a_path_is_not_awss_own(_: Account, parameters: Parameters) -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html."""
    if parameters.get("Path", "/").startswith(_RESERVED):
        text = f"The path {parameters['Path']} is reserved for use by AWS."
        raise Refused("InvalidInput", 400, text)


def _is_taken(kind: Named, name: str, entities: Iterable[Any]) -> bool:
    lower = name.lower()
    return any(getattr(one, kind.attribute, "").lower() == lower for one in entities)
