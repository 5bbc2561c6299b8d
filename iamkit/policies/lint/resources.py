"""Rules on ``Resource`` and ``NotResource``: whether actions and resources go together."""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from iamkit.policies.actions.catalogue import Action, resource_arns
from iamkit.policies.grammar.patterns import (
    NO_COLON,
    overlap,
    resource_expression,
    with_any,
)
from iamkit.policies.lint.statement import Part, Remark, Severity, find_covered
from iamkit.text import few

_BUCKET = "arn:${Partition}:s3:::${BucketName}"
_MOST = 3_000
"""Actions of a statement beyond which its resources fit something anyway."""


def find_misfits(part: Part) -> Iterator[Remark]:
    """ARNs that are none of what the statement's actions work on."""
    if not _named(part):
        return
    arns = tuple(sorted({arn for _, actions in _named(part) for a in actions for arn in _arns(a)}))
    for path, resource in part.statement.items("Resource"):
        if not arns or resource == "*" or _is_group(resource):
            continue
        if not any(fits(arn, resource) for arn in arns):
            text = (
                f"{resource} is not what the statement's actions work on, so they find nothing "
                f"there. They work on {_forms(arns)}."
            )
            yield part.remark("resource-of-no-action", "warning", text, path)


def find_idle_actions(part: Part) -> Iterator[Remark]:
    """Actions that work on none of the statement's resources."""
    verb = "allows" if part.statement.allows else "denies"
    items = part.statement.items("Action")
    for (path, pattern), (_, actions) in zip(items, _named(part), strict=False):
        if not actions:
            continue
        arns = {arn for action in actions for arn in _arns(action)}
        if not any(action.resource_types for action in actions):
            text = (
                f'{pattern} cannot be limited to resources: AWS asks for it on "*" alone, so '
                f'this statement {verb} it nowhere. Give it a statement with "Resource": "*".'
            )
            yield part.remark("action-without-resources", "warning", text, path)
        elif arns and not any(fits(arn, r) for arn in arns for r in part.statement.resources):
            text = (
                f"{pattern} works on {_forms(arns)}, and no resource of the statement is of "
                "that form. Add one, or remove the action."
            )
            yield part.remark("action-without-match", "warning", text, path)


def find_not_resource(part: Part) -> Iterator[Remark]:
    """``NotResource`` with ``Allow``, which takes in whatever comes to be."""
    if part.statement.allows and part.statement.not_resource:
        text = (
            "NotResource with Allow allows on every other resource, those to come and those of "
            "other accounts included. Name them in Resource, or use NotResource with Deny."
        )
        yield part.remark("allow-not-resource", "warning", text, "NotResource#")


def find_redundant_resources(part: Part) -> Iterator[Remark]:
    """Resources that another one of the same list covers."""
    for path, text, wider in find_covered(part.statement.items("Resource")):
        if "${" in wider or NO_COLON in resource_expression(wider):
            continue  # its star does not reach as far as it looks
        how = f"is part of {wider}" if wider else "is in the list twice"
        yield part.remark("redundant-resource", "hint", f"{text} {how}; it can be left out.", path)


def find_groups(part: Part) -> Iterator[Remark]:
    """A group's ARN, which does not stand for the users in the group."""
    items = () if part.statement.not_resource else part.statement.items("Resource")
    groups = [item for item in items if _is_group(item[1])]
    of_groups = 0
    for action in part.named("iam:*") if groups else ():
        named = part.catalogue.matching(action.name)
        of_groups |= named if "group" in action.resource_types else 0
    for path, resource in groups if part.mask & ~of_groups else ():
        text = (
            f"{resource} is the group alone and does not reach its users: a policy never takes "
            "hold of users through their group's ARN. Name the users, as in user/team/*, or "
            "attach the policy to the group."
        )
        severity: Severity = "hint" if part.mask & of_groups else "warning"
        yield part.remark("group-as-resource", severity, text, path)


@lru_cache(maxsize=65_536)
def fits(arn: str, resource: str) -> bool:
    """Whether a resource of a policy can be one of a type; what cannot be told does.

    Args:
        arn: the type's, such as ``arn:${Partition}:s3:::${BucketName}``.
        resource: with wildcards and variables.
    """
    if arn == _BUCKET and "/" in resource.partition(":::")[2]:
        return False
    asked = with_any(resource)
    parts, type_parts = asked.split(":", 5), with_any(arn).split(":", 5)
    if len(parts) < len(type_parts):  # a star may reach beyond its colon
        return overlap(":".join(type_parts), asked)
    return all(overlap(a, b) for a, b in zip(type_parts, parts, strict=False))


def _named(part: Part) -> list[tuple[str, Sequence[Action]]]:
    """The patterns of ``Action`` with their actions; none where resources need no look."""
    statement = part.statement
    named = statement.resources and not (statement.not_action or statement.not_resource)
    if not named or statement.everywhere or part.mask.bit_count() > _MOST:
        return []
    return [(pattern, part.named(pattern)) for pattern in statement.actions]


def _arns(action: Action) -> Iterator[str]:
    """The ARNs of an action's resource types; ``*`` for a type that the catalogue has not."""
    known = resource_arns(action.name.partition(":")[0])
    return (known.get(name, "*") for name in action.resource_types)


def _forms(arns: Iterable[str]) -> str:
    """Some ARNs of resource types, shortest first, as a reader may fill them in."""
    return few([arn.replace("${Partition}", "aws") for arn in sorted(arns, key=len)])


def _is_group(resource: str) -> bool:
    return ":iam:" in resource and ":group/" in resource
