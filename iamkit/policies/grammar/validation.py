"""What AWS refuses of a policy document, rule by rule, in the order in which AWS looks at them.

One grammar for whoever judges a document: the parameters and the linter tell a problem's message
and place, the sandbox tells its answer, which is in AWS's own words. What AWS takes is no problem
here, however odd; that is for the linter to say.

Each rule is a function that yields problems. A later rule is only asked if the earlier ones found
none, so it may take for granted what they hold.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
"""

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from iamkit.account.state import JSON
from iamkit.policies.grammar.conditions import OPERATORS, split_operator
from iamkit.policies.grammar.statements import several_statements
from iamkit.text import did_you_mean

SYNTAX = "Syntax errors in policy."
LEGACY = "The policy failed legacy parsing"
NEWEST = "2012-10-17"
_OLD = f"Policy document must be version {NEWEST} or greater."
VERSIONS = (NEWEST, "2008-10-17")
DOCUMENT_KEYS = frozenset({"Version", "Id", "Statement"})
TAKEN_KEYS = DOCUMENT_KEYS | {"Conditions"}
"""AWS takes a ``Conditions`` beside the statements, where it restricts nothing."""
STATEMENT_KEYS = frozenset("Sid Effect Action NotAction Resource NotResource Condition".split())
PRINCIPALS = ("Principal", "NotPrincipal")
PARTITIONS = tuple("aws aws-cn aws-us-gov aws-iso aws-iso-b aws-iso-e aws-iso-f aws-eusc".split())
"""Those of botocore, which a pure module does not import."""

_KINDS_OF_PRINCIPAL = frozenset({"AWS", "Service", "Federated", "CanonicalUser"})
_S3_WITH_REGION = (
    "accesspoint/",
    "access-grants/",
    "async-request/",
    "job/",
    "storage-lens/",
    "storage-lens-group/",
)
"""https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html"""
_IAM_NAMED = (
    "user/, federated-user/, role/, group/, instance-profile/, mfa/, server-certificate/, policy/, "
    "sms-mfa/, saml-provider/, oidc-provider/, report/, access-report/"
)
"""As AWS names them when it refuses."""
_IAM_PATHS = (
    *_IAM_NAMED.split(", "),
    "assumed-role/",
    "delegation-request/",
    "role-template/",
    "root",
)
"""With those that the service's reference and AWS's own policies have beside them.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html
"""
_DATE = re.compile(
    r"-?(?P<year>\d{1,9})(-(?P<month>\d{1,2})(-(?P<day>\d{1,2}))?)?"
    r"(T((?P<hour>\d{1,2})(:(?P<minute>\d{1,2})(:(?P<second>\d{1,2})(\.\d{1,9})?)?)?)?"
    r"(Z|[+-]\d{2}(:\d{2})?)?)?",
    re.IGNORECASE | re.ASCII,
)
"""https://www.w3.org/TR/NOTE-datetime"""
_RANGES = {"month": (1, 12), "day": (1, 31), "hour": (0, 23), "minute": (0, 59), "second": (0, 59)}
_LAST_SECOND = 2**63 - 1
_OPERATORS = {operator.name for operator in OPERATORS.values()}


class Problem(NamedTuple):
    """By what a document is no policy.

    Attributes:
        message: in words for the user, with what to do.
        path: where, as ``positions`` writes paths.
        answer: in AWS's words, which come with the code MalformedPolicyDocument.
        rule: as the linter calls it.
    """

    message: str
    path: str
    answer: str = SYNTAX
    rule: str = "structure"


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
        for found in _element_problems(statement):
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
            text = f"{_where(path)}: {_effect(effect)}; IAM writes it {effect.title()}."
            yield Problem(text, f"{path}.Effect", LEGACY)


def dates_can_be_read(document: JSON) -> Iterator[Problem]:
    """What a ``Date…`` operator compares with is a date, or seconds since 1970."""
    for path, operator, key, value in _condition_values(document):
        is_date = split_operator(operator)[1].startswith("Date")
        if is_date and (isinstance(value, bool) or not _is_date(str(value))):
            text = f"{_where(path)}: {operator} on {key} wants a date such as {NEWEST}T00:00:00Z"
            yield Problem(f"{text}, and {value!r} is none.", path, LEGACY, "malformed-value")


def resources_have_parts(document: JSON) -> Iterator[Problem]:
    """Six of them with ``::``, and a service; as long as every resource until here is an ARN."""
    for items in _resource_lists(document):
        if any(_arn_fault(resource) for _, resource in items):
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
        for said, answer in [_arn_fault(resource) or ("", "")]
        if answer
    ]
    yield from faults[-1:]


