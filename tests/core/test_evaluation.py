"""The evaluator against cases written from AWS's documentation, and properties of its logic."""

import json
from pathlib import Path

import pytest

from iamkit.policies.evaluation import Policies, evaluate
from iamkit.policies.request import Principal, Request

FILES = sorted((Path(__file__).parent / "cases" / "evaluate").glob("*.json"))
CASES = [case for file in FILES for case in json.loads(file.read_text())]
ALICE = "arn:aws:iam::111122223333:user/alice"


def document(given):
    if isinstance(given, dict) and "Statement" in given:
        return given
    return {"Version": "2012-10-17", "Statement": given}


def documents(given):
    """One document, several, or the statements of one, by names."""
    several = isinstance(given, list) and any("Statement" in item for item in given)
    return {f"p{n}": document(item) for n, item in enumerate(given if several else [given], 1)}


def levels(given):
    return [{f"l{n}": document(item) for n, item in enumerate(level)} for level in given]


def read_case(case):
    """The request and the policies of a case."""
    given = case["policies"]
    boundary, resource = given.get("permissions_boundary"), given.get("resource")
    policies = Policies(
        identity=documents(given["identity"]) if given.get("identity") else {},
        permissions_boundary=None if boundary is None else document(boundary),
        session=documents(given["session"]) if given.get("session") is not None else None,
        service_control=levels(given.get("service_control", [])),
        resource_control=levels(given.get("resource_control", [])),
        resource=None if resource is None else document(resource),
    )
    request = Request(
        principal=Principal(case.get("principal", ALICE), case.get("issuer", "")),
        action=case["action"],
        resource=case.get("resource"),
        context=case.get("context"),
        unknown=frozenset(case.get("unknown", ())),
        resource_account=case.get("resource_account", ""),
    )
    return request, policies


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"][:90])
def test_a_request_is_decided_as_aws_documents_it(case):
    """What the case expects; where it says so, by those statements, or for want of those keys."""
    decision = evaluate(*read_case(case))
    assert decision.effect == case["expect"], str(decision)
    if "decided_by" in case:
        assert sorted(s.name for s in decision.statements) == sorted(case["decided_by"])
    if "depends_on" in case:
        assert list(decision.depends_on) == sorted(case["depends_on"])


def test_each_case_says_what_no_other_says():
    """At least three hundred sentences, each with its source."""
    assert len(CASES) >= 300
    assert len({case["case"] for case in CASES}) == len(CASES)
    assert all(case["source"].startswith("https://docs.aws.amazon.com/") for case in CASES)
