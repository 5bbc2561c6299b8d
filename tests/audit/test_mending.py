"""From a finding to a desired state, and to an account in which it is gone."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from accounts import account_of

from iamkit.account.state import Group, Role
from iamkit.audit import CHECKS, Audit
from iamkit.audit.mending import Mend, wanted_by
from iamkit.errors import InputError
from iamkit.parameters.notebook import Thresholds, Waiver
from iamkit.plan.changes import make_plan
from iamkit.plan.preview import account_after

CASES = json.loads((Path(__file__).parent / "cases" / "checks.json").read_text())
MENDABLE = sorted(name for name, one in CHECKS.items() if one.way != "by hand")
CHOICES = {"group": "ok-team", "role": "ok-role", "": ""}
LOOK = {"Statement": [{"Effect": "Allow", "Action": "ec2:Describe*", "Resource": "*"}]}


def audit_of(case):
    """A case's account with a group and a role to choose."""
    state = account_of(case)
    groups = {**state.groups, "ok-team": Group(name="ok-team", inline_policies={"look": LOOK})}
    roles = {**state.roles, "ok-role": Role(name="ok-role")}
    waivers = [Waiver(**one) for one in case.get("waivers", ())]
    thresholds = Thresholds(**case.get("thresholds", {}))
    return Audit(replace(state, groups=groups, roles=roles), thresholds, waivers)


def names_of(audit):
    """The findings that fail, by check, principal and resource."""
    return {
        (one.check.id, one.principal, one.resource)
        for one in audit.found
        if one.status == "fail" and one.principal != "ok-team"
    }


BRINGS = {"direct-permissions": {"unused-policy"}, "admin-by-own": {"unused-policy"}}
"""What a remedy may bring, as the check's reading says."""
FAILING = [
    case
    for case in CASES
    if CHECKS[case["check"]].way != "by hand" and "fail" in case["expect"].values()
]


@pytest.mark.parametrize("case", FAILING, ids=[f"{c['check']}: {c['name']}" for c in FAILING])
def test_a_remedy_ends_its_finding_and_brings_no_other(case):
    """In every case of every check that can be mended, with the choice made."""
    audit = audit_of(case)
    check, begun = CHECKS[case["check"]], names_of(audit)
    ticked = [
        Mend(check=name, principal=who, resource=what, choice=choice_of(check))
        for name, who, what in begun
        if name == check.id and not what.startswith("key ")
    ]
    plan = make_plan(audit.state, wanted_by(audit, audit.found, ticked))
    assert not plan.blockers
    after = audit.of(account_after(audit.state, plan.changes))
    gone = {(one.check, one.principal, one.resource) for one in ticked}
    assert gone
    assert not gone & names_of(after)
    brought = {name for name, *_ in names_of(after) - begun}
    assert brought <= BRINGS.get(check.id, set())
    assert all(name in check.reading for name in brought)


def choice_of(check):
    return CHOICES[check.remedy.choice]


def test_every_check_that_can_be_mended_has_a_case():
    """So that none is forgotten; and every other says why not."""
    assert {case["check"] for case in FAILING} == set(MENDABLE)
    for name, one in CHECKS.items():
        assert (one.way == "by hand") == bool(one.by_hand), name


def test_the_commands_of_a_finding_are_the_plans():
    """What a remedy prints is what its plan would do."""
    for case in FAILING:
        audit = audit_of(case)
        for one in audit.found:
            remedy = one.check.remedy
            if isinstance(remedy, str) or remedy.choice or one.status != "fail":
                continue
            if one.resource.startswith("key "):
                assert one.remedy.startswith("aws iam list-access-keys")
                continue
            mend = Mend(check=one.check.id, principal=one.principal, resource=one.resource)
            plan = make_plan(audit.state, wanted_by(audit, audit.found, [mend]))
            assert one.remedy == "\n".join(plan.commands)


KEYS = [{"id": "AKIA1", "age": 200, "used": 100}, {"id": "AKIA2", "age": 150, "used": 1}]
ACCOUNT = {
    "users": [
        {"name": "ann", "groups": [], "keys": KEYS, "password": {"used": 400, "changed": 400}},
        {"name": "bob", "groups": ["dev"]},
    ],
    "groups": [{"name": "dev"}],
}


@pytest.mark.parametrize(
    ("mend", "said"),
    [
        (Mend(check="unused-password", principal="ann"), "a person must do it"),
        (Mend(check="no-group", principal="ann"), r"choose a group \(choice\)"),
        (Mend(check="no-group", principal="ann", choice="devs"), "did you mean dev"),
        (Mend(check="unused-key", principal="ann", resource="AKIA1"), "who applies"),
    ],
)
def test_what_cannot_be_mended_so_is_refused(mend, said):
    """By hand, without its choice, or of who applies."""
    audit = audit_of(ACCOUNT)
    spared = ["ann"] if mend.check == "unused-key" else []
    with pytest.raises(InputError, match=said):
        wanted_by(audit, audit.found, [mend], spared)


@pytest.mark.parametrize(
    ("mend", "said"),
    [
        (Mend(check="unused-key", principal="anne", resource="AKIA1"), "did you mean ann"),
        (Mend(check="unused-keys", principal="ann"), "did you mean unused-key"),
    ],
)
def test_a_slip_is_not_a_finding_that_is_gone(mend, said):
    """A user or a check that there is not is named, with what is near."""
    audit = audit_of(ACCOUNT)
    with pytest.raises(InputError, match=said):
        wanted_by(audit, audit.found, [mend])


def test_a_policy_that_denies_is_not_taken_away_with_the_others():
    """By it AWS, or somebody, barred the user."""
    deny = {"Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}
    barred = {"name": "bob", "groups": ["dev"], "inline": {"own": LOOK, "barred": deny}}
    audit = audit_of({**ACCOUNT, "users": [barred]})
    mend = Mend(check="direct-permissions", principal="bob", choice="ok-team")
    plan = make_plan(audit.state, wanted_by(audit, audit.found, [mend]))
    gone = [c.arguments.get("PolicyName") for c in plan.changes if c.verb == "delete"]
    assert gone == ["own"]


def test_one_of_two_keys_is_named_by_its_id():
    """The other stays."""
    audit = audit_of(ACCOUNT)
    mend = Mend(check="unused-key", principal="ann", resource="AKIA1")
    [change] = make_plan(audit.state, wanted_by(audit, audit.found, [mend])).changes
    assert change.arguments == {"UserName": "ann", "AccessKeyId": "AKIA1", "Status": "Inactive"}


def test_what_is_mended_already_needs_nothing():
    """A parameters file may name yesterday's findings."""
    audit = audit_of(ACCOUNT)
    mend = Mend(check="empty-group", principal="gone")
    assert make_plan(audit.state, wanted_by(audit, audit.found, [mend])).changes == ()


def test_several_mends_are_one_plan():
    """A user who joins a group and loses a key is one user of one plan."""
    audit = audit_of(ACCOUNT)
    mends = [
        Mend(check="no-group", principal="ann", choice="dev"),
        Mend(check="unused-key", principal="ann", resource="AKIA1"),
        Mend(check="password-length", principal=audit.state.account_id),
    ]
    desired = wanted_by(audit, audit.found, mends)
    assert len(desired.users) == 1
    assert {change.operation for change in make_plan(audit.state, desired).changes} == {
        "add_user_to_group",
        "update_access_key",
        "update_account_password_policy",
    }
