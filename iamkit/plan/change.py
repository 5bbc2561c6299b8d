"""One change of a plan: an API call with what it touches, and the same call as a command."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from iamkit.account.state import JSON
from iamkit.plan.desired import Desired, DesiredHolder, Part
from iamkit.plan.operations import OPERATIONS
from iamkit.text import aws_command

Verb = Literal["create", "update", "replace", "delete"]
Kind = Literal["user", "group", "role", "policy", "account alias", "password policy"]


@dataclass(frozen=True, kw_only=True)
class Change:
    """One API call: the boto3 method and its arguments, without any secret.

    Attributes:
        verb: what it does; ``replace`` and ``delete`` are destructive.
        operation: the boto3 method, such as ``create_group``; one of ``OPERATIONS``.
        arguments: its arguments; a policy document is given as an object.
        kind: of what it touches: a user with all that is theirs, a group, a role, a managed
            policy, or the account.
        name: of the user, group, role or policy, or the account's alias.
        origin: the parameter that it comes from; empty for none.
        before: what is there now, where the change would overwrite or remove it and it can be read.
        reason: why, where the arguments do not say it.
        heals: whether it only removes what an interrupted run of ours left behind.
        service: boto3's name of the service.
    """

    verb: Verb
    operation: str
    arguments: JSON
    kind: Kind
    name: str
    origin: str = ""
    before: Any = None
    reason: str = ""
    heals: bool = False
    service: str = "iam"

    @property
    def destructive(self) -> bool:
        """Whether something is lost that people may rely on."""
        return self.verb in ("replace", "delete") and not self.heals

    @property
    def part(self) -> Part:
        """What of the user, group or account it touches."""
        return OPERATIONS[self.operation].part

    @property
    def target(self) -> str:
        """What it touches, in words: ``user alice``."""
        return f"{self.kind} {self.name}"

    @property
    def inverse(self) -> Desired | None:
        """The desired state that takes it back; None if there is none, and ``limit`` why."""
        way_back = OPERATIONS[self.operation].way_back
        return way_back and way_back(self.arguments, self.before)

    @property
    def limit(self) -> str:
        """Why it cannot be taken back, or what would not be as before; empty if all would."""
        limit = OPERATIONS[self.operation].limit
        return limit if isinstance(limit, str) else limit(self.before)

    @property
    def command(self) -> str:
        """The same call as an ``aws`` command that a shell runs as it stands."""
        secret = ' --password "$PASSWORD"' if self.operation == "create_login_profile" else ""
        return aws_command(self.service, self.operation, self.arguments) + secret


@dataclass(frozen=True)
class Subject:
    """What the planner makes changes of.

    Attributes:
        arguments: those that name it in a call.
        origins: by part, the parameter that a change comes from.
    """

    kind: Kind
    name: str
    arguments: JSON
    origins: Mapping[Part, str]

    def change(
        self, verb: Verb, operation: str, before: Any = None, reason: str = "", **arguments: Any
    ) -> Change:
        """A change of it."""
        part = OPERATIONS[operation].part
        return Change(
            verb=verb,
            operation=operation,
            arguments={**self.arguments, **arguments},
            kind=self.kind,
            name=self.name,
            origin=self.origins.get(part, self.origins.get("existence", "")),
            before=before,
            reason=reason,
        )


def holder_subject(
    kind: Literal["user", "group", "role"], name: str, origins: Mapping[Part, str]
) -> Subject:
    """A user, a group or a role, for changes."""
    return Subject(kind, name, {f"{kind.title()}Name": name}, origins)


def subject_of(wanted: DesiredHolder) -> Subject:
    """What is wanted, for changes."""
    return holder_subject(wanted.kind, wanted.name, wanted.origins)
