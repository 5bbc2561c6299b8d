"""Tags, of all that has them.

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from moto.core.responses import ActionResult, EmptyResult

from iamkit.sandbox.server.account import Account
from iamkit.sandbox.server.errors import Refused, limit_exceeded
from iamkit.sandbox.server.iam import existing
from iamkit.sandbox.server.iam.base import IamAnswers
from iamkit.sandbox.server.iam.rules import Parameters, rule
from iamkit.sandbox.server.moto_patches import SandboxUser

Tags = list[dict[str, str]]
MOST = 50


@dataclass(frozen=True)
class Tagged:
    """A kind of thing that has tags.

    Attributes:
        parameter: what names one of them.
        find: finds it by that.
        made_by: the call that makes one and may bring tags.
        by_case: whether keys that differ in case alone are two keys.
    """

    parameter: str
    find: Callable[[Account, str], Any]
    made_by: str
    by_case: bool = True


TAGGED: Mapping[str, Tagged] = {
    "User": Tagged("UserName", Account.user, "CreateUser", by_case=False),
    "Role": Tagged("RoleName", Account.role, "CreateRole", by_case=False),
    "Policy": Tagged("PolicyArn", existing.policy, "CreatePolicy"),
    "InstanceProfile": Tagged(
        "InstanceProfileName", existing.instance_profile, "CreateInstanceProfile"
    ),
    "MFADevice": Tagged("SerialNumber", existing.mfa_device, "CreateVirtualMFADevice"),
    "OpenIDConnectProvider": Tagged(
        "OpenIDConnectProviderArn", existing.oidc_provider, "CreateOpenIDConnectProvider"
    ),
    "SAMLProvider": Tagged("SAMLProviderArn", existing.saml_provider, "CreateSAMLProvider"),
    "ServerCertificate": Tagged(
        "ServerCertificateName", existing.server_certificate, "UploadServerCertificate"
    ),
}
_MADE_BY = {kind.made_by: kind for kind in TAGGED.values()}


def tags_of(account: Account, thing: Any) -> Tags:
    """The tags of a thing, in the order in which they were given."""
    if isinstance(thing, SandboxUser):
        return list(account.iam.tagger.list_tags_for_resource(thing.arn)["Tags"])
    tags = getattr(thing, "tags", None) or []
    return list(tags.values() if isinstance(tags, dict) else tags)


def set_tags(account: Account, thing: Any, tags: Tags) -> None:
    """Let a thing have these tags and no others."""
    if isinstance(thing, SandboxUser):
        account.iam.tagger.delete_all_tags_for_resource(thing.arn)
        account.iam.tagger.tag_resource(thing.arn, tags)
    elif isinstance(getattr(thing, "tags", None), dict):
        thing.tags = {tag["Key"]: tag for tag in tags}
    else:
        thing.tags = tags


@rule(*_MADE_BY, *(f"Tag{kind}" for kind in TAGGED))
def tags_are_legal(_: Account, parameters: Parameters) -> None:
    """None begins with ``aws:``, which is AWS's own."""
    if any(tag["Key"].lower().startswith("aws:") for tag in parameters.get("Tags", [])):
        text = "User-defined tag keys can't start with 'aws:'."
        raise Refused("InvalidInput", 400, text)


def _is_given_once(kind: Tagged) -> Callable[[Account, Parameters], None]:
    def each_key_is_given_once(_: Account, parameters: Parameters) -> None:
        keys = [_key(kind, tag["Key"]) for tag in parameters.get("Tags", [])]
        if len(set(keys)) < len(keys):
            text = "Duplicate tag keys found. Please note that Tag keys are case insensitive."
            raise Refused("InvalidInput", 400, text)

    return each_key_is_given_once


def _has_room(name: str, kind: Tagged) -> Callable[[Account, Parameters], None]:
    def a_thing_has_50_tags_at_most(account: Account, parameters: Parameters) -> None:
        present = tags_of(account, kind.find(account, parameters[kind.parameter]))
        keys = {_key(kind, tag["Key"]) for tag in [*present, *parameters["Tags"]]}
        if len(keys) > MOST:
            raise limit_exceeded(f"TagsPer{name}", MOST)

    return a_thing_has_50_tags_at_most


for _name, _kind in TAGGED.items():
    rule(_kind.made_by, f"Tag{_name}")(_is_given_once(_kind))
    rule(f"Tag{_name}")(_has_room(_name, _kind))


def _key(kind: Tagged, key: str) -> str:
    return key if kind.by_case else key.lower()


class TagAnswers(IamAnswers):
    """The calls about tags, which are the same for every kind."""

    def _about(self) -> tuple[Tagged, Any]:
        name = self.call.action.removeprefix("Untag").removeprefix("Tag")
        kind = TAGGED[name.removeprefix("List").removesuffix("Tags")]
        return kind, kind.find(self.account, self._get_param(kind.parameter))

    def _tag(self) -> ActionResult:
        """A tag with the key of one that is there takes its place."""
        kind, thing = self._about()
        tags = {_key(kind, tag["Key"]): tag for tag in tags_of(self.account, thing)}
        for tag in self._get_param("Tags"):
            tags[_key(kind, tag["Key"])] = tag
        set_tags(self.account, thing, list(tags.values()))
        return EmptyResult()

    def _untag(self) -> ActionResult:
        """Keys that are not there are no error."""
        kind, thing = self._about()
        gone = {_key(kind, key) for key in self._get_param("TagKeys")}
        kept = [t for t in tags_of(self.account, thing) if _key(kind, t["Key"]) not in gone]
        set_tags(self.account, thing, kept)
        return EmptyResult()

    def _list_tags(self) -> ActionResult:
        """In the order in which they were given."""
        _, thing = self._about()
        return ActionResult({"Tags": tags_of(self.account, thing)})

    tag_user = tag_role = tag_policy = tag_instance_profile = tag_mfa_device = _tag
    tag_open_id_connect_provider = tag_saml_provider = tag_server_certificate = _tag
    untag_user = untag_role = untag_policy = untag_instance_profile = untag_mfa_device = _untag
    untag_open_id_connect_provider = untag_saml_provider = untag_server_certificate = _untag
    list_user_tags = list_role_tags = list_policy_tags = list_instance_profile_tags = _list_tags
    list_mfa_device_tags = list_open_id_connect_provider_tags = _list_tags
    list_saml_provider_tags = list_server_certificate_tags = _list_tags
