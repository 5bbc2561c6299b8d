"""The rules: functions that refuse a call before anything acts on it."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from moto.core.utils import get_service_model

from iamkit.sandbox.server.account import Account

Parameters = Mapping[str, Any]
Rule = Callable[[Account, Parameters], None]

_RULES: dict[str, list[Rule]] = defaultdict(list)


def rule(*actions: str) -> Callable[[Rule], Rule]:
    """Register a function that raises `Refused` as a rule of some actions."""

    def register(function: Rule) -> Rule:
        for action in actions:
            _RULES[action].append(function)
        return function

    return register


def fails_with(code: str) -> list[str]:
    """The actions of which the API's model says that they fail with a code."""
    model = get_service_model("iam")
    operations = map(model.operation_model, model.operation_names)
    return [
        operation.name
        for operation in operations
        if any(
            shape.metadata.get("error", {}).get("code") == code for shape in operation.error_shapes
        )
    ]


def check_rules(action: str, account: Account, parameters: Parameters) -> None:
    """Ask every rule of an action, in the order in which they were written.

    Raises:
        Refused: by the first that does.
    """
    for check in _RULES[action]:
        check(account, parameters)
