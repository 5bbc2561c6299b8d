"""The sandbox answers as AWS was recorded, or is documented, to answer, by ``cases/answers``.

A case has set-up calls (``given``), a call (``when``), and AWS's answer to it: a refusal
(``refused`` and ``says``), or what stands at places of the reply (``reply``, in JMESPath).
``lacks`` names members that the model requires and AWS's documentation leaves out.
``differs`` says why the sandbox still answers otherwise; such a case must fail, so that its note
goes when it is mended.
"""

import re

import pytest
from answer_cases import CASES
from sandbox_answers import Practice, served

from iamkit.sandbox.server.secrets_manager import SERVED as SECRETS
from iamkit.sandbox.server.sign_in import SERVED as SIGN_IN

MARKS = {"recorded", "documented", "from the model"}


@pytest.fixture(scope="module")
def practice(tmp_path_factory):
    """Accounts in this process, a new one for each case."""
    return Practice(tmp_path_factory.mktemp("practice"))


@pytest.mark.parametrize("case", CASES, ids=[case["rule"] for case in CASES])
def test_the_answer_is_awss(practice, case, request):
    """Code, status and words of a refusal, or members of a reply; the journal gives it again."""
    if "differs" in case:
        request.applymarker(pytest.mark.xfail(reason=case["differs"], strict=True))
    practice.begin()
    for step in case.get("given", []):
        practice.call(step)
    found, wanted = practice.answer(case["when"], case), practice.wanted(case)
    assert found == wanted
    # Members that the API's model has not, or that it requires.
    assert practice.faults == case.get("lacks", [])
    practice.repeat()


def test_every_reply_has_the_id_of_its_request(practice):
    """A recorded answer of AWS: refusals too, in a header and in their text, and none twice."""
    practice.begin()
    headers = [
        practice.headers(step) for step in ({"ListUsers": {}}, {"GetUser": {"UserName": "x"}})
    ]
    ids = {header["x-amzn-requestid"] for header in headers}
    assert len(ids) == 2
    assert all(re.fullmatch("[0-9a-f-]{36}", number) for number in ids)


def test_every_operation_that_is_served_is_asked():
    """No call is served without a case that holds what AWS answers to it."""
    asked = {
        name.rpartition(".")[2]
        for case in CASES
        for step in [*case.get("given", []), case["when"]]
        for name in step
    }
    assert sorted((served() | SECRETS | SIGN_IN) - asked) == []


def test_every_case_has_its_source():
    """Each names what it was taken from: a recording, AWS's documentation, or its model."""
    for case in CASES:
        assert case["mark"] in MARKS, case["rule"]
        is_own = case["mark"] == "recorded"
        assert is_own or re.match(r"https://|botocore ", case["source"]), case["rule"]
    rules = [case["rule"] for case in CASES]
    assert len(set(rules)) == len(rules)
