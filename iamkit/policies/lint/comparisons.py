"""Rules on how conditions compare: what always holds, is said easier, or is not as it looks.

Access Analyzer's checks of the like are listed in
https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-reference-policy-checks.html
"""

from collections.abc import Iterator

from iamkit.policies.grammar.conditions import Test
from iamkit.policies.grammar.patterns import covers, is_pattern
from iamkit.policies.lint.condition_keys import type_of
from iamkit.policies.lint.statement import Part, Remark

_ANY_ARN = ("*", "arn:*", "arn:*:*:*:*:*")


def find_equivalents_of_null(part: Part) -> Iterator[Remark]:
    """Comparisons with anything: they ask whether the key is there, or they ask nothing.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_Null
    """
    for test in part.statement.tests:
        if test.operator is None or not _takes_anything(test):
            continue
        negated = test.operator.negated
        if test.quantifier == "ForAllValues:" and not negated:
            holds = "whatever the request has" if not test.if_exists else "always"
            text = f"{test.written} with {test.values[0]!r} holds {holds}. Remove it."
            yield part.remark("condition-always-holds", "warning", text, f"{test.path}#")
        elif test.if_exists and not negated:
            text = (
                f"{test.written} with {test.values[0]!r} holds with {test.key} and without it. "
                "Remove it, or leave IfExists out."
            )
            yield part.remark("condition-always-holds", "warning", text, f"{test.path}#")
        elif test.quantifier == "ForAnyValue:" and negated:
            text = f"{test.written} with {test.values[0]!r} never holds. Remove or correct it."
            yield part.remark("condition-never-holds", "warning", text, f"{test.path}#")
        else:
            truth = "true" if negated else "false"
            text = (
                f"{test.written} with {test.values[0]!r} asks only whether {test.key} is "
                f'{"absent" if negated else "there"}; "Null": {{"{test.key}": "{truth}"}} says so.'
            )
            yield part.remark("equivalent-to-null", "hint", text, f"{test.path}#")


def _takes_anything(test: Test) -> bool:
    """Whether one of its values matches any text, or any ARN."""
    if test.name.startswith("Arn"):
        return any(value in _ANY_ARN for value in test.values)
    return "Like" in test.name and any(value and not value.strip("*") for value in test.values)


def find_literal_wildcards(part: Part) -> Iterator[Remark]:
    """Wildcards behind an operator to which ``*`` and ``?`` are plain letters."""
    for test in part.statement.tests:
        if not test.name.startswith("String") or "Like" in test.name:
            continue
        for path, value in part.statement.values(test):
            bare = value.replace("${*}", "").replace("${?}", "") if test.variables else value
            if is_pattern(bare):
                like = test.written.replace("EqualsIgnoreCase", "Equals").replace("Equals", "Like")
                text = (
                    f"{test.written} takes the * or ? in {value!r} for a plain letter. Write "
                    f"{like} if it should stand for others."
                )
                yield part.remark("wildcard-without-like", "warning", text, path)


def find_string_operators(part: Part) -> Iterator[Remark]:
    """Operators for texts on keys whose values are ARNs, or true or false."""
    for test in part.statement.tests:
        kind = (type_of(test.key, part.services) or "").removeprefix("ArrayOf")
        if not test.name.startswith("String") or kind not in ("ARN", "Bool"):
            continue
        negated = test.operator is not None and test.operator.negated
        if kind == "Bool":
            text = (
                f"{test.key} is true or false, and {test.written} minds capitals. Write Bool, "
                f"{'with the other value' if negated else 'which does not'}."
            )
            yield part.remark("string-operator-on-bool", "warning", text, f"{test.path}#")
        elif "Like" in test.name and any(is_pattern(value) for value in test.values):
            text = (
                f"{test.key} is an ARN, and a * of {test.written} goes beyond its colons: it may "
                f"match another account's. Write {'ArnNotLike' if negated else 'ArnLike'}."
            )
            yield part.remark("string-operator-on-arn", "hint", text, f"{test.path}#")


def find_several_booleans(part: Part) -> Iterator[Remark]:
    """Keys that are true or false and are compared with both, or with two of them."""
    for test in part.statement.tests:
        if test.name in ("Bool", "Null") and len(test.values) > 1:
            text = (
                f"{test.written} compares {test.key} with {len(test.values)} values, and it has "
                "one. Leave one of them."
            )
            yield part.remark("several-booleans", "error", text, test.path)


def find_null_if_exists(part: Part) -> Iterator[Remark]:
    """The same key asked for its absence and for its value, which no request has both of."""
    absent = {
        test.key.lower()
        for test in part.statement.tests
        if test.name == "Null" and [v.lower() for v in test.values] == ["true"]
    }
    for test in part.statement.tests:
        needs = test.operator is not None and not (test.operator.negated or test.if_exists)
        needs = needs and test.name != "Null" and test.quantifier != "ForAllValues:"
        if needs and test.key.lower() in absent:
            text = (
                f"{test.written} wants a value of {test.key}, and Null wants it absent, so both "
                "never hold. Write IfExists, or make two statements."
            )
            yield part.remark("contradicting-null", "warning", text, f"{test.path}#")


def find_redundant_values(part: Part) -> Iterator[Remark]:
    """Values that another one of the same list covers."""
    for test in part.statement.tests:
        if not test.name.startswith("String") or len(test.values) < 2:
            continue
        like = "Like" in test.name
        for number, (path, value) in enumerate(part.statement.values(test)):
            others = [*test.values[:number], *test.values[number + 1 :]]
            twice = value in test.values[:number]
            wider = like and next((o for o in others if o != value and covers(o, value)), None)
            if twice or (wider and "${" not in f"{wider}{value}"):
                how = "is in the list twice" if twice else f"is part of {wider}"
                text = f"{value!r} {how}; it can be left out."
                yield part.remark("redundant-value", "hint", text, path)
