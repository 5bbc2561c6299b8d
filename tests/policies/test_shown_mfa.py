"""What a user holds with MFA, without and by a plain key: the set and each single request agree."""

import pytest
from accounts import ACCOUNT, account_of
from hypothesis import given, settings, strategies as st
from samples import scaled

from iamkit.policies.actions.catalogue import load_catalogue
from iamkit.policies.evaluation.shown_mfa import RequestsOfUsers

CATALOGUE = load_catalogue()
ASKED = (
    "ec2:DescribeInstances",
    "ec2:RunInstances",
    "s3:GetObject",
    "iam:ListUsers",
    "iam:GetUser",
)
SHOWN = ("with MFA", "without MFA", "not told", "plain key")
TESTS = [
    {},
    {},
    {"Bool": {"aws:MultiFactorAuthPresent": "true"}},
    {"Bool": {"aws:MultiFactorAuthPresent": "false"}},
    {"BoolIfExists": {"aws:MultiFactorAuthPresent": "true"}},
    {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}},
    {"Null": {"aws:MultiFactorAuthPresent": "true"}},
    {"NumericLessThan": {"aws:MultiFactorAuthAge": "3600"}},
    {"StringEquals": {"aws:username": "ann"}},
    {"StringNotEquals": {"aws:PrincipalTag/team": "blue"}},
    {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}},
]
statement = st.builds(
    lambda effect, element, actions, resource, test: {
        "Effect": effect,
        element: actions,
        "Resource": resource,
        **({"Condition": test} if test else {}),
    },
    st.sampled_from(["Allow", "Allow", "Deny"]),
    st.sampled_from(["Action", "Action", "NotAction"]),
    st.lists(
        st.sampled_from(["*", "ec2:*", "ec2:Describe*", "s3:*", "iam:*", "iam:Get*"]), min_size=1
    ),
    st.sampled_from(["*", "*", f"arn:aws:iam::{ACCOUNT}:user/${{aws:username}}"]),
    st.sampled_from(TESTS),
)
policies = st.lists(statement, min_size=1, max_size=4).map(
    lambda found: {"Version": "2012-10-17", "Statement": found}
)
HOW = {"allowed": "yes", "allowed in part": "yes", "depends": "perhaps"}


@given(policies, st.none() | policies, st.sampled_from(SHOWN))
@settings(max_examples=scaled(200, 5000), deadline=None)
def test_the_set_and_each_single_request_agree(own, bound, shown):
    """What is surely held is allowed somewhere; what is allowed is held, or may be."""
    arn = f"arn:aws:iam::{ACCOUNT}:policy/bound"
    ann = {"name": "ann", "groups": [], "inline": {"own": own}, "tags": {"team": "blue"}}
    state = account_of(
        {
            "users": [ann | ({"boundary": arn} if bound else {})],
            "policies": [{"arn": arn, "document": bound}] if bound else [],
        }
    )
    requests, user = RequestsOfUsers(state, CATALOGUE), state.users["ann"]
    reach = requests.holding(user, shown).reach
    for action in ASKED:
        bit = CATALOGUE.matching(action)
        said = HOW.get(requests.ask(user, action, "*", shown).effect, "no")
        if reach.always & bit:
            assert said == "yes", (action, said)
        if not reach.possible & bit:
            assert said == "no", (action, said)


@pytest.mark.parametrize(
    ("shown", "answer"),
    [("with MFA", "yes"), ("without MFA", "no"), ("not told", "perhaps"), ("plain key", "no")],
)
def test_mfa_is_what_decides(shown, answer):
    """A plain key shows none at all: Bool never finds it, and BoolIfExists counts it as none."""
    look = {"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}
    asks = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    denies = {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}
    for document in (
        {"Version": "2012-10-17", "Statement": [look | {"Condition": asks}]},
        {
            "Version": "2012-10-17",
            "Statement": [look, look | {"Effect": "Deny", "Condition": denies}],
        },
    ):
        state = account_of({"users": [{"name": "ann", "groups": [], "inline": {"own": document}}]})
        requests = RequestsOfUsers(state, CATALOGUE)
        found = requests.ask(state.users["ann"], "ec2:DescribeInstances", "*", shown)
        assert HOW.get(found.effect, "no") == answer
