"""Rules on ``Action`` and ``NotAction``: what AWS has not, and what is said twice."""

import re
from collections.abc import Iterator

from iamkit.policies.grammar.patterns import covers, is_pattern
from iamkit.policies.lint.statement import Part, Remark, did_you_mean


def find_unknown_actions(part: Part) -> Iterator[Remark]:
    """Services and actions that AWS has not, and wildcards that match none."""
    known = part.catalogue
    for path, pattern in part.statement.items("Action"):
        service, _, name = pattern.partition(":")
        if known.matching(pattern):
            continue
        if service.lower() not in known.services:
            meant = did_you_mean(service, known.services)
            text = f"AWS has no service {service!r}, so {pattern} means nothing.{meant}"
            yield part.remark("unknown-service", "error", text, path)
        elif is_pattern(name):
            title = known.titles.get(service.lower(), service)
            text = f"{pattern} matches no action of {title}. Correct it or remove it."
            yield part.remark("wildcard-without-action", "warning", text, path)
        else:
            text = f"AWS has no action {pattern}.{_meant(part, service.lower(), name)}"
            yield part.remark("unknown-action", "error", text, path)


def _meant(part: Part, service: str, name: str) -> str:
    """The action of the service that looks alike, or one of the same name elsewhere."""
    first, end = part.catalogue.services[service]
    names = tuple(a.partition(":")[2] for a in part.catalogue.actions[first:end])
    close = did_you_mean(name, names)
    if close:
        return close.replace("mean ", f"mean {service}:")
    elsewhere = part.catalogue.named(part.catalogue.matching(f"*:{name}"))
    return f" Did you mean {' or '.join(elsewhere)}?" if 0 < len(elsewhere) <= 3 else ""


def find_redundant_actions(part: Part) -> Iterator[Remark]:
    """Actions that another one of the same list names already."""
    items = list(part.statement.items("Action"))
    wide = [(p, p.lower(), re.split("[*?]", p.lower())[0]) for _, p in items if is_pattern(p)]
    seen = set[str]()
    for path, pattern in items:
        lowered = pattern.lower()
        other = pattern if lowered in seen else _wider(lowered, wide)
        seen.add(lowered)
        if other:
            how = "is in the list twice" if other == pattern else f"is part of {other}"
            text = f"{pattern} {how}; it can be left out."
            yield part.remark("redundant-action", "hint", text, path)


def _wider(action: str, wide: list[tuple[str, str, str]]) -> str:
    """A pattern that covers an action and is not the same; each comes with its beginning."""
    for pattern, lowered, head in wide:
        if action.startswith(head) and lowered != action and covers(lowered, action):
            return pattern
    return ""


def find_not_action(part: Part) -> Iterator[Remark]:
    """``NotAction`` with ``Allow``, which grows with every service that AWS adds."""
    if part.statement.allows and part.statement.not_action:
        text = (
            "NotAction with Allow allows every other action of AWS, those of services to come "
            "included. Name what is to be allowed in Action, or use NotAction with Deny."
        )
        yield part.remark("allow-not-action", "warning", text, "NotAction#")


def find_old_version(part: Part) -> Iterator[Remark]:
    """Policy variables in a version that takes them for plain text."""
    if part.statement.version != "2008-10-17":
        return
    for path, text in part.texts(every=True):
        if "${" in text:
            message = (
                f"In Version 2008-10-17, {text!r} is plain text and no variable. Write "
                '"Version": "2012-10-17".'
            )
            yield part.remark("variable-in-old-version", "error", message, path)
