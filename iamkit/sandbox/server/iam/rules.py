"""The rules: functions that refuse a call before anything acts on it."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

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


def check_rules(action: str, account: Account, parameters: Parameters) -> None:
    """Ask every rule of an action, in the order in which they were written.

    Raises:
        Refused: by the first that does.
    """
    for check in _RULES[action]:
        check(account, parameters)
