"""Rules on ``Action`` and ``NotAction``: what AWS has not, and what is said twice."""

from collections.abc import Iterator

from iamkit.policies.actions.retired import RETIRED
from iamkit.policies.actions.service_models import has_operation, has_service
from iamkit.policies.grammar.patterns import is_pattern
from iamkit.policies.lint.statement import Part, Remark, did_you_mean, find_covered


def find_unknown_actions(part: Part) -> Iterator[Remark]:
    """Services and actions that AWS has not, and wildcards that match none."""
    known = part.catalogue
    for path, pattern in part.statement.items("Action"):
        service, _, name = pattern.partition(":")
        if known.matching(pattern):
            continue
        if service.lower() in RETIRED:
            text = (
                f"{RETIRED[service.lower()]} ({service}) is a service that AWS has ended, so "
                f"{pattern} means nothing any more. Remove it."
            )
            yield part.remark("retired-service", "warning", text, path)
        elif service.lower() not in known.services:
            yield _unknown_service(part, service, pattern, path)
        elif is_pattern(name):
            title = known.titles.get(service.lower(), service)
            text = f"{pattern} matches no action of {title}. Correct it or remove it."
            yield part.remark("wildcard-without-action", "warning", text, path)
        else:
            yield _unknown_action(part, service, name, path)


def _unknown_service(part: Part, service: str, pattern: str, path: str) -> Remark:
    begin = f"The service {service!r} of {pattern} is not in the catalogue of {part.catalogue.date}"
    if has_service(service):
        text = f"{begin}, though botocore knows one of that name, so what it allows cannot be told."
        return part.remark("not-in-the-catalogue", "warning", text, path)
    text = f"{begin}, and botocore has none.{did_you_mean(service, part.catalogue.services)}"
    return part.remark("unknown-service", "error", text, path)


def _unknown_action(part: Part, service: str, name: str, path: str) -> Remark:
    begin = f"{service}:{name} is not in the catalogue of {part.catalogue.date}"
    meant = _meant(part, service.lower(), name)
    if has_operation(f"{service}:{name}"):
        text = (
            f"{begin}, though botocore has an operation of that name: its action may be newer, or "
            f"be called otherwise.{meant}"
        )
        return part.remark("not-in-the-catalogue", "warning", text, path)
    text = f"{begin}, and botocore has no such operation.{meant}"
    return part.remark("unknown-action", "error", text, path)


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
    items = [(path, text.lower()) for path, text in part.statement.items("Action")]
    written = {text.lower(): text for _, text in part.statement.items("Action")}
    for path, pattern, wider in find_covered(items):
        how = f"is part of {written[wider]}" if wider else "is in the list twice"
        text = f"{written[pattern]} {how}; it can be left out."
        yield part.remark("redundant-action", "hint", text, path)


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
