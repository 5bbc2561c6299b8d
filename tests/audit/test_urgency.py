"""What comes first of the findings: one line a check, the worst first, without what is waived."""

from accounts import account_of

from iamkit.audit import Audit
from iamkit.audit.priorities import count_findings, most_urgent
from iamkit.parameters.notebook import Waiver

NO_MFA = {"password": {"used": 1}, "mfa": False, "groups": ["dev"]}
CASE = {
    "users": [{"name": "<b>ann", **NO_MFA}, {"name": "bob", **NO_MFA}, {"name": "eve"}],
    "groups": [{"name": "dev"}],
}


def waiver(check):
    return Waiver(check=check, principal="*", reason="known", until="2099-12-31")


def test_a_check_that_fails_for_many_is_one_line():
    """With the first of whom it concerns, how many more, what should be, and what to do."""
    findings = Audit(account_of(CASE)).findings
    found = most_urgent(findings)
    assert [one.severity for one in found] == sorted(
        (one.severity for one in found), key=["critical", "high", "medium", "low"].index
    )
    (mfa,) = (one for one in most_urgent(findings, 99) if "MFA" in one.expected and one.more)
    assert (mfa.who, mfa.more, mfa.severity) == ("<b>ann", 1, "high")
    assert mfa.action.startswith("Have them turn on MFA")
    assert len(found) == 3


def test_what_is_waived_is_neither_shown_nor_counted():
    """Every check that fails is accepted, so nothing is left."""
    findings = Audit(account_of(CASE)).findings
    waivers = [waiver(check) for check in findings["check"].unique()]
    waived = Audit(account_of(CASE), waivers=waivers).findings
    assert len(most_urgent(findings)) == 3
    assert most_urgent(waived) == []
    assert sum(number for word, number in count_findings(waived).items() if word != "unknown") == 0


def test_what_is_unknown_is_counted_apart():
    """Without the credential report, much cannot be told, and none of that is a failure."""
    case = CASE | {"sources": {"GetCredentialReport": "unknown"}}
    counts = count_findings(Audit(account_of(case)).findings)
    assert counts["unknown"] > 0
    assert list(counts) == ["critical", "high", "medium", "low", "unknown"]
