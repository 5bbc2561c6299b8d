"""Resources and principals in words, by the forms of their ARNs."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from itertools import zip_longest
from typing import Any

from iamkit.policies.actions.catalogue import describe_service, load_catalogue, resource_arns
from iamkit.policies.grammar.statements import Statement
from iamkit.policies.wording.phrases import own, plural, say_variables, split_words, title_of
from iamkit.text import listed

Names = Mapping[str, str]
"""What accounts, by their numbers, and ARNs are called."""

_PARTS = {"Partition", "Region", "Account"}
_TOGETHER = re.compile(
    r"(the (?!.* own )[\w-]+(?: \w+)?|every .+ whose name (?:begins with|ends with|contains)) (\S+)"
)
_FAMILY = re.compile(r"([A-Za-z][\w-]*)\*?[/:](.*)")
_CAPITAL = re.compile(r"[A-Z]+(?![a-z])|[A-Z][a-z]+|\d+")
_SUFFIX = re.compile(r"(Name)?(WithPath)?(Name|Id|ID)?$")
_EVERY = re.compile(r"every (?!.* whose name )(?!.* in )(?!resource$)[\w -]+")
_NOUNS = {
    "MFA": "MFA device",
    "rule on default event bus": "rule",
    "rule on custom event bus": "rule",
    "rest API": "REST API",
    "dbname": "database",
    "dbuser": "database user",
    "dbgroup": "database group",
    "cert": "certificate",
    "regional": "regional resource",
    "global": "global resource",
    "subgrp": "DB subnet group",
    "secgrp": "DB security group",
    "og": "option group",
    "pg": "parameter group",
    "loadbalancer app": "application load balancer",
    "loadbalancer gwy": "gateway load balancer",
    "loadbalancer net": "network load balancer",
    "rootcatalog": "root catalog",
    "securitygroup": "security group",
    "subnetgroup": "subnet group",
    "loadbalancer": "load balancer",
    "servicesetting": "service setting",
    "parametergroup": "parameter group",
    "windowtask": "window task",
    "windowtarget": "window target",
    "userdefinedfunction": "user-defined function",
    "hostedzone": "hosted zone",
    "healthcheck": "health check",
    "gatewayroute": "gateway route",
    "virtualnode": "virtual node",
    "datacatalog": "data catalog",
    "identitypool": "identity pool",
}


def say_resources(statement: Statement, names: Names) -> str:
    """On what a statement is, as it stands behind the actions; empty if it does not say."""
    if statement.everywhere:
        return "on every resource"
    said = _say_several(statement.resources, names)
    if statement.not_resource:
        return f"on everything except {said}"
    return f"on {said}" if said else ""


def say_arn(arn: str, names: Names) -> str:
    """One resource, or all that a pattern names: ``every role whose name begins with app-``."""
    return names.get(arn) or _say_arn(arn)


def say_principals(statement: Statement, names: Names) -> str:
    """Who the statement of a resource's policy is about; empty if it does not say."""
    said = listed(_say_principal(kind, name, names) for kind, name in statement.principals)
    return f"everyone except {said}" if statement.not_principal else said


def _say_principal(kind: str, name: str, names: Names) -> str:
    account = name if name.isdigit() else re.sub(r"^arn:[^:]*:iam::(\d+):root$", r"\1", name)
    if kind == "AWS" and account.isdigit():
        known = names.get(account, f"the account {account}")
        return f"those whom {known} lets"
    if name == "*":
        return "anyone" if kind == "AWS" else f"any principal of the kind {kind}"
    if kind == "Service":
        title = title_of(name.partition(".")[0])
        return f"the service {title} ({name})" if " " in title else f"the service {name}"
    if kind == "Federated":
        return f"who signs in by {name.rpartition('provider/')[2]}"
    if not name.startswith("arn:"):
        return f"the {'canonical user' if kind == 'CanonicalUser' else 'principal'} {name}"
    number = name.split(":")[4]
    where = f" of {names.get(number, f'the account {number}')}" if number.isdigit() else ""
    return names.get(name) or f"{_say_arn(name)}{where}"


def _say_several(arns: Sequence[str], names: Names) -> str:
    """A bucket and what is in it are said together, and things of one kind in one breath."""
    buckets = {arn for arn in arns if f"{arn}/*" in arns and ":s3:::" in arn}
    left = [arn for arn in arns if arn not in buckets and arn.removesuffix("/*") not in buckets]
    said = []
    if buckets:
        kept = [arn.partition(":::")[2] for arn in arns if arn in buckets]
        plain = not any(set("*?$") & set(name) for name in kept)
        if plain and len(kept) > 1:
            said.append(f"the buckets {listed(kept)} with their objects")
        else:
            phrases = (say_arn(f"arn:aws:s3:::{name}", names) for name in kept)
            said += [f"{p.removesuffix(' and its objects')} and its objects" for p in phrases]
    return listed([*said, *_in_one_breath(say_arn(arn, names) for arn in left)])


def _in_one_breath(phrases: Iterable[str]) -> Iterator[str]:
    """``the user a`` and ``the user b`` as ``the users a and b``, patterns likewise."""
    kinds: dict[str, list[str]] = {}
    for phrase in dict.fromkeys(phrases):
        found = _TOGETHER.fullmatch(phrase)
        kinds.setdefault(found[1] if found else phrase, []).append(found[2] if found else "")
    plain = [kind.removeprefix("every ") for kind in kinds if _EVERY.fullmatch(kind)]
    if len(plain) > 1:
        kinds = {k: n for k, n in kinds.items() if not _EVERY.fullmatch(k)}
        yield f"every {listed(plain, most=6)}"
    for kind, names in kinds.items():
        if len(names) == 1:
            yield f"{kind} {names[0]}".strip()
        elif kind.startswith("the "):
            yield f"{plural(kind)} {listed(names)}"
        else:
            yield f"{kind} {listed(names, 'or')}"


