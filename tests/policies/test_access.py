"""Who can do what in an account: asked of people, of roles, and of all at once."""

import numpy as np
import pytest
from accounts import ACCOUNT, account_of

from iamkit.errors import InputError
from iamkit.plan.access_changes import impact_of
from iamkit.plan.desired import DesiredGroup, DesiredUser
from iamkit.policies import allow, policy
from iamkit.policies.actions.catalogue import load_catalogue
from iamkit.policies.evaluation.access import permission_matrix, what_can, who_can
from iamkit.policies.evaluation.engine import Policies, evaluate
from iamkit.policies.evaluation.matrix import REACHES
from iamkit.policies.evaluation.request import Principal, Request
from iamkit.policies.lookup import find_policy

MFA = {"Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}}
OWN = allow("iam:CreateAccessKey", resource=f"arn:aws:iam::{ACCOUNT}:user/${{aws:username}}")
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/boundary"
STATE = account_of(
    {
        "groups": [
            {"name": "admins", "inline": {"all": policy(allow("*"))}},
            {"name": "team", "inline": {"own": policy(OWN)}},
        ],
        "users": [
            {"name": "alice", "groups": ["admins"]},
            {"name": "bob", "groups": ["admins"], "boundary": BOUNDARY},
            {"name": "carol", "inline": {"mfa": policy(allow("s3:GetObject") | MFA)}},
            {"name": "dave", "inline": {"b": policy(allow("s3:*", resource="arn:aws:s3:::b/*"))}},
            {"name": "erin", "attached": ["arn:aws:iam::aws:policy/Unread"]},
            {
                "name": "frank",
                "groups": ["admins"],
                "inline": {"no": policy(allow("s3:*") | {"Effect": "Deny"})},
            },
        ],
        "roles": [
            {
                "name": "app",
                "inline": {"s3": policy(allow("s3:GetObject"))},
                "trust": policy(
                    {
                        "Effect": "Allow",
                        "Action": "sts:AssumeRole",
                        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/carol"},
                    }
                ),
            }
        ],
        "policies": [{"arn": BOUNDARY, "document": policy(allow("s3:Get*", "ec2:*"))}],
    }
)


def rows(frame):
    return {row.principal: (row.answer, row.reach) for row in frame.itertuples()}


def test_who_can_read_objects_is_told_by_how_far_it_goes():
    """On everything, on some resources, under conditions, unknown; who is denied is not there."""
    found = rows(who_can(STATE, "s3:getobject"))
    assert found == {
        f"arn:aws:iam::{ACCOUNT}:root": ("allowed", "everything"),
        "alice": ("allowed", "everything"),
        "bob": ("allowed", "everything"),
        "carol": ("depends", "under conditions"),
        "dave": ("depends", "some resources"),
        "erin": ("cannot be told", "cannot be told"),
        "app": ("allowed", "everything"),
    }


def test_a_resource_and_a_context_make_the_answer_certain():
    """The bucket that dave has and another; carol with MFA and without."""
    with_mfa = {"aws:MultiFactorAuthPresent": "true"}
    found = rows(who_can(STATE, "s3:GetObject", "arn:aws:s3:::b/x", with_mfa))
    assert found["dave"] == found["carol"] == ("allowed", "some resources")
    without = {"aws:MultiFactorAuthPresent": None}
    found = rows(who_can(STATE, "s3:GetObject", "arn:aws:s3:::c/x", without))
    assert not {"dave", "carol"} & set(found)


def test_the_path_and_what_is_unknown_are_named():
    """By which group, policy and statement."""
    found = who_can(STATE, "s3:GetObject").set_index("principal")
    assert found.loc["alice", "path"] == "group admins > inline all > statement 1"
    assert found.loc["carol", "depends_on"] == "aws:MultiFactorAuthPresent"
    assert "Unread" in found.loc["erin", "depends_on"]


def test_a_policy_about_oneself_is_asked_for_each():
    """Everyone of the team may make a key for themselves, and for nobody else."""
    dave = f"arn:aws:iam::{ACCOUNT}:user/dave"
    found = rows(who_can(STATE, "iam:CreateAccessKey", dave))
    assert found["dave"] == ("allowed", "some resources")
    assert "carol" not in found
    assert found["alice"][0] == "allowed"
    assert "bob" not in found, "the boundary has no iam"


def test_a_role_is_assumed_by_whom_it_trusts():
    """Its trust policy names carol, which is enough; an admin it does not name may not."""
    found = rows(who_can(STATE, "sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/app"))
    assert found["carol"][0] == "allowed"
    assert "alice" not in found


def test_what_a_user_can_do_is_every_action_with_its_path():
    """A boundary narrows an administrator; a role can be asked too."""
    bob = what_can(STATE, "bob")
    assert set(bob["service"]) == {"s3", "ec2", "sts"}
    assert set(bob[bob["service"] == "s3"]["level"]) <= {"Read", "List"}
    assert (bob["reach"] == "everything").all()
    assert what_can(STATE, "app")["action"].tolist() == ["s3:GetObject", "sts:GetCallerIdentity"]
    with pytest.raises(InputError, match="did you mean bob"):
        what_can(STATE, "bobb")


@pytest.mark.parametrize(
    ("action", "resource", "expected"),
    [
        ("s3:GetObjekt", None, "did you mean"),
        ("s3:Nothing*", None, "no action"),
        ("s3:GetObject", "reports/x", "no ARN"),
    ],
)
def test_a_question_about_nothing_is_refused(action, resource, expected):
    """With a hint: an action that AWS has not, a pattern of none, a resource that is no ARN."""
    with pytest.raises(InputError, match=expected):
        who_can(STATE, action, resource)


def test_the_matrix_is_asked_about_one_action():
    """A pattern names many, each with a reach of its own."""
    with pytest.raises(InputError, match="ask for one"):
        permission_matrix(STATE).who("s3:*")


def test_the_matrix_is_what_single_evaluations_say():
    """Every user by a sample of actions: certain where it says so, possible where it says so."""
    matrix = permission_matrix(STATE)
    numbers = matrix.to_numpy()
    catalogue = load_catalogue()
    users = list(matrix.reaches)
    assert numbers.shape == (6, len(catalogue.actions))
    for number in range(0, len(catalogue.actions), 97):
        action = catalogue.actions[number]
        asked = rows(who_can(STATE, action))
        for row, user in enumerate(users):
            reach = REACHES[numbers[row, number]]
            answer = asked.get(user)
            assert (answer is not None) <= (reach != "nothing"), (user, action)
            if reach == "everything":
                assert answer == ("allowed", "everything"), (user, action)
    assert numbers.dtype == np.uint8
    assert matrix.counts().loc["frank", "everything"] > 20_000
    assert set(matrix.who("s3:GetObject")["user"]) == {"alice", "bob", "carol", "dave", "erin"}


def test_an_impact_is_told_for_each_member():
    """New to carol and dave, wider than before, and nothing for nobody."""
    wanted = DesiredGroup(name="team", inline_policies={"more": policy(allow("s3:GetObject"))})
    found = impact_of(STATE, wanted).set_index("user")
    assert found.loc["carol", ["new", "wider", "less"]].tolist() == [0, 1, 0]
    assert found.loc["dave", ["new", "wider", "less"]].tolist() == [0, 1, 0]
    other = DesiredUser(name="dave", inline_policies={"b": policy(allow("sqs:SendMessage"))})
    found = impact_of(STATE, other).set_index("user")
    assert found.loc["dave", "new"] == 1
    assert found.loc["dave", "less"] > 100
    assert found.loc["dave", "examples"] == "sqs:SendMessage"
    nobody = DesiredGroup(name="none", inline_policies={"x": policy(allow("*"))})
    assert impact_of(STATE, nobody).empty


def test_a_policy_is_found_by_the_name_a_person_would_say(tmp_path):
    """Of a holder, by name, by ARN, from a file; a near miss is hinted at."""
    assert find_policy(STATE, "group admins/all") == policy(allow("*"))
    assert find_policy(STATE, "boundary") == find_policy(STATE, BOUNDARY)
    file = tmp_path / "p.json"
    file.write_text('{"Version": "2012-10-17", "Statement": []}')
    with pytest.raises(InputError, match=r"p\.json: Statement is missing or empty"):
        find_policy(STATE, str(file))
    with pytest.raises(InputError, match="did you mean group admins/all"):
        find_policy(STATE, "group admin/all")


def test_who_cannot_be_bounded_away_is_not_said_to_be():
    """The evaluator itself says what the table says, for one."""
    request = Request(
        principal=Principal(f"arn:aws:iam::{ACCOUNT}:user/bob"),
        action="iam:CreateUser",
        resource="*",
        context={},
    )
    boundary = find_policy(STATE, BOUNDARY)
    decision = evaluate(
        request, Policies(identity={"all": policy(allow("*"))}, permissions_boundary=boundary)
    )
    assert decision.effect == "implicit deny"
    assert decision.because == "because no permissions boundary allows the iam:CreateUser action"
