"""Policies in plain English, against sentences as data, and over AWS's own policies."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st
from moto.iam.aws_managed_policies import aws_managed_policies_data
from samples import scaled

from iamkit.policies import allow, policy
from iamkit.policies.grammar.validation import find_problem
from iamkit.policies.wording.explanation import explain

CASES = json.loads((Path(__file__).parent / "cases" / "explain.json").read_text(encoding="utf-8"))
MANAGED = json.loads(aws_managed_policies_data)
CHARACTERS = st.text(st.sampled_from("aS3:*?${}/. ,-"), max_size=8)


def uncounted(text):
    """Without the numbers of actions, which grow from week to week."""
    return re.sub(r"[\d,]+ actions", "N actions", text)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
def test_a_policy_is_told_in_these_words(case):
    """One sentence for each statement, exactly as a person would write it."""
    document = {"Version": "2012-10-17", "Statement": case["statements"]}
    said = [uncounted(found.text) for found in explain(document, case.get("names"))]
    assert said == [uncounted(text) for text in case["expect"]]


def test_what_matters_most_comes_first():
    """A Deny of everything, then what is allowed by weight, then what is denied."""
    case = next(case for case in CASES if case["case"].startswith("A Deny of everything"))
    found = explain({"Version": "2012-10-17", "Statement": case["statements"]})
    assert [(e.name, e.statement, e.weight) for e in found] == [
        ("Stop", 4, "everything"),
        ("Admin", 3, "everything"),
        ("", 5, "Permissions management"),
        ("", 6, "Write"),
        ("", 8, "Write"),
        ("", 7, "Tagging"),
        ("See", 2, "List"),
        ("KeepUsers", 1, "Write"),
    ]


def test_aws_own_policies_are_told():
    """Each statement of each managed policy gives one sentence, which has no gap in it."""
    for name, managed in MANAGED.items():
        document = managed["Document"]
        statements = document["Statement"]
        found = explain(document)
        assert len(found) == (len(statements) if isinstance(statements, list) else 1), name
        for said in found:
            assert re.fullmatch(r"May \S.*\S\.", said.text), name
            assert not re.search(r"\{\}|  | ,|None|and and| in ,", said.text), said.text


@given(CHARACTERS, CHARACTERS, CHARACTERS)
@settings(max_examples=scaled(75, 3000), deadline=None)
def test_whatever_is_a_policy_can_be_told(name, key, value):
    """Names, keys and values may hold any letters."""
    resources = [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*", f"arn:aws:{key}:::{value}\0"]
    statement = allow("s3:Get*", resource=resources[:2])
    condition = {"StringLike": {f"aws:{key}": value}, "ForAnyValue:StringEquals": {f"{key}:a": []}}
    document = policy(statement | {"Condition": condition})
    assert find_problem(document) is None
    for resource in resources:
        (said,) = explain(policy({**document["Statement"][0], "Resource": resource}))
        assert said.text.startswith("May ")
