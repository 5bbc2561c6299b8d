"""ARNs of what is in the account, by the catalogue's patterns, and the tags of what they name."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from iamkit.policies.actions.catalogue import resource_arns

_PLACE = re.compile(r"\$\{\w+\}")


def arn_of(account_id: str, service: str, kind: str, name: str, region: str = "") -> str:
    """The ARN of a resource, such as ``arn:aws:iam::000000000000:user/team/alice``.

    Args:
        account_id: whose the resource is.
        service: such as ``iam``.
        kind: one of the catalogue's resource types of the service.
        name: what stands in the place of its name: with its path, or ``*`` for one yet to be made.
        region: where the resource is, if it is in one.
    """
    pattern = resource_arns(service)[kind]
    places = {"${Partition}": "aws", "${Account}": account_id, "${Region}": region}
    return _PLACE.sub(lambda found: places.get(found[0], name), pattern)


def tag_keys(prefixes: Iterable[str], tags: Mapping[str, str]) -> dict[str, Any]:
    """Tags as context keys, such as ``aws:ResourceTag/team``."""
    return {f"{prefix}/{key}": value for prefix in prefixes for key, value in tags.items()}


def request_tags(tags: Mapping[str, str]) -> dict[str, Any]:
    """The tags that a call brings, as context keys; ``aws:TagKeys`` is absent without any."""
    return {**tag_keys(["aws:RequestTag"], tags), "aws:TagKeys": list(tags) or None}


def listed_tags(tags: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Tags by key, from AWS's list of keys and values."""
    return {tag.get("Key", ""): tag.get("Value", "") for tag in tags}