@lru_cache(maxsize=16_384)
def _say_arn(arn: str) -> str:
    parts = arn.split(":", 5)
    if arn == "*" or len(parts) < 3:
        return "every resource" if arn == "*" else arn
    service = parts[2]
    title = title_of(service)
    region = parts[3] if len(parts) > 3 else ""
    where = f" in {region}" if re.fullmatch(r"[a-z]+-[a-z-]+-\d", region) else ""
    whole = len(parts) < 6 or parts[5] in ("*", "") or (service, parts[5]) == ("apigateway", "/*")
    if whole:
        return f"everything of {title}{where}" if set(title) - set("*?") else "every resource"
    return f"{_say_thing(arn, parts[5], service)}{where}"


def _say_thing(arn: str, name: str, service: str) -> str:
    """What an ARN names, by the resource type whose form it has."""
    best = max(_matches(arn, service), default=None)
    if service == "apigateway" and (best is None or any("/" in group for group in best[4])):
        return f"what lies under {name} in {title_of(service)}"
    if best is None:
        family = _FAMILY.fullmatch(name)
        noun = _say_kind(family[1], service) if family else f"{title_of(service)} resource"
        return _say_name(noun, family[2] if family else name)
    _, _, kind, nouns, groups = best
    if not groups and name.endswith("*"):  # AWS's list has a star in the place of a name
        return f"every {_say_kind(kind, service)}"
    objects = " and its objects" if kind == "bucket" and name.endswith("*") else ""
    return f"{_say_match(kind, nouns, groups, service)}{objects}"


def _matches(arn: str, service: str) -> Iterator[tuple[int, int, str, tuple[str, ...], Any]]:
    """The resource types whose form an ARN has, with how much of it is told by the form."""
    for kind, form in (
        resource_arns(service).items() if service in load_catalogue().services else ()
    ):
        literals, expression, nouns = _take_apart(form)
        if not all(literal in arn for literal in literals):
            continue  # sooner than to compile it
        found = _compiled(expression).fullmatch(arn)
        if found:
            depth = sum(group.count("/") for group in found.groups())
            yield len("".join(literals)), -depth, kind, nouns, found.groups()


@cache
def _take_apart(form: str) -> tuple[tuple[str, ...], str, tuple[str, ...]]:
    """The letters of an ARN that are given, its regular expression, and its variables' nouns."""
    pieces = re.split(r"\$\{([^}]*)\}", form)
    variables = ["[^:]*" if piece in _PARTS else "(.+?)" for piece in pieces[1::2]]
    literals = map(re.escape, pieces[::2])
    expression = "".join(a + b for a, b in zip_longest(literals, variables, fillvalue=""))
    named = (piece for piece in pieces[1::2] if piece not in _PARTS)
    nouns = tuple(split_words(_SUFFIX.sub("", piece)) or piece for piece in named)
    return tuple(pieces[::2]), expression, nouns


@cache
def _compiled(expression: str) -> re.Pattern[str]:
    return re.compile(expression, re.DOTALL)


def _say_match(kind: str, nouns: tuple[str, ...], groups: tuple[str, ...], service: str) -> str:
    noun = _say_kind(kind, service)
    if not groups:
        return f"the {noun}"
    name = groups[-1]
    if noun in ("user", "role", "group", "policy") and not set(name) & set("*?$"):
        name = name.rpartition("/")[2]  # without its path
    around = [
        (outer, name)
        for outer, name in reversed(list(zip(nouns[:-1], groups[:-1], strict=True)))
        if name.strip("*/")
    ]
    if around and around[0][0] == noun and not name.strip("*/"):  # as stack/NAME/ID
        return " in ".join(_say_name(*one) for one in around)
    return " in ".join(_say_name(*one) for one in ((noun, name), *around))


def _say_kind(kind: str, service: str = "") -> str:
    """The name of a resource type as a noun; one of small letters as the actions write it."""
    written = _written(service).get(kind, kind) if kind.isalpha() and kind.islower() else kind
    noun = split_words(written)
    noun = _NOUNS.get(noun, noun).removesuffix(" resource") or noun
    return noun[:-1] if noun.endswith("s") and noun[-2:] not in ("ss", "us", "is", "os") else noun


@cache
def _written(service: str) -> Mapping[str, str]:
    """Words of a service's actions, several in a row, by their small letters: WebACL by webacl."""
    found: dict[str, str] = {}
    for action in describe_service(service).values():
        words = _CAPITAL.findall(action.name.partition(":")[2])
        for first in range(1, len(words)):
            for end in range(first + 2, len(words) + 1):
                joined = "".join(words[first:end])
                found.setdefault(joined.lower(), joined)
    return found


def _say_name(noun: str, name: str) -> str:
    """One thing by its name, or all by a pattern."""
    bare = name.strip("*")
    if not bare.strip("/*"):
        return f"every {noun}"
    theirs = own(name.removeprefix("*/").removeprefix("*"))
    if theirs == "their own user name":
        return f"their own {noun}"
    if theirs:
        return f"the {noun} named after {theirs}"
    said = say_variables(bare)
    if set(re.sub(r"\$\{[^}]*\}", "", bare)) & set("*?"):
        return f"every {noun} whose name looks like {say_variables(name)}"
    if name == bare:
        return f"the {noun} {said}"
    how = {(False, True): "begins with", (True, False): "ends with", (True, True): "contains"}
    return f"every {noun} whose name {how[name[0] == '*', name[-1] == '*']} {said}"
