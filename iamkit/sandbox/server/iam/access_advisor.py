"""Which services somebody may call and when they last did, from the calls that were made here.

https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_last-accessed.html
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from moto.core.responses import ActionResult

from iamkit.account.state import JSON
from iamkit.policies.actions.catalogue import load_catalogue
from iamkit.policies.grammar.statements import read_statements
from iamkit.sandbox.server.account import Access, Account
from iamkit.sandbox.server.caller_policies import default_version, read_document
from iamkit.sandbox.server.errors import Refused, no_such_entity
from iamkit.sandbox.server.iam.base import IamAnswers
from iamkit.sandbox.server.iam.report import MAKING
from iamkit.sandbox.server.moto_patches import clock, mock_random
from iamkit.sandbox.server.paging import DEFAULT_ITEMS

_NAMESPACE = re.compile(r"[\w-]*")
_KINDS = ("users", "groups", "roles")


@dataclass
class Job:
    """A report on last accesses, as things were when it was asked for.

    Attributes:
        at: when that was.
        granularity: ``SERVICE_LEVEL`` or ``ACTION_LEVEL``.
        services: those that the policies allow something of, by namespace, with what they are
            called, and who had called each of them.
    """

    at: datetime
    granularity: str
    services: dict[str, tuple[str, list[tuple[Any, Access]]]]


class AccessAdvisorAnswers(IamAnswers):
    """Last accesses, and the policies that grant access to a service."""

    def generate_service_last_accessed_details(self) -> ActionResult:
        """https://docs.aws.amazon.com/IAM/latest/APIReference/API_GenerateServiceLastAccessedDetails.html."""
        number = str(mock_random.uuid4())
        arn = self._get_param("Arn")
        titles, accessed = load_catalogue().titles, self.account.accessed
        services: dict[str, tuple[str, list[tuple[Any, Access]]]] = {}
        granting = {space for policy in self._policies(arn) for space in policy.namespaces}
        for space in sorted(granting):
            who = [
                (one, accessed[one.id][space])
                for one in self._principals(arn)
                if space in accessed.get(one.id, {})
            ]
            services[space] = titles.get(space, space), who
        granularity = self._get_param("Granularity", "SERVICE_LEVEL")
        self.account.jobs[number] = Job(clock.now(), granularity, services)
        return ActionResult({"JobId": number})

    def get_service_last_accessed_details(self) -> ActionResult:
        """https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetServiceLastAccessedDetails.html."""
        job = self._job()
        shown = [_service(space, title, who) for space, (title, who) in job.services.items()]
        return self._part("ServicesLastAccessed", shown, job, JobType=job.granularity)

    def get_service_last_accessed_details_with_entities(self) -> ActionResult:
        """https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetServiceLastAccessedDetailsWithEntities.html."""
        job, space = self._job(), self._get_param("ServiceNamespace")
        if space not in job.services:
            text = f"The service {space} is not one that the report's entity may access."
            raise no_such_entity(text)
        who = job.services[space][1]
        shown = [{"EntityInfo": _entity(o), "LastAuthenticated": a.at} for o, a in who]
        return self._part("EntityDetailsList", shown, job)

    def list_policies_granting_service_access(self) -> ActionResult:
        """A user's groups' policies are among the user's.

        https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListPoliciesGrantingServiceAccess.html
        """
        policies = list(self._policies(self._get_param("Arn")))
        spaces = self._get_param("ServiceNamespaces")
        if not all(_NAMESPACE.fullmatch(space) for space in spaces):
            raise Refused("InvalidInput", 400, "A service namespace has letters, digits and -.")
        found = [
            {
                "ServiceNamespace": space,
                "Policies": [policy.shown for policy in policies if space in policy.namespaces],
            }
            for space in spaces
        ]
        return ActionResult({"PoliciesGrantingServiceAccess": found, "IsTruncated": False})

    def _job(self) -> Job:
        number = self._get_param("JobId")
        job: Job | None = self.account.jobs.get(number)
        if job is None:
            raise no_such_entity(f"Job {number} cannot be found.")
        return job

    def _part(self, name: str, items: list[Any], job: Job, **more: Any) -> ActionResult:
        """The items from the marker on, which is the number of those before."""
        start = int(marker) if (marker := self._get_param("Marker", "0")).isdigit() else 0
        end = start + self._get_param("MaxItems", DEFAULT_ITEMS)
        truncated = end < len(items)
        if clock.now() - job.at < MAKING:
            begun = {"JobStatus": "IN_PROGRESS", "JobCreationDate": job.at, "IsTruncated": False}
            return ActionResult({**begun, name: [], **more})
        shown = {
            "JobStatus": "COMPLETED",
            "JobCreationDate": job.at,
            "JobCompletionDate": job.at + MAKING,
            name: items[start:end],
            "IsTruncated": truncated,
            "Marker": str(end) if truncated else None,
        }
        return ActionResult({**shown, **more})

    def _principals(self, arn: str) -> list[Any]:
        """The users and roles that an ARN is about: one, a group's, or a policy's."""
        iam = self.account.iam
        everyone = [*iam.users.values(), *iam.roles.values()]
        entity = _of_arn(self.account, arn)
        if arn in iam.managed_policies:
            members = {
                u.id for g in iam.groups.values() if arn in g.managed_policies for u in g.users
            }
            return [o for o in everyone if arn in o.managed_policies or o.id in members]
        return list(entity.users) if hasattr(entity, "users") else [entity]

    def _policies(self, arn: str) -> Iterator["_Granting"]:
        iam, entity = self.account.iam, _of_arn(self.account, arn)
        if arn in iam.managed_policies:
            yield _Granting(default_version(entity), {"PolicyName": entity.name})
            return
        kinds = {"users": "USER", "groups": "GROUP", "roles": "ROLE"}
        kind = next(kinds[place] for place in _KINDS if entity in getattr(iam, place).values())
        yield from _granting(kind, entity)
        if kind == "USER":
            for group in self.account.groups_of(entity):
                yield from _granting("GROUP", group)


