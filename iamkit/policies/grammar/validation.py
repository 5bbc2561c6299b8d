"""What AWS refuses of a policy document, rule by rule, in the order in which AWS looks at them.

One grammar for whoever judges a document: the parameters and the linter tell a problem's message
and place, the sandbox tells its answer, which is in AWS's own words. What AWS takes is no problem
here, however odd; that is for the linter to say.

Each rule is a function that yields problems. A later rule is only asked if the earlier ones found
none, so it may take for granted what they hold.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from iamkit.account.state import JSON
from iamkit.policies.grammar.conditions import split_operator
from iamkit.policies.grammar.elements import (
    Problem,
    action_fault,
    arn_fault,
    each,
    effect_fault,
    element_problems,
    is_date,
    is_principal,
    kind_of,
)
from iamkit.policies.grammar.statements import several_statements

LEGACY = "The policy failed legacy parsing"
NEWEST = "2012-10-17"
_OLD = f"Policy document must be version {NEWEST} or greater."
VERSIONS = (NEWEST, "2008-10-17")
DOCUMENT_KEYS = frozenset({"Version", "Id", "Statement"})
TAKEN_KEYS = DOCUMENT_KEYS | {"Conditions"}
"""AWS takes a ``Conditions`` beside the statements, where it restricts nothing."""
STATEMENT_KEYS = frozenset("Sid Effect Action NotAction Resource NotResource Condition".split())
PRINCIPALS = ("Principal", "NotPrincipal")
Rule = Callable[[Any], Iterator[Problem]]


def find_problem(document: Any, *, identity: bool = True) -> Problem | None:
    """The first thing for which AWS refuses a document as a policy; None if it takes it.

    Args:
        document: what was read from JSON.
        identity: whether it is the policy of a user, group or role; one of a resource, or of
            who may assume a role, wants a Principal and need not name a resource.
    """
    rules = IDENTITY_RULES if identity else RESOURCE_RULES
    return next((problem for rule in rules for problem in rule(document)), None)


def judge_existing(document: Any, *, identity: bool = True) -> Problem | None:
    """Like ``find_problem`` for a policy that is there already: its version may be the old one."""
    old = isinstance(document, Mapping) and document.get("Version") == VERSIONS[1]
    return find_problem({**document, "Version": NEWEST} if old else document, identity=identity)


def is_well_formed_object(document: Any) -> Iterator[Problem]:
    """An object, with the keys of a policy, and at least one statement."""
    if not isinstance(document, Mapping):
        yield Problem(f"a policy is a JSON object in braces, not {kind_of(document)}.", "")
        return
    yield from _unknown_keys(document, TAKEN_KEYS, "the document", "")
    version, name = document.get("Version", NEWEST), document.get("Id", "")
    if version not in VERSIONS:
        yield Problem(f'Version {version!r} is not one of AWS\'s; use "{NEWEST}".', "Version")
    if not isinstance(name, str):
        yield Problem(f"Id is {kind_of(name)}, and AWS wants a text: put it in quotes.", "Id")
    statements = several_statements(document)
    if not isinstance(statements, list) or not statements:
        message = "Statement is missing or empty; a policy wants at least one statement."
        yield Problem(message, "Statement")


def statements_are_well_formed(document: JSON) -> Iterator[Problem]:
    """Each statement has what its elements may be."""
    for number, statement in enumerate(several_statements(document), 1):
        where, path = f"statement {number}", f"Statement[{number}]"
        if not isinstance(statement, Mapping):
            yield Problem(f"{where} is {kind_of(statement)}, not an object in braces.", path)
            continue
        yield from _unknown_keys(statement, STATEMENT_KEYS, where, f"{path}.")
        for found in element_problems(statement):
            yield found._replace(message=f"{where}: {found.message}", path=path + found.path)


def version_is_the_newest(document: JSON) -> Iterator[Problem]:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_version.html."""
    if "Version" not in document:
        text = f'Version is missing, and AWS refuses such a policy. Add "Version": "{NEWEST}".'
        yield Problem(text, "", _OLD)
    yield from old_version(document)


def old_version(document: JSON) -> Iterator[Problem]:
    """AWS takes no new policy of the old version; those that exist stay."""
    if document.get("Version") == VERSIONS[1]:
        text = (
            f"Version {VERSIONS[1]} is outdated and knows no variables, and AWS takes no new "
            f'policy of it. Write "{NEWEST}".'
        )
        yield Problem(text, "Version", _OLD, "old-version")


