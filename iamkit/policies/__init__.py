"""Policy documents: parse them strictly, check, compare, build and measure them."""

from iamkit.policies.grammar.build import allow, policy
from iamkit.policies.grammar.document import (
    check_policy,
    count_characters,
    parse_policy,
    same_policy,
)

__all__ = [
    "allow",
    "check_policy",
    "count_characters",
    "parse_policy",
    "policy",
    "same_policy",
]
