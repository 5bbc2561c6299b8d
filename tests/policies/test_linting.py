"""The linter against cases as data, AWS's own policies and its positions in a text."""

import json
import re
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st
from moto.iam.aws_managed_policies import aws_managed_policies_data
from samples import scaled

from iamkit.policies.actions.catalogue import load_catalogue
from iamkit.policies.grammar.document import print_policy
from iamkit.policies.grammar.positions import locate_paths
from iamkit.policies.grammar.quotas import Gauge
from iamkit.policies.lint.linting import lint_policy

CASES = json.loads((Path(__file__).parent / "cases" / "lint.json").read_text(encoding="utf-8"))
MANAGED = json.loads(aws_managed_policies_data)
CHARACTERS = st.text(max_size=4)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | CHARACTERS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(CHARACTERS, inner, max_size=3),
    max_leaves=8,
)


def lint_case(case):
    version = case.get("version", "2012-10-17")
    document = {"Version": version, "Statement": case.get("statements")}
    return lint_policy(
        case.get("text", document),
        identity=case.get("identity", True),
        quota=case.get("quota"),
        now=datetime.fromisoformat(case["now"]) if "now" in case else None,
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
def test_a_policy_gets_the_remarks_that_it_deserves(case):
    """Exactly the rules that the case names, at its paths; of a text also at its places."""
    remarks = lint_case(case)
    found = [[r.rule, r.path, r.line, r.column] for r in remarks]
    wanted = case["expect"]
    assert sorted(f[: len(w)] for f, w in zip(found, wanted, strict=True)) == sorted(wanted)


def test_every_rule_has_a_case_that_it_holds_against():
    """No rule is without a case, and no case names a rule that is none."""
    folder = Path(__file__).parents[2] / "iamkit" / "policies"
    source = "".join(path.read_text() for path in folder.glob("lint/*.py"))
    rules = set(re.findall(r'[rR]emark\(\s*"([a-z-]+)"', source))
    of_the_grammar = {"structure", "unknown-operator", "old-version", "malformed-value"}
    assert rules | of_the_grammar == {rule for case in CASES for rule, *_ in case["expect"]}
    assert len(rules) > 30


def test_what_aws_documents_is_named():
    """A case that says where its rule comes from names a page of AWS's own documentation."""
    pages = [case["see"] for case in CASES if "see" in case]
    assert len(pages) > 70
    assert all(page.startswith("https://docs.aws.amazon.com/") for page in pages)


def test_the_catalogue_has_a_date():
    """An action that it lacks may be younger than that."""
    assert re.fullmatch(r"20\d\d-[01]\d-[0-3]\d", load_catalogue().date)


@pytest.mark.parametrize(
    ("beside", "fits"), [(2, True), (1, None), (0, None), (-1, None), (-2, False)]
)
def test_within_one_character_of_a_quota_it_cannot_be_told(beside, fits):
    """The count that AWS's tools state differs by one, and IAM's own is not stated."""
    gauge = Gauge("managed policy", 6_144 - beside, 6_144)
    assert gauge.fits is fits
    assert ("cannot be told" in str(gauge)) == (fits is None)


def test_a_remark_says_what_was_meant():
    """An unknown name comes with the one that looks like it."""
    document = {
        "Effect": "Allow",
        "Action": ["s3:GetObjekt", "ec2:ListAllMyBuckets"],
        "Resource": "*",
    }
    first, second = lint_policy({"Version": "2012-10-17", "Statement": document})
    said = (
        f"is not in the catalogue of {load_catalogue().date}, and botocore has no such operation."
    )
    assert first.message == f"s3:GetObjekt {said} Did you mean s3:GetObject?"
    assert second.message == f"ec2:ListAllMyBuckets {said} Did you mean s3:ListAllMyBuckets?"
    assert str(first) == f"error: {first.message} [unknown-action] (line 7, column 9)"


def test_aws_own_policies_are_read_without_error():
    """Each of the managed policies, some of which have something to tell."""
    remarks = {name: lint_policy(policy["Document"]) for name, policy in MANAGED.items()}
    assert len(remarks) > 1_500
    assert [r.rule for r in remarks["AdministratorAccess"]] == ["full-administration"]
    assert not [r for several in remarks.values() for r in several if r.rule == "structure"]
    assert all(r.line and r.column for several in remarks.values() for r in several)


@given(VALUES)
@settings(max_examples=scaled(50, 2000), deadline=None)
def test_the_linter_reads_whatever_json_is(value):
    """It never raises: what is no policy is told to be none."""
    remarks = lint_policy(json.dumps({"Version": "2012-10-17", "Statement": [value]}))
    assert remarks
    assert {remark.severity for remark in remarks} <= {"error", "warning", "hint"}


@given(VALUES, VALUES)
@settings(max_examples=scaled(50, 2000), deadline=None)
def test_the_linter_reads_whatever_a_statement_holds(condition, value):
    """Conditions and elements may hold anything."""
    statement = {"Effect": "Allow", "Action": "s3:Get*", "Resource": "*", "Condition": condition}
    lint_policy({"Version": "2012-10-17", "Statement": [statement]})
    lint_policy({"Version": "2012-10-17", "Statement": [{**statement, "Condition": {"x": value}}]})
    lint_policy({"Version": "2012-10-17", "Statement": [{**statement, "Action": value}]})
    lint_policy({"Version": "2012-10-17", "Statement": value})


@given(VALUES)
@settings(max_examples=scaled(50, 2000), deadline=None)
def test_every_value_is_found_in_its_text(value):
    """At the position of a path begins the value that the path names."""
    text = json.dumps({"a": value, "b": [value, {"c": 1}]}, indent=2)
    lines = text.split("\n")
    places = locate_paths(text)
    line, column = places["b[2].c"]
    assert lines[line - 1][column - 1] == "1"
    line, column = places["b[1]"]
    assert lines[line - 1][column - 1] == json.dumps(value)[0]


def test_positions_are_those_of_the_printed_text():
    """A document's remarks stand where ``print_policy`` shows them."""
    document = MANAGED["ReadOnlyAccess"]["Document"]
    lines = print_policy(document).split("\n")
    for remark in lint_policy(document):
        if remark.rule == "redundant-action":
            assert remark.message.split()[0] in lines[remark.line - 1][remark.column - 1 :]
