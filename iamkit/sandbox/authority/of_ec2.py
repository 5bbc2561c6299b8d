"""What EC2 asks: about each resource that a call names or makes, and all must be allowed.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from iamkit.policies.catalogue import describe_action
from iamkit.sandbox.account import Account
from iamkit.sandbox.authority.arns import arn_of, request_tags, tag_keys
from iamkit.sandbox.authority.ask import Ask
from iamkit.sandbox.authority.of_iam import pass_role
from iamkit.sandbox.call import Call
from iamkit.sandbox.seams import ACCOUNT_ID, ec2_backend

_ID = re.compile(r"([a-z]+(?:-[a-z]+)*)-[0-9a-f]{8,17}")
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
    "RunInstances": (
        "instance",
        "image",
        "network-interface",
        "security-group",
        "subnet",
        "volume",
    ),
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
"""What an action makes, or AWS chooses if it is not named, where the action does not tell."""
_PROSE = re.compile(r"(Tag|Filter|TagSpecification)\.\d+\.|Description$|ClientToken$|UserData$")


def asks_of_ec2(call: Call, account: Account) -> Iterator[Ask]:
    """What a call of EC2 asks, what it makes first."""
    name = f"ec2:{call.action}"
    action = describe_action(name)
    kinds = () if call.action.startswith("Describe") or action is None else action.resource_types
    keys = frozenset(action.condition_keys) if action else frozenset()
    if not kinds:
        yield _ask(call, name, None, keys)
        return
    for resource in _resources(call, kinds) or [None]:
        yield _ask(call, name, resource, keys, has_kinds=True)
    yield from _tagging(call)
    yield from _passing(call, account)


def _ask(
    call: Call,
    action: str,
    resource: tuple[str, str] | None,
    keys: frozenset[str],
    *,
    has_kinds: bool = False,
) -> Ask:
    """The question about a resource of a type and name, or about none."""
    context: dict[str, Any] = {"ec2:Region": call.region, **request_tags(_tags(call))}
    kind, name = resource or ("", "*")
    arn = arn_of("ec2", kind, name, call.region) if resource else None if has_kinds else "*"
    context |= _own_keys(call, kind, name)
    given = {key.lower() for key in context}
    unknown = {key for key in keys if key.startswith("ec2:") and "$" not in key}
    return Ask(
        action=action,
        resource=arn,
        context=context,
        unknown=frozenset(key for key in unknown if key.lower() not in given),
    )


def _own_keys(call: Call, kind: str, name: str) -> dict[str, Any]:
    """The condition keys of one resource; those of other types are absent."""
    backend = ec2_backend(call.region)
    instance = kind == "instance"
    known = backend.get_instance_by_id(name) if instance and name != "*" else None
    instance_type = known.instance_type if known else call.get("InstanceType") or None
    by_id = {} if name == "*" else {f"ec2:{kind.title().replace('-', '')}ID": name}
    tags = backend.tags.get(_tagged(backend, kind, name), {})
    return {
        "ec2:InstanceType": instance_type if instance else None,
        "ec2:KeyPairName": name if kind == "key-pair" else None,
        **by_id,
        **tag_keys(["aws:ResourceTag", "ec2:ResourceTag"], tags),
    }


def _tagged(backend: Any, kind: str, name: str) -> str:
    """Under which id the tags of a resource are kept."""
    if kind == "key-pair" and name in backend.keypairs:
        return str(backend.keypairs[name].id)
    return name


def _resources(call: Call, kinds: tuple[str, ...]) -> list[tuple[str, str] | None]:
    """The types and names of what a call makes and names; None for what cannot be told."""
    made = _MADE.get(call.action) or _made_by_name(call.action, kinds)
    named: list[tuple[str, str] | None] = []
    for parameter, value in call.parameters.items():
        if not _PROSE.search(parameter):
            named += _named(call, kinds, parameter, value, made)
    present = {found[0] for found in named if found}
    new = [(kind, "*") for kind in made if kind not in present and kind in kinds]
    return list(dict.fromkeys([*new, *named]))


def _named(
    call: Call, kinds: tuple[str, ...], parameter: str, value: str, made: tuple[str, ...]
) -> Iterator[tuple[str, str] | None]:
    """The resource that a parameter names, if it names one."""
    if (found := _ID.fullmatch(value)) and (kind := _KINDS.get(found[1])) in kinds:
        yield str(kind), value
    elif parameter == "KeyName" and "key-pair" in kinds:
        yield "key-pair", value
    elif _is_group_name(parameter) and "security-group" in kinds and "security-group" not in made:
        group = ec2_backend(call.region).get_security_group_from_name(value)
        yield ("security-group", group.id) if group else None
    elif parameter in ("GroupName", "Placement.GroupName") and "placement-group" in kinds:
        yield "placement-group", value
    elif parameter in ("LaunchTemplate.LaunchTemplateName", "LaunchTemplateName", "PublicIp"):
        yield None


def _is_group_name(parameter: str) -> bool:
    return parameter == "GroupName" or parameter.startswith("SecurityGroup.")


def _made_by_name(action: str, kinds: tuple[str, ...]) -> tuple[str, ...]:
    """``CreateSecurityGroup`` makes a ``security-group``."""
    if not action.startswith("Create"):
        return ()
    kind = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", action.removeprefix("Create")).lower()
    return (kind,) if kind in kinds and kind != "key-pair" else ()


def _tags(call: Call) -> dict[str, str]:
    """All tags that a call brings, whatever they are for."""
    found = {}
    for name, key in call.parameters.items():
        if re.fullmatch(r"(TagSpecification\.\d+\.)?Tag\.\d+\.Key", name):
            found[key] = call.get(f"{name.removesuffix('Key')}Value")
    return found


def _tagging(call: Call) -> Iterator[Ask]:
    """Who makes a thing with tags must be allowed to tag such things.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/supported-iam-actions-tagging.html
    """
    for name, kind in call.parameters.items():
        if re.fullmatch(r"TagSpecification\.\d+\.ResourceType", name):
            context = {
                "ec2:CreateAction": call.action,
                "ec2:Region": call.region,
                **request_tags(_tags(call)),
            }
            arn = f"arn:aws:ec2:{call.region}:{ACCOUNT_ID}:{kind}/*"
            yield Ask(action="ec2:CreateTags", resource=arn, context=context)


def _passing(call: Call, account: Account) -> Iterator[Ask]:
    """Who gives an instance a role must be allowed to pass the role."""
    given = (call.get("IamInstanceProfile.Name"), call.get("IamInstanceProfile.Arn"))
    for profile in account.iam.instance_profiles.values():
        if profile.name == given[0] or profile.arn == given[1]:
            for role in profile.roles:
                yield pass_role(account, role.name, "ec2.amazonaws.com")