def effects_are_written_as_aws_writes_them(document: JSON) -> Iterator[Problem]:
    """``allow`` is read, and fails later than what is no effect at all."""
    for path, statement in _statements(document):
        effect = statement["Effect"]
        if effect not in ("Allow", "Deny"):
            text = f"{_where(path)}: {effect_fault(effect)}; IAM writes it {effect.title()}."
            yield Problem(text, f"{path}.Effect", LEGACY)


def dates_can_be_read(document: JSON) -> Iterator[Problem]:
    """What a ``Date…`` operator compares with is a date, or seconds since 1970."""
    for path, operator, key, value in _condition_values(document):
        dated = split_operator(operator)[1].startswith("Date")
        if dated and (isinstance(value, bool) or not is_date(str(value))):
            text = f"{_where(path)}: {operator} on {key} wants a date such as {NEWEST}T00:00:00Z"
            yield Problem(f"{text}, and {value!r} is none.", path, LEGACY, "malformed-value")


def resources_have_parts(document: JSON) -> Iterator[Problem]:
    """Six of them with ``::``, and a service; as long as every resource until here is an ARN."""
    for items in _resource_lists(document):
        if any(arn_fault(resource) for _, resource in items):
            return
        for path, resource in items:
            parts = resource.split(":")
            if resource != "*" and (("::" in resource and len(parts) < 6) or not parts[2]):
                text = f"{_where(path)}: the resource {resource!r} has not the six parts of an ARN"
                yield Problem(f"{text}, such as arn:aws:s3:::bucket/*.", path, LEGACY)


def sids_are_unique(document: JSON) -> Iterator[Problem]:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_sid.html."""
    seen = set[str]()
    for path, statement in _statements(document):
        sid = statement.get("Sid", "")
        if sid and sid in seen:
            text = f"the Sid {sid!r} is given to two statements; each wants its own."
            answer = "Statement IDs (SID) in a single policy must be unique."
            yield Problem(text, f"{path}.Sid", answer)
        seen.add(sid)


def actions_are_named(document: JSON) -> Iterator[Problem]:
    """Each statement has an ``Action`` or ``NotAction`` that is not empty."""
    answer = "Policy statement must contain actions."
    for path, statement in _statements(document):
        yield from _named(statement, "Action", path, '"ec2:Describe*"', answer)


def resources_are_arns(document: JSON) -> Iterator[Problem]:
    """Each is ``*`` or an ARN of a partition that there is; of several faults AWS tells the last.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
    """
    faults = [
        Problem(f"{_where(path)}: {said}", path, answer)
        for items in _resource_lists(document)
        for path, resource in items
        for said, answer in [arn_fault(resource) or ("", "")]
        if answer
    ]
    yield from faults[-1:]


def actions_name_their_service(document: JSON) -> Iterator[Problem]:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html."""
    for items in _lists(document, "Action"):
        for path, action in items:
            answer = action_fault(action)
            if answer:
                text = f"the action {action!r} should read service:Name, such as ec2:Describe*"
                yield Problem(f"{_where(path)}: {text}.", path, answer)


def resources_are_named(document: JSON) -> Iterator[Problem]:
    """Each statement of an identity policy has a ``Resource`` or ``NotResource``, not empty."""
    answer = "Policy statement must contain resources."
    for path, statement in _statements(document):
        yield from _named(statement, "Resource", path, '"*"', answer)


def sids_are_letters_and_digits(document: JSON) -> Iterator[Problem]:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_sid.html."""
    answer = (
        "Statement IDs (SID) must be alpha-numeric. "
        "Check that your input satisfies the regular expression [0-9A-Za-z]*"
    )
    for path, statement in _statements(document):
        sid = statement.get("Sid", "")
        if not re.fullmatch("[A-Za-z0-9]*", sid):
            text = f"{_where(path)}: the Sid {sid!r} may hold only letters and digits."
            yield Problem(text, f"{path}.Sid", answer)


def no_principal_is_named(document: JSON) -> Iterator[Problem]:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html."""
    answer = "Policy document should not specify a principal."
    for path, statement in _statements(document):
        for key in PRINCIPALS:
            if key in statement:
                text = (
                    f"{_where(path)} has {key}, which belongs in a resource's policy. In the "
                    "policy of a user or group the principal is that user or group: remove it."
                )
                yield Problem(text, f"{path}.{key}#", answer)


