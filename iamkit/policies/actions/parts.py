"""What there is to choose from for a policy, and what each part of what is chosen comes to."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from iamkit.policies.actions.builder import (
    LEVEL_OF,
    Choice,
    Verb,
    actions_of_verb,
    chosen_actions,
    resource_types,
)
from iamkit.policies.actions.catalogue import Catalogue, resource_arns, union
from iamkit.text import few, listed


@dataclass(frozen=True)
class Contribution:
    """What a service has in a part.

    Attributes:
        service: its prefix.
        title: its name.
        actions: how many actions of it the part allows on something.
        why: if there are none, why not; else empty.
    """

    service: str
    title: str
    actions: int
    why: str = ""

    def __str__(self) -> str:
        if self.why:
            return f"{self.title} contributes nothing: {self.why}."
        return f"{self.title}: {_count(self.actions)}"


@dataclass(frozen=True)
class PartTold:
    """What one part of a policy comes to.

    Attributes:
        chosen: how many actions are chosen, whatever they can be limited to.
        contributions: of its services, those of single actions included.
        verbs: how many actions each verb has in its services.
        kinds: the types of things to which what is chosen can be limited, with how many actions.
        left_out: the chosen actions that are about none of the chosen things, in a sentence; empty
            if there are none.
        widening: the type of thing that would take in most of those that are left out, if any does.
    """

    chosen: int
    contributions: tuple[Contribution, ...]
    verbs: Mapping[Verb, int]
    kinds: Mapping[str, int]
    left_out: str = ""
    widening: str = ""


def offered_services(
    catalogue: Catalogue, first: Sequence[str] = ()
) -> list[tuple[str, str, list[str]]]:
    """All services: their prefixes, their names and the types of their things.

    Who has few things is known by them, so that a search for one of them means it first of all.

    Args:
        catalogue: of AWS's actions.
        first: prefixes of services that come before all others.
    """
    titles = catalogue.titles

    def place(service: str) -> tuple[int, str]:
        return len(resource_arns(service)) or len(titles), titles[service].lower()

    order = [*first, *sorted(set(titles) - set(first), key=place)]
    return [(service, titles[service], list(resource_arns(service))) for service in order]


def tell_part(choice: Choice, catalogue: Catalogue) -> PartTold:
    """What a part comes to, and where something of it would vanish, why.

    Raises:
        InputError: a service or an action is unknown.
    """
    mask = chosen_actions(choice, catalogue)
    services = list(dict.fromkeys([*choice.services, *(s for s, _ in catalogue.by_service(mask))]))
    types = resource_types(services, mask, catalogue)
    chosen = {text.split(" ", 1)[0] for text in choice.resources}
    granted = union(types.get(kind, 0) for kind in chosen) if chosen else mask
    left = mask & ~granted
    return PartTold(
        mask.bit_count(),
        tuple(_contributions(choice, services, mask, granted, catalogue)),
        {
            verb: sum(
                actions_of_verb(verb, catalogue.of_service(s), catalogue).bit_count()
                for s in services
            )
            for verb in LEVEL_OF
        },
        {kind: found.bit_count() for kind, found in types.items()},
        _say_left_out(left, mask, catalogue),
        _widening(left, types),
    )


def split_services(choice: Choice) -> list[dict[str, Any]]:
    """A part cut into one for each service, which together allow what it allows.

    A service none of whose actions are about the things that are chosen has no verb afterwards:
    without things of its own it would allow more than before.

    Returns:
        What differs from the part: ``do``, ``services``, ``actions`` and ``resources``.
    """
    singles = dict.fromkeys(action.partition(":")[0].lower() for action in choice.actions)
    parts = []
    for service in dict.fromkeys([*choice.services, *singles]):
        things = [text for text in choice.resources if text.partition(":")[0] == service]
        idle = bool(choice.resources) and not things
        own = [action for action in choice.actions if action.lower().startswith(f"{service}:")]
        parts.append(
            {
                "do": [] if idle or service not in choice.services else list(choice.do),
                "services": [service],
                "actions": [] if idle else own,
                "resources": things,
            }
        )
    return parts


def _contributions(
    choice: Choice, services: Collection[str], mask: int, granted: int, catalogue: Catalogue
) -> Iterator[Contribution]:
    for service in services:
        title = catalogue.titles[service]
        own = catalogue.of_service(service)
        if granted & own:
            yield Contribution(service, title, (granted & own).bit_count())
        elif mask & own:
            things = listed(list(dict.fromkeys(t.split(" ", 1)[0] for t in choice.resources)))
            why = f"none of what is chosen of it can be limited to {things}"
            yield Contribution(service, title, 0, why)
        elif choice.do:
            why = f"it has nothing to {listed(list(choice.do))}"
            yield Contribution(service, title, 0, why)
        else:
            yield Contribution(service, title, 0, "no verb is switched on yet")


def _say_left_out(left: int, mask: int, catalogue: Catalogue) -> str:
    if not left:
        return ""
    names = [name.partition(":")[2] for name in catalogue.named(left)]
    return (
        f"{left.bit_count()} of {_count(mask.bit_count())} are left out, as they are about none of "
        f"the things that are chosen: {few(names, 3)}."
    )


def _widening(left: int, types: Mapping[str, int]) -> str:
    kind = max(types, key=lambda kind: (types[kind] & left).bit_count(), default="")
    return kind if kind and types[kind] & left else ""


def _count(actions: int) -> str:
    return f"{actions:,} action{'' if actions == 1 else 's'}"