def actions_name_their_service(document: JSON) -> Iterator[Problem]:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html."""
    for element in ("Action", "NotAction"):
        for path, action in _texts_of(document, element):
            answer = _action_fault(action)
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
        elif not _is_principal(statement[found[0]]):
            text = f'{_where(path)}: {found[0]} is neither "*" nor an object such as '
            example = '{"AWS": "arn:aws:iam::111122223333:root"}.'
            yield Problem(text + example, f"{path}.{found[0]}", "Invalid principal in policy.")


def characters_are_latin(document: JSON) -> Iterator[Problem]:
    """Those that the pattern of the API's ``PolicyDocument`` takes; it is looked at when sent."""
    for path, text in _all_texts(document):
        odd = re.search("[^\t\n\r\x20-\xff]", json.dumps(text, ensure_ascii=False))
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


def _element_problems(statement: JSON) -> Iterator[Problem]:
    """What is no element's value, told from the statement on."""
    for key, opposite in (("Action", "NotAction"), ("Resource", "NotResource")):
        if key in statement and opposite in statement:
            yield Problem(f"it wants {key} or {opposite}, one of them; it has 2.", f".{opposite}#")
    effect = statement.get("Effect")
    if not isinstance(effect, str) or effect.lower() not in ("allow", "deny"):
        yield Problem(f"{_effect(effect)}.", ".Effect")
    for key in ("Action", "NotAction", "Resource", "NotResource"):
        if key in statement:
            yield from _not_texts(statement[key], key)
    yield from _condition_problems(statement.get("Condition", {}))
    sid = statement.get("Sid", "")
    if not isinstance(sid, str):
        yield Problem(f"Sid is {kind_of(sid)}, and AWS wants a text: put it in quotes.", ".Sid")


def _effect(given: Any) -> str:
    return f'Effect must be "Allow" or "Deny", not {given!r}'


def _not_texts(value: Any, key: str) -> Iterator[Problem]:
    if isinstance(value, Mapping):
        text = f"{key} is {_object_in_words(value)}, and AWS wants a text or a list of texts."
        yield Problem(text, f".{key}")
        return
    for path, one in _items(value, f".{key}"):
        if not isinstance(one, str):
            what = _object_in_words(one) if isinstance(one, Mapping) else kind_of(one)
            yield Problem(f"{key} holds {what}, and AWS wants texts.", path)


def _object_in_words(value: JSON) -> str:
    """An object, by its key if that is a template's: ``{"Fn::Sub": …}``."""
    key = next(iter(value), "")
    if str(key).startswith("Fn::") or key == "Ref":
        return f"an object with {key!r}, which only a CloudFormation template resolves"
    return "an object"


def _condition_problems(condition: Any) -> Iterator[Problem]:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition.html."""
    if not isinstance(condition, Mapping):
        yield Problem(f"Condition is {kind_of(condition)}, not an object in braces.", ".Condition")
        return
    for operator, tests in condition.items():
        path = f".Condition.{operator}"
        if not isinstance(tests, Mapping):
            yield Problem(f"the condition {operator} wants an object of keys and values.", path)
            continue
        for key, values in tests.items():
            for place, value in _items(values, f"{path}.{key}"):
                yield from _value_problems(value, f"{operator} on {key}", place)
        if tests and not _is_operator(str(operator)):
            yield _unknown_operator(str(operator), f"{path}#")


def _value_problems(value: Any, where: str, path: str) -> Iterator[Problem]:
    """A text, a number or a truth value; the quotes of the latter two may be left out."""
    finite = not isinstance(value, float) or math.isfinite(value)
    if not isinstance(value, str | int | float) or not finite:
        what = "no number of JSON" if not finite else kind_of(value)
        yield Problem(f"a value of {where} is {what}, and AWS wants texts.", path)


def _is_operator(written: str) -> bool:
    """Whether AWS has it; it is written as AWS writes it, and Null takes no ``IfExists``."""
    quantifier, name, if_exists = split_operator(written)
    return (
        written == f"{quantifier}{name}{'IfExists' if if_exists else ''}"
        and written.startswith(quantifier)
        and name in _OPERATORS
        and not (if_exists and name == "Null")
    )


def _unknown_operator(written: str, path: str) -> Problem:
    quantifier, name, if_exists = split_operator(written)
    known = OPERATORS.get(name.lower())
    if known and known.name != "Null":
        right = f"{quantifier}{known.name}{'IfExists' if if_exists else ''}"
        hint = f" IAM writes it {right}."
    else:
        meant = did_you_mean(name, _OPERATORS).removeprefix("; d")
        hint = f" D{meant}" if meant else ""
    text = f"IAM has no condition operator {written!r}.{hint}"
    return Problem(text, path, rule="unknown-operator")


def _arn_fault(resource: str) -> tuple[str, str] | None:
    """By what a resource is no ARN: in words, and in AWS's; None if it is one."""
    scheme, colon, rest = resource.partition(":")
    if resource == "*":
        return None
    if not colon:
        text = f'the resource {resource!r} is neither "*" nor an ARN.'
        return text, f'Resource {resource} must be in ARN format or "*".'
    partition, colon, rest = rest.partition(":")
    if partition != "*" and partition not in PARTITIONS:
        known = f"known: {', '.join(PARTITIONS)}" if scheme == "arn" else "an ARN begins arn:aws:"
        text = f"the resource {resource!r} names no partition of AWS ({partition!r}); {known}."
        whole = _whole_arn(partition, rest)
        return text, f'Partition "{partition}" is not valid for resource "{whole}".'
    if not colon:
        text = f"the resource {resource!r} ends after its partition; an ARN has six parts."
        return text, "Resource vendor must be fully qualified and cannot contain regexes."
    return _service_fault(resource, rest)