class _Granting:
    """A policy: its text, and how ListPoliciesGrantingServiceAccess shows it."""

    def __init__(self, text: str, shown: dict[str, Any]) -> None:
        self.shown = shown
        self._document: JSON = read_document(text)

    @property
    def namespaces(self) -> set[str]:
        """The services of which it allows something."""
        catalogue, allowed = load_catalogue(), 0
        for statement in read_statements(self._document):
            if statement.allows:
                allowed |= catalogue.about(statement)
        return {space for space, _ in catalogue.by_service(allowed)}


def _granting(kind: str, entity: Any) -> Iterator[_Granting]:
    for name, text in entity.policies.items():
        whose = {"EntityType": kind, "EntityName": entity.name}
        yield _Granting(text, {"PolicyName": name, "PolicyType": "INLINE", **whose})
    for arn, policy in entity.managed_policies.items():
        shown = {"PolicyName": policy.name, "PolicyType": "MANAGED", "PolicyArn": arn}
        yield _Granting(default_version(policy), shown)


def _of_arn(account: Account, arn: str) -> Any:
    if arn in account.iam.managed_policies:
        return account.iam.managed_policies[arn]
    for place in _KINDS:
        for one in getattr(account.iam, place).values():
            if one.arn == arn:
                return one
    raise no_such_entity(f"ARN {arn} cannot be found.")


def _service(space: str, title: str, who: list[tuple[Any, Access]]) -> dict[str, Any]:
    shown = {
        "ServiceName": title,
        "ServiceNamespace": space,
        "TotalAuthenticatedEntities": len(who),
    }
    if not who:
        return shown
    entity, access = max(who, key=lambda one: one[1].at)
    return {
        **shown,
        "LastAuthenticated": access.at,
        "LastAuthenticatedEntity": entity.arn,
        "LastAuthenticatedRegion": access.region,
    }


def _entity(one: Any) -> dict[str, Any]:
    kind = "ROLE" if ":role/" in one.arn else "USER"
    return {"Arn": one.arn, "Name": one.name, "Type": kind, "Id": one.id, "Path": one.path}
