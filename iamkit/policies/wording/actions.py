"""What a statement's actions are, in words: by service and access level."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter

from iamkit.policies.actions.catalogue import Catalogue, union
from iamkit.policies.actions.dangers import DANGERS, danger_masks
from iamkit.policies.grammar.statements import Statement
from iamkit.policies.wording.phrases import say_list, say_together, title_of
from iamkit.text import listed

_VERBS = {
    "List": "see",
    "Read": "read",
    "Write": "change",
    "Tagging": "tag",
    "Permissions management": "manage access to",
}
_WEIGHT = ("Permissions management", "Write", "Tagging", "Read", "List")
_FEW, _FEW_SERVICES, _MOST_TITLES = 4, 3, 8
_WELL_KNOWN = (
    "iam sts organizations kms secretsmanager ssm s3 dynamodb rds ec2 lambda ecs eks "
    "cloudformation cloudtrail logs sqs sns"
).split()
_WITH_PLACE = ("permissions", "secrets", "data", "deleting")
"""Dangers of which it is said in which services."""
_MOST = 0.8
"""From which share on it is said to be most of a service."""
_ALL = "do everything in {}"
_WITH_OBJECT = {
    "iam:PassRole": ("hand {} to AWS's services", "role"),
    "sts:AssumeRole": ("take on {}", "role"),
    "s3:GetObject": ("read {}", "object"),
    "s3:PutObject": ("write {}", "object"),
    "s3:DeleteObject": ("delete {}", "object"),
}
"""Actions that are said together with the resource, if a statement has no other."""


def say_object(statement: Statement, where: str) -> str:
    """The one action of a statement and its resources in one phrase; empty if it has none.

    Args:
        statement: one with ``Resource`` or, as in a role's trust policy, without.
        where: its resources in words, such as ``on every resource``.
    """
    actions = statement.actions
    named = not (statement.not_action or statement.not_resource)
    if not named or len(actions) != 1 or actions[0] not in _WITH_OBJECT:
        return ""
    phrase, noun = _WITH_OBJECT[actions[0]]
    thing = where.removeprefix("on ").replace("every resource", f"every {noun}")
    if thing and noun not in thing:
        return ""
    return phrase.format(thing or f"this {noun}")


def say_actions(statement: Statement, mask: int, catalogue: Catalogue) -> str:
    """What may be done, or may not, as it stands behind "may".

    Args:
        statement: whose actions they are.
        mask: the actions as bits, in the case of ``NotAction`` those that are left.
        catalogue: of AWS's actions.
    """
    patterns = statement.actions
    if "*" in patterns and not statement.not_action:
        return "do everything in every service"
    if statement.not_action:
        excepted, unnamed = catalogue.everything & ~mask, mask
        whole = f"do everything except {_say_excepted(excepted, statement, catalogue)}"
    else:
        whole = say_mask(mask, patterns, catalogue) or f"use {listed(patterns)}"
        unnamed = _unnamed(mask, patterns, catalogue)
    dangers = say_dangers(unnamed, catalogue) if statement.allows else ""
    return f"{dangers}; in all {whole}" if dangers else whole


def say_dangers(mask: int, catalogue: Catalogue) -> str:
    """What of a set of actions is most dangerous, class by class; empty if nothing is.

    Services are named where the set is of several.
    """
    several = len(dict(catalogue.by_service(mask))) > 1
    found = []
    for name, part in danger_masks(catalogue).items():
        if mask & part:
            services = (service for service, _ in catalogue.by_service(mask & part))
            where = f" in {_say_services_of(services)}" if several and name in _WITH_PLACE else ""
            found.append((where, DANGERS[name]))
    return say_list(
        [
            f"{listed((said for _, said in together), most=len(DANGERS))}{where}"
            for where, together in groupby(found, key=itemgetter(0))
        ]
    )


def _say_services_of(services: Iterable[str]) -> str:
    """Services by name, or how many they are, with those that people know and fear for."""
    known = sorted(services, key=lambda service: (_rank(service), service))
    titles = list(dict.fromkeys(map(title_of, known)))
    if len(titles) <= _MOST_TITLES:
        return listed(titles, most=_MOST_TITLES)
    return f"{len(titles)} services, such as {listed(titles[:_FEW])}"


def _rank(service: str) -> int:
    return _WELL_KNOWN.index(service) if service in _WELL_KNOWN else len(_WELL_KNOWN)


def _unnamed(mask: int, patterns: Sequence[str], catalogue: Catalogue) -> int:
    """The actions of a set that ``say_mask`` does not name one by one."""
    services = _cut(mask, patterns, catalogue)
    if _is_short(mask, patterns, services):
        return union(
            part
            for service, part in services.items()
            if part == catalogue.of_service(service) or not _is_named(part)
        )
    return mask


def _is_short(mask: int, patterns: Sequence[str], services: dict[str, int]) -> bool:
    """Whether each service is spoken of by itself."""
    return mask.bit_count() <= _FEW or len(patterns) <= 1 or len(services) <= _FEW_SERVICES


def _is_named(part: int) -> bool:
    """Whether the actions of a service are few enough to be named."""
    return part.bit_count() <= _FEW


def say_unknown(statement: Statement, catalogue: Catalogue) -> str:
    """What stands in a statement and the catalogue has not; empty if it has all."""
    unknown = [pattern for pattern in statement.actions if not catalogue.matching(pattern)]
    return f"not in the catalogue: {listed(unknown, most=3)}" if unknown else ""


def _say_excepted(mask: int, statement: Statement, catalogue: Catalogue) -> str:
    """Actions as an exception: whole services first."""
    patterns = statement.actions
    services = dict(catalogue.by_service(mask))
    whole = [s for s, part in services.items() if part == catalogue.of_service(s)]
    titles = listed((title_of(service) for service in whole), most=8)
    rest = {service: part for service, part in services.items() if service not in whole}
    left = sum(rest.values())
    said = [f"what belongs to {titles}"] if whole else []
    if rest:
        said.append(say_mask(left, patterns, catalogue))
    return ", and ".join(said) or f"to use {listed(patterns)}"


def say_mask(mask: int, patterns: Sequence[str], catalogue: Catalogue) -> str:
    """A set of actions, as it stands behind "may".

    Args:
        mask: the actions as bits.
        patterns: those of a policy that stand for them.
        catalogue: of AWS's actions.
    """
    services = _cut(mask, patterns, catalogue)
    if _is_short(mask, patterns, services):
        return _join(_say_services(services, patterns, catalogue))
    wholes = [s for s, part in services.items() if part == catalogue.of_service(s)]
    every = "do everything in" if len(wholes) == len(services) else ""
    verbs = every or f"{listed(_verbs(mask, catalogue))} things in"
    said = f"{verbs} {_say_services_of(services)}"
    some = f", and do everything in {listed((title_of(s) for s in wholes), most=4)}"
    return f"{said} ({mask.bit_count():,} actions){some if wholes and not every else ''}"


def _cut(mask: int, patterns: Sequence[str], catalogue: Catalogue) -> dict[str, int]:
    """A set of actions by service, as ``by_service``, sooner where patterns name the services."""
    named = {pattern.partition(":")[0].lower() for pattern in patterns}
    if not named <= catalogue.services.keys():
        return dict(catalogue.by_service(mask))
    parts = {service: mask & catalogue.of_service(service) for service in sorted(named)}
    return {service: part for service, part in parts.items() if part}


def _join(phrases: Iterable[tuple[str, str]]) -> str:
    """Services of which the same is said in one breath."""
    by_phrase: dict[str, list[str]] = {}
    for phrase, title in phrases:
        by_phrase.setdefault(phrase, []).append(title)
    said = [phrase.replace("{}", listed(titles)) for phrase, titles in by_phrase.items()]
    return say_list(said)


def _say_services(
    services: dict[str, int], patterns: Sequence[str], catalogue: Catalogue
) -> Iterator[tuple[str, str]]:
    """For each service a phrase with ``{}`` in place of its title, and the title."""
    for service, part in services.items():
        own = [p for p in patterns if p.lower().startswith(f"{service}:")]
        yield _say_service(service, part, own, catalogue), title_of(service)


def _say_service(service: str, part: int, patterns: Sequence[str], catalogue: Catalogue) -> str:
    if part == catalogue.of_service(service):
        return _ALL
    if _is_named(part):
        return f"{say_together(catalogue.named(part))} in {{}}"
    whole = _whole_levels(service, part, catalogue)
    rest = part & ~union(catalogue.levels[level] for level in whole)
    if not whole:
        return _say_parts(service, rest, patterns, catalogue)
    said = f"{listed(_VERBS[level] for level in whole)} everything in {{}}"
    if not rest:
        return said
    if rest.bit_count() <= _FEW:
        return f"{said} and {say_together(catalogue.named(rest))} there"
    return f"{said} and {_say_parts(service, rest, [], catalogue).replace('{}', 'it')}"


def _say_parts(service: str, rest: int, patterns: Sequence[str], catalogue: Catalogue) -> str:
    """Many actions of a service that are no whole level."""
    count = rest.bit_count()
    possible = union(mask for mask in catalogue.levels.values() if mask & rest)
    possible &= catalogue.of_service(service)
    much = "most" if count >= _MOST * possible.bit_count() else "parts"
    begin = [p.partition(":")[2][:-1] for p in patterns if p.endswith("*")]
    if len(begin) == len(patterns) and 0 < len(begin) <= 3 and not set("".join(begin)) & set("*?"):
        how = f"all that begin with {listed(begin, 'or')}"
    else:
        how = f"such as {say_together(_examples(rest, catalogue))}"
    return f"{listed(_verbs(rest, catalogue))} {much} of {{}} ({count} actions, {how})"


def _examples(mask: int, catalogue: Catalogue) -> list[str]:
    """Two actions: of the two levels that matter most, those with the shortest names."""
    levels = [catalogue.named(mask & catalogue.levels.get(level, 0)) for level in _WEIGHT]
    plain = [sorted(names, key=lambda name: (len(name), name)) for names in levels if names]
    return [names[0] for names in plain[:2]] if len(plain) > 1 else plain[0][:2]


def _whole_levels(service: str, part: int, catalogue: Catalogue) -> list[str]:
    """The access levels of a service that are there from the first action to the last."""
    own = catalogue.of_service(service)
    levels = {level: mask & own for level, mask in catalogue.levels.items()}
    return [level for level, mask in levels.items() if mask.bit_count() > 1 and not mask & ~part]


def _verbs(mask: int, catalogue: Catalogue) -> list[str]:
    return [verb for level, verb in _VERBS.items() if catalogue.levels.get(level, 0) & mask]
