"""The checks: cases as data, each a sentence, an account in a few words and what is found."""

import json
import re
from pathlib import Path

import pytest
from accounts import NOW, account_of

from iamkit.audit import CHECKS, Audit, check
from iamkit.audit.checks import CIS_VERSIONS
from iamkit.parameters.models import NOTEBOOKS
from iamkit.parameters.notebook import Thresholds, Waiver

CASES = json.loads((Path(__file__).parent / "cases" / "checks.json").read_text())


def audit_of(case):
    """An audit of a case's account, with its thresholds and waivers."""
    thresholds = Thresholds(**case.get("thresholds", {}))
    return Audit(account_of(case), thresholds, [Waiver(**w) for w in case.get("waivers", ())])


def found_by(audit, name):
    """What a check found: its status by principal and resource."""
    rows = audit.findings[audit.findings["check"] == name].to_dict("records")
    return {f"{row['principal']} {row['resource']}".strip(): row["status"] for row in rows}


@pytest.mark.parametrize("case", CASES, ids=[f"{c['check']}: {c['name']}" for c in CASES])
def test_a_check_finds_what_the_case_says(case):
    """Each case's sentence."""
    assert found_by(audit_of(case), case["check"]) == case["expect"]


def test_every_check_has_cases_that_fail_and_that_pass():
    """No check is without a case of each, nor without words for who reads its finding."""
    for name, one in CHECKS.items():
        found = [set(case["expect"].values()) for case in CASES if case["check"] == name]
        assert set() in found, name
        assert any("fail" in statuses for statuses in found), name
        assert all((one.title, one.rationale, one.action, one.data)), name
        assert len(one.cis) in (0, len(CIS_VERSIONS)), name


@pytest.mark.parametrize(
    ("name", "items"),
    [
        ("console-mfa", "v3.0 1.10, v4.0.1 1.10, v5.0 1.9, v6.0 2.9, v7.0 2.10"),
        ("second-key", "v3.0 1.13, v4.0.1 1.13, v5.0 1.12, v6.0 2.12"),
        ("no-group", ""),
    ],
)
def test_cis_items_are_named_by_version(name, items):
    """A version that dropped an item is left out."""
    assert CHECKS[name].cis_items == items


def test_a_finding_says_what_decided_it_where_it_comes_from_and_how_to_mend_it():
    """Data, source, age and a command whose values are safe for a shell."""
    user = {"name": "-rf", "keys": [{"id": "AKIA1", "age": 91, "used": 1}]}
    audit = audit_of({"users": [user]})
    row = audit.findings[audit.findings["check"] == "key-rotation"].iloc[0]
    assert row["data"] == "last_rotated=2026-08-25T12:00:00Z, age_days=91"
    assert row["source"] == "GetCredentialReport, ListAccessKeys"
    assert row["age_hours"] == 0
    assert "--user-name=-rf --access-key-id=AKIA1 --status=Inactive" in row["remedy"]


def test_ones_own_check_takes_three_lines(monkeypatch):
    """It is declared in a cell, and its findings come with the others."""
    monkeypatch.setattr("iamkit.audit.checks.registry.CHECKS", CHECKS)
    monkeypatch.delitem(CHECKS, "team-tag", raising=False)

    @check("team-tag", "Every user has a team", data=["tags"])
    def has_no_team(users, limits):
        return ~users.tags.str.contains("team=")

    try:
        audit = audit_of({"users": [{"name": "ann"}, {"name": "bob", "tags": {"team": "web"}}]})
        assert found_by(audit, "team-tag") == {"ann": "fail"}
    finally:
        del CHECKS["team-tag"]


def test_waivers_are_listed_with_their_state():
    """In force, expired, or matching nothing."""
    waivers = [
        {"check": "no-group", "principal": "ann", "reason": "guest", "until": "2027-01-01"},
        {"check": "no-group", "principal": "ann", "reason": "guest", "until": "2026-01-01"},
        {"check": "no-group", "principal": "zoe", "reason": "guest", "until": "2027-01-01"},
    ]
    audit = audit_of({"users": [{"name": "ann", "groups": []}], "waivers": waivers})
    assert audit.waivers["state"].tolist() == ["in force", "expired", "matches nothing"]
    assert audit.now == NOW


@pytest.mark.parametrize("principal", ["Ann", "ANN", "aN*"])
def test_a_waiver_names_a_principal_in_any_case(principal):
    """As IAM, which tells no two names apart by case."""
    waiver = {"check": "no-group", "principal": principal, "reason": "guest", "until": "2027-01-01"}
    audit = audit_of({"users": [{"name": "ann", "groups": []}], "waivers": [waiver]})
    assert audit.waivers["state"].tolist() == ["in force"]


def test_a_users_row_counts_its_findings_and_says_what_to_do_first():
    """Findings, worst severity and next action; a group of the same name counts elsewhere."""
    user = {"name": "ann", "password": {"used": 1, "changed": 9}, "mfa": False, "groups": []}
    audit = audit_of({"users": [user], "groups": [{"name": "ann"}]})
    row = audit.users.iloc[0]
    assert (row["findings"], row["worst_severity"]) == (2, "high")
    assert row["next_action"] == CHECKS["console-mfa"].action


def test_the_order_of_findings_is_stable_and_the_worst_come_first():
    """By severity, then check, principal and resource; the same again."""
    case = {"users": [{"name": n, "groups": [], "mfa": False, "password": {}} for n in "cba"]}
    found = audit_of(case).findings
    assert found.equals(audit_of(case).findings)
    assert found["severity"].is_monotonic_increasing


def test_a_check_leads_to_notebooks_that_there_are():
    """What its texts name by a number and words is in the table of notebooks."""
    texts = " ".join(f"{one.action} {one.by_hand}" for one in CHECKS.values())
    named = set(re.findall(r"\b\d\d_\w+", texts))
    assert {"08_sign_in_rules", "10_rotate_keys", "11_leavers"} <= named <= set(NOTEBOOKS)
