"""What an auditor looks for in one policy."""

from typing import NamedTuple

from iamkit.account.state import JSON
from iamkit.policies.actions.catalogue import load_catalogue
from iamkit.policies.grammar.statements import Statement, read_statements

SENSITIVE = ("cloudtrail", "kms")
"""Services of which nobody should be allowed everything: the log, and the keys."""
_MFA_ACTIONS = ("iam:DeactivateMFADevice", "iam:DeleteVirtualMFADevice")


class Review(NamedTuple):
    """What a policy's text says: the columns of the same names."""

    full_admin: bool
    full_services: str
    mfa_removable: bool
    group_denies: str


def review_document(document: JSON) -> Review:
    """What a policy's text says; services of a policy that allows all of AWS are not told."""
    catalogue = load_catalogue()
    removing = catalogue.union(_MFA_ACTIONS)
    full, services, removable, denies = False, set[str](), False, set[str]()
    for statement in read_statements(document):
        if not statement.allows:
            denies |= {text for text in statement.resources if ":group/" in text}
            continue
        actions = catalogue.about(statement)
        if actions == catalogue.everything:
            full = full or (statement.everywhere and not statement.tests)
        elif statement.everywhere:
            services |= {s for s in SENSITIVE if not catalogue.of_service(s) & ~actions}
        removable = removable or bool(actions & removing and not _wants_mfa(statement))
    return Review(
        full, ", ".join(sorted(services)), removable and not full, ", ".join(sorted(denies))
    )


def _wants_mfa(statement: Statement) -> bool:
    """Whether a condition asks for MFA in a way that binds: not by ``BoolIfExists``.

    A call with a long-term key has no ``aws:MultiFactorAuthPresent`` at all, so ``BoolIfExists``
    lets it through.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
    """
    keys = {
        test.key.lower()
        for test in statement.tests
        if not test.if_exists and test.written != "Null"
    }
    return bool(keys & {"aws:multifactorauthpresent", "aws:multifactorauthage"})