def a_principal_is_named(document: JSON) -> Iterator[Problem]:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html."""
    for path, statement in _statements(document):
        found = [key for key in PRINCIPALS if key in statement]
        if len(found) != 1:
            text = f"{_where(path)} wants Principal or NotPrincipal, one of them; it has "
            answer = "Policy document must specify a principal."
            yield Problem(f"{text}{len(found)}.", path, answer)
        elif not is_principal(statement[found[0]]):
            text = f'{_where(path)}: {found[0]} is neither "*" nor an object such as '
            example = '{"AWS": "arn:aws:iam::111122223333:root"}.'
            yield Problem(text + example, f"{path}.{found[0]}", "Invalid principal in policy.")


def characters_are_latin(document: JSON) -> Iterator[Problem]:
    """Those that the pattern of the API's ``PolicyDocument`` takes; it is looked at when sent."""
    for path, text in _all_texts(document):
        odd = None if text.isascii() else re.search("[^\0-\xff]", text)  # JSON hides the controls
        if odd:
            message = (
                f"the character {odd.group()!r} is not allowed in a policy, which takes those up "
                "to U+00FF. Leave it out; in a name or a value, ? stands for it."
            )
            yield Problem(message, path)


IDENTITY_RULES: tuple[Rule, ...] = (
    is_well_formed_object,
    statements_are_well_formed,
    version_is_the_newest,
    effects_are_written_as_aws_writes_them,
    dates_can_be_read,
    resources_have_parts,
    sids_are_unique,
    actions_are_named,
    resources_are_arns,
    actions_name_their_service,
    resources_are_named,
    sids_are_letters_and_digits,
    no_principal_is_named,
    characters_are_latin,
)
RESOURCE_RULES: tuple[Rule, ...] = (
    is_well_formed_object,
    statements_are_well_formed,
    effects_are_written_as_aws_writes_them,
    dates_can_be_read,
    sids_are_unique,
    actions_are_named,
    actions_name_their_service,
    sids_are_letters_and_digits,
    a_principal_is_named,
    characters_are_latin,
)


def _named(statement: JSON, key: str, path: str, example: str, answer: str) -> Iterator[Problem]:
    element = key if key in statement else f"Not{key}"
    where = _where(path)
    if element not in statement:
        text = f"{where} wants {key} or {element}, one of them; it has 0."
        yield Problem(text, path, answer)
    elif statement[element] == []:
        text = f"{where}: the {element} list is empty; name at least one, such as {example}."
        yield Problem(text, f"{path}.{element}", answer)


def _unknown_keys(mapping: JSON, known: frozenset[str], where: str, path: str) -> Iterator[Problem]:
    for key in map(str, mapping):
        if key in known or (path and key in PRINCIPALS):
            continue
        right = next((k for k in sorted(known) if k.lower() == key.lower()), None)
        names = ", ".join(sorted(known & (DOCUMENT_KEYS | STATEMENT_KEYS)))
        hint = f"; IAM writes it {right}" if right else f"; known are {names}"
        yield Problem(f"{where} has the unknown key {key!r}{hint}.", f"{path}{key}#")


def _statements(document: JSON) -> Iterator[tuple[str, JSON]]:
    for number, statement in enumerate(several_statements(document), 1):
        yield f"Statement[{number}]", statement


def _where(path: str) -> str:
    """``Statement[2].Action`` as ``statement 2``."""
    return f"statement {path.partition('[')[2].partition(']')[0]}"


def _lists(document: JSON, key: str) -> Iterator[list[tuple[str, str]]]:
    """The texts of each statement's element, then those of its opposites, with their paths."""
    for element in (key, f"Not{key}"):
        for path, statement in _statements(document):
            if element in statement:
                yield list(each(statement[element], f"{path}.{element}"))


def _resource_lists(document: JSON) -> Iterator[list[tuple[str, str]]]:
    """The resources of each statement, in the order in which AWS looks at them."""
    for items in _lists(document, "Resource"):
        yield sorted(items, key=lambda item: item[1], reverse=True)


def _condition_values(document: JSON) -> Iterator[tuple[str, str, str, Any]]:
    for path, statement in _statements(document):
        for operator, tests in statement.get("Condition", {}).items():
            for key, values in tests.items():
                for place, value in each(values, f"{path}.Condition.{operator}.{key}"):
                    yield place, operator, key, value


def _all_texts(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """All texts in a document, keys too, each with its path."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, list):
        for place, item in each(value, path):
            yield from _all_texts(item, place)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            inner = f"{path}.{key}" if path else str(key)
            yield f"{inner}#", str(key)
            yield from _all_texts(item, inner)
