"""Conditions in words: clauses such as ``the request comes from 203.0.113.0/24``."""

import re
from collections.abc import Callable, Mapping

from iamkit.policies.grammar.conditions import Test
from iamkit.policies.grammar.statements import Statement
from iamkit.policies.wording.phrases import own, plural, say_variables, split_words, title_of
from iamkit.policies.wording.resources import Names, say_arn
from iamkit.text import listed

_NOUNS = {
    "aws:requestedregion": "the region",
    "aws:principalorgid": "the caller's organization",
    "aws:principalaccount": "the caller's account",
    "aws:principalarn": "the caller",
    "aws:principaltype": "the kind of caller",
    "aws:principalorgpaths": "the caller's place in the organization",
    "aws:username": "the caller's user name",
    "aws:userid": "the caller's user id",
    "aws:resourceaccount": "the resource's account",
    "aws:resourceorgid": "the resource's organization",
    "aws:sourcevpc": "the network (VPC) that the request comes from",
    "aws:sourcevpce": "the VPC endpoint that the request comes through",
    "aws:vpcsourceip": "the address within the network (VPC)",
    "aws:sourceaccount": "the account for which the service acts",
    "aws:sourcearn": "the resource for which the service acts",
    "aws:sourceorgid": "the organization for which the service acts",
    "aws:calledvia": "the service on the call's way",
    "aws:calledviafirst": "the first service on the call's way",
    "aws:calledvialast": "the last service on the call's way",
    "aws:tagkeys": "the tag named in the request",
    "aws:useragent": "the program that is used",
    "aws:referer": "the page that links here",
    "aws:sourceidentity": "the caller's source identity",
    "aws:currenttime": "the time",
    "aws:multifactorauthage": "the number of seconds since MFA was given",
    "iam:passedtoservice": "the service that gets the role",
    "iam:awsservicename": "the service that the role is for",
    "iam:policyarn": "the policy",
    "iam:permissionsboundary": "the permissions boundary",
    "kms:viaservice": "the service that uses the key",
    "s3:prefix": "the folder that is listed",
    "sts:externalid": "the external id",
    "ec2:createaction": "the call that creates the tagged thing",
}
_CONTEXT = "kms:encryptioncontext:"
_TAGS = {
    "resourcetag": "the resource's tag",
    "principaltag": "the caller's tag",
    "requesttag": "the request's tag",
    "existingobjecttag": "the object's tag",
    "requestobjecttag": "the request's tag",
}
"""By a key's name, whichever service has it."""
_BOOLS = {
    "aws:multifactorauthpresent": (
        "the caller has signed in with MFA",
        "the caller has signed in without MFA",
    ),
    "aws:securetransport": ("the request is encrypted (TLS)", "the request is not encrypted (TLS)"),
    "aws:viaawsservice": (
        "an AWS service makes the call for the caller",
        "the caller makes the call itself",
    ),
    "aws:principalisawsservice": (
        "the caller is an AWS service",
        "the caller is not an AWS service",
    ),
    "kms:grantisforawsresource": (
        "the grant is for an AWS service",
        "the grant is not for an AWS service",
    ),
}
_BOOLS["aws:ismcpserviceaction"] = (
    "an MCP server of AWS makes the call",
    "the call does not come from an MCP server of AWS",
)
_SERVICE = re.compile(r"([a-z0-9-]+)(?:\.(\*|[a-z]{2}(?:-[a-z]+)+-\d))?\.amazonaws\.com(\.cn)?")
_ORDERS = {
    "NumericLessThan": "is less than",
    "NumericLessThanEquals": "is at most",
    "NumericGreaterThan": "is more than",
    "NumericGreaterThanEquals": "is at least",
    "DateLessThan": "is before",
    "DateLessThanEquals": "is not after",
    "DateGreaterThan": "is after",
    "DateGreaterThanEquals": "is not before",
}


def say_conditions(statement: Statement, names: Names) -> str:
    """All conditions of a statement as they stand behind ``if``; empty if it has none."""
    return listed((_say_test(test, names) for test in statement.tests), most=20)


def _say_test(test: Test, names: Names) -> str:
    key = test.key.lower()
    if test.name == "Null":
        return _say_null(test)
    if test.name == "Bool" and key in _BOOLS and len(test.values) == 1:
        return _say_bool(test, *_BOOLS[key])
    if test.name == "Bool":
        return f"{test.key} is {listed(test.values, 'or')}"
    special = _SPECIAL.get(key)
    said = special(test) if special else ""
    if not said:
        said = _say_plain(test, names)
    negated = test.operator is not None and test.operator.negated
    return f"{said} or is not given" if test.if_exists and not negated else said


def _say_null(test: Test) -> str:
    missing = [value.lower() for value in test.values] == ["true"]
    if test.key.lower() == "aws:multifactorauthpresent":
        return "the caller uses a long-term access key" if missing else "MFA is spoken of at all"
    if test.key.lower() == "aws:tagkeys":
        return "the request names no tags" if missing else "the request names tags"
    noun = _noun(test.key)
    return f"{noun} {_are(noun)} {'missing' if missing else 'given'}"


def _are(noun: str) -> str:
    """``are`` behind several, ``is`` behind one."""
    head = noun.partition(" (")[0]
    several = head.endswith("s") and not head.endswith(("ss", "us", "address"))
    return "are" if several and not head.startswith("the tag ") and "'s tag " not in head else "is"


