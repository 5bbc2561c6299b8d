"""What each element of a statement may hold, and by what a value is none of it, in AWS's words.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
"""

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from iamkit.account.state import JSON
from iamkit.policies.grammar.conditions import OPERATORS, split_operator
from iamkit.text import nearest

SYNTAX = "Syntax errors in policy."
PARTITIONS = tuple("aws aws-cn aws-us-gov aws-iso aws-iso-b aws-iso-e aws-iso-f aws-eusc".split())
"""Those of botocore, which a pure module does not import."""

_KINDS_OF_PRINCIPAL = frozenset({"AWS", "Service", "Federated", "CanonicalUser"})
_S3_WITH_REGION = tuple(
    "accesspoint/ access-grants/ async-request/ job/ storage-lens/ storage-lens-group/".split()
)
"""https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html"""
_IAM_NAMED = (
    "user/, federated-user/, role/, group/, instance-profile/, mfa/, server-certificate/, policy/, "
    "sms-mfa/, saml-provider/, oidc-provider/, report/, access-report/"
)
"""As AWS names them when it refuses."""
_IAM_PATHS = tuple(
    f"{_IAM_NAMED}, assumed-role/, delegation-request/, role-template/, root".split(", ")
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


def element_problems(statement: JSON) -> Iterator[Problem]:
    """What is no element's value, told from the statement on."""
    for key, opposite in (("Action", "NotAction"), ("Resource", "NotResource")):
        if key in statement and opposite in statement:
            yield Problem(f"it wants {key} or {opposite}, one of them; it has 2.", f".{opposite}#")
    effect = statement.get("Effect")
    if not isinstance(effect, str) or effect.lower() not in ("allow", "deny"):
        yield Problem(f"{effect_fault(effect)}.", ".Effect")
    for key in ("Action", "NotAction", "Resource", "NotResource"):
        if key in statement:
            yield from _not_texts(statement[key], key)
    yield from _condition_problems(statement.get("Condition", {}))
    sid = statement.get("Sid", "")
    if not isinstance(sid, str):
        yield Problem(f"Sid is {kind_of(sid)}, and AWS wants a text: put it in quotes.", ".Sid")


def effect_fault(given: Any) -> str:
    """What is wrong with an effect, in words."""
    return f'Effect must be "Allow" or "Deny", not {given!r}'


def _not_texts(value: Any, key: str) -> Iterator[Problem]:
    if isinstance(value, Mapping):
        text = f"{key} is {_object_in_words(value)}, and AWS wants a text or a list of texts."
        yield Problem(text, f".{key}")
        return
    for path, one in each(value, f".{key}"):
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
            for place, value in each(values, f"{path}.{key}"):
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
        meant = nearest(name, _OPERATORS)
        hint = f" Did you mean {meant}?" if meant else ""
    text = f"IAM has no condition operator {written!r}.{hint}"
    return Problem(text, path, rule="unknown-operator")


def arn_fault(resource: str) -> tuple[str, str] | None:
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


def action_fault(action: str) -> str:
    """AWS's words for an action that does not begin with its service; empty if it does."""
    service, *more = action.split(":")
    if not more and service != "*":
        return "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
    if len(more) > 1:
        return "Actions/Condition can contain only one colon."
    if service != "*" and re.search(r"[^a-zA-Z0-9\-.]", service):
        return f"Vendor {service} is not valid"
    return ""


def is_date(text: str) -> bool:
    """Whether AWS takes a text as a date, or as seconds since 1970."""
    if re.fullmatch(r"\d+", text, re.ASCII):
        return len(text) < 20 and int(text) <= _LAST_SECOND
    found = _DATE.fullmatch(text)
    return found is not None and all(
        least <= int(found[name]) <= most
        for name, (least, most) in _RANGES.items()
        if found[name] is not None
    )


def is_principal(value: Any) -> bool:
    """Whether it is everyone, or an object of kinds and names."""
    if value == "*":
        return True
    if not isinstance(value, Mapping) or not value or not value.keys() <= _KINDS_OF_PRINCIPAL:
        return False
    lists = [one if isinstance(one, list) else [one] for one in value.values()]
    return all(texts and all(isinstance(t, str) and t for t in texts) for texts in lists)


def each(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """The one value, or those of a list, each with its path."""
    if not isinstance(value, list):
        yield path, value
        return
    for number, one in enumerate(value, 1):
        yield f"{path}[{number}]", one


def kind_of(value: Any) -> str:
    """What a value is, in words."""
    names = {dict: "an object", list: "a list", str: "a text", type(None): "null"}
    names |= {int: "a number", float: "a number", bool: "a truth value"}
    return names.get(type(value), f"a {type(value).__name__}")