def _service_fault(resource: str, rest: str) -> tuple[str, str] | None:
    """What only IAM and S3 want: no region, and of IAM the kind of thing."""
    service, _, after = rest.partition(":")
    region, _, account_and_thing = after.partition(":")
    thing = account_and_thing.partition(":")[2]
    no_region = after.startswith(":") or (service == "s3" and thing.startswith(_S3_WITH_REGION))
    if service in ("iam", "s3") and not no_region:
        example = {"s3": "arn:aws:s3:::bucket/*", "iam": "arn:aws:iam::111122223333:user/*"}
        why = f"names the region {region!r}" if region else "has not the six parts of an ARN"
        text = f"the resource {resource!r} {why}; one of {service} reads {example[service]}."
        if service == "iam":
            return text, f"IAM resource {resource} cannot contain region information."
        return text, f"Resource {resource} can not contain region information."
    if service == "iam" and thing != "*" and not thing.startswith(_IAM_PATHS):
        text = f"the resource {resource!r} does not say what it is, as in user/alice or role/*."
        return text, f'IAM resource path must either be "*" or start with {_IAM_NAMED}.'
    return None


def _whole_arn(partition: str, rest: str) -> str:
    """An ARN as AWS repeats it, with stars for what is not there."""
    parts = rest.split(":", 3)
    first = parts[0] if parts[0] or len(parts) > 1 else "*"
    return ":".join(["arn", partition, first, *parts[1:], *["*"] * (4 - len(parts))])


def _action_fault(action: str) -> str:
    """AWS's words for an action that does not begin with its service; empty if it does."""
    service, *more = action.split(":")
    if not more and service != "*":
        return "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
    if len(more) > 1:
        return "Actions/Condition can contain only one colon."
    if service != "*" and re.search(r"[^a-zA-Z0-9\-.]", service):
        return f"Vendor {service} is not valid"
    return ""


def _is_date(text: str) -> bool:
    if re.fullmatch(r"\d+", text, re.ASCII):
        return len(text) < 20 and int(text) <= _LAST_SECOND
    found = _DATE.fullmatch(text)
    return found is not None and all(
        least <= int(found[name]) <= most
        for name, (least, most) in _RANGES.items()
        if found[name] is not None
    )


def _is_principal(value: Any) -> bool:
    if value == "*":
        return True
    if not isinstance(value, Mapping) or not value or not value.keys() <= _KINDS_OF_PRINCIPAL:
        return False
    lists = [one if isinstance(one, list) else [one] for one in value.values()]
    return all(texts and all(isinstance(t, str) and t for t in texts) for texts in lists)


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


def _items(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """The one value, or those of a list, each with its path."""
    if not isinstance(value, list):
        yield path, value
        return
    for number, one in enumerate(value, 1):
        yield f"{path}[{number}]", one


def _texts_of(document: JSON, element: str) -> Iterator[tuple[str, str]]:
    for path, statement in _statements(document):
        if element in statement:
            yield from _items(statement[element], f"{path}.{element}")


def _resource_lists(document: JSON) -> Iterator[list[tuple[str, str]]]:
    """The resources of a statement's element, in the order in which AWS looks at them."""
    for element in ("Resource", "NotResource"):
        for path, statement in _statements(document):
            if element in statement:
                items = _items(statement[element], f"{path}.{element}")
                yield sorted(items, key=lambda item: item[1], reverse=True)


def _condition_values(document: JSON) -> Iterator[tuple[str, str, str, Any]]:
    for path, statement in _statements(document):
        for operator, tests in statement.get("Condition", {}).items():
            for key, values in tests.items():
                for place, value in _items(values, f"{path}.Condition.{operator}.{key}"):
                    yield place, operator, key, value


def _all_texts(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """All texts in a document, keys too, each with its path."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, list):
        for place, item in _items(value, path):
            yield from _all_texts(item, place)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            inner = f"{path}.{key}" if path else str(key)
            yield f"{inner}#", str(key)
            yield from _all_texts(item, inner)


def kind_of(value: Any) -> str:
    """What a value is, in words."""
    names = {dict: "an object", list: "a list", str: "a text", type(None): "null"}
    names |= {int: "a number", float: "a number", bool: "a truth value"}
    return names.get(type(value), f"a {type(value).__name__}")