def _say_bool(test: Test, true: str, false: str) -> str:
    """A truth in words; that ``IfExists`` lets calls without MFA's key through is said."""
    wanted = test.values[0].lower() == "true"
    if test.if_exists and test.key.lower() == "aws:multifactorauthpresent":
        if wanted:
            return f"{true} or uses a long-term access key"
        return "the caller has not signed in with MFA"
    return true if wanted else false


def _say_address(test: Test) -> str:
    if test.name == "IpAddress":
        return f"the request comes from {listed(test.values, 'or')}"
    if test.name == "NotIpAddress":
        return f"the request comes from anywhere but {listed(test.values)}"
    return ""


def _say_date(test: Test) -> str:
    if test.name in _ORDERS and len(test.values) == 1:
        return f"it {_ORDERS[test.name]} {_day(test.values[0])}"
    return ""


def _day(text: str) -> str:
    """A moment at midnight as its day, another one with hours and minutes."""
    found = re.fullmatch(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(:\d\d)?Z", text)
    if not found:
        return text
    return found[1] if found[2] == "00:00" else f"{found[1]} {found[2]} UTC"


def _say_mfa_age(test: Test) -> str:
    single = len(test.values) == 1 and test.values[0].isdigit()
    if not single or not test.name.startswith("Numeric") or test.name not in _ORDERS:
        return ""
    how = _ORDERS[test.name].removeprefix("is ")
    return f"MFA was given {how} {_duration(int(test.values[0]))} ago"


def _duration(seconds: int) -> str:
    for unit, length in (("hour", 3_600), ("minute", 60)):
        if seconds and seconds % length == 0:
            count = seconds // length
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return f"{seconds} seconds"


_SPECIAL: Mapping[str, Callable[[Test], str]] = {
    "aws:sourceip": _say_address,
    "aws:currenttime": _say_date,
    "aws:multifactorauthage": _say_mfa_age,
}


def _say_plain(test: Test, names: Names) -> str:
    """Any condition: what, how, which values."""
    noun = _noun(test.key)
    if test.quantifier:
        noun = f"{'each' if test.quantifier == 'ForAllValues:' else 'one'} of {_several(noun)}"
    values = [_value(test.key, value, names) for value in test.values]
    if test.name in _ORDERS:
        return f"{noun} {_ORDERS[test.name]} {listed(values, 'or')}"
    if test.operator is None:
        return f"{noun} stands the test {test.written} against {listed(values, 'or')}"
    return f"{noun} {_say_comparison(test, noun, values, negated=test.operator.negated)}"


def _say_comparison(test: Test, noun: str, values: list[str], *, negated: bool) -> str:
    if test.values == ("*",) and test.name.endswith("Like") and not test.quantifier:
        return f"{_are(noun)} {'missing' if negated else 'given'}"
    if not values:
        return f"is {'anything' if negated else 'nothing that there is'}"
    if test.name.endswith("Like") and len(values) == 1 and _shape(test.values[0]):
        return _say_pattern(test.values[0], negated=negated)
    if len(values) == 1:
        return f"is {'not ' if negated else ''}{values[0]}"
    return f"is {'neither ' if negated else ''}{listed(values, 'nor' if negated else 'or')}"


def _several(noun: str) -> str:
    """``the tag named in the request`` as ``the tags named in the request``."""
    head, bracket, key = noun.partition(" (")
    if bracket:
        return f"{plural(head)}{bracket}{key}"
    words = noun.split(" ")
    place = 2 if words[1].endswith("'s") else 1
    if not words[place].endswith("s") and words[place].isalpha():
        words[place] += "s"
    return " ".join(words)


def _shape(value: str) -> str:
    """Which kind of pattern a value is: head, tail, middle; empty if it is none of these."""
    bare = value.strip("*")
    if not bare or set(bare) & set("*?") or value == bare or value.startswith("arn:"):
        return ""
    return "middle" if value[0] == value[-1] == "*" else "tail" if value[0] == "*" else "head"


def _say_pattern(value: str, *, negated: bool) -> str:
    verbs = {"head": "begin with", "tail": "end with", "middle": "contain"}
    verb, bare = verbs[_shape(value)], say_variables(value.strip("*"))
    first, _, rest = verb.partition(" ")
    positive = f"{first}s {rest}".strip()
    return f"does not {verb} {bare}" if negated else f"{positive} {bare}"


def _value(key: str, value: str, names: Names) -> str:
    if own(value):
        return own(value)
    if value in names:
        return names[value]
    if key.lower() in ("aws:principalarn", "iam:policyarn", "iam:permissionsboundary"):
        return say_arn(value, names).replace("every ", "any ", 1)
    if value == "*":
        return "anything"
    found = _SERVICE.fullmatch(value)
    if found and title_of(found[1]) != found[1]:
        where = "" if found[2] in (None, "*") else f" in {found[2]}"
        return f"{title_of(found[1])}{where}{' in China' if found[3] else ''}"
    return say_variables(value) if value else "empty"


def _noun(key: str) -> str:
    """What a key is about; a key without words of its own is named as it is written."""
    known = _NOUNS.get(key.lower())
    if known:
        return known
    if key.lower().startswith(_CONTEXT):
        return f"the encryption context {key[len(_CONTEXT) :]}"
    rest = key.partition(":")[2]
    family, slash, tag = rest.partition("/")
    if slash and family.lower() in _TAGS:
        return f"{_TAGS[family.lower()]} {tag}"
    if slash and "tag" in family.lower():
        return f"the tag {tag} ({key})"
    return f"the {split_words(rest) or rest} ({key})"
