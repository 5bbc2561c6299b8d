"""Rules on ``Principal`` and ``NotPrincipal`` of a resource's own policy.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
"""

import re
from collections.abc import Iterator, Mapping

from iamkit.account.state import JSON
from iamkit.policies.grammar.statements import texts_of
from iamkit.policies.lint.statement import Part, Remark

_AWS = re.compile(
    r"\d{12}|arn:aws[\w-]*:(iam::\d{12}:(root|user/[^*?]+|role/[^*?]+)|"
    r"sts::\d{12}:(assumed-role/[^*?/]+/[^*?/]+|federated-user/[^*?]+|self))|A(ID|RO|KI|SI|GP)A\w+"
)
_FORMS = {
    "AWS": (_AWS, "an account's 12 digits, or the ARN of a user, a role or a session"),
    "Service": (
        re.compile(r"[a-z0-9.-]+\.(amazonaws\.com(\.cn)?|aws\.internal|amazon\.com)"),
        "a service such as lambda.amazonaws.com",
    ),
    "Federated": (
        re.compile(
            r"arn:aws[\w-]*:iam::\d{12}:(saml-provider/[^*?]+|oidc-provider/[^*?]+)|"
            r"cognito-identity\.amazonaws\.com|www\.amazon\.com|graph\.facebook\.com|"
            r"accounts\.google\.com"
        ),
        "the ARN of an identity provider, or one that all accounts know",
    ),
    "CanonicalUser": (re.compile("[0-9a-f]{64}"), "64 hexadecimal digits"),
}
_GROUP = re.compile(r"arn:[^:]*:iam::\d*:group/.*")


def find_malformed_principals(part: Part) -> Iterator[Remark]:
    """Principals of a form that AWS refuses, or that names nobody."""
    element = "NotPrincipal" if part.statement.not_principal else "Principal"
    found = part.statement.element.get(element)
    kinds: JSON = found if isinstance(found, Mapping) else {}
    for kind in kinds:
        several = isinstance(kinds[kind], list)
        for number, name in enumerate(texts_of(kinds, kind), 1):
            form, what = _FORMS[kind]
            if name == "*" and kind in ("AWS", "Federated", "Service"):
                continue
            path = f"{element}.{kind}{f'[{number}]' if several else ''}"
            if kind == "AWS" and _GROUP.fullmatch(name):
                text = (
                    f"{name} is a group, and no policy takes a group for a principal. Name users."
                )
                yield part.remark("group-as-principal", "error", text, path)
            elif "*" in name or "?" in name:
                text = (
                    f"{name} has a wildcard within, which AWS refuses in a principal. Name it "
                    "whole, or write the account and a condition on aws:PrincipalArn."
                )
                yield part.remark("wildcard-in-principal", "error", text, path)
            elif not form.fullmatch(name):
                text = f"{name!r} is not what {kind} takes: {what}."
                yield part.remark("principal-format", "error", text, path)


def find_not_principal(part: Part) -> Iterator[Remark]:
    """``NotPrincipal`` with ``Allow``, which lets in everyone but a few, the anonymous included."""
    if part.statement.allows and part.statement.not_principal:
        text = (
            "NotPrincipal with Allow allows everyone else, those without any account included. "
            "Name who is meant in Principal."
        )
        yield part.remark("allow-not-principal", "warning", text, "NotPrincipal#")
