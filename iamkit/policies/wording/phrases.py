"""Names and lists as English words."""

import re
from collections.abc import Iterable, Sequence

from iamkit.policies.actions.catalogue import load_catalogue
from iamkit.text import listed

_WORD = re.compile(r"[A-Z]+s?(?![a-z])|[A-Z]?[a-z]+|\d+")
_VARIABLE = re.compile(r"\$\{\s*([^{},]+?)\s*(?:,[^}]*)?\}")
_UNCOUNTED = set(
    "access content data encryption history info information logging metadata ownership "
    "replication status tagging traffic usage versioning acceleration in on to from for by with "
    "all health compliance".split()
)
_TITLES = {"iam": "IAM", "sts": "AWS STS", "kms": "AWS KMS"}
_SHORT_FORMS = set(
    "acl api arn aws cidr db dhcp dns ebs ec2 iam id ip kms mfa oidc saml sms sql ssh ssl tls "
    "url vpc vpn".split()
)
_VERBS = {"get": "read", "put": "write"}
_OWN = {
    "aws:username": "their own user name",
    "aws:userid": "their own user id",
    "aws:principalaccount": "the caller's own account",
    "aws:principalorgid": "the caller's own organization",
    "aws:resourceaccount": "the resource's account",
    "aws:requestedregion": "the region of the request",
    "aws:sourceidentity": "their own source identity",
    "*": "*",
    "?": "?",
    "$": "$",
}
_PHRASES = {
    "iam:PassRole": "hand roles to AWS's services",
    "sts:AssumeRole": "take on roles",
    "s3:ListBucket": "list the objects of buckets",
    "s3:ListAllMyBuckets": "list all buckets",
    "s3:GetObject": "read objects",
    "s3:PutObject": "write objects",
    "iam:ChangePassword": "change their own password",
    "kms:GenerateDataKey*": "generate data keys",
    "kms:ReEncrypt*": "re-encrypt data",
    "kms:CreateGrant": "give others grants on keys",
    "ec2:CreateTags": "create tags",
}


def split_words(name: str) -> str:
    """``ListMFADevices`` as ``list MFA devices``; short forms have their capitals."""
    return " ".join(map(_say_word, _WORD.findall(name))).replace("un tag", "untag")


def _say_word(word: str) -> str:
    lowered = word.lower()
    if lowered in _SHORT_FORMS:
        return lowered.upper()
    if lowered[:-1] in _SHORT_FORMS and lowered[-1] == "s":
        return f"{lowered[:-1].upper()}s"
    return word if len(word) > 1 and word[:2].isupper() else lowered


def say_action(action: str) -> tuple[str, str]:
    """``ec2:RunInstances`` as ``run`` and ``instances``."""
    said = _PHRASES.get(action)
    action = action.replace(":Batch", ":")
    verb, _, rest = (said or split_words(action.partition(":")[2])).partition(" ")
    return _VERBS.get(verb, verb), rest if said else plural(rest)


def say_together(actions: Iterable[str]) -> str:
    """Actions in one breath: ``start and stop instances``, ``describe subnets and VPCs``."""
    verbs: dict[str, list[str]] = {}
    for verb, thing in map(say_action, actions):
        verbs.setdefault(thing, []).append(verb)
    things: dict[str, list[str]] = {}
    for thing, several in verbs.items():
        things.setdefault(listed(several), []).append(thing)
    said = [f"{verb} {listed(several)}".strip() for verb, several in things.items()]
    return say_list(said)


def say_list(phrases: Sequence[str]) -> str:
    """Phrases in a row; with a comma before the last where one has an ``and`` of its own."""
    if len(phrases) == 1 or not any("," in phrase or " and " in phrase for phrase in phrases):
        return listed(phrases)
    return f"{', '.join(phrases[:-1])}, and {phrases[-1]}"


def title_of(service: str) -> str:
    """What a service is called, in short; an unknown one by its prefix."""
    return _TITLES.get(service) or load_catalogue().titles.get(service, service)


def say_variables(text: str) -> str:
    """A text in which ``${aws:username}`` reads ``[their own user name]``."""
    return _VARIABLE.sub(lambda found: f"[{_say_key(found[1])}]", text)


def own(text: str) -> str:
    """What a text says that is one variable alone; empty if it is not."""
    found = _VARIABLE.fullmatch(text)
    return _say_key(found[1]) if found and found[1] not in "*?$" else ""


def _say_key(key: str) -> str:
    lowered = key.lower()
    if lowered.startswith("aws:principaltag/"):
        return f"the caller's tag {key.partition('/')[2]}"
    return _OWN.get(lowered) or f"the caller's {split_words(key.partition(':')[2]) or key}"


def plural(words: str) -> str:
    """Several of a thing; what is plural already, or cannot be counted, stays."""
    end = words.rpartition(" ")[2]
    if end in _UNCOUNTED or end[-1:] in ("s", "") or not end[-1].isalpha() or end[-3:] == "ing":
        return words
    if end[-1] == "y" and end[-2:-1] not in tuple("aeou"):
        return f"{words[:-1]}ies"
    return f"{words}es" if end.endswith(("x", "ch", "sh")) else f"{words}s"
