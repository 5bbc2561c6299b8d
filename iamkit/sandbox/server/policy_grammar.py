"""Policy documents as AWS refuses them: the kit's own grammar, in AWS's words.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
"""

from typing import Any, Literal

from iamkit.policies.grammar.elements import SYNTAX
from iamkit.policies.grammar.reading import load_strictly
from iamkit.policies.grammar.validation import NEWEST, VERSIONS, find_problem
from iamkit.sandbox.server.errors import Refused

Kind = Literal["identity", "trust", "simulated"]


def document_size(text: str) -> int:
    """How many characters a policy counts: those that are no white space.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
    """
    return len("".join(text.split()))


def check_document(text: str, kind: Kind) -> None:
    """Check a policy document.

    Args:
        text: as it was sent.
        kind: ``identity`` for the policy of a user, group or role, ``trust`` for one that names
            a principal: who may assume a role, or may use a bucket; ``simulated`` for one of the
            simulator, which makes nothing new and so takes the old version, named or meant.

    Raises:
        Refused: MalformedPolicyDocument.
    """
    try:
        document = load_strictly(text)
    except ValueError:
        raise _malformed(SYNTAX) from None
    if kind == "simulated" and isinstance(document, dict):
        document = {**document, "Version": _as_new(document.get("Version"))}
    if problem := find_problem(document, identity=kind != "trust"):
        raise _malformed(problem.answer)


def _as_new(version: Any) -> Any:
    return NEWEST if version in (None, *VERSIONS) else version


def _malformed(answer: str) -> Refused:
    return Refused("MalformedPolicyDocument", 400, answer)


class JudgedAlready:
    """In place of moto's validator, which refuses what AWS takes: our rules judge before it acts.

    AWS's own managed policies are among what it refuses, and numbers without quotes.
    """

    def __init__(self, policy_document: str) -> None:
        self._text = policy_document

    def validate(self) -> None:
        """Check it, for who calls moto past the rules.

        Raises:
            Refused: MalformedPolicyDocument.
        """
        check_document(self._text, "identity")
