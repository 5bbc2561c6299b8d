"""What there is to choose from: the names of things in the account, by their type."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from iamkit.account.state import AccountState
from iamkit.aws.call_errors import CALL_ERRORS, code_of
from iamkit.aws.session import Session

Lister = Callable[[Session, AccountState], list[str]]


def list_things(session: Session, state: AccountState, kind: str) -> tuple[list[str], str]:
    """The names of all things of a type (one of ``LISTERS``), sorted, and why there are none.

    Returns:
        The names as ``choices.arn_of`` takes them, and a note: empty, or why they are not known.
    """
    try:
        return sorted(LISTERS[kind](session, state)), ""
    except CALL_ERRORS as error:
        return [], f"The list of {kind} could not be read: {code_of(error) or 'no answer'}."


def _buckets(session: Session, _: AccountState) -> list[str]:
    reply = session.clients.make("s3").list_buckets()
    return [bucket["Name"] for bucket in reply["Buckets"]]


def _instances(session: Session, _: AccountState) -> list[str]:
    pages = session.clients.make("ec2").get_paginator("describe_instances").paginate()
    return [i["InstanceId"] for p in pages for r in p["Reservations"] for i in r["Instances"]]


def _security_groups(session: Session, _: AccountState) -> list[str]:
    pages = session.clients.make("ec2").get_paginator("describe_security_groups").paginate()
    return [group["GroupId"] for page in pages for group in page["SecurityGroups"]]


def _volumes(session: Session, _: AccountState) -> list[str]:
    pages = session.clients.make("ec2").get_paginator("describe_volumes").paginate()
    return [volume["VolumeId"] for page in pages for volume in page["Volumes"]]


def _with_paths(things: Mapping[str, Any]) -> Iterator[str]:
    return (f"{thing.path}{name}".lstrip("/") for name, thing in things.items())


def _own_policies(_: Session, state: AccountState) -> list[str]:
    own = [policy for policy in state.policies.values() if not policy.is_aws_managed]
    return [f"{policy.path}{policy.name}".lstrip("/") for policy in own]


LISTERS: Mapping[str, Lister] = {
    "s3:object": _buckets,
    "s3:bucket": _buckets,
    "ec2:instance": _instances,
    "ec2:security-group": _security_groups,
    "ec2:volume": _volumes,
    "iam:user": lambda _, state: list(_with_paths(state.users)),
    "iam:group": lambda _, state: list(_with_paths(state.groups)),
    "iam:role": lambda _, state: list(_with_paths(state.roles)),
    "iam:policy": _own_policies,
}
"""By type of thing; to add one, add a function that returns names."""
