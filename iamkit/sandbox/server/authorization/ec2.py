"""What EC2 asks: about each resource that a call names or makes, and all must be allowed.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from iamkit.policies.actions.catalogue import describe_action, resource_arns
from iamkit.sandbox.server.account import Account
from iamkit.sandbox.server.arns import arn_of, request_tags, tag_keys
from iamkit.sandbox.server.authorization.iam import pass_role
from iamkit.sandbox.server.authorization.question import Question, unknown_keys
from iamkit.sandbox.server.call import Call
from iamkit.sandbox.server.moto_patches import ec2_backend

Resource = tuple[str, str]
"""Its type, such as ``instance``, and its id or name; ``*`` for one yet to be made or chosen."""

_ID = re.compile(r"([a-z]+(?:-[a-z]+)*)-\w+")
_KINDS: Mapping[str, str] = {
    "acl": "network-acl",
    "ami": "image",
    "cgw": "customer-gateway",
    "dopt": "dhcp-options",
    "eigw": "egress-only-internet-gateway",
    "eipalloc": "elastic-ip",
    "eni": "network-interface",
    "fl": "vpc-flow-log",
    "h": "dedicated-host",
    "i": "instance",
    "igw": "internet-gateway",
    "key": "key-pair",
    "lt": "launch-template",
    "nat": "natgateway",
    "pcx": "vpc-peering-connection",
    "pl": "prefix-list",
    "rtb": "route-table",
    "sfr": "spot-fleet-request",
    "sg": "security-group",
    "sgr": "security-group-rule",
    "sir": "spot-instances-request",
    "snap": "snapshot",
    "subnet": "subnet",
    "tgw": "transit-gateway",
    "tgw-attach": "transit-gateway-attachment",
    "tgw-rtb": "transit-gateway-route-table",
    "vgw": "vpn-gateway",
    "vol": "volume",
    "vpc": "vpc",
    "vpce": "vpc-endpoint",
    "vpn": "vpn-connection",
}
"""The resource types by how their ids begin."""
_MADE: Mapping[str, tuple[str, ...]] = {
    "RunInstances": ("instance", "volume"),
    "AllocateAddress": ("elastic-ip",),
    "CopyImage": ("image",),
    "CopySnapshot": ("snapshot",),
    "CreateFlowLogs": ("vpc-flow-log",),
    "CreateNatGateway": ("natgateway",),
    "CreateSnapshots": ("snapshot",),
    "RegisterImage": ("image",),
    "RequestSpotFleet": ("spot-fleet-request",),
    "RequestSpotInstances": ("spot-instances-request",),
}
"""What an action makes, where its name does not tell."""
_CHOSEN: Mapping[str, tuple[str, ...]] = {
    "RunInstances": ("image", "network-interface", "security-group", "subnet"),
}
"""What AWS chooses, or makes, if it is not named."""
_PROSE = re.compile(r"(Tag|Filter|TagSpecification)\.\d+\.|Description$|ClientToken$|UserData$")
_TAG_KEY = re.compile(r"(TagSpecification\.\d+\.)?Tag\.\d+\.Key")
_INDIRECT = ("LaunchTemplateName", "PublicIp", "AssociationId")
"""Parameters that name a thing by way of another."""
_DEFAULT_TYPE = "m1.small"


def asks_of_ec2(call: Call, account: Account) -> Iterator[Question]:
    """What a call of EC2 asks, what it makes first."""
    action = describe_action(f"ec2:{call.action}")
    kinds = () if call.action.startswith("Describe") or action is None else action.resource_types
    if not kinds:
        yield _ask(call, None, "*")
        return
    for resource in _resources(call, kinds) or [None]:
        yield _ask(call, resource, None)
    yield from _tagging(call)
    yield from _passing(call, account)


def _ask(call: Call, resource: Resource | None, otherwise: str | None) -> Question:
    """The question about a resource; about none, the ARN is what it is otherwise."""
    kind, name = resource or ("", "*")
    context: dict[str, Any] = {
        "ec2:Region": call.region,
        "ec2:CreateAction": None,
        **request_tags(_tags(call, kind)),
        **_own_keys(call, kind, name),
    }
    action = f"ec2:{call.action}"
    return Question(
        action=action,
        resource=_arn(call, kind, name) if resource else otherwise,
        context=context,
        unknown=unknown_keys(action, context),
    )


def _arn(call: Call, kind: str, name: str) -> str:
    return arn_of(call.caller.account_id, "ec2", kind, name, call.region)


def _own_keys(call: Call, kind: str, name: str) -> dict[str, Any]:
    """The condition keys of one resource; those of other types are absent."""
    backend = ec2_backend(call)
    by_id = {} if name == "*" else {f"ec2:{kind.title().replace('-', '')}ID": name}
    tags = backend.tags.get(_tagged(backend, kind, name), {})
    return {
        "ec2:KeyPairName": name if kind == "key-pair" else None,
        **_instance_type(call, kind, name),
        **by_id,
        **tag_keys(["aws:ResourceTag", "ec2:ResourceTag"], tags),
    }


def _instance_type(call: Call, kind: str, name: str) -> dict[str, str | None]:
    """``ec2:InstanceType``, unless it stands in a launch template."""
    if kind != "instance":
        return {"ec2:InstanceType": None}
    if name != "*":
        found = ec2_backend(call).get_instance_by_id(name)
        return {"ec2:InstanceType": found.instance_type} if found else {}
    given = call.get("InstanceType")
    if not given and any(parameter.startswith("LaunchTemplate") for parameter in call.parameters):
        return {}
    return {"ec2:InstanceType": given or _DEFAULT_TYPE}


def _tagged(backend: Any, kind: str, name: str) -> str:
    """Under which id the tags of a resource are kept."""
    if kind == "key-pair" and name in backend.key_pairs:
        return str(backend.key_pairs[name].id)
    return name


def _resources(call: Call, kinds: tuple[str, ...]) -> list[Resource | None]:
    """The types and names of what a call makes and names; None for what cannot be told."""
    made = _MADE.get(call.action) or _made_by_name(call.action, kinds)
    named: list[Resource | None] = []
    for parameter, value in call.parameters.items():
        if not _PROSE.search(parameter):
            named += _named(call, kinds, parameter, value)
    present = {found[0] for found in named if found}
    chosen = (kind for kind in _CHOSEN.get(call.action, ()) if kind not in present)
    return list(dict.fromkeys([*((kind, "*") for kind in (*made, *chosen)), *named]))


def _named(
    call: Call, kinds: tuple[str, ...], parameter: str, value: str
) -> Iterator[Resource | None]:
    """The resource that a parameter names, if it names one."""
    found = _ID.fullmatch(value)
    kind = _KINDS.get(found[1], "") if found else ""
    if parameter == "KeyName" and "key-pair" in kinds:
        yield "key-pair", value
    elif parameter == "GroupName" or parameter.startswith("SecurityGroup."):
        yield from _by_group_name(call, kinds, value)
    elif parameter == "Placement.GroupName":
        yield "placement-group", value
    elif kind == "key-pair":
        pairs = ec2_backend(call).key_pairs.values()
        yield next(((kind, pair.key_name) for pair in pairs if pair.id == value), None)
    elif kind in kinds:
        yield kind, value
    elif parameter.startswith("ResourceId") or parameter.endswith(_INDIRECT):
        yield None


def _by_group_name(call: Call, kinds: tuple[str, ...], name: str) -> Iterator[Resource | None]:
    """A security group, or a placement group, by its name; one yet to be made has no id."""
    if "placement-group" in kinds and "security-group" not in kinds:
        yield "placement-group", name
    elif "security-group" in kinds and call.action != "CreateSecurityGroup":
        group = ec2_backend(call).get_security_group_from_name(name)
        yield ("security-group", group.id) if group else None


def _made_by_name(action: str, kinds: tuple[str, ...]) -> tuple[str, ...]:
    """``CreateSecurityGroup`` makes a ``security-group``."""
    if not action.startswith("Create"):
        return ()
    kind = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", action.removeprefix("Create")).lower()
    named_at_once = ("key-pair", "placement-group")
    return (kind,) if kind in kinds and kind not in named_at_once else ()


def _tags(call: Call, kind: str) -> dict[str, str]:
    """The tags that a call brings for resources of a type."""
    found = {}
    for name, key in call.parameters.items():
        if match := _TAG_KEY.fullmatch(name):
            of_kind = call.get(f"{match[1]}ResourceType") if match[1] else kind
            if of_kind == kind:
                found[key] = call.get(f"{name.removesuffix('Key')}Value")
    return found


def _tagging(call: Call) -> Iterator[Question]:
    """Who makes a thing with tags must be allowed to tag such things.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/supported-iam-actions-tagging.html
    """
    for name, kind in call.parameters.items():
        if re.fullmatch(r"TagSpecification\.\d+\.ResourceType", name):
            context = {
                "ec2:CreateAction": call.action,
                "ec2:Region": call.region,
                **request_tags(_tags(call, kind)),
            }
            known = kind in resource_arns("ec2")
            arn = _arn(call, kind, "*") if known else None
            yield Question(action="ec2:CreateTags", resource=arn, context=context)


def _passing(call: Call, account: Account) -> Iterator[Question]:
    """Who gives an instance a role must be allowed to pass the role."""
    given = {v for name, v in call.parameters.items() if "IamInstanceProfile." in name}
    for profile in account.iam.instance_profiles.values():
        if given & {profile.name, profile.arn}:
            for role in profile.roles:
                yield pass_role(account, role.name, "ec2.amazonaws.com")
