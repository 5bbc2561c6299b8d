"""Rules on condition keys that a statement's actions do not have, as far as the catalogue knows."""

from collections.abc import Iterable, Iterator

from iamkit.policies.actions.catalogue import Action
from iamkit.policies.grammar.conditions import Test
from iamkit.policies.lint.condition_keys import TAG_KEYS, has_key, is_session_key, type_of
from iamkit.policies.lint.statement import Part, Remark
from iamkit.text import few

_MOST = 400
"""Actions of a statement beyond which some have any key."""


def find_keys_of_no_action(part: Part) -> Iterator[Remark]:
    """Keys that none of the statement's actions has, and actions that lack one they would need.

    https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
    """
    if part.statement.not_action or not 0 < part.mask.bit_count() <= _MOST:
        return
    patterns = list(part.statement.items("Action"))
    for test in part.statement.tests:
        if not _is_of_actions(test.key, part):
            continue
        named = [(path, pattern, part.named(pattern)) for path, pattern in patterns]
        having = [_any_has(actions, test.key) for _, _, actions in named]
        if not any(having):
            yield _of_none(part, test)
        elif part.statement.allows and _needs(test):
            for (path, pattern, actions), has in zip(named, having, strict=True):
                if actions and not has:
                    text = (
                        f"{pattern} has no {test.key} as far as the catalogue knows, so under "
                        "this condition it is never allowed. Give it a statement of its own."
                    )
                    yield part.remark("action-without-key", "warning", text, path)


def _of_none(part: Part, test: Test) -> Remark:
    family = test.key.partition("/")[0]
    actions = few(part.statement.actions)
    if family.lower() in TAG_KEYS:
        text = (
            f"{actions} cannot be told apart by tags: no request for it has {family}, as far as "
            f"the catalogue knows. {_effect(part, test)}"
        )
        return part.remark("unsupported-tag-key", "warning", text, f"{test.path}#")
    text = (
        f"No request for {actions} has {test.key}, as far as the catalogue knows. "
        f"{_effect(part, test)}"
    )
    return part.remark("key-of-no-action", "warning", text, f"{test.path}#")


def _effect(part: Part, test: Test) -> str:
    """What comes of a key that is never there."""
    never = _needs(test)
    what = "allows" if part.statement.allows else "denies"
    if never:
        return f"So the statement {what} nothing. Remove the condition, or name what knows it."
    return f"So the condition always holds, and the statement {what} without it. Remove it."


def _needs(test: Test) -> bool:
    """Whether it never holds without its key."""
    if test.operator is None or test.if_exists or test.quantifier == "ForAllValues:":
        return False
    if test.name == "Null":
        return [value.lower() for value in test.values] == ["false"]
    return not test.operator.negated


def _is_of_actions(key: str, part: Part) -> bool:
    """Whether the catalogue lists for each action if it has a key; of the rest it does not tell."""
    lowered = key.lower()
    if lowered.startswith("aws:"):
        return lowered.partition("/")[0] in TAG_KEYS
    if is_session_key(key):
        return False
    return type_of(key, part.services) not in (None, "unknown")


def _any_has(actions: Iterable[Action], key: str) -> bool:
    return any(has_key(action.name, key) for action in actions)
