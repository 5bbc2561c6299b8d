"""Names and lists as English words."""

import re
from collections.abc import Iterable, Sequence

from iamkit.policies.actions.catalogue import load_catalogue
from iamkit.text import listed

_WORD = re.compile(
    r"OAuth2?|I[Pp]v\d|OTel|IdPs?|Q(?=App|Business|Sql|Search|Custom|Personalization)|[SE]\d+(?![a-z])|V\d+"
    r"|[A-Z]+s?(?![a-z])|[A-Z]?[a-z]+|\d+"
)
_AS_WRITTEN = ("OAuth", "OTel", "IdP", "Q", "S3")
_JOINTS = re.compile(r"( (?:to|from|for|by|with|without|of|in|on|and) )")
_VARIABLE = re.compile(r"\$\{\s*([^{},]+?)\s*(?:,[^}]*)?\}")
_UNCOUNTED = set(
    "IAM access content data encryption history info information logging metadata ownership "
    "replication status tagging traffic usage versioning acceleration in on to from for by with "
    "all health compliance".split()
)
_TITLES = {
    "iam": "IAM",
    "sts": "AWS STS",
    "kms": "AWS KMS",
    "apigateway": "Amazon API Gateway",
    "elasticloadbalancing": "Elastic Load Balancing",
    "health": "AWS Health",
    "wafv2": "AWS WAF",
    "waf": "AWS WAF Classic",
    "waf-regional": "AWS WAF Classic Regional",
    "ram": "AWS Resource Access Manager",
    "dax": "Amazon DynamoDB Accelerator",
    "cassandra": "Amazon Keyspaces",
    "emr-containers": "Amazon EMR on EKS",
    "inspector2": "Amazon Inspector",
    "execute-api": "the APIs of Amazon API Gateway",
    "mediapackagev2": "AWS Elemental MediaPackage",
    "kinesisanalytics": "Amazon Kinesis Analytics",
}
_SHORT_FORMS = set(
    "acl api arn aws cidr cpu db dhcp eula faq http https ip kms nat ram dns ebs ec2 iam id mfa "
    "oidc saml sms sql ssh ssl tls url vpc vpn".split()
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
    "kms:Decrypt": "decrypt data",
    "kms:Encrypt": "encrypt data",
    "sns:Publish": "publish messages",
    "sns:Subscribe": "subscribe to topics",
    "sns:Unsubscribe": "unsubscribe from topics",
    "dynamodb:Query": "query tables",
    "dynamodb:Scan": "scan tables",
    "apigateway:GET": "read settings",
    "apigateway:POST": "create settings",
    "apigateway:PUT": "write settings",
    "apigateway:PATCH": "change settings",
    "apigateway:DELETE": "delete settings",
    "execute-api:Invoke": "call APIs",
    "execute-api:ManageConnections": "manage connections of APIs",
    "vpc-lattice-svcs:Invoke": "call services",
    "iot:Connect": "connect as devices",
    "iot:Publish": "publish messages",
    "iot:Receive": "receive messages",
    "iot:Subscribe": "subscribe to topics",
    "rds-db:connect": "connect to databases",
    "es:ESHttpGet": "read documents",
    "es:ESHttpPost": "post documents",
    "es:ESHttpPut": "write documents",
    "es:ESHttpDelete": "delete documents",
    "es:ESHttpHead": "look for documents",
    "es:ESHttpPatch": "change documents",
}


def split_words(name: str) -> str:
    """``ListMFADevices`` as ``list MFA devices``; short forms have their capitals."""
    words = " ".join(map(_say_word, _WORD.findall(name)))
    return words.replace("un tag", "untag").replace("service linked", "service-linked")


def _say_word(word: str) -> str:
    lowered = word.lower()
    if re.fullmatch(r"ipv\d", lowered):
        return f"IP{lowered[2:]}"
    if word.startswith(_AS_WRITTEN) and not word.startswith("Qu"):
        return word
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
    return _VERBS.get(verb, verb), rest if said else _all_plural(rest)


def _all_plural(words: str) -> str:
    """Several of each thing that is named: ``add roles to instance profiles``."""
    parts = _JOINTS.split(words)
    return "".join(part if number % 2 else plural(part) for number, part in enumerate(parts))


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
    if (
        end in _UNCOUNTED
        or re.fullmatch(r"V\d+|\d+", end)
        or end[-1:] in ("s", "")
        or not end[-1].isalpha()
        or end[-3:] == "ing"
    ):
        return words
    if end[-1] == "y" and end[-2:-1] not in tuple("aeou"):
        return f"{words[:-1]}ies"
    return f"{words}es" if end.endswith(("x", "ch", "sh")) else f"{words}s"
