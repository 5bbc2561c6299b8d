"""From what a person chose to a policy: verbs, services, things by name, conditions by name."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal, Protocol

from iamkit.errors import InputError
from iamkit.policies.actions.catalogue import (
    Catalogue,
    describe_service,
    load_catalogue,
    resource_arns,
    union,
)
from iamkit.policies.actions.dangers import deleting
from iamkit.policies.actions.expansion import shortest_patterns, shrink
from iamkit.policies.grammar.build import policy
from iamkit.text import did_you_mean

Verb = Literal["see", "read", "change", "delete", "tag", "manage access"]
LEVEL_OF: Mapping[Verb, str] = {
    "see": "List",
    "read": "Read",
    "change": "Write",
    "delete": "Write",
    "tag": "Tagging",
    "manage access": "Permissions management",
}
_PLACEHOLDER = re.compile(r"\$\{(\w+)\}")


class Choice(Protocol):
    """What a person chose for one part of a policy; ``parameters.PolicyChoice`` is one."""

    @property
    def do(self) -> Sequence[Verb]:
        """What may be done."""

    @property
    def services(self) -> Sequence[str]:
        """In which services, by their prefixes."""

    @property
    def actions(self) -> Sequence[str]:
        """Single actions beside the verbs."""

    @property
    def resources(self) -> Sequence[str]:
        """Things by type and name, such as ``s3:object reports``; none for everything."""

    @property
    def with_mfa(self) -> bool:
        """Whether only who has signed in with MFA may."""

    @property
    def from_addresses(self) -> Sequence[str]:
        """The networks from which it is allowed; none for all."""

    @property
    def until(self) -> str:
        """The last day; empty for no end."""

    @property
    def tagged(self) -> Mapping[str, str]:
        """The tags that the resource must have."""


@dataclass(frozen=True)
class Place:
    """Where the policy will be: what its ARNs need beside names."""

    account_id: str
    partition: str = "aws"


def build_policy(choices: Iterable[Choice], place: Place) -> dict[str, Any]:
    """The policy that allows what was chosen, and nothing else.

    A choice of things by name becomes a statement for each type of thing, with those of the
    chosen actions that can be limited to it. Actions are drawn together to wildcards that cover
    nothing else today.

    Raises:
        InputError: a service, action or type of thing is unknown, or nothing is left of a choice.
    """
    statements = [s for choice in choices for s in _statements(choice, place, load_catalogue())]
    if not statements:
        raise InputError("Nothing is chosen yet: choose what may be done, and in which service.")
    return shrink(policy(*_with_own_sids(statements)))


def chosen_actions(choice: Choice, catalogue: Catalogue) -> int:
    """The actions of a choice's verbs and its single ones, as bits of the catalogue.

    Raises:
        InputError: a service or an action is unknown.
    """
    mask = union(map(catalogue.known, choice.actions))
    for service in choice.services:
        if service not in catalogue.services:
            hint = did_you_mean(service, catalogue.services) or "."
            raise InputError(f"AWS has no service {service!r}{hint}")
        own = catalogue.of_service(service)
        mask |= union(actions_of_verb(verb, own, catalogue) for verb in choice.do)
    return mask


def resource_types(services: Iterable[str], mask: int, catalogue: Catalogue) -> dict[str, int]:
    """The types of things to which some of the actions can be limited, with those actions.

    Returns:
        By type, such as ``s3:object``, in the order of how many actions know it.
    """
    found: dict[str, int] = {}
    for service in services:
        for key, action in describe_service(service).items():
            bit = catalogue.matching(key) & mask
            for kind in action.resource_types if bit else ():
                name = f"{service}:{kind}"
                found[name] = found.get(name, 0) | bit
    return dict(sorted(found.items(), key=lambda item: -item[1].bit_count()))


def arn_of(kind: str, name: str, place: Place) -> str:
    """The ARN of a thing by its type and name: ``s3:object reports`` is all of that bucket's.

    What has several names is told with slashes; those that are left out are any.

    Raises:
        InputError: AWS has no such type.
    """
    service, _, type_ = kind.partition(":")
    template = resource_arns(service).get(type_)
    if template is None:
        known = [f"{service}:{known}" for known in resource_arns(service)]
        hint = did_you_mean(kind, known) or (f"; it has {', '.join(known)}." if known else ".")
        raise InputError(f"There is no type of thing {kind!r} in AWS's list{hint}")
    own = {"Partition": place.partition, "Account": place.account_id, "Region": "*"}
    asked = [variable for variable in _PLACEHOLDER.findall(template) if variable not in own]
    names = name.split("/", max(len(asked), 1) - 1) if name else []

    def fill(found: re.Match[str]) -> str:
        variable = found[1]
        if variable in own:
            return own[variable]
        return names.pop(0) if names else "*"

    return _PLACEHOLDER.sub(fill, template)


def _statements(choice: Choice, place: Place, catalogue: Catalogue) -> Iterator[dict[str, Any]]:
    mask = chosen_actions(choice, catalogue)
    if not mask:
        return
    if not choice.resources:
        yield _statement(choice, mask, ["*"], "", catalogue)
        return
    things = _things(choice.resources, place)
    services = [service for service, _ in catalogue.by_service(mask)]
    types = resource_types(services, mask, catalogue)
    for kind, arns in things.items():
        fitting = types.get(kind, 0)
        if not fitting:
            raise InputError(
                f"Nothing of what is chosen can be done to {kind}; choose another verb, or one of "
                f"{', '.join(list(types)[:6]) or 'no type at all'}."
            )
        yield _statement(choice, fitting, arns, kind, catalogue)


def _things(resources: Sequence[str], place: Place) -> dict[str, list[str]]:
    """The ARNs of the named things, by their type."""
    found: dict[str, list[str]] = {}
    for text in resources:
        kind, _, name = text.strip().partition(" ")
        found.setdefault(kind, []).append(arn_of(kind, name.strip(), place))
    return {kind: list(dict.fromkeys(arns)) for kind, arns in found.items()}


def _statement(
    choice: Choice, mask: int, arns: list[str], kind: str, catalogue: Catalogue
) -> dict[str, Any]:
    conditions = dict(_conditions(choice))
    return {
        "Sid": _sid(choice, kind),
        "Effect": "Allow",
        "Action": shortest_patterns(mask, catalogue),
        "Resource": arns,
    } | ({"Condition": conditions} if conditions else {})


def _conditions(choice: Choice) -> Iterator[tuple[str, dict[str, Any]]]:
    if choice.with_mfa:
        yield "Bool", {"aws:MultiFactorAuthPresent": "true"}
    if choice.from_addresses:
        yield "IpAddress", {"aws:SourceIp": list(choice.from_addresses)}
    if choice.until:
        day_after = date.fromisoformat(choice.until) + timedelta(days=1)
        yield "DateLessThan", {"aws:CurrentTime": f"{day_after}T00:00:00Z"}
    if choice.tagged:
        tags = {f"aws:ResourceTag/{key}": value for key, value in choice.tagged.items()}
        yield "StringEquals", tags


def actions_of_verb(verb: Verb, actions: int, catalogue: Catalogue) -> int:
    """Those of some actions that a verb means; changing does not delete."""
    mask = actions & catalogue.levels[LEVEL_OF[verb]]
    if verb not in ("change", "delete"):
        return mask
    taking = deleting(catalogue)
    return mask & taking if verb == "delete" else mask & ~taking


def _sid(choice: Choice, kind: str) -> str:
    words = [*choice.do, *((kind,) if kind else choice.services)] if choice.do else [kind]
    words = words if any(words) else [action.partition(":")[2] for action in choice.actions[:2]]
    joined = "".join(
        part.capitalize() for word in words for part in re.findall(r"[A-Za-z0-9]+", word)
    )
    return joined[:60] or "Chosen"


def _with_own_sids(statements: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """A Sid that is taken already gets a number."""
    taken: set[str] = set()
    for statement in statements:
        sid, number = statement["Sid"], 2
        while sid in taken:
            sid, number = f"{statement['Sid']}{number}", number + 1
        taken.add(sid)
        yield statement | {"Sid": sid}
