"""Every error that AWS's models document, of every call that is served, has a case or a reason."""

import pytest
from answer_cases import CASES, REASONS
from moto.core.utils import get_service_model
from sandbox_answers import served

from iamkit.sandbox.server.secrets_manager import SERVED as SECRETS
from iamkit.sandbox.server.sign_in import SERVED as SIGN_IN

SERVED = {"iam": served(), "sts": served(), "secretsmanager": SECRETS, "signin": SIGN_IN}
EXCUSED = [
    (operation, code) for one in REASONS for operation in one["of"] for code in one["errors"]
]


def documented():
    """Operation and code, as the models have them."""
    for service, operations in SERVED.items():
        model = get_service_model(service)
        for operation in sorted(operations & set(model.operation_names)):
            for shape in model.operation_model(operation).error_shapes:
                yield operation, shape.metadata.get("error", {}).get("code", shape.name)


def provoked():
    """Operation and code of every case that holds a refusal."""
    for case in CASES:
        if "refused" in case and "differs" not in case:
            operation = next(iter(case["when"])).rpartition(".")[2]
            yield operation, case["refused"].split()[0]


DOCUMENTED, PROVOKED = list(documented()), set(provoked())


@pytest.mark.parametrize("operation", sorted({operation for operation, _ in DOCUMENTED}))
def test_a_documented_error_has_a_case_or_a_reason(operation):
    """One of both, so that no error is forgotten and no reason outlives a case."""
    codes = {code for name, code in DOCUMENTED if name == operation}
    held = {code for name, code in PROVOKED if name == operation} & codes
    excused = {code for name, code in EXCUSED if name in (operation, "*")} & codes
    assert held ^ excused == codes


def test_a_reason_is_of_a_documented_error():
    """None is given twice, of a call that is not served, or of an error that AWS does not have."""
    everywhere = {("*", code) for _, code in DOCUMENTED}
    assert set(EXCUSED) - everywhere - set(DOCUMENTED) == set()
    assert len(set(EXCUSED)) == len(EXCUSED)
