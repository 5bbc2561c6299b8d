"""Policies in plain English, against sentences as data, and over AWS's own policies."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st
from moto.iam.aws_managed_policies import aws_managed_policies_data
from samples import scaled

from iamkit.policies import allow, policy
from iamkit.policies.actions.catalogue import load_catalogue
from iamkit.policies.actions.dangers import DANGERS, danger_masks
from iamkit.policies.grammar.statements import read_statements
from iamkit.policies.grammar.validation import find_problem
from iamkit.policies.wording.actions import say_object
from iamkit.policies.wording.explanation import explain
from iamkit.policies.wording.phrases import say_action
from iamkit.policies.wording.resources import say_resources

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


def unsaid(statement, text):
    """The classes of danger that a statement grants, and that its sentence does not name."""
    known = load_catalogue()
    mask = known.about(statement)
    for name, part in danger_masks(known).items():
        if mask & part and DANGERS[name] not in text.partition("; in all ")[0]:
            words = [say_action(action) for action in known.named(mask & part)]
            if not all(verb in text and thing.rpartition(" ")[2] in text for verb, thing in words):
                yield name


def dangers_left_out(document):
    """The dangers of a policy's statements that their sentences do not name."""
    told = {found.statement: found.text for found in explain(document)}
    return [
        (name, told[statement.number])
        for statement in read_statements(document)
        if statement.allows and not ("*" in statement.actions and not statement.not_action)
        for name in unsaid(statement, told[statement.number])
        if not say_object(statement, say_resources(statement, {}))
    ]


def test_every_danger_of_awss_policies_is_named():
    """By its class, or by each of its actions, however many services a statement is about."""
    for name, managed in MANAGED.items():
        assert dangers_left_out(managed["Document"]) == [], name


@given(st.data())
@settings(max_examples=scaled(75, 3000), deadline=None)
def test_every_danger_is_named_at_any_length(data):
    """One dangerous action among any others is not lost, by itself or behind a wildcard."""
    known = load_catalogue()
    grave = data.draw(st.sampled_from(sorted(DANGERS)))
    action = data.draw(st.sampled_from(known.named(danger_masks(known)[grave])))
    pattern = data.draw(st.sampled_from([action, f"{action[:-2]}*", f"{action.split(':')[0]}:*"]))
    others = data.draw(st.lists(st.sampled_from(known.actions), max_size=40))
    key = data.draw(st.sampled_from(["Action", "Action", "NotAction"]))
    document = policy({"Effect": "Allow", key: [*others, pattern], "Resource": "*"})
    assert dangers_left_out(document) == []


def test_dangers_come_first_and_the_gravest_foremost():
    """However many services stand before them in the alphabet."""
    actions = ["iam:PassRole", "secretsmanager:*", "s3:*", "ec2:*", "sqs:*", "a4b:*", "dynamodb:*"]
    (said,) = explain(policy(allow(*actions)))
    assert said.text.startswith(
        "May hand roles to AWS's services, manage permissions in AWS Secrets Manager, Amazon S3, "
    )
    assert (
        "read secrets in AWS Secrets Manager and Amazon EC2" in said.text.partition("; in all")[0]
    )


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
